package handlers

import (
	"context"
	"errors"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/k8sops"
)

// Reconcile is the body of the job that finds out what became of a request whose execution stopped half way. It never repeats a change:
// first it writes the void mark, so that a call still on its way is refused by the API server, then it looks for our annotation.
func (d *Desk) Reconcile(ctx context.Context, id string) error {
	r, err := d.Approvals.Request(ctx, id)
	if err != nil {
		return err
	}
	switch r.State {
	case approval.Approved:
		return d.requeue(ctx, r)
	case approval.Executing:
	default:
		return nil
	}
	lease, err := d.Leases.TakeOver(ctx, r.Plan.Target.Key(), id)
	if errors.Is(err, approval.ErrBusy) {
		return &approval.Later{After: tellEvery}
	}
	if err != nil {
		return err
	}
	d.Step("taken-over")
	state, why, err := d.findOut(ctx, r)
	if err != nil {
		d.Log.Warn().Err(err).Str("request", id).Msg("find out what became of a change; looking again")
		// Kept until it lapses, the lease would hold up the next look.
		if err := d.Leases.Release(ctx, lease); err != nil {
			return err
		}
		return &approval.Later{After: tellEvery}
	}
	_, err = d.Leases.End(ctx, lease, func(now *approval.Request) error {
		if now.State != approval.Executing {
			return nil
		}
		return now.Move(state, why, d.Now())
	})
	if errors.Is(err, approval.ErrLost) {
		return &approval.Later{After: tellEvery}
	}
	d.Step("reconciled")
	return err
}

// requeue starts an approved request whose execution job died before anything was sent; past its time it expires.
func (d *Desk) requeue(ctx context.Context, r approval.Request) error {
	if !d.Now().Before(r.ExpiresAt) {
		_, err := d.Approvals.Change(ctx, r.ID, "svcdown", func(now *approval.Request) error {
			now.Expire(d.Now())
			return nil
		})
		return err
	}
	if err := d.Approvals.Requeue(ctx, r.ID); err != nil && !errors.Is(err, approval.ErrBusy) {
		return err
	}
	return &approval.Later{After: 2 * approval.LeaseTime}
}

// findOut looks once. An error says that it is to be looked again: only when the cluster has not told for [tellTime] nobody can tell. The
// look ends well within the lease, because a lease that lapses meanwhile is taken over by the next look.
func (d *Desk) findOut(ctx context.Context, r approval.Request) (approval.State, string, error) {
	look, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	state, why, err := d.look(look, r)
	if err == nil || ctx.Err() != nil || d.Now().Sub(r.DecidedAt) < tellTime {
		return state, why, err
	}
	d.Log.Warn().Err(err).Str("request", r.ID).Msg("nobody can tell what became of a change")
	return approval.Unknown, "the cluster did not say within " + tellTime.String(), nil
}

func (d *Desk) look(ctx context.Context, r approval.Request) (approval.State, string, error) {
	cl, err := d.hands(r.Plan.Action, r.Plan.Target.Cluster)
	if err != nil {
		return "", "", err
	}
	notVoided := cl.Void(ctx, r.Plan, r.ID)
	if notVoided != nil && !gone(notVoided) {
		return "", "", notVoided
	}
	d.Step("voided")
	landing, err := cl.Landed(ctx, r.Plan, r.ID)
	if err != nil {
		return "", "", err
	}
	switch {
	case landing == k8sops.Landed:
		return approval.Applied, "found on the object after an interruption", nil
	case landing == k8sops.NotLanded && notVoided != nil:
		// The object is there all the same, without the mark: a call still on its way would change it.
		return "", "", notVoided
	case landing == k8sops.NotLanded:
		return approval.NotStarted, "interrupted before the change was sent, and it cannot land any more", nil
	case r.Plan.Removes():
		return d.whoseEnd(ctx, r.ID)
	case isOutside(r.Plan):
		return approval.Unknown, r.Plan.Target.Namespace + " does not have it; a call that was still under way may have reached it since", nil
	default:
		return approval.Unknown, "the object is gone or was replaced", nil
	}
}

// whoseEnd tells of an object that was to be deleted and is gone. That it bore our mark is recorded right before the one call; without the
// record nobody can say that it was us. Either way a call that is still on its way finds nothing: it is bound to the UID.
func (d *Desk) whoseEnd(ctx context.Context, id string) (approval.State, string, error) {
	now, err := d.Approvals.Request(ctx, id)
	switch {
	case err != nil:
		return "", "", err
	case now.Marked:
		return approval.Applied, "the object bore our mark and is gone", nil
	default:
		return approval.Unknown, "the object is gone, and it is not known that we deleted it", nil
	}
}

func gone(err error) bool {
	var k *k8sops.Error
	return errors.As(err, &k) && (k.Kind == k8sops.NotFound || k.Kind == k8sops.Conflict)
}
