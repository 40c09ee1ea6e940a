package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// world is what the sandbox reports of itself.
type world struct {
	Kubeconfig      string            `json:"kubeconfig"`
	BotKubeconfig   string            `json:"bot_kubeconfig"`
	UserKubeconfigs map[string]string `json:"user_kubeconfigs"`
	Namespace       string            `json:"namespace"`
	HealthURLs      map[string]string `json:"health_urls"`
	Kubectl         string            `json:"kubectl"`
}

// kubernetes builds the control plane unless it is there, with its progress shown, and starts it.
func (d *demo) kubernetes(ctx context.Context) (world, error) {
	program := filepath.Join(d.bin, "sandbox")
	build := exec.Command(program, "build")
	build.Stderr = os.Stderr
	built, err := spawn("sandbox-build", d.logs, build, func(error) {})
	if err != nil {
		return world{}, err
	}
	select {
	case <-built.done:
	case <-ctx.Done():
		built.stop()
		return world{}, ctx.Err()
	}
	if !build.ProcessState.Success() {
		return world{}, errors.New("build the local Kubernetes: the lines above say why; it needs Go and its module proxy or cache")
	}
	for attempt := 1; ; attempt++ {
		w, err := d.sandbox(ctx, program)
		// Ports are chosen and then opened; on a busy machine another process may be quicker.
		if err == nil || attempt == 3 || ctx.Err() != nil || !strings.Contains(err.Error(), "port was taken") {
			return w, err
		}
	}
}

// sandbox starts the control plane and returns once it reports that it is ready.
func (d *demo) sandbox(ctx context.Context, program string) (world, error) {
	report, theirs, err := os.Pipe()
	if err != nil {
		return world{}, err
	}
	defer report.Close()
	up := exec.Command(program, "--dir", d.sandboxDir(), "up", "--json", "--owner", strconv.Itoa(os.Getpid()))
	up.Stdout = theirs
	early := make(chan error, 1)
	var ready atomic.Bool
	c, err := spawn("sandbox", d.logs, up, func(err error) {
		early <- err
		if ready.Load() {
			d.died(err)
		}
	})
	theirs.Close()
	if err != nil {
		return world{}, err
	}
	stopReading := context.AfterFunc(ctx, func() { _ = report.SetReadDeadline(time.Now()) })
	defer stopReading()
	var w world
	if err := json.NewDecoder(report).Decode(&w); err != nil {
		c.stop()
		return world{}, <-early
	}
	d.push(c.stop)
	ready.Store(true)
	select {
	case err := <-early:
		return world{}, err
	default:
		return w, nil
	}
}

func (d *demo) sandboxDir() string { return filepath.Join(d.dir, "sandbox") }
