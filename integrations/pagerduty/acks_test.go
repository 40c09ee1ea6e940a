package pagerduty_test

import (
	"testing"
	"time"

	"github.com/svcdown/svcdown/integrations/pagerduty"
)

func TestWhoTookAPageIsKnownByItsKey(t *testing.T) {
	t.Parallel()
	pd, _, pager := setup(t)
	pd.SetOnCall(token, nil)
	account, err := pagerduty.NewAccount(pd.URL, token, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []int{1, 2} {
		if err := pager().Page(t.Context(), page(1, p)); err != nil {
			t.Fatal(err)
		}
	}
	takenBy := func(round int, want string) {
		t.Helper()
		if got, err := account.TakenBy(t.Context(), page(1, round)); got != want || err != nil {
			t.Errorf("page of round %d: taken by %q, %v, want %q", round, got, err, want)
		}
	}
	takenBy(1, "")
	pd.End()
	takenBy(2, "")                       // by no person
	pd.Take("acknowledged", "Bob Meyer") // the newest
	takenBy(1, "")                       // another page of the same incident
	takenBy(2, "Bob Meyer")
	pd.Take("resolved", "Alice Ito")
	takenBy(2, "Bob Meyer")
	if p := pd.Problems(); len(p) > 0 {
		t.Errorf("PagerDuty would refuse: %v", p)
	}
	pd.Down(true)
	if by, err := account.TakenBy(t.Context(), page(1, 2)); by != "" || err == nil {
		t.Errorf("got %q, %v, want an error", by, err)
	}
}
