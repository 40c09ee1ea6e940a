package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/redact"
)

func TestAnswersAreFoundByServiceAndTimeAndForgotten(t *testing.T) {
	t.Parallel()
	b := setup(t)
	start := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	save := func(service, message, verdict string, after time.Duration) {
		t.Helper()
		p := card.Posted{At: card.Address{Kind: "slack", Channel: "C1", Message: message}, Card: card.Card{Verdict: redact.F("%s", verdict)}, When: start.Add(after)}
		if err := b.SaveAnswer(t.Context(), service, p); err != nil {
			t.Fatal(err)
		}
	}
	found := func(limit int) []string {
		t.Helper()
		list, err := b.AnswersOf(t.Context(), "backend", start.Add(-time.Hour), start.Add(10*time.Hour), limit)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, p := range list {
			out = append(out, p.At.Message+" "+p.Card.Verdict.String())
		}
		return out
	}
	save("backend", "1", "first", 0)
	save("backend", "2", "second", time.Minute)
	save("frontend", "3", "another service", time.Minute)
	save("backend", "4", "later than was asked for", 11*time.Hour)
	save("backend", "1", "first, anew", 2*time.Minute)
	if diff := cmp.Diff([]string{"1 first, anew", "2 second"}, found(10)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := found(1); len(got) != 1 {
		t.Errorf("got %q, want one", got)
	}
	save("frontend", "5", "two days on", 48*time.Hour+90*time.Second)
	if diff := cmp.Diff([]string{"1 first, anew"}, found(10)); diff != "" {
		t.Errorf("what is old is kept (-want +got):\n%s", diff)
	}
}
