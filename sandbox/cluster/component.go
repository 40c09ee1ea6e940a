package cluster

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/svcdown/svcdown/sandbox/process"
)

// State of a component.
type State string

// The states a component can be in.
const (
	Running State = "running"
	Paused  State = "paused"  // suspended by Pause
	Stopped State = "stopped" // ended by Stop
	Exited  State = "exited"  // ended by itself
)

// grace is how long a component may take to end when asked. An API server would
// wait for its watchers far longer; nothing is lost when it does not, because
// what it answered is in etcd.
const grace = 3 * time.Second

// component is one program of the control plane, running or not.
type component struct {
	spec  process.Spec
	port  int // 0: it has no fixed one
	probe func(context.Context) error

	mu    sync.Mutex // held over a whole change of state
	state State
	child *process.Child
}

func (c *component) start(tree *process.Tree) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now() == Running || c.now() == Paused {
		return fmt.Errorf("start %s: it is already %s", c.spec.Name, c.now())
	}
	child, err := tree.Start(c.spec)
	if err != nil {
		return err
	}
	c.child, c.state = child, Running
	return nil
}

func (c *component) stop(ctx context.Context) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.child == nil {
		return
	}
	c.child.Stop(ctx, grace)
	c.state = Stopped
}

func (c *component) pause() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now() != Running {
		return fmt.Errorf("pause %s: it is %s", c.spec.Name, c.now())
	}
	if err := c.child.Pause(); err != nil {
		return err
	}
	c.state = Paused
	return nil
}

func (c *component) resume() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.now() != Paused {
		return fmt.Errorf("resume %s: it is %s, not paused", c.spec.Name, c.now())
	}
	if err := c.child.Resume(); err != nil {
		return err
	}
	c.state = Running
	return nil
}

// now is the state with an unexpected end taken into account; mu must be held.
func (c *component) now() State {
	if c.child == nil {
		return Stopped
	}
	if c.state != Stopped && c.child.Exited() {
		return Exited
	}
	return c.state
}

// ready waits until the component answers its health check; a component that
// ends before is an error with the end of its log.
func (c *component) ready(ctx context.Context) error {
	c.mu.Lock()
	child := c.child
	c.mu.Unlock()
	if child == nil {
		return fmt.Errorf("wait for %s: it was never started", c.spec.Name)
	}
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		err := c.check(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-child.Done():
			return child.ExitError()
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w; its last answer: %w; its log: %s", c.spec.Name, ctx.Err(), err, c.spec.LogPath)
		case <-tick.C:
		}
	}
}

// check asks the component once whether it is healthy.
func (c *component) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	return c.probe(ctx)
}

// Status is what a component looks like from outside.
type Status struct {
	Name    string `json:"name"`
	State   State  `json:"state"`
	PID     int    `json:"pid,omitempty"`
	Port    int    `json:"port,omitempty"`
	Healthy bool   `json:"healthy"`
	Detail  string `json:"detail,omitempty"` // why it is not healthy
	Log     string `json:"log"`
}

func (c *component) status(ctx context.Context) Status {
	c.mu.Lock()
	s := Status{Name: c.spec.Name, State: c.now(), Port: c.port, Log: c.spec.LogPath}
	child := c.child
	c.mu.Unlock()
	switch s.State {
	case Running, Paused:
		s.PID = child.PID()
	case Exited:
		s.Detail = child.ExitError().Error()
		return s
	default:
		s.Detail = "stopped on request"
		return s
	}
	if err := c.check(ctx); err != nil {
		s.Detail = err.Error()
		return s
	}
	s.Healthy = true
	return s
}
