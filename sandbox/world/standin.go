package world

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/svcdown/svcdown/sandbox/world/standin"
)

// WriteStandIns fills dir/standins with links, named as the programs that exec
// reaches, to the running executable, whose main must ask StandIn first.
func WriteStandIns(dir string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("link the stand-ins: %w", err)
	}
	into := filepath.Join(dir, "standins")
	if err := os.MkdirAll(into, 0o755); err != nil {
		return fmt.Errorf("link the stand-ins: %w", err)
	}
	for _, name := range standin.Names() {
		link := filepath.Join(into, name)
		if err := os.Remove(link); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("link the stand-in %s: %w", name, err)
		}
		if err := os.Symlink(self, link); err != nil {
			return fmt.Errorf("link the stand-in %s: %w", name, err)
		}
	}
	return nil
}

// StandIn runs the stand-in that argv[0] names, on the process's own streams.
// handled is false when argv[0] names none, and nothing was done.
func StandIn(argv []string) (code int, handled bool) {
	if len(argv) == 0 {
		return 0, false
	}
	name := filepath.Base(argv[0])
	program, ok := standin.Lookup(name)
	if !ok {
		return 0, false
	}
	view, err := standin.ParseView(os.Getenv(standin.ViewVariable))
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		return 126, true
	}
	return program(standin.Call{
		Args: argv[1:], View: view, Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	}), true
}
