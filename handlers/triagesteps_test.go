package handlers_test

import (
	"strings"
	"testing"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

func TestATriageSaysEachThingOnce(t *testing.T) {
	t.Parallel()
	b, a := triaging(t)
	b.cluster.findings, b.cluster.changed = crashing, rolledOut
	a.answers["rollout status"] = answered(finding.Finding{Check: "rollout status", Status: finding.Fail, Line: redact.Const("deployment/backend: 2 of 3 pods crash")})
	// The two worst pods say the same; their logs do not.
	for _, pod := range []string{"pod-a", "pod-b"} {
		a.answers["describe "+pod] = answered(finding.Finding{Check: "describe pods", Status: finding.Fail, Line: redact.F("pod %s is not ready since 11:55: exit 137 OOMKilled", pod)})
		a.answers["logs "+pod] = answered(finding.Finding{Check: "logs", Status: finding.Warn, Line: redact.F("pod/%s: an error of %s alone", pod, strings.ToUpper(pod))})
	}
	b.says(t, "alice", "triage backend")
	c, details, _ := b.last(t)
	if !strings.HasPrefix(c.Verdict.String(), "backend: 2 of 3 pods crash") {
		t.Errorf("a lock screen shows %q", c.Verdict)
	}
	said := words(c)
	for what, times := range map[string]int{
		"2 of 3 pods crash":                         2, // the headline, and postgres, on which it depends: here its pods crash as well
		"rollout 7 at 11:52":                        1,
		"image backend 2.8.0 → 2.8.17":              1,
		"2 pods: not ready since 11:55: exit 137":   1,
		"exit 137 OOMKilled":                        1,
		"Check service status":                      0, // it is well
		"exec ":                                     0,
		"what helps":                                0,
		"What helps: roll back to the revision bef": 1,
	} {
		if got := strings.Count(said, what); got != times {
			t.Errorf("%q stands %d times on the card, want %d times:\n%s", what, got, times, said)
		}
	}
	if lack := lacks(words(details), "Test database connection as it should be", "2 pods: not ready since", "and 1 more, not quite the same"); lack != nil {
		t.Errorf("the thread lacks %q:\n%s", lack, words(details))
	}
}
