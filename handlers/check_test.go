package handlers_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

const downBook = "# Down\n\n## Immediate\n\n```bash\nkubectl get pods\nkubectl get endpoints <service-name>\nkubectl describe nodes\n" +
	"kubectl exec deployment/<deployment-name> -- psql -h db -U postgres -c \"SELECT 1;\"\n```\n\n" +
	"## Resolution\n\n### Database Service Down\n\n```bash\nkubectl exec statefulset/<statefulset-name> -- df -h /data\nkubectl rollout restart statefulset/<statefulset-name>\n```\n\n" +
	"## After\n\n### 1. Service Restoration Verification\n\n```bash\nkubectl get pods\nkubectl scale deployment/<deployment-name> --replicas=1\n# - Grafana: https://grafana.example.com/d/1\n```\n"

// checking is a desk with a database below backend.
func checking(t *testing.T) *desk {
	t.Helper()
	b := &desk{testBundle: setup(t), checks: &answers{found: map[string]finding.Status{}}}
	b.Config.Checks = b.checks
	b.Config.Runbooks = library(t, map[string]string{"service-down.md": downBook}, "")
	b.catalog.Services[0].DependsOn = []string{"db"}
	b.catalog.Services = append(b.catalog.Services, catalog.Service{Name: "db", Kind: "database", Cluster: "prod", Namespace: "shop", Workload: catalog.Workload{Kind: "StatefulSet", Name: "db"}})
	return b
}

// answer is the card that was said last at channel level, and the checks that it lists.
func (b *desk) answer(t *testing.T) (c card.Card, names []string) {
	t.Helper()
	for _, m := range b.chat.all() {
		if (m.op == "say" || m.op == "update") && m.at.Thread == "" {
			c = m.card
		}
	}
	for _, p := range c.Parts {
		for _, f := range p.Findings {
			names = append(names, f.Check)
		}
	}
	return c, names
}

func TestCheckRunsTheFittingStepsAndStatusChecks(t *testing.T) {
	t.Parallel()
	for what, want := range map[string]struct{ ran []string }{
		"nodes":   {[]string{"describe nodes "}},
		"network": {[]string{"get endpoints backend"}},
		// The section of the database for the database, whether it is reached from the service itself, and no action.
		"db":   {[]string{"exec df statefulsets db", "exec psql deployments backend-deployment"}},
		"deps": {[]string{"exec psql deployments backend-deployment"}},
	} {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			b := checking(t)
			b.says(t, "alice", "check backend "+what)
			if diff := cmp.Diff(want.ran, sorted(b.checks.ran)); diff != "" {
				t.Error(diff)
			}
			c, names := b.answer(t)
			if c.State != card.OK || lacks(c.Verdict.String(), what+" of backend: all ") != nil || len(names) < len(want.ran) {
				t.Errorf("%s %q with %v", c.State, c.Verdict, names)
			}
		})
	}
}

func TestStepsForAnotherWorldAreLeftOutAndCounted(t *testing.T) {
	t.Parallel()
	b := checking(t)
	b.Config.Runbooks = library(t, map[string]string{"service-down.md": "# D\n\n## P\n\n```bash\nkubectl describe nodes\nkubectl top nodes\nkubectl get nodes -n elsewhere\nkubectl get endpoints -n elsewhere\nkubectl get endpoints -n shop\n```\n"}, "")
	b.says(t, "alice", "check backend network")
	c, _ := b.answer(t)
	if diff := cmp.Diff([]string{"get endpoints "}, b.checks.ran); diff != "" {
		t.Error(diff)
	}
	var notes strings.Builder
	for _, n := range c.Notes {
		notes.WriteString(n.String() + "\n")
	}
	if lack := lacks(notes.String(), "left out: 1 step of the runbooks", "(elsewhere)"); lack != nil || c.State != card.OK {
		t.Errorf("%s %q lacks %q", c.State, notes.String(), lack)
	}
}

func TestCheckSaysTheWorstFirst(t *testing.T) {
	t.Parallel()
	b := checking(t)
	b.checks.found["exec df statefulsets"] = finding.Fail
	b.says(t, "alice", "check backend db")
	c, names := b.answer(t)
	if c.State != card.Fail || lacks(c.Verdict.String(), "db of backend: exec df statefulsets db seen") != nil || names[0] != "exec df statefulsets" {
		t.Errorf("%s %q with %v", c.State, c.Verdict, names)
	}
	all := b.chat.all()
	if last := all[len(all)-1]; last.op != "upload" || lacks(last.file.Content.String(), "raw of exec df", "raw of exec psql") != nil {
		t.Errorf("the raw output is %q", last.file.Content)
	}
}

func TestCheckOfTheServiceBelowItself(t *testing.T) {
	t.Parallel()
	b := checking(t)
	b.says(t, "alice", "check db db")
	if diff := cmp.Diff([]string{"exec df statefulsets db"}, sorted(b.checks.ran)); diff != "" {
		t.Error(diff)
	}
}

func TestCheckExplainsWhatItCannotCheck(t *testing.T) {
	t.Parallel()
	b := checking(t)
	for text, want := range map[string]string{
		"check":               "Which service?",
		"check backend":       "Check what?",
		"check backend moon":  `cannot check "moon"`,
		"check backend redis": "depends on no service of kind",
		"verify":              "Which service?",
	} {
		if c := b.says(t, "alice", text); c.State != card.Refused || lacks(c.Verdict.String(), want) != nil {
			t.Errorf("%q is answered with %q", text, c.Verdict)
		}
	}
	if len(b.checks.ran) != 0 {
		t.Errorf("ran %v", b.checks.ran)
	}
}

func TestVerifyTellsWarningsOfEarlierAsHistory(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step  finding.Status
		state card.State
		says  string
	}{
		"beside checks that are well": {finding.OK, card.OK, "of this moment are ok (earlier: BackOff 12×"},
		"beside one that is broken":   {finding.Fail, card.Fail, "backend is not restored, 1 of"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := checking(t)
			b.checks.found["get pods"] = c.step
			before := b.cluster.findings
			b.cluster.findings = func(each func(finding.Finding)) []finding.Finding {
				return append(before(each), finding.Finding{Check: "events", Status: finding.Warn, Line: redact.Const("BackOff 12× on 2 objects")})
			}
			b.says(t, "alice", "verify backend")
			if got, _ := b.answer(t); got.State != c.state || lacks(got.Verdict.String(), c.says) != nil {
				t.Errorf("%s %q", got.State, got.Verdict)
			}
		})
	}
}

func TestVerifyNeedsEveryCheckToBeOK(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		step  finding.Status
		state card.State
		says  string
	}{
		"all is well":                          {finding.OK, card.OK, "backend is restored: all"},
		"what could not answer proves nothing": {finding.Unknown, card.Warn, "backend is not proven to be restored, 1 of"},
		"one is not well":                      {finding.Warn, card.Warn, "backend is not restored, 1 of"},
		"one is broken":                        {finding.Fail, card.Fail, "backend is not restored, 1 of"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := checking(t)
			b.checks.found["get pods"] = c.step
			b.says(t, "alice", "verify backend")
			got, _ := b.answer(t)
			if got.State != c.state || lacks(got.Verdict.String(), c.says) != nil {
				t.Errorf("%s %q", got.State, got.Verdict)
			}
			if diff := cmp.Diff([]string{"get pods "}, b.checks.ran); diff != "" {
				t.Errorf("ran: %s", diff)
			}
			if links := got.Parts[len(got.Parts)-1].Links; len(links) != 1 || links[0].URL != "https://grafana.example.com/d/1" || links[0].Text.String() != "Grafana" {
				t.Errorf("the links are %v", links)
			}
		})
	}
}
