package handlers_test

import (
	"strings"
	"testing"

	"github.com/svcdown/svcdown/incident"
)

func TestWhatChecksSayInTheChannelStandsOnTheTimeline(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	b.inRoom(t, i, "bob", "status backend")
	if n := b.timelineHas(t, i.ID, "status backend: backend"); n != 1 {
		t.Errorf("the timeline tells %d times what the checks said", n)
	}
	if got := b.get(t, i.ID).Verdict.String(); !strings.HasPrefix(got, "backend") {
		t.Errorf("the header says %q", got)
	}
	// Elsewhere, and when it is over, it is nobody's story.
	b.says(t, "bob", "status backend")
	b.inRoom(t, i, "bob", "resolve anyway")
	b.inRoom(t, i, "bob", "status backend")
	if n := b.timelineHas(t, i.ID, "status backend: backend"); n != 1 {
		t.Errorf("the timeline tells %d times what the checks said", n)
	}
}

func TestTheCardOfALevelSaysWhoTookIt(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	b.climbs(t, i.ID)
	b.inRoom(t, i, "bob", "ack")
	for range 2 {
		b.shown(t, i.ID)
	}
	edits := 0
	for _, m := range b.chat.all() {
		if m.op != "update" || !strings.Contains(m.card.Title.String(), "level 1") {
			continue
		}
		edits++
		var text []string
		for _, p := range m.card.Parts {
			text = append(text, p.Text.String())
			if p.Item != nil {
				text = append(text, p.Item.Line.String())
			}
		}
		if all := strings.Join(text, "\n"); !strings.Contains(all, "bob took it at 12:00 UTC.") || !strings.Contains(all, "Follow the runbook") || len(m.card.Buttons) > 0 {
			t.Errorf("it became %q with %v", all, m.card.Buttons)
		}
	}
	if edits != 1 {
		t.Errorf("the card was edited %d times, want once", edits)
	}
}

func TestAlertsThatWereLeftOutAreSaid(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	const left = "30 more alerts were left out"
	receipt, err := b.TakeAlerts(t.Context(), []incident.Alert{{Fingerprint: "1", Status: incident.Firing, Service: "backend", Source: "alertmanager",
		Labels: map[string]string{"alertname": "ServiceDown"}, Annotations: map[string]string{incident.LeftOutAnnotation: left}}})
	if err != nil {
		t.Fatal(err)
	}
	id := receipt.Opened[0]
	b.judge(t, id)
	b.shown(t, id)
	header := ""
	for _, m := range b.chat.all() {
		for _, p := range m.card.Parts {
			for _, f := range p.Facts {
				if f.Label.String() == "Not all alerts came" {
					header = f.Value.String()
				}
			}
		}
	}
	if header != left || b.timelineHas(t, id, left) != 1 {
		t.Errorf("the header says %q", header)
	}
}
