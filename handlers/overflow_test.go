package handlers_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

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

func TestAWorseAlertRaisesAnIncidentAndPagesAnew(t *testing.T) {
	t.Parallel()
	for name, service := range map[string]string{"the common one": "", "one of a service": "backend"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupIncidents(t)
			alert := func(n, severity int) incident.Alert {
				return incident.Alert{Fingerprint: fmt.Sprint(n), Status: incident.Firing, Source: "alertmanager", Service: service, Severity: severity,
					Labels: map[string]string{"alertname": fmt.Sprintf("Made up %02d", n)}}
			}
			take := func(alerts ...incident.Alert) incident.Receipt {
				t.Helper()
				receipt, err := b.TakeAlerts(t.Context(), alerts)
				if err != nil {
					t.Fatal(err)
				}
				return receipt
			}
			var first []incident.Alert
			for n := range incident.MaxOfNoService + 1 {
				first = append(first, alert(n, 3))
			}
			opened := take(first...).Opened
			id := opened[len(opened)-1]
			if service != "" {
				b.judge(t, id)
			}
			b.climbs(t, id)
			b.says(t, "bob", "ack "+id)
			b.wait(time.Minute)
			if got := take(alert(20, 2), alert(21, 4)); !cmp.Equal(got.Touched, []string{id}) {
				t.Fatalf("the receipt is %+v, want %s touched", got, id)
			}
			i := b.get(t, id)
			if i.Severity != 2 || i.Climb.Stopped || i.Next.After(b.now()) {
				t.Errorf("severity %d, taken %v, due at %s", i.Severity, i.Climb.Stopped, i.Next)
			}
			b.climbs(t, id)
			if diff := cmp.Diff([]string{"level:1:1 alice+bob", "level:2:1 alice+bob"}, b.pager.keys()); diff != "" {
				t.Errorf("paged (-want +got):\n%s", diff)
			}
			if got := b.pager.pages[len(b.pager.pages)-1]; got.Severity != 2 || service == "" && !strings.HasPrefix(got.What.String(), "Made up 10, Made up 20, Made up 21.") {
				t.Errorf("the page says severity %d, %q", got.Severity, got.What)
			}
			if said := b.chat.in(i.Room); !strings.Contains(strings.Join(said, "\n"), "Level 1 is called (oncall), because Made up 20 fires.") {
				t.Errorf("the channel reads %q", said)
			}
			// Whoever looks at it decides, until something worse comes.
			b.says(t, "bob", "ack "+id)
			b.says(t, "bob", "severity "+id+" 4")
			take(alert(20, 2), alert(22, 3))
			b.climbs(t, id)
			if i := b.get(t, id); i.Severity != 4 || !i.Climb.Stopped || len(b.pager.keys()) != 2 {
				t.Errorf("severity %d, taken %v, paged %q", i.Severity, i.Climb.Stopped, b.pager.keys())
			}
			if n := b.timelineHas(t, id, "Severity 3 → 2, because Made up 20 fires. The escalation begins anew"); n != 1 {
				t.Errorf("the timeline says so %d times", n)
			}
		})
	}
}
