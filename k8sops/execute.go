package k8sops

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// Outcome is what is known of a change after its one call. The zero value is UnknownOutcome.
type Outcome uint8

// The outcomes.
const (
	// UnknownOutcome: the answer was lost or ambiguous; the change may have landed or may land yet. Void, then Landed, find out.
	UnknownOutcome Outcome = iota
	// Applied: the API server stored the change.
	Applied
	// Refused: nothing was changed.
	Refused
)

// String returns unknown, applied or refused.
func (o Outcome) String() string {
	switch o {
	case Applied:
		return "applied"
	case Refused:
		return "refused"
	default:
		return "unknown"
	}
}

// Result is what became of a change.
type Result struct {
	Outcome         Outcome
	ResourceVersion string
	Generation      int64
	// Before is what the change replaced, read just before it and held by its preconditions.
	Before plan.Before
	// Message says in a sentence why it was refused or is unknown; empty when applied.
	Message redact.Text
	// Kind classes the reason of a refusal, "" otherwise.
	Kind Kind
	// Err is the cause for the log.
	Err error
}

// Execute makes the change: one call, never repeated, with its preconditions inside it: the UID, the fields that the plan depends on, and that
// the approval was not voided. The same call marks the object with the approval's ID; a plan that deletes its object needs [Cluster.Mark]
// first. p must come from a Plan or Replan call of this process; one that was read back from storage has no values and is refused. An error
// means that p or approvalID is unusable and nothing was sent; whatever the API server had a say in is in Result.
func (c *Cluster) Execute(ctx context.Context, p plan.Plan, approvalID string) (Result, error) {
	op := string(p.Action) + " " + p.Service
	if err := usable(op, p, approvalID); err != nil {
		return Result{Outcome: Refused, Kind: Invalid}, err
	}
	switch {
	case p.Removes():
		return c.remove(ctx, p, approvalID)
	case p.Creates():
		return c.create(ctx, p, approvalID)
	}
	l, err := c.liveObject(ctx, p.Target.Namespace, p.Target.Kind, p.Target.Name)
	if err != nil {
		return refused(err), nil
	}
	marks, err := approvalMarks(bare{l.raw, l.meta}, approvalID)
	if err != nil {
		return Result{Outcome: Refused, Kind: Invalid}, fmt.Errorf("%s: %w", op, err)
	}
	body, err := patchBody(p, c.o.Now(), approvalID, marks)
	if err != nil {
		return Result{Outcome: Refused, Kind: Invalid}, fmt.Errorf("%s: %w", op, err)
	}
	if err := ctx.Err(); err != nil {
		return refused(err), nil
	}
	raw, err := c.send(ctx, p.Target, body, false)
	switch {
	case err == nil:
	case !certainlyRefused(err):
		return lost(err), nil
	case apierrors.IsInvalid(err):
		return c.explained(ctx, p, approvalID, refused(err)), nil
	default:
		return refused(err), nil
	}
	out := Result{Outcome: Applied, Before: p.Before}
	if resource, err := resourceOf(p.Target.Kind); err == nil {
		if now, err := c.liveFrom(raw, resource); err == nil {
			out.ResourceVersion, out.Generation = now.meta.ResourceVersion, now.meta.Generation
		}
	}
	return out, nil
}

func refused(err error) Result {
	kind, message := classify(err)
	return Result{Outcome: Refused, Kind: kind, Message: redact.F("%s Nothing was changed.", message), Err: err}
}

func lost(err error) Result {
	_, message := classify(err)
	return Result{Outcome: UnknownOutcome, Message: redact.F("%s Whether the change was made is not known yet.", message), Err: err}
}

// certainlyRefused is true when err proves that nothing was stored: the connection was never made, or the API server itself said no.
func certainlyRefused(err error) bool {
	if notSent(err) {
		return true
	}
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return false
	}
	code := int(status.Status().Code)
	return code >= 400 && code < 500 && code != http.StatusRequestTimeout && !apierrors.IsTimeout(err)
}

// explained says which precondition failed: the API server only says that one did.
func (c *Cluster) explained(ctx context.Context, p plan.Plan, approvalID string, r Result) Result {
	l, err := c.bare(ctx, p.Target)
	if err != nil {
		return r
	}
	say := func(t redact.Text) Result {
		r.Kind, r.Message = Conflict, redact.F("%s Nothing was changed.", t)
		return r
	}
	if string(l.meta.UID) != p.Target.UID {
		return say(redact.F("%s was deleted and made anew since the plan was made.", refOf(p.Target)))
	}
	if l.meta.Annotations[voidKey(approvalID)] != "" {
		return say(redact.F("Approval %s was voided before the change arrived.", approvalID))
	}
	for _, o := range p.Preconditions {
		path, ok := map[string][]string{"/spec/template": {"spec", "template"}, "/spec/replicas": {"spec", "replicas"}}[o.Path]
		if !ok {
			continue
		}
		now, err := plan.Op(o.Op, o.Path, field(l.raw, path...))
		if err == nil && now.Sum != o.Sum {
			return say(redact.F("%s of %s was changed since the plan was made.", o.Path, refOf(p.Target)))
		}
	}
	return r
}

var approvalIDs = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,55}[A-Za-z0-9])?$`)

// usable refuses what must not be sent: a plan without its values, or one whose values are not those that were approved.
func usable(op string, p plan.Plan, approvalID string) error {
	bad := func(t redact.Text) error {
		return &Error{Kind: Invalid, Op: op, Object: p.Target.String(), Message: redact.F("%s Nothing was changed.", t)}
	}
	if !approvalIDs.MatchString(approvalID) {
		return bad(redact.F("The approval's ID %q cannot be written on the object.", approvalID))
	}
	if p.Empty() || (p.Target.UID == "") != p.Creates() {
		return bad(redact.Const("The plan changes nothing or is bound to no object."))
	}
	bound := p.Creates() // by its name, which nothing else may have
	for i, o := range append(append([]plan.Operation{}, p.Preconditions...), p.Patch...) {
		if (o.Op == "test") != (i < len(p.Preconditions)) {
			return bad(redact.F("The plan's operation %d, %s, stands in the wrong place.", i, o.Op))
		}
		if o.Op == "remove" && o.Value == nil && o.Sum == "" {
			continue
		}
		again, err := plan.Op(o.Op, o.Path, o.Value)
		if o.Value == nil || err != nil || again.Sum != o.Sum {
			return bad(redact.F("The plan was read from storage and not made again from the live object (%s has no value).", o.Path))
		}
		uid := sha256.Sum256([]byte(`"` + p.Target.UID + `"`))
		bound = bound || o.Op == "test" && o.Path == "/metadata/uid" && o.Sum == hex.EncodeToString(uid[:])
	}
	if !bound {
		return bad(redact.Const("The plan is not bound to its object's UID."))
	}
	return nil
}
