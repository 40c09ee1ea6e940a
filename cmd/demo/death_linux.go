package main

import "syscall"

// diesWithUs has the kernel kill the child when the demo is killed.
func diesWithUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGKILL }
