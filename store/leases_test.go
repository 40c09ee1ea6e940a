package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/svcdown/svcdown/approval"
)

const target = "prod/web3/Deployment/backend-deployment"

// lapse makes every lease lapse, as a standstill of its holder would.
func lapse(t *testing.T, b *testBundle) {
	t.Helper()
	mustSQL(t, b.url, "update leases set until = clock_timestamp() - interval '1 second'")
}

func acquire(t *testing.T, b *testBundle, id string) approval.Lease {
	t.Helper()
	l, err := b.Acquire(t.Context(), target, id)
	if err != nil {
		t.Fatalf("acquire for %s: %v", id, err)
	}
	return l
}

func TestOneOfManyGetsTheLease(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var mu sync.Mutex
	got, refused := 0, 0
	var wg sync.WaitGroup
	for _, id := range []string{"R-1", "R-2", "R-3", "R-4", "R-5", "R-6", "R-7", "R-8"} {
		wg.Go(func() {
			_, err := b.Acquire(t.Context(), target, id)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				got++
			case errors.Is(err, approval.ErrBusy):
				refused++
			default:
				t.Errorf("want ErrBusy, got %v", err)
			}
		})
	}
	wg.Wait()
	if got != 1 || refused != 7 {
		t.Errorf("want 1 lease and 7 refusals, got %d and %d", got, refused)
	}
}

func TestALeaseEndsWithinItsTime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	before := time.Now()
	l := acquire(t, b, "R-1")
	if l.Until.Before(before.Add(approval.LeaseTime-time.Second)) || l.Until.After(time.Now().Add(approval.LeaseTime)) {
		t.Errorf("want the end %s from now, got %s", approval.LeaseTime, l.Until.Sub(before))
	}
}

func TestALaterLeaseOutdatesTheEarlier(t *testing.T) {
	t.Parallel()
	b := setup(t)
	approved(t, b, "R-1")
	first := acquire(t, b, "R-1")
	second := acquire(t, b, "R-1") // the same request, worked by another bot
	if second.Token <= first.Token {
		t.Errorf("want a higher token, got %d then %d", first.Token, second.Token)
	}
	if _, err := b.Begin(t.Context(), first, move(b, approval.Executing)); !errors.Is(err, approval.ErrLost) {
		t.Errorf("begin with the first: want ErrLost, got %v", err)
	}
	if err := b.Release(t.Context(), first); err != nil {
		t.Errorf("release the first: %v", err)
	}
	if r, err := b.Begin(t.Context(), second, move(b, approval.Executing)); err != nil || r.State != approval.Executing {
		t.Errorf("begin with the second: want executing, got %s, %v", r.State, err)
	}
}

func TestBeginAfterTheLeaseLapsedIsLost(t *testing.T) {
	t.Parallel()
	b := setup(t)
	approved(t, b, "R-1")
	l := acquire(t, b, "R-1")
	lapse(t, b)
	called := false
	_, err := b.Begin(t.Context(), l, func(*approval.Request) error { called = true; return nil })
	if !errors.Is(err, approval.ErrLost) || called {
		t.Errorf("want ErrLost and no call, got %v, %v", err, called)
	}
}

func TestTakeOverWaitsForTheLeaseToLapse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	approved(t, b, "R-1")
	l := acquire(t, b, "R-1")
	if _, err := b.Begin(t.Context(), l, move(b, approval.Executing)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.TakeOver(t.Context(), target, "R-1"); !errors.Is(err, approval.ErrBusy) {
		t.Errorf("while the lease runs: want ErrBusy, got %v", err)
	}
	if _, err := b.Acquire(t.Context(), target, "R-1"); !errors.Is(err, approval.ErrBusy) {
		t.Errorf("acquire a request that is executing: want ErrBusy, got %v", err)
	}
	lapse(t, b)
	if _, err := b.Acquire(t.Context(), target, "R-2"); !errors.Is(err, approval.ErrBusy) {
		t.Errorf("another request, before the outcome is known: want ErrBusy, got %v", err)
	}
	over, err := b.TakeOver(t.Context(), target, "R-1")
	if err != nil {
		t.Fatalf("take over: %v", err)
	}
	if _, err := b.End(t.Context(), l, move(b, approval.Applied)); !errors.Is(err, approval.ErrLost) {
		t.Errorf("the first holder ends: want ErrLost, got %v", err)
	}
	if r, err := b.End(t.Context(), over, move(b, approval.NotStarted)); err != nil || r.State != approval.NotStarted {
		t.Errorf("the second holder ends: want not_started, got %s, %v", r.State, err)
	}
	if _, err := b.Acquire(t.Context(), target, "R-2"); err != nil {
		t.Errorf("another request afterwards: %v", err)
	}
}

func TestBeginSetsAReconcileForWhenTheLeaseLapses(t *testing.T) {
	t.Parallel()
	b := setup(t)
	approved(t, b, "R-1")
	l := acquire(t, b, "R-1")
	if _, err := b.Begin(t.Context(), l, move(b, approval.Executing)); err != nil {
		t.Fatal(err)
	}
	n := count(t, b.url, `select count(*) from river_job j, leases l where j.kind = 'reconcile'
		and j.scheduled_at between l.until + interval '1.9 seconds' and l.until + interval '2.1 seconds'`)
	if n != 1 {
		t.Errorf("want 1 reconcile job two seconds after the lease, got %d", n)
	}
}

func TestEndGivesTheLeaseBackAndWatchesWhatWasApplied(t *testing.T) {
	t.Parallel()
	b := setup(t)
	approved(t, b, "R-1")
	l := acquire(t, b, "R-1")
	if _, err := b.Begin(t.Context(), l, move(b, approval.Executing)); err != nil {
		t.Fatal(err)
	}
	lapse(t, b) // late, but nobody took over
	if _, err := b.End(t.Context(), l, move(b, approval.Applied)); err != nil {
		t.Fatal(err)
	}
	if n := jobs(t, b.url, "watch"); n != 1 {
		t.Errorf("want 1 watch job, got %d", n)
	}
	next := acquire(t, b, "R-2")
	if next.Token <= l.Token {
		t.Errorf("want a token above %d, got %d", l.Token, next.Token)
	}
}

func TestReleaseGivesTheLeaseBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	l := acquire(t, b, "R-1")
	if err := b.Release(t.Context(), l); err != nil {
		t.Fatal(err)
	}
	acquire(t, b, "R-2")
}

func TestARefusedBeginStoresWhatWasRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	approved(t, b, "R-1")
	l := acquire(t, b, "R-1")
	refusal := errors.New("the roles are gone")
	r, err := b.Begin(t.Context(), l, func(r *approval.Request) error {
		return errors.Join(refusal, r.Move(approval.NotStarted, "the roles are gone", b.clock.now()))
	})
	if !errors.Is(err, refusal) || r.State != approval.NotStarted {
		t.Errorf("want the refusal and not_started, got %v, %s", err, r.State)
	}
	if n := count(t, b.url, "select count(*) from approvals where state = 'not_started'"); n != 1 {
		t.Error("the state was not stored")
	}
}

func TestRequeue(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name     string
		prepare  func(t *testing.T, b *testBundle)
		want     error
		wantJobs int
	}{
		{"an approved request whose job is gone gets another", func(t *testing.T, b *testBundle) {
			approved(t, b, "R-1")
			mustSQL(t, b.url, "delete from river_job where kind = 'execute'")
		}, nil, 1},
		{"one whose job is there gets no other", func(t *testing.T, b *testBundle) { approved(t, b, "R-1") }, nil, 1},
		{"one whose target is held gets none", func(t *testing.T, b *testBundle) {
			approved(t, b, "R-1")
			mustSQL(t, b.url, "delete from river_job where kind = 'execute'")
			acquire(t, b, "R-2")
		}, approval.ErrBusy, 0},
		{"a pending one gets none", func(t *testing.T, b *testBundle) { propose(t, b, "R-1") }, nil, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			test.prepare(t, b)
			if err := b.Requeue(t.Context(), "R-1"); !errors.Is(err, test.want) {
				t.Errorf("want %v, got %v", test.want, err)
			}
			if n := jobs(t, b.url, "execute"); n != test.wantJobs {
				t.Errorf("want %d execution jobs, got %d", test.wantJobs, n)
			}
		})
	}
}

// Between the start of a statement and the lock it waits for, a request may begin: a second lease of it would outdate the first in mid-change.
func TestNobodyGetsTheLeaseOfARequestThatBeginsMeanwhile(t *testing.T) {
	t.Parallel()
	b := setup(t)
	approved(t, b, "R-1")
	acquire(t, b, "R-1")
	conn, err := pgx.Connect(t.Context(), b.url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, begin := range []string{"select 1 from leases for update", "update approvals set state = 'executing'"} {
		if _, err := tx.Exec(t.Context(), begin); err != nil {
			t.Fatal(err)
		}
	}
	second := make(chan error, 1)
	go func() {
		_, err := b.Acquire(t.Context(), target, "R-1")
		second <- err
	}()
	eventually(t, "the second waits for the lock", 3*time.Second, func() bool {
		return count(t, b.url, "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") == 1
	})
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-second; !errors.Is(err, approval.ErrBusy) {
		t.Errorf("want ErrBusy, got %v", err)
	}
}
