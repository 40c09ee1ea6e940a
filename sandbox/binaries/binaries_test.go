package binaries_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/sandbox/binaries"
)

func TestEnsureBuildsOnce(t *testing.T) {
	t.Parallel()
	cache := hello(t, `println("hello")`)
	var first bytes.Buffer
	dir, err := cache.Ensure(t.Context(), &first)
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(filepath.Join(dir, "hello")).CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff("hello\n", string(out)); diff != "" {
		t.Errorf("the built program says (-want +got):\n%s", diff)
	}
	for _, want := range []string{"packages compiled", "of 1 programs linked", "built 1 programs"} {
		if !strings.Contains(first.String(), want) {
			t.Errorf("progress %q lacks %q", first.String(), want)
		}
	}
	var second bytes.Buffer
	again, err := cache.Ensure(t.Context(), &second)
	if err != nil {
		t.Fatal(err)
	}
	if again != dir || second.Len() != 0 {
		t.Errorf("the second time: got %s and progress %q, want %s and none", again, second.String(), dir)
	}
	if diff := cmp.Diff([]string{filepath.Base(dir), "lock"}, entries(t, cache.Root)); diff != "" {
		t.Errorf("the cache holds (-want +got):\n%s", diff)
	}
}

func TestEnsureAtOnceBuildsOnce(t *testing.T) {
	t.Parallel()
	cache := hello(t, `println("at once")`)
	var progress [3]bytes.Buffer
	var wg sync.WaitGroup
	for i := range progress {
		wg.Go(func() {
			if _, err := cache.Ensure(t.Context(), &progress[i]); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	built := 0
	for i := range progress {
		built += strings.Count(progress[i].String(), "built 1 programs")
	}
	if built != 1 {
		t.Errorf("got %d builds, want 1", built)
	}
}

func TestEnsureLeavesNothingOfABuildThatDidNotEnd(t *testing.T) {
	t.Parallel()
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	cases := []struct {
		name  string
		ctx   context.Context
		cache binaries.Cache
		want  string
	}{
		{"a source that does not compile names the place", t.Context(), hello(t, `nonsense(`), "hello/main.go:3"},
		{"a build that is cancelled says so", cancelled, hello(t, `println("never")`), "canceled"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := c.cache.Ensure(c.ctx, io.Discard)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
			if diff := cmp.Diff([]string{"lock"}, entries(t, c.cache.Root)); diff != "" {
				t.Errorf("the cache holds (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEnsureBuildsAnewWhenTheSourcesChange(t *testing.T) {
	t.Parallel()
	before, after := hello(t, `println("before")`), hello(t, `println("after")`)
	after.Root = before.Root
	first, err := before.Ensure(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	second, err := after.Ensure(t.Context(), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	if first == second {
		t.Errorf("other sources: got the same folder %s", first)
	}
}

func TestProgressCountsWhatGoCompiles(t *testing.T) {
	// Not parallel: it gives Go an empty build cache, so that the standard library
	// packages of the program have to be compiled.
	t.Setenv("GOCACHE", t.TempDir())
	var progress bytes.Buffer
	if _, err := hello(t, `println("counted")`).Ensure(t.Context(), &progress); err != nil {
		t.Fatal(err)
	}
	counts := regexp.MustCompile(`(\d+) of (\d+) packages compiled, (\d) of 1 programs linked`).FindAllStringSubmatch(progress.String(), -1)
	if len(counts) < 2 {
		t.Fatalf("got progress %q", progress.String())
	}
	first, last := counts[0], counts[len(counts)-1]
	if first[1] != "0" || first[3] != "0" {
		t.Errorf("at first: got %q", first[0])
	}
	// All that was announced at first, and no more, was compiled in the end.
	if last[1] != first[2] || last[2] != first[2] || last[3] != "1" {
		t.Errorf("announced %s packages, at last: %q", first[2], last[0])
	}
	if n, err := strconv.Atoi(last[1]); err != nil || n < 10 {
		t.Errorf("got %d packages (%v), want at least runtime's ten", n, err)
	}
}

func TestEnsureWithoutGoSaysWhatToInstall(t *testing.T) {
	// Not parallel: it changes PATH.
	t.Setenv("PATH", t.TempDir())
	_, err := hello(t, `println("no go")`).Ensure(t.Context(), io.Discard)
	if !errors.Is(err, binaries.ErrNoGo) {
		t.Errorf("got %v, want %v", err, binaries.ErrNoGo)
	}
}

func TestDefaultRootIsWhatTheEnvironmentSays(t *testing.T) {
	// Not parallel: it changes the environment.
	want := t.TempDir()
	t.Setenv("SVCDOWN_SANDBOX_CACHE", want)
	got, err := binaries.DefaultRoot()
	if err != nil {
		t.Fatal(err)
	}
	if got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// hello is a cache of one small program.
func hello(t *testing.T, statement string) binaries.Cache {
	t.Helper()
	return binaries.Cache{
		Root: filepath.Join(t.TempDir(), "cache"),
		Source: fstest.MapFS{
			"go.mod":        {Data: []byte("module example.test/hello\n\ngo 1.26\n")},
			"hello/main.go": {Data: []byte("package main\n\nfunc main() { " + statement + " }\n")},
		},
		Programs: []string{"./hello"},
	}
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range list {
		names = append(names, entry.Name())
	}
	return names
}
