package handlers

import (
	"context"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// leave says whether whoever asks may have a check run: nil is yes, an error says why not.
type leave func(svc catalog.Service, step runbook.Step) error

// free is the leave of svcdown's own looks, and of whoever reads with a kubeconfig of their own.
func free(catalog.Service, runbook.Step) error { return nil }

// leaveOf is what the asker may have run: what the API answers is for everybody of the catalogue, looking into containers takes a role.
func (d *Desk) leaveOf(req Request) leave {
	if req.ownRights {
		return free
	}
	return func(svc catalog.Service, step runbook.Step) error {
		if !looksInside(step) {
			return nil
		}
		for _, s := range d.insideOf(svc, step) {
			if err := d.mayWork(req.Actor, s); err != nil {
				return err
			}
		}
		return nil
	}
}

// leaveOfOpener is for the look that the opening or reopening of an incident begins: svcdown's own when an alert did it, else that of the person who
// did, so that neither is a way around a role. Whoever is in the catalogue no more has no roles.
func (d *Desk) leaveOfOpener(ctx context.Context, i incident.Incident) leave {
	by := i.OpenedBy()
	p, ok := d.Catalog().Person(by)
	switch {
	case !ok && slices.Contains(incident.Senders(), by):
		return free
	case !ok:
		return d.leaveOf(Request{})
	}
	a := catalog.Actor{Person: p.Name}
	d.roles(ctx, d.Catalog(), p, &a, forReading)
	return d.leaveOf(Request{Actor: a})
}

// mayWork refuses whoever may not look into a service's containers, tick steps of its runbooks, or post their messages.
func (d *Desk) mayWork(a catalog.Actor, svc catalog.Service) error {
	return approval.MayWork(a, d.Catalog().Workers(svc.Name), svc.Name, d.Now())
}

// runStep is the only way to the checks: it runs a bound step for whoever has leave, and says for everybody else who would have.
func (d *Desk) runStep(ctx context.Context, may leave, svc catalog.Service, step runbook.Step) finding.Report {
	if err := may(svc, step); err != nil {
		return finding.Report{Finding: withheld(1, err)}
	}
	return d.Checks.Run(ctx, svc, step)
}

// withheld is the finding in place of checks that the asker may not have run: they prove nothing.
func withheld(n int, why error) finding.Finding {
	return finding.Finding{Check: "containers", Line: redact.F("Not looked into containers (%s): %s", counted(n, "check"), why.Error()), Fix: redact.Const("Have somebody with that role ask the same.")}
}

func looksInside(step runbook.Step) bool {
	return step.Operation == nil || strings.HasPrefix(step.Operation.Name, "exec ")
}

// insideOf are the services whose containers a step looks into: the one that is asked about, and the one whose workload, Service or pod the
// step names. A pod is told by its name, which its workload's begins.
func (d *Desk) insideOf(svc catalog.Service, step runbook.Step) []catalog.Service {
	out := []catalog.Service{svc}
	if step.Operation == nil {
		return out
	}
	name, kind, namespace := step.Operation.Get("name"), step.Operation.Kind, namespaceOf(svc, step)
	for _, s := range d.Catalog().Services {
		if s.Name == svc.Name || s.Cluster != svc.Cluster || s.Namespace != namespace {
			continue
		}
		workload, known := workloadKind[kind]
		if known && workload == s.Workload.Kind && name == s.Workload.Name ||
			kind == "services" && name == s.KubernetesService ||
			slices.Contains([]string{"", "pods"}, kind) && strings.HasPrefix(name, s.Workload.Name+"-") {
			out = append(out, s)
		}
	}
	return out
}
