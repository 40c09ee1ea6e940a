package handlers_test

import (
	"os"
	"path/filepath"
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
		"step 8 Never: it is never run: " + reason(t, 8),
		"step 3 One node: it will ask for <node-name>; to look at the rest of it now, add --set node-name=…",
		"step 5 Scale it: it will ask for <desired-count>; to look at the rest of it now, add --set desired-count=…",
	}
	if diff := cmp.Diff(want, unready(c)); diff != "" {
		t.Error(diff)
	}
	if c.State != card.Fail || lacks(c.Verdict.String(), "Down Runbook for backend: 5 of 7 steps are ready, 2 of them will ask for a value; people do 1 more") != nil {
		t.Errorf("%s %q", c.State, c.Verdict)
	}
	for _, p := range c.Parts {
		for _, f := range p.Findings {
			if asks := strings.Contains(f.Line.String(), "it will ask for"); asks != (f.Status == finding.OK) || asks != f.Fix.Empty() {
				t.Errorf("%s is %s with the fix %q", f.Check, f.Status, f.Fix)
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
		"an object that is not there":   {&k8sops.Error{Kind: k8sops.NotFound, Message: redact.Const("There is no Deployment backend-deployment.")}, "it cannot be planned: There is no Deployment"},
		"nothing to change now":         {&k8sops.Error{Kind: k8sops.Empty, Message: redact.Const("Nothing would change.")}, ""},
		"an error that says what to do": {&handlers.Problem{Text: redact.Const("No such file."), Next: redact.Const("Put it there.")}, "it cannot be planned: No such file."},
		"the bot may not":               {&k8sops.Error{Kind: k8sops.Forbidden, Message: redact.Const("The bot may not patch it.")}, "may not patch"},
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

// What is asked for is no obstacle: a runbook with nothing else is ready.
func TestPreflightOfARunbookThatAsksForAValueIsReady(t *testing.T) {
	t.Parallel()
	b := opened(t)
	b.Config.Runbooks = library(t, map[string]string{"ask.md": "# Ask\n\n## Act\n\n```bash\n# Scale it\nkubectl scale deployment/<deployment-name> --replicas=<desired-count>\n```\n"}, "")
	b.says(t, "alice", "preflight ask backend")
	c, _ := b.answer(t)
	if c.State != card.OK || lacks(c.Verdict.String(), "1 of 1 steps are ready, 1 of them will ask for a value") != nil {
		t.Errorf("%s %q", c.State, c.Verdict)
	}
}

func TestPreflightOfAStepThatAsksStillNeedsItsPermission(t *testing.T) {
	t.Parallel()
	b := opened(t)
	b.cluster.forbidden = []string{"patch deployments"}
	b.says(t, "alice", "preflight down backend")
	c, _ := b.answer(t)
	if lines := strings.Join(unready(c), "\n"); lacks(lines, "step 5 Scale it: the bot may not patch deployments") != nil || strings.Contains(lines, "<desired-count>") {
		t.Error(lines)
	}
}

func TestPreflightSaysWhatAManifestNeeds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		dir  bool
		err  error
		why  string
		want string
	}{
		"no folder":                  {false, nil, "no folder of reviewed manifests", "manifests: {dir"},
		"no such file":               {true, nil, "There is no manifest", "Put it there under this path"},
		"a manifest that is refused": {true, &k8sops.Error{Kind: k8sops.Invalid, Message: redact.Const("It mounts a Secret.")}, "It mounts a Secret.", "Correct the manifest"},
		"no right to make Jobs":      {true, &k8sops.Error{Kind: k8sops.Forbidden, Message: redact.Const("It is forbidden.")}, "It is forbidden.", "allow.jobs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := opened(t)
			b.Config.Runbooks = library(t, map[string]string{"load.md": "# Load\n\n## Act\n\n```bash\n# Run load test\nkubectl apply -f testing/load-test.yaml\n```\n"}, "")
			b.catalog.Manifests.Dir = ""
			if c.dir {
				b.catalog.Manifests.Dir = t.TempDir()
			}
			if c.err != nil {
				b.cluster.plan = func() (plan.Plan, error) { return plan.Plan{}, c.err }
				if err := os.MkdirAll(filepath.Join(b.catalog.Manifests.Dir, "testing"), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(b.catalog.Manifests.Dir, "testing/load-test.yaml"), []byte("kind: Job"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			b.says(t, "alice", "preflight load backend")
			got, _ := b.answer(t)
			if got.State != card.Fail || len(got.Parts) != 1 || len(got.Parts[0].Findings) != 1 {
				t.Fatalf("%s %+v", got.State, got.Parts)
			}
			f := got.Parts[0].Findings[0]
			if lacks(f.Line.String(), c.why) != nil || lacks(f.Fix.String(), c.want) != nil {
				t.Errorf("%q, %q; want %q, %q", f.Line, f.Fix, c.why, c.want)
			}
		})
	}
}
