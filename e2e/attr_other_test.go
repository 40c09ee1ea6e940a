//go:build !linux

package e2e_test

import (
	"errors"
	"syscall"
)

func childAttr() *syscall.SysProcAttr { return nil }

func stopped(int) error { return errors.New("only Linux tells whether a process is stopped") }
