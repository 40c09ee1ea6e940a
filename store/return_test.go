package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/store"
)

// carriedOut is a change that has been carried out and returns after a time, 0 for never.
func carriedOut(t *testing.T, b *testBundle, id string, returns time.Duration) {
	t.Helper()
	r := request(t, id, b.clock.now())
	r.Plan.Returns = returns
	r.Digest = r.Plan.Digest()
	if _, err := b.Propose(t.Context(), "key-"+id, r, origin, time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Change(t.Context(), id, "bob", approve(b)); err != nil {
		t.Fatal(err)
	}
	for _, to := range []approval.State{approval.Executing, approval.Applied} {
		if n := jobs(t, b.url, "return"); n != 0 {
			t.Errorf("%d timers before anything was changed", n)
		}
		if _, err := b.Change(t.Context(), id, "svcdown", move(b, to)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTheTimerOfAReturnIsSetWithTheChange(t *testing.T) {
	t.Parallel()
	b := setup(t)
	carriedOut(t, b, "R-1", 30*time.Minute)
	if n := count(t, b.url, "select count(*) from river_job where kind = 'return' and args @> '{\"id\": \"R-1\"}' and scheduled_at = $1", b.clock.now().Add(30*time.Minute)); n != 1 {
		t.Errorf("%d timers are set for the time, want 1", n)
	}
	// The verification moves the state on; the timer stays the one.
	if _, err := b.Change(t.Context(), "R-1", "svcdown", move(b, approval.Succeeded)); err != nil {
		t.Fatal(err)
	}
	if n := jobs(t, b.url, "return"); n != 1 {
		t.Errorf("%d timers, want 1", n)
	}
}

func TestAChangeThatStaysHasNoTimer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	carriedOut(t, b, "R-1", 0)
	if n := jobs(t, b.url, "return"); n != 0 {
		t.Errorf("%d timers, want none", n)
	}
}

func TestATimerThatIsDueCallsItsBodyUntilItSucceeds(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.clock.move(-time.Hour)
	carriedOut(t, b, "R-1", 30*time.Minute)
	var c calls
	start(t, b.Store, store.Jobs{Return: func(_ context.Context, id string) error {
		if c.add(id) == 1 {
			return &approval.Later{}
		}
		return nil
	}})
	eventually(t, "the body is called again", 30*time.Second, func() bool { return c.of("R-1") == 2 })
	eventually(t, "the timer is done", 10*time.Second, func() bool {
		return count(t, b.url, "select count(*) from river_job where kind = 'return' and state = 'completed'") == 1
	})
}
