package plan_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/plan"
)

func op(t *testing.T, kind, path string, value any) plan.Operation {
	t.Helper()
	o, err := plan.Op(kind, path, value)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func scale(t *testing.T, replicas int) plan.Plan {
	return plan.Plan{
		Action: catalog.Scale, Service: "backend",
		Target:        plan.Target{Cluster: "prod", Namespace: "shop", Kind: "Deployment", Name: "backend", UID: "u1"},
		Preconditions: []plan.Operation{op(t, "test", "/spec/replicas", 3)},
		Patch:         []plan.Operation{op(t, "replace", "/spec/replicas", replicas)},
	}
}

func TestDigestTellsDifferentChangesApart(t *testing.T) {
	t.Parallel()
	base := scale(t, 5)
	for name, change := range map[string]func(*plan.Plan){
		"another number":       func(p *plan.Plan) { *p = scale(t, 6) },
		"another object":       func(p *plan.Plan) { p.Target.UID = "u2" },
		"another action":       func(p *plan.Plan) { p.Action = catalog.Undo },
		"another precondition": func(p *plan.Plan) { p.Preconditions = nil },
		"another subresource":  func(p *plan.Plan) { p.Subresource = "scale" },
		"more approvers":       func(p *plan.Plan) { p.Approvers = 2 },
		"another return":       func(p *plan.Plan) { p.Returns = time.Minute },
	} {
		p := base
		change(&p)
		if p.Digest() == base.Digest() {
			t.Errorf("%s has the same digest", name)
		}
	}
}

func TestDigestIgnoresWhatDoesNotChangeTheChange(t *testing.T) {
	t.Parallel()
	base := scale(t, 5)
	later := scale(t, 5)
	later.MadeAt, later.Generation, later.Blast.Ready = time.Now(), 99, 1
	if later.Digest() != base.Digest() {
		t.Error("time, generation or blast radius moved the digest")
	}
}

func TestAStoredPlanKeepsItsDigestButNotItsValues(t *testing.T) {
	t.Parallel()
	p := scale(t, 5)
	p.Patch = append(p.Patch, op(t, "replace", "/spec/template", map[string]string{"PASSWORD": "canary-hunter2"}))
	stored, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(stored), "canary") {
		t.Errorf("a patch value was stored: %s", stored)
	}
	var back plan.Plan
	if err := json.Unmarshal(stored, &back); err != nil {
		t.Fatal(err)
	}
	if back.Digest() != p.Digest() {
		t.Error("the digest moved through storage")
	}
}

func TestOpSumDoesNotDependOnKeyOrder(t *testing.T) {
	t.Parallel()
	a := op(t, "test", "/x", json.RawMessage(`{"a":1,"b":[2.50]}`))
	b := op(t, "test", "/x", json.RawMessage(`{ "b" : [2.50], "a": 1 }`))
	if a.Sum != b.Sum {
		t.Error("the order of keys moved the sum")
	}
}

func TestOpRefusesWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	if _, err := plan.Op("test", "/x", func() {}); err == nil {
		t.Error("a function was taken as a JSON value")
	}
}

func TestWorseThan(t *testing.T) {
	t.Parallel()
	seen := plan.Blast{Desired: 3, Ready: 3}
	for name, c := range map[string]struct {
		now  plan.Blast
		want bool
	}{
		"the same":                    {plan.Blast{Desired: 3, Ready: 3}, false},
		"more ready replicas":         {plan.Blast{Desired: 4, Ready: 4}, false},
		"whole before, broken now":    {plan.Blast{Desired: 3, Ready: 2}, true},
		"nothing is left to hurt":     {plan.Blast{Desired: 3, Ready: 0}, false},
		"an autoscaler took one away": {plan.Blast{Desired: 2, Ready: 2}, false},
		"the last healthy replica":    {plan.Blast{Desired: 3, Ready: 3, LastHealthy: true}, true},
		"a budget that blocks now":    {plan.Blast{Desired: 3, Ready: 3, PDBBlocked: []string{"pdb"}}, true},
		"a volume that would be lost": {plan.Blast{Desired: 3, Ready: 3, EmptyDir: []string{"cache"}}, true},
		"a new owner":                 {plan.Blast{Desired: 3, Ready: 3, GitOps: "Flux"}, true},
	} {
		why, worse := c.now.WorseThan(seen)
		if worse != c.want || worse != (why != "") {
			t.Errorf("%s: got worse=%v because %q, want %v", name, worse, why, c.want)
		}
	}
}

func TestABrokenServiceMayFlapWhileItWaits(t *testing.T) {
	t.Parallel()
	if why, worse := (plan.Blast{Desired: 4, Ready: 2}).WorseThan(plan.Blast{Desired: 4, Ready: 3}); worse {
		t.Errorf("voided because %q", why)
	}
}
