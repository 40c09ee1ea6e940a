package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/svcdown/svcdown/slacksim"
)

// tell prints what a visitor can do now.
func (d *demo) tell(slack slacksim.Addresses, server string, w world) {
	fmt.Fprintf(d.out, `
Open  %s#/ops?user=alice

  1. As Alice, on call, type:  /svcdown status backend
  2. On the card press "Roll back to revision 2…" and open its thread: the request waits for somebody else.
  3. Switch to Bob at the bottom left, press "Approve" there, and watch it happen.

The same at the terminal:
  SVCDOWN_SERVER=%s KUBECONFIG=%s %s status backend
Break something else:  %s --dir %s break --help
Logs:                  %s
`, slack.Page, server, near(w.UserKubeconfigs["alice"]), near(filepath.Join(d.bin, "svcdown")),
		near(filepath.Join(d.bin, "sandbox")), near(d.sandboxDir()), near(d.logs))
}

// near is a path as short as it can be typed from here.
func near(path string) string {
	here, err := os.Getwd()
	if err != nil {
		return path
	}
	rel, err := filepath.Rel(here, path)
	if err != nil || strings.HasPrefix(rel, "..") {
		return path
	}
	return rel
}
