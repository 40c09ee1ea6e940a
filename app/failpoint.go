//go:build failpoint

package app

import (
	"os"
	"strings"
	"syscall"
)

// step stops the process where a test says, at a named step of the execution protocol: SVCDOWN_FAILPOINT=STEP:KILL or STEP:STOP. Only
// binaries built with the failpoint tag have it.
func step(name string) {
	at, signal, _ := strings.Cut(os.Getenv("SVCDOWN_FAILPOINT"), ":")
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
	sig := syscall.SIGKILL
	if signal == "STOP" {
		sig = syscall.SIGSTOP
	}
	_ = syscall.Kill(os.Getpid(), sig)
}
