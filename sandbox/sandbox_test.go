package main

import (
	"bytes"
	"context"
	"encoding/json"
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

// program is the sandbox executable under test; TestMain builds it.
var program string

func TestMain(m *testing.M) { os.Exit(buildAndRun(m)) }

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "sandbox-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "sandbox")
	// The control plane too, now: the first time takes minutes, which no test's
	// own deadline should have to cover.
	for _, args := range [][]string{{"go", "build", "-o", program, "."}, {program, "build"}} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
		if err := cmd.Run(); err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", strings.Join(args, " "), err)
			return 1
		}
	}
	return m.Run()
}

// bench is one sandbox of a test's own.
type bench struct {
	t   *testing.T
	dir string
	info
}

// setup starts a sandbox that ends with the test, or with this process.
func setup(t *testing.T) *bench {
	t.Helper()
	b := &bench{t: t, dir: t.TempDir()}
	t.Cleanup(func() {
		if t.Failed() {
			b.showLogs()
		}
		b.mustRun("down")
	})
	b.up()
	return b
}

func (b *bench) up() {
	b.t.Helper()
	out := b.mustRun("up", "--detach", "--json", "--owner", strconv.Itoa(os.Getpid()))
	if err := json.Unmarshal([]byte(out), &b.info); err != nil {
		b.t.Fatalf("up --json: %v\n%s", err, out)
	}
}

// run runs the sandbox on the bench's directory.
func (b *bench) run(args ...string) (stdout, stderr string, err error) {
	return execute(program, nil, append([]string{"--dir", b.dir}, args...)...)
}

func (b *bench) mustRun(args ...string) string {
	b.t.Helper()
	out, complaint, err := b.run(args...)
	if err != nil {
		b.t.Fatalf("sandbox %s: %v\n%s%s", strings.Join(args, " "), err, out, complaint)
	}
	return out
}

// kubectl runs the built kubectl as the user whose kubeconfig it is.
func (b *bench) kubectl(kubeconfig string, args ...string) (string, error) {
	args = append([]string{"--kubeconfig", kubeconfig, "--namespace", b.Namespace}, args...)
	out, complaint, err := execute(b.Kubectl, nil, args...)
	if err != nil {
		return out, fmt.Errorf("kubectl %s: %w\n%s", strings.Join(args, " "), err, complaint)
	}
	return out, nil
}

func (b *bench) mustKubectl(args ...string) string {
	b.t.Helper()
	out, err := b.kubectl(b.Kubeconfig, args...)
	if err != nil {
		b.t.Fatal(err)
	}
	return out
}

func (b *bench) status() []cluster.Status {
	b.t.Helper()
	var all []cluster.Status
	if err := json.Unmarshal([]byte(b.mustRun("status", "--json")), &all); err != nil {
		b.t.Fatal(err)
	}
	return all
}

// part returns the status of one component.
func (b *bench) part(name string) cluster.Status {
	b.t.Helper()
	for _, s := range b.status() {
		if s.Name == name {
			return s
		}
	}
	b.t.Fatalf("no component %s", name)
	return cluster.Status{}
}

func (b *bench) showLogs() {
	logs, _ := filepath.Glob(filepath.Join(b.dir, "logs", "*.log"))
	for _, path := range append(logs, filepath.Join(b.dir, "supervisor.log")) {
		content, err := os.ReadFile(path)
		if err != nil {
			b.t.Log(err)
			continue
		}
		b.t.Logf("the end of %s:\n%s", filepath.Base(path), content[max(0, len(content)-1500):])
	}
}

func execute(path string, stdin []byte, args ...string) (stdout, stderr string, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 4*time.Minute)
	defer cancel()
	var out, complaint bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Stdin = bytes.NewReader(stdin)
	cmd.Stdout, cmd.Stderr = &out, &complaint
	err = cmd.Run()
	return out.String(), complaint.String(), err
}

// within polls until holds returns no error, and fails with its last one.
func within(t *testing.T, limit time.Duration, holds func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		err := holds()
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("not within %s: %v", limit, err)
		}
	}
}

// alive tells whether a process runs; one that is only unreaped does not.
func alive(pid int) bool {
	if syscall.Kill(pid, 0) != nil {
		return false
	}
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return !os.IsNotExist(err)
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(rest, "Z")
}
