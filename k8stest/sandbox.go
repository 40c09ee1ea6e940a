package k8stest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Sandbox is a running control plane with its nodes, controllers and metrics.
type Sandbox struct {
	Dir             string            `json:"dir"`
	Kubeconfig      string            `json:"kubeconfig"`     // the cluster's administrator
	BotKubeconfig   string            `json:"bot_kubeconfig"` // the permissions of the Helm chart
	UserKubeconfigs map[string]string `json:"user_kubeconfigs"`
	AuditLog        string            `json:"audit_log"` // one JSON event a line
	APIServer       string            `json:"api_server"`
	Tokens          map[string]string `json:"tokens"`
	KubectlPath     string            `json:"kubectl"`
	Namespace       string            `json:"namespace"`
	HealthURLs      map[string]string `json:"health_urls"`

	program string
}

var shared = sync.OnceValues(Start)

// Shared returns the test binary's sandbox and starts it at the first call: seconds, once its programs are built. It ends with [Stop] from
// TestMain, and by itself when the test binary ends in any way.
func Shared(t testing.TB) *Sandbox {
	t.Helper()
	started.Store(true)
	s, err := shared()
	if err != nil {
		t.Fatalf("start the sandbox: %v", err)
	}
	return s
}

// Program builds the sandbox command (cached by the Go tool) and returns its path, in a directory of its own.
func Program() (string, error) {
	root, err := root()
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "svcdown-sandbox-")
	if err != nil {
		return "", err
	}
	program := filepath.Join(dir, "sandbox")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Dir = filepath.Join(root, "sandbox")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the sandbox (needs Go and its module proxy or cache): %w\n%s", err, out)
	}
	return program, nil
}

// root is the folder of the main module, from wherever the test runs.
func root() (string, error) {
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("find the module (is Go installed and on PATH?): %w", err)
	}
	return filepath.Dir(string(bytes.TrimSpace(out))), nil
}

// attempts to start before a test binary gives up.
const attempts = 3

// Start starts a sandbox of its own, for callers without a testing.TB. It ends with Close, and by itself when this process ends in any way.
func Start() (*Sandbox, error) {
	program, err := Program()
	if err != nil {
		return nil, err
	}
	s := &Sandbox{program: program, Dir: filepath.Join(filepath.Dir(program), "state")}
	var out []byte
	for attempt := 1; ; attempt++ {
		// Its progress goes to the terminal: the first start builds a control plane, which takes minutes.
		var said bytes.Buffer
		out, err = s.output(io.MultiWriter(os.Stderr, &said), "up", "--detach", "--json", "--owner", strconv.Itoa(os.Getpid()))
		if err == nil {
			break
		}
		// Free ports are chosen before they are bound; on a busy machine another program may be quicker.
		if attempt == attempts || !strings.Contains(said.String(), "port was taken by another process") {
			return nil, errors.Join(fmt.Errorf("sandbox up: %w\n%s", err, said.String()), os.RemoveAll(filepath.Dir(program)))
		}
	}
	if err := json.Unmarshal(out, s); err != nil {
		return nil, fmt.Errorf("read the sandbox's report: %w", err)
	}
	return s, nil
}

// Run runs the sandbox command on this sandbox and fails the test when it fails.
func (s *Sandbox) Run(t testing.TB, args ...string) string {
	t.Helper()
	var log bytes.Buffer
	out, err := s.output(&log, args...)
	if err != nil {
		t.Fatalf("sandbox %v: %v\n%s", args, err, log.String())
	}
	return string(out)
}

// Command is a call of the sandbox command on this sandbox that is not started yet, for callers without a testing.TB.
func (s *Sandbox) Command(args ...string) *exec.Cmd {
	return exec.Command(s.program, append([]string{"--dir", s.Dir}, args...)...)
}

func (s *Sandbox) output(progress io.Writer, args ...string) ([]byte, error) {
	cmd := s.Command(args...)
	cmd.Stderr = progress
	return cmd.Output()
}
