package main

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

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
