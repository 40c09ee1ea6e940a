package k8sops_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
)

func planDelete(t *testing.T, b testBundle, service, pod string) plan.Plan {
	t.Helper()
	p, err := b.cluster.PlanDeletePod(t.Context(), b.world.Service(service), pod)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mark(t *testing.T, b testBundle, p plan.Plan, id string) k8sops.Result {
	t.Helper()
	r, err := b.cluster.Mark(t.Context(), p, id)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func void(t *testing.T, b testBundle, p plan.Plan, id string) {
	t.Helper()
	if err := b.cluster.Void(t.Context(), p, id); err != nil {
		t.Fatal(err)
	}
}

func uidOf(t *testing.T, b testBundle, ref string) string {
	t.Helper()
	return b.world.Kubectl(t, "get", ref, "-o", "jsonpath={.metadata.uid}")
}

func TestADeletedPodIsMadeAnewAndFoundReady(t *testing.T) {
	t.Parallel()
	b := setup(t)
	svc := b.world.Service("postgres-primary")
	p := planDelete(t, b, "postgres-primary", "")
	if p.Target.Kind != "Pod" || p.Target.Name != "postgres-primary-0" || !p.Removes() || !p.Undo.Empty() {
		t.Errorf("the plan is for %s, undo %q", p.Target, p.Undo)
	}
	if !p.Blast.LastHealthy {
		t.Error("the only replica is not called the last healthy one")
	}
	again, err := b.cluster.Replan(t.Context(), svc, stored(t, p))
	if err != nil || again.Digest() != p.Digest() {
		t.Fatalf("made again it is another plan: %v", err)
	}
	if r := execute(t, b, again, "d1"); r.Outcome != k8sops.Refused || !strings.Contains(r.Message.String(), "mark") {
		t.Errorf("without the mark: %s: %s", r.Outcome, r.Message)
	}
	if r := mark(t, b, again, "d1"); r.Outcome != k8sops.Applied {
		t.Fatalf("mark: %s: %s", r.Outcome, r.Message)
	}
	if got := landed(t, b, p, "d1"); got != k8sops.NotLanded {
		t.Errorf("of a marked pod Landed says %s", got)
	}
	if r := execute(t, b, again, "d1"); r.Outcome != k8sops.Applied {
		t.Fatalf("delete: %s: %s", r.Outcome, r.Message)
	}
	state, err := b.cluster.Follow(t.Context(), svc, p)
	if err != nil || !state.Done || state.Desired != 1 {
		t.Errorf("follow: %+v, %v", state, err)
	}
	if now := uidOf(t, b, "pod/postgres-primary-0"); now == p.Target.UID {
		t.Error("the pod is still the same one")
	}
	if got := landed(t, b, p, "d1"); got != k8sops.Gone {
		t.Errorf("afterwards Landed says %s", got)
	}
	// The same call, arriving again, must not take the new pod.
	if r := execute(t, b, again, "d1"); r.Outcome != k8sops.Refused {
		t.Errorf("a second call: %s", r.Outcome)
	}
}

func TestThePlanSaysWhatTheEndOfAPodTakesWithIt(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.world.Kubectl(t, "patch", "statefulset/redis-master", "-p", `{"spec":{"template":{"spec":{"volumes":[{"name":"scratch","emptyDir":{}}]}}}}`)
	b.world.Kubectl(t, "rollout", "status", "statefulset/redis-master", "--timeout=60s")
	svc := b.world.Service("redis-master")
	svc.Kind = "redis"
	planned := func() plan.Plan {
		p, err := b.cluster.PlanDeletePod(t.Context(), svc, "")
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	p := planned()
	if diff := cmp.Diff([]string{"scratch"}, p.Blast.EmptyDir); diff != "" {
		t.Error(diff)
	}
	if p.Blast.Desired != 1 || p.Blast.Ready != 1 || !p.Blast.LastHealthy {
		t.Errorf("replicas: %+v", p.Blast)
	}
	if !strings.HasPrefix(p.Blast.LastSave, "2025-11-24 16:00:00 UTC, ") || !strings.HasSuffix(p.Blast.LastSave, " ago") {
		t.Errorf("the last save is %q", p.Blast.LastSave)
	}
	if warned := fmt.Sprint(p.Warnings); !strings.Contains(warned, "No ready replica is left") || !strings.Contains(warned, "stays.") {
		t.Errorf("warnings: %s", warned)
	}
	// A Redis that does not answer cannot say what it would lose: the plan says that instead of nothing.
	b.world.Break(t, "redis-master", "redis-down")
	eventually(t, "a Redis that does not answer", func() bool {
		p = planned()
		return p.Blast.LastSave == "not known"
	})
	if warned := fmt.Sprint(p.Warnings); !strings.Contains(warned, "When it last saved to disk is not known: ") {
		t.Errorf("warnings: %s", warned)
	}
}

func TestALateDeleteCannotLandAfterVoid(t *testing.T) {
	t.Parallel()
	f, b := faultyCluster(t, setup(t))
	p := planDelete(t, b, "redis-master", "redis-master-0")
	if r := mark(t, b, p, "late"); r.Outcome != k8sops.Applied {
		t.Fatalf("mark: %s: %s", r.Outcome, r.Message)
	}
	f.method.Store(http.MethodDelete)
	f.mode.Store("hold")
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
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
	void(t, b, p, "late")
	void(t, b, p, "late")
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
	if now := uidOf(t, b, "pod/redis-master-0"); now != p.Target.UID {
		t.Error("the late call deleted the pod")
	}
	if b.world.Kubectl(t, "get", "pod/redis-master-0", "-o", "jsonpath={.metadata.deletionTimestamp}") != "" {
		t.Error("the late call began to delete the pod")
	}
	f.mode.Store("")
	if r := mark(t, b, p, "late"); r.Outcome != k8sops.Refused || !strings.Contains(r.Message.String(), "voided") {
		t.Errorf("a late mark: %s: %s", r.Outcome, r.Message)
	}
	if r := execute(t, b, p, "late"); r.Outcome != k8sops.Refused || !strings.Contains(r.Message.String(), "voided") {
		t.Errorf("a bot that wakes up after the void: %s: %s", r.Outcome, r.Message)
	}
}

func TestALostDeleteIsFoundByItsMarkWhileThePodEnds(t *testing.T) {
	t.Parallel()
	f, b := faultyCluster(t, setup(t))
	// A finalizer keeps the ending pod in sight, as a long grace period does.
	b.world.Kubectl(t, "patch", "pod/redis-master-0", "--type=merge", "-p", `{"metadata":{"finalizers":["example.com/hold"]}}`)
	release := func() {
		b.world.Kubectl(t, "patch", "pod/redis-master-0", "--type=merge", "-p", `{"metadata":{"finalizers":null}}`)
	}
	p := planDelete(t, b, "redis-master", "redis-master-0")
	mark(t, b, p, "mine")
	f.method.Store(http.MethodDelete)
	f.mode.Store("lose answer")
	if r := execute(t, b, p, "mine"); r.Outcome != k8sops.UnknownOutcome {
		t.Errorf("got %s: %s", r.Outcome, r.Message)
	}
	void(t, b, p, "mine")
	if got := landed(t, b, p, "mine"); got != k8sops.Landed {
		t.Errorf("Landed says %s", got)
	}
	if got := landed(t, b, p, "other"); got != k8sops.NotLanded {
		t.Errorf("of an approval that never marked it, Landed says %s", got)
	}
	if r := mark(t, b, p, "other"); r.Outcome != k8sops.Refused {
		t.Errorf("a pod that ends was marked: %s", r.Outcome)
	}
	if _, err := b.cluster.PlanDeletePod(t.Context(), b.world.Service("redis-master"), "redis-master-0"); k8sops.KindOf(err) != k8sops.Conflict {
		t.Errorf("a plan for a pod that ends: %v", err)
	}
	release()
}

func TestPodsThatAreNotDeleted(t *testing.T) {
	t.Parallel()
	b := looking(t)
	for name, c := range map[string]struct {
		svc  catalog.Service
		pod  string
		kind k8sops.Kind
		says string
	}{
		"a pod of a Deployment":     {b.backend, "", k8sops.Unsupported, "restart backend"},
		"a pod that is not there":   {b.world.Service("redis-master"), "redis-master-7", k8sops.NotFound, "redis-master-0"},
		"a pod of another workload": {b.world.Service("redis-master"), "postgres-primary-0", k8sops.NotFound, "There are: redis-master-0"},
	} {
		_, err := b.cluster.PlanDeletePod(t.Context(), c.svc, c.pod)
		if k8sops.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
