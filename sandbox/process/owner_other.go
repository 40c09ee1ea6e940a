//go:build !linux

package process

import (
	"fmt"
	"syscall"
	"time"
)

// WatchOwner returns a channel that is closed within half a second after the
// process pid has ended and been reaped.
func WatchOwner(pid int) (<-chan struct{}, error) {
	if err := syscall.Kill(pid, 0); err != nil {
		return nil, fmt.Errorf("watch process %d: %w", pid, err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		for range time.Tick(500 * time.Millisecond) {
			if syscall.Kill(pid, 0) == syscall.ESRCH {
				return
			}
		}
	}()
	return gone, nil
}

// DieWithParent does nothing here: only Linux has a parent-death signal.
func DieWithParent() {}
