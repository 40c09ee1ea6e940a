package handlers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// Outside makes one kind of change in a system other than Kubernetes. Its plan is stored, approved and carried out once like any other.
type Outside interface {
	// Do makes the change of p for the approval, with one call that is never repeated. Refused only when nothing was changed for certain.
	Do(ctx context.Context, p plan.Plan, approvalID string) k8sops.Result
	// Done reports whether the change of the approval is there. [ErrCannotTell] when the system cannot be asked.
	Done(ctx context.Context, p plan.Plan, approvalID string) (bool, error)
}

// ErrCannotTell says that a system cannot be asked what became of a change.
var ErrCannotTell = errors.New("the system cannot be asked whether it has the change")

// outsideAPI is the APIVersion of targets that are no objects of Kubernetes; their namespace is the system's name.
const outsideAPI = "outside"

func isOutside(p plan.Plan) bool { return p.Target.APIVersion == outsideAPI }

// outsidePlan makes the plan of a change outside. What is done stands whole in params, so that the plan can be made again from what was stored
// and has the same digest only when every word is the same.
func outsidePlan(action catalog.Action, svc catalog.Service, system, kind, name string, params map[string]string, now time.Time) (plan.Plan, error) {
	op, err := plan.Op("add", "/"+string(action), params)
	if err != nil {
		return plan.Plan{}, fmt.Errorf("plan the %s of %s: %w", action, svc.Name, err)
	}
	return plan.Plan{
		Action: action, Service: svc.Name, Patch: []plan.Operation{op}, Params: params, MadeAt: now,
		Target: plan.Target{Cluster: svc.Cluster, Namespace: system, APIVersion: outsideAPI, Kind: kind, Name: name},
	}, nil
}

// hands is what carries out an action: the cluster, or the system that the action belongs to.
func (d *Desk) hands(action catalog.Action, cluster string) (Cluster, error) {
	cl, err := d.Clusters(cluster)
	if err != nil {
		return nil, err
	}
	if to, ok := d.Outside[action]; ok {
		return outsideCluster{cl, to, d.Now, d.release}, nil
	}
	return cl, nil
}

// outsideCluster carries changes out in another system, in the place of the service's cluster.
type outsideCluster struct {
	Cluster
	to  Outside
	now func() time.Time
	// released is told of a plan right before its one call.
	released func(context.Context, plan.Plan)
}

// Replan makes the plan again from what was stored of it.
func (c outsideCluster) Replan(_ context.Context, svc catalog.Service, p plan.Plan) (plan.Plan, error) {
	if !isOutside(p) {
		return plan.Plan{}, &Problem{Code: "plan", Text: redact.Const("The plan is not one for this system, so nothing was done.")}
	}
	fresh, err := outsidePlan(p.Action, svc, p.Target.Namespace, p.Target.Kind, p.Target.Name, p.Params, c.now())
	fresh.Diff, fresh.Warnings, fresh.Command = p.Diff, p.Warnings, p.Command
	return fresh, err
}

func (c outsideCluster) Execute(ctx context.Context, p plan.Plan, approvalID string) (k8sops.Result, error) {
	if p.Action == catalog.Publish {
		c.released(ctx, p)
	}
	return c.to.Do(ctx, p, approvalID), nil
}

// Void does nothing: no outside system takes a mark that keeps a late call out. Landed never says for certain that nothing landed, therefore.
func (c outsideCluster) Void(context.Context, plan.Plan, string) error { return nil }

func (c outsideCluster) Landed(ctx context.Context, p plan.Plan, approvalID string) (k8sops.Landing, error) {
	there, err := c.to.Done(ctx, p, approvalID)
	switch {
	case errors.Is(err, ErrCannotTell):
		return k8sops.Gone, nil
	case err != nil:
		return "", err
	case there:
		return k8sops.Landed, nil
	}
	return k8sops.Gone, nil
}

// proveOutside asks the system whether it has the change.
func (d *Desk) proveOutside(ctx context.Context, r approval.Request) error {
	system := r.Plan.Target.Namespace
	to, ok := d.Outside[r.Plan.Action]
	if !ok {
		return d.conclude(ctx, r.ID, approval.Failed, system+" is not set up any more, so nothing was verified")
	}
	there, err := to.Done(ctx, r.Plan, r.ID)
	switch {
	case errors.Is(err, ErrCannotTell):
		return d.conclude(ctx, r.ID, approval.Succeeded, system+" has taken it")
	case err != nil:
		return err
	case !there:
		return d.conclude(ctx, r.ID, approval.Failed, system+" had taken it, but does not have it now")
	}
	return d.conclude(ctx, r.ID, approval.Succeeded, system+" has it")
}

// refuser is who says no to a change.
func refuser(p plan.Plan) string {
	if isOutside(p) {
		return p.Target.Namespace
	}
	return "the API server"
}

// outsideFacts is what an approver of a change outside decides by, beside its words.
func outsideFacts(r approval.Request) []card.Fact {
	facts := []card.Fact{
		{Label: redact.Const("Where"), Value: redact.F("%s", r.Plan.Target.Namespace)},
		{Label: redact.Const("Asked by"), Value: redact.F("%s at %s UTC", r.Requester.Name(), clock(r.CreatedAt))},
	}
	if r.Why != "" {
		facts = append(facts, card.Fact{Label: redact.Const("Why"), Value: redact.F("%s", r.Why)})
	}
	return facts
}

// retryable is true for a change outside of which nothing came.
func retryable(r approval.Request) bool {
	return isOutside(r.Plan) && (r.State == approval.NotStarted || r.State == approval.Unknown || r.State == approval.Failed || r.State == approval.Expired)
}

// retry asks once more for a change outside that did not happen, with the same words. It needs its approvals again.
func (d *Desk) retry(ctx context.Context, req Request) error {
	id, err := requestID(req, "retry ID")
	if err != nil {
		return err
	}
	r, err := d.Approvals.Request(ctx, id)
	if err != nil {
		return err
	}
	if !retryable(r) {
		return &Problem{Code: "state", Text: redact.F("%s is %s; there is nothing to try again, and nothing was done.", r.ID, r.State.Words()), Next: redact.Const("Changes of the cluster are asked for anew, so that their plan is.")}
	}
	svc, ok := d.Catalog().Service(r.Plan.Service)
	if !ok {
		return &Problem{Code: "service", Text: redact.F("svcdown.yaml does not name %s any more, so nothing was done.", r.Plan.Service)}
	}
	if req, err = d.askedAt(ctx, req, r); err != nil {
		return err
	}
	if req.Flags["why"] == "" {
		req.Flags["why"] = r.Why
	}
	return d.ask(ctx, req, wish{action: r.Plan.Action, svc: svc, approvers: r.Plan.Approvers, plan: func(cl Cluster, _ catalog.Policy, _ string) (plan.Plan, error) {
		return cl.Replan(ctx, svc, r.Plan)
	}})
}

// noOutside says that a system is not set up.
func noOutside(system, fix redact.Text) error {
	return &Problem{Code: "not-set-up", Text: redact.F("%s is not set up, so nothing was done.", system), Next: fix}
}

// lines makes the plain text of a change outside into what a diff shows.
func lines(text string) redact.Text {
	return redact.F("%s", "+ "+strings.ReplaceAll(text, "\n", "\n+ "))
}
