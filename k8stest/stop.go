package k8stest

import (
	"os"
	"path/filepath"
	"sync/atomic"
)

var started atomic.Bool

// Stop ends the shared sandbox, if a test has started one, and removes its files. TestMain calls it after the tests.
func Stop() error {
	if !started.Load() {
		return nil
	}
	s, err := shared()
	if err != nil {
		return nil // the tests have said so
	}
	return s.Close()
}

// Close ends the sandbox and removes its files.
func (s *Sandbox) Close() error {
	if _, err := s.output(os.Stderr, "down"); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Dir(s.program))
}
