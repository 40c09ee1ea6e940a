package steps

import (
	"context"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// executor runs a program of a closed list inside a container.
type executor interface{}

// exec runs a program inside a container and reads its answer.
func (r *Runner) exec(_ context.Context, _ catalog.Service, step runbook.Step) finding.Report {
	return refused(redact.F("svcdown cannot run %s yet; nothing was run.", step.Operation.Name))
}
