package handlers_test

import (
	"fmt"
	"strings"
	"testing"
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
