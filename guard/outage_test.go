package guard_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/guard"
)

// lines is a log that a test reads.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) count(part string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), part)
}

func TestOutageIsNoticedByNobodyAndLoggedOnce(t *testing.T) {
	t.Parallel()
	outages := map[string]func(s *redisServer) error{
		"a killed Redis": func(s *redisServer) error { s.stop(); return nil },
		"a hung Redis":   func(s *redisServer) error { return s.cmd.Process.Signal(syscall.SIGSTOP) },
	}
	for name, begin := range outages {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server, log := startRedis(t), &lines{}
			f := guard.WithFallback(openRedis(t, server.url()), guard.NewMemory(10_000, time.Now), zerolog.New(log))
			if seen, err := f.Seen(t.Context(), "before", time.Hour); seen || err != nil {
				t.Fatal(seen, err)
			}
			if f.Degraded() {
				t.Fatal("degraded while Redis answers")
			}
			if err := begin(server); err != nil {
				t.Fatal(err)
			}

			start := time.Now()
			for i := range 300 {
				if seen, err := f.Seen(t.Context(), fmt.Sprint("during", i), time.Hour); seen || err != nil {
					t.Fatalf("call %d: %v, %v", i, seen, err)
				}
				if ok, _, err := f.Allow(t.Context(), fmt.Sprint("during", i), guard.Rate{Count: 1, Per: time.Hour}); !ok || err != nil {
					t.Fatalf("call %d: %v, %v", i, ok, err)
				}
				if err := f.Remember(t.Context(), "value", []byte("kept"), time.Hour); err != nil {
					t.Fatalf("call %d: %v", i, err)
				}
			}
			// 900 calls at the patience of 250 ms each would be 225 s; a few tries between pauses are the whole price.
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("900 calls took %s", took)
			}
			if seen, err := f.Seen(t.Context(), "before", time.Hour); !seen || err != nil {
				t.Errorf("a mark from before the outage: %v, %v; want seen", seen, err)
			}
			if value, ok, err := f.Recall(t.Context(), "value"); string(value) != "kept" || !ok || err != nil {
				t.Errorf("a value of the outage: %q, %v, %v", value, ok, err)
			}
			if n := log.count("does not answer"); n != 1 || !f.Degraded() {
				t.Errorf("%d lines of the outage (degraded %v), want 1", n, f.Degraded())
			}

			if server.cmd.ProcessState != nil {
				server.start(t)
			} else if err := server.cmd.Process.Signal(syscall.SIGCONT); err != nil {
				t.Fatal(err)
			}
			eventually(t, "Redis is asked again", func() bool {
				_, _, err := f.Recall(t.Context(), "value")
				return err == nil && !f.Degraded()
			})
			if n := log.count("answers again"); n != 1 {
				t.Errorf("%d lines of the recovery, want 1", n)
			}
		})
	}
}

func TestOneTryAfterEachPause(t *testing.T) {
	t.Parallel()
	var dials atomic.Int32
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() { // takes every call and hangs up
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			dials.Add(1)
			c.Close()
		}
	}()
	var mu sync.Mutex
	now := time.Unix(0, 0)
	r, err := guard.OpenRedis("redis://"+l.Addr().String(), func() time.Time { mu.Lock(); defer mu.Unlock(); return now })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	asked := func() bool {
		_, _, err := r.Recall(t.Context(), "x")
		if err == nil {
			t.Fatal("a server that hangs up gave an answer")
		}
		return !errors.Is(err, guard.ErrUnavailable)
	}
	for _, step := range []struct {
		pass time.Duration
		want bool
	}{{0, true}, {0, false}, {499 * time.Millisecond, false}, {time.Millisecond, true}, {999 * time.Millisecond, false}, {time.Millisecond, true}, {time.Hour, true}, {4 * time.Second, true}, {8 * time.Second, true}, {14 * time.Second, false}, {time.Second, true}} {
		mu.Lock()
		now = now.Add(step.pass)
		mu.Unlock()
		if got := asked(); got != step.want {
			t.Errorf("at %s: Redis asked %v, want %v", now.Sub(time.Unix(0, 0)), got, step.want)
		}
	}
	if dials.Load() > 16 {
		t.Errorf("%d connections for 7 questions", dials.Load())
	}
}

func TestACallerThatLeavesSaysNothingAboutRedis(t *testing.T) {
	t.Parallel()
	log := &lines{}
	f := guard.WithFallback(openRedis(t, startRedis(t).url()), guard.NewMemory(10, time.Now), zerolog.New(log))
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Seen(gone, "x", time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := f.Remember(t.Context(), "y", []byte("1"), time.Minute); err != nil || f.Degraded() || log.count("answer") != 0 {
		t.Errorf("degraded %v, %v; want Redis still trusted", f.Degraded(), err)
	}
}

func BenchmarkSeen(b *testing.B) {
	dead, err := guard.OpenRedis("redis://127.0.0.1:1", time.Now)
	if err != nil {
		b.Fatal(err)
	}
	defer dead.Close()
	for name, g := range map[string]guard.Guard{
		"memory":     guard.NewMemory(100_000, time.Now),
		"dead redis": guard.WithFallback(dead, guard.NewMemory(100_000, time.Now), zerolog.Nop()),
	} {
		b.Run(name, func(b *testing.B) {
			for i := 0; b.Loop(); i++ {
				if _, err := g.Seen(b.Context(), fmt.Sprint(i), time.Hour); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
