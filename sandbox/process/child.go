package process

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// Child is one started program. Safe for concurrent use.
type Child struct {
	spec Spec
	cmd  *exec.Cmd
	done chan struct{}
	err  error // written before done is closed
}

// PID is the child's process id, which is also its process group's.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// Done is closed once the child has ended and has been reaped.
func (c *Child) Done() <-chan struct{} { return c.done }

// Exited tells whether the child has ended.
func (c *Child) Exited() bool {
	select {
	case <-c.done:
		return true
	default:
		return false
	}
}

// ExitError says how the child ended, with the end of its log; call it after
// Done is closed.
func (c *Child) ExitError() error {
	<-c.done
	how := "exit status 0"
	if c.err != nil {
		how = c.err.Error()
	}
	return fmt.Errorf("%s ended (%s); the end of %s:\n%s", c.spec.Name, how, c.spec.LogPath, tail(c.spec.LogPath))
}

// Pause suspends the child: its sockets stay open and nothing answers on them.
func (c *Child) Pause() error { return c.signal("pause", syscall.SIGSTOP) }

// Resume lets a paused child run on; on a running child it does nothing.
func (c *Child) Resume() error { return c.signal("resume", syscall.SIGCONT) }

// Stop asks the child to end, waits, and kills its whole group after grace or
// when ctx ends. The child is gone when Stop returns.
func (c *Child) Stop(ctx context.Context, grace time.Duration) {
	// A suspended process would not see the request.
	_ = c.Resume()
	_ = c.signal("stop", syscall.SIGTERM)
	timer := time.NewTimer(grace)
	defer timer.Stop()
	select {
	case <-c.done:
	case <-timer.C:
	case <-ctx.Done():
	}
	// Also after an orderly end: what the child itself had started goes too.
	_ = syscall.Kill(-c.PID(), syscall.SIGKILL)
	<-c.done
}

func (c *Child) signal(verb string, sig syscall.Signal) error {
	if c.Exited() {
		return fmt.Errorf("%s %s: it is not running", verb, c.spec.Name)
	}
	if err := syscall.Kill(c.PID(), sig); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("%s %s: %w", verb, c.spec.Name, err)
	}
	return nil
}

func (c *Child) wait() {
	c.err = c.cmd.Wait()
	close(c.done)
}

// tail returns the last lines of a log, at most 2,000 bytes.
func tail(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer f.Close()
	if size, err := f.Seek(0, io.SeekEnd); err == nil && size > 2000 {
		_, _ = f.Seek(-2000, io.SeekEnd)
	} else {
		_, _ = f.Seek(0, io.SeekStart)
	}
	text, _ := io.ReadAll(f)
	return strings.TrimSpace(string(text))
}
