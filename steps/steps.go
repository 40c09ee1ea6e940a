package steps

import (
	"context"
	"strings"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// Cluster is one Kubernetes cluster, read only.
type Cluster interface{}

// Runner runs reading steps. It is safe for concurrent use.
type Runner struct {
	cluster func(name string) (Cluster, error)
}

// New makes a runner; cluster finds a cluster of the catalogue by its name.
func New(cluster func(name string) (Cluster, error)) *Runner { return &Runner{cluster: cluster} }

// Bind fills a step's placeholders from the catalogue and from given. missing names what somebody has to be asked for; bound is empty then.
func (r *Runner) Bind(_ context.Context, svc catalog.Service, step runbook.Step, given runbook.Values) (bound []runbook.Step, missing []runbook.Hole, err error) {
	values := runbook.ServiceValues(svc)
	for name, v := range given {
		values[name] = v
	}
	for _, h := range step.Holes() {
		if values[h.Name] == "" {
			missing = append(missing, h)
		}
	}
	if len(missing) > 0 {
		return nil, missing, nil
	}
	one, err := runbook.Bind(step, svc, values)
	if err != nil {
		return nil, nil, err
	}
	return []runbook.Step{one}, nil, nil
}

// Run carries out one bound step of class Check. It never fails: what cannot be answered is an Unknown finding that says why.
func (r *Runner) Run(ctx context.Context, svc catalog.Service, step runbook.Step) finding.Report {
	if step.Class != runbook.Check || step.Operation == nil {
		return refused(redact.F("This is a step of class %s, not a check; nothing was run.", step.Class))
	}
	if holes := step.Holes(); len(holes) > 0 {
		return refused(redact.F("%s has no value; nothing was run.", holes[0].Written))
	}
	switch name := step.Operation.Name; {
	case strings.HasPrefix(name, "exec "):
		return r.exec(ctx, svc, step)
	case name == "http probe":
		return r.probe(ctx, svc, step)
	default:
		return r.read(ctx, svc, step)
	}
}

func refused(why redact.Text) finding.Report {
	return finding.Report{Finding: finding.Finding{Check: "step", Line: why, Fix: redact.Const("Run it by hand.")}}
}
