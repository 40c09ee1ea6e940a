package store_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/store"
)

func TestPagesAreRememberedOnceAndInOrder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var both sync.WaitGroup
	for _, key := range []string{"second", "first"} {
		if err := b.Remember(t.Context(), "I-1", "mail", key); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			both.Go(func() {
				if err := b.Remember(t.Context(), "I-1", "mail", key); err != nil {
					t.Error(err)
				}
			})
		}
	}
	both.Wait()
	for way, want := range map[string][]string{"mail": {"second", "first"}, "pagerduty": nil} {
		got, err := b.Remembered(t.Context(), "I-1", way)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s (-want +got):\n%s%v", way, diff, err)
		}
	}
}

func TestWhatWasSeenOfAHealthURLIsThereForTheNextBot(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if w, err := b.Watched(t.Context(), "u"); err != nil || w != (incident.Watched{}) {
		t.Errorf("got %+v, %v before anything was seen", w, err)
	}
	for _, w := range []incident.Watched{{Results: "--+"}, {Results: "", Failing: true}} {
		if err := b.SaveWatched(t.Context(), "u", w); err != nil {
			t.Fatal(err)
		}
		if got, err := open(t, b.url, b.clock.now).Watched(t.Context(), "u"); err != nil || got != w {
			t.Errorf("got %+v, %v, want %+v", got, err, w)
		}
	}
}

func TestOneBotAtATimeAsksTheHealthURLs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var under, most atomic.Int32
	rounds := make(chan struct{}, 100)
	jobs := store.Jobs{HealthEvery: time.Second, WatchHealth: func(ctx context.Context) error {
		most.Store(max(most.Load(), under.Add(1)))
		defer under.Add(-1)
		rounds <- struct{}{}
		select { // longer than the time to the next round
		case <-ctx.Done():
		case <-time.After(1500 * time.Millisecond):
		}
		return nil
	}}
	start(t, b.Store, jobs)
	start(t, open(t, b.url, b.clock.now), jobs)
	for range 3 {
		select {
		case <-rounds:
		case <-time.After(time.Minute):
			t.Fatal("no round within a minute")
		}
	}
	if most.Load() != 1 {
		t.Errorf("got %d rounds at once, want one", most.Load())
	}
}
