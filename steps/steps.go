package steps

import (
	"context"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// Cluster is one Kubernetes cluster as steps look at it; nothing of it changes anything.
type Cluster interface {
	reader
	executor
}

// Runner runs reading steps. It is safe for concurrent use.
type Runner struct {
	cluster func(name string) (Cluster, error)
	catalog func() *catalog.Catalog
	prober  Prober
}

// New makes a runner; cluster finds a cluster of the catalogue by its name.
func New(cluster func(name string) (Cluster, error), cat func() *catalog.Catalog, prober Prober) *Runner {
	return &Runner{cluster: cluster, catalog: cat, prober: prober}
}

// Run carries out one bound step of class Check. It never fails: what cannot be answered is an Unknown finding that says why. What the step
// pipes its output into is done to Raw; the finding is always made of the whole output.
func (r *Runner) Run(ctx context.Context, svc catalog.Service, step runbook.Step) finding.Report {
	if step.Class != runbook.Check || step.Operation == nil {
		return refused(redact.F("This is a step of class %s, not a check; nothing was run.", step.Class))
	}
	if holes := step.Holes(); len(holes) > 0 {
		return refused(redact.F("%s has no value; nothing was run.", holes[0].Written))
	}
	if ns := step.Operation.Get("namespace"); ns != "" && !r.ours(svc.Cluster, ns) {
		return report(finding.Finding{
			Line: redact.F("Namespace %s holds no service of the catalogue; nothing was read there.", ns),
			Fix:  redact.Const("Correct the namespace in the runbook, or add the service to svcdown.yaml."),
		})
	}
	out := filtered(ctx, step.Operation.Filters, r.dispatch(ctx, svc, step))
	return bounded(out, step.Operation.Name == "logs" || step.Operation.Name == "events" || step.Operation.Kind == "events")
}

func (r *Runner) dispatch(ctx context.Context, svc catalog.Service, step runbook.Step) finding.Report {
	switch name := step.Operation.Name; {
	case strings.HasPrefix(name, "exec "):
		return r.exec(ctx, svc, step)
	case name == "http probe":
		return r.probe(ctx, svc, step)
	default:
		return r.read(ctx, svc, step)
	}
}

// ours reports whether a service of the catalogue lives in that namespace of that cluster: steps look nowhere else.
func (r *Runner) ours(cluster, namespace string) bool {
	return slices.ContainsFunc(r.catalog().Services, func(s catalog.Service) bool { return s.Cluster == cluster && s.Namespace == namespace })
}

// filtered does to Raw what the step's pipes say. A filter that cannot be done leaves the output as it is, with a word about it.
func filtered(ctx context.Context, filters []runbook.Filter, out finding.Report) finding.Report {
	if out.Raw.Empty() {
		return out
	}
	text := out.Raw.String()
	for _, f := range filters {
		next, err := f.Run(ctx, text)
		if err != nil {
			out.Finding.Evidence = append(out.Finding.Evidence, finding.Evidence{Title: redact.F("%s was not done, the output is whole", f), Code: redact.F("%v", err)})
			return out
		}
		text = next
	}
	out.Raw = redact.Clean(text)
	return out
}

// mostRaw is how much output of one step is kept.
const mostRaw = 256 << 10

// bounded cuts Raw at a line's end; of what grows at its end, the newest part is kept.
func bounded(out finding.Report, newest bool) finding.Report {
	text := out.Raw.String()
	if len(text) <= mostRaw {
		return out
	}
	if newest {
		text = text[len(text)-mostRaw:]
		text = text[strings.IndexByte(text, '\n')+1:]
	} else {
		text = text[:mostRaw]
		if i := strings.LastIndexByte(text, '\n'); i >= 0 {
			text = text[:i+1]
		}
	}
	out.Raw, out.Truncated = redact.Clean(text), true
	return out
}

func report(f finding.Finding) finding.Report {
	if f.Check == "" {
		f.Check = "step"
	}
	return finding.Report{Finding: f}
}

func refused(why redact.Text) finding.Report {
	return report(finding.Finding{Line: why, Fix: redact.Const("Run it by hand.")})
}
