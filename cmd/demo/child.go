package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// child is a process of the demo. On Linux it ends with the demo, however that ends.
type child struct {
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// deathError says that a part of the demo ended unasked.
type deathError struct{ name, how, log, last string }

func (e *deathError) Error() string {
	return fmt.Sprintf("%s ended unasked (%s), so everything was stopped. The end of %s:\n%s", e.name, e.how, e.log, e.last)
}

// stopTime is what a child may take to stop in order.
const stopTime = 30 * time.Second

// spawn starts cmd with its output in a log file, unless cmd has a place for it already. died hears of its end; when that was asked for,
// nobody listens any more.
func spawn(name, logDir string, cmd *exec.Cmd, died context.CancelCauseFunc) (*child, error) {
	path := filepath.Join(logDir, name+".log")
	log, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	defer log.Close() // the process has its own
	if cmd.Stdout == nil {
		cmd.Stdout = log
	}
	if cmd.Stderr == nil {
		cmd.Stderr = log
	}
	// A group of its own: Ctrl-C reaches the demo alone, which stops its children in order.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	diesWithUs(cmd.SysProcAttr)
	c := &child{name: name, cmd: cmd, done: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The kernel means by "parent" the thread that started the child (prctl(2)): it must live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait()
		close(c.done)
		died(&deathError{name: name, how: cmd.ProcessState.String(), log: path, last: lastLines(path)})
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return c, nil
}

func (c *child) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // fails only when it has ended
	select {
	case <-c.done:
	case <-time.After(stopTime):
		_ = c.cmd.Process.Kill()
		<-c.done
	}
}

func lastLines(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := bytes.Split(bytes.TrimSpace(content), []byte("\n"))
	return string(bytes.Join(lines[max(0, len(lines)-15):], []byte("\n")))
}
