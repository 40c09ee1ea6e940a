//go:build failpoint

package app

import (
	"os"
	"os/signal"
	"strings"
	"syscall"
)

// step stops the process where a test says, at a named step of the execution protocol: SVCDOWN_FAILPOINT=STEP:KILL or STEP:STOP. Only
// binaries built with the failpoint tag have it.
func step(name string) {
	at, kind, _ := strings.Cut(os.Getenv("SVCDOWN_FAILPOINT"), ":")
	if at != name {
		return
	}
	// A test that restarts the bot must not meet the same step again.
	mark := os.Getenv("SVCDOWN_FAILPOINT_MARK")
	f, err := os.OpenFile(mark, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return
	}
	_ = f.Close()
	// Another thread may take the signal, and this one run on for a moment: it must not.
	if kind != "STOP" {
		_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	resumed := make(chan os.Signal, 1)
	signal.Notify(resumed, syscall.SIGCONT)
	_ = syscall.Kill(os.Getpid(), syscall.SIGSTOP)
	<-resumed
}
