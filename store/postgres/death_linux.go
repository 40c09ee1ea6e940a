package postgres

import "syscall"

// diesWithUs shuts Postgres down when we are killed: no orphan stays behind.
func diesWithUs(attr *syscall.SysProcAttr) { attr.Pdeathsig = syscall.SIGINT }
