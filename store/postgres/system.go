package postgres

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
)

// places is where Debian, Red Hat and Homebrew keep Postgres's programs, by version.
func places() []string {
	return []string{"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin"}
}

// search finds the directory of initdb and postgres: PATH first, then the newest of places.
func search(places []string) (string, error) {
	if p, err := exec.LookPath("initdb"); err == nil {
		if real, err := filepath.EvalSymlinks(p); err == nil && has(filepath.Dir(real), "postgres") {
			return filepath.Dir(real), nil
		}
	}
	best, newest := "", -1
	for _, pattern := range places {
		found, err := filepath.Glob(pattern)
		if err != nil {
			return "", err
		}
		for _, dir := range found {
			version, err := strconv.Atoi(strings.TrimLeft(filepath.Base(filepath.Dir(dir)), "abcdefghijklmnopqrstuvwxyz@-"))
			if err == nil && version > newest && has(dir, "initdb") && has(dir, "postgres") {
				best, newest = dir, version
			}
		}
	}
	if best == "" {
		return "", errors.New("no Postgres on this computer; install it (apt-get install postgresql, brew install postgresql) or set DATABASE_URL")
	}
	return best, nil
}

func has(dir, program string) bool {
	info, err := os.Stat(filepath.Join(dir, program))
	return err == nil && !info.IsDir()
}

// account is whom Postgres runs as; nil means as ourselves.
type account struct{ uid, gid int }

// unprivileged returns an account for Postgres, which refuses to run as root. It must be one of the password file: initdb asks for its name.
func unprivileged() (*account, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err := strconv.Atoi(u.Uid)
		if err != nil {
			return nil, fmt.Errorf("read the uid of %s: %w", name, err)
		}
		gid, err := strconv.Atoi(u.Gid)
		if err != nil {
			return nil, fmt.Errorf("read the gid of %s: %w", name, err)
		}
		return &account{uid, gid}, nil
	}
	return nil, errors.New("Postgres refuses to run as root, and there is neither a user postgres nor nobody to run it as; start as another user or set DATABASE_URL")
}

// own gives dir to the account.
func (a *account) own(dir string) error {
	if a == nil {
		return nil
	}
	return os.Chown(dir, a.uid, a.gid)
}

// reaches refuses a directory below one that the account may not enter, such as /root.
func (a *account) reaches(dir string) error {
	if a == nil {
		return nil
	}
	for parent := filepath.Dir(dir); ; parent = filepath.Dir(parent) {
		info, err := os.Stat(parent)
		if err != nil {
			return err
		}
		owner, known := info.Sys().(*syscall.Stat_t)
		entered := info.Mode().Perm()&0o001 != 0 || (known && (int(owner.Uid) == a.uid && info.Mode().Perm()&0o100 != 0 || int(owner.Gid) == a.gid && info.Mode().Perm()&0o010 != 0))
		if !entered {
			return fmt.Errorf("Postgres does not run as root, and its account may not enter %s; choose a directory elsewhere, such as /var/lib/svcdown", parent)
		}
		if parent == filepath.Dir(parent) {
			return nil
		}
	}
}

// attributes make a process of the account's, in a group of its own: Ctrl-C must reach us and not the database under us.
func (a *account) attributes() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true}
	if a != nil {
		attr.Credential = &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
	}
	diesWithUs(attr)
	return attr
}

// startAndWait starts cmd and waits for its end on one locked thread: on Linux the death signal is sent when the thread that started the
// process ends, not when the program does (prctl(2), PR_SET_PDEATHSIG).
func startAndWait(cmd *exec.Cmd, started chan<- error, exited chan<- struct{}) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := cmd.Start()
	started <- err
	if err == nil {
		_ = cmd.Wait() // how it ended is in its output
		close(exited)
	}
}

// children returns the processes that pid started. Postgres gives each a session of its own, so that no process group holds them all.
func children(pid int) ([]int, error) {
	out, err := exec.Command("ps", "-A", "-o", "pid=,ppid=").Output()
	if err != nil {
		return nil, fmt.Errorf("list the processes of Postgres (apt-get install procps): %w", err)
	}
	var pids []int
	for line := range strings.Lines(string(out)) {
		var child, parent int
		if _, err := fmt.Sscan(line, &child, &parent); err == nil && parent == pid {
			pids = append(pids, child)
		}
	}
	return pids, nil
}
