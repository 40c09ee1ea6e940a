package handlers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/incident"
)

func TestTheCommonIncidentSaysWhatItStandsFor(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	const hostile = "<!channel> *Disk*"
	var batch []incident.Alert
	for n := range 40 {
		name := fmt.Sprintf("Made up %02d", n)
		if n == incident.MaxOfNoService {
			name = "Made up 10 " + hostile
		}
		batch = append(batch, incident.Alert{Fingerprint: fmt.Sprint(n), Status: incident.Firing, Source: "alertmanager", Service: "of nobody", Labels: map[string]string{"alertname": name}})
	}
	receipt, err := b.TakeAlerts(t.Context(), batch)
	if err != nil || len(receipt.Opened) != incident.MaxOfNoService+1 || receipt.Firing != len(batch) {
		t.Fatalf("the receipt is %+v, %v", receipt, err)
	}
	id := receipt.Opened[incident.MaxOfNoService]
	b.judge(t, id)
	b.shown(t, id)
	facts := map[string]string{}
	for _, m := range b.chat.all() {
		if !strings.HasPrefix(m.card.Title.String(), id) {
			continue
		}
		for _, p := range m.card.Parts {
			for _, f := range p.Facts {
				facts[f.Label.String()] = f.Value.String()
			}
		}
	}
	if got := facts["Alerts"]; got != "30 firing of 30, delivered 30 times" {
		t.Errorf("the header counts %q", got)
	}
	const want = "Made up 11, Made up 12, Made up 13, Made up 14, Made up 15, Made up 16, Made up 17, Made up 18, Made up 19 and others. They name no service of svcdown.yaml, and such alerts had opened 10 incidents within 10 min"
	if got := facts["Stands for"]; got != "Made up 10 "+hostile+", "+want {
		t.Errorf("the header stands for %q", got)
	}
	if n := b.timelineHas(t, id, "25 others firing. Firing now: 30 of 30"); n != 1 {
		t.Errorf("the timeline has the alerts %d times", n)
	}
}
