package k8sops

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// PlanRollback plans the return of a Deployment to the pod template of an earlier revision. 0 means the last good one: the newest earlier
// revision that has available pods now, else the newest whose template differs in more than the mark of a restart (Kubernetes keeps no
// record of whether a revision without pods once worked; the plan warns then). It depends on the whole pod template.
func (c *Cluster) PlanRollback(ctx context.Context, svc catalog.Service, toRevision int64) (plan.Plan, error) {
	return c.planRollback(ctx, svc, toRevision, returning{op: "roll back " + svc.Name, action: catalog.Rollback})
}

// returning says on whose behalf a revision is taken up again.
type returning struct {
	op      string
	action  catalog.Action
	reverts string
	params  map[string]string
	// is checks that the live object still is what the request builds on.
	is func(live) error
	// notes go onto the plan.
	notes []redact.Text
}

func (c *Cluster) planRollback(ctx context.Context, svc catalog.Service, toRevision int64, r returning) (plan.Plan, error) {
	l, err := c.live(ctx, r.op, svc)
	if err != nil {
		return plan.Plan{}, err
	}
	if l.kind != "Deployment" {
		return plan.Plan{}, &Error{Kind: Unsupported, Op: r.op, Object: l.ref(), Message: redact.F(
			"Only a Deployment is rolled back here. By hand: %s", c.command(svc.Namespace, "rollout", "undo", l.ref()))}
	}
	if err := refusePaused(r.op, l, "rolled back"); err != nil {
		return plan.Plan{}, err
	}
	if r.is != nil {
		if err := r.is(l); err != nil {
			return plan.Plan{}, err
		}
	}
	f, err := readLive[*appsv1.ReplicaSet](ctx, c, l.replicaSetScope())
	if err != nil {
		return plan.Plan{}, apiError(r.op, l.ref(), err)
	}
	to, warning, err := chooseRevision(r.op, l.workload, ownReplicaSets(f.items, l.workload), toRevision)
	if err != nil {
		return plan.Plan{}, err
	}
	template, err := c.templateOf(ctx, to)
	if err != nil {
		return plan.Plan{}, apiError(r.op, "replicaset/"+to.Name, err)
	}
	revision := strconv.FormatInt(revisionOf(to.ObjectMeta), 10)
	d := draft{
		op: r.op, svc: svc, action: r.action, reverts: r.reverts, params: r.params, replaces: true,
		before: plan.Before{Revision: l.revision()}, undo: redact.F("Roll back to revision %d.", l.revision()),
		kubectl: []string{"rollout", "undo", l.ref(), "--to-revision=" + revision},
		to:      redact.F("revision %s (%s)", revision, imagesOf(to, l.workload)),
	}
	if d.params == nil {
		d.params = map[string]string{"revision": revision}
	}
	d.warnings = append(d.warnings, r.notes...)
	if !warning.Empty() {
		d.warnings = append(d.warnings, warning)
	}
	now, err := plan.Op("test", "/spec/template", field(l.raw, "spec", "template"))
	if err != nil {
		return plan.Plan{}, err
	}
	set, err := plan.Op("replace", "/spec/template", template)
	if err != nil {
		return plan.Plan{}, err
	}
	if now.Sum == set.Sum {
		return plan.Plan{}, &Error{Kind: Empty, Op: r.op, Object: l.ref(), Message: redact.F("It runs the template of revision %s already.", revision)}
	}
	d.depends, d.patch = []plan.Operation{now}, []plan.Operation{set}
	return c.propose(ctx, l, d)
}

// chooseRevision finds the ReplicaSet to return to. sets are the Deployment's own, newest first.
func chooseRevision(op string, w workload, sets []*appsv1.ReplicaSet, wanted int64) (*appsv1.ReplicaSet, redact.Text, error) {
	none := redact.Text{}
	if wanted > 0 {
		for _, rs := range sets {
			switch {
			case revisionOf(rs.ObjectMeta) != wanted:
			case rs.Status.AvailableReplicas == 0:
				return rs, redact.F("Revision %d has no available pods now, so nothing proves that it works.", wanted), nil
			default:
				return rs, none, nil
			}
		}
		return nil, none, &Error{Kind: NotFound, Op: op, Object: w.ref(),
			Message: redact.F("It has no revision %d any more. There are: %s.", wanted, revisions(sets))}
	}
	older := slices.DeleteFunc(slices.Clone(sets), func(rs *appsv1.ReplicaSet) bool {
		return revisionOf(rs.ObjectMeta) >= w.revision() || sameButRestart(rs, w)
	})
	for _, rs := range older {
		if rs.Status.AvailableReplicas > 0 {
			return rs, none, nil
		}
	}
	if len(older) == 0 {
		return nil, none, &Error{Kind: NotFound, Op: op, Object: w.ref(),
			Message: redact.Const("There is no earlier revision that differs from the one that runs, so there is nothing to roll back to.")}
	}
	return older[0], redact.F("No earlier revision has available pods, so nothing proves that revision %d works; it is the one before.", revisionOf(older[0].ObjectMeta)), nil
}

// imagesOf names the images by which a revision differs from what runs, without their registry: "backend 2.8.0".
func imagesOf(rs *appsv1.ReplicaSet, w workload) redact.Text {
	now := map[string]string{}
	for _, k := range w.template.Spec.Containers {
		now[k.Name] = k.Image
	}
	var parts []redact.Text
	for _, k := range rs.Spec.Template.Spec.Containers {
		if now[k.Name] == k.Image {
			continue
		}
		tag, _ := tags(k.Image, now[k.Name])
		parts = append(parts, redact.F("%s %s", k.Name, tag).Short(60))
	}
	if len(parts) == 0 {
		return redact.Const("the same images")
	}
	return redact.Join(", ", parts...)
}

func revisions(sets []*appsv1.ReplicaSet) string {
	var all []int64
	for _, rs := range sets {
		all = append(all, revisionOf(rs.ObjectMeta))
	}
	return fmt.Sprint(all)
}

// sameButRestart reports whether the revision's template is the live one, the mark of a restart and the hash label aside.
func sameButRestart(rs *appsv1.ReplicaSet, w workload) bool {
	a, b := rs.Spec.Template.DeepCopy(), w.template.DeepCopy()
	for _, t := range []map[string]string{a.Annotations, b.Annotations} {
		delete(t, restartedAt)
	}
	delete(a.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
	ja, errA := json.Marshal(a)
	jb, errB := json.Marshal(b)
	return errA == nil && errB == nil && string(ja) == string(jb)
}

// templateOf reads a ReplicaSet's pod template as the server has it, without the label that the controller added.
func (c *Cluster) templateOf(ctx context.Context, rs *appsv1.ReplicaSet) (json.RawMessage, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	raw, err := c.client.AppsV1().RESTClient().Get().Namespace(rs.Namespace).Resource("replicasets").Name(rs.Name).
		SetHeader("Accept", "application/json").MaxRetries(0).Do(ctx).Raw()
	if err != nil {
		return nil, err
	}
	if uid := field(raw, "metadata", "uid"); string(uid) != strconv.Quote(string(rs.UID)) {
		return nil, fmt.Errorf("replicaset %s was replaced by another one", rs.Name)
	}
	return without(field(raw, "spec", "template"), "metadata", "labels", appsv1.DefaultDeploymentUniqueLabelKey)
}
