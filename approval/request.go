package approval

import (
	"fmt"
	"slices"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/plan"
)

// State is where a request stands.
type State string

// The states. Pending and Approved and Executing can still move; the others are final.
const (
	Pending    State = "pending"
	Approved   State = "approved" // enough people agreed; its execution job exists
	Denied     State = "denied"
	Expired    State = "expired"
	Cancelled  State = "cancelled"
	Executing  State = "executing"   // the one API call may be on its way
	Applied    State = "applied"     // the API server took the change; the rollout is being watched
	Succeeded  State = "succeeded"   // applied and verified
	Failed     State = "failed"      // applied, and the verification says it did not help
	NotStarted State = "not_started" // nothing was changed and nothing will be
	Unknown    State = "unknown"     // whether it was changed cannot be told; said plainly, never repeated
)

// Final reports whether nothing more will happen to a request in this state.
func (s State) Final() bool {
	return slices.Contains([]State{Denied, Expired, Cancelled, Succeeded, Failed, NotStarted, Unknown}, s)
}

// next holds every allowed move; anything else is a defect and is refused by [Request.Move].
var next = map[State][]State{
	Pending:   {Approved, Denied, Expired, Cancelled},
	Approved:  {Executing, Expired, Cancelled, NotStarted, Pending}, // Pending: the plan changed, approvals are void
	Executing: {Applied, NotStarted, Unknown, Pending},
	Applied:   {Succeeded, Failed},
}

// Vote is one person's answer to a request.
type Vote struct {
	Person string        `json:"person"`
	Actor  catalog.Actor `json:"actor"`
	Yes    bool          `json:"yes"`
	Why    string        `json:"why,omitempty"`
	// Digest is the plan that the person saw.
	Digest string    `json:"digest"`
	At     time.Time `json:"at"`
}

// BreakGlass records that somebody let the plan run without the approvals.
type BreakGlass struct {
	Actor catalog.Actor `json:"actor"`
	Why   string        `json:"why"`
	// Digest is the plan that it was broken for; another plan needs approvals, or another break.
	Digest string    `json:"digest"`
	Round  int       `json:"round,omitempty"`
	At     time.Time `json:"at"`
	// ReviewedBy is the other person who has looked at it since, "" while it is open.
	ReviewedBy string    `json:"reviewedBy,omitempty"`
	ReviewedAt time.Time `json:"reviewedAt,omitzero"`
}

// Request asks to run one Plan. It is stored as a row; all changes happen on a row that is locked.
type Request struct {
	ID        string        `json:"id"` // short, typed by people: "R-7K3M"
	Plan      plan.Plan     `json:"plan"`
	Requester catalog.Actor `json:"requester"`
	Why       string        `json:"why,omitempty"`
	State     State         `json:"state"`
	// Reason says in words why the state is what it is, where that is not obvious (denied why, voided why).
	Reason    string      `json:"reason,omitempty"`
	Votes     []Vote      `json:"votes,omitempty"`
	Broken    *BreakGlass `json:"breakGlass,omitempty"`
	CreatedAt time.Time   `json:"createdAt"`
	ExpiresAt time.Time   `json:"expiresAt"`
	// Digest of Plan; votes for another digest do not count.
	Digest string `json:"digest"`
	// Round counts how often the votes were taken back. The same change may be up again with a worse blast radius, under the same digest.
	Round int `json:"round,omitempty"`
	// Failing names the checks that failed when the request was made; they must be green before it counts as verified.
	Failing []string `json:"failing,omitempty"`
	// ReturnOf is the request whose change this one takes back by itself, as its approvers agreed to; "" for what people asked for.
	ReturnOf string `json:"returnOf,omitempty"`
	// Marked is set right before the one call of a deletion, when its object bears our mark.
	Marked bool `json:"marked,omitempty"`
	// DecidedAt is when the last state change happened.
	DecidedAt time.Time `json:"decidedAt,omitzero"`
}

// New makes a request for p, pending unless the policy says `approvals: none`. It refuses a requester whose roles may not ask and a
// plan that changes nothing.
func New(id string, p plan.Plan, requester catalog.Actor, why string, policy catalog.Policy, now time.Time) (Request, error) {
	if err := MayAsk(requester, policy, p.Action, p.Service); err != nil {
		return Request{}, err
	}
	if err := FreshRoles(requester, now); err != nil {
		return Request{}, err
	}
	if p.Empty() {
		return Request{}, refuse(CodeEmpty, "This would change nothing on %s, so there is nothing to approve.", p.Target)
	}
	r := Request{
		ID: id, Plan: p, Digest: p.Digest(), Requester: requester, Why: why, State: Pending,
		CreatedAt: now, ExpiresAt: now.Add(policy.Expires),
	}
	if policy.Approvals.None {
		return r, r.Move(Approved, "policy "+policy.Name+" asks for no approval", now)
	}
	return r, nil
}

// NewReturn makes the request that takes the change of one back when its time is over. Its approvers agreed to both at once, so it is approved
// from the start. It refuses whatever they did not agree to.
func NewReturn(id string, p plan.Plan, of Request, now time.Time) (Request, error) {
	if p.Empty() {
		return Request{}, refuse(CodeEmpty, "This would change nothing on %s.", p.Target)
	}
	r := Request{
		ID: id, Plan: p, Digest: p.Digest(), Requester: of.Requester, State: Pending, ReturnOf: of.ID,
		CreatedAt: now, ExpiresAt: now.Add(catalog.DefaultExpires),
	}
	if err := r.Returns(of); err != nil {
		return Request{}, err
	}
	return r, r.Move(Approved, "agreed to together with "+of.ID, now)
}

// Returns refuses a return that is not what the approvers of the request agreed to: of's change was carried out, its plan says that it returns,
// and r takes back just that, on the very object.
func (r *Request) Returns(of Request) error {
	switch {
	case r.ReturnOf == "" || r.ReturnOf != of.ID || r.Plan.Reverts != of.ID || r.Plan.Action != catalog.Undo:
		return refuse(CodeRole, "%s does not take back %s, so nobody agreed to it.", r.ID, of.ID)
	case of.Plan.Returns <= 0 || of.Digest != of.Plan.Digest():
		return refuse(CodeRole, "Nobody agreed that %s returns by itself.", of.ID)
	case !of.Done():
		return refuse(CodeState, "%s is %s, so there is nothing to take back.", of.ID, of.State.Words())
	case r.Plan.Target != of.Plan.Target:
		return refuse(CodeChanged, "%s was about another object.", of.ID)
	}
	return nil
}

// Done reports whether the change was carried out, whatever came of it.
func (r *Request) Done() bool {
	return r.State == Applied || r.State == Succeeded || r.State == Failed
}

// MayAsk refuses whoever may not ask for action on service under policy.
func MayAsk(a catalog.Actor, policy catalog.Policy, action catalog.Action, service string) error {
	switch {
	case a.Refused != "":
		return refuse(CodeRole, "%s comes in with %s, which may not ask for changes. Nothing was done.", a.Name(), a.Refused)
	case a.Person == "":
		return refuse(CodeRole, "%s is nobody in svcdown.yaml, so nothing was done. Ask the platform team to add this account under people.", a.Name())
	case !a.Has(policy.MayAsk...):
		return refuse(CodeRole, "%s may not ask for %s of %s: policy %q wants the role %s. Nothing was done.",
			a.Name(), action, service, policy.Name, list(policy.MayAsk, "nobody"))
	}
	return nil
}

// MayWork refuses whoever holds none of roles, which are those that may work on runbooks for service ([catalog.Catalog.Workers]), and
// whoever's group memberships are too old to tell.
func MayWork(a catalog.Actor, roles []string, service string, now time.Time) error {
	switch {
	case a.Refused != "":
		return refuse(CodeRole, "%s comes in with %s, which may not work on runbooks. Nothing was done.", a.Name(), a.Refused)
	case a.Person == "":
		return refuse(CodeRole, "%s is nobody in svcdown.yaml, so nothing was done. Ask the platform team to add this account under people.", a.Name())
	case !a.Has(roles...):
		return refuse(CodeRole, "%s may not look into containers of %s, tick steps or post messages: that takes the role %s. Nothing was done; `status`, `triage` and `logs` read without it.",
			a.Name(), service, list(roles, "nobody"))
	}
	return FreshRoles(a, now)
}

// Move changes the state, refusing moves that the machine does not have.
func (r *Request) Move(to State, reason string, now time.Time) error {
	if !slices.Contains(next[r.State], to) {
		return refuse(CodeState, "Request %s is %s and cannot become %s.", r.ID, r.State.Words(), to.Words())
	}
	r.State, r.Reason, r.DecidedAt = to, reason, now
	return nil
}

// Words is the state as people read it.
func (s State) Words() string {
	switch s {
	case Pending:
		return "waiting for approval"
	case Approved:
		return "approved"
	case Executing:
		return "being carried out"
	case Applied:
		return "carried out, being verified"
	case Succeeded:
		return "done and verified"
	case Failed:
		return "done, but it did not help"
	case NotStarted:
		return "not started"
	case Unknown:
		return "in an unknown state"
	default:
		return string(s)
	}
}

// Void takes all votes back because the plan is another one now, and puts the new plan up for approval under the same ID, for as long as a
// new request would have.
func (r *Request) Void(p plan.Plan, why string, expires time.Duration, now time.Time) error {
	if err := r.Move(Pending, why, now); err != nil {
		return err
	}
	r.Plan, r.Digest, r.Votes, r.ExpiresAt = p, p.Digest(), nil, now.Add(expires)
	r.Round++
	return nil
}

// Shown identifies what the present card shows: the digest, and from the second round on which round. Buttons carry it.
func (r *Request) Shown() string {
	if r.Round == 0 {
		return r.Digest
	}
	return fmt.Sprintf("%s.%d", r.Digest, r.Round)
}

// Expire ends a request whose time is over; it does nothing to one that is not due or has moved on.
func (r *Request) Expire(now time.Time) bool {
	if (r.State != Pending && r.State != Approved) || now.Before(r.ExpiresAt) {
		return false
	}
	why := "nobody decided in time"
	if r.State == Approved {
		why = "it was approved, but its time was over before it could start"
	}
	return r.Move(Expired, why, now) == nil
}

// Cancel lets the requester take the request back while nothing has started.
func (r *Request) Cancel(a catalog.Actor, now time.Time) error {
	if a.Person == "" || a.Person != r.Requester.Person {
		return refuse(CodeRole, "Only %s, who asked, can cancel %s; deny it instead.", r.Requester.Name(), r.ID)
	}
	if r.State != Pending && r.State != Approved {
		return refuse(CodeState, "%s is %s; it is too late to cancel.", r.ID, r.State.Words())
	}
	return r.Move(Cancelled, "taken back by "+a.Name(), now)
}
