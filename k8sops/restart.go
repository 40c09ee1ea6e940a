package k8sops

import (
	"context"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// PlanRestart plans what `kubectl rollout restart` does: a mark in the pod template, so that every pod is replaced under the workload's own
// update strategy. It depends on the whole pod template. A paused Deployment is refused with kind Paused, and with kind Unsupported a
// StatefulSet of which a pod is not ready: it would replace none.
func (c *Cluster) PlanRestart(ctx context.Context, svc catalog.Service) (plan.Plan, error) {
	op := "restart " + svc.Name
	l, err := c.live(ctx, op, svc)
	if err != nil {
		return plan.Plan{}, err
	}
	if err := refusePaused(op, l, "restarted"); err != nil {
		return plan.Plan{}, err
	}
	if l.desired == 0 {
		return plan.Plan{}, &Error{Kind: Empty, Op: op, Object: l.ref(),
			Message: redact.Const("It is scaled to zero: there is no pod to restart. Scale it up instead.")}
	}
	if err := c.refuseUnready(op, svc, l); err != nil {
		return plan.Plan{}, err
	}
	d := draft{
		op: op, svc: svc, action: catalog.Restart, replaces: true, before: plan.Before{Revision: l.revision()},
		undo:    redact.Const("A restart cannot be taken back: the old pods are gone. Undo would only remove its mark and replace the pods once more."),
		kubectl: []string{"rollout", "restart", l.ref()},
	}
	if d.depends, err = dependOnTemplate(l); err != nil {
		return plan.Plan{}, err
	}
	if d.patch, err = annotateTemplate(l, plan.Now); err != nil {
		return plan.Plan{}, err
	}
	if l.onDelete {
		d.warnings = append(d.warnings, redact.F("%s has strategy OnDelete: no pod restarts until somebody deletes it.", l.ref()))
	}
	return c.propose(ctx, l, d)
}

// refuseUnready refuses the restart that never begins.
func (c *Cluster) refuseUnready(op string, svc catalog.Service, l live) error {
	why, held := heldUp(l)
	if !held {
		return nil
	}
	return &Error{Kind: Unsupported, Op: op, Object: l.ref(), Message: redact.F(
		"%s: a restart would only wait. Delete the pod that is not ready instead: delete-pod %s", why, svc.Name)}
}

// heldUp says why no pod takes up a new template for now: a StatefulSet replaces its pods in order and waits for each to be ready, those of before
// too (https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback).
func heldUp(l live) (why redact.Text, held bool) {
	if !l.ordered || l.onDelete || l.ready >= l.desired {
		return redact.Text{}, false
	}
	return redact.F("%d of its %d pods are not ready, and Kubernetes replaces none of an ordered StatefulSet before all are", l.desired-l.ready, l.desired), true
}

func refusePaused(op string, l live, done string) error {
	if !l.paused {
		return nil
	}
	return &Error{Kind: Paused, Op: op, Object: l.ref(), Message: redact.F(
		"Its rollout is paused by somebody, so it was not %s. Ask them, or resume it: kubectl -n %s rollout resume %s", done, l.target.Namespace, l.ref())}
}

// dependOnTemplate binds a plan to the pod template as it is.
func dependOnTemplate(l live) ([]plan.Operation, error) {
	test, err := plan.Op("test", "/spec/template", field(l.raw, "spec", "template"))
	return []plan.Operation{test}, err
}

// annotateTemplate sets the mark of a restart. The template's annotations are part of what the plan depends on, so that adding an empty map
// where there is none can replace nobody's.
func annotateTemplate(l live, value string) ([]plan.Operation, error) {
	var patch []plan.Operation
	if len(l.template.Annotations) == 0 {
		empty, err := plan.Op("add", "/spec/template/metadata/annotations", map[string]string{})
		if err != nil {
			return nil, err
		}
		patch = append(patch, empty)
	}
	mark, err := plan.Op("add", pointer("spec", "template", "metadata", "annotations", restartedAt), value)
	return append(patch, mark), err
}
