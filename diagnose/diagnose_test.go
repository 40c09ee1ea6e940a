package diagnose_test

import (
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/diagnose"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

var (
	backend = catalog.Service{Name: "backend", Workload: catalog.Workload{Kind: "Deployment", Name: "backend"}}
	two     = time.Date(2026, 11, 23, 14, 2, 0, 0, time.UTC)
)

func signal(s finding.Signal) finding.Finding {
	return finding.Finding{Check: "pods", Status: finding.Fail, Line: redact.Const("2 of 3 pods are not ready"), Signals: []finding.Signal{s}}
}

func TestVerdict(t *testing.T) {
	t.Parallel()
	well := finding.Finding{Check: "pods", Status: finding.OK, Line: redact.Const("all 3 pods are ready")}
	silent := finding.Finding{Check: "usage", Status: finding.Unknown, Line: redact.Const("no metrics API")}
	events := finding.Finding{Check: "events", Status: finding.Warn, Line: redact.Const("BackOff 4×, last at 13:18")}
	for name, c := range map[string]struct {
		findings []finding.Finding
		status   finding.Status
		want     string
	}{
		"a healthy service":                           {[]finding.Finding{well}, finding.OK, "backend is well: all 3 pods are ready"},
		"a check that is silent is named":             {[]finding.Finding{well, silent}, finding.OK, "backend is well: all 3 pods are ready (could not check: usage)"},
		"a silent check alone judges nothing":         {[]finding.Finding{silent}, finding.Unknown, "backend cannot be judged: no metrics API"},
		"nothing at all":                              {nil, finding.Unknown, "backend cannot be judged: nothing could be checked"},
		"old warnings on a well service are history":  {[]finding.Finding{well, events}, finding.OK, "backend is well: all 3 pods are ready (earlier: BackOff 4×, last at 13:18)"},
		"the cause speaks, not the symptom":           {[]finding.Finding{signal(finding.Signal{Kind: finding.OOMKilled, Count: 2, Of: 3, Since: two, Detail: redact.Const("exit 137 OOMKilled")})}, finding.Fail, "2 of 3 pods run out of memory since 14:02, exit 137 OOMKilled"},
		"one pod is singular":                         {[]finding.Finding{signal(finding.Signal{Kind: finding.CrashLoop, Count: 1, Of: 3})}, finding.Fail, "1 of 3 pods crashes"},
		"a failing finding without a cause is spoken": {[]finding.Finding{{Check: "pdb", Status: finding.Warn, Line: redact.Const("no disruption allowed")}}, finding.Warn, "backend: no disruption allowed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status, got := diagnose.Verdict(backend, c.findings)
			if status != c.status || got.String() != c.want {
				t.Errorf("got %s %q, want %s %q", status, got, c.status, c.want)
			}
		})
	}
}

func TestHypotheses(t *testing.T) {
	t.Parallel()
	crash := finding.Signal{Kind: finding.CrashLoop, Count: 2, Of: 3, Revision: 7}
	rollout := finding.Signal{Kind: finding.RecentRollout, Revision: 7}
	for name, c := range map[string]struct {
		signals []finding.Signal
		svc     catalog.Service
		cause   string
		verb    string
	}{
		"a crash after a rollout is the rollout's":         {[]finding.Signal{crash, rollout}, backend, "after rollout 7", "rollback"},
		"a crash of an older revision is not":              {[]finding.Signal{crash, {Kind: finding.RecentRollout, Revision: 8}}, backend, "2 of 3 pods crash", ""},
		"the first revision cannot be rolled back":         {[]finding.Signal{{Kind: finding.CrashLoop, Count: 3, Of: 3, Revision: 1}, {Kind: finding.RecentRollout, Revision: 1}}, backend, "after rollout 1", ""},
		"a StatefulSet is not rolled back":                 {[]finding.Signal{crash, rollout}, catalog.Service{Workload: catalog.Workload{Kind: "StatefulSet"}}, "after rollout 7", ""},
		"a bad image is rolled back":                       {[]finding.Signal{{Kind: finding.ImagePull, Count: 2, Of: 3}, rollout}, backend, "cannot pull their image", "rollback"},
		"memory is restarted":                              {[]finding.Signal{{Kind: finding.OOMKilled, Count: 2, Of: 3}}, backend, "run out of memory", "restart"},
		"a StatefulSet's pod that is not ready is deleted": {[]finding.Signal{{Kind: finding.NotReady, Object: "Pod/redis-0", Count: 1, Of: 1}}, catalog.Service{Workload: catalog.Workload{Kind: "StatefulSet"}}, "not ready", "delete-pod"},
		"a StatefulSet whose pods are ready is restarted":  {[]finding.Signal{{Kind: finding.DBConnections}}, catalog.Service{Workload: catalog.Workload{Kind: "StatefulSet"}}, "out of connections", "restart"},
		"a lost node explains pods that are not ready":     {[]finding.Signal{{Kind: finding.NotReady, Count: 1, Of: 3}, {Kind: finding.NodeDown, Object: "Node/n1", Count: 1, Of: 3}}, backend, "node n1 is down", "restart"},
		"a crash explains the failing probe":               {[]finding.Signal{{Kind: finding.ProbeFailing, Count: 2}, {Kind: finding.CrashLoop, Count: 2, Of: 3}}, backend, "2 of 3 pods crash", ""},
		"scaled to zero comes before everything":           {[]finding.Signal{{Kind: finding.NoEndpoints}, {Kind: finding.ScaledToZero}}, backend, "scaled to zero", "scale"},
		"a wrong selector explains the missing endpoints":  {[]finding.Signal{{Kind: finding.NoEndpoints}, {Kind: finding.SelectorMismatch}}, backend, "selects none of the pods", ""},
		"a failing URL alone points before the pods":       {[]finding.Signal{{Kind: finding.HealthFailing}}, backend, "health URL fails", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := diagnose.Hypotheses(c.svc, []finding.Finding{{Check: "pods", Status: finding.Fail, Signals: c.signals}})
			if len(got) == 0 || !strings.Contains(got[0].Cause.String(), c.cause) || got[0].Verb != c.verb {
				t.Errorf("got %+v, want first %q with %q", got, c.cause, c.verb)
			}
		})
	}
}

func TestAHealthyWorldGivesNoHypothesis(t *testing.T) {
	t.Parallel()
	got := diagnose.Hypotheses(backend, []finding.Finding{{Check: "pods", Status: finding.OK, Signals: []finding.Signal{{Kind: finding.RecentRollout, Revision: 7}}}})
	if len(got) != 0 {
		t.Errorf("got %+v", got)
	}
}
