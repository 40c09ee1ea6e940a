package approval_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/catalog"
)

// people are who is who at the moment of the execution, by the Slack account that they came in with.
type people map[catalog.SlackID]catalog.Actor

func (p people) now(a catalog.Actor) catalog.Actor {
	if is, ok := p[a.Slack]; ok {
		return is
	}
	return a
}

func TestRecheckJudgesEverybodyAsTheyAreNow(t *testing.T) {
	t.Parallel()
	bob := person("bob", "senior")
	changed := func(a catalog.Actor, f func(*catalog.Actor)) people {
		a.Roles = slices.Clone(a.Roles)
		f(&a)
		return people{a.Slack: a}
	}
	for name, c := range map[string]struct {
		now  people
		want approval.Code
	}{
		"nobody changed":                            {people{}, ""},
		"the approver lost the role":                {changed(bob, func(a *catalog.Actor) { a.Roles = nil }), approval.CodeRole},
		"the approver's account was deactivated":    {changed(bob, func(a *catalog.Actor) { a.Refused = "a deactivated account" }), approval.CodeRole},
		"the approver's account is nobody's":        {changed(bob, func(a *catalog.Actor) { a.Person = "" }), approval.CodeRole},
		"the approver's account is the requester's": {changed(bob, func(a *catalog.Actor) { a.Person = "alice" }), approval.CodeRole},
		"the approver's groups are of yesterday":    {changed(bob, func(a *catalog.Actor) { a.RolesAsOf = noon.Add(-24 * time.Hour) }), approval.CodeStale},
		"the requester's account was deactivated":   {changed(person("alice", "oncall"), func(a *catalog.Actor) { a.Refused = "a deactivated account" }), approval.CodeRole},
		"the requester's groups are of yesterday":   {changed(person("alice", "oncall"), func(a *catalog.Actor) { a.RolesAsOf = noon.Add(-24 * time.Hour) }), approval.CodeStale},
		"the requester was renamed, and is also the approver at the terminal": {
			people{person("alice").Slack: person("bob", "oncall")}, approval.CodeRole,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := policy(oneOf("senior"))
			r := pending(t, p)
			if err := r.Decide(bob, true, "", "", p, noon.Add(time.Minute)); err != nil {
				t.Fatal(err)
			}
			err := r.Recheck(c.now.now, p, noon.Add(2*time.Minute))
			if got := code(t, err); got != c.want {
				t.Errorf("got %q (%v), want %q", got, err, c.want)
			}
		})
	}
}

func TestRecheckRefusesABreakerWhoseAccountIsGone(t *testing.T) {
	t.Parallel()
	p := policy(oneOf("senior"))
	r := pending(t, p)
	if err := r.Break(person("erin", "oncall"), "nobody answers", p, noon.Add(6*time.Minute)); err != nil {
		t.Fatal(err)
	}
	gone := person("erin", "oncall")
	gone.Refused = "a deactivated account"
	err := r.Recheck(people{gone.Slack: gone}.now, p, noon.Add(7*time.Minute))
	if got := code(t, err); got != approval.CodeRole {
		t.Errorf("got %q (%v), want %q", got, err, approval.CodeRole)
	}
}

func TestAGlassIsBrokenForOnePlan(t *testing.T) {
	t.Parallel()
	p := policy(oneOf("senior"))
	r := pending(t, p)
	if err := r.Break(person("alice", "oncall"), "nobody answers", p, noon.Add(6*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if !r.ByGlass() {
		t.Error("got the plan not covered by the glass that was broken for it")
	}
	other := somePlan(t)
	other.Target.UID = "u2"
	if err := r.Void(other, "the object was made anew", 15*time.Minute, noon.Add(7*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if r.ByGlass() {
		t.Error("got the changed plan covered by the glass of the first one")
	}
	bob := person("bob", "senior")
	if err := r.Decide(bob, true, "", "", p, noon.Add(8*time.Minute)); err != nil {
		t.Fatal(err)
	}
	bob.Roles = nil
	err := r.Recheck(people{bob.Slack: bob}.now, p, noon.Add(9*time.Minute))
	if got := code(t, err); got != approval.CodeRole {
		t.Errorf("after the approver lost the role: got %q (%v), want %q", got, err, approval.CodeRole)
	}
}

func TestAGlassIsNotBrokenForAWorseBlastRadius(t *testing.T) {
	t.Parallel()
	p := policy(oneOf("senior"))
	r := pending(t, p)
	if err := r.Break(person("alice", "oncall"), "nobody answers", p, noon.Add(6*time.Minute)); err != nil {
		t.Fatal(err)
	}
	worse := somePlan(t)
	worse.Blast.LastHealthy = true
	if err := r.Void(worse, "it would touch the last healthy replica", 15*time.Minute, noon.Add(7*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if r.ByGlass() {
		t.Error("got the worse plan covered by the glass of the milder one")
	}
	if err := r.Break(person("alice", "oncall"), "still nobody", p, noon.Add(8*time.Minute)); err != nil || !r.ByGlass() {
		t.Errorf("broken once more: %v, by glass: %v", err, r.ByGlass())
	}
}

func TestARenamedRequesterStaysTheSameHuman(t *testing.T) {
	t.Parallel()
	p := policy(oneOf("senior"))
	r := pending(t, p)
	renamed := person("alice", "senior")
	renamed.Person = "alicia"
	err := r.Decide(renamed, true, "", "", p, noon.Add(time.Minute))
	if got := code(t, err); got != approval.CodeSelf {
		t.Errorf("got %q (%v), want %q", got, err, approval.CodeSelf)
	}
}

func TestNewRefusesStaleGroups(t *testing.T) {
	t.Parallel()
	alice := person("alice", "oncall")
	alice.RolesAsOf = noon.Add(-2 * time.Hour)
	_, err := approval.New("R-222222", somePlan(t), alice, "", policy(oneOf("senior")), noon)
	if got := code(t, err); got != approval.CodeStale {
		t.Errorf("got %q (%v), want %q", got, err, approval.CodeStale)
	}
}

func TestAnApprovedRequestThatExpiresDoesNotBlameTheApprovers(t *testing.T) {
	t.Parallel()
	p := policy(oneOf("senior"))
	r := pending(t, p)
	if err := r.Decide(person("bob", "senior"), true, "", "", p, noon.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	if !r.Expire(noon.Add(time.Hour)) {
		t.Fatal("got a request that did not expire")
	}
	if strings.Contains(r.Reason, "nobody decided") {
		t.Errorf("got the reason %q, want one that says that it was approved", r.Reason)
	}
}
