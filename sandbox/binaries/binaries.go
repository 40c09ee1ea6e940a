package binaries

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// KubernetesVersion is what the built programs report; it must name the
// k8s.io/kubernetes version in go.mod.
const KubernetesVersion = "v1.37.2"

// ControlPlane lists the packages of the programs; the last word of each is its
// executable's name.
func ControlPlane() []string {
	return []string{
		"./etcd",
		"k8s.io/kubernetes/cmd/kube-apiserver",
		"k8s.io/kubernetes/cmd/kube-controller-manager",
		"k8s.io/kubernetes/cmd/kube-scheduler",
		"k8s.io/kubernetes/cmd/kubectl",
		"sigs.k8s.io/kwok/cmd/kwok",
		"sigs.k8s.io/metrics-server/cmd/metrics-server",
	}
}

// ErrNoGo means that there is no Go toolchain to build with.
var ErrNoGo = errors.New("the go command is not in PATH: install Go (https://go.dev/dl) and try again; nothing was built")

// Cache is a folder of built programs, one folder inside per set of versions.
type Cache struct {
	Root     string   // created when missing
	Source   fs.FS    // the module to build in: go.mod, go.sum and its own packages
	Programs []string // packages of the programs, as ControlPlane lists them
}

// DefaultRoot is $SVCDOWN_SANDBOX_CACHE, else svcdown-sandbox in the user's
// cache folder ($XDG_CACHE_HOME or ~/.cache on Linux).
func DefaultRoot() (string, error) {
	if root := os.Getenv("SVCDOWN_SANDBOX_CACHE"); root != "" {
		return filepath.Abs(root)
	}
	user, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find a cache folder: %w; set SVCDOWN_SANDBOX_CACHE to one", err)
	}
	return filepath.Join(user, "svcdown-sandbox"), nil
}

// Ensure returns the folder that holds the programs and builds them first when
// they are missing, which takes about eight minutes on two cores. It reports to
// progress while it builds and writes nothing when there is nothing to build.
// Several processes may call it at once: one builds, the others wait for it. A
// build that is cut short leaves nothing that looks complete.
func (c Cache) Ensure(ctx context.Context, progress io.Writer) (string, error) {
	key, err := c.key()
	if err != nil {
		return "", fmt.Errorf("build the control plane: %w", err)
	}
	dir := filepath.Join(c.Root, key)
	if exists(dir) {
		return dir, nil
	}
	if _, err := exec.LookPath("go"); err != nil {
		return "", ErrNoGo
	}
	if err := os.MkdirAll(c.Root, 0o700); err != nil {
		return "", fmt.Errorf("build the control plane: %w", err)
	}
	unlock, err := c.lock(ctx, progress)
	if err != nil {
		return "", err
	}
	defer unlock()
	if exists(dir) { // built while we waited
		return dir, nil
	}
	if err := c.build(ctx, dir, progress); err != nil {
		return "", fmt.Errorf("build the control plane: %w", err)
	}
	return dir, nil
}

// key names one set of programs: the same sources and flags give the same key.
func (c Cache) key() (string, error) {
	h := sha256.New()
	fmt.Fprintln(h, runtime.GOOS, runtime.GOARCH, buildFlags(), c.Programs)
	err := fs.WalkDir(c.Source, ".", func(path string, entry fs.DirEntry, err error) error {
		// go.sum names every version; go.mod also says what is a direct dependency,
		// which changes no program.
		if err != nil || entry.IsDir() || path == "go.mod" {
			return err
		}
		content, err := fs.ReadFile(c.Source, path)
		fmt.Fprintln(h, path, len(content))
		h.Write(content)
		return err
	})
	if err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

func (c Cache) lock(ctx context.Context, progress io.Writer) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(c.Root, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock the cache: %w", err)
	}
	said := false
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) && !errors.Is(err, syscall.EINTR) {
			f.Close()
			return nil, fmt.Errorf("lock the cache: %w", err)
		}
		if !said {
			fmt.Fprintln(progress, "another process is building the control plane; waiting for it")
			said = true
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			f.Close()
			return nil, fmt.Errorf("wait for another process's build: %w", ctx.Err())
		}
	}
}

func exists(dir string) bool {
	info, err := os.Stat(dir)
	return err == nil && info.IsDir()
}
