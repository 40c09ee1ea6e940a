package handlers_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// asked is a runner of steps that answers by the operation's name, with that of its object or without, ok where nothing else is said.
type asked struct {
	answers map[string]func(ctx context.Context) finding.Report

	mu      sync.Mutex
	ran     []string // SERVICE: OPERATION KIND ARGS
	now, at int      // steps under way, and the most that were
}

func (a *asked) Bind(_ context.Context, svc catalog.Service, step runbook.Step, _ runbook.Values) ([]runbook.Step, []runbook.Hole, error) {
	values := runbook.ServiceValues(svc)
	var out []runbook.Step
	for _, pod := range []string{"pod-a", "pod-b"} {
		values["pod-name"] = pod
		s, err := runbook.Bind(step, svc, values)
		if err != nil {
			return nil, step.Holes(), nil
		}
		out = append(out, s)
		if !slices.ContainsFunc(step.Holes(), func(h runbook.Hole) bool { return h.Name == "pod-name" }) {
			break
		}
	}
	return out, nil, nil
}

func (a *asked) Run(ctx context.Context, svc catalog.Service, step runbook.Step) finding.Report {
	a.mu.Lock()
	a.now++
	a.at = max(a.at, a.now)
	a.ran = append(a.ran, fmt.Sprintf("%s: %s %s", svc.Name, step.Operation, step.Operation.Get("name")))
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		a.now--
		a.mu.Unlock()
	}()
	if answer := a.answers[step.Operation.Name+" "+step.Operation.Get("name")]; answer != nil {
		return answer(ctx)
	}
	if answer := a.answers[step.Operation.Name]; answer != nil {
		return answer(ctx)
	}
	return finding.Report{Finding: finding.Finding{Check: step.Operation.Name, Status: finding.OK, Line: redact.Const("as it should be")}, Raw: redact.F("raw of %s", step.Operation.Name)}
}

// triaging is a desk with the shipped runbook, a backend that depends on postgres, and a runner of steps.
func triaging(t *testing.T) (*testBundle, *asked) {
	t.Helper()
	book, err := os.ReadFile("../runbooks/service-down.md")
	if err != nil {
		t.Fatal(err)
	}
	b := setup(t)
	a := &asked{answers: map[string]func(context.Context) finding.Report{}}
	b.Config.Checks = a
	b.Config.Runbooks = library(t, map[string]string{"service-down.md": string(book)}, "")
	b.catalog.Services[0].Kind = "backend"
	b.catalog.Services[0].DependsOn = []string{"postgres"}
	b.catalog.Services = append(b.catalog.Services, catalog.Service{Name: "postgres", Kind: "database", Cluster: "prod", Namespace: "shop", Workload: catalog.Workload{Kind: "StatefulSet", Name: "postgres-primary"}})
	return b, a
}

func answered(f finding.Finding) func(context.Context) finding.Report {
	return func(context.Context) finding.Report { return finding.Report{Finding: f, Raw: redact.F("%s", f.Line)} }
}

// last is the last state of the first card that was posted, and what came after it.
func (b *testBundle) last(t *testing.T) (c card.Card, details card.Card, file card.File) {
	t.Helper()
	for _, m := range b.chat.all() {
		switch {
		case m.op == "upload":
			file = m.file
		case m.op == "say" && strings.HasPrefix(m.card.Title.String(), "Details"):
			details = m.card
		case m.op == "say" || m.op == "update":
			c = m.card
		}
	}
	return c, details, file
}

func TestTriageRunsEveryReadingStepOnceAndNoOther(t *testing.T) {
	t.Parallel()
	b, a := triaging(t)
	b.says(t, "alice", "triage backend")
	slices.Sort(a.ran)
	want := []string{
		"backend: describe nodes ", "backend: describe pods pod-a", "backend: describe pods pod-b", "backend: exec curl deployments backend-deployment",
		"backend: exec node deployments backend-deployment", "backend: exec psql deployments backend-deployment", "backend: exec redis-cli deployments backend-deployment",
		"backend: get configmaps web3-marketplace-config", "backend: get endpoints backend-service", "backend: get events ", "backend: get networkpolicies ", "backend: get persistentvolumes,persistentvolumeclaims ", "backend: get pods ",
		"backend: logs deployments backend-deployment", "backend: logs pods pod-a", "backend: logs pods pod-b", "backend: logs statefulsets postgres-primary", "backend: rollout status deployments backend-deployment",
		"backend: secret references web3-marketplace-secrets", "backend: top pods ",
		"postgres: exec df statefulsets postgres-primary", "postgres: exec pg_isready statefulsets postgres-primary", "postgres: exec psql statefulsets postgres-primary",
	}
	if diff := cmp.Diff(want, a.ran); diff != "" {
		t.Error(diff)
	}
	if a.at > 12 {
		t.Errorf("%d steps ran at the same time", a.at)
	}
	c, details, file := b.last(t)
	if c.State != card.OK || !strings.Contains(c.Verdict.String(), "backend is well") {
		t.Errorf("got %s %q", c.State, c.Verdict)
	}
	if len(details.Parts) == 0 {
		t.Error("no details in the thread")
	}
	if lack := lacks(file.Content.String(), "$ kubectl get pods", "raw of exec df", "# pod-b"); lack != nil {
		t.Errorf("the file lacks %q:\n%s", lack, file.Content)
	}
}

// What changes something, tells people, is done by hand or is refused stands beside checks in any runbook, and so does the same check twice.
func TestTriageRunsChecksAloneEachOnceTwelveAtATime(t *testing.T) {
	t.Parallel()
	b, a := triaging(t)
	var book strings.Builder
	book.WriteString("# Down\n\n## Immediate\n\n```bash\nkubectl delete pod <pod-name>\nkubectl edit deployment/x\nkubectl get pods && reboot\n" +
		"curl -X POST --data '{\"text\":\"down\"}' $SLACK_WEBHOOK_URL\nkubectl get pods -l n=1\n")
	for n := range 30 {
		fmt.Fprintf(&book, "kubectl get pods -l n=%d\n", n)
	}
	book.WriteString("```\n")
	b.Config.Runbooks = library(t, map[string]string{"service-down.md": book.String()}, "")
	thirteen, arrived := make(chan struct{}), atomic.Int32{}
	a.answers["get"] = func(ctx context.Context) finding.Report {
		if arrived.Add(1) == 13 {
			close(thirteen)
		}
		select {
		case <-thirteen:
		case <-time.After(100 * time.Millisecond): // with twelve at a time the thirteenth never comes meanwhile
		}
		return finding.Report{Finding: finding.Finding{Check: "get pods", Status: finding.OK, Line: redact.Const("as it should be")}}
	}
	b.says(t, "alice", "triage backend")
	if got := slices.Compact(slices.Sorted(slices.Values(a.ran))); len(a.ran) != 30 || !slices.Equal(got, []string{"backend: get pods "}) {
		t.Errorf("%d steps ran, want 30 of get pods: %q", len(a.ran), got)
	}
	if a.at > 12 {
		t.Errorf("%d steps ran at the same time", a.at)
	}
}

func TestTriageOffersWhatHelpsFirst(t *testing.T) {
	t.Parallel()
	refused := finding.Finding{Check: "exec pg_isready", Status: finding.Fail, Line: redact.Const("no response"), Signals: []finding.Signal{{Kind: finding.DBRefusing, Object: "StatefulSet/postgres-primary"}}}
	for name, c := range map[string]struct {
		set     func(*testBundle, *asked)
		verdict []string
		buttons []string
	}{
		"a crash after a rollout": {func(b *testBundle, _ *asked) { b.cluster.findings, b.cluster.changed = crashing, rolledOut },
			[]string{"2 of 3 pods crash since 11:55", "after rollout 7"}, []string{"rollback backend", "restart postgres"}},
		"a database below": {func(_ *testBundle, a *asked) { a.answers["exec pg_isready"] = answered(refused) },
			[]string{"postgres, on which backend depends: the database refuses connections"}, []string{"restart postgres", "triage postgres"}},
		"both": {func(b *testBundle, a *asked) {
			b.cluster.findings, b.cluster.changed = crashing, rolledOut
			a.answers["exec pg_isready"] = answered(refused)
		}, []string{"2 of 3 pods crash"}, []string{"rollback backend"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, a := triaging(t)
			c.set(b, a)
			b.says(t, "alice", "triage backend")
			got, _, _ := b.last(t)
			if lack := lacks(got.Verdict.String(), c.verdict...); lack != nil {
				t.Errorf("%q lacks %q", got.Verdict, lack)
			}
			first := got.Buttons[0]
			if first.Verb+" "+first.Value != c.buttons[0] || first.Style != card.Primary {
				t.Errorf("got %+v first, want %s", first, c.buttons[0])
			}
			if first.Confirm != nil {
				t.Error("it asks before it asks others")
			}
		})
	}
}

func TestATriageEndsInTimeWhateverHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b, a := triaging(t)
		free := make(chan struct{})
		defer close(free)
		a.answers["describe"] = func(context.Context) finding.Report { <-free; return finding.Report{} } // and does not heed its context
		a.answers["top"] = func(ctx context.Context) finding.Report { <-ctx.Done(); return finding.Report{} }
		begin := time.Now()
		b.says(t, "alice", "triage backend")
		if took := time.Since(begin); took > 10*time.Second {
			t.Errorf("took %s", took)
		}
		c, details, _ := b.last(t)
		if c.State == card.Running {
			t.Error("the card still runs")
		}
		late := 0
		for _, p := range details.Parts {
			for _, f := range p.Findings {
				if f.Status == finding.Unknown && strings.Contains(f.Line.String(), "No answer within") && !f.Fix.Empty() {
					late++
				}
			}
		}
		if late == 0 {
			t.Errorf("what did not answer is not said: %+v", details)
		}
		progress := 0
		for _, m := range b.chat.all() {
			if m.card.State == card.Running && strings.Contains(m.card.Verdict.String(), "Triage of backend: ") && len(m.card.Parts) > 0 {
				progress++
			}
		}
		if progress < 3 {
			t.Errorf("the card filled %d times in 9 s", progress)
		}
	})
}

func TestWhatACrashingProcessWroteLastIsEvidence(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		log  redact.Text
		want []string
	}{
		"a reason":    {redact.Const("starting\nError: Cannot find module 'ethers'\n    at Module.require"), []string{"after rollout 7", "the log says: Error: Cannot find module 'ethers'"}},
		"a full disk": {redact.Const("PANIC:  could not write to file: No space left on device\nLOG:  database system is shut down"), []string{"the disk of Pod/backend-1 is full"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b, _ := triaging(t)
			b.catalog.Services[0].DependsOn = nil
			b.cluster.findings, b.cluster.changed = crashing, rolledOut
			b.cluster.logs = func() (k8sops.LogResult, error) { return k8sops.LogResult{Pod: "backend-1", Text: c.log}, nil }
			b.says(t, "alice", "triage backend")
			got, _, _ := b.last(t)
			if lack := lacks(got.Verdict.String()+"\n"+got.Parts[0].Text.String(), c.want...); lack != nil {
				t.Errorf("%q\n%q lacks %q", got.Verdict, got.Parts[0].Text, lack)
			}
			// What it wrote days before it died is no reason.
			if r := b.cluster.logged.Load(); !r.Previous || r.Within != time.Minute {
				t.Errorf("asked for %+v", r)
			}
		})
	}
}

func TestADefectInOneStepEndsNothingElse(t *testing.T) {
	t.Parallel()
	b, a := triaging(t)
	a.answers["top"] = func(context.Context) finding.Report { panic("a defect of ours") }
	b.says(t, "alice", "triage backend")
	_, details, _ := b.last(t)
	said := fmt.Sprint(details.Parts)
	if lack := lacks(said, "a defect of svcdown's own"); lack != nil || strings.Contains(said, "a defect of ours") {
		t.Errorf("got %s", said)
	}
}

func TestTriageWithoutARunbookStillReadsTheStatus(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cluster.findings, b.cluster.changed = crashing, rolledOut
	b.says(t, "alice", "triage backend")
	c, _, file := b.last(t)
	if !strings.Contains(c.Verdict.String(), "after rollout 7") || !file.Content.Empty() {
		t.Errorf("got %q and the file %q", c.Verdict, file.Content)
	}
}
