package handlers_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
)

// shownCards remembers cards in memory.
type shownCards struct {
	mu   sync.Mutex
	list []card.Posted
	down bool
}

func (a *shownCards) SaveAnswer(_ context.Context, _ string, p card.Posted) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.down {
		return approval.ErrUnavailable
	}
	a.list = append([]card.Posted{p}, a.list...)
	return nil
}

func (a *shownCards) AnswersOf(_ context.Context, _ string, after, before time.Time, limit int) ([]card.Posted, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []card.Posted
	for _, p := range a.list {
		if p.When.After(after) && p.When.Before(before) && len(out) < limit {
			out = append(out, p)
		}
	}
	return out, nil
}

func TestACardSaysWhatWasDoneSinceAndOffersItNoMore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		action  catalog.Action
		to      approval.State
		state   card.State
		verdict string
		says    string
		primary string
	}{
		"it worked":             {catalog.Rollback, approval.Succeeded, card.OK, "backend: rollback worked at 12:07 UTC. Before it: 2 of 3", "Since then: rollback worked at 12:07 UTC; asked by @alice, approved by @bob [R-", "status backend"},
		"it is being watched":   {catalog.Rollback, approval.Applied, card.Fail, "2 of 3 pods crash", "Since then: rollback was carried out at 12:07 UTC and is being watched", "status backend"},
		"it did not help":       {catalog.Restart, approval.Failed, card.Fail, "2 of 3 pods crash", "Since then: restart was carried out, but did not help (12:07 UTC)", "status backend"},
		"nothing was changed":   {catalog.Rollback, approval.Denied, card.Fail, "2 of 3 pods crash", "", "rollback backend --revision 2"},
		"it was something else": {catalog.SetEnv, approval.Succeeded, card.Fail, "2 of 3 pods crash", "", "rollback backend --revision 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.Config.Answers = &shownCards{}
			b.cluster.findings = crashingSince3
			b.says(t, "alice", "status backend")
			r := b.approved(t)
			b.wait(7 * time.Minute)
			if _, err := b.rows.Change(t.Context(), r.ID, "test", func(r *approval.Request) error {
				r.Plan.Action, r.State, r.DecidedAt = c.action, c.to, b.now()
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			for range 2 { // announcing is repeated whenever it is in doubt
				if err := b.Announce(t.Context(), r.ID); err != nil {
					t.Fatal(err)
				}
			}
			var got card.Card
			for _, m := range b.chat.all() {
				if (m.op == "say" || m.op == "update") && strings.HasPrefix(m.card.Title.String(), "backend · ") {
					got = m.card
				}
			}
			if got.State != c.state || !strings.Contains(got.Verdict.String(), c.verdict) {
				t.Errorf("got %s %q, want %s %q", got.State, got.Verdict, c.state, c.verdict)
			}
			if n := strings.Count(words(got), "Since then: "); n != strings.Count(c.says, "Since then: ") || !strings.Contains(words(got), c.says) {
				t.Errorf("want %q once in:\n%s", c.says, words(got))
			}
			for i, button := range got.Buttons {
				if primary := button.Style == card.Primary; primary != (i == 0) || primary && button.Verb+" "+button.Value != c.primary {
					t.Errorf("button %d is %+v, want %q alone as the primary one", i, button, c.primary)
				}
				if c.says != "" && (button.Verb == "rollback" || button.Verb == "restart") {
					t.Errorf("it still offers %s", button.Label)
				}
			}
		})
	}
}

func TestACardThatCannotBeRememberedIsShownAllTheSame(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.Config.Answers = &shownCards{down: true}
	b.cluster.findings = crashingSince3
	b.says(t, "alice", "status backend")
	if got := b.chat.in("COPS"); len(got) == 0 || !strings.Contains(got[0], "2 of 3 pods crash") {
		t.Errorf("said %q", got)
	}
}

func TestADeletedCardHoldsUpNoAnnouncement(t *testing.T) {
	t.Parallel()
	b := setup(t)
	kept := &shownCards{}
	b.Config.Answers = kept
	b.cluster.findings = crashingSince3
	b.says(t, "alice", "status backend")
	kept.list[0].At.Channel, b.chat.deleted = "CDELETED", []string{"CDELETED"}
	if err := b.Announce(t.Context(), b.applied(t).ID); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestWhatWasBeingWatchedDoesNotLookAsIfItWentOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.applied(t)
	if err := b.Announce(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if err := b.Watch(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if err := b.Announce(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	now := map[string]card.Card{} // by message
	said := []string{}
	for _, m := range b.chat.all() {
		if m.op == "say" || m.op == "update" {
			now[m.at.Message] = m.card
		}
		if m.op == "say" {
			said = append(said, m.card.Verdict.String())
		}
	}
	for _, c := range now {
		if c.State == card.Running {
			t.Errorf("it still says %q", c.Verdict)
		}
	}
	if last := said[len(said)-1]; !strings.Contains(last, "Restart of backend worked") {
		t.Errorf("how it ended was not said anew, but last %q", last)
	}
}
