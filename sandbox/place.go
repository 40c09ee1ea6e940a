package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/svcdown/svcdown/sandbox/cluster"
)

const defaultNamespace = "web3-marketplace-prod"

// errNotRunning means that no sandbox runs in the directory.
var errNotRunning = errors.New("no sandbox runs here; start one with: sandbox up")

func exitCode(err error) int {
	if errors.Is(err, errNotRunning) {
		return 3
	}
	return 1
}

// place is the directory a command works on, as given on the command line.
type place struct{ dir string }

func (p place) layout() (cluster.Layout, error) {
	dir := p.dir
	if dir == "" {
		dir = os.Getenv("SVCDOWN_SANDBOX_DIR")
	}
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("choose a directory: %w; give one with --dir", err)
		}
		dir = filepath.Join(user, "svcdown-sandbox", "default")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("choose a directory: %w", err)
	}
	return cluster.Layout(dir), nil
}

// info is everything another program needs to use a sandbox; it is what --json
// prints. Fields are only ever added.
type info struct {
	Dir             string            `json:"dir"`
	Kubeconfig      string            `json:"kubeconfig"`
	BotKubeconfig   string            `json:"bot_kubeconfig"`
	UserKubeconfigs map[string]string `json:"user_kubeconfigs"`
	Namespace       string            `json:"namespace"`
	AuditLog        string            `json:"audit_log"`
	APIServer       string            `json:"api_server"`
	HealthURLs      map[string]string `json:"health_urls"`
	Tokens          map[string]string `json:"tokens"`
	Kubectl         string            `json:"kubectl"`
	SupervisorPID   int               `json:"supervisor_pid"`
}

// contact is how the other commands reach a directory's supervisor; the file is
// readable by its owner alone.
type contact struct {
	PID     int    `json:"pid"`
	Address string `json:"address"`
	Token   string `json:"token"`
	Nodes   int    `json:"nodes"`
	Main    string `json:"namespace"`
}

func contactPath(l cluster.Layout) string { return filepath.Join(string(l), "supervisor.json") }

func writeContact(l cluster.Layout, c contact) error {
	content, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("write the supervisor's contact: %w", err)
	}
	fresh := contactPath(l) + ".new"
	if err := os.WriteFile(fresh, content, 0o600); err != nil {
		return fmt.Errorf("write the supervisor's contact: %w", err)
	}
	return os.Rename(fresh, contactPath(l))
}

func lockPath(l cluster.Layout) string { return filepath.Join(string(l), "lock") }

// holder is the process that has the directory, from the start of its start to
// the end of its end.
func holder(l cluster.Layout) (pid int, err error) {
	unlock, err := lockDir(l)
	if err == nil {
		unlock()
		return 0, fmt.Errorf("%s: %w", l, errNotRunning)
	}
	if !errors.Is(err, errLocked) {
		return 0, err
	}
	content, err := os.ReadFile(lockPath(l))
	if err != nil {
		return 0, fmt.Errorf("see who holds %s: %w", l, err)
	}
	pid, err = strconv.Atoi(string(content))
	if err != nil || pid < 2 {
		return 0, fmt.Errorf("see who holds %s: the lock names no process: %q", l, content)
	}
	return pid, nil
}

// prepare makes the directory a sandbox's. One that holds anything else is
// refused, because each start removes what the one before it left.
func prepare(l cluster.Layout) error {
	if err := os.MkdirAll(string(l), 0o700); err != nil {
		return fmt.Errorf("start in %s: %w", l, err)
	}
	if _, err := os.Stat(lockPath(l)); err == nil {
		return nil
	}
	entries, err := os.ReadDir(string(l))
	if err != nil {
		return fmt.Errorf("start in %s: %w", l, err)
	}
	if len(entries) > 0 {
		return fmt.Errorf("start in %s: it holds other files (%s, …), which a start could remove; nothing was touched; give a new or empty directory",
			l, entries[0].Name())
	}
	if err := os.WriteFile(lockPath(l), nil, 0o600); err != nil {
		return fmt.Errorf("start in %s: %w", l, err)
	}
	return nil
}

// claim locks the directory and signs with this process's id, for holder.
func claim(l cluster.Layout) (unlock func(), err error) {
	// Another command that only looks holds the lock for a moment.
	for range 10 {
		if unlock, err = lockDir(l); !errors.Is(err, errLocked) {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(lockPath(l), []byte(strconv.Itoa(os.Getpid())), 0o600); err != nil {
		unlock()
		return nil, fmt.Errorf("lock %s: %w", l, err)
	}
	return unlock, nil
}

// readContact returns errNotRunning when no supervisor holds the directory, also
// when one left its file behind.
func readContact(l cluster.Layout) (contact, error) {
	if _, err := holder(l); err != nil {
		return contact{}, err
	}
	content, err := os.ReadFile(contactPath(l))
	if err != nil {
		return contact{}, fmt.Errorf("%s: a sandbox is just starting or stopping there: %w", l, err)
	}
	var c contact
	if err := json.Unmarshal(content, &c); err != nil {
		return contact{}, fmt.Errorf("read %s: %w", contactPath(l), err)
	}
	return c, nil
}

var errLocked = errors.New("a sandbox runs here already; see it with: sandbox status, end it with: sandbox down")

// lockDir takes the directory for this process until unlock or its end, however
// it ends, and returns errLocked when another has it. A directory that no sandbox
// has ever used is errNotRunning.
func lockDir(l cluster.Layout) (unlock func(), err error) {
	f, err := os.OpenFile(lockPath(l), os.O_RDWR, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", l, errNotRunning)
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", l, err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", l, errLocked)
		}
		return nil, fmt.Errorf("lock %s: %w", l, err)
	}
	return func() { f.Close() }, nil
}
