package approval_test

import (
	"errors"
	"testing"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/plan"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

func person(name string, roles ...string) catalog.Actor {
	return catalog.Actor{Person: name, Slack: catalog.SlackID{Team: "T1", User: "U" + name}, Roles: roles}
}

func policy(all ...catalog.Requirement) catalog.Policy {
	return catalog.Policy{
		Name: "prod", MayAsk: []string{"oncall"}, Approvals: catalog.Approvals{All: all}, Expires: 15 * time.Minute,
		BreakGlass: &catalog.BreakGlass{Roles: []string{"oncall"}, After: 5 * time.Minute},
	}
}

func oneOf(roles ...string) catalog.Requirement { return catalog.Requirement{Count: 1, Roles: roles} }

func somePlan(t *testing.T) plan.Plan {
	t.Helper()
	op, err := plan.Op("replace", "/spec/replicas", 5)
	if err != nil {
		t.Fatal(err)
	}
	return plan.Plan{Action: catalog.Scale, Service: "backend", Target: plan.Target{Cluster: "prod", Namespace: "shop", Kind: "Deployment", Name: "backend", UID: "u1"}, Patch: []plan.Operation{op}}
}

func pending(t *testing.T, p catalog.Policy) approval.Request {
	t.Helper()
	r, err := approval.New("R-222222", somePlan(t), person("alice", "oncall"), "", p, noon)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// code is the refusal's code, "" when err is nil.
func code(t *testing.T, err error) approval.Code {
	t.Helper()
	if err == nil {
		return ""
	}
	var r *approval.Refusal
	if !errors.As(err, &r) {
		t.Fatalf("got %v, want a Refusal", err)
	}
	return r.Code
}

func TestNewRefusesWhoMayNotAsk(t *testing.T) {
	t.Parallel()
	guest := person("dave", "oncall")
	guest.Refused = "a guest account"
	for name, c := range map[string]struct {
		actor  catalog.Actor
		policy catalog.Policy
		want   approval.Code
	}{
		"the on-call engineer may ask":                {person("alice", "oncall"), policy(oneOf("senior")), ""},
		"a manager without the role may not":          {person("carol", "manager"), policy(oneOf("senior")), approval.CodeRole},
		"a guest may not, whatever the roles":         {guest, policy(oneOf("senior")), approval.CodeRole},
		"nobody of the catalogue may not":             {person("", "oncall"), policy(oneOf("senior")), approval.CodeRole},
		"an empty allow-list means nobody":            {person("alice", "oncall"), catalog.Policy{Approvals: catalog.Approvals{None: true}}, approval.CodeRole},
		"an empty role name is held by nobody either": {person("alice"), catalog.Policy{MayAsk: []string{""}}, approval.CodeRole},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := approval.New("R-1", somePlan(t), c.actor, "", c.policy, noon)
			if got := code(t, err); got != c.want {
				t.Errorf("got %q (%v), want %q", got, err, c.want)
			}
		})
	}
}

func TestNewRefusesAnEmptyPlan(t *testing.T) {
	t.Parallel()
	p := somePlan(t)
	p.Patch = nil
	_, err := approval.New("R-1", p, person("alice", "oncall"), "", policy(oneOf("senior")), noon)
	if got := code(t, err); got != approval.CodeEmpty {
		t.Errorf("got %q, want %q", got, approval.CodeEmpty)
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	bob, carol, alice := person("bob", "senior"), person("carol", "manager"), person("alice", "oncall", "senior")
	stale := person("bob", "senior")
	stale.RolesAsOf = noon.Add(-2 * time.Hour)
	fresh := person("bob", "senior")
	fresh.RolesAsOf = noon.Add(-59 * time.Minute)
	guest := bob
	guest.Refused = "a guest account"
	otherAccount := alice
	otherAccount.Slack = catalog.SlackID{Team: "T1", User: "UALICE2"}
	type vote struct {
		actor catalog.Actor
		yes   bool
		seen  string
		after time.Duration
		want  approval.Code
	}
	for name, c := range map[string]struct {
		policy catalog.Policy
		votes  []vote
		want   approval.State
	}{
		"one senior suffices":                               {policy(oneOf("senior")), []vote{{actor: bob, yes: true}}, approval.Approved},
		"the requester's own yes is refused":                {policy(oneOf("senior")), []vote{{actor: alice, yes: true, want: approval.CodeSelf}}, approval.Pending},
		"the requester's second account is the same person": {policy(oneOf("senior")), []vote{{actor: otherAccount, yes: true, want: approval.CodeSelf}}, approval.Pending},
		"a manager is no senior":                            {policy(oneOf("senior")), []vote{{actor: carol, yes: true, want: approval.CodeRole}}, approval.Pending},
		"a guest's yes is refused":                          {policy(oneOf("senior")), []vote{{actor: guest, yes: true, want: approval.CodeRole}}, approval.Pending},
		"two of one role are two people":                    {policy(catalog.Requirement{Count: 2, Roles: []string{"senior"}}), []vote{{actor: bob, yes: true}, {actor: bob, yes: true, want: approval.CodeRepeat}}, approval.Pending},
		"one of A and one of B":                             {policy(oneOf("senior"), oneOf("manager")), []vote{{actor: bob, yes: true}, {actor: carol, yes: true}}, approval.Approved},
		"one of A alone does not do for A and B":            {policy(oneOf("senior"), oneOf("manager")), []vote{{actor: bob, yes: true}}, approval.Pending},
		"whoever holds both fills one seat only":            {policy(oneOf("senior"), oneOf("manager")), []vote{{actor: person("erin", "senior", "manager"), yes: true}}, approval.Pending},
		"whoever holds both leaves the other's only seat":   {policy(oneOf("senior"), oneOf("senior", "manager")), []vote{{actor: person("erin", "senior", "manager"), yes: true}, {actor: bob, yes: true}}, approval.Approved},
		"the order of arrival does not matter":              {policy(oneOf("senior", "manager"), oneOf("senior")), []vote{{actor: bob, yes: true}, {actor: carol, yes: true}}, approval.Approved},
		"a no ends it":                                      {policy(oneOf("senior")), []vote{{actor: bob, yes: false}, {actor: person("erin", "senior"), yes: true, want: approval.CodeState}}, approval.Denied},
		"a no of somebody without the role does not count":  {policy(oneOf("senior")), []vote{{actor: carol, yes: false, want: approval.CodeRole}}, approval.Pending},
		"a yes after the time is refused and expires it":    {policy(oneOf("senior")), []vote{{actor: bob, yes: true, after: 15 * time.Minute, want: approval.CodeExpired}}, approval.Expired},
		"a yes for another plan is refused":                 {policy(oneOf("senior")), []vote{{actor: bob, yes: true, seen: "other", want: approval.CodeChanged}}, approval.Pending},
		"memberships older than an hour decide nothing":     {policy(oneOf("senior")), []vote{{actor: stale, yes: true, want: approval.CodeStale}}, approval.Pending},
		"memberships younger than an hour do":               {policy(oneOf("senior")), []vote{{actor: fresh, yes: true}}, approval.Approved},
		"a policy that names no approvers approves nothing": {policy(), []vote{{actor: bob, yes: true, want: approval.CodeRole}}, approval.Pending},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := pending(t, c.policy)
			for i, v := range c.votes {
				err := r.Decide(v.actor, v.yes, "", v.seen, c.policy, noon.Add(v.after))
				if got := code(t, err); got != v.want {
					t.Fatalf("vote %d: got %q (%v), want %q", i+1, got, err, v.want)
				}
			}
			if r.State != c.want {
				t.Errorf("got state %s, want %s", r.State, c.want)
			}
		})
	}
}

func TestApprovalsNoneIsApprovedAtOnce(t *testing.T) {
	t.Parallel()
	p := policy()
	p.Approvals.None = true
	if r := pending(t, p); r.State != approval.Approved {
		t.Errorf("got %s, want %s", r.State, approval.Approved)
	}
}

func TestRecheckLooksAtTheRolesOfNow(t *testing.T) {
	t.Parallel()
	pol := policy(oneOf("senior"))
	for name, c := range map[string]struct {
		now  map[string][]string
		at   time.Duration
		want approval.Code
	}{
		"nothing changed":                          {map[string][]string{"alice": {"oncall"}, "bob": {"senior"}}, time.Minute, ""},
		"the approver lost the role":               {map[string][]string{"alice": {"oncall"}}, time.Minute, approval.CodeRole},
		"the requester may no longer ask":          {map[string][]string{"bob": {"senior"}}, time.Minute, approval.CodeRole},
		"it expired between the click and the run": {map[string][]string{"alice": {"oncall"}, "bob": {"senior"}}, 15 * time.Minute, approval.CodeExpired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := pending(t, pol)
			if err := r.Decide(person("bob", "senior"), true, "", "", pol, noon); err != nil {
				t.Fatal(err)
			}
			err := r.Recheck(func(a catalog.Actor) catalog.Actor { return person(a.Person, c.now[a.Person]...) }, pol, noon.Add(c.at))
			if got := code(t, err); got != c.want {
				t.Errorf("got %q (%v), want %q", got, err, c.want)
			}
		})
	}
}

func TestBreakGlass(t *testing.T) {
	t.Parallel()
	pol := policy(oneOf("senior"))
	for name, c := range map[string]struct {
		actor catalog.Actor
		why   string
		after time.Duration
		want  approval.Code
	}{
		"allowed when nobody answered in time": {person("alice", "oncall"), "customers are down", 5 * time.Minute, ""},
		"refused a second before":              {person("alice", "oncall"), "customers are down", 5*time.Minute - time.Second, approval.CodeWait},
		"refused without a reason":             {person("alice", "oncall"), "  ", 6 * time.Minute, approval.CodeReason},
		"refused without the role":             {person("carol", "manager"), "customers are down", 6 * time.Minute, approval.CodeRole},
		"refused after the request expired":    {person("alice", "oncall"), "customers are down", 16 * time.Minute, approval.CodeExpired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := pending(t, pol)
			if got := code(t, r.Break(c.actor, c.why, pol, noon.Add(c.after))); got != c.want {
				t.Fatalf("got %q, want %q", got, c.want)
			}
			if opened := r.Broken != nil; opened != (c.want == "") {
				t.Errorf("glass broken: %v, want %v", opened, c.want == "")
			}
		})
	}
}

func TestReviewOfABreakGlassTakesAnotherPerson(t *testing.T) {
	t.Parallel()
	pol := policy(oneOf("senior"))
	r := pending(t, pol)
	if err := r.Break(person("alice", "oncall"), "customers are down", pol, noon.Add(6*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := code(t, r.Review(person("alice", "oncall", "senior"), pol, noon)); got != approval.CodeSelf {
		t.Errorf("own review: got %q, want %q", got, approval.CodeSelf)
	}
	if got := code(t, r.Review(person("bob", "senior"), pol, noon)); got != "" || r.Broken.ReviewedBy != "bob" {
		t.Errorf("review by bob: got %q, reviewed by %q", got, r.Broken.ReviewedBy)
	}
	if got := code(t, r.Review(person("erin", "senior"), pol, noon)); got != approval.CodeRepeat {
		t.Errorf("second review: got %q, want %q", got, approval.CodeRepeat)
	}
}

func TestMoveRefusesWhatTheMachineDoesNotHave(t *testing.T) {
	t.Parallel()
	for _, from := range []approval.State{approval.Denied, approval.Expired, approval.Cancelled, approval.Succeeded, approval.Failed, approval.NotStarted, approval.Unknown} {
		for _, to := range []approval.State{approval.Pending, approval.Approved, approval.Executing, approval.Applied, approval.Succeeded} {
			r := pending(t, policy(oneOf("senior")))
			r.State = from
			if got := code(t, r.Move(to, "", noon)); got != approval.CodeState {
				t.Errorf("%s → %s: got %q, want %q", from, to, got, approval.CodeState)
			}
		}
	}
	r := pending(t, policy(oneOf("senior")))
	if got := code(t, r.Move(approval.Executing, "", noon)); got != approval.CodeState {
		t.Errorf("pending → executing: got %q, want %q", got, approval.CodeState)
	}
}

func TestVoidTakesTheVotesBack(t *testing.T) {
	t.Parallel()
	pol := policy(oneOf("senior"))
	r := pending(t, pol)
	if err := r.Decide(person("bob", "senior"), true, "", "", pol, noon); err != nil {
		t.Fatal(err)
	}
	other := somePlan(t)
	other.Target.UID = "u2"
	if err := r.Void(other, "the object was made anew", 15*time.Minute, noon.Add(14*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if want := noon.Add(29 * time.Minute); !r.ExpiresAt.Equal(want) {
		t.Errorf("the new plan expires at %s, want %s: people need time to look at it", r.ExpiresAt, want)
	}
	if r.State != approval.Pending || len(r.Votes) != 0 || r.Digest != other.Digest() {
		t.Errorf("got state %s, %d votes, digest of the new plan: %v", r.State, len(r.Votes), r.Digest == other.Digest())
	}
}

// The digest says what would be done, not what it can hurt: whoever saw the milder card must look again.
func TestAWorseBlastRadiusUnderTheSameDigestTakesANewLook(t *testing.T) {
	t.Parallel()
	pol := policy(oneOf("senior"))
	bob := person("bob", "senior")
	r := pending(t, pol)
	before := r.Shown()
	if err := r.Decide(bob, true, "", before, pol, noon); err != nil {
		t.Fatal(err)
	}
	worse := somePlan(t)
	worse.Blast.LastHealthy = true
	if err := r.Void(worse, "it would touch the last healthy replica", 15*time.Minute, noon); err != nil {
		t.Fatal(err)
	}
	if worse.Digest() != somePlan(t).Digest() {
		t.Fatal("this test is about one digest")
	}
	if got := code(t, r.Decide(bob, true, "", before, pol, noon)); got != approval.CodeChanged || r.State != approval.Pending {
		t.Errorf("a click on the milder card: %q, state %s", got, r.State)
	}
	if got := code(t, r.Decide(bob, false, "", before, pol, noon)); got != approval.CodeChanged {
		t.Errorf("a no on the milder card: %q", got)
	}
	if err := r.Decide(bob, true, "", r.Shown(), pol, noon); err != nil || r.State != approval.Approved {
		t.Errorf("a click on the present card: %v, state %s", err, r.State)
	}
}
