//go:build !linux

package process

import "syscall"

// attributes has no parent-death signal here: only Linux has one.
func attributes() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
