package handlers_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
)

// crashing is a status whose pods crash since five minutes before the tests' clock.
func crashing(func(finding.Finding)) []finding.Finding {
	since := time.Date(2026, 11, 23, 11, 55, 0, 0, time.UTC)
	return checks(finding.Finding{Check: "pods", Status: finding.Fail, Line: redact.Const("2 of 3 pods crash"), Signals: []finding.Signal{
		{Kind: finding.CrashLoop, Count: 2, Of: 3, Since: since, Revision: 7}, {Kind: finding.RecentRollout, Revision: 7, Since: since.Add(-3 * time.Minute)}}})
}

func rolledOut() (finding.Changes, error) {
	at := time.Date(2026, 11, 23, 11, 52, 0, 0, time.UTC)
	return finding.Changes{GitOps: "Argo CD application shop", List: []finding.Change{
		{When: at.Add(time.Minute), Kind: finding.ChangeScale, Object: "Deployment/backend-deployment", Who: "kubectl", What: redact.Const("replicas from 3 to 4")},
		{When: at, Kind: finding.ChangeRollout, Object: "Deployment/backend-deployment", Revision: 7, Who: "helm", What: redact.Const("image backend 2.8.0 → 2.8.17; env added: FLAG")},
	}, Unread: []redact.Text{redact.Const("nodes: forbidden")}}, nil
}

func TestChangesSaysTheWorstSuspectFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cluster.findings, b.cluster.changed = crashing, rolledOut
	r := b.applied(t)
	b.says(t, "alice", "changes backend 2h")
	c := b.chat.all()[len(b.chat.all())-1].card
	if got, want := c.Verdict.String(), "Likeliest of 2 changes before the trouble: rollout 7 at 11:52 by helm: image backend 2.8.0 → 2.8.17; env added: FLAG, 3 min before it began"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	var lines []string
	for _, f := range c.Parts[0].Facts {
		lines = append(lines, f.Label.String()+": "+f.Value.String())
	}
	if lack := lacks(strings.Join(lines, "\n"), "request "+r.ID, "restart asked by alice, approved by bob", "deployment backend-deployment at 11:53 by kubectl: replicas from 3 to 4", "rollout 7 at 11:52"); lack != nil {
		t.Errorf("%q lacks %q", lines, lack)
	}
	if !strings.HasPrefix(lines[0], "request") {
		t.Errorf("the newest is not first: %q", lines)
	}
	notes := redact.Join("\n", c.Notes...).String()
	if lack := lacks(notes, "Argo CD application shop owns it", "not known: nodes: forbidden"); lack != nil {
		t.Errorf("%q lacks %q", notes, lack)
	}
}

func TestChangesOfAServiceThatIsWell(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text    string
		changed func() (finding.Changes, error)
		want    string
	}{
		"nothing":                  {"changes backend", nil, "Nothing changed on backend within the last hour."},
		"something, long forgiven": {"changes be 1d", rolledOut, "Last change around backend: deployment backend-deployment at 11:53 by kubectl: replicas from 3 to 4; nothing is wrong now"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			if c.changed != nil {
				b.cluster.changed = c.changed
			}
			b.says(t, "alice", c.text)
			if got := b.chat.in("COPS"); len(got) != 1 || got[0] != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestChangesRefusals(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		text  string
		err   error
		wants string
	}{
		"a span that is none":        {"changes backend yesterday", nil, "is no span of time"},
		"a span that is too long":    {"changes backend 99999999d", nil, "is no span of time"},
		"a span of nothing":          {"changes backend 0s", nil, "is no span of time"},
		"no service":                 {"changes", nil, "Which service?"},
		"a cluster that forbids":     {"changes backend", &k8sops.Error{Kind: k8sops.Forbidden, Op: "read", Message: redact.Const("The API server forbids it.")}, "forbids"},
		"a defect shows only itself": {"changes backend", errors.New("secret cause"), "Something broke on my side"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.cluster.changed = func() (finding.Changes, error) { return finding.Changes{}, c.err }
			if got := b.says(t, "alice", c.text).Verdict.String(); !strings.Contains(got, c.wants) || strings.Contains(got, "secret cause") {
				t.Errorf("got %q, want %q", got, c.wants)
			}
		})
	}
}

func TestChangesWithoutTheDatabaseSaysWhatIsNotKnown(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.rows.down = true
	b.says(t, "alice", "changes backend")
	all := b.chat.all()
	if len(all) == 0 || all[len(all)-1].op != "say" {
		t.Fatalf("got %+v", all)
	}
	notes := redact.Join("\n", all[len(all)-1].card.Notes...).String()
	if lack := lacks(notes, "svcdown's own requests: the database does not answer", "not being recorded"); lack != nil {
		t.Errorf("%q lacks %q", notes, lack)
	}
}

var _ handlers.Reader = (*k8sops.Cluster)(nil)
