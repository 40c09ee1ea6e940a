package store_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/store"
)

// calls counts the calls of job bodies.
type calls struct {
	mu sync.Mutex
	n  map[string]int
}

func (c *calls) add(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.n == nil {
		c.n = map[string]int{}
	}
	c.n[what]++
	return c.n[what]
}

func (c *calls) of(what string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.n[what]
}

func start(t *testing.T, s *store.Store, j store.Jobs) {
	t.Helper()
	if err := s.Start(t.Context(), j); err != nil {
		t.Fatalf("start: %v", err)
	}
}

func TestTwoBotsWorkEachJobOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := open(t, b.url, b.clock.now)
	var c calls
	body := func(kind string) func(context.Context, string) error {
		return func(_ context.Context, id string) error { c.add(kind + " " + id); return nil }
	}
	j := store.Jobs{Execute: body("execute"), Announce: body("announce"),
		Inbox: func(_ context.Context, key, kind string, payload []byte) error {
			c.add("inbox " + key + " " + kind + " " + string(payload))
			return nil
		}}
	start(t, b.Store, j)
	start(t, other, j)
	for i := range 20 {
		id := fmt.Sprintf("R-%d", i)
		approved(t, b, id)
		for range 2 { // Slack delivers twice
			if _, err := other.Receive(t.Context(), id, "command", []byte("help\x00\xff")); err != nil {
				t.Errorf("receive: %v", err)
			}
		}
	}
	eventually(t, "all jobs are worked", 30*time.Second, func() bool {
		return count(t, b.url, "select count(*) from river_job where kind in ('execute', 'inbox', 'announce') and state <> 'completed'") == 0
	})
	for i := range 20 {
		id := fmt.Sprintf("R-%d", i)
		for _, what := range []string{"execute " + id, "inbox " + id + " command help\x00\xff"} {
			if n := c.of(what); n != 1 {
				t.Errorf("%q: want 1 call, got %d", what, n)
			}
		}
		if c.of("announce "+id) == 0 {
			t.Errorf("%s was never announced", id)
		}
	}
}

func TestADuplicateDeliveryInsertsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i, want := range []bool{true, false, false} {
		fresh, err := b.Receive(t.Context(), "T1/1.1", "click", []byte("payload"))
		if fresh != want || err != nil {
			t.Errorf("delivery %d: want fresh=%v, got %v, %v", i+1, want, fresh, err)
		}
	}
	if n := jobs(t, b.url, "inbox"); n != 1 {
		t.Errorf("want 1 job, got %d", n)
	}
}

func TestAnInboxBodyThatFailsIsCalledAgainSoon(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var c calls
	start(t, b.Store, store.Jobs{Inbox: func(context.Context, string, string, []byte) error {
		if c.add("inbox") < 3 {
			return errors.New("Slack does not answer")
		}
		return nil
	}})
	if _, err := b.Receive(t.Context(), "k", "command", []byte("help")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the third call succeeds", 15*time.Second, func() bool {
		return count(t, b.url, "select count(*) from inbox where done_at is not null") == 1
	})
	if n := c.of("inbox"); n != 3 {
		t.Errorf("want 3 calls, got %d", n)
	}
	if n := count(t, b.url, "select count(*) from inbox where payload <> ''"); n != 0 {
		t.Error("what was answered is still kept")
	}
}

func TestAVoidedRequestRemindsPeopleAgain(t *testing.T) {
	t.Parallel()
	for name, waits := range map[string]bool{"the reminder of before is over": false, "one still waits": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			approved(t, b, "R-1")
			if !waits {
				mustSQL(t, b.url, "delete from river_job where kind = 'remind'")
			}
			if _, err := b.Change(t.Context(), "R-1", "svcdown", func(r *approval.Request) error {
				return r.Void(r.Plan, "the object was replaced", time.Hour, b.clock.now())
			}); err != nil {
				t.Fatal(err)
			}
			if n := jobs(t, b.url, "remind"); n != 1 {
				t.Errorf("want 1 reminder, got %d", n)
			}
		})
	}
}

func TestAFailedExecutionIsNotRepeated(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]func() error{
		"an error": func() error { return errors.New("the API server hung up") },
		"a panic":  func() error { panic("nil map") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			var c calls
			start(t, b.Store, store.Jobs{Execute: func(context.Context, string) error { c.add("execute"); return body() }})
			approved(t, b, "R-1")
			eventually(t, "the job is given up", 15*time.Second, func() bool {
				return count(t, b.url, "select count(*) from river_job where kind = 'execute' and state = 'discarded'") == 1
			})
			if n := c.of("execute"); n != 1 {
				t.Errorf("want 1 call, got %d", n)
			}
		})
	}
}

func TestLaterCallsABodyAgainWithoutCountingAsAnAttempt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var c calls
	start(t, b.Store, store.Jobs{Execute: func(context.Context, string) error {
		if c.add("execute") < 3 {
			return &approval.Later{After: 10 * time.Millisecond}
		}
		return nil
	}})
	approved(t, b, "R-1")
	eventually(t, "the third call", 15*time.Second, func() bool { return c.of("execute") == 3 })
}

func TestARequestThatNobodyDecidesExpires(t *testing.T) {
	t.Parallel()
	b := setup(t)
	announced := make(chan approval.State, 10)
	start(t, b.Store, store.Jobs{Announce: func(ctx context.Context, id string) error {
		r, err := b.Request(ctx, id)
		announced <- r.State
		return err
	}})
	r := request(t, "R-1", b.clock.now())
	r.ExpiresAt = time.Now().Add(2 * time.Second)
	if _, err := b.Propose(t.Context(), "k", r, origin, 0); err != nil {
		t.Fatal(err)
	}
	if got := <-announced; got != approval.Pending {
		t.Errorf("first announcement: want pending, got %s", got)
	}
	b.clock.move(10 * time.Second)
	select {
	case got := <-announced:
		if got != approval.Expired {
			t.Errorf("second announcement: want expired, got %s", got)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the expiry was never announced")
	}
}

func TestAnExpiryTimerThatIsEarlyWaits(t *testing.T) {
	t.Parallel()
	b := setup(t) // its clock stands still
	start(t, b.Store, store.Jobs{})
	r := request(t, "R-1", b.clock.now())
	r.ExpiresAt = b.clock.now().Add(2 * time.Second)
	if _, err := b.Propose(t.Context(), "k", r, origin, 0); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the timer fired and waits again", 20*time.Second, func() bool {
		return count(t, b.url, "select count(*) from river_job where kind = 'expire' and metadata ? 'snoozes'") == 1
	})
	if got, err := b.Request(t.Context(), "R-1"); err != nil || got.State != approval.Pending {
		t.Errorf("want pending, got %s, %v", got.State, err)
	}
	b.clock.move(time.Minute)
	eventually(t, "it expires", 20*time.Second, func() bool {
		got, err := b.Request(t.Context(), "R-1")
		return err == nil && got.State == approval.Expired
	})
}

func TestJobsOfANilBodyAreLeftForAnotherBot(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var c calls
	start(t, b.Store, store.Jobs{Announce: func(context.Context, string) error { c.add("announce"); return nil }})
	approved(t, b, "R-1")
	eventually(t, "the announcement", 15*time.Second, func() bool { return c.of("announce") > 0 })
	if n := count(t, b.url, "select count(*) from river_job where kind = 'execute' and state = 'available'"); n != 1 {
		t.Errorf("want the execution waiting, got %d", n)
	}
	other := open(t, b.url, b.clock.now)
	executed := make(chan string, 1)
	start(t, other, store.Jobs{Execute: func(_ context.Context, id string) error { executed <- id; return nil }})
	select {
	case id := <-executed:
		if diff := cmp.Diff("R-1", id); diff != "" {
			t.Error(diff)
		}
	case <-time.After(15 * time.Second):
		t.Fatal("the other bot did not work it")
	}
}

func TestStopLetsJobsEndAndCancelsTheRest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	s, err := store.Open(t.Context(), store.Config{URL: b.url, Log: zerolog.Nop(), Now: b.clock.now})
	if err != nil {
		t.Fatal(err)
	}
	entered := make(chan struct{})
	start(t, s, store.Jobs{Execute: func(ctx context.Context, _ string) error {
		close(entered)
		<-ctx.Done()
		return ctx.Err()
	}})
	approved(t, b, "R-1")
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	began := time.Now()
	if err := s.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("want to be told that a job had to be cancelled, got %v", err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("took %s", took)
	}
	if err := s.Ping(t.Context()); !errors.Is(err, approval.ErrUnavailable) {
		t.Errorf("after Stop: want ErrUnavailable, got %v", err)
	}
	if n := count(t, b.url, "select count(*) from replicas"); n != 0 {
		t.Errorf("want it signed off, got %d", n)
	}
}
