package k8sops_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
)

func planRestart(t *testing.T, b testBundle, svc catalog.Service) plan.Plan {
	t.Helper()
	p, err := b.cluster.PlanRestart(t.Context(), svc)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func execute(t *testing.T, b testBundle, p plan.Plan, id string) k8sops.Result {
	t.Helper()
	r, err := b.cluster.Execute(t.Context(), p, id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func landed(t *testing.T, b testBundle, p plan.Plan, id string) k8sops.Landing {
	t.Helper()
	l, err := b.cluster.Landed(t.Context(), p, id)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func generation(t *testing.T, b testBundle, ref string) string {
	t.Helper()
	return b.world.Kubectl(t, "get", ref, "-o", "jsonpath={.metadata.generation}")
}

func TestRestartReplacesEveryPodOnceAndIsFoundAgain(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, name := range []string{"backend", "postgres-primary"} { // the StatefulSet has no annotations at all
		svc := b.world.Service(name)
		ref := strings.ToLower(svc.Workload.Kind) + "/" + svc.Workload.Name
		pods := b.world.Kubectl(t, "get", "pods", "-l", "app="+name, "-o", "jsonpath={.items[*].metadata.uid}")
		p := planRestart(t, b, svc)
		t.Logf("%s\n%s\nblast %+v\nwarnings %v\nundo %s", p.Command, p.Diff, p.Blast, p.Warnings, p.Undo)
		if got := landed(t, b, p, "a1"); got != k8sops.NotLanded {
			t.Errorf("%s: before the change Landed says %s", name, got)
		}
		r := execute(t, b, p, "a1")
		if r.Outcome != k8sops.Applied || r.ResourceVersion == "" || r.Generation != p.Generation+1 {
			t.Fatalf("%s: got %+v", name, r)
		}
		if got := landed(t, b, p, "a1"); got != k8sops.Landed {
			t.Errorf("%s: after the change Landed says %s", name, got)
		}
		var lines []string
		state, err := b.cluster.Rollout(t.Context(), p.Target, func(s k8sops.RolloutState) { lines = append(lines, s.Line.String()) })
		if err != nil || !state.Done || state.Failed {
			t.Fatalf("%s: rollout ended %+v, %v after %q", name, state, err, lines)
		}
		if len(lines) < 2 {
			t.Errorf("%s: told only %q of the rollout", name, lines)
		}
		left := b.world.Kubectl(t, "get", "pods", "-l", "app="+name, "--field-selector=status.phase=Running", "-o", "jsonpath={.items[*].metadata.uid}")
		for uid := range strings.FieldsSeq(pods) {
			if strings.Contains(left, uid) {
				t.Errorf("%s: pod %s of before still runs", name, uid)
			}
		}
		if out := b.world.Kubectl(t, "rollout", "status", ref, "--watch=false"); !strings.Contains(out, "successfully rolled out") && !strings.Contains(out, "complete") {
			t.Errorf("%s: kubectl disagrees: %s", name, out)
		}
	}
}

func TestPreconditionsRefuseOnTheServer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ref := "deployment/backend-deployment"
	tests := []struct {
		name  string
		plan  func(t *testing.T) plan.Plan
		spoil func(t *testing.T)
		says  string
	}{
		{
			name: "a pod template that somebody changed", plan: func(t *testing.T) plan.Plan { return planRestart(t, b, b.backend) },
			spoil: func(t *testing.T) { b.world.Kubectl(t, "set", "env", ref, "SOME=thing") }, says: "/spec/template",
		},
		{
			name: "a restart by somebody else", plan: func(t *testing.T) plan.Plan { return planRestart(t, b, b.backend) },
			spoil: func(t *testing.T) { b.world.Kubectl(t, "rollout", "restart", ref) }, says: "/spec/template",
		},
		{
			name: "a number of replicas that somebody changed",
			plan: func(t *testing.T) plan.Plan {
				p, err := b.cluster.PlanScale(t.Context(), b.backend, 5)
				if err != nil {
					t.Fatal(err)
				}
				return p
			},
			spoil: func(t *testing.T) { b.world.Kubectl(t, "scale", ref, "--replicas=4") }, says: "/spec/replicas",
		},
		{
			name: "a voided approval", plan: func(t *testing.T) plan.Plan { return planRestart(t, b, b.backend) },
			spoil: func(t *testing.T) { voidTwice(t, b, planRestart(t, b, b.backend).Target, "spoiled") }, says: "voided",
		},
	}
	for _, tt := range tests { // one after the other: they share the object
		t.Run(tt.name, func(t *testing.T) {
			p := tt.plan(t)
			tt.spoil(t)
			before := generation(t, b, ref)
			r := execute(t, b, p, "spoiled")
			if r.Outcome != k8sops.Refused || r.Kind != k8sops.Conflict || !strings.Contains(r.Message.String(), tt.says) {
				t.Errorf("got %s %s: %s, want a conflict over %s", r.Outcome, r.Kind, r.Message, tt.says)
			}
			if after := generation(t, b, ref); after != before {
				t.Errorf("generation went from %s to %s", before, after)
			}
			if got := landed(t, b, p, "spoiled"); got != k8sops.NotLanded {
				t.Errorf("Landed says %s", got)
			}
		})
	}
}

func voidTwice(t *testing.T, b testBundle, target plan.Target, id string) {
	t.Helper()
	for range 2 {
		if err := b.cluster.Void(t.Context(), plan.Plan{Target: target}, id); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAnObjectMadeAnewIsNeverChanged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := planRestart(t, b, b.backend)
	manifest := b.world.Kubectl(t, "get", "deployment", "backend-deployment", "-o", "json")
	b.world.Kubectl(t, "delete", "deployment", "backend-deployment", "--wait")
	if got := landed(t, b, p, "a2"); got != k8sops.Gone {
		t.Errorf("of a deleted object Landed says %s", got)
	}
	if err := b.cluster.Void(t.Context(), p, "a2"); k8sops.KindOf(err) != k8sops.NotFound {
		t.Errorf("voiding on a deleted object: %v", err)
	}
	if r := execute(t, b, p, "a2"); r.Outcome != k8sops.Refused || r.Kind != k8sops.NotFound {
		t.Errorf("executing on a deleted object: %+v", r)
	}
	b.world.Apply(t, manifest)
	r := execute(t, b, p, "a2")
	if r.Outcome != k8sops.Refused || r.Kind != k8sops.Conflict || !strings.Contains(r.Message.String(), "made anew") {
		t.Errorf("executing on another object of the same name: %s %s: %s", r.Outcome, r.Kind, r.Message)
	}
	if err := b.cluster.Void(t.Context(), p, "a2"); k8sops.KindOf(err) != k8sops.Conflict {
		t.Errorf("voiding on another object of the same name: %v", err)
	}
	if got := landed(t, b, p, "a2"); got != k8sops.Gone {
		t.Errorf("of another object of the same name Landed says %s", got)
	}
	if _, err := b.cluster.PlanUndo(t.Context(), b.backend, p, "a2"); k8sops.KindOf(err) != k8sops.Conflict {
		t.Errorf("undo on another object of the same name: %v", err)
	}
}

func TestChangesThatDoNotMatterDoNotRefuse(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := planRestart(t, b, b.backend)
	b.world.Kubectl(t, "annotate", "deployment/backend-deployment", "example.com/note=changed")
	b.world.Kubectl(t, "scale", "deployment/backend-deployment", "--replicas=2") // as an autoscaler does
	again, err := b.cluster.Replan(t.Context(), b.backend, p)
	if err != nil {
		t.Fatal(err)
	}
	if again.Digest() != p.Digest() {
		t.Errorf("an annotation and a scale changed the plan: %s", cmp.Diff(p, again))
	}
	if r := execute(t, b, p, "a3"); r.Outcome != k8sops.Applied {
		t.Errorf("got %s: %s", r.Outcome, r.Message)
	}
}

func TestAPlanFromStorageIsNotExecuted(t *testing.T) {
	t.Parallel()
	b := looking(t)
	p := planRestart(t, b, b.backend)
	stored := p
	stored.Patch = append([]plan.Operation{}, p.Patch...)
	stored.Patch[len(stored.Patch)-1].Value = nil
	before := generation(t, b, "deployment/backend-deployment")
	if r, err := b.cluster.Execute(t.Context(), stored, "a4"); err == nil || r.Outcome != k8sops.Refused {
		t.Errorf("without values: %+v, %v", r, err)
	}
	swapped := p
	swapped.Patch = append([]plan.Operation{}, p.Patch...)
	swapped.Patch[len(swapped.Patch)-1].Value = []byte(`"something else"`)
	if r, err := b.cluster.Execute(t.Context(), swapped, "a4"); err == nil || r.Outcome != k8sops.Refused {
		t.Errorf("with another value than was approved: %+v, %v", r, err)
	}
	unbound := p
	unbound.Preconditions = p.Preconditions[1:]
	if r, err := b.cluster.Execute(t.Context(), unbound, "a4"); err == nil || r.Outcome != k8sops.Refused {
		t.Errorf("without the test on the UID: %+v, %v", r, err)
	}
	if r, err := b.cluster.Execute(t.Context(), p, "../a4"); err == nil || r.Outcome != k8sops.Refused {
		t.Errorf("with an ID that is no annotation key: %+v, %v", r, err)
	}
	if after := generation(t, b, "deployment/backend-deployment"); after != before {
		t.Errorf("generation went from %s to %s", before, after)
	}
}

// faulty stands between client and server and does to PATCH calls, or those of another method, what networks do.
type faulty struct {
	next   http.RoundTripper
	method atomic.Value
	mode   atomic.Value  // "", "lose answer", "hold", "refuse connection"
	held   chan struct{} // closed when a held call may go on
	sent   atomic.Int64
}

func (f *faulty) RoundTrip(r *http.Request) (*http.Response, error) {
	mode, _ := f.mode.Load().(string)
	method, ok := f.method.Load().(string)
	if !ok {
		method = http.MethodPatch
	}
	if r.Method != method || strings.Contains(r.URL.RawQuery, "dryRun") || strings.Contains(r.Header.Get("Content-Type"), "merge-patch") || mode == "" {
		return f.next.RoundTrip(r)
	}
	switch mode {
	case "refuse connection":
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
	case "hold":
		<-f.held
		r = r.WithContext(context.WithoutCancel(r.Context())) // its sender is long gone; the bytes are still under way
	}
	f.sent.Add(1)
	answer, err := f.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	_, err = io.Copy(io.Discard, answer.Body)
	return nil, errors.Join(fmt.Errorf("connection reset by peer"), err, answer.Body.Close())
}

func faultyCluster(t *testing.T, b testBundle) (*faulty, testBundle) {
	t.Helper()
	f := &faulty{held: make(chan struct{})}
	cfg := botConfig(t, b.world)
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { f.next = next; return f })
	b.cluster = open(t, rest.CopyConfig(cfg), k8sops.Options{CallTimeout: 2 * time.Second})
	return f, b
}

func TestALostAnswerIsUnknownUntilVoidAndLandedTellTheTruth(t *testing.T) {
	t.Parallel()
	f, b := faultyCluster(t, setup(t))
	p := planRestart(t, b, b.backend)
	f.mode.Store("lose answer")
	if r := execute(t, b, p, "lost"); r.Outcome != k8sops.UnknownOutcome || r.Message.Empty() {
		t.Errorf("got %s: %s", r.Outcome, r.Message)
	}
	if n := f.sent.Load(); n != 1 {
		t.Errorf("the change was sent %d times", n)
	}
	voidTwice(t, b, p.Target, "lost")
	if got := landed(t, b, p, "lost"); got != k8sops.Landed {
		t.Errorf("Landed says %s", got)
	}
	// Another approval's change does not hide that this one landed.
	f.mode.Store("")
	if r := execute(t, b, planRestart(t, b, b.backend), "next"); r.Outcome != k8sops.Applied {
		t.Fatalf("the next change: %s", r.Message)
	}
	if got := landed(t, b, p, "lost"); got != k8sops.Landed {
		t.Errorf("after another change Landed says %s", got)
	}
}

func TestALateCallCannotLandAfterVoid(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"backend", "redis-master"} { // the second has no annotations before
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f, b := faultyCluster(t, setup(t))
			p := planRestart(t, b, b.world.Service(name))
			f.mode.Store("hold")
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			defer cancel()
			done := make(chan k8sops.Result, 1)
			go func() {
				r, err := b.cluster.Execute(ctx, p, "late")
				if err != nil {
					t.Error(err)
				}
				done <- r
			}()
			<-ctx.Done() // the sender has given up; its call is still on the way
			voidTwice(t, b, p.Target, "late")
			if got := landed(t, b, p, "late"); got != k8sops.NotLanded {
				t.Errorf("Landed says %s", got)
			}
			close(f.held)
			if r := <-done; r.Outcome != k8sops.UnknownOutcome {
				t.Errorf("got %s: %s", r.Outcome, r.Message)
			}
			if n := f.sent.Load(); n != 1 {
				t.Fatalf("the late call was sent %d times", n)
			}
			if got := landed(t, b, p, "late"); got != k8sops.NotLanded {
				t.Errorf("after the late call Landed says %s", got)
			}
		})
	}
}

func TestACallThatNeverLeftIsRefused(t *testing.T) {
	t.Parallel()
	f, b := faultyCluster(t, looking(t))
	p := planRestart(t, b, b.backend)
	f.mode.Store("refuse connection")
	if r := execute(t, b, p, "unsent"); r.Outcome != k8sops.Refused || r.Kind != k8sops.Unreachable {
		t.Errorf("got %s %s: %s", r.Outcome, r.Kind, r.Message)
	}
}

func TestTwoAtOnceChangeOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := planRestart(t, b, b.backend)
	results := make(chan k8sops.Result, 8)
	for range cap(results) {
		go func() {
			r, err := b.cluster.Execute(context.WithoutCancel(t.Context()), p, "twin")
			if err != nil {
				t.Error(err)
			}
			results <- r
		}()
	}
	applied := 0
	for range cap(results) {
		switch r := <-results; r.Outcome {
		case k8sops.Applied:
			applied++
		case k8sops.UnknownOutcome:
			t.Errorf("unknown: %s", r.Message)
		}
	}
	if applied != 1 {
		t.Errorf("%d of %d calls were applied", applied, cap(results))
	}
}
