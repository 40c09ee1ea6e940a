package bot

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestABucketLetsABurstThroughAndThenKeepsThePace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p pacer
		start := time.Now()
		var got []time.Duration
		for range 5 {
			if err := p.bucket("channel", 3, 1).take(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			got = append(got, time.Since(start).Round(10*time.Millisecond))
		}
		if diff := cmp.Diff([]time.Duration{0, 0, 0, time.Second, 2 * time.Second}, got); diff != "" {
			t.Errorf("times (-want +got):\n%s", diff)
		}
	})
}

func TestTheUrgentOvertakeButNotEachOther(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := (&pacer{}).bucket("channel", 1, 1)
		if err := b.take(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var order []string
		var wg sync.WaitGroup
		for _, name := range []string{"progress 1", "progress 2", "URGENT 1", "URGENT 2"} {
			wg.Go(func() {
				if err := b.take(t.Context(), name[0] == 'U'); err != nil {
					t.Error(err)
				}
				mu.Lock()
				defer mu.Unlock()
				order = append(order, name)
			})
			synctest.Wait()
		}
		wg.Wait()
		if diff := cmp.Diff([]string{"URGENT 1", "URGENT 2", "progress 1", "progress 2"}, order); diff != "" {
			t.Errorf("order (-want +got):\n%s", diff)
		}
	})
}

func TestAPauseHoldsEverybody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := (&pacer{}).bucket("chat.update", 10, 1)
		b.pause(30 * time.Second)
		start := time.Now()
		if err := b.take(t.Context(), true); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start).Round(time.Second); got != 30*time.Second {
			t.Errorf("waited %s", got)
		}
	})
}

func TestWhoGivesUpLeavesTheQueueAndLosesNoToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := (&pacer{}).bucket("channel", 1, 1)
		if err := b.take(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if err := b.take(ctx, false); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		start := time.Now()
		if err := b.take(t.Context(), false); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(start); got > time.Second {
			t.Errorf("the next one waited %s", got)
		}
	})
}

func TestAFullQueueRefusesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		b := (&pacer{}).bucket("channel", 1, 0.001)
		if err := b.take(ctx, false); err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for range maxWaiting {
			wg.Go(func() {
				if err := b.take(ctx, false); !errors.Is(err, context.Canceled) {
					t.Errorf("got %v", err)
				}
			})
		}
		synctest.Wait()
		if err := b.take(ctx, true); !errors.Is(err, errQueueFull) {
			t.Errorf("got %v", err)
		}
		cancel()
		wg.Wait()
	})
}

func TestJudgementsOfSlacksCodes(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]verdict{
		"not_in_channel": isRefused, "invalid_blocks": isRefused, "internal_error": isUnsure, "fatal_error": isUnsure, "ratelimited": isLimited,
	} {
		if got := judgeCode(code).verdict; got != want {
			t.Errorf("%s: got %v, want %v", code, got, want)
		}
	}
	if slices.Contains(unsureCodes, "not_in_channel") {
		t.Error("a refusal counts as unsure")
	}
}
