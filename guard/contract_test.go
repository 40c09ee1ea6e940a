package guard_test

import (
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/guard"
)

// TestContract holds every implementation to the same behaviour.
func TestContract(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	implementations := map[string]guard.Guard{
		"redis":                      openRedis(t, server.url()),
		"memory":                     guard.NewMemory(1000, time.Now),
		"redis with memory behind":   guard.WithFallback(openRedis(t, server.url()), guard.NewMemory(1000, time.Now), zerolog.Nop()),
		"memory behind a dead redis": guard.WithFallback(openRedis(t, "redis://127.0.0.1:1"), guard.NewMemory(1000, time.Now), zerolog.Nop()),
	}
	for name, g := range implementations {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for what, check := range contract {
				t.Run(what, func(t *testing.T) {
					t.Parallel()
					check(t, g, name+"/"+what)
				})
			}
		})
	}
}

var contract = map[string]func(t *testing.T, g guard.Guard, key string){
	"the first time is new and the second is not": func(t *testing.T, g guard.Guard, key string) {
		for i, want := range []bool{false, true, true} {
			if got, err := g.Seen(t.Context(), key, time.Minute); got != want || err != nil {
				t.Errorf("call %d: Seen = %v, %v; want %v", i+1, got, err, want)
			}
		}
		if got, err := g.Seen(t.Context(), key+" other", time.Minute); got || err != nil {
			t.Errorf("another key: Seen = %v, %v; want false", got, err)
		}
	},
	"a mark ends after its ttl although it is asked for all the time": func(t *testing.T, g guard.Guard, key string) {
		start := time.Now()
		seen := func() bool {
			got, err := g.Seen(t.Context(), key, 200*time.Millisecond)
			if err != nil {
				t.Fatal(err)
			}
			return got
		}
		if seen() {
			t.Fatal("seen before it came")
		}
		eventually(t, "the mark is gone", func() bool { return !seen() })
		if took := time.Since(start); took < 190*time.Millisecond {
			t.Errorf("the mark of 200 ms was gone after %s", took)
		}
	},
	"of many at once exactly one is the first": func(t *testing.T, g guard.Guard, key string) {
		var first atomic.Int32
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if seen, err := g.Seen(t.Context(), key, time.Minute); err == nil && !seen {
					first.Add(1)
				}
			})
		}
		all.Wait()
		if first.Load() != 1 {
			t.Errorf("%d callers were told that they are the first", first.Load())
		}
	},
	"a burst is allowed, the next one waits its turn": func(t *testing.T, g guard.Guard, key string) {
		rate := guard.Rate{Count: 10, Per: 10 * time.Second, Burst: 3}
		for i := range 3 {
			if ok, _, err := g.Allow(t.Context(), key, rate); !ok || err != nil {
				t.Fatalf("use %d of a burst of 3: %v, %v", i+1, ok, err)
			}
		}
		ok, wait, err := g.Allow(t.Context(), key, rate)
		if ok || err != nil || wait <= 0 || wait > time.Second {
			t.Errorf("the fourth: %v, wait %s, %v; want a refusal and a wait of up to 1 s", ok, wait, err)
		}
		if ok, _, err := g.Allow(t.Context(), key+" other", rate); !ok || err != nil {
			t.Errorf("another key: %v, %v", ok, err)
		}
	},
	"a refused use is not counted, so waiting helps": func(t *testing.T, g guard.Guard, key string) {
		rate := guard.Rate{Count: 5, Per: time.Second, Burst: 1}
		if ok, _, err := g.Allow(t.Context(), key, rate); !ok || err != nil {
			t.Fatal(ok, err)
		}
		refused := 0
		eventually(t, "the next use is allowed", func() bool {
			ok, _, err := g.Allow(t.Context(), key, rate)
			if err != nil {
				t.Fatal(err)
			}
			if !ok {
				refused++
			}
			return ok
		})
		if refused == 0 {
			t.Error("a second use came through at once; want it to wait about 200 ms")
		}
	},
	"without a burst of its own the count may come at once": func(t *testing.T, g guard.Guard, key string) {
		rate, allowed := guard.Rate{Count: 4, Per: time.Hour}, 0
		for range 10 {
			ok, _, err := g.Allow(t.Context(), key, rate)
			if err != nil {
				t.Fatal(err)
			}
			if ok {
				allowed++
			}
		}
		if allowed != 4 {
			t.Errorf("%d uses were allowed, want 4", allowed)
		}
	},
	"what is remembered is recalled, the last value wins": func(t *testing.T, g guard.Guard, key string) {
		if _, ok, err := g.Recall(t.Context(), key); ok || err != nil {
			t.Fatalf("before anything was remembered: %v, %v", ok, err)
		}
		for _, value := range []string{"first", "", "bytes \x00\xff and all"} {
			if err := g.Remember(t.Context(), key, []byte(value), time.Minute); err != nil {
				t.Fatal(err)
			}
			if got, ok, err := g.Recall(t.Context(), key); string(got) != value || !ok || err != nil {
				t.Errorf("Recall = %q, %v, %v; want %q", got, ok, err, value)
			}
		}
	},
	"what is recalled may be scribbled on": func(t *testing.T, g guard.Guard, key string) {
		value := []byte("clean")
		if err := g.Remember(t.Context(), key, value, time.Minute); err != nil {
			t.Fatal(err)
		}
		copy(value, "dirty")
		got, _, _ := g.Recall(t.Context(), key)
		copy(got, "dirty")
		if again, _, err := g.Recall(t.Context(), key); string(again) != "clean" || err != nil {
			t.Errorf("Recall = %q, %v; want clean", again, err)
		}
	},
	"a value is forgotten after its ttl": func(t *testing.T, g guard.Guard, key string) {
		if err := g.Remember(t.Context(), key, []byte("x"), 100*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the value is gone", func() bool {
			_, ok, err := g.Recall(t.Context(), key)
			return !ok && err == nil
		})
	},
	"the three kinds of keys do not meet": func(t *testing.T, g guard.Guard, key string) {
		if _, err := g.Seen(t.Context(), key, time.Minute); err != nil {
			t.Fatal(err)
		}
		if _, _, err := g.Allow(t.Context(), key, guard.Rate{Count: 1, Per: time.Minute}); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := g.Recall(t.Context(), key); ok || err != nil {
			t.Errorf("Recall = %v, %v; want nothing", ok, err)
		}
	},
	"keys may be anything": func(t *testing.T, g guard.Guard, key string) {
		for _, odd := range []string{"", "line\nend", "nul\x00", "\xff\xfe", strings.Repeat("long ", 10_000), "{slot}"} {
			first, err1 := g.Seen(t.Context(), key+odd, time.Minute)
			second, err2 := g.Seen(t.Context(), key+odd, time.Minute)
			if first || !second || err1 != nil || err2 != nil {
				t.Errorf("key %.20q: %v, %v then %v, %v", odd, first, err1, second, err2)
			}
		}
	},
	"senseless calls are refused": func(t *testing.T, g guard.Guard, key string) {
		for _, ttl := range []time.Duration{0, -time.Second, time.Microsecond} {
			if _, err := g.Seen(t.Context(), key, ttl); !errors.Is(err, guard.ErrBadTTL) {
				t.Errorf("Seen with ttl %s: %v", ttl, err)
			}
			if err := g.Remember(t.Context(), key, nil, ttl); !errors.Is(err, guard.ErrBadTTL) {
				t.Errorf("Remember with ttl %s: %v", ttl, err)
			}
		}
		for _, rate := range []guard.Rate{{}, {Count: 1}, {Per: time.Second}, {Count: -1, Per: time.Second}, {Count: 1, Per: -time.Second}, {Count: 1, Per: time.Second, Burst: -1}, {Count: 1, Per: 1 << 62, Burst: 1 << 30}} {
			if ok, _, err := g.Allow(t.Context(), key, rate); ok || !errors.Is(err, guard.ErrBadRate) {
				t.Errorf("Allow with %+v: %v, %v", rate, ok, err)
			}
		}
		if err := g.Remember(t.Context(), key, make([]byte, guard.MaxValue+1), time.Minute); !errors.Is(err, guard.ErrTooBig) {
			t.Errorf("Remember of too much: %v", err)
		}
	},
}
