package steps

import (
	"context"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// reader is what reading steps ask of a cluster.
type reader interface{}

// read asks the API server what kubectl's reading verbs ask.
func (r *Runner) read(_ context.Context, _ catalog.Service, step runbook.Step) finding.Report {
	return refused(redact.F("svcdown cannot run %s yet; nothing was run.", step.Operation.Name))
}
