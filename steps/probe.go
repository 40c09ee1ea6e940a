package steps

import (
	"context"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// Prober asks URLs from where the bot runs.
type Prober interface {
	// Ask asks rawURL with GET, or HEAD, and follows redirects when told to. What the catalogue does not allow is an Unknown finding. The
	// evidence named "Timing" says what each part of the way took.
	Ask(ctx context.Context, rawURL string, head, follow bool) finding.Report
}

// probe asks a URL from where the bot runs.
func (r *Runner) probe(ctx context.Context, _ catalog.Service, step runbook.Step) finding.Report {
	op := step.Operation
	if op.Has("insecure") {
		return refused(redact.Const("A probe that takes any certificate proves nothing; nothing was asked."))
	}
	out := r.prober.Ask(ctx, op.Get("url"), op.Has("head") || op.Get("method") == "HEAD", op.Has("location"))
	if op.Has("format") {
		out = timed(out)
	}
	return out
}

// timed says in the line, and in place of the answer, what each part of the way took: what curl -w is written for.
func timed(out finding.Report) finding.Report {
	for _, e := range out.Finding.Evidence {
		if e.Title.String() != "Timing" || e.Table == nil {
			continue
		}
		var parts, lines []redact.Text
		for _, row := range e.Table.Rows {
			parts = append(parts, redact.F("%s %s", row[0], row[1]))
			lines = append(lines, redact.F("%12s:  %s", row[0], row[1]))
		}
		out.Finding.Line = redact.F("%s: %s", out.Finding.Line, redact.Join(", ", parts...))
		out.Raw = redact.F("%s\n", redact.Join("\n", lines...))
	}
	return out
}
