package pagerduty_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/integrations/pagerduty"
	"github.com/svcdown/svcdown/integrations/pagerduty/pdtest"
)

const token = "u+RestKey-99"

func TestWhoIsOnCallComesFromTheScheduleOrThePolicy(t *testing.T) {
	t.Parallel()
	pd := pdtest.New()
	t.Cleanup(pd.Close)
	pd.SetOnCall(token, map[string][]string{"PSCHED1": {"alice@example.com", "bob@example.com"}, "PPOLICY": {"carol@example.com"}})
	account, err := pagerduty.NewAccount(pd.URL, token, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	end := time.Date(2026, 11, 30, 9, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		name string
		rota pagerduty.Rota
		want []pagerduty.OnCall
	}{
		{"a schedule, however many levels it stands on", pagerduty.Rota{Schedule: "PSCHED1"}, []pagerduty.OnCall{{"alice", "alice@example.com", end}, {"bob", "bob@example.com", end}}},
		{"one level of a policy", pagerduty.Rota{Policy: "PPOLICY", Level: 2}, []pagerduty.OnCall{{"carol", "carol@example.com", end}}},
		{"a level that the policy does not have", pagerduty.Rota{Policy: "PPOLICY", Level: 3}, nil},
	} {
		got, err := account.OnCalls(t.Context(), tc.rota)
		if diff := cmp.Diff(tc.want, got); diff != "" || err != nil {
			t.Errorf("%s: on call (-want +got):\n%s%v", tc.name, diff, err)
		}
	}
	pd.SetOnCall("another", nil)
	if _, err := account.OnCalls(t.Context(), pagerduty.Rota{Schedule: "PSCHED1"}); err == nil || strings.Contains(err.Error(), token) {
		t.Errorf("got %v, want a refusal without the token in it", err)
	}
	if _, err := pagerduty.NewAccount("", "two words", time.Now); err == nil || strings.Contains(err.Error(), "words") {
		t.Errorf("got %v, want a refusal that does not quote the key", err)
	}
}
