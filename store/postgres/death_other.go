//go:build !linux

package postgres

import "syscall"

// diesWithUs does nothing where the kernel cannot do it: after a SIGKILL the next start finds the orphan and says so.
func diesWithUs(*syscall.SysProcAttr) {}
