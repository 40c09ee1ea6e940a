package app

import (
	"errors"
	"fmt"
	"io"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/runbook"
)

// ErrLint means that the report, which has been shown, holds refused commands or unreadable files.
var ErrLint = errors.New("the runbooks hold commands that svcdown will not run")

// LintRunbooks checks runbooks, files or directories, and writes the report to out: for people, or as JSON. Files
// that cannot be read are named on errOut. It needs neither cluster nor
// configuration; with the path of a catalogue it also knows which services there are.
func LintRunbooks(paths []string, config string, asJSON bool, out, errOut io.Writer) error {
	var known *catalog.Catalog
	if config != "" {
		var err error
		if known, err = catalog.Load(config); err != nil {
			return err
		}
	}
	report := runbook.LintPaths(paths, known)
	write := report.WriteText
	if asJSON {
		write = report.WriteJSON
	}
	if err := write(out); err != nil {
		return err
	}
	for _, u := range report.Unreadable {
		fmt.Fprintln(errOut, "not read:", u)
	}
	if report.Failed() {
		return ErrLint
	}
	return nil
}
