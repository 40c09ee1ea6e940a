package diagnose

import (
	"slices"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// Verdict is the one sentence that answers "what is wrong?", with the status that colours it. The worst hypothesis speaks first; with
// none, the worst finding does; with neither, the service is well. Unknown findings never make a verdict of "well" without saying so.
func Verdict(svc catalog.Service, findings []finding.Finding) (finding.Status, redact.Text) {
	worst, unknown := Worst(findings)
	if worst == nil {
		return finding.Unknown, redact.F("%s cannot be judged: nothing could be checked", svc.Name)
	}
	hypotheses := Hypotheses(svc, findings)
	switch {
	case worst.Status == finding.OK, worst.Check == "events" && len(hypotheses) == 0:
		// Warning events stay for an hour after what caused them; on a service that is well they are history.
		line := redact.F("%s is well", svc.Name)
		if pods := find(findings, "pods"); pods != nil {
			line = redact.F("%s is well: %s", svc.Name, pods.Line)
		}
		if worst.Status != finding.OK {
			line = redact.F("%s (earlier: %s)", line, worst.Line.Short(shortLine))
		}
		return finding.OK, withUnknown(line, unknown)
	case worst.Status == finding.Unknown:
		return finding.Unknown, redact.F("%s cannot be judged: %s", svc.Name, worst.Line)
	case len(hypotheses) > 0:
		return worst.Status, hypotheses[0].Cause
	default:
		return worst.Status, redact.F("%s: %s", svc.Name, worst.Line)
	}
}

// shortLine is how much of a line from the cluster stands in a sentence that a lock screen shows.
const shortLine = 100

func withUnknown(line redact.Text, unknown []string) redact.Text {
	if len(unknown) == 0 {
		return line
	}
	return redact.F("%s (could not check: %s)", line, join(unknown))
}

func join(names []string) string {
	out := ""
	for i, n := range names {
		if i > 0 {
			out += ", "
		}
		out += n
	}
	return out
}

// Worst returns the finding that deserves most attention, nil when there is none, and the names of the checks that could not answer
// (when they are not themselves the worst).
func Worst(findings []finding.Finding) (worst *finding.Finding, unknown []string) {
	for i := range findings {
		f := &findings[i]
		if f.Status == finding.Unknown {
			unknown = append(unknown, f.Check)
		}
		if worst == nil || f.Status.Worse(worst.Status) {
			worst = f
		}
	}
	// Unknown outranks ok, but one silent check must not hide that all others are well.
	if worst != nil && worst.Status == finding.Unknown {
		if i := slices.IndexFunc(findings, func(f finding.Finding) bool { return f.Check == "pods" && f.Status == finding.OK }); i >= 0 {
			worst = &findings[i]
		}
	}
	return worst, unknown
}

func find(findings []finding.Finding, check string) *finding.Finding {
	i := slices.IndexFunc(findings, func(f finding.Finding) bool { return f.Check == check })
	if i < 0 {
		return nil
	}
	return &findings[i]
}
