package e2e_test

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// childAttr ends children with the test, also when the test is killed.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }

func stopped(pid int) error {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return err
	}
	after := string(b[strings.LastIndexByte(string(b), ')')+1:])
	if state := strings.Fields(after)[0]; state != "T" {
		return fmt.Errorf("process %d is in state %s, not stopped", pid, state)
	}
	return nil
}
