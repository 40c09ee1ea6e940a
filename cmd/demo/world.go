package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
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
	report, theirs, err := os.Pipe()
	if err != nil {
		return world{}, err
	}
	defer report.Close()
	up := exec.Command(program, "--dir", d.sandboxDir(), "up", "--json", "--owner", strconv.Itoa(os.Getpid()))
	up.Stdout = theirs
	_, err = d.spawn("sandbox", up)
	theirs.Close()
	if err != nil {
		return world{}, err
	}
	defer context.AfterFunc(ctx, func() { _ = report.SetReadDeadline(time.Now()) })()
	var w world
	if err := json.NewDecoder(report).Decode(&w); err != nil {
		return world{}, fmt.Errorf("read where the local Kubernetes is: %w", err)
	}
	return w, nil
}

func (d *demo) sandboxDir() string { return filepath.Join(d.dir, "sandbox") }

// breakBackend rolls a crashing release out and returns when it can be seen.
func (d *demo) breakBackend(ctx context.Context, w world) error {
	out, err := exec.CommandContext(ctx, filepath.Join(d.bin, "sandbox"), "--dir", d.sandboxDir(), "break", "backend", "crashloop").CombinedOutput()
	if err != nil {
		return fmt.Errorf("break backend: %w: %s", err, out)
	}
	return until(ctx, time.Minute, func() error {
		out, err := exec.CommandContext(ctx, w.Kubectl, "--kubeconfig", w.Kubeconfig, "-n", w.Namespace, "get", "pods", "-l", "app=backend",
			"-o", "jsonpath={.items[*].status.containerStatuses[*].state.waiting.reason}").CombinedOutput()
		if err != nil || !strings.Contains(string(out), "CrashLoopBackOff") {
			return fmt.Errorf("backend was broken, and its pods do not show it: %s (%v)", out, err)
		}
		return nil
	})
}
