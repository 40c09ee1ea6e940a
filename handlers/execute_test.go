package handlers_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

func TestExecuteLooksOnceMore(t *testing.T) {
	t.Parallel()
	changed := func(f func(*plan.Plan)) func(*testBundle) {
		return func(b *testBundle) {
			b.cluster.replan = func(p plan.Plan) (plan.Plan, error) { f(&p); return p, nil }
		}
	}
	for name, c := range map[string]struct {
		spoil  func(*testBundle)
		want   approval.State
		reason []string
		calls  int
	}{
		"nothing stands against it":   {want: approval.Applied, calls: 1},
		"the approver lost the role":  {spoil: func(b *testBundle) { b.catalog.Roles[1].People = []string{"carol"} }, want: approval.NotStarted, reason: []string{"no longer suffice", "nothing was changed"}},
		"the approver became a guest": {spoil: func(b *testBundle) { b.directory.accounts[slack("bob")] = handlers.Account{Guest: true} }, want: approval.NotStarted, reason: []string{"no longer suffice"}},
		"the requester lost the role": {spoil: func(b *testBundle) { b.catalog.Roles[0].People = nil }, want: approval.NotStarted, reason: []string{"may not ask"}},
		"the policy is gone":          {spoil: func(b *testBundle) { b.catalog.Policies = nil }, want: approval.NotStarted, reason: []string{"No policy"}},
		"a part of the plan was lost in storage": {spoil: func(b *testBundle) {
			_, _ = b.rows.Change(context.Background(), b.rows.order[0], "", func(r *approval.Request) error { r.Plan.Approvers = 1; return nil })
		}, want: approval.NotStarted, reason: []string{"lost in storage"}},
		"its time is over": {spoil: func(b *testBundle) { b.wait(time.Hour) }, want: approval.Expired, reason: []string{"it was approved"}},
		"the cluster does not answer": {spoil: func(b *testBundle) {
			b.cluster.replan = func(plan.Plan) (plan.Plan, error) {
				return plan.Plan{}, &k8sops.Error{Kind: k8sops.Timeout, Message: redact.Const("No answer in time.")}
			}
		}, want: approval.NotStarted, reason: []string{"No answer in time", "By hand: kubectl"}},
		"the object was made anew":      {spoil: changed(func(p *plan.Plan) { p.Target.UID = "u2" }), want: approval.Pending, reason: []string{"made anew"}},
		"the patch is another one":      {spoil: changed(func(p *plan.Plan) { p.Patch = append(p.Patch, p.Patch...) }), want: approval.Pending, reason: []string{"changed meanwhile"}},
		"it would hurt more":            {spoil: changed(func(p *plan.Plan) { p.Blast.Ready = 1 }), want: approval.Pending, reason: []string{"1 of 3 replicas"}},
		"a status change voids nothing": {spoil: changed(func(p *plan.Plan) { p.Generation++; p.MadeAt = p.MadeAt.Add(time.Minute) }), want: approval.Applied, calls: 1},
		"the API server refuses it": {spoil: func(b *testBundle) {
			b.cluster.execute = func() (k8sops.Result, error) {
				return k8sops.Result{Outcome: k8sops.Refused, Message: redact.Const("A webhook says no.")}, nil
			}
		}, want: approval.NotStarted, reason: []string{"the API server refused it: A webhook says no"}, calls: 1},
		"the API server is away by then": {spoil: func(b *testBundle) {
			b.cluster.execute = func() (k8sops.Result, error) {
				return k8sops.Result{Outcome: k8sops.Refused, Kind: k8sops.Unreachable, Message: redact.Const("It cannot be reached.")}, nil
			}
		}, want: approval.NotStarted, reason: []string{"it was not sent: It cannot be reached"}, calls: 1},
		"the answer is lost": {spoil: func(b *testBundle) {
			b.cluster.execute = func() (k8sops.Result, error) { return k8sops.Result{}, nil }
		}, want: approval.Executing, calls: 1},
		"the plan cannot be sent": {spoil: func(b *testBundle) {
			b.cluster.execute = func() (k8sops.Result, error) { return k8sops.Result{Outcome: k8sops.Refused}, errors.New("no values") }
		}, want: approval.NotStarted, reason: []string{"no values"}, calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := b.approved(t)
			if c.spoil != nil {
				c.spoil(b)
			}
			for range 2 { // a second execution job must add nothing
				if err := b.Execute(t.Context(), r.ID); err != nil {
					t.Fatal(err)
				}
			}
			got := b.rows.get(t, r.ID)
			if got.State != c.want {
				t.Errorf("got %s (%s), want %s", got.State, got.Reason, c.want)
			}
			if missing := lacks(got.Reason, c.reason...); missing != nil {
				t.Errorf("got the reason %q without %q", got.Reason, missing)
			}
			if b.cluster.calls != c.calls {
				t.Errorf("got %d changing calls, want %d", b.cluster.calls, c.calls)
			}
			if got.State == approval.Pending && len(got.Votes) != 0 {
				t.Errorf("got the votes %+v for another plan, want none", got.Votes)
			}
			if b.rows.held(r) != (c.want == approval.Executing) {
				t.Errorf("got the target held: %v in state %s", b.rows.held(r), got.State)
			}
		})
	}
}

// Whoever stands still between the last look and the call finds the lease gone.
func TestExecuteKeepsToTheBoundOfNow(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p, err := b.cluster.plan()
	if err != nil {
		t.Fatal(err)
	}
	p.Params = map[string]string{"replicas": "5"}
	b.cluster.plan = func() (plan.Plan, error) { return p, nil }
	r := b.approved(t)
	for i := range b.catalog.Policies {
		b.catalog.Policies[i].MaxReplicas = 3
	}
	if err := b.Execute(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	got := b.rows.get(t, r.ID)
	if missing := lacks(got.Reason, "at most 3 replicas"); got.State != approval.NotStarted || missing != nil || b.cluster.calls != 0 {
		t.Errorf("got %s (%s) after %d calls, want not started because of the bound", got.State, got.Reason, b.cluster.calls)
	}
}

func TestExecuteDoesNotCallWithALeaseThatLapsed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved(t)
	b.cluster.replan = func(p plan.Plan) (plan.Plan, error) {
		b.wait(approval.LeaseTime + time.Second)
		return p, nil
	}
	if err := b.Execute(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if got := b.rows.get(t, r.ID).State; got != approval.Approved || b.cluster.calls != 0 {
		t.Errorf("got %s and %d calls, want approved and none", got, b.cluster.calls)
	}
}

// Whoever stands still after the call finds that somebody else told the end.
func TestAnAnswerThatComesTooLateChangesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved(t)
	b.cluster.execute = func() (k8sops.Result, error) {
		b.wait(approval.LeaseTime + time.Second)
		if err := b.Reconcile(t.Context(), r.ID); err != nil {
			t.Error(err)
		}
		return k8sops.Result{Outcome: k8sops.Refused, Message: redact.Const("voided")}, nil
	}
	if err := b.Execute(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if got := b.rows.get(t, r.ID); got.State != approval.NotStarted || got.Reason == "" {
		t.Errorf("got %s (%s), want what the reconciliation found: not started", got.State, got.Reason)
	}
}
