package store_test

import (
	"context"
	"errors"
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
