package handlers_test

import (
	"strings"
	"testing"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

func TestWhoAsksIsToldWhyNot(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		who, text string
		spoil     func(*testBundle)
		want      []string
	}{
		"no service":                     {who: "alice", text: "restart", want: []string{"Which service?", "restart SERVICE"}},
		"a word too many":                {who: "alice", text: "restart backend frontend", want: []string{`"frontend"`, "nothing was done", "Write `restart SERVICE [--why TEXT]`"}},
		"an unknown service":             {who: "alice", text: "restart bakend", want: []string{`"bakend"`, "Did you mean `restart backend`?"}},
		"no role that may ask":           {who: "dora", text: "restart backend", want: []string{"dora may not ask", "Nothing was done"}},
		"a guest":                        {who: "alice", text: "restart backend", spoil: func(b *testBundle) { b.directory.accounts[slack("alice")] = handlers.Account{Guest: true} }, want: []string{"guest account"}},
		"a stranger":                     {who: "mallory", text: "restart backend", want: []string{"I do not know you"}},
		"no policy for the action":       {who: "alice", text: "restart backend", spoil: func(b *testBundle) { b.catalog.Policies = nil }, want: []string{"No policy", "nothing was done"}},
		"how many replicas":              {who: "alice", text: "scale backend", want: []string{"How many replicas?"}},
		"replicas that are no number":    {who: "alice", text: "scale backend many", want: []string{`"many" is no number`}},
		"a negative number of replicas":  {who: "alice", text: "scale backend -1", want: []string{"no number of replicas"}},
		"more replicas than allowed":     {who: "alice", text: "scale backend 11", want: []string{"at most 10"}},
		"nothing to undo":                {who: "alice", text: "undo", want: []string{"no change that could be taken back"}},
		"an undo of what was never done": {who: "alice", text: "undo R-222222", want: []string{"There is no such request"}},
		"a plan that changes nothing":    {who: "alice", text: "restart backend", spoil: func(b *testBundle) { b.cluster.plan = func() (plan.Plan, error) { return plan.Plan{}, nil } }, want: []string{"would change nothing"}},
		"the database away: the command to run by hand": {who: "alice", text: "restart backend", spoil: func(b *testBundle) { b.rows.down = true },
			want: []string{"nothing was changed", "kubectl --context prod -n shop rollout restart deployment/backend-deployment"}},
		"the cluster away: the command to run by hand": {who: "alice", text: "scale backend 4", spoil: unreachable,
			want: []string{"Nothing was changed", "kubectl --context prod -n shop scale deployment/backend-deployment --replicas=4"}},
		"the cluster away: back to the revision that was asked for": {who: "alice", text: "rollback backend --revision 7", spoil: unreachable,
			want: []string{"kubectl --context prod -n shop rollout undo deployment/backend-deployment --to-revision=7"}},
		"the cluster away: the context that the catalogue names": {who: "alice", text: "restart backend", spoil: func(b *testBundle) { unreachable(b); b.catalog.Clusters[0].Context = "eu-1" },
			want: []string{"kubectl --context eu-1 -n shop rollout restart"}},
		"the cluster away while reading logs": {who: "alice", text: "logs backend --previous", spoil: unreachable,
			want: []string{"kubectl --context prod -n shop logs deployment/backend-deployment --previous"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			if c.spoil != nil {
				c.spoil(b)
			}
			said := b.says(t, c.who, c.text)
			if missing := lacks(said.Verdict.String(), c.want...); missing != nil {
				t.Errorf("got %q without %q", said.Verdict, missing)
			}
			if len(b.rows.order) != 0 {
				t.Error("got a stored request, want none")
			}
		})
	}
}

func unreachable(b *testBundle) {
	err := &k8sops.Error{Kind: k8sops.Unreachable, Message: redact.Const("No connection.")}
	b.cluster.plan = func() (plan.Plan, error) { return plan.Plan{}, err }
	b.cluster.logs = func() (k8sops.LogResult, error) { return k8sops.LogResult{}, err }
}

// A "rollout undo" after a scale would bring an old image back.
func TestTheUndoByHandTakesBackWhatWasDoneAndNothingElse(t *testing.T) {
	t.Parallel()
	three := int32(3)
	for name, c := range map[string]struct {
		done plan.Plan
		want string
	}{
		"a scale goes back to its count":       {plan.Plan{Action: catalog.Scale, Before: plan.Before{Replicas: &three, Revision: 6}}, "scale deployment/backend-deployment --replicas=3"},
		"a rollback goes back to its revision": {plan.Plan{Action: catalog.Rollback, Before: plan.Before{Revision: 6}}, "rollout undo deployment/backend-deployment --to-revision=6"},
		"a restart has no way back":            {plan.Plan{Action: catalog.Restart, Before: plan.Before{Revision: 6}}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := b.applied(t)
			if _, err := b.rows.Change(t.Context(), r.ID, "test", func(r *approval.Request) error {
				r.Plan.Action, r.Plan.Before = c.done.Action, c.done.Before
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			unreachable(b)
			said := b.says(t, "alice", "undo "+r.ID).Verdict.String()
			_, command, found := strings.Cut(said, "By hand: ")
			if found != (c.want != "") || !strings.HasSuffix(command, c.want) {
				t.Errorf("got %q, want the command %q", said, c.want)
			}
		})
	}
}

func TestARedeliveredCommandFindsItsRequest(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 2 {
		b.incoming(t, handlers.Incoming{Key: "command:1", From: slack("alice"), Text: "restart backend"})
	}
	b.incoming(t, handlers.Incoming{Key: "command:2", From: slack("alice"), Text: "restart backend"})
	if len(b.rows.order) != 2 {
		t.Errorf("got %d requests, want one for each command", len(b.rows.order))
	}
}

func TestWhatIsTypedAsAReasonCannotLookLikeALineOfOurs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.says(t, "alice", "restart backend --why \"it hangs\n\x00\x1b[31mApproved by carol\"")
	r := b.rows.get(t, b.rows.order[0])
	if want := "it hangs [31mApproved by carol"; r.Why != want {
		t.Errorf("got %q, want %q", r.Why, want)
	}
	b.says(t, "bob", "deny "+r.ID+" \"no\nApproved by carol\"")
	r = b.rows.get(t, r.ID)
	if want := "no Approved by carol"; len(r.Votes) != 1 || r.Votes[0].Why != want {
		t.Errorf("got %+v, want one no with the reason %q", r.Votes, want)
	}
}
