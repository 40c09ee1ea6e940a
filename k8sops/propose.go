package k8sops

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// draft is an action before the server has seen it.
type draft struct {
	op      string // for errors: "restart backend"
	svc     catalog.Service
	action  catalog.Action
	depends []plan.Operation // test operations beside the one on the UID
	patch   []plan.Operation
	// replaces is true when running pods are replaced, ends when the last replica goes.
	replaces, ends bool
	undo           redact.Text
	to             redact.Text // see plan.Plan.To
	warnings       []redact.Text
	kubectl        []string // after context and namespace
	params         map[string]string
	before         plan.Before
	reverts        string
	returns        time.Duration
}

// propose makes the Plan: the very patch goes through a server-side dry run, whose answer is the diff; what the change can hurt is read
// meanwhile.
func (c *Cluster) propose(ctx context.Context, l live, d draft) (plan.Plan, error) {
	uid, err := plan.Op("test", "/metadata/uid", l.target.UID)
	if err != nil {
		return plan.Plan{}, err
	}
	p := plan.Plan{
		Action: d.action, Service: d.svc.Name, Target: l.target,
		Preconditions: append([]plan.Operation{uid}, d.depends...), Patch: d.patch,
		To: d.to, Undo: d.undo, Warnings: d.warnings, Command: c.command(d.svc.Namespace, d.kubectl...),
		Generation: l.meta.Generation, MadeAt: c.o.Now().UTC(), Before: d.before, Reverts: d.reverts, Params: d.params, Returns: d.returns,
	}
	if p.Empty() {
		return plan.Plan{}, &Error{Kind: Empty, Op: d.op, Object: l.ref(), Message: redact.Const("That would change nothing.")}
	}
	blast := begin(func() (measured, error) { return c.blast(ctx, l, d), nil })
	after, err := c.dryRun(ctx, p)
	if err != nil {
		return plan.Plan{}, apiError(d.op, l.ref()+" in "+d.svc.Namespace, err)
	}
	p.Diff, err = diff(l.raw, after, p.MadeAt.Format(stampFormat))
	if err != nil {
		return plan.Plan{}, fmt.Errorf("%s: compare with the dry run: %w", d.op, err)
	}
	if p.Diff.Empty() {
		return plan.Plan{}, &Error{Kind: Empty, Op: d.op, Object: l.ref(), Message: redact.Const("The API server's dry run says that this would change nothing.")}
	}
	m, err := blast.get(ctx)
	if err != nil {
		return plan.Plan{}, apiError(d.op, l.ref(), err)
	}
	p.Blast = m.blast
	p.Warnings = append(p.Warnings, m.warnings...)
	return p, nil
}

// stampFormat is kubectl's for restartedAt, with milliseconds: in whole seconds, a restart right after another would change nothing.
const stampFormat = "2006-01-02T15:04:05.000Z07:00"

// dryRun has the server do everything but store: validation, admission, our permission.
func (c *Cluster) dryRun(ctx context.Context, p plan.Plan) ([]byte, error) {
	body, err := patchBody(p, p.MadeAt, "", nil)
	if err != nil {
		return nil, err
	}
	return c.send(ctx, p.Target, body, true)
}

// send makes one PATCH call, without any repetition of our own.
func (c *Cluster) send(ctx context.Context, t plan.Target, body []byte, dry bool) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	resource, err := pathOf(t.Kind)
	if err != nil {
		return nil, err
	}
	o := metav1.PatchOptions{FieldManager: FieldManager, FieldValidation: metav1.FieldValidationStrict}
	if dry {
		o.DryRun = []string{metav1.DryRunAll}
	}
	return c.resources[resource].client.Patch(types.JSONPatchType).Namespace(t.Namespace).Resource(resource).Name(t.Name).
		VersionedParams(&o, scheme.ParameterCodec).SetHeader("Accept", runtime.ContentTypeJSON).Body(body).MaxRetries(0).Do(ctx).Raw()
}

// patchBody is the JSON Patch: preconditions, marks' tests, the change, the marks. The placeholders are filled in here.
func patchBody(p plan.Plan, now time.Time, approvalID string, marks []plan.Operation) ([]byte, error) {
	type operation struct {
		Op    string          `json:"op"`
		Path  string          `json:"path"`
		Value json.RawMessage `json:"value,omitempty"`
	}
	var out []operation
	add := func(all []plan.Operation, tests bool) error {
		for _, o := range all {
			if (o.Op == "test") != tests {
				continue
			}
			value, err := filled(o.Value, now, approvalID)
			if err != nil {
				return err
			}
			out = append(out, operation{o.Op, o.Path, value})
		}
		return nil
	}
	for _, part := range []struct {
		operations []plan.Operation
		tests      bool
	}{{p.Preconditions, true}, {marks, true}, {p.Patch, true}, {p.Patch, false}, {marks, false}} {
		if err := add(part.operations, part.tests); err != nil {
			return nil, err
		}
	}
	return json.Marshal(out)
}

func filled(value json.RawMessage, now time.Time, approvalID string) (json.RawMessage, error) {
	var s string
	if json.Unmarshal(value, &s) != nil {
		return value, nil
	}
	switch s {
	case plan.Now:
		return json.Marshal(now.UTC().Format(stampFormat))
	case plan.ApprovalID:
		return json.Marshal(approvalID)
	}
	return value, nil
}
