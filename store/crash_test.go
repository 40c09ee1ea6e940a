package store_test

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/store"
	"github.com/svcdown/svcdown/store/pgtest"
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

func TestTheDatabaseGoesAwayAndComesBack(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		away func(s *pgtest.Server) error
	}{
		{"stopped in order", func(s *pgtest.Server) error { return s.Stop() }},
		{"killed", func(s *pgtest.Server) error { return s.Kill() }},
		{"standing still", func(s *pgtest.Server) error { return s.Pause() }},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			own, err := pgtest.Start(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := own.Close(); err != nil {
					t.Errorf("close: %v", err)
				}
			})
			c := &clock{t: time.Now().UTC()}
			b := &testBundle{url: own.NewDatabase(t), clock: c}
			b.Store = open(t, b.url, c.now)
			executed := make(chan string, 10)
			start(t, b.Store, store.Jobs{Execute: func(_ context.Context, id string) error { executed <- id; return nil }})
			propose(t, b, "R-1")
			l := acquire(t, b, "R-7")

			if err := test.away(own); err != nil {
				t.Fatal(err)
			}
			var wg sync.WaitGroup
			for name, op := range methods(t, b, l) {
				wg.Go(func() {
					began := time.Now()
					err := op()
					if !errors.Is(err, approval.ErrUnavailable) {
						t.Errorf("%s: want ErrUnavailable, got %v", name, err)
					}
					if took := time.Since(began); took > 4*time.Second {
						t.Errorf("%s: took %s; want at most 4 s", name, took)
					}
				})
			}
			wg.Wait()
			if err := own.Resume(t.Context()); err != nil {
				t.Fatal(err)
			}
			eventually(t, "it answers again", 10*time.Second, func() bool { return b.Ping(t.Context()) == nil })
			if r, err := b.Change(t.Context(), "R-1", "bob", approve(b)); err != nil || r.State != approval.Approved {
				t.Fatalf("approve afterwards: %s, %v", r.State, err)
			}
			select {
			case id := <-executed:
				if id != "R-1" {
					t.Errorf("executed %s", id)
				}
			case <-time.After(60 * time.Second):
				t.Fatal("jobs are not worked any more")
			}
		})
	}
}

// methods calls everything that answers from the database.
func methods(t *testing.T, b *testBundle, l approval.Lease) map[string]func() error {
	ctx := t.Context()
	r := request(t, "R-8", b.clock.now())
	nothing := func(*approval.Request) error { return nil }
	return map[string]func() error{
		"Ping":         func() error { return b.Ping(ctx) },
		"Propose":      func() error { _, err := b.Propose(ctx, "k8", r, origin, 0); return err },
		"Change":       func() error { _, err := b.Change(ctx, "R-1", "bob", nothing); return err },
		"Request":      func() error { _, err := b.Request(ctx, "R-1"); return err },
		"Requests":     func() error { _, err := b.Requests(ctx, "", true, 5); return err },
		"Requeue":      func() error { return b.Requeue(ctx, "R-1") },
		"CountByState": func() error { _, err := b.CountByState(ctx); return err },
		"Acquire":      func() error { _, err := b.Acquire(ctx, "t", "R-1"); return err },
		"TakeOver":     func() error { _, err := b.TakeOver(ctx, "t", "R-1"); return err },
		"Begin":        func() error { _, err := b.Begin(ctx, l, nothing); return err },
		"End":          func() error { _, err := b.End(ctx, l, nothing); return err },
		"Release":      func() error { return b.Release(ctx, l) },
		"SaveCard":     func() error { return b.SaveCard(ctx, "R-1", "card", origin) },
		"CardsOf":      func() error { _, err := b.CardsOf(ctx, "R-1"); return err },
		"Receive":      func() error { _, err := b.Receive(ctx, "k", "click", nil); return err },
		"Note":         func() error { return b.Note(ctx, "n", "a", "s", nil) },
		"AuditTail":    func() error { _, err := b.AuditTail(ctx, 1); return err },
		"VerifyAudit":  func() error { _, err := b.VerifyAudit(ctx); return err },
		"SaveGroups":   func() error { return b.SaveGroups(ctx, map[string][]catalog.SlackID{"S1": nil}, time.Now()) },
		"LoadGroups":   func() error { _, _, err := b.LoadGroups(ctx); return err },
		"Open": func() error {
			_, err := store.Open(ctx, store.Config{URL: b.url, Log: zerolog.Nop(), Now: time.Now})
			return err
		},
	}
}

func TestACallerWhoGivesUpIsNotToldOfAnOutage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := b.Request(ctx, "R-1")
	if !errors.Is(err, context.Canceled) || errors.Is(err, approval.ErrUnavailable) {
		t.Errorf("want context.Canceled alone, got %v", err)
	}
}

func TestABotThatStandsStillInATransactionFreesItsLocks(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := open(t, b.url, b.clock.now)
	propose(t, b, "R-1")
	inside, leave := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := b.Change(context.Background(), "R-1", "bob", func(r *approval.Request) error {
			close(inside)
			<-leave
			return r.Decide(bob, true, "", "", senior, b.clock.now())
		})
		if !errors.Is(err, approval.ErrUnavailable) {
			t.Errorf("the one that stood still: want ErrUnavailable, got %v", err)
		}
	})
	<-inside
	eventually(t, "the other bot gets through", 15*time.Second, func() bool {
		r, err := other.Change(t.Context(), "R-1", "bob", func(r *approval.Request) error { return r.Decide(bob, false, "", "", senior, b.clock.now()) })
		return err == nil && r.State == approval.Denied
	})
	close(leave)
	wg.Wait()
	if r, err := other.Request(t.Context(), "R-1"); err != nil || r.State != approval.Denied {
		t.Errorf("want denied, got %s, %v", r.State, err)
	}
}

func TestABrokenURLDoesNotShowItsPassword(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"postgres://u:s3cr3t@host:notaport/db", "postgres://u:s3cr3t word@[::1/db", "host=h password=s3cr3t port=x"} {
		_, err := store.Open(t.Context(), store.Config{URL: url, Log: zerolog.Nop(), Now: time.Now})
		if err == nil || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("want an error without the password, got %v", err)
		}
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
