package handlers_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// debugging is a variable of backend that is set, whose time is over; the cluster plans its undo from then on.
func (b *testBundle) debugging(t *testing.T) approval.Request {
	t.Helper()
	p, err := b.cluster.plan()
	if err != nil {
		t.Fatal(err)
	}
	p.Action, p.Returns, p.Params = catalog.SetEnv, 30*time.Minute, map[string]string{"key": "LOG_LEVEL", "value": "debug"}
	p.Before.Env = []plan.Variable{{Container: "app", Key: "LOG_LEVEL"}}
	b.cluster.plan = func() (plan.Plan, error) { return p, nil }
	b.says(t, "alice", "debug backend")
	id := b.rows.order[len(b.rows.order)-1]
	b.says(t, "bob", "approve "+id)
	if err := b.Execute(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if err := b.Announce(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	b.wait(30 * time.Minute)
	undo := p
	undo.Action, undo.Returns, undo.Reverts, undo.Params, undo.Before = catalog.Undo, 0, id, map[string]string{"of": "set-env", "key": "LOG_LEVEL"}, plan.Before{}
	undo.Patch = []plan.Operation{{Op: "remove", Path: "/spec/template/spec/containers/0/env/0"}}
	b.cluster.plan = func() (plan.Plan, error) { return undo, nil }
	return b.rows.get(t, id)
}

func (b *testBundle) newest(t *testing.T) approval.Request {
	t.Helper()
	return b.rows.get(t, b.rows.order[len(b.rows.order)-1])
}

func TestAChangeReturnsByItselfOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.debugging(t)
	for range 3 { // the timer may fire again, also on another bot
		if err := b.Return(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
	}
	if len(b.rows.order) != 2 {
		t.Fatalf("got %d requests, want the change and its return", len(b.rows.order))
	}
	back := b.newest(t)
	if back.State != approval.Approved || back.ReturnOf != r.ID || len(back.Votes) != 0 || back.Requester.Person != "alice" {
		t.Errorf("got %+v", back)
	}
	for range 2 {
		if err := b.Execute(t.Context(), back.ID); err != nil {
			t.Fatal(err)
		}
	}
	if got := b.rows.get(t, back.ID); got.State != approval.Applied || b.cluster.calls != 2 {
		t.Errorf("got %s (%s) after %d calls, want it applied after the change's and its own", got.State, got.Reason, b.cluster.calls)
	}
	if err := b.Return(t.Context(), r.ID); err != nil || len(b.rows.order) != 2 {
		t.Errorf("after it was taken back: %v, %d requests", err, len(b.rows.order))
	}
}

func TestAReturnIsWhatTheApproversAgreedTo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		// spoil happens before the timer fires, late between that and the execution.
		spoil, late func(*testing.T, *testBundle, approval.Request)
		requests    int
		state       approval.State
		said        string
		again       bool
	}{
		"nothing stands against it": {requests: 2, state: approval.Applied},
		"the policies have gone since, which nobody is asked for": {
			late:     func(_ *testing.T, b *testBundle, _ approval.Request) { b.catalog.Policies = nil },
			requests: 2, state: approval.Applied},
		"the field was changed again": {spoil: func(_ *testing.T, b *testBundle, _ approval.Request) {
			b.cluster.plan = func() (plan.Plan, error) {
				return plan.Plan{}, &k8sops.Error{Kind: k8sops.Conflict, Message: redact.Const("LOG_LEVEL was changed again since.")}
			}
		}, requests: 1, said: "was not taken back: .*changed again"},
		"it is back already": {spoil: func(_ *testing.T, b *testBundle, _ approval.Request) {
			b.cluster.plan = func() (plan.Plan, error) { return plan.Plan{}, &k8sops.Error{Kind: k8sops.Empty} }
		}, requests: 1},
		"the cluster is away": {spoil: func(_ *testing.T, b *testBundle, _ approval.Request) {
			b.cluster.plan = func() (plan.Plan, error) {
				return plan.Plan{}, &k8sops.Error{Kind: k8sops.Unreachable, Message: redact.Const("No connection.")}
			}
		}, requests: 1, again: true},
		"the cluster stays away": {spoil: func(_ *testing.T, b *testBundle, _ approval.Request) {
			b.wait(7 * time.Hour)
			b.cluster.plan = func() (plan.Plan, error) {
				return plan.Plan{}, &k8sops.Error{Kind: k8sops.Unreachable, Message: redact.Const("No connection.")}
			}
		}, requests: 1, said: "was not taken back: .*By hand: kubectl .*set env deployment/backend-deployment LOG_LEVEL-"},
		"the service has gone from the catalogue": {spoil: func(_ *testing.T, b *testBundle, _ approval.Request) { b.catalog.Services = nil },
			requests: 1, said: "does not name backend any more"},
		"another object": {spoil: func(t *testing.T, b *testBundle, _ approval.Request) {
			p, _ := b.cluster.plan()
			p.Target.UID = "u2"
			b.cluster.plan = func() (plan.Plan, error) { return p, nil }
		}, requests: 1, said: "about another object"},
		"another action": {spoil: func(t *testing.T, b *testBundle, _ approval.Request) {
			p, _ := b.cluster.plan()
			p.Action = catalog.Scale
			b.cluster.plan = func() (plan.Plan, error) { return p, nil }
		}, requests: 1, said: "nobody agreed to it"},
		"the change lost its time in storage": {late: func(t *testing.T, b *testBundle, r approval.Request) {
			_, err := b.rows.Change(t.Context(), r.ID, "", func(r *approval.Request) error { r.Plan.Returns = time.Hour; return nil })
			if err != nil {
				t.Fatal(err)
			}
		}, requests: 2, state: approval.NotStarted},
		"the plan changed in between": {late: func(_ *testing.T, b *testBundle, _ approval.Request) {
			b.cluster.replan = func(p plan.Plan) (plan.Plan, error) { p.Patch = append(p.Patch, p.Patch...); return p, nil }
		}, requests: 2, state: approval.NotStarted},
		"its own time is over": {late: func(_ *testing.T, b *testBundle, _ approval.Request) { b.wait(time.Hour) }, requests: 2, state: approval.Expired},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := b.debugging(t)
			if c.spoil != nil {
				c.spoil(t, b, r)
			}
			var later *approval.Later
			if err := b.Return(t.Context(), r.ID); errors.As(err, &later) != c.again || (err != nil && !c.again) {
				t.Errorf("got %v, want to be called again: %v", err, c.again)
			}
			if len(b.rows.order) != c.requests {
				t.Fatalf("got %d requests, want %d", len(b.rows.order), c.requests)
			}
			if c.late != nil {
				c.late(t, b, r)
			}
			before := b.cluster.calls
			if back := b.newest(t); back.ID != r.ID {
				if err := b.Execute(t.Context(), back.ID); err != nil {
					t.Fatal(err)
				}
				if got := b.rows.get(t, back.ID); got.State != c.state {
					t.Errorf("got %s (%s), want %s", got.State, got.Reason, c.state)
				}
			}
			if want := c.state == approval.Applied; (b.cluster.calls > before) != want {
				t.Errorf("got %d calls, want one: %v", b.cluster.calls-before, want)
			}
			b.told(t, c.said)
		})
	}
}

// told checks that somebody was told what matches, or nothing of a return when want is "".
func (b *testBundle) told(t *testing.T, want string) {
	t.Helper()
	var all []string
	for _, m := range b.chat.all() {
		if strings.HasPrefix(m.key, "return:") {
			all = append(all, m.card.Verdict.String())
		}
	}
	if want == "" && len(all) > 0 || want != "" && (len(all) != 1 || !matches(want, all[0])) {
		t.Errorf("told %q, want %q", all, want)
	}
}

func TestAnEarlierUndoLeavesNothingToReturn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.debugging(t)
	b.says(t, "alice", "undo "+r.ID)
	undo := b.newest(t)
	b.says(t, "bob", "approve "+undo.ID)
	if err := b.Execute(t.Context(), undo.ID); err != nil {
		t.Fatal(err)
	}
	if err := b.Return(t.Context(), r.ID); err != nil || len(b.rows.order) != 2 {
		t.Errorf("got %v and %d requests, want the change and the undo that somebody asked for", err, len(b.rows.order))
	}
}

func TestAValueOnTopOfAnotherReturnsFirstAndBothReturn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.debugging(t)
	undo, err := b.cluster.plan()
	if err != nil {
		t.Fatal(err)
	}
	debug := "debug"
	trace := first.Plan
	trace.Returns, trace.Params, trace.Before.Env = 30*time.Minute, map[string]string{"key": "LOG_LEVEL", "value": "trace"}, []plan.Variable{{Container: "app", Key: "LOG_LEVEL", Was: &debug}}
	trace.Patch = []plan.Operation{{Op: "replace", Path: "/spec/template/spec/containers/0/env/0"}}
	b.cluster.plan = func() (plan.Plan, error) { return trace, nil }
	b.says(t, "alice", "debug backend")
	second := b.newest(t)
	b.says(t, "bob", "approve "+second.ID)
	if err := b.Execute(t.Context(), second.ID); err != nil {
		t.Fatal(err)
	}
	// The time of the first is over while the value of the second stands.
	b.cluster.plan = func() (plan.Plan, error) {
		return plan.Plan{}, &k8sops.Error{Kind: k8sops.Conflict, Message: redact.Const("LOG_LEVEL was changed again since.")}
	}
	var later *approval.Later
	if err := b.Return(t.Context(), first.ID); !errors.As(err, &later) || len(b.rows.order) != 2 {
		t.Fatalf("got %v and %d requests, want the first to wait for the second's return", err, len(b.rows.order))
	}
	b.told(t, "")
	for n, r := range []approval.Request{second, first} {
		undo.Reverts = r.ID
		b.cluster.plan = func() (plan.Plan, error) { return undo, nil }
		if err := b.Return(t.Context(), r.ID); err != nil || len(b.rows.order) != 3+n {
			t.Fatalf("return %d: %v, %d requests", n, err, len(b.rows.order))
		}
		if err := b.Execute(t.Context(), b.newest(t).ID); err != nil || b.newest(t).ReturnOf != r.ID || b.newest(t).State != approval.Applied {
			t.Fatalf("return %d: %v, %+v", n, err, b.newest(t))
		}
	}
	// What was set anew after the first had gone has a time of its own.
	a := setup(t)
	first = a.debugging(t)
	fresh := first.Plan
	a.cluster.plan = func() (plan.Plan, error) { return fresh, nil }
	a.says(t, "alice", "debug backend")
	a.says(t, "bob", "approve "+a.newest(t).ID)
	if err := a.Execute(t.Context(), a.newest(t).ID); err != nil {
		t.Fatal(err)
	}
	undo.Reverts = first.ID
	a.cluster.plan = func() (plan.Plan, error) { return undo, nil }
	if err := a.Return(t.Context(), first.ID); err != nil || len(a.rows.order) != 2 {
		t.Errorf("got %v and %d requests, want the second to keep its time", err, len(a.rows.order))
	}
	// Somebody's own hand on top of both is told when it was waited for long enough.
	c := setup(t)
	first = c.debugging(t)
	c.cluster.plan = func() (plan.Plan, error) { return trace, nil }
	c.says(t, "alice", "debug backend")
	c.says(t, "bob", "approve "+c.newest(t).ID)
	if err := c.Execute(t.Context(), c.newest(t).ID); err != nil {
		t.Fatal(err)
	}
	c.wait(7 * time.Hour)
	c.cluster.plan = func() (plan.Plan, error) {
		return plan.Plan{}, &k8sops.Error{Kind: k8sops.Conflict, Message: redact.Const("LOG_LEVEL was changed again since.")}
	}
	if err := c.Return(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	c.told(t, "was not taken back: .*changed again")
}
