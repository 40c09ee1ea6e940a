package handlers_test

import (
	"context"
	"strings"
	"sync"
	"testing"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

func TestAReadThatTakesLongShowsThatItIsUnderWay(t *testing.T) {
	t.Parallel()
	refused := &k8sops.Error{Kind: k8sops.Forbidden, Op: "read", Message: redact.Const("The API server forbids it.")}
	for name, c := range map[string]struct {
		text  string
		err   error
		doing string
		ends  card.State
		says  string
	}{
		"logs":                       {"logs backend", nil, "Reading the logs of backend: ", card.Neutral, "wrote nothing"},
		"logs that cannot be read":   {"logs backend", refused, "Reading the logs of backend: ", card.Warn, "it did not work"},
		"changes":                    {"changes backend", nil, "Reading what changed around backend: ", card.Neutral, "Nothing changed on backend"},
		"changes that are forbidden": {"changes backend", refused, "Reading what changed around backend: ", card.Warn, "it did not work"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			shown := make(chan struct{}) // the answer comes once something was shown
			var once sync.Once
			b.chat.saying = func() { once.Do(func() { close(shown) }) }
			b.cluster.logs = func() (k8sops.LogResult, error) { <-shown; return k8sops.LogResult{}, c.err }
			b.cluster.changed = func() (finding.Changes, error) { <-shown; return finding.Changes{}, c.err }
			b.says(t, "alice", c.text)
			var said []card.Card
			for _, m := range b.chat.all() {
				if m.op == "say" || m.op == "update" {
					said = append(said, m.card)
				}
			}
			if len(said) < 2 || said[0].State != card.Running || !strings.HasPrefix(said[0].Verdict.String(), c.doing) {
				t.Fatalf("nothing was shown meanwhile: %+v", said)
			}
			if last := said[len(said)-1]; last.State != c.ends || !strings.Contains(last.Verdict.String(), c.says) {
				t.Errorf("it ends as %s %q, want %s %q", last.State, last.Verdict, c.ends, c.says)
			}
		})
	}
}

func TestARequestThatTakesLongToPlanSaysSoToTheAskerAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	told := make(chan struct{}) // the plan comes once something was said
	var once sync.Once
	b.chat.whispering = func(context.Context) { once.Do(func() { close(told) }) }
	made := b.cluster.plan
	b.cluster.plan = func() (plan.Plan, error) { <-told; return made() }
	b.says(t, "alice", "restart backend")
	first := b.chat.all()[0]
	if first.op != "whisper" || first.card.State != card.Running || !strings.HasPrefix(first.card.Verdict.String(), "Planning the restart of backend: ") {
		t.Errorf("said meanwhile: %s %+v", first.op, first.card)
	}
}

func TestTheHomeTabTellsHowTheServicesAre(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cluster.findings = func(func(finding.Finding)) []finding.Finding {
		return []finding.Finding{{Check: "pods", Status: finding.Fail, Line: redact.Const("3 of 3 pods crash")}}
	}
	told := map[string]finding.Finding{}
	for _, p := range b.Home(t.Context(), slack("alice")).Parts {
		for _, f := range p.Findings {
			told[f.Check] = f
		}
	}
	if f := told["backend"]; f.Status != finding.Fail || !strings.Contains(f.Line.String(), "3 of 3 pods crash") {
		t.Errorf("backend is told as %s %q", f.Status, f.Line)
	}
	b.cluster.findings = nil
	for _, p := range b.Home(t.Context(), slack("stranger")).Parts {
		if len(p.Findings) > 0 {
			t.Errorf("a stranger is told %v", p.Findings)
		}
	}
}
