package k8sops

import (
	"context"
	"strconv"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// mostReplicas bounds a typing error; policies set tighter bounds.
const mostReplicas = 1000

// PlanScale plans another number of replicas for a Deployment or StatefulSet. It depends on the present number. With a
// HorizontalPodAutoscaler on the workload it is refused with kind HPA and the change that would last.
func (c *Cluster) PlanScale(ctx context.Context, svc catalog.Service, replicas int) (plan.Plan, error) {
	return c.planScale(ctx, svc, replicas, scaling{op: "scale " + svc.Name, action: catalog.Scale})
}

// scaling says on whose behalf replicas are set.
type scaling struct {
	op      string
	action  catalog.Action
	reverts string
	params  map[string]string
	// from is the number that must stand there now, nil when any will do.
	from *int32
	// is checks that the live object still is what the request builds on, nil when any will do.
	is func(live) error
}

func (c *Cluster) planScale(ctx context.Context, svc catalog.Service, replicas int, s scaling) (plan.Plan, error) {
	if replicas < 0 || replicas > mostReplicas {
		return plan.Plan{}, &Error{Kind: Invalid, Op: s.op, Object: objectOf(svc),
			Message: redact.F("%d replicas is none of 0 to %d.", replicas, mostReplicas)}
	}
	l, err := c.live(ctx, s.op, svc)
	if err != nil {
		return plan.Plan{}, err
	}
	if l.kind == "DaemonSet" {
		return plan.Plan{}, &Error{Kind: Unsupported, Op: s.op, Object: l.ref(),
			Message: redact.Const("A DaemonSet has one pod for each node and no number of replicas.")}
	}
	if s.is != nil {
		if err := s.is(l); err != nil {
			return plan.Plan{}, err
		}
	}
	if s.from != nil && *s.from != l.desired {
		return plan.Plan{}, &Error{Kind: Conflict, Op: s.op, Object: l.ref(),
			Message: redact.F("It was scaled again since, to %d replicas, so going back would undo somebody else's change.", l.desired)}
	}
	if int(l.desired) == replicas {
		return plan.Plan{}, &Error{Kind: Empty, Op: s.op, Object: l.ref(), Message: redact.F("It has %d replicas already.", replicas)}
	}
	d := draft{
		op: s.op, svc: svc, action: s.action, reverts: s.reverts, params: s.params, ends: replicas == 0,
		to:      redact.F("%d replicas, from %d", replicas, l.desired),
		before:  plan.Before{Replicas: &l.desired, Revision: l.revision()},
		undo:    redact.F("Scale back to %d.", l.desired),
		kubectl: []string{"scale", l.ref(), "--current-replicas=" + strconv.Itoa(int(l.desired)), "--replicas=" + strconv.Itoa(replicas)},
	}
	if d.params == nil {
		d.params = map[string]string{"replicas": strconv.Itoa(replicas)}
	}
	hpas, err := c.autoscalersOf(ctx, svc)
	switch {
	case err != nil:
		d.warnings = append(d.warnings, redact.F("Whether an autoscaler would overwrite this could not be read: %s", err))
	case len(hpas) > 0:
		return plan.Plan{}, &Error{Kind: HPA, Op: s.op, Object: l.ref(), Message: redact.F(
			"Autoscaler %s sets the replicas and would overwrite %d, so it was not changed. What lasts is its minimum: %s",
			hpaText(hpas[0]), replicas, c.command(svc.Namespace, "patch", "hpa", hpas[0].Name, "--type=merge", "-p", `{"spec":{"minReplicas":`+strconv.Itoa(replicas)+`}}`))}
	}
	test, err := plan.Op("test", "/spec/replicas", l.desired)
	if err != nil {
		return plan.Plan{}, err
	}
	set, err := plan.Op("replace", "/spec/replicas", replicas)
	if err != nil {
		return plan.Plan{}, err
	}
	d.depends, d.patch = []plan.Operation{test}, []plan.Operation{set}
	return c.propose(ctx, l, d)
}
