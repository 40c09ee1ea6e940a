package diagnose_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/diagnose"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

var (
	postgres = catalog.Service{Name: "postgres", Kind: "database", Workload: catalog.Workload{Kind: "StatefulSet", Name: "postgres-primary"}}
	redis    = catalog.Service{Name: "redis", Kind: "redis", Workload: catalog.Workload{Kind: "StatefulSet", Name: "redis-master"}}
)

// status is what the status checks say: failing with these signals, or all well with none.
func status(signals ...finding.Signal) []finding.Finding {
	if len(signals) == 0 {
		return []finding.Finding{{Check: "pods", Status: finding.OK}, {Check: "nodes", Status: finding.OK}, {Check: "endpoints", Status: finding.OK}, {Check: "health", Status: finding.OK}}
	}
	return []finding.Finding{{Check: "pods", Status: finding.Fail, Signals: signals}, {Check: "nodes", Status: finding.OK}}
}

func steps(signals ...finding.Signal) []finding.Finding {
	return []finding.Finding{{Check: "step", Status: finding.Fail, Signals: signals}}
}

// named are the hypotheses as NAME or SERVICE/NAME, best first.
func named(list []finding.Hypothesis) []string {
	out := []string{}
	for _, h := range list {
		name := h.Name
		if h.Service != "" {
			name = h.Service + "/" + name
		}
		out = append(out, name)
	}
	return out
}

func TestDiagnoseNamesTheCauseFirst(t *testing.T) {
	t.Parallel()
	unready := finding.Signal{Kind: finding.NotReady, Count: 3, Of: 3, Since: two}
	noEndpoints := finding.Signal{Kind: finding.NoEndpoints}
	sick := []finding.Signal{unready, {Kind: finding.ProbeFailing, Count: 3, Of: 3}, noEndpoints, {Kind: finding.HealthFailing}}
	rollout := func(revision int64, at time.Time) finding.Signal {
		return finding.Signal{Kind: finding.RecentRollout, Revision: revision, Since: at, Detail: redact.Const("backend 2.8.0 → 2.8.17")}
	}
	never := finding.Signal{Kind: finding.NeverReady, Count: 2, Of: 3, Revision: 7, Since: two}
	kind := func(k finding.Kind) finding.Signal { return finding.Signal{Kind: k} }
	for name, c := range map[string]struct {
		c     diagnose.Case
		first string
		verb  string
	}{
		"out of memory":                                   {diagnose.Case{Service: backend, Findings: status(finding.Signal{Kind: finding.OOMKilled, Count: 2, Of: 3})}, "oom-killed", "restart"},
		"a crash after a rollout":                         {diagnose.Case{Service: backend, Findings: status(finding.Signal{Kind: finding.CrashLoop, Count: 2, Of: 3, Revision: 7}, rollout(7, two))}, "bad-rollout", "rollback"},
		"a StatefulSet's crash after one":                 {diagnose.Case{Service: postgres, Findings: status(finding.Signal{Kind: finding.CrashLoop, Count: 1, Of: 1, Since: two}, rollout(0, two.Add(-time.Second)))}, "bad-rollout", ""},
		"a StatefulSet's crash long after":                {diagnose.Case{Service: postgres, Findings: status(finding.Signal{Kind: finding.CrashLoop, Count: 1, Of: 1, Since: two}, rollout(0, two.Add(-40*time.Minute)))}, "crash-loop", ""},
		"a crash before the rollout":                      {diagnose.Case{Service: postgres, Findings: status(finding.Signal{Kind: finding.CrashLoop, Count: 1, Of: 1, Since: two}, rollout(0, two.Add(time.Minute)))}, "crash-loop", ""},
		"an image that is not there":                      {diagnose.Case{Service: backend, Findings: status(finding.Signal{Kind: finding.ImagePull, Count: 2, Of: 3, Revision: 7}, rollout(7, two))}, "image-pull", "rollback"},
		"a probe that fails":                              {diagnose.Case{Service: backend, Findings: status(sick...)}, "probe-failing", "restart"},
		"pods of a new revision never ready":              {diagnose.Case{Service: backend, Findings: status(unready, never, finding.Signal{Kind: finding.RolloutRunning, Revision: 7}, rollout(7, two))}, "rollout-stuck", "rollback"},
		"a rollout past its deadline":                     {diagnose.Case{Service: backend, Findings: status(unready, never, finding.Signal{Kind: finding.RolloutStuck, Revision: 7}, rollout(7, two))}, "rollout-stuck", "rollback"},
		"pods that lost their readiness after a rollout":  {diagnose.Case{Service: backend, Findings: status(unready, finding.Signal{Kind: finding.RolloutRunning, Revision: 7}, rollout(7, two))}, "probe-failing", "restart"},
		"a Service that selects nothing":                  {diagnose.Case{Service: backend, Findings: status(finding.Signal{Kind: finding.SelectorMismatch}, noEndpoints)}, "selector-mismatch", ""},
		"no endpoints":                                    {diagnose.Case{Service: backend, Findings: status(noEndpoints)}, "no-endpoints", ""},
		"too much requested":                              {diagnose.Case{Service: backend, Findings: status(finding.Signal{Kind: finding.Pending, Count: 2, Of: 3, Revision: 7, Detail: redact.Const("0/4 nodes are available: 4 Insufficient memory.")}, rollout(7, two))}, "pending", "rollback"},
		"a claim that is not bound":                       {diagnose.Case{Service: redis, Findings: status(finding.Signal{Kind: finding.Pending, Count: 1, Of: 1, Detail: redact.Const("pod has unbound immediate PersistentVolumeClaims")})}, "pending", ""},
		"a node that is down":                             {diagnose.Case{Service: backend, Findings: status(finding.Signal{Kind: finding.NodeDown, Object: "Node/n", Count: 2, Of: 3}, unready)}, "node-down", "restart"},
		"a node under pressure with evictions":            {diagnose.Case{Service: backend, Findings: status(finding.Signal{Kind: finding.NodePressure, Object: "Node/n"}, kind(finding.Evicted))}, "node-pressure", ""},
		"the database refuses, as a client sees it":       {diagnose.Case{Service: backend, Findings: status(sick...), Steps: steps(kind(finding.DBRefusing))}, "db-refusing", ""},
		"the database refuses, as it says itself":         {diagnose.Case{Service: postgres, Findings: status(sick...), Steps: steps(kind(finding.DBRefusing))}, "db-refusing", "restart"},
		"the database is out of connections":              {diagnose.Case{Service: backend, Findings: status(), Steps: steps(kind(finding.DBConnections), kind(finding.DBRefusing))}, "db-connections", "restart"},
		"a full disk that made the database crash":        {diagnose.Case{Service: postgres, Findings: status(finding.Signal{Kind: finding.CrashLoop, Count: 1, Of: 1}), Steps: steps(kind(finding.DiskFull), kind(finding.DBRefusing))}, "disk-full", ""},
		"a full disk and a database that lives":           {diagnose.Case{Service: postgres, Findings: status(), Steps: steps(finding.Signal{Kind: finding.DiskFull, Count: 100, Of: 100})}, "disk-full", ""},
		"a cache that runs out of memory does not answer": {diagnose.Case{Service: redis, Findings: status(finding.Signal{Kind: finding.OOMKilled, Count: 1, Of: 1}), Steps: steps(kind(finding.RedisDown))}, "oom-killed", "restart"},
		"a replica that is behind":                        {diagnose.Case{Service: postgres, Findings: status(), Steps: steps(kind(finding.ReplicationLag))}, "replication-lag", ""},
		"Redis is down, as a client sees it":              {diagnose.Case{Service: backend, Findings: status(sick...), Steps: steps(kind(finding.RedisDown))}, "redis-down", ""},
		"Redis is full":                                   {diagnose.Case{Service: redis, Findings: status(), Steps: steps(kind(finding.RedisMemory))}, "redis-memory", ""},
		"something it calls is away":                      {diagnose.Case{Service: backend, Findings: status(sick...), Steps: steps(finding.Signal{Kind: finding.Unreachable, Object: "api.example.com"})}, "dependency-down", ""},
		"a policy in the way":                             {diagnose.Case{Service: backend, Findings: status(sick...), Steps: steps(kind(finding.NetworkPolicyBlocks), kind(finding.DBRefusing))}, "network-policy-blocks", ""},
		"a quota":                                         {diagnose.Case{Service: backend, Findings: status(kind(finding.QuotaExceeded), kind(finding.NoPods))}, "quota-exceeded", ""},
		"a missing secret":                                {diagnose.Case{Service: backend, Findings: status(finding.Signal{Kind: finding.ConfigError, Count: 2, Of: 3, Revision: 7}, rollout(7, two))}, "config-error", "rollback"},
		"an autoscaler at its end":                        {diagnose.Case{Service: backend, Findings: status(kind(finding.HPAAtMax))}, "hpa-at-max", ""},
		"a database below":                                {diagnose.Case{Service: backend, Findings: status(sick...), Below: []diagnose.Case{{Service: postgres, Findings: status(sick...), Steps: steps(kind(finding.DBRefusing))}}}, "postgres/db-refusing", "restart"},
		"seen from both sides it is one":                  {diagnose.Case{Service: backend, Findings: status(sick...), Steps: steps(kind(finding.DBRefusing)), Below: []diagnose.Case{{Service: postgres, Findings: status(sick...), Steps: steps(kind(finding.DBRefusing))}}}, "postgres/db-refusing", "restart"},
		"a service below without a better word":           {diagnose.Case{Service: backend, Findings: status(sick...), Below: []diagnose.Case{{Service: redis, Findings: status(sick...)}}}, "redis/probe-failing", "restart"},
		"a database below that crashes":                   {diagnose.Case{Service: backend, Findings: status(sick...), Steps: steps(kind(finding.DBRefusing)), Below: []diagnose.Case{{Service: postgres, Findings: status(finding.Signal{Kind: finding.CrashLoop, Count: 1, Of: 1, Since: two}, rollout(0, two))}}}, "postgres/bad-rollout", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := diagnose.Diagnose(c.c)
			if len(got) == 0 || named(got[:1])[0] != c.first || got[0].Verb != c.verb {
				t.Fatalf("got %v (%+v), want %s first, with %q", named(got), got, c.first, c.verb)
			}
			seen := map[string]bool{}
			for i, h := range got {
				if key := named(got[i : i+1])[0]; seen[key] {
					t.Errorf("%s is named twice", key)
				} else {
					seen[key] = true
				}
				if h.Cause.Empty() || h.Verb == "" && h.Do.Empty() {
					t.Errorf("%s says nothing: %+v", h.Name, h)
				}
				if i > 0 && h.Score > got[i-1].Score {
					t.Errorf("%s stands too low", h.Name)
				}
			}
		})
	}
}

func TestWhatAnotherServiceSuffersIsNotOurs(t *testing.T) {
	t.Parallel()
	// `kubectl get pods` and `kubectl describe nodes` of a runbook tell of the whole namespace and the whole cluster.
	got := diagnose.Diagnose(diagnose.Case{Service: backend, Findings: status(), Steps: steps(
		finding.Signal{Kind: finding.CrashLoop, Object: "Pod/other", Count: 1, Of: 9}, finding.Signal{Kind: finding.NodeDown, Object: "Node/far"},
		finding.Signal{Kind: finding.NodePressure, Object: "Node/far"}, finding.Signal{Kind: finding.NotReady, Object: "Pod/other"})})
	if len(got) > 0 {
		t.Errorf("got %v", named(got))
	}
}

func TestWhatALogSaysIsOldNewsUnlessThePodsAreInTrouble(t *testing.T) {
	t.Parallel()
	// The newest trouble began at two.
	line := func(k finding.Kind, object string, age time.Duration) finding.Signal {
		return finding.Signal{Kind: k, Object: object, Count: 3, Detail: redact.Const("No space left on device"), Since: two.Add(-age)}
	}
	full := line(finding.DiskFull, "Pod/postgres-primary-0", 0)
	earlier := func(k finding.Kind) finding.Signal { return line(k, "Service/redis", 9*time.Minute) }
	crash := finding.Signal{Kind: finding.CrashLoop, Count: 1, Of: 1, Since: two}
	oom := finding.Signal{Kind: finding.OOMKilled, Count: 1, Of: 1, Since: two}
	unready := finding.Signal{Kind: finding.NotReady, Count: 1, Of: 1, Since: two}
	logs := func(all ...finding.Signal) []finding.Finding {
		return []finding.Finding{{Check: "logs statefulsets", Status: finding.Fail, Signals: all}}
	}
	checks := func(own []finding.Finding, kinds ...finding.Kind) []finding.Finding {
		for _, k := range kinds {
			own = append(own, steps(finding.Signal{Kind: k})...)
		}
		return own
	}
	for name, c := range map[string]struct {
		findings []finding.Finding
		steps    []finding.Finding
		want     []string
		says     string // what stands under the first, of what is over
	}{
		"all is well":                                  {status(), logs(full), []string{}, ""},
		"the pods crash":                               {status(crash), logs(full), []string{"disk-full", "crash-loop"}, ""},
		"it was written just before they did":          {status(crash), logs(line(finding.DiskFull, "", 50*time.Second)), []string{"disk-full", "crash-loop"}, ""},
		"a line without a time":                        {status(crash), logs(finding.Signal{Kind: finding.DiskFull}), []string{"disk-full", "crash-loop"}, ""},
		"a trouble without a time":                     {status(finding.Signal{Kind: finding.CrashLoop}), logs(earlier(finding.DiskFull)), []string{"disk-full", "crash-loop"}, ""},
		"a check says it has room":                     {status(crash), checks(logs(full), finding.DiskRoom), []string{"crash-loop"}, "in the log, last at 14:02: No space left on device; by now the disk has room"},
		"it was long before they crashed":              {status(crash), logs(earlier(finding.DiskFull)), []string{"crash-loop"}, "earlier in the log, last at 13:53, 9 min before this began: No space left on device"},
		"long before they ran out of memory":           {status(oom), logs(earlier(finding.DiskFull)), []string{"oom-killed"}, "9 min before"},
		"of old lines the newest is said":              {status(oom), logs(line(finding.DiskFull, "", time.Hour), earlier(finding.DiskFull)), []string{"oom-killed"}, "9 min before"},
		"an old line and a new one":                    {status(crash), logs(earlier(finding.DiskFull), full), []string{"disk-full", "crash-loop"}, ""},
		"an old line and a check that sees it":         {status(crash), checks(logs(earlier(finding.DiskFull)), finding.DiskFull), []string{"disk-full", "crash-loop"}, ""},
		"an older trouble and a new one":               {status(unready, finding.Signal{Kind: finding.CrashLoop, Since: two.Add(-time.Hour)}), logs(earlier(finding.DiskFull)), []string{"crash-loop", "probe-failing"}, "9 min before"},
		"old words of too many connections":            {status(crash), logs(earlier(finding.DBConnections)), []string{"crash-loop"}, "9 min before"},
		"old words of a name":                          {status(unready), logs(earlier(finding.DNSFailing)), []string{"probe-failing"}, "9 min before"},
		"old words of a host":                          {status(unready), logs(earlier(finding.Unreachable)), []string{"probe-failing"}, "9 min before"},
		"old words of a service below":                 {status(unready), logs(earlier(finding.DependencyDown)), []string{"probe-failing"}, "9 min before"},
		"too many connections, but it answers now":     {status(crash), checks(logs(line(finding.DBConnections, "", 0)), finding.DBAnswers), []string{"crash-loop"}, "by now the database answers"},
		"refused, but it answers now":                  {status(crash), checks(logs(line(finding.Unreachable, "", 0)), finding.DBAnswers), []string{"crash-loop"}, "by now the database answers"},
		"refused, and nobody answers":                  {status(crash), logs(line(finding.DependencyDown, "Service/redis", 0)), []string{"dependency-down", "crash-loop"}, ""},
		"Redis refused, and the database answers":      {status(crash), checks(logs(line(finding.DependencyDown, "Service/redis", 0)), finding.DBAnswers), []string{"dependency-down", "crash-loop"}, ""},
		"Redis refused, but it answers now":            {status(crash), checks(logs(line(finding.DependencyDown, "Service/redis", 0)), finding.RedisAnswers), []string{"crash-loop"}, "by now Redis answers"},
		"the database refused, but it answers now":     {status(crash), checks(logs(line(finding.DependencyDown, "Service/postgres", 0)), finding.DBAnswers), []string{"crash-loop"}, "by now the database answers"},
		"refused, which a check says better":           {status(unready), checks(logs(line(finding.DependencyDown, "Service/redis", 0)), finding.RedisDown), []string{"redis-down", "probe-failing"}, ""},
		"the log says something else, and long before": {status(crash), logs(earlier(finding.LogErrors)), []string{"crash-loop"}, "earlier in the log, last at 13:53, 9 min before this began"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := diagnose.Diagnose(diagnose.Case{Service: backend, Findings: c.findings, Steps: c.steps, Below: []diagnose.Case{{Service: postgres, Findings: status()}, {Service: redis, Findings: status()}}})
			if diff := cmp.Diff(c.want, named(got)); diff != "" {
				t.Fatal(diff)
			}
			var said []string
			for i, h := range got {
				for _, line := range h.For {
					if strings.Contains(line.String(), "in the log") {
						said = append(said, line.String())
						if i > 0 {
							t.Errorf("%q does not stand under the first", line)
						}
					}
				}
			}
			if c.says == "" && len(said) > 0 || c.says != "" && (len(said) != 1 || !strings.Contains(said[0], c.says)) {
				t.Errorf("of the past is said %q, want %q", said, c.says)
			}
		})
	}
}

func TestAHealthyWorldHasNoHypothesisWhateverChanged(t *testing.T) {
	t.Parallel()
	good := steps(finding.Signal{Kind: finding.DBAnswers}, finding.Signal{Kind: finding.RedisAnswers}, finding.Signal{Kind: finding.DiskRoom}, finding.Signal{Kind: finding.LogErrors})
	c := diagnose.Case{Service: backend, Findings: append(status(), finding.Finding{Check: "events", Status: finding.Warn, Signals: []finding.Signal{{Kind: finding.ProbeFailing}}}, finding.Finding{Check: "rollout", Signals: []finding.Signal{{Kind: finding.RecentRollout, Revision: 7}}}),
		Steps: good, Changes: []finding.Change{{When: two, Kind: finding.ChangeRollout, Revision: 7}},
		Below: []diagnose.Case{{Service: postgres, Findings: status(), Steps: good}}}
	if got := diagnose.Diagnose(c); len(got) > 0 {
		t.Errorf("got %v", named(got))
	}
	want := []string{"all its pods are ready", "ready endpoints stand behind its Service", "its health URL answers", "all nodes under its pods are ready", "the database answers", "the disk has room", "Redis answers"}
	var said []string
	for _, r := range diagnose.RuledOut(c) {
		said = append(said, r.String())
	}
	if diff := cmp.Diff(want, said); diff != "" {
		t.Error(diff)
	}
}

func TestThePartOfTheSchedulersWordsThatTells(t *testing.T) {
	t.Parallel()
	for said, want := range map[string]string{
		"0/24 nodes are available: 1 node(s) had untolerated taint(s), 19 node(s) didn't match Pod's node affinity/selector, 4 Insufficient memory. preemption: 0/24 nodes are available: 24 Preemption is not helpful for scheduling.": "1 node(s) had untolerated taint(s), 4 Insufficient memory",
		"0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.": "3 node(s) didn't match Pod's node affinity/selector",
		"pod has unbound immediate PersistentVolumeClaims":                              "pod has unbound immediate PersistentVolumeClaims",
	} {
		got := diagnose.Diagnose(diagnose.Case{Service: backend, Findings: status(finding.Signal{Kind: finding.Pending, Count: 1, Of: 1, Detail: redact.Clean(said)})})
		if len(got) != 1 || got[0].Cause.String() != "the pod cannot be scheduled, "+want {
			t.Errorf("got %+v, want %q", got, want)
		}
	}
}

func TestTheProbeOfADatabaseSpeaksWhereNothingMayBeRunInIt(t *testing.T) {
	t.Parallel()
	down := func(said redact.Text) []finding.Finding {
		return status(finding.Signal{Kind: finding.NotReady, Count: 1, Of: 1}, finding.Signal{Kind: finding.ProbeFailing, Count: 1, Detail: said})
	}
	for name, c := range map[string]struct {
		svc  catalog.Service
		said redact.Text
		want string
	}{
		"a database without a response": {postgres, redact.Const("Readiness probe failed: 127.0.0.1:5432 - no response"), "db-refusing"},
		"a cache that loads":            {redis, redact.Const("Readiness probe failed: LOADING Redis is loading the dataset in memory"), "redis-down"},
		"a backend that answers 503":    {backend, redact.Const("Readiness probe failed: HTTP probe failed with statuscode: 503"), "probe-failing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := named(diagnose.Diagnose(diagnose.Case{Service: c.svc, Findings: down(c.said)})); len(got) == 0 || got[0] != c.want {
				t.Errorf("got %v, want %s first", got, c.want)
			}
		})
	}
}

func TestTwoCausesAreBothNamed(t *testing.T) {
	t.Parallel()
	got := named(diagnose.Diagnose(diagnose.Case{Service: backend,
		Findings: status(finding.Signal{Kind: finding.CrashLoop, Count: 2, Of: 3, Revision: 7}, finding.Signal{Kind: finding.RecentRollout, Revision: 7}, finding.Signal{Kind: finding.NotReady, Count: 1, Of: 3}),
		Below:    []diagnose.Case{{Service: redis, Findings: status(finding.Signal{Kind: finding.NotReady, Count: 1, Of: 1}), Steps: steps(finding.Signal{Kind: finding.RedisDown})}}}))
	if diff := cmp.Diff([]string{"bad-rollout", "redis/redis-down", "probe-failing"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestEvidenceForAndAgainst(t *testing.T) {
	t.Parallel()
	got := diagnose.Diagnose(diagnose.Case{Service: backend,
		Findings: status(finding.Signal{Kind: finding.CrashLoop, Count: 2, Of: 3, Revision: 7, Since: two}, finding.Signal{Kind: finding.RecentRollout, Revision: 7}),
		Steps:    steps(finding.Signal{Kind: finding.DBRefusing}, finding.Signal{Kind: finding.DBAnswers}, finding.Signal{Kind: finding.LogErrors, Detail: redact.Const("Cannot find module 'ethers'")}),
		Changes:  []finding.Change{{When: two.Add(-3 * time.Minute), Kind: finding.ChangeRollout, Revision: 7, Who: "helm", What: redact.Const("image backend 2.8.0 → 2.8.17")}}})
	first := redact.Join("\n", got[0].For...).String()
	for _, want := range []string{"revision 7", "rollout 7 at 13:59 by helm: image backend 2.8.0 → 2.8.17", "the log says: Cannot find module 'ethers'"} {
		if !strings.Contains(first, want) {
			t.Errorf("%q does not speak for the rollout:\n%s", want, first)
		}
	}
	if len(got) < 2 || got[1].Name != "db-refusing" || len(got[1].Against) != 1 || got[1].Against[0].String() != "the database answers" {
		t.Errorf("got %+v, want a database that answers spoken against its refusing", got)
	}
}

func TestSuspects(t *testing.T) {
	t.Parallel()
	change := func(k finding.ChangeKind, ago time.Duration, what redact.Text) finding.Change {
		return finding.Change{When: two.Add(-ago), Kind: k, Object: "Deployment/backend", Revision: 7, What: what}
	}
	rollout := change(finding.ChangeRollout, 10*time.Minute, redact.Const("image a → b"))
	scaled := change(finding.ChangeScale, time.Minute, redact.Const("replicas from 3 to 4"))
	emptied := change(finding.ChangeScale, 2*time.Minute, redact.Const("replicas from 3 to 0"))
	later := change(finding.ChangeRollout, -time.Minute, redact.Const("image b → c"))
	old := change(finding.ChangeRollout, 2*time.Hour, redact.Const("image 0 → a"))
	for name, c := range map[string]struct {
		changes []finding.Change
		began   time.Time
		want    []finding.Change
	}{
		"a rollout is worse than a newer scaling":  {[]finding.Change{scaled, rollout}, two, []finding.Change{rollout, scaled}},
		"a scaling to zero is not":                 {[]finding.Change{emptied, rollout}, two, []finding.Change{emptied, rollout}},
		"what came later or long before is none":   {[]finding.Change{later, old}, two, nil},
		"without a beginning everything may be it": {[]finding.Change{later, rollout, old}, time.Time{}, []finding.Change{later, rollout, old}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, diagnose.Suspects(c.changes, c.began)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := diagnose.Before(rollout, two).String(); got != "10 min before it began" {
		t.Errorf("got %q", got)
	}
	if got := diagnose.Headline(rollout).String(); got != "rollout 7 at 13:52" {
		t.Errorf("got %q", got)
	}
}
