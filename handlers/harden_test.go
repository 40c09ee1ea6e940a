package handlers_test

import (
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
)

// bare is a Deployment without a budget, whose CronJobs and alert rules the bot may not read.
func bare() (finding.Protection, error) {
	unread := redact.Const("could not be read: svcdown's account may not list prometheusrules.monitoring.coreos.com")
	return finding.Protection{
		Kind: "Deployment", Name: "backend-deployment", Namespace: "shop", Replicas: 3, GitOps: "Argo CD application shop", Selector: finding.Selector{Labels: map[string]string{"app": "backend"}},
		Containers: []finding.Container{{Name: "backend", Image: "registry/backend:latest", CPURequest: 1, MemoryRequest: 1, MemoryLimit: 1, Readiness: true, Liveness: true}},
		Alerts:     finding.Part[finding.Alerts]{Unread: unread, Fix: redact.Const("Add the rule.")},
	}, nil
}

func TestHardenSaysTheScoreFirstAndPutsTheYAMLIntoTheThread(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cluster.protected = bare
	b.catalog.Services[0].Health = []string{"https://api.example.com/a", "https://api.example.com/b"}
	b.cluster.shown = finding.Certificate{Host: "api.example.com", Until: b.now().Add(72 * time.Hour)}
	b.says(t, "alice", "harden backend")
	all := b.chat.all()
	var c card.Card
	var files []card.File
	for _, m := range all {
		switch m.op {
		case "say":
			c = m.card
		case "upload":
			if m.at.Thread == "" {
				t.Error("a file is not in the thread")
			}
			files = append(files, m.file)
		}
	}
	if c.State != card.Warn || lacks(c.Verdict.String(), "backend scores ", " of 100 against its next outage; the worst of ", "no PodDisruptionBudget") != nil {
		t.Errorf("%s %q", c.State, c.Verdict)
	}
	var lines []string
	for _, f := range c.Parts[0].Findings {
		lines = append(lines, f.Check+": "+f.Line.String())
	}
	if lack := lacks(strings.Join(lines, "\n"), "certificate: the certificate of api.example.com ends in 2 days", "alerts: could not be read", "images: no fixed version"); lack != nil {
		t.Errorf("%q lacks %q", lines, lack)
	}
	if lack := lacks(redact.Join("\n", c.Notes...).String(), "1 could not be told and do not count", "left out: backup: it is no database", "Argo CD application shop owns it", "nothing was changed"); lack != nil {
		t.Errorf("the notes lack %q", lack)
	}
	if len(files) != 2 || lacks(files[0].Content.String(), "kind: PodDisruptionBudget", "kubectl --context prod -n shop create --dry-run=server -f harden-backend-") != nil ||
		lacks(files[1].Content.String(), "topologySpreadConstraints:") != nil {
		t.Errorf("files: %+v", files)
	}
	if b.cluster.calls != 0 || len(b.cluster.planned()) != 0 || len(b.rows.order) != 0 {
		t.Error("something was planned, asked for or changed")
	}
}

func TestHardenOfWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cluster.protected = func() (finding.Protection, error) {
		return finding.Protection{}, &k8sops.Error{Kind: k8sops.NotFound, Op: "read backend", Message: redact.Const("It does not exist.")}
	}
	c := b.says(t, "alice", "harden backend")
	if c.State != card.Refused && c.State != card.Fail || lacks(c.Verdict.String(), "does not exist") != nil {
		t.Errorf("%s %q", c.State, c.Verdict)
	}
	if c := b.says(t, "alice", "harden"); lacks(c.Verdict.String(), "Which service?", "harden SERVICE") != nil {
		t.Errorf("%q", c.Verdict)
	}
}
