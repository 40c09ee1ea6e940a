package k8sops

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// Annotations that tell, on the object itself, which approved changes reached it.
const (
	// ApprovalMark holds the ID of the last approval that changed the object.
	ApprovalMark = "svcdown.dev/approval"
	// EarlierMark holds the IDs before that one, newest first, separated by blanks: another approval may overtake the search for the first.
	EarlierMark = "svcdown.dev/approvals-before"
	// voidPrefix and an approval's ID make the mark that keeps a late request of that approval out for good.
	voidPrefix = "svcdown.dev/void-"
	voided     = "voided"
	// earlier is how many IDs EarlierMark keeps.
	earlier = 8
)

func voidKey(approvalID string) string { return voidPrefix + approvalID }

// approvalMarks are the operations around a change: tests that it was not voided and that no other approval came between our read and our
// write, and the approval's ID. A JSON Patch test against null passes on an absent path, but not below an absent map: an object without any
// annotations is tested for just that, since adding the empty map would otherwise wipe what somebody else adds meanwhile.
func approvalMarks(on bare, approvalID string) ([]plan.Operation, error) {
	var all []plan.Operation
	var failed error
	op := func(op, path string, value any) {
		o, err := plan.Op(op, path, value)
		if err != nil {
			failed = err
		}
		all = append(all, o)
	}
	at := func(key string) string { return pointer("metadata", "annotations", key) }
	if field(on.raw, "metadata", "annotations") == nil {
		op("test", "/metadata/annotations", nil)
		op("add", "/metadata/annotations", map[string]string{ApprovalMark: approvalID})
		return all, failed
	}
	op("test", at(voidKey(approvalID)), nil)
	last := on.meta.Annotations[ApprovalMark]
	if last == "" {
		op("test", at(ApprovalMark), nil)
	} else {
		op("test", at(ApprovalMark), last)
		before := append([]string{last}, strings.Fields(on.meta.Annotations[EarlierMark])...)
		op("add", at(EarlierMark), strings.Join(before[:min(len(before), earlier)], " "))
	}
	op("add", at(ApprovalMark), approvalID)
	return all, failed
}

// Void marks the object of a plan so that no request of this approval can change it from now on. It may be called again. It returns an error
// of kind NotFound or Conflict when the object is gone or was made anew: then there is nothing left that could be changed. Where the plan
// brings its object into being, the mark is a placeholder under its name, see [Cluster.occupy].
func (c *Cluster) Void(ctx context.Context, p plan.Plan, approvalID string) error {
	t := p.Target
	op := "void approval " + approvalID
	if !approvalIDs.MatchString(approvalID) {
		return &Error{Kind: Invalid, Op: op, Object: t.String(), Message: redact.Const("That is no approval's ID.")}
	}
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	if p.Creates() {
		return c.occupy(ctx, op, t, approvalID)
	}
	resource, err := pathOf(t.Kind)
	if err != nil {
		return err
	}
	// A merge patch makes the annotations map if need be and takes nothing away; the UID in it makes the server refuse another object.
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": t.UID, "annotations": map[string]string{voidKey(approvalID): voided},
	}})
	if err != nil {
		return err
	}
	o := metav1.PatchOptions{FieldManager: FieldManager}
	err = c.resources[resource].client.Patch(types.MergePatchType).Namespace(t.Namespace).Resource(resource).Name(t.Name).
		VersionedParams(&o, scheme.ParameterCodec).SetHeader("Accept", runtime.ContentTypeJSON).Body(body).MaxRetries(2).Do(ctx).Error()
	if kind, _ := classify(err); err != nil && kind == Invalid && c.madeAnew(ctx, t) {
		return &Error{Kind: Conflict, Op: op, Object: t.String(), Err: err, Message: redact.Const("The object was deleted and made anew.")}
	}
	return apiError(op, t.String(), err)
}

// madeAnew reports whether another object certainly has the target's name by now. The API server refuses a UID that is not the object's as
// invalid, and so it does whatever an admission webhook does not like.
func (c *Cluster) madeAnew(ctx context.Context, t plan.Target) bool {
	now, err := c.bare(ctx, t)
	return err == nil && string(now.meta.UID) != t.UID
}

// Landing says whether a change reached its object.
type Landing string

// The answers of Landed.
const (
	Landed    Landing = "landed"
	NotLanded Landing = "not-landed"
	Gone      Landing = "gone" // deleted, or another object has its name
)

// Landed looks for the approval's mark on the live object. NotLanded is final only after Void: before it, the request may still be under
// way. Of a plan that deletes its object, Landed says that the deletion has begun under our mark; once the object is gone, nothing on the
// cluster tells who deleted it. An error means that the object cannot be read.
func (c *Cluster) Landed(ctx context.Context, p plan.Plan, approvalID string) (Landing, error) {
	t := p.Target
	now, err := c.bare(ctx, t)
	if err != nil {
		err = apiError("look for approval "+approvalID, t.String(), err)
		if KindOf(err) == NotFound {
			return Gone, nil
		}
		return "", err
	}
	a := now.meta.Annotations
	switch {
	case !p.Creates() && string(now.meta.UID) != t.UID:
		return Gone, nil
	case p.Removes() && now.meta.DeletionTimestamp == nil:
		return NotLanded, nil // marked perhaps, but there
	case a[ApprovalMark] == approvalID, slices.Contains(strings.Fields(a[EarlierMark]), approvalID):
		return Landed, nil
	default:
		return NotLanded, nil
	}
}
