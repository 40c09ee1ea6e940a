package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// demo holds what has been started, and how to stop it.
type demo struct {
	bin, dir, logs string // absolute
	port           int
	out            io.Writer
	died           context.CancelCauseFunc
	began          time.Time
	stops          []func()
}

// newDemo prepares the folder; it starts nothing.
func newDemo(dir string, port int, out io.Writer, died context.CancelCauseFunc) (*demo, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find the demo's own program: %w", err)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return nil, err
	}
	d := &demo{bin: filepath.Dir(self), dir: dir, logs: filepath.Join(dir, "logs"), port: port, out: out, died: died, began: time.Now()}
	for _, program := range []string{"svcdown", "sandbox"} {
		if _, err := exec.LookPath(filepath.Join(d.bin, program)); err != nil {
			return nil, fmt.Errorf("%w; run: make build", err)
		}
	}
	if _, err := exec.LookPath("redis-server"); err != nil {
		return nil, fmt.Errorf("%w; run: make deps", err)
	}
	return d, os.MkdirAll(d.logs, 0o755)
}

// start brings everything up in the order of need and breaks the backend.
func (d *demo) start(ctx context.Context) error {
	fmt.Fprintln(d.out, "Everything runs on this machine's loopback. Ctrl-C stops all of it.")
	places, err := d.storage(ctx)
	if err != nil {
		return err
	}
	d.say("Postgres and Redis run")
	slack, err := d.slack(ctx)
	if err != nil {
		return err
	}
	d.say("a Slack workspace with Alice, Bob, Carol and Dave runs")
	w, err := d.kubernetes(ctx)
	if err != nil {
		return err
	}
	d.say("Kubernetes runs, with the services backend, frontend, postgres and redis")
	server, err := d.bot(ctx, places, slack, w)
	if err != nil {
		return err
	}
	d.say("svcdown is connected to Slack")
	if err := d.breakBackend(ctx, w); err != nil {
		return err
	}
	d.say("a bad release of backend was rolled out: its new pods crash")
	d.tell(slack, server, w)
	return nil
}

func (d *demo) say(what string) {
	fmt.Fprintf(d.out, "  %4s  %s\n", time.Since(d.began).Round(time.Second), what)
}

// push remembers how to stop what was just started.
func (d *demo) push(stop func()) { d.stops = append(d.stops, stop) }

// stop ends everything in reverse and returns when it is gone.
func (d *demo) stop() {
	fmt.Fprintln(d.out, "\nStopping …")
	for i := len(d.stops) - 1; i >= 0; i-- {
		d.stops[i]()
	}
	fmt.Fprintln(d.out, "Nothing of the demo runs any more.")
}

// spawn starts a child that stop ends.
func (d *demo) spawn(name string, cmd *exec.Cmd) (*child, error) {
	c, err := spawn(name, d.logs, cmd, d.died)
	if err == nil {
		d.push(c.stop)
	}
	return c, err
}
