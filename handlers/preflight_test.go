package handlers_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// unready are the lines of a preflight, as step: why.
func unready(c card.Card) []string {
	var out []string
	for _, p := range c.Parts {
		for _, f := range p.Findings {
			out = append(out, f.Check+" "+f.Line.String())
		}
	}
	return out
}

func TestPreflightHasALineForEachStepThatIsNotReady(t *testing.T) {
	t.Parallel()
	b := opened(t)
	b.cluster.forbidden = []string{"list pods"}
	b.says(t, "alice", "preflight down backend")
	c, _ := b.answer(t)
	want := []string{
		"step 1 The pods: the bot may not list pods in namespace shop",
		"step 3 One node: nobody knows <node-name> before it runs; it is asked for then",
		"step 5 Scale it: nobody knows <desired-count> before it runs; it is asked for then",
		"step 8 Never: it is never run: " + reason(t, 8),
	}
	if diff := cmp.Diff(want, unready(c)); diff != "" {
		t.Error(diff)
	}
	if c.State != card.Fail || lacks(c.Verdict.String(), "Down Runbook for backend: 3 of 7 steps are ready; people do 1 more") != nil {
		t.Errorf("%s %q", c.State, c.Verdict)
	}
	for _, p := range c.Parts {
		for _, f := range p.Findings {
			if f.Fix.Empty() {
				t.Errorf("%s has no fix", f.Check)
			}
		}
	}
	if len(b.rows.order) != 0 || len(b.chat.in("CINC")) != 0 {
		t.Error("something was asked for or posted")
	}
}

func TestPreflightOfWhatIsAllReady(t *testing.T) {
	t.Parallel()
	b := opened(t)
	b.Config.Runbooks = library(t, map[string]string{"small.md": smallBook}, "")
	b.says(t, "alice", "preflight small backend")
	c, _ := b.answer(t)
	if c.State != card.OK || lacks(c.Verdict.String(), "1 of 1 steps are ready") != nil || len(unready(c)) != 0 {
		t.Errorf("%s %q %v", c.State, c.Verdict, unready(c))
	}
}

func TestPreflightTakesAnAnswerForReadyAndNoAnswerForNot(t *testing.T) {
	t.Parallel()
	for status, ready := range map[finding.Status]bool{finding.OK: true, finding.Warn: true, finding.Fail: true, finding.Unknown: false} {
		b := opened(t)
		b.checks.found["get pods"] = status
		b.says(t, "alice", "preflight down backend --set node-name=node-a --set desired-count=3")
		c, _ := b.answer(t)
		if got := !strings.Contains(strings.Join(unready(c), "\n"), "step 1 "); got != ready {
			t.Errorf("%s is ready: %v", status, got)
		}
	}
}

func TestPreflightPlansActionsAndKeepsNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		err  error
		want string
	}{
		"an object that is not there": {&k8sops.Error{Kind: k8sops.NotFound, Message: redact.Const("There is no Deployment backend-deployment.")}, "it cannot be planned: There is no Deployment"},
		"nothing to change now":       {&k8sops.Error{Kind: k8sops.Empty, Message: redact.Const("Nothing would change.")}, ""},
		"the bot may not":             {&k8sops.Error{Kind: k8sops.Forbidden, Message: redact.Const("The bot may not patch it.")}, "may not patch"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := opened(t)
			b.cluster.plan = func() (plan.Plan, error) { return plan.Plan{}, c.err }
			b.says(t, "alice", "preflight down backend --set node-name=node-a --set desired-count=3")
			got, _ := b.answer(t)
			lines := strings.Join(unready(got), "\n")
			if (c.want == "") == strings.Contains(lines, "step 4 ") || !strings.Contains(lines, c.want) {
				t.Errorf("%s", lines)
			}
			if len(b.rows.order) != 0 {
				t.Error("a request was made")
			}
		})
	}
}

func TestPreflightEndsATerminalWithOne(t *testing.T) {
	t.Parallel()
	b := opened(t)
	c := b.incoming(t, handlers.Incoming{Kubernetes: "alice@example.com", Text: "preflight down backend", Where: card.Address{Kind: "terminal", Channel: "t"}})
	if c.State != card.Fail || len(unready(c)) == 0 {
		t.Errorf("whispered %s %q", c.State, c.Verdict)
	}
}
