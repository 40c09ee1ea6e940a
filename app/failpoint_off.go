//go:build !failpoint

package app

// step does nothing in the product; see failpoint.go.
func step(string) {}
