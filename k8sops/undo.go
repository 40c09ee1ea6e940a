package k8sops

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// The parameters of an undo, which make it again without the plan that it reverts.
const (
	paramOf       = "of"       // the action that is taken back
	paramReplicas = "replicas" // to return to
	paramFrom     = "from"     // replicas that must stand there now
	paramRevision = "revision" // to return to
	paramTemplate = "template" // sum of the pod template that must stand there now (rollback), or result (restart)
)

// PlanUndo plans to take back one executed change, done, made under the approval doneID. It is refused with kind Conflict when somebody
// changed the same fields since: an undo never reverts anybody else's work. A restart has nothing to take back on the object but its mark,
// and the plan says so.
func (c *Cluster) PlanUndo(ctx context.Context, svc catalog.Service, done plan.Plan, doneID string) (plan.Plan, error) {
	op := "undo " + string(done.Action) + " of " + svc.Name
	params, err := undoParams(op, done)
	if err != nil {
		return plan.Plan{}, err
	}
	return c.planUndo(ctx, svc, op, done.Target.UID, doneID, params)
}

func undoParams(op string, done plan.Plan) (map[string]string, error) {
	of := string(done.Action)
	if done.Action == catalog.Undo {
		of = done.Params[paramOf]
	}
	p := map[string]string{paramOf: of}
	switch catalog.Action(of) {
	case catalog.Scale:
		if done.Before.Replicas == nil || done.Params[paramReplicas] == "" {
			return nil, &Error{Kind: Invalid, Op: op, Object: done.Target.String(), Message: redact.Const("It is not recorded how many replicas there were before.")}
		}
		p[paramReplicas], p[paramFrom] = strconv.Itoa(int(*done.Before.Replicas)), done.Params[paramReplicas]
		return p, nil
	case catalog.SetEnv:
		if done.Action != catalog.SetEnv {
			break
		}
		return undoEnv(op, done, p)
	case catalog.Apply:
		if done.Action != catalog.Apply {
			break
		}
		p[paramJob] = done.Target.Name
		return p, nil
	case catalog.Rollback:
		for _, o := range done.Patch {
			if o.Path == "/spec/template" && done.Before.Revision > 0 {
				p[paramRevision], p[paramTemplate] = strconv.FormatInt(done.Before.Revision, 10), o.Sum
				return p, nil
			}
		}
		return nil, &Error{Kind: Invalid, Op: op, Object: done.Target.String(), Message: redact.Const("It is not recorded which revision there was before.")}
	case catalog.Restart:
		for _, o := range done.Preconditions {
			if o.Path == "/spec/template" && done.Action == catalog.Restart {
				p[paramTemplate] = o.Sum
				return p, nil
			}
		}
	}
	return nil, &Error{Kind: Unsupported, Op: op, Object: done.Target.String(), Message: redact.Const("There is nothing that could be taken back.")}
}

func (c *Cluster) planUndo(ctx context.Context, svc catalog.Service, op, uid, doneID string, params map[string]string) (plan.Plan, error) {
	replaced := func(l live) error {
		if l.target.UID == uid {
			return nil
		}
		return &Error{Kind: Conflict, Op: op, Object: l.ref(), Message: redact.Const("It was deleted and made anew since, so there is nothing to take back.")}
	}
	switch catalog.Action(params[paramOf]) {
	case catalog.Scale:
		replicas, err := strconv.Atoi(params[paramReplicas])
		if err != nil {
			return plan.Plan{}, fmt.Errorf("%s: replicas: %w", op, err)
		}
		from, err := strconv.ParseInt(params[paramFrom], 10, 32)
		if err != nil {
			return plan.Plan{}, fmt.Errorf("%s: from: %w", op, err)
		}
		now := int32(from)
		return c.planScale(ctx, svc, replicas, scaling{op: op, action: catalog.Undo, reverts: doneID, params: params, from: &now, is: replaced})
	case catalog.Rollback:
		revision, err := strconv.ParseInt(params[paramRevision], 10, 64)
		if err != nil {
			return plan.Plan{}, fmt.Errorf("%s: revision: %w", op, err)
		}
		is := func(l live) error {
			if err := replaced(l); err != nil {
				return err
			}
			now, err := plan.Op("test", "/spec/template", field(l.raw, "spec", "template"))
			if err != nil {
				return err
			}
			if now.Sum != params[paramTemplate] {
				return &Error{Kind: Conflict, Op: op, Object: l.ref(),
					Message: redact.Const("Its pod template was changed again since, so going back would undo somebody else's change.")}
			}
			return nil
		}
		return c.planRollback(ctx, svc, revision, returning{op: op, action: catalog.Undo, reverts: doneID, params: params, is: is})
	case catalog.SetEnv:
		return c.planUnset(ctx, svc, op, doneID, params, replaced)
	case catalog.Apply:
		return c.planRemoveJob(ctx, svc, op, doneID, params)
	case catalog.Restart:
		return c.planUnmark(ctx, svc, op, doneID, params, replaced)
	}
	return plan.Plan{}, &Error{Kind: Unsupported, Op: op, Object: objectOf(svc), Message: redact.Const("There is nothing that could be taken back.")}
}

// planUnmark takes the mark of a restart back out of the pod template.
func (c *Cluster) planUnmark(ctx context.Context, svc catalog.Service, op, doneID string, params map[string]string, is func(live) error) (plan.Plan, error) {
	l, err := c.live(ctx, op, svc)
	if err != nil {
		return plan.Plan{}, err
	}
	if err := is(l); err != nil {
		return plan.Plan{}, err
	}
	if err := refusePaused(op, l, "changed"); err != nil {
		return plan.Plan{}, err
	}
	path, err := unmarking(l, params[paramTemplate])
	if err != nil {
		return plan.Plan{}, fmt.Errorf("%s: %w", op, err)
	}
	if path == "" {
		return plan.Plan{}, &Error{Kind: Unsupported, Op: op, Object: l.ref(), Message: redact.Const(
			"A restart leaves nothing to take back, and the pod template carries more than its mark now. If the new pods are worse, roll back to an earlier revision.")}
	}
	d := draft{
		op: op, svc: svc, action: catalog.Undo, reverts: doneID, params: params, replaces: true,
		before: plan.Before{Revision: l.revision()}, undo: redact.Const("Restart again."),
		kubectl:  []string{"rollout", "undo", l.ref()},
		patch:    []plan.Operation{{Op: "remove", Path: path}},
		warnings: []redact.Text{redact.Const("The pods of before the restart are gone. This only removes its mark, and replaces every pod once more.")},
	}
	if d.depends, err = dependOnTemplate(l); err != nil {
		return plan.Plan{}, err
	}
	return c.propose(ctx, l, d)
}

// unmarking finds what to remove so that the template becomes the one with the sum wanted, "" when nothing does.
func unmarking(l live, wanted string) (string, error) {
	template := field(l.raw, "spec", "template")
	for _, path := range [][]string{{"metadata", "annotations", restartedAt}, {"metadata", "annotations"}} {
		if field(template, path...) == nil {
			continue
		}
		rest, err := without(template, path...)
		if err != nil {
			return "", err
		}
		o, err := plan.Op("test", "/spec/template", rest)
		if err != nil {
			return "", err
		}
		if o.Sum == wanted {
			return pointer(append([]string{"spec", "template"}, path...)...), nil
		}
	}
	return "", nil
}

// Replan makes the same action with the same arguments again from the live object. Compare the digests: the same digest is the same change.
// A rollback keeps the revision that was chosen first, even when another would be "the last good one" by now.
func (c *Cluster) Replan(ctx context.Context, svc catalog.Service, p plan.Plan) (plan.Plan, error) {
	switch p.Action {
	case catalog.Restart:
		return c.PlanRestart(ctx, svc)
	case catalog.Scale:
		replicas, err := strconv.Atoi(p.Params[paramReplicas])
		if err != nil {
			return plan.Plan{}, fmt.Errorf("make the plan again: replicas: %w", err)
		}
		return c.PlanScale(ctx, svc, replicas)
	case catalog.Rollback:
		revision, err := strconv.ParseInt(p.Params[paramRevision], 10, 64)
		if err != nil {
			return plan.Plan{}, fmt.Errorf("make the plan again: revision: %w", err)
		}
		return c.PlanRollback(ctx, svc, revision)
	case catalog.SetEnv:
		after, err := time.ParseDuration(p.Params[paramFor])
		if err != nil {
			return plan.Plan{}, fmt.Errorf("make the plan again: for: %w", err)
		}
		return c.PlanSetEnv(ctx, svc, EnvRequest{Key: p.Params[paramKey], Value: p.Params[paramValue], Container: p.Params[paramContainer], For: after})
	case catalog.DeletePod:
		return c.PlanDeletePod(ctx, svc, p.Params[paramPod])
	case catalog.Undo:
		return c.planUndo(ctx, svc, "undo "+p.Params[paramOf]+" of "+svc.Name, p.Target.UID, p.Reverts, p.Params)
	}
	return plan.Plan{}, &Error{Kind: Unsupported, Op: "make the plan again", Object: p.Target.String(), Message: redact.F("There is no action %q.", string(p.Action))}
}
