package handlers_test

import (
	"strings"
	"testing"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

func TestHelpHasAChapterBeforeEveryFewVerbs(t *testing.T) {
	t.Parallel()
	b := setup(t)
	parts := b.says(t, "alice", "help").Parts
	if len(parts) == 0 || len(parts)%2 != 0 {
		t.Fatalf("%d parts are no chapters with a table each", len(parts))
	}
	for i := 0; i < len(parts); i += 2 {
		if parts[i].Text.Empty() || parts[i+1].Table == nil {
			t.Fatalf("part %d is no chapter: %+v", i, parts[i:i+2])
		}
		if n := len(parts[i+1].Table.Rows); n > 15 {
			t.Errorf("the chapter %q has %d verbs", parts[i].Text, n)
		}
	}
}

func TestTheVerdictOfATriageNamesTheServiceAndIsSaidOnce(t *testing.T) {
	t.Parallel()
	b, a := triaging(t)
	b.cluster.findings, b.cluster.changed = crashing, rolledOut
	a.answers["rollout status"] = answered(finding.Finding{Check: "rollout status", Status: finding.Fail, Line: redact.Const("deployment/backend: 2 of 3 pods crash")})
	b.says(t, "alice", "triage backend")
	c, _, _ := b.last(t)
	if !strings.HasPrefix(c.Verdict.String(), "backend: 2 of 3 pods crash") {
		t.Errorf("a lock screen shows %q", c.Verdict)
	}
	// Once for backend and once for postgres, on which it depends: here its pods crash as well.
	if got := shown(c); strings.Count(got, "2 of 3 pods crash") != 2 {
		t.Errorf("want the finding twice on the card, got:\n%s", got)
	}
}

// shown are the lines of the findings of a card.
func shown(c card.Card) string {
	var out []string
	for _, p := range c.Parts {
		for _, f := range p.Findings {
			out = append(out, f.Line.String())
		}
	}
	return strings.Join(out, "\n")
}
