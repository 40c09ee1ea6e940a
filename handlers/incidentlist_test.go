package handlers_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

func TestMoreIncidentsThanACardHoldsAreCountedAllTheSame(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	for n := range 25 {
		b.past(t, fmt.Sprintf("I-AAAA%02d", n), fmt.Sprintf("service-%d", n), "slow", 3, 0, 0)
	}
	got := b.chatAt(t, "COPS", "alice", "incidents")
	if got.Verdict.String() != "Open: 25 incidents." || len(got.Parts) != 20 || len(got.Notes) != 1 || !strings.Contains(got.Notes[0].String(), "and 5 more") {
		t.Errorf("said %q with %d lines and %q", got.Verdict, len(got.Parts), got.Notes)
	}
	home := b.Home(t.Context(), slack("alice"))
	if lack := lacks(home.Verdict.String()+cardText(home), "Open: 25 incidents", "and 15 more"); lack != nil {
		t.Errorf("the home tab lacks %q: %s\n%s", lack, home.Verdict, cardText(home))
	}
}

func TestAFailingStatusCardOpensAnIncidentAfterAQuestion(t *testing.T) {
	t.Parallel()
	for status, want := range map[finding.Status]bool{finding.Fail: true, finding.OK: false} {
		b := setupIncidents(t)
		b.cluster.findings = func(func(finding.Finding)) []finding.Finding {
			return checks(finding.Finding{Check: "pods", Status: status, Line: redact.Const("pods")})
		}
		b.says(t, "alice", "status backend")
		pressed := false
		for _, button := range b.chat.all()[0].card.Buttons {
			if button.Verb != "incident" {
				continue
			}
			pressed = true
			if button.Confirm == nil {
				t.Error("it does not ask before people are woken")
			}
			b.says(t, "alice", button.Verb+" "+button.Value)
		}
		open, err := b.store.Incidents(t.Context(), false, 10)
		if pressed != want || err != nil || (len(open) == 1 && open[0].Service == "backend") != want {
			t.Errorf("a card that is %v: pressed %v, open %+v, %v", status, pressed, open, err)
		}
	}
}
