package handlers

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
)

const (
	// callTime bounds the one API call; well below [approval.LeaseTime], so that whoever finds the lease lapsed knows that the call has
	// ended or will be refused by the void mark.
	callTime = 8 * time.Second
	// busyTime is how long an execution waits for another one on the same target; the reconcile job queues it again after that.
	busyTime  = 10 * time.Second
	busyEvery = time.Second
	// lookTime bounds one look at what became of a change; below [approval.LeaseTime], or another look could outdate it for ever.
	lookTime = 11 * time.Second
	// tellTime is how long after the start of a change the reconciliation looks, before it says that nobody can tell.
	tellTime  = time.Minute
	tellEvery = 2 * time.Second
)

// Execute is the body of the execution job. It sends at most one API call, ever: the state moves to executing in the transaction before
// the call, and only from approved.
func (d *Desk) Execute(ctx context.Context, id string) error {
	r, err := d.Approvals.Request(ctx, id)
	if err != nil || r.State != approval.Approved {
		return err
	}
	lease, err := d.acquire(ctx, r)
	if err != nil {
		return err
	}
	d.Step("leased")
	fresh, cl, err := d.lastLook(ctx, r)
	if err != nil || cl == nil {
		return errors.Join(err, d.Leases.Release(ctx, lease))
	}
	d.Step("replanned")
	if _, err := d.Leases.Begin(ctx, lease, func(now *approval.Request) error { return d.start(ctx, now, r.Digest) }); err != nil {
		var refusal *approval.Refusal
		if errors.As(err, &refusal) || errors.Is(err, approval.ErrLost) {
			return d.Leases.Release(ctx, lease) // somebody else moved it; what they did stands
		}
		return err
	}
	d.Step("begun")
	call, cancel := context.WithTimeout(ctx, callTime)
	defer cancel()
	res, err := d.sendChange(call, cl, fresh, id)
	d.Step("called")
	if err == nil && res.Outcome == k8sops.UnknownOutcome {
		// The answer is lost. The reconcile job, set by Begin, finds out; it never repeats the change.
		d.Log.Warn().Err(res.Err).Str("request", id).Str("answer", res.Message.String()).Msg("the API call's answer is unknown")
		return nil
	}
	_, err = d.Leases.End(ctx, lease, func(now *approval.Request) error {
		switch {
		case err != nil: // nothing was sent
			return now.Move(approval.NotStarted, d.wordK8s("carry it out", err, r.Plan.Command).Error(), d.Now())
		case res.Outcome == k8sops.Applied:
			return now.Move(approval.Applied, "", d.Now())
		case res.Kind == k8sops.Unreachable || res.Kind == k8sops.Timeout:
			return now.Move(approval.NotStarted, "it was not sent: "+res.Message.String(), d.Now())
		default:
			return now.Move(approval.NotStarted, refuser(r.Plan)+" refused it: "+res.Message.String(), d.Now())
		}
	})
	if errors.Is(err, approval.ErrLost) {
		return nil // the reconcile job was quicker; what it found stands
	}
	d.Step("ended")
	return err
}

// sendChange sends the one call. A deletion leaves nothing that could tell afterwards whose it was: our mark goes onto the object first, and
// Postgres knows of the mark before the call is sent.
func (d *Desk) sendChange(ctx context.Context, cl Cluster, p plan.Plan, id string) (k8sops.Result, error) {
	if !p.Removes() {
		return cl.Execute(ctx, p, id)
	}
	res, err := cl.Mark(ctx, p, id)
	if err != nil || res.Outcome == k8sops.Refused {
		return res, err
	}
	if res.Outcome == k8sops.UnknownOutcome {
		// Whether the mark is there or not: nothing was deleted, and nobody but us would.
		return k8sops.Result{Outcome: k8sops.Refused, Kind: k8sops.Timeout, Message: res.Message, Err: res.Err}, nil
	}
	_, err = d.Approvals.Change(ctx, id, "svcdown", func(now *approval.Request) error {
		if now.State != approval.Executing {
			return &approval.Refusal{Code: approval.CodeState, Message: "somebody else found out what became of it"}
		}
		now.Marked = true
		return nil
	})
	if err != nil {
		return k8sops.Result{Outcome: k8sops.Refused}, fmt.Errorf("record the mark of %s: %w", id, err)
	}
	d.Step("marked")
	return cl.Execute(ctx, p, id)
}

func (d *Desk) acquire(ctx context.Context, r approval.Request) (approval.Lease, error) {
	ctx, cancel := context.WithTimeout(ctx, busyTime)
	defer cancel()
	for {
		lease, err := d.Leases.Acquire(ctx, r.Plan.Target.Key(), r.ID)
		if !errors.Is(err, approval.ErrBusy) {
			return lease, err
		}
		select {
		case <-ctx.Done():
			return approval.Lease{}, fmt.Errorf("execute %s: %w", r.ID, approval.ErrBusy)
		case <-time.After(busyEvery):
		}
	}
}

// lastLook checks once more, with the roles, the policy, the time and the cluster of this moment. When something stands against it, the
// request has been moved on and cl is nil.
func (d *Desk) lastLook(ctx context.Context, r approval.Request) (fresh plan.Plan, cl Cluster, err error) {
	stop := func(why string) (plan.Plan, Cluster, error) {
		_, err := d.Approvals.Change(ctx, r.ID, "svcdown", func(now *approval.Request) error {
			if now.Expire(d.Now()) || now.State != approval.Approved {
				return nil
			}
			return now.Move(approval.NotStarted, why, d.Now())
		})
		return plan.Plan{}, nil, err
	}
	if r.Plan.Digest() != r.Digest {
		return stop("a part of what was approved was lost in storage; ask again")
	}
	policy, err := d.agreed(ctx, r)
	if err != nil {
		return stop(err.Error())
	}
	if n, err := strconv.Atoi(r.Plan.Params["replicas"]); err == nil && n > policy.MaxReplicas {
		return stop(fmt.Sprintf("policy %q allows at most %d replicas now", policy.Name, policy.MaxReplicas))
	}
	svc, ok := d.Catalog().Service(r.Plan.Service)
	if !ok {
		return stop("svcdown.yaml does not name " + r.Plan.Service + " any more")
	}
	cl, err = d.hands(r.Plan.Action, svc.Cluster)
	if err != nil {
		return stop("cluster " + svc.Cluster + " cannot be reached")
	}
	fresh, err = d.replan(ctx, cl, svc, r)
	if err != nil {
		return stop(d.wordK8s("make the plan again", err, r.Plan.Command).Error())
	}
	if why, changed := planChanged(r.Plan, fresh); changed {
		return plan.Plan{}, nil, d.void(ctx, r, fresh, policy, why)
	}
	return fresh, cl, nil
}

// agreed is the policy of now, when what was agreed to still suffices under it.
func (d *Desk) agreed(ctx context.Context, r approval.Request) (catalog.Policy, error) {
	if r.ReturnOf != "" {
		return catalog.Policy{}, d.returnAgreed(ctx, r)
	}
	policy, err := d.policyOf(r)
	if err != nil {
		return policy, err
	}
	return policy, r.Recheck(d.again(ctx), policy, d.Now())
}

// replan makes a stored plan again from the live object.
func (d *Desk) replan(ctx context.Context, cl Cluster, svc catalog.Service, r approval.Request) (fresh plan.Plan, err error) {
	if r.Plan.Action == catalog.Apply {
		fresh, err = d.planManifest(ctx, cl, svc, r.Plan.Params["file"], r.ID)
	} else {
		fresh, err = cl.Replan(ctx, svc, r.Plan)
	}
	fresh.Approvers = r.Plan.Approvers
	return fresh, err
}

// planChanged says why an approved plan is not what would be done now. A mere status or annotation change is no reason.
func planChanged(approved, fresh plan.Plan) (why string, changed bool) {
	switch {
	case approved.Target.UID != fresh.Target.UID:
		return "the object was deleted and made anew", true
	case approved.Digest() != fresh.Digest():
		return "the object was changed meanwhile", true
	}
	return fresh.Blast.WorseThan(approved.Blast)
}

// void takes the approvals back and puts the new plan up. Where no second person was asked for, nobody could approve the new plan, so
// the request ends instead.
func (d *Desk) void(ctx context.Context, r approval.Request, fresh plan.Plan, policy catalog.Policy, why string) error {
	_, err := d.Approvals.Change(ctx, r.ID, "svcdown", func(now *approval.Request) error {
		if now.State != approval.Approved || now.Digest != r.Digest {
			return nil
		}
		if policy.Approvals.None || now.ReturnOf != "" {
			return now.Move(approval.NotStarted, why+"; ask again", d.Now())
		}
		return now.Void(fresh, why, policy.Expires, d.Now())
	})
	return err
}

// start is the last word before the call, on the locked row.
func (d *Desk) start(ctx context.Context, now *approval.Request, digest string) error {
	var policy catalog.Policy
	if now.ReturnOf == "" {
		var err error
		if policy, err = d.policyOf(*now); err != nil {
			return err
		}
	}
	if now.Digest != digest || now.Plan.Digest() != digest {
		// Also a plan that lost a part in storage, which an older version did not know, is another one.
		return &approval.Refusal{Code: approval.CodeChanged, Message: "the plan was replaced"}
	}
	if !d.Now().Before(now.ExpiresAt) {
		return &approval.Refusal{Code: approval.CodeExpired, Message: "it expired"}
	}
	if now.ReturnOf == "" && !now.ByGlass() && !now.Satisfied(policy) {
		return &approval.Refusal{Code: approval.CodeRole, Message: "the approvals do not suffice"}
	}
	return now.Move(approval.Executing, "", d.Now())
}
