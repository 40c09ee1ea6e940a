package process

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// WatchOwner returns a channel that is closed when the process pid has ended,
// also while it is still unreaped.
func WatchOwner(pid int) (<-chan struct{}, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("watch process %d: %w", pid, err)
	}
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		defer unix.Close(fd)
		for {
			n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, -1)
			if n > 0 || (err != nil && err != unix.EINTR) {
				return
			}
		}
	}()
	return gone, nil
}

// DieWithParent has the kernel kill this process when its parent ends. It is for
// the short programs that a child of the Tree starts by itself.
func DieWithParent() {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	_ = unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(unix.SIGKILL), 0, 0, 0)
}
