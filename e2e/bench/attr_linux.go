package main

import "syscall"

// childAttr ends children with the benchmark, also when it is killed.
func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
