package postgres

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Options of one instance.
type Options struct {
	// Dir holds the instance; it is made, and owned by whoever Postgres runs as. A second start with the same Dir finds its data again.
	Dir string
	// Fast survives the end of the program, not of the computer: for tests only.
	Fast bool
}

// Server is one running instance, reached through a socket in its directory and through nothing else. It is safe for concurrent use.
type Server struct {
	dir  string
	bin  string
	fast bool
	user *account

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
}

// startTime is how long an instance may take to answer, recovery after a crash included.
const startTime = 60 * time.Second

// superuser is the role of the instance; no password: only the owner of the directory reaches its socket.
const superuser = "svcdown"

// Start makes the instance if it is new and starts it. The error of a missing Postgres says how to install it.
func Start(ctx context.Context, opts Options) (*Server, error) {
	bin, err := search(places())
	if err != nil {
		return nil, err
	}
	owner, err := unprivileged()
	if err != nil {
		return nil, err
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, err
	}
	// The path of a socket is limited to 107 bytes (unix(7)), and Postgres appends /.s.PGSQL.5432.lock.
	if len(dir) > 85 {
		return nil, fmt.Errorf("start a private Postgres: the path %s is too long for a socket; choose one of at most 85 bytes", dir)
	}
	s := &Server{dir: dir, bin: bin, fast: opts.Fast, user: owner}
	if err := s.create(ctx); err != nil {
		return nil, fmt.Errorf("make a private Postgres in %s: %w", dir, err)
	}
	return s, s.Resume(ctx)
}

func (s *Server) create(ctx context.Context) error {
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if err := s.user.own(s.dir); err != nil {
		return err
	}
	if err := s.user.reaches(s.dir); err != nil {
		return err
	}
	if _, err := os.Stat(filepath.Join(s.dir, "data", "PG_VERSION")); err == nil {
		return nil
	}
	// Made aside and renamed, so that an interrupted initdb is not taken for an instance.
	fresh := filepath.Join(s.dir, "fresh")
	if err := os.RemoveAll(fresh); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, filepath.Join(s.bin, "initdb"), "-D", fresh, "-U", superuser, "-A", "trust", "--no-sync", "--locale=C", "-E", "UTF8")
	cmd.Dir, cmd.SysProcAttr = s.dir, s.user.attributes()
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(out))
	}
	return os.Rename(fresh, filepath.Join(s.dir, "data"))
}

// overlap is how long the remains of an instance that was just killed, or whose program was, may be in the way of the next one.
const overlap = 10 * time.Second

// Resume starts the instance when it does not run, continues it when it is paused, and returns once it accepts connections.
func (s *Server) Resume(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	if s.cmd != nil {
		if err := s.signal(syscall.SIGCONT); err != nil {
			return fmt.Errorf("continue Postgres: %w", err)
		}
		return s.await(ctx)
	}
	for began := time.Now(); ; {
		if err := s.launch(); err != nil {
			return fmt.Errorf("start Postgres: %w", err)
		}
		err := s.await(ctx)
		if err == nil || !inTheWay(err) || time.Since(began) > overlap {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// inTheWay recognises what Postgres says when another instance runs in its directory, or has not quite ended.
func inTheWay(err error) bool {
	return strings.Contains(err.Error(), "lock file") || strings.Contains(err.Error(), "pre-existing shared memory block")
}

// await returns once the launched instance is ready. One that ended instead can be launched again.
func (s *Server) await(ctx context.Context) error {
	for !s.ready() {
		select {
		case <-s.exited:
			s.cmd = nil
			return fmt.Errorf("start Postgres in %s: it ended: %s", s.dir, s.lastWords())
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("start Postgres in %s: it is not ready: %w: %s", s.dir, ctx.Err(), s.lastWords()), s.stop(syscall.SIGQUIT))
		case <-time.After(10 * time.Millisecond):
		}
	}
	return nil
}

func (s *Server) launch() error {
	args := []string{"-D", filepath.Join(s.dir, "data"), "-k", s.dir, "-h", "", "-p", "5432",
		"-c", "max_connections=200", "-c", "shared_buffers=16MB", "-c", "log_min_messages=warning"}
	if s.fast {
		// Commits still reach the kernel, so that Kill loses none.
		args = append(args, "-c", "fsync=off", "-c", "full_page_writes=off")
	}
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), args...)
	log, err := os.Create(s.logFile())
	if err != nil {
		return err
	}
	defer log.Close() // the process has its own
	cmd.Dir, cmd.Stderr, cmd.Stdout, cmd.SysProcAttr = s.dir, log, log, s.user.attributes()
	exited := make(chan struct{})
	started := make(chan error, 1)
	go startAndWait(cmd, started, exited)
	if err := <-started; err != nil {
		return err
	}
	s.cmd, s.exited = cmd, exited
	return nil
}

func (s *Server) logFile() string { return filepath.Join(s.dir, "postgres.log") }

// lastWords is what Postgres wrote before it ended.
func (s *Server) lastWords() string {
	log, err := os.ReadFile(s.logFile())
	if err != nil {
		return err.Error()
	}
	const most = 2000
	return strings.TrimSpace(string(log[max(0, len(log)-most):]))
}

// ready reports whether the instance accepts connections, from the file where it says so itself, as pg_ctl does: the first line is its
// process, the eighth its state. A connection could meet another instance in the same directory.
func (s *Server) ready() bool {
	raw, err := os.ReadFile(filepath.Join(s.dir, "data", "postmaster.pid"))
	lines := strings.Split(string(raw), "\n")
	return err == nil && len(lines) > 7 && lines[0] == strconv.Itoa(s.cmd.Process.Pid) && strings.TrimSpace(lines[7]) == "ready"
}

// URL is the address of one of the instance's databases.
func (s *Server) URL(database string) string {
	return "postgres:///" + url.PathEscape(database) + "?" + url.Values{"host": {s.dir}, "port": {"5432"}, "user": {superuser}}.Encode()
}

// Binaries is the directory of the Postgres programs that run the instance.
func (s *Server) Binaries() string { return s.bin }

// Pause makes the instance stand still, as a hung disk would: connections stay open and nothing answers. Resume ends it.
func (s *Server) Pause() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.signal(syscall.SIGSTOP)
}

// Stop shuts the instance down in order, after breaking off its connections. A stopped instance can be resumed.
func (s *Server) Stop() error { return s.end(syscall.SIGINT) }

// Kill ends the instance as a crash does. It can be resumed, and recovers.
func (s *Server) Kill() error { return s.end(syscall.SIGKILL) }

func (s *Server) end(with syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stop(with)
}

func (s *Server) stop(with syscall.Signal) error {
	if s.cmd == nil {
		return nil
	}
	// One that stands still would not hear it otherwise.
	err := errors.Join(s.signal(with), s.signal(syscall.SIGCONT))
	select {
	case <-s.exited:
	case <-time.After(10 * time.Second):
		err = errors.Join(err, s.signal(syscall.SIGKILL))
		<-s.exited
	}
	s.cmd = nil
	return err
}

// signal reaches a crash or a standstill to every process of the instance, an order to stop only to the first one, which passes it on.
func (s *Server) signal(sig syscall.Signal) error {
	if s.cmd == nil {
		return errors.New("Postgres does not run")
	}
	pid := s.cmd.Process.Pid
	var err error
	if sig == syscall.SIGSTOP || sig == syscall.SIGCONT || sig == syscall.SIGKILL {
		var pids []int
		pids, err = children(pid)
		for _, child := range pids {
			err = errors.Join(err, ended(syscall.Kill(child, sig)))
		}
	}
	return errors.Join(err, ended(syscall.Kill(pid, sig)))
}

// ended forgives that a process is gone already.
func ended(err error) error {
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}
