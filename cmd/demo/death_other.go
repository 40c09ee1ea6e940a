//go:build !linux

package main

import "syscall"

// diesWithUs does nothing where the kernel cannot do it: there, kill -9 of the demo can leave parts of it behind.
func diesWithUs(*syscall.SysProcAttr) {}
