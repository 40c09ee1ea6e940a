package store_test

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/store"
)

// refuseWrites makes every insert or update on a table fail, so that a transaction breaks off at that step.
func refuseWrites(t *testing.T, url, table string) {
	t.Helper()
	mustSQL(t, url, `create function refuse() returns trigger language plpgsql as $$ begin raise exception 'disk full'; end $$`)
	mustSQL(t, url, fmt.Sprintf("create trigger refuse before insert or update on %s for each row execute function refuse()", table))
}

// everything is what the database holds, to compare before and after.
func everything(t *testing.T, url string) string {
	t.Helper()
	out := ""
	for _, q := range []string{
		"select count(*) from approvals", "select count(*) from approvals where state = 'pending'", "select count(*) from approvals where state = 'approved'",
		"select count(*) from approvals where state = 'executing'", "select count(*) from river_job", "select count(*) from audit",
		"select seq from audit_head", "select count(*) from inbox", "select coalesce(sum(token), 0) from leases",
		"select count(*) from leases where until > clock_timestamp()", "select coalesce(sum(version), 0) from approvals",
	} {
		out += fmt.Sprintf("%s: %d\n", q, count(t, url, q))
	}
	return out
}

func TestATransactionThatBreaksOffLeavesNothing(t *testing.T) {
	t.Parallel()
	ops := map[string]struct {
		prepare func(t *testing.T, b *testBundle) approval.Lease
		do      func(b *testBundle, l approval.Lease) error
		tables  []string
	}{
		"propose": {func(*testing.T, *testBundle) approval.Lease { return approval.Lease{} },
			func(b *testBundle, _ approval.Lease) error {
				_, err := b.Propose(context.Background(), "k", request(b.t, "R-9", b.clock.now()), origin, time.Minute)
				return err
			}, []string{"approvals", "river_job", "audit", "audit_head"}},
		"approve": {func(t *testing.T, b *testBundle) approval.Lease { propose(t, b, "R-1"); return approval.Lease{} },
			func(b *testBundle, _ approval.Lease) error {
				_, err := b.Change(context.Background(), "R-1", "bob", approve(b))
				return err
			}, []string{"approvals", "river_job", "audit", "audit_head"}},
		"begin": {func(t *testing.T, b *testBundle) approval.Lease { approved(t, b, "R-1"); return acquire(t, b, "R-1") },
			func(b *testBundle, l approval.Lease) error {
				_, err := b.Begin(context.Background(), l, move(b, approval.Executing))
				return err
			}, []string{"approvals", "river_job", "audit", "audit_head"}},
		"end": {func(t *testing.T, b *testBundle) approval.Lease {
			approved(t, b, "R-1")
			l := acquire(t, b, "R-1")
			if _, err := b.Begin(t.Context(), l, move(b, approval.Executing)); err != nil {
				t.Fatal(err)
			}
			return l
		}, func(b *testBundle, l approval.Lease) error {
			_, err := b.End(context.Background(), l, move(b, approval.Applied))
			return err
		}, []string{"approvals", "river_job", "audit", "audit_head", "leases"}},
		"receive": {func(*testing.T, *testBundle) approval.Lease { return approval.Lease{} },
			func(b *testBundle, _ approval.Lease) error {
				_, err := b.Receive(context.Background(), "k", "click", []byte("x"))
				return err
			}, []string{"inbox", "river_job"}},
	}
	for name, op := range ops {
		for _, table := range op.tables {
			t.Run(name+" without "+table, func(t *testing.T) {
				t.Parallel()
				b := setup(t)
				l := op.prepare(t, b)
				refuseWrites(t, b.url, table)
				before := everything(t, b.url)
				if err := op.do(b, l); err == nil || !strings.Contains(err.Error(), "disk full") {
					t.Errorf("want the database's error, got %v", err)
				}
				if after := everything(t, b.url); after != before {
					t.Errorf("half done:\nbefore\n%s\nafter\n%s", before, after)
				}
				mustSQL(t, b.url, "drop trigger refuse on "+table)
				if err := op.do(b, l); err != nil {
					t.Errorf("the same again, once it works: %v", err)
				}
			})
		}
	}
}

func TestAPanicInChangeLeavesNothingLocked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	propose(t, b, "R-1")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_, _ = b.Change(t.Context(), "R-1", "bob", func(*approval.Request) error { panic("defect") })
	}()
	if r, err := b.Change(t.Context(), "R-1", "bob", approve(b)); err != nil || r.State != approval.Approved {
		t.Errorf("want approved afterwards, got %s, %v", r.State, err)
	}
}

func TestPatchValuesNeverReachTheDatabase(t *testing.T) {
	t.Parallel()
	b := setup(t)
	approved(t, b, "R-1")
	l := acquire(t, b, "R-1")
	if _, err := b.Begin(t.Context(), l, func(r *approval.Request) error {
		r.Plan = request(t, "R-1", b.clock.now()).Plan // made again, with its values
		return r.Move(approval.Executing, "", b.clock.now())
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.End(t.Context(), l, move(b, approval.Applied)); err != nil {
		t.Fatal(err)
	}
	dump := exec.CommandContext(t.Context(), filepath.Join(server.Binaries(), "pg_dump"), "--inserts", "-d", b.url)
	out, err := dump.CombinedOutput()
	if err != nil {
		t.Fatalf("pg_dump (apt-get install postgresql): %v: %s", err, out)
	}
	if !strings.Contains(string(out), "/spec/template/spec/containers/0/env/0/value") {
		t.Error("the dump does not hold the plan; this test looks in the wrong place")
	}
	// bytea is dumped as hexadecimal digits.
	for _, leak := range []string{secret, fmt.Sprintf("%x", secret)} {
		if strings.Contains(string(out), leak) {
			t.Errorf("the dump holds the secret as %s", leak)
		}
	}
	if !strings.Contains(string(out), fmt.Sprintf("%x", "it is down")) {
		t.Error("the dump does not hold the audit log in hexadecimal digits; this test looks in the wrong place")
	}
}

func TestBotsThatStartTogetherMigrateOnce(t *testing.T) {
	t.Parallel()
	url := server.EmptyDatabase(t)
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			s, err := store.Open(t.Context(), store.Config{URL: url, Log: zerolog.Nop(), Now: time.Now})
			if err != nil {
				t.Errorf("open: %v", err)
				return
			}
			if err := s.Note(t.Context(), "started", "svcdown", "", nil); err != nil {
				t.Errorf("note: %v", err)
			}
			if err := s.Stop(t.Context()); err != nil {
				t.Errorf("stop: %v", err)
			}
		})
	}
	wg.Wait()
	if n := count(t, url, "select seq from audit_head"); n != 3 {
		t.Errorf("want 3 entries, got %d", n)
	}
}

func TestThisVersionRunsOnALaterSchema(t *testing.T) {
	t.Parallel()
	url := server.NewDatabase(t)
	// What the next version may do while this one still runs beside it: add.
	mustSQL(t, url, `alter table approvals add column later text not null default '';
		alter table leases add column later text; create table later (id text);
		insert into goose_db_version (version_id, is_applied) values (2, true);
		insert into river_migration (line, version) values ('main', 999)`)
	c := &clock{t: time.Now().UTC()}
	b := &testBundle{Store: open(t, url, c.now), t: t, url: url, clock: c}
	executed := make(chan struct{}, 1)
	start(t, b.Store, store.Jobs{Execute: func(context.Context, string) error { executed <- struct{}{}; return nil }})
	approved(t, b, "R-1")
	// A field that only the later version writes.
	mustSQL(t, url, `update approvals set body = (body::jsonb || '{"later": {"a": 1}}')::json`)
	acquire(t, b, "R-1")
	select {
	case <-executed:
	case <-time.After(15 * time.Second):
		t.Fatal("jobs are not worked")
	}
	if r, err := b.Request(t.Context(), "R-1"); err != nil || r.State != approval.Approved {
		t.Errorf("want approved, got %s, %v", r.State, err)
	}
}
