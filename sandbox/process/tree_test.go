package process_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/svcdown/svcdown/sandbox/process"
)

// parentMode makes this test binary a parent that starts one child, prints its
// id and waits to be killed.
const parentMode = "SVCDOWN_TEST_PARENT_LOG"

func TestMain(m *testing.M) {
	if log := os.Getenv(parentMode); log != "" {
		child, err := process.NewTree().Start(shell("sleep 300", log))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		fmt.Println(child.PID())
		<-child.Done()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestChildrenDieWithAKilledParent(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Fatal("only Linux kills children with their parent; run this test there")
	}
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentMode+"="+filepath.Join(t.TempDir(), "log"))
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	gone, err := process.WatchOwner(pid)
	if err != nil {
		t.Fatalf("the child does not run while its parent does: %v", err)
	}
	if err := parent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = parent.Wait()
	within(t, gone, "the child outlives its killed parent")
}

func TestChildrenOutliveTheThreadOfTheirStarter(t *testing.T) {
	t.Parallel()
	tree := process.NewTree()
	t.Cleanup(tree.Close)
	started := make(chan *process.Child)
	go func() {
		// A goroutine that ends while locked takes its thread along.
		runtime.LockOSThread()
		child, err := tree.Start(shell("echo started; sleep 300", filepath.Join(t.TempDir(), "log")))
		if err != nil {
			t.Error(err)
		}
		started <- child
	}()
	child := <-started
	if child == nil {
		return
	}
	// Forcing a second child through the tree proves that it still serves, and
	// gives a signal bound to the dead thread the time to arrive.
	second, err := tree.Start(shell("exit 0", filepath.Join(t.TempDir(), "log")))
	if err != nil {
		t.Fatal(err)
	}
	within(t, second.Done(), "a short child does not end")
	if child.Exited() {
		t.Fatalf("the child died with the thread that asked for it: %v", child.ExitError())
	}
	child.Stop(t.Context(), time.Second)
}

func TestStop(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		script string
		pause  bool
	}{
		{"a child that ends when asked", "echo ready; exec sleep 300", false},
		{"a child that ignores the request is killed", "trap '' TERM; echo ready; while :; do sleep 1; done", false},
		{"a suspended child is woken to end", "echo ready; exec sleep 300", true},
		{"what the child started goes with it", "sleep 301 & echo ready; wait", false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			log := filepath.Join(t.TempDir(), "log")
			tree := process.NewTree()
			t.Cleanup(tree.Close)
			child, err := tree.Start(shell(c.script, log))
			if err != nil {
				t.Fatal(err)
			}
			waitFor(t, "the child is ready", func() bool {
				text, err := os.ReadFile(log)
				return err == nil && strings.Contains(string(text), "ready")
			})
			if c.pause {
				if err := child.Pause(); err != nil {
					t.Fatal(err)
				}
			}
			child.Stop(t.Context(), 500*time.Millisecond)
			if !child.Exited() {
				t.Error("the child is still there")
			}
			waitFor(t, "the child's group is gone", func() bool {
				return errors.Is(syscall.Kill(-child.PID(), 0), syscall.ESRCH)
			})
			if err := child.Pause(); err == nil {
				t.Error("pausing a child that has ended: got no error")
			}
		})
	}
}

func TestExitErrorShowsTheEndOfTheLog(t *testing.T) {
	t.Parallel()
	tree := process.NewTree()
	t.Cleanup(tree.Close)
	child, err := tree.Start(shell("echo the disk is full >&2; exit 7", filepath.Join(t.TempDir(), "log")))
	if err != nil {
		t.Fatal(err)
	}
	within(t, child.Done(), "the child does not end")
	got := child.ExitError().Error()
	for _, want := range []string{"shell", "exit status 7", "the disk is full"} {
		if !strings.Contains(got, want) {
			t.Errorf("got %q, want %q in it", got, want)
		}
	}
}

func TestStartRefuses(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "log")
	open, closed := process.NewTree(), process.NewTree()
	t.Cleanup(open.Close)
	closed.Close()
	cases := []struct {
		name string
		tree *process.Tree
		spec process.Spec
		want error
	}{
		{"a program that does not exist", open, process.Spec{Name: "x", Path: "/no/such/program", LogPath: log}, os.ErrNotExist},
		{"a log that cannot be opened", open, process.Spec{Name: "x", Path: "/bin/sh", LogPath: log + "-missing/file"}, os.ErrNotExist},
		{"a closed tree", closed, shell("exit 0", log), process.ErrClosed},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if _, err := c.tree.Start(c.spec); !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
		})
	}
}

func TestWatchOwnerRefusesAProcessThatIsNotThere(t *testing.T) {
	t.Parallel()
	ended := exec.Command("/bin/sh", "-c", "exit 0")
	if err := ended.Run(); err != nil {
		t.Fatal(err)
	}
	if _, err := process.WatchOwner(ended.Process.Pid); err == nil {
		t.Error("got no error")
	}
}

func shell(script, log string) process.Spec {
	return process.Spec{Name: "shell", Path: "/bin/sh", Args: []string{"-c", script}, LogPath: log}
}

func within(t *testing.T, done <-chan struct{}, complaint string) {
	t.Helper()
	select {
	case <-done:
	case <-time.After(10 * time.Second):
		t.Fatal(complaint)
	}
}

func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("not within 10 s: %s", what)
		}
	}
}
