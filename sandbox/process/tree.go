package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"sync"
)

// Spec says how to run one program.
type Spec struct {
	Name    string   // the word people use for it
	Path    string   // the executable
	Args    []string // without argv[0]
	Env     []string // KEY=VALUE, added to this process's environment
	Dir     string   // working directory
	LogPath string   // stdout and stderr are appended here
}

// ErrClosed is returned by Start after Close.
var ErrClosed = errors.New("the process tree is closed")

// Tree starts children, each in a process group of its own. On Linux the kernel
// kills them when this process ends, however it ends; elsewhere they are stopped
// only by Child.Stop. Safe for concurrent use.
type Tree struct {
	requests chan request
	quit     chan struct{}
	close    sync.Once
}

type request struct {
	spec  Spec
	reply chan reply
}

type reply struct {
	child *Child
	err   error
}

// NewTree returns a tree that is ready to start children.
func NewTree() *Tree {
	t := &Tree{requests: make(chan request), quit: make(chan struct{})}
	go t.serve()
	return t
}

// Start runs the program and returns once it has been executed, not once it is
// ready to serve.
func (t *Tree) Start(spec Spec) (*Child, error) {
	r := request{spec: spec, reply: make(chan reply, 1)}
	closed := fmt.Errorf("start %s: %w", spec.Name, ErrClosed)
	select {
	case <-t.quit:
		return nil, closed // select would choose at random if serve still listened
	default:
	}
	select {
	case t.requests <- r:
		got := <-r.reply
		return got.child, got.err
	case <-t.quit:
		return nil, closed
	}
}

// Close ends the tree. On Linux children that still run are killed.
func (t *Tree) Close() { t.close.Do(func() { close(t.quit) }) }

// serve forks every child from one OS thread: the kernel's parent-death signal
// is bound to the thread that forked, not to the process, and Go ends threads
// as it likes unless a goroutine holds them.
func (t *Tree) serve() {
	runtime.LockOSThread()
	for {
		select {
		case r := <-t.requests:
			child, err := start(r.spec)
			r.reply <- reply{child: child, err: err}
		case <-t.quit:
			return
		}
	}
}

func start(spec Spec) (*Child, error) {
	log, err := os.OpenFile(spec.LogPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("start %s: open its log: %w", spec.Name, err)
	}
	defer log.Close()
	cmd := exec.Command(spec.Path, spec.Args...)
	cmd.Env = append(os.Environ(), spec.Env...)
	cmd.Dir = spec.Dir
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = attributes()
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", spec.Name, err)
	}
	child := &Child{spec: spec, cmd: cmd, done: make(chan struct{})}
	go child.wait()
	return child, nil
}
