package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/store"
)

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
