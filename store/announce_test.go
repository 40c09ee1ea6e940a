package store_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/store"
)

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
