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
	if _, err := b.Receive(t.Context(), "k", "command", nil); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the third call succeeds", 15*time.Second, func() bool {
		return count(t, b.url, "select count(*) from inbox where done_at is not null") == 1
	})
	if n := c.of("inbox"); n != 3 {
		t.Errorf("want 3 calls, got %d", n)
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

func TestTheLastChangeIsAlwaysAnnounced(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var mu sync.Mutex
	shown := map[string]int{}
	start(t, b.Store, store.Jobs{Announce: func(ctx context.Context, id string) error {
		r, err := b.Request(ctx, id)
		if err != nil {
			return err
		}
		mu.Lock()
		defer mu.Unlock()
		shown[id] = len(r.Failing)
		return nil
	}})
	const changes = 30
	ids := []string{"R-1", "R-2", "R-3"}
	var wg sync.WaitGroup
	for _, id := range ids {
		propose(t, b, id)
		wg.Go(func() {
			for i := range changes {
				if _, err := b.Change(t.Context(), id, "bob", func(r *approval.Request) error {
					r.Failing = append(r.Failing, fmt.Sprint(i))
					return nil
				}); err != nil {
					t.Errorf("change: %v", err)
				}
			}
		})
	}
	wg.Wait()
	eventually(t, "the cards show the last change", 15*time.Second, func() bool {
		mu.Lock()
		defer mu.Unlock()
		return shown["R-1"] == changes && shown["R-2"] == changes && shown["R-3"] == changes
	})
}

func TestManyChangesAtOnceWaitForOneAnnouncement(t *testing.T) {
	t.Parallel()
	b := setup(t) // not started: nothing runs
	propose(t, b, "R-1")
	for i := range 5 {
		if _, err := b.Change(t.Context(), "R-1", "bob", func(r *approval.Request) error {
			r.Failing = append(r.Failing, fmt.Sprint(i))
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	if n := jobs(t, b.url, "announce"); n != 1 {
		t.Errorf("want 1 waiting announcement, got %d", n)
	}
}

func TestAnAnnouncementThatWasOvertakenSpeaksAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var mu sync.Mutex
	var said []approval.State
	reading, proceed := make(chan struct{}), make(chan struct{})
	var c calls
	start(t, b.Store, store.Jobs{Announce: func(ctx context.Context, id string) error {
		r, err := b.Request(ctx, id)
		if c.add("announce") == 1 { // the first one is slow
			close(reading)
			<-proceed
		}
		mu.Lock()
		defer mu.Unlock()
		said = append(said, r.State)
		return err
	}})
	propose(t, b, "R-1")
	<-reading
	if _, err := b.Change(t.Context(), "R-1", "bob", approve(b)); err != nil {
		t.Fatal(err)
	}
	last := func() approval.State {
		mu.Lock()
		defer mu.Unlock()
		if len(said) == 0 {
			return ""
		}
		return said[len(said)-1]
	}
	eventually(t, "the second announcement overtakes", 15*time.Second, func() bool { return last() == approval.Approved })
	close(proceed)
	eventually(t, "all announcements ended", 15*time.Second, func() bool {
		return count(t, b.url, "select count(*) from river_job where kind = 'announce' and state <> 'completed'") == 0
	})
	if got := last(); got != approval.Approved {
		t.Errorf("the last word: want approved, got %s; all: %v", got, said)
	}
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

func TestAStartTakesUpWhatACrashLeft(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, crash, want string
	}{
		{"an execution whose lease lapsed is reconciled",
			`delete from river_job; update leases set until = clock_timestamp() - interval '1 second'`, "reconcile"},
		{"an approval that nobody began is executed",
			`delete from river_job; delete from leases;
			 update approvals set state = 'approved', body = replace(body::text, '"executing"', '"approved"')::json, changed_at = now() - interval '6 seconds'`, "execute"},
		{"a watch that ran in a dead bot is watched again",
			`delete from river_job; update leases set until = clock_timestamp() - interval '1 minute';
			 update approvals set state = 'applied', body = replace(body::text, '"executing"', '"applied"')::json;
			 insert into river_job (kind, args, state, attempt, max_attempts, attempted_at, attempted_by, queue, priority)
			 values ('watch', '{"id":"R-1"}', 'running', 1, 10, now() - interval '1 minute', '{dead}', 'default', 1)`, "watch"},
		{"an execution that ran in a dead bot is not repeated, and reconciled",
			`delete from river_job; update leases set until = clock_timestamp() - interval '1 minute';
			 insert into river_job (kind, args, state, attempt, max_attempts, attempted_at, attempted_by, queue, priority)
			 values ('execute', '{"id":"R-1"}', 'running', 1, 1, now() - interval '1 minute', '{dead}', 'changes', 1)`, "reconcile"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			approved(t, b, "R-1")
			l := acquire(t, b, "R-1")
			if _, err := b.Begin(t.Context(), l, move(b, approval.Executing)); err != nil {
				t.Fatal(err)
			}
			mustSQL(t, b.url, test.crash)
			called := make(chan string, 10)
			body := func(kind string) func(context.Context, string) error {
				return func(context.Context, string) error { called <- kind; return nil }
			}
			began := time.Now()
			start(t, b.Store, store.Jobs{Execute: body("execute"), Watch: body("watch"), Reconcile: body("reconcile")})
			select {
			case got := <-called:
				if got != test.want {
					t.Errorf("want %s, got %s", test.want, got)
				}
			case <-time.After(15 * time.Second):
				t.Fatalf("no job was taken up")
			}
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("took %s; want at once", took)
			}
		})
	}
}

func TestTheJobsOfALivingBotAreLeftAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var c calls
	entered, leave := make(chan struct{}), make(chan struct{})
	start(t, b.Store, store.Jobs{Announce: func(context.Context, string) error {
		if c.add("announce") == 1 {
			close(entered)
		}
		<-leave
		return nil
	}})
	propose(t, b, "R-1")
	<-entered
	mustSQL(t, b.url, "update river_job set attempted_at = now() - interval '1 minute' where kind = 'announce'") // it takes long
	other := open(t, b.url, b.clock.now)
	start(t, other, store.Jobs{Announce: func(context.Context, string) error { c.add("announce"); return nil }})
	if n := count(t, b.url, "select count(*) from river_job where kind = 'announce' and state = 'running'"); n != 1 {
		t.Errorf("want it still running, got %d", n)
	}
	close(leave)
	eventually(t, "it ends", 15*time.Second, func() bool {
		return count(t, b.url, "select count(*) from river_job where kind = 'announce' and state = 'completed'") == 1
	})
	if n := c.of("announce"); n != 1 {
		t.Errorf("want 1 call, got %d", n)
	}
}

func TestAChangeWhoseWatchGaveUpIsWatchedOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	approved(t, b, "R-1")
	l := acquire(t, b, "R-1")
	if _, err := b.Begin(t.Context(), l, move(b, approval.Executing)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.End(t.Context(), l, move(b, approval.Applied)); err != nil {
		t.Fatal(err)
	}
	mustSQL(t, b.url, "update river_job set state = 'discarded', finalized_at = now() where kind = 'watch'")
	watched := make(chan string, 1)
	start(t, b.Store, store.Jobs{Watch: func(_ context.Context, id string) error { watched <- id; return nil }})
	select {
	case id := <-watched:
		if id != "R-1" {
			t.Errorf("want R-1, got %s", id)
		}
	case <-time.After(15 * time.Second):
		t.Fatal("nobody watches")
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
