package handlers_test

import (
	"strings"
	"testing"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/plan"
)

// button is what a click on that button of a card sends.
func button(t *testing.T, c card.Card, verb string) (seen string) {
	t.Helper()
	for _, b := range c.Buttons {
		if b.Verb == verb {
			_, seen, _ = strings.Cut(b.Value, "|")
			return seen
		}
	}
	t.Fatalf("no button %s on %+v", verb, c)
	return ""
}

func TestTheCardOfAMilderBlastRadiusDecidesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.proposed(t)
	shown := func() card.Card {
		t.Helper()
		if err := b.Announce(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		all := b.chat.all()
		for i := range all {
			if m := all[len(all)-1-i]; m.op == "update" || m.op == "say" {
				if len(m.card.Buttons) > 0 && m.card.Buttons[0].Verb == "approve" {
					return m.card
				}
			}
		}
		t.Fatal("no card was shown")
		return card.Card{}
	}
	click := func(seen string) string {
		t.Helper()
		return b.incoming(t, handlers.Incoming{From: slack("bob"), Text: "approve " + r.ID, Seen: seen,
			Where: card.Address{Kind: "slack", Team: team, Channel: "COPS", User: slack("bob").User}}).Verdict.String()
	}
	mild := button(t, shown(), "approve")
	click(mild)
	b.cluster.replan = func(p plan.Plan) (plan.Plan, error) {
		p.Blast.LastHealthy = true
		return p, nil
	}
	if err := b.Execute(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if got := b.rows.get(t, r.ID); got.State != approval.Pending || got.Digest != r.Digest {
		t.Fatalf("got %s, the same digest: %v; want pending under the same digest", got.State, got.Digest == r.Digest)
	}
	if said := click(mild); !strings.Contains(said, "changed since your card was made") {
		t.Errorf("a click on the old card was answered with %q", said)
	}
	if got := b.rows.get(t, r.ID).State; got != approval.Pending {
		t.Fatalf("after a click on the old card: %s", got)
	}
	click(button(t, shown(), "approve"))
	if got := b.rows.get(t, r.ID).State; got != approval.Approved {
		t.Errorf("after a click on the new card: %s", got)
	}
}

func TestWhatWasNotDoneOrNobodyKnowsOffersNoUndo(t *testing.T) {
	t.Parallel()
	for state, want := range map[approval.State]bool{approval.Pending: true, approval.Succeeded: true, approval.Failed: true,
		approval.Unknown: false, approval.NotStarted: false, approval.Denied: false, approval.Expired: false, approval.Cancelled: false} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := b.proposed(t)
			if _, err := b.rows.Change(t.Context(), r.ID, "test", func(r *approval.Request) error { r.State = state; return nil }); err != nil {
				t.Fatal(err)
			}
			if err := b.Announce(t.Context(), r.ID); err != nil {
				t.Fatal(err)
			}
			offered := false
			for _, m := range b.chat.all() {
				for _, p := range m.card.Parts {
					for _, f := range p.Facts {
						offered = offered || f.Label.String() == "Undo"
					}
				}
			}
			if offered != want {
				t.Errorf("the card speaks of an undo: %v, want %v", offered, want)
			}
		})
	}
}
