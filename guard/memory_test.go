package guard_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/svcdown/svcdown/guard"
)

func TestMemoryIsBoundedAndForgetsWhatEndsFirst(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	m := guard.NewMemory(3, func() time.Time { return now })
	for i, ttl := range []time.Duration{time.Hour, time.Minute, 2 * time.Hour, 3 * time.Hour} {
		if seen, err := m.Seen(t.Context(), fmt.Sprint(i), ttl); seen || err != nil {
			t.Fatal(seen, err)
		}
	}
	for i, want := range []bool{true, false, true, true} {
		key := fmt.Sprint(i)
		if i == 1 {
			continue // asking would mark it anew; it is asked last
		}
		if seen, _ := m.Seen(t.Context(), key, time.Hour); seen != want {
			t.Errorf("key %s: seen %v, want %v", key, seen, want)
		}
	}
	if seen, _ := m.Seen(t.Context(), "1", time.Second); seen {
		t.Error("the mark that ends first should have made room")
	}
	now = now.Add(4 * time.Hour)
	for i := range 4 {
		if seen, _ := m.Seen(t.Context(), fmt.Sprint(i), time.Hour); seen {
			t.Errorf("key %d outlived its ttl", i)
		}
	}
}

func TestMemoryRateComesBackEvenly(t *testing.T) {
	t.Parallel()
	now := time.Unix(0, 0)
	m := guard.NewMemory(3, func() time.Time { return now })
	rate := guard.Rate{Count: 6, Per: time.Minute, Burst: 2}
	steps := []struct {
		pass time.Duration
		ok   bool
		wait time.Duration
	}{{0, true, 0}, {0, true, 0}, {0, false, 10 * time.Second}, {4 * time.Second, false, 6 * time.Second}, {6 * time.Second, true, 0}, {0, false, 10 * time.Second}, {time.Hour, true, 0}, {0, true, 0}, {0, false, 10 * time.Second}}
	for i, s := range steps {
		now = now.Add(s.pass)
		ok, wait, err := m.Allow(t.Context(), "x", rate)
		if ok != s.ok || wait != s.wait || err != nil {
			t.Errorf("step %d: %v, %s, %v; want %v, %s", i, ok, wait, err, s.ok, s.wait)
		}
	}
}
