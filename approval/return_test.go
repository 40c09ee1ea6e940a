package approval_test

import (
	"testing"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/plan"
)

func TestAReturnTakesBackWhatWasAgreedToAndNothingElse(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	target := plan.Target{Cluster: "prod", Namespace: "shop", Kind: "Deployment", Name: "backend", UID: "u1"}
	for name, c := range map[string]struct {
		of   func(*approval.Request)
		back func(*plan.Plan)
		ok   bool
	}{
		"the undo of the change":          {ok: true},
		"a change that failed to help":    {of: func(r *approval.Request) { r.State = approval.Failed }, ok: true},
		"a change that never began":       {of: func(r *approval.Request) { r.State = approval.NotStarted }},
		"a change in an unknown state":    {of: func(r *approval.Request) { r.State = approval.Unknown }},
		"a change that does not return":   {of: func(r *approval.Request) { r.Plan.Returns = 0; r.Digest = r.Plan.Digest() }},
		"another time than was agreed to": {of: func(r *approval.Request) { r.Plan.Returns = time.Second }},
		"the undo of another change":      {back: func(p *plan.Plan) { p.Reverts = "R-9" }},
		"no undo":                         {back: func(p *plan.Plan) { p.Action = catalog.Scale }},
		"another object":                  {back: func(p *plan.Plan) { p.Target.UID = "u2" }},
		"nothing to change":               {back: func(p *plan.Plan) { p.Patch = nil }},
	} {
		of := approval.Request{ID: "R-1", State: approval.Succeeded, Requester: catalog.Actor{Person: "alice"},
			Plan: plan.Plan{Action: catalog.SetEnv, Target: target, Returns: time.Minute, Patch: plan.Remove()}}
		of.Digest = of.Plan.Digest()
		if c.of != nil {
			c.of(&of)
		}
		p := plan.Plan{Action: catalog.Undo, Reverts: "R-1", Target: target, Patch: plan.Remove()}
		if c.back != nil {
			c.back(&p)
		}
		r, err := approval.NewReturn("R-2", p, of, now)
		if (err == nil) != c.ok {
			t.Errorf("%s: got %v", name, err)
		}
		if c.ok && (r.State != approval.Approved || r.ReturnOf != "R-1" || r.Requester.Person != "alice" || !r.ExpiresAt.After(now)) {
			t.Errorf("%s: got %+v", name, r)
		}
	}
}
