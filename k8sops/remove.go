package k8sops

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// Mark writes the approval's mark on an object that is about to be deleted, unless the approval was voided or the deletion has begun already.
// A deletion leaves nothing to look at, so that the mark comes first: while the object ends, it tells whose deletion that is. The mark
// alone changes nothing. Errors and outcomes are those of [Cluster.Execute].
func (c *Cluster) Mark(ctx context.Context, p plan.Plan, approvalID string) (Result, error) {
	op := string(p.Action) + " " + p.Service
	if err := usable(op, p, approvalID); err != nil {
		return Result{Outcome: Refused, Kind: Invalid}, err
	}
	on, err := c.bare(ctx, p.Target)
	if err != nil {
		return refused(err), nil
	}
	marks, err := approvalMarks(on, approvalID)
	if err != nil {
		return Result{Outcome: Refused, Kind: Invalid}, fmt.Errorf("%s: %w", op, err)
	}
	there, err := plan.Op("test", "/metadata/deletionTimestamp", nil)
	if err != nil {
		return Result{Outcome: Refused, Kind: Invalid}, fmt.Errorf("%s: %w", op, err)
	}
	tests := p
	tests.Preconditions, tests.Patch = append(p.Preconditions[:len(p.Preconditions):len(p.Preconditions)], there), nil
	body, err := patchBody(tests, c.o.Now(), approvalID, marks)
	if err != nil {
		return Result{Outcome: Refused, Kind: Invalid}, fmt.Errorf("%s: %w", op, err)
	}
	_, err = c.send(ctx, p.Target, body, false)
	switch {
	case err == nil:
		return Result{Outcome: Applied}, nil
	case !certainlyRefused(err):
		return lost(err), nil
	case apierrors.IsInvalid(err):
		return c.explained(ctx, p, approvalID, refused(err)), nil
	default:
		return refused(err), nil
	}
}

// remove sends the one DELETE. Its preconditions are the UID and the resourceVersion of an object that bears our mark and no void mark: a void
// mark that is written after we looked moves the resourceVersion, and the API server refuses what comes late with 409.
func (c *Cluster) remove(ctx context.Context, p plan.Plan, approvalID string) (Result, error) {
	on, err := c.bare(ctx, p.Target)
	if err != nil {
		return refused(err), nil
	}
	no := func(t redact.Text) (Result, error) {
		return Result{Outcome: Refused, Kind: Conflict, Message: redact.F("%s Nothing was deleted by this request.", t)}, nil
	}
	a := on.meta.Annotations
	switch {
	case string(on.meta.UID) != p.Target.UID:
		return no(redact.F("%s was deleted and made anew since the plan was made.", refOf(p.Target)))
	case a[voidKey(approvalID)] != "":
		return no(redact.F("Approval %s was voided before the change arrived.", approvalID))
	case a[ApprovalMark] != approvalID:
		return no(redact.F("%s does not bear the mark of approval %s.", refOf(p.Target), approvalID))
	case on.meta.DeletionTimestamp != nil:
		return no(redact.F("%s is being deleted by somebody else.", refOf(p.Target)))
	}
	if err := ctx.Err(); err != nil {
		return refused(err), nil
	}
	err = c.sendDelete(ctx, p.Target, on.meta.ResourceVersion, false)
	switch {
	case err == nil:
		return Result{Outcome: Applied, ResourceVersion: on.meta.ResourceVersion, Before: p.Before}, nil
	case !certainlyRefused(err):
		return lost(err), nil
	default:
		return refused(err), nil
	}
}

// sendDelete makes one DELETE call of the object with the target's UID and, unless "", this resourceVersion. What it owns goes in the
// background, as with kubectl.
func (c *Cluster) sendDelete(ctx context.Context, t plan.Target, resourceVersion string, dry bool) error {
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	resource, err := pathOf(t.Kind)
	if err != nil {
		return err
	}
	uid, background := types.UID(t.UID), metav1.DeletePropagationBackground
	o := metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}, PropagationPolicy: &background}
	if resourceVersion != "" {
		o.Preconditions.ResourceVersion = &resourceVersion
	}
	if dry {
		o.DryRun = []string{metav1.DryRunAll}
	}
	return c.resources[resource].client.Delete().Namespace(t.Namespace).Resource(resource).Name(t.Name).Body(&o).MaxRetries(0).Do(ctx).Error()
}
