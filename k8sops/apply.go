package k8sops

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// ApplyRequest is one reviewed manifest to run.
type ApplyRequest struct {
	File    string // as people name it
	Content []byte
	Allowed catalog.Manifests
	// ID is the request's: the Job's name ends in it, so that every run is an object of its own.
	ID string
}

// Annotations of a Job that svcdown made, beside [ApprovalMark].
const (
	manifestFile = "svcdown.dev/manifest"
	manifestSum  = "svcdown.dev/manifest-sha256"
)

// The parameters of an apply and of its undo.
const (
	paramFile = "file"
	paramSum  = "sha256"
	paramJob  = "job"
)

// longestJob is how long a Job's name may be: it becomes a label of its pods.
const longestJob = 63

// PlanApply plans to create the one Job of a manifest in the service's namespace, under a name that ends in the request's ID. The file's SHA-256
// is written on the Job, so that the plan's digest covers it. What reaches beyond an ordinary container is refused with kind Invalid.
func (c *Cluster) PlanApply(ctx context.Context, svc catalog.Service, r ApplyRequest) (plan.Plan, error) {
	op := "apply " + r.File
	invalid := func(t redact.Text) error {
		return &Error{Kind: Invalid, Op: op, Object: r.File, Message: redact.F("%s Manifest %s was not applied.", t, r.File)}
	}
	job, why := jobFrom(r.Content)
	if !why.Empty() {
		return plan.Plan{}, invalid(why)
	}
	l, err := c.live(ctx, op, svc)
	if err != nil {
		return plan.Plan{}, err
	}
	if why := unfit(job, svc.Namespace, r.Allowed.Images, l.selector); !why.Empty() {
		return plan.Plan{}, invalid(why)
	}
	if kinds := r.Allowed.Kinds; len(kinds) > 0 && !slices.Contains(kinds, "Job") {
		return plan.Plan{}, invalid(redact.Const("svcdown.yaml does not allow Jobs."))
	}
	sum := sha256.Sum256(r.Content)
	suffix := "-" + strings.ToLower(r.ID)
	job.Name = strings.TrimRight(job.Name[:min(len(job.Name), longestJob-len(suffix))], "-.") + suffix
	job.Namespace = svc.Namespace
	if job.Annotations == nil {
		job.Annotations = map[string]string{}
	}
	job.Annotations[manifestFile], job.Annotations[manifestSum], job.Annotations[ApprovalMark] = r.File, hex.EncodeToString(sum[:]), r.ID
	p := plan.Plan{
		Action: catalog.Apply, Service: svc.Name, MadeAt: c.o.Now().UTC(),
		Target:  plan.Target{Cluster: c.name, Namespace: svc.Namespace, APIVersion: "batch/v1", Kind: "Job", Name: job.Name},
		Undo:    redact.Const("Delete the Job and its pods."),
		Command: c.command(svc.Namespace, "apply", "-f", r.File),
		Params:  map[string]string{paramFile: r.File, paramSum: hex.EncodeToString(sum[:]), paramJob: job.Name},
	}
	if p.Patch, err = plan.Create(job); err != nil {
		return plan.Plan{}, err
	}
	if job.Spec.ActiveDeadlineSeconds == nil {
		p.Warnings = append(p.Warnings, redact.Const("It has no activeDeadlineSeconds: nothing ends it but its own end, or undo."))
	}
	l.meta = metav1.ObjectMeta{Name: l.meta.Name, Namespace: l.meta.Namespace}
	blast := begin(func() (measured, error) { return c.blast(ctx, l, draft{svc: svc}), nil })
	if _, err := c.sendCreate(ctx, p.Target, p.Patch[0].Value, true); err != nil {
		return plan.Plan{}, apiError(op, refOf(p.Target), err)
	}
	if p.Diff, err = diff([]byte("{}"), p.Patch[0].Value, ""); err != nil {
		return plan.Plan{}, err
	}
	m, err := blast.get(ctx)
	if err != nil {
		return plan.Plan{}, apiError(op, refOf(p.Target), err)
	}
	p.Blast, p.Warnings = m.blast, append(p.Warnings, m.warnings...)
	return p, nil
}

// create sends the one POST. Its precondition is the name: of all calls for it, the void mark's among them, the API server takes one.
func (c *Cluster) create(ctx context.Context, p plan.Plan, approvalID string) (Result, error) {
	if mark, err := bareFrom(p.Patch[0].Value); err != nil || mark.meta.Annotations[ApprovalMark] != approvalID {
		return Result{Outcome: Refused, Kind: Invalid}, &Error{Kind: Invalid, Op: string(p.Action) + " " + p.Service, Object: p.Target.String(),
			Message: redact.F("The plan is not that of approval %s. Nothing was changed.", approvalID), Err: err}
	}
	raw, err := c.sendCreate(ctx, p.Target, p.Patch[0].Value, false)
	switch {
	case apierrors.IsAlreadyExists(err):
		return c.taken(ctx, p.Target, approvalID, refused(err)), nil
	case err != nil && !certainlyRefused(err):
		return lost(err), nil
	case err != nil:
		return refused(err), nil
	}
	out := Result{Outcome: Applied}
	if now, err := bareFrom(raw); err == nil {
		out.ResourceVersion, out.Generation = now.meta.ResourceVersion, now.meta.Generation
	}
	return out, nil
}

// taken says who has the name.
func (c *Cluster) taken(ctx context.Context, t plan.Target, approvalID string, r Result) Result {
	now, err := c.bare(ctx, t)
	r.Kind = Conflict
	switch {
	case err != nil:
	case now.meta.Annotations[voidKey(approvalID)] != "":
		r.Message = redact.F("Approval %s was voided before the change arrived. Nothing was changed.", approvalID)
	default:
		r.Message = redact.F("There is a %s already. Nothing was changed.", refOf(t))
	}
	return r
}

// sendCreate makes one POST call.
func (c *Cluster) sendCreate(ctx context.Context, t plan.Target, body []byte, dry bool) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	resource, err := pathOf(t.Kind)
	if err != nil {
		return nil, err
	}
	o := metav1.CreateOptions{FieldManager: FieldManager, FieldValidation: metav1.FieldValidationStrict}
	if dry {
		o.DryRun = []string{metav1.DryRunAll}
	}
	return c.resources[resource].client.Post().Namespace(t.Namespace).Resource(resource).VersionedParams(&o, scheme.ParameterCodec).
		SetHeader("Content-Type", runtime.ContentTypeJSON).SetHeader("Accept", runtime.ContentTypeJSON).Body(body).MaxRetries(0).Do(ctx).Raw()
}

// occupy is the void mark of an object that is not there yet: a placeholder under its name, which the API server gives away once. It is
// suspended, runs nothing even when somebody resumes it, and its image exists nowhere (RFC 2606). When the name is taken, nothing can land
// any more either.
func (c *Cluster) occupy(ctx context.Context, op string, t plan.Target, approvalID string) error {
	body, err := json.Marshal(map[string]any{
		"apiVersion": t.APIVersion, "kind": t.Kind,
		"metadata": map[string]any{"name": t.Name, "namespace": t.Namespace, "annotations": map[string]string{voidKey(approvalID): voided}},
		"spec": map[string]any{"suspend": true, "parallelism": 0, "backoffLimit": 0, "template": map[string]any{"spec": map[string]any{
			"restartPolicy": "Never", "automountServiceAccountToken": false,
			"containers": []map[string]any{{"name": "void", "image": "svcdown.invalid/void"}},
		}}},
	})
	if err != nil {
		return err
	}
	_, err = c.sendCreate(ctx, t, body, false)
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return apiError(op, t.String(), err)
}

// planRemoveJob plans to delete a Job that svcdown made under the approval doneID.
func (c *Cluster) planRemoveJob(ctx context.Context, svc catalog.Service, op, doneID string, params map[string]string) (plan.Plan, error) {
	p := plan.Plan{
		Action: catalog.Undo, Service: svc.Name, MadeAt: c.o.Now().UTC(), Reverts: doneID, Params: params, Patch: plan.Remove(),
		Target:  plan.Target{Cluster: c.name, Namespace: svc.Namespace, APIVersion: "batch/v1", Kind: "Job", Name: params[paramJob]},
		Command: c.command(svc.Namespace, "delete", "job", params[paramJob]),
		Diff:    redact.F("- job/%s and its pods", params[paramJob]),
	}
	now, err := c.bare(ctx, p.Target)
	if err != nil {
		return plan.Plan{}, apiError(op, refOf(p.Target), err)
	}
	a := now.meta.Annotations
	switch {
	case a[ApprovalMark] != doneID && !slices.Contains(strings.Fields(a[EarlierMark]), doneID):
		return plan.Plan{}, &Error{Kind: Conflict, Op: op, Object: refOf(p.Target), Message: redact.F("It is not the Job that %s made, so it was left alone.", doneID)}
	case now.meta.DeletionTimestamp != nil:
		return plan.Plan{}, &Error{Kind: Empty, Op: op, Object: refOf(p.Target), Message: redact.Const("It is being deleted already.")}
	}
	p.Target.UID = string(now.meta.UID)
	uid, err := plan.Op("test", "/metadata/uid", p.Target.UID)
	if err != nil {
		return plan.Plan{}, err
	}
	p.Preconditions = []plan.Operation{uid}
	if err := c.sendDelete(ctx, p.Target, "", true); err != nil {
		return plan.Plan{}, apiError(op, refOf(p.Target), err)
	}
	l, err := c.live(ctx, op, svc)
	if err != nil {
		return plan.Plan{}, err
	}
	p.Blast = plan.Blast{Desired: int(l.desired), Ready: int(l.ready)}
	return p, nil
}
