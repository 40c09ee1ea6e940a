package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/svcdown/svcdown/sandbox/cluster"
)

func TestTwoRunSideBySide(t *testing.T) {
	t.Parallel()
	a, b := setup(t), setup(t)
	ports := map[int]string{}
	for _, sandbox := range []*bench{a, b} {
		for _, s := range sandbox.status() {
			if other, taken := ports[s.Port]; taken && s.Port != 0 {
				t.Errorf("port %d is both %s and %s", s.Port, other, s.Name)
			}
			ports[s.Port] = s.Name
		}
	}
	a.mustKubectl("create", "configmap", "only-in-a")
	if _, err := b.kubectl(b.Kubeconfig, "get", "configmap", "only-in-a"); err == nil {
		t.Error("an object of the one is in the other")
	}
	if _, err := b.kubectl(a.BotKubeconfig, "get", "pods"); err != nil {
		t.Errorf("the one's kubeconfig: %v", err)
	}
	a.mustRun("down")
	for _, s := range b.status() {
		if !s.Healthy {
			t.Errorf("with the other one down %s is not healthy: %s", s.Name, s.Detail)
		}
	}
}

func TestNothingOutlivesItsParent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	parts := b.status()
	if err := syscall.Kill(b.SupervisorPID, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	within(t, 10*time.Second, func() error { return allGone(parts) })
	if err := exitsWith(b, 3, "status"); err != nil {
		t.Error(err)
	}
	// And the directory is free for the next, with ports of its own.
	b.up()
	b.mustKubectl("get", "pods")
	parts = b.status()
	b.mustRun("down")
	if err := allGone(parts); err != nil {
		t.Errorf("after down: %v", err)
	}
}

func TestSandboxEndsWithItsOwner(t *testing.T) {
	t.Parallel()
	owner := exec.Command("sleep", "600")
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, dir: t.TempDir()}
	t.Cleanup(func() { b.mustRun("down") })
	b.mustRun("up", "--detach", "--owner", strconv.Itoa(owner.Process.Pid))
	parts := b.status()
	if err := owner.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = owner.Wait()
	within(t, 30*time.Second, func() error { return allGone(parts) })
}

func TestInterruptedStartLeavesNothing(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		signal syscall.Signal
	}{
		{"interrupted", syscall.SIGINT},
		{"killed outright", syscall.SIGKILL},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := &bench{t: t, dir: t.TempDir()}
			t.Cleanup(func() { b.mustRun("down") })
			cmd := exec.Command(program, "--dir", b.dir, "up", "--detach")
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var parts []cluster.Status
			within(t, time.Minute, func() error {
				out, _, err := b.run("status")
				if err == nil {
					parts = b.status()
					return nil
				}
				return fmt.Errorf("not begun: %w %s", err, out)
			})
			if err := cmd.Process.Signal(c.signal); err != nil {
				t.Fatal(err)
			}
			if err := cmd.Wait(); err == nil {
				t.Error("up ended well")
			}
			within(t, time.Minute, func() error {
				if err := exitsWith(b, 3, "status"); err != nil {
					return err
				}
				return allGone(parts)
			})
		})
	}
}

func TestOutageOfTheAPIServer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.mustRun("pause", "apiserver")
	if got := b.part("apiserver"); got.State != cluster.Paused || got.Healthy {
		t.Errorf("paused: got %+v", got)
	}
	if _, err := b.kubectl(b.Kubeconfig, "get", "pods", "--request-timeout=1s"); err == nil {
		t.Error("a paused API server answers")
	}
	b.mustRun("resume", "apiserver")
	b.mustKubectl("get", "pods")

	b.mustRun("stop", "apiserver")
	if got := b.part("apiserver"); got.State != cluster.Stopped || got.PID != 0 {
		t.Errorf("stopped: got %+v", got)
	}
	if _, err := b.kubectl(b.Kubeconfig, "get", "pods"); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("a stopped API server: got %v, want refused", err)
	}
	b.mustRun("start", "apiserver")
	if out := b.mustKubectl("get", "pods", "--no-headers"); strings.Count(out, "Running") != 7 {
		t.Errorf("after the outage the world is not whole:\n%s", out)
	}
	b.mustKubectl("rollout", "restart", "deployment/frontend-deployment")
	b.mustKubectl("rollout", "status", "deployment/frontend-deployment", "--timeout=60s")
	for _, s := range b.status() {
		if !s.Healthy {
			t.Errorf("after the outage %s is not healthy: %s", s.Name, s.Detail)
		}
	}
}

func TestComponentCommandsRefuse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cases := []struct {
		name string
		args []string
		want string
	}{
		{"a component that does not exist", []string{"pause", "kubelet"}, "there are: etcd, apiserver"},
		{"resuming what is not paused", []string{"resume", "etcd"}, "it is running, not paused"},
		{"starting what runs", []string{"start", "scheduler"}, "already running"},
		{"a namespace that is none", []string{"seed", "--namespace", "Not A Name"}, "Not A Name"},
		{"no namespace", []string{"seed"}, "namespace"},
		{"a service that does not exist", []string{"break", "mainframe", "crashloop"}, "mainframe"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, complaint, err := b.run(c.args...)
			if err == nil || !strings.Contains(complaint, c.want) {
				t.Errorf("got %v, %q, want %q in it", err, complaint, c.want)
			}
		})
	}
}

func TestUpRefuses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		args []string
		want string
	}{
		{"ports that are no number", []string{"up", "--ports", "many"}, `--ports "many"`},
		{"ports beyond the last", []string{"up", "--ports", "65530"}, "65528"},
		{"no nodes", []string{"up", "--nodes", "0"}, "at least 1 node"},
		{"an owner that has ended", []string{"up", "--owner", "999999999"}, "watch process 999999999"},
		{"the same, detached", []string{"up", "--detach", "--owner", "999999999"}, "watch process 999999999"},
		{"a namespace that is none", []string{"up", "--detach", "--namespace", "Not_A_Name"}, "Not_A_Name"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := &bench{t: t, dir: t.TempDir()}
			_, complaint, err := b.run(c.args...)
			if err == nil || !strings.Contains(complaint, c.want) {
				t.Errorf("got %v, %q, want %q in it", err, complaint, c.want)
			}
			if err := exitsWith(b, 3, "status"); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestUpLeavesOtherPeoplesDirectoriesAlone(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"up"}, {"up", "--detach"}, {"status"}, {"down"}} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			t.Parallel()
			b := &bench{t: t, dir: t.TempDir()}
			mine := filepath.Join(b.dir, "logs", "mine.txt")
			if err := os.MkdirAll(filepath.Dir(mine), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(mine, []byte("precious"), 0o600); err != nil {
				t.Fatal(err)
			}
			_, complaint, err := b.run(args...)
			if args[0] == "up" && (err == nil || !strings.Contains(complaint, "holds other files")) {
				t.Errorf("got %v, %q", err, complaint)
			}
			if got, err := os.ReadFile(mine); err != nil || string(got) != "precious" {
				t.Errorf("the file: got %q, %v", got, err)
			}
			entries, err := os.ReadDir(b.dir)
			if err != nil || len(entries) != 1 {
				t.Errorf("the directory: got %v, %v, want logs alone", entries, err)
			}
		})
	}
}

func TestWithoutASandbox(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name string
		args []string
		want int
	}{
		{"status says that none runs", []string{"status"}, 3},
		{"break says that none runs", []string{"break", "backend", "crashloop"}, 3},
		{"pause says that none runs", []string{"pause", "apiserver"}, 3},
		{"down has nothing to do", []string{"down"}, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if err := exitsWith(&bench{t: t, dir: t.TempDir()}, c.want, c.args...); err != nil {
				t.Error(err)
			}
		})
	}
}

func exitsWith(b *bench, want int, args ...string) error {
	_, complaint, err := b.run(args...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		return err
	}
	if got != want {
		return fmt.Errorf("sandbox %s: got exit code %d, want %d: %s", strings.Join(args, " "), got, want, complaint)
	}
	return nil
}

func allGone(parts []cluster.Status) error {
	for _, part := range parts {
		if part.PID != 0 && alive(part.PID) {
			return fmt.Errorf("%s (process %d) is still there", part.Name, part.PID)
		}
	}
	return nil
}
