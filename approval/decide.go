package approval

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/catalog"
)

// Code tells refusals apart for tests and metrics.
type Code string

// Why something was refused.
const (
	CodeSelf    Code = "self-approval"
	CodeRole    Code = "role"
	CodeRepeat  Code = "repeat"
	CodeExpired Code = "expired"
	CodeState   Code = "state"
	CodeChanged Code = "plan-changed"
	CodeEmpty   Code = "empty-plan"
	CodeStale   Code = "roles-stale"
	CodeWait    Code = "too-early"
	CodeReason  Code = "reason-missing"
)

// Refusal is an answer of "no" that the person is told, alone.
type Refusal struct {
	Code    Code
	Message string // what happened, what was not done, what to do
}

func (r *Refusal) Error() string { return r.Message }

func refuse(c Code, format string, args ...any) error {
	return &Refusal{Code: c, Message: fmt.Sprintf(format, args...)}
}

// RolesMaxAge is how old a snapshot of Slack group memberships may be when it decides.
const RolesMaxAge = time.Hour

// Decide counts one person's yes or no on a locked request. It refuses self-approval, people the policy does not name, stale group
// memberships, repeats, a card other than the present one ([Request.Shown]; "" for none), expiry, and any state but pending. A request that is past its time becomes
// expired even though the vote is refused, so callers store r in both cases. With the last missing yes the state becomes approved.
func (r *Request) Decide(a catalog.Actor, yes bool, why, seen string, policy catalog.Policy, now time.Time) error {
	if r.Expire(now) {
		return refuse(CodeExpired, "%s expired at %s, so nothing was done. Ask again if it is still needed.", r.ID, r.ExpiresAt.UTC().Format("15:04 MST"))
	}
	if r.State != Pending {
		return refuse(CodeState, "%s is already %s; your click changed nothing.", r.ID, r.State.Words())
	}
	if yes && same(a, r.Requester) {
		return refuse(CodeSelf, "You asked for %s, so somebody else must approve it. Waiting on %s.", r.ID, r.Waiting(policy))
	}
	if err := mayDecide(a, r.ID, policy, now); err != nil {
		return err
	}
	if seen != "" && seen != r.Shown() {
		return refuse(CodeChanged, "The plan of %s changed since your card was made; your click was not counted. Look at the new diff and decide again.", r.ID)
	}
	if slices.ContainsFunc(r.Votes, func(v Vote) bool { return v.Person == a.Person }) {
		return refuse(CodeRepeat, "You have answered %s already; it is waiting on %s.", r.ID, r.Waiting(policy))
	}
	r.Votes = append(r.Votes, Vote{Person: a.Person, Actor: a, Yes: yes, Why: why, Digest: r.Digest, At: now})
	if !yes {
		reason := "denied by " + a.Name()
		if why != "" {
			reason += ": " + why
		}
		return r.Move(Denied, reason, now)
	}
	if r.Satisfied(policy) {
		return r.Move(Approved, "", now)
	}
	return nil
}

func mayDecide(a catalog.Actor, id string, policy catalog.Policy, now time.Time) error {
	switch {
	case a.Refused != "":
		return refuse(CodeRole, "%s comes in with %s, which may not decide requests; %s was not changed.", a.Name(), a.Refused, id)
	case a.Person == "":
		return refuse(CodeRole, "%s is nobody in svcdown.yaml; %s was not changed.", a.Name(), id)
	case !a.Has(approvers(policy)...):
		return refuse(CodeRole, "Your click on %s was not counted: policy %q wants %s.", id, policy.Name, requirements(policy))
	}
	return FreshRoles(a, now)
}

// FreshRoles refuses an actor whose group memberships are older than [RolesMaxAge].
func FreshRoles(a catalog.Actor, now time.Time) error {
	if !a.RolesAsOf.IsZero() && now.Sub(a.RolesAsOf) > RolesMaxAge {
		return refuse(CodeStale, "Slack has not said who is in which group since %s, so a role that rests on a group cannot be trusted and nothing was done. Ask somebody whom svcdown.yaml names in the role itself, or try again when Slack answers.",
			a.RolesAsOf.UTC().Format("15:04 MST"))
	}
	return nil
}

// Satisfied reports whether the yes votes for the present digest meet every requirement with distinct people, none the requester.
func (r *Request) Satisfied(policy catalog.Policy) bool {
	if len(policy.Approvals.All) == 0 {
		return policy.Approvals.None // a policy that says nothing approves nothing
	}
	return len(r.Missing(policy)) == 0
}

// Missing returns the requirements that the votes do not meet yet, with the counts still wanted. One person fills one seat only.
func (r *Request) Missing(policy catalog.Policy) []catalog.Requirement {
	var seats []seat
	for i, req := range policy.Approvals.All {
		for range req.Count {
			seats = append(seats, seat{requirement: i, roles: req.Roles})
		}
	}
	taken := assign(seats, r.yes())
	left := map[int]int{}
	for i, s := range seats {
		if !taken[i] {
			left[s.requirement]++
		}
	}
	var out []catalog.Requirement
	for i, req := range policy.Approvals.All {
		if left[i] > 0 {
			out = append(out, catalog.Requirement{Count: left[i], Roles: req.Roles})
		}
	}
	return out
}

func (r *Request) yes() []catalog.Actor {
	var out []catalog.Actor
	for _, v := range r.Votes {
		if v.Yes && v.Digest == r.Digest && v.Person != "" && v.Person != r.Requester.Person {
			out = append(out, v.Actor)
		}
	}
	return out
}

type seat struct {
	requirement int
	roles       []string
}

// assign seats as many actors as possible (bipartite matching by augmenting paths): "one of A and one of B" must not fail because a
// person who holds both sat down on the only chair of another.
func assign(seats []seat, actors []catalog.Actor) []bool {
	sits := make([]int, len(seats)) // seat → actor+1
	var place func(actor int, tried []bool) bool
	place = func(actor int, tried []bool) bool {
		for i, s := range seats {
			if tried[i] || !actors[actor].Has(s.roles...) {
				continue
			}
			tried[i] = true
			if sits[i] == 0 || place(sits[i]-1, tried) {
				sits[i] = actor + 1
				return true
			}
		}
		return false
	}
	for a := range actors {
		place(a, make([]bool, len(seats)))
	}
	taken := make([]bool, len(seats))
	for i := range sits {
		taken[i] = sits[i] != 0
	}
	return taken
}

// Counted returns how many approvals count now and how many are needed.
func (r *Request) Counted(policy catalog.Policy) (have, need int) {
	for _, req := range policy.Approvals.All {
		need += req.Count
	}
	have = need
	for _, m := range r.Missing(policy) {
		have -= m.Count
	}
	return have, need
}

// Waiting says in words who is still wanted: "1 of senior and 1 of manager".
func (r *Request) Waiting(policy catalog.Policy) string {
	left := r.Missing(policy)
	if len(left) == 0 {
		return "nobody"
	}
	return requirements(catalog.Policy{Approvals: catalog.Approvals{All: left}})
}

// Eligible reports whether a could still give a vote that counts.
func (r *Request) Eligible(a catalog.Actor, policy catalog.Policy) bool {
	if a.Person == "" || a.Refused != "" || a.Person == r.Requester.Person || r.State != Pending {
		return false
	}
	if slices.ContainsFunc(r.Votes, func(v Vote) bool { return v.Person == a.Person }) {
		return false
	}
	for _, m := range r.Missing(policy) {
		if a.Has(m.Roles...) {
			return true
		}
	}
	return false
}

// Break lets a run the plan without approvals, once nobody has answered for the policy's time and with a reason.
func (r *Request) Break(a catalog.Actor, why string, policy catalog.Policy, now time.Time) error {
	if r.Expire(now) {
		return refuse(CodeExpired, "%s expired, so nothing was done. Ask again.", r.ID)
	}
	switch bg := policy.BreakGlass; {
	case r.State != Pending:
		return refuse(CodeState, "%s is already %s.", r.ID, r.State.Words())
	case bg == nil || a.Person == "" || a.Refused != "" || !a.Has(bg.Roles...):
		return refuse(CodeRole, "%s may not break the glass for %s: policy %q does not allow it. Nothing was done.", a.Name(), r.ID, policy.Name)
	case strings.TrimSpace(why) == "":
		return refuse(CodeReason, "Say why: break-glass %s REASON. Nothing was done.", r.ID)
	case now.Before(r.CreatedAt.Add(bg.After)):
		return refuse(CodeWait, "Break-glass for %s opens at %s, when nobody has answered for %s. Nothing was done.",
			r.ID, r.CreatedAt.Add(bg.After).UTC().Format("15:04:05 MST"), bg.After)
	}
	if err := FreshRoles(a, now); err != nil {
		return err
	}
	if err := r.Move(Approved, "break-glass by "+a.Name()+": "+why, now); err != nil {
		return err
	}
	r.Broken = &BreakGlass{Actor: a, Why: why, Digest: r.Digest, Round: r.Round, At: now}
	return nil
}

// ByGlass reports whether the present plan may run because the glass was broken for it. A plan that changed since, or whose blast radius
// became worse, needs approvals again.
func (r *Request) ByGlass() bool {
	return r.Broken != nil && r.Broken.Digest == r.Digest && r.Broken.Round == r.Round
}

// same reports whether two actors are one human: the same person, or the same account under a name that the catalogue changed meanwhile.
func same(a, b catalog.Actor) bool {
	return (a.Person != "" && a.Person == b.Person) ||
		(a.Slack.User != "" && a.Slack == b.Slack) ||
		(a.Kubernetes != "" && a.Kubernetes == b.Kubernetes)
}

// Review closes the open question that a break-glass leaves; it takes another person who could have approved.
func (r *Request) Review(a catalog.Actor, policy catalog.Policy, now time.Time) error {
	switch {
	case r.Broken == nil:
		return refuse(CodeState, "%s was approved in the ordinary way; there is nothing to review.", r.ID)
	case r.Broken.ReviewedBy != "":
		return refuse(CodeRepeat, "%s was reviewed by %s already.", r.ID, r.Broken.ReviewedBy)
	case same(a, r.Broken.Actor) || same(a, r.Requester):
		return refuse(CodeSelf, "Somebody else must review %s.", r.ID)
	}
	if err := mayDecide(a, r.ID, policy, now); err != nil {
		return err
	}
	r.Broken.ReviewedBy, r.Broken.ReviewedAt = a.Person, now
	return nil
}

// Recheck is the last look before execution, with everybody's roles as they are now. It refuses when time is over, the requester may no
// longer ask, or the approvals no longer suffice: a voter whose account may do nothing any more, or is another person's by now, does not
// count. current returns the person of an Actor with the roles of this moment.
func (r *Request) Recheck(current func(catalog.Actor) catalog.Actor, policy catalog.Policy, now time.Time) error {
	if !now.Before(r.ExpiresAt) {
		return refuse(CodeExpired, "%s expired before it could start; nothing was changed.", r.ID)
	}
	requester := current(r.Requester)
	if err := MayAsk(requester, policy, r.Plan.Action, r.Plan.Service); err != nil {
		return err
	}
	if err := FreshRoles(requester, now); err != nil {
		return err
	}
	if r.ByGlass() {
		a := current(r.Broken.Actor)
		if policy.BreakGlass == nil || a.Refused != "" || a.Person == "" || !a.Has(policy.BreakGlass.Roles...) {
			return refuse(CodeRole, "%s may no longer break the glass; nothing was changed.", a.Name())
		}
		return FreshRoles(a, now)
	}
	again := *r
	again.Votes = nil
	for _, v := range r.Votes {
		a := current(v.Actor)
		if a.Refused != "" || a.Person != v.Person || same(a, requester) {
			continue
		}
		if err := FreshRoles(a, now); err != nil {
			return err
		}
		v.Actor = a
		again.Votes = append(again.Votes, v)
	}
	if !again.Satisfied(policy) {
		return refuse(CodeRole, "The approvals of %s no longer suffice (still wanted: %s); nothing was changed.", r.ID, again.Waiting(policy))
	}
	return nil
}

func approvers(policy catalog.Policy) []string {
	var out []string
	for _, req := range policy.Approvals.All {
		out = append(out, req.Roles...)
	}
	return out
}

func requirements(policy catalog.Policy) string {
	parts := make([]string, 0, len(policy.Approvals.All))
	for _, req := range policy.Approvals.All {
		parts = append(parts, fmt.Sprintf("%d of %s", req.Count, list(req.Roles, "nobody")))
	}
	return strings.Join(parts, " and ")
}

func list(names []string, none string) string {
	if len(names) == 0 {
		return none
	}
	return strings.Join(names, " or ")
}
