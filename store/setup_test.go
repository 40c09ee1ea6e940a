package store_test

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/store"
	"github.com/svcdown/svcdown/store/pgtest"
)

var server *pgtest.Server

func TestMain(m *testing.M) {
	var err error
	if server, err = pgtest.Start(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	code := m.Run()
	if err := server.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// clock stands still until it is moved.
type clock struct {
	mu sync.Mutex
	t  time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.t
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.t = c.t.Add(d)
}

type testBundle struct {
	*store.Store
	t     *testing.T
	url   string
	clock *clock
}

func setup(t *testing.T) *testBundle {
	t.Helper()
	url := server.NewDatabase(t)
	c := &clock{t: time.Now().Truncate(time.Second).UTC()}
	return &testBundle{Store: open(t, url, c.now), t: t, url: url, clock: c}
}

func open(t *testing.T, url string, now func() time.Time) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Config{URL: url, Log: zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.ErrorLevel), Now: now})
	if err != nil {
		t.Fatalf("open the store: %v", err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Stop(ctx); err != nil {
			t.Errorf("stop the store: %v", err)
		}
	})
	return s
}

// sql runs one statement past the store, as an operator or an attacker would.
func sql(t *testing.T, url, statement string, args ...any) error {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer conn.Close(context.Background())
	_, err = conn.Exec(t.Context(), statement, args...)
	return err
}

func mustSQL(t *testing.T, url, statement string, args ...any) {
	t.Helper()
	if err := sql(t, url, statement, args...); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

func count(t *testing.T, url, query string, args ...any) int {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	defer conn.Close(context.Background())
	var n int
	if err := conn.QueryRow(t.Context(), query, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return n
}

func jobs(t *testing.T, url, kind string) int {
	t.Helper()
	return count(t, url, "select count(*) from river_job where kind = $1", kind)
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, within time.Duration, holds func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !holds() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

var (
	origin = card.Address{Kind: "slack", Team: "T1", Channel: "C1", User: "U1"}
	senior = catalog.Policy{Name: "two-eyes", MayAsk: []string{"oncall"}, Expires: 15 * time.Minute,
		Approvals: catalog.Approvals{All: []catalog.Requirement{{Count: 1, Roles: []string{"senior"}}}}}
	alice = catalog.Actor{Person: "alice", Roles: []string{"oncall"}}
	bob   = catalog.Actor{Person: "bob", Roles: []string{"senior"}}
)

// secret stands in patch values: what must never be stored.
const secret = "hunter2-in-the-pod-template"

func request(t *testing.T, id string, now time.Time) approval.Request {
	t.Helper()
	op, err := plan.Op("add", "/spec/template/spec/containers/0/env/0/value", secret)
	if err != nil {
		t.Fatal(err)
	}
	p := plan.Plan{Action: catalog.Restart, Service: "backend", Patch: []plan.Operation{op}, Preconditions: []plan.Operation{op}, MadeAt: now,
		Target: plan.Target{Cluster: "prod", Namespace: "web3", APIVersion: "apps/v1", Kind: "Deployment", Name: "backend-deployment", UID: "u-1"}}
	r, err := approval.New(id, p, alice, "it is down", senior, now)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func propose(t *testing.T, b *testBundle, id string) approval.Request {
	t.Helper()
	r, err := b.Propose(t.Context(), "key-"+id, request(t, id, b.clock.now()), origin, time.Minute)
	if err != nil {
		t.Fatalf("propose: %v", err)
	}
	return r
}

func approve(b *testBundle) func(*approval.Request) error {
	return func(r *approval.Request) error { return r.Decide(bob, true, "", "", senior, b.clock.now()) }
}

func approved(t *testing.T, b *testBundle, id string) approval.Request {
	t.Helper()
	propose(t, b, id)
	r, err := b.Change(t.Context(), id, "bob", approve(b))
	if err != nil {
		t.Fatalf("approve: %v", err)
	}
	return r
}

func move(b *testBundle, to approval.State) func(*approval.Request) error {
	return func(r *approval.Request) error { return r.Move(to, "", b.clock.now()) }
}

// privateDir is short enough for a socket and can be entered by the account that Postgres runs as; t.TempDir is neither.
func privateDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "svcdown-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Errorf("remove %s: %v", dir, err)
		}
	})
	return dir
}
