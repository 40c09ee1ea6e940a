package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/svcdown/svcdown/sandbox/cluster"
)

func newDownCommand(where *place) *cobra.Command {
	return &cobra.Command{
		Use:   "down",
		Short: "Stop everything and wait until it is gone; fine when nothing runs",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			l, err := where.layout()
			if err != nil {
				return err
			}
			return down(cmd.Context(), l)
		},
	}
}

// downGrace is how long a supervisor may take to stop its components in order.
const downGrace = time.Minute

// down ends the directory's supervisor, also one that still starts, and returns
// when it is gone. One that hangs is killed; on Linux its components die with it.
func down(ctx context.Context, l cluster.Layout) error {
	pid, err := holder(l)
	if errors.Is(err, errNotRunning) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("down: %w", err)
	}
	began, kill := time.Now(), syscall.SIGTERM
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for sent := syscall.Signal(0); ; {
		if sent != kill {
			if err := syscall.Kill(pid, kill); err != nil && !errors.Is(err, syscall.ESRCH) {
				return fmt.Errorf("down: end process %d: %w", pid, err)
			}
			sent = kill
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("down: wait for process %d to end: %w", pid, ctx.Err())
		}
		if _, err := holder(l); errors.Is(err, errNotRunning) {
			return nil
		}
		if time.Since(began) > downGrace {
			kill = syscall.SIGKILL
		}
	}
}
