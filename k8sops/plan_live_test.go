package k8sops_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

func finish(t *testing.T, b testBundle, p plan.Plan, id string) {
	t.Helper()
	if r := execute(t, b, p, id); r.Outcome != k8sops.Applied {
		t.Fatalf("%s: %s", r.Outcome, r.Message)
	}
	if s, err := b.cluster.Rollout(t.Context(), p.Target, nil); err != nil || !s.Done {
		t.Fatalf("rollout: %+v, %v", s, err)
	}
}

func TestScaleAndItsUndo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p, err := b.cluster.PlanScale(t.Context(), b.backend, 5)
	if err != nil {
		t.Fatal(err)
	}
	if want := "- spec.replicas: 3\n+ spec.replicas: 5"; p.Diff.String() != want {
		t.Errorf("diff\n%s\nwant\n%s", p.Diff, want)
	}
	want := "kubectl --context sandbox -n " + b.world.Namespace + " scale deployment/backend-deployment --current-replicas=3 --replicas=5"
	if p.Command != want {
		t.Errorf("command\n%s\nwant\n%s", p.Command, want)
	}
	finish(t, b, p, "s1")
	undo, err := b.cluster.PlanUndo(t.Context(), b.backend, stored(t, p), "s1")
	if err != nil {
		t.Fatal(err)
	}
	if undo.Action != catalog.Undo || undo.Reverts != "s1" {
		t.Errorf("undo is %s of %q", undo.Action, undo.Reverts)
	}
	again, err := b.cluster.Replan(t.Context(), b.backend, stored(t, undo))
	if err != nil || again.Digest() != undo.Digest() {
		t.Errorf("the undo made again is another one: %v", err)
	}
	finish(t, b, again, "s2")
	if got := b.world.Kubectl(t, "get", "deployment/backend-deployment", "-o", "jsonpath={.spec.replicas}"); got != "3" {
		t.Errorf("after the undo there are %s replicas", got)
	}
	if _, err := b.cluster.PlanUndo(t.Context(), b.backend, p, "s1"); k8sops.KindOf(err) != k8sops.Conflict {
		t.Errorf("a second undo of the same change: %v", err)
	}
	redo, err := b.cluster.PlanUndo(t.Context(), b.backend, again, "s2")
	if err != nil {
		t.Fatalf("the undo of the undo: %v", err)
	}
	if want := "- spec.replicas: 3\n+ spec.replicas: 5"; redo.Diff.String() != want {
		t.Errorf("the undo of the undo would do\n%s", redo.Diff)
	}
}

// stored is the plan as the database gives it back: without values.
func stored(t *testing.T, p plan.Plan) plan.Plan {
	t.Helper()
	raw, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var out plan.Plan
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPlansThatAreRefused(t *testing.T) {
	t.Parallel()
	b := setup(t)
	frontend := b.world.Service("frontend")
	missing := b.backend
	missing.Workload.Name = "nothing-here"
	wrong := b.backend
	wrong.Workload.Kind = "CronJob"
	tests := []struct {
		name string
		plan func() (plan.Plan, error)
		kind k8sops.Kind
		says string
	}{
		{"scale to the number there is", func() (plan.Plan, error) { return b.cluster.PlanScale(t.Context(), b.backend, 3) }, k8sops.Empty, "3 replicas already"},
		{"scale below zero", func() (plan.Plan, error) { return b.cluster.PlanScale(t.Context(), b.backend, -1) }, k8sops.Invalid, "-1"},
		{"scale under an autoscaler", func() (plan.Plan, error) { return b.cluster.PlanScale(t.Context(), frontend, 4) }, k8sops.HPA, `patch hpa frontend-hpa --type=merge -p '{"spec":{"minReplicas":4}}'`},
		{"roll back to a revision there is not", func() (plan.Plan, error) { return b.cluster.PlanRollback(t.Context(), b.backend, 99) }, k8sops.NotFound, "[2 1]"},
		{"roll back to the revision that runs", func() (plan.Plan, error) { return b.cluster.PlanRollback(t.Context(), b.backend, 2) }, k8sops.Empty, "already"},
		{"roll back a StatefulSet", func() (plan.Plan, error) {
			return b.cluster.PlanRollback(t.Context(), b.world.Service("redis-master"), 0)
		}, k8sops.Unsupported, "rollout undo statefulset/redis-master"},
		{"restart what does not exist", func() (plan.Plan, error) { return b.cluster.PlanRestart(t.Context(), missing) }, k8sops.NotFound, "nothing-here"},
		{"restart what is no workload", func() (plan.Plan, error) { return b.cluster.PlanRestart(t.Context(), wrong) }, k8sops.Unsupported, "CronJob"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := tt.plan()
			if k8sops.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("got %q: %v, want %q with %q", k8sops.KindOf(err), err, tt.kind, tt.says)
			}
		})
	}
	b.world.Kubectl(t, "rollout", "pause", "deployment/backend-deployment")
	if _, err := b.cluster.PlanRestart(t.Context(), b.backend); k8sops.KindOf(err) != k8sops.Paused {
		t.Errorf("restart of a paused rollout: %v", err)
	}
	if _, err := b.cluster.PlanRollback(t.Context(), b.backend, 1); k8sops.KindOf(err) != k8sops.Paused {
		t.Errorf("rollback of a paused rollout: %v", err)
	}
}

// What Kubernetes does is asked as well: a restart by kubectl leaves the pod as it is.
func TestARestartThatWouldOnlyWaitIsRefusedAndADeletionIsNot(t *testing.T) {
	t.Parallel()
	b := setup(t)
	redis := b.world.Service("redis-master")
	b.world.Break(t, "redis-master", "redis-down")
	eventually(t, "redis is not ready", func() bool {
		return b.world.Kubectl(t, "get", "statefulset/redis-master", "-o", "jsonpath={.status.readyReplicas}") != "1"
	})
	_, err := b.cluster.PlanRestart(t.Context(), redis)
	if k8sops.KindOf(err) != k8sops.Unsupported || !strings.Contains(err.Error(), "delete-pod redis-master") {
		t.Errorf("restart: %v", err)
	}
	p, err := b.cluster.PlanSetEnv(t.Context(), redis, debugLevel)
	if err != nil || !strings.Contains(redact.Join("\n", p.Warnings...).String(), "no pod has the value until") {
		t.Errorf("debug: %v, %v", p.Warnings, err)
	}
	before := uidOf(t, b, "pod/redis-master-0")
	b.world.Kubectl(t, "rollout", "restart", "statefulset/redis-master")
	eventually(t, "the controller has seen the restart", func() bool {
		return b.world.Kubectl(t, "get", "statefulset/redis-master", "-o", "jsonpath={.metadata.generation}") ==
			b.world.Kubectl(t, "get", "statefulset/redis-master", "-o", "jsonpath={.status.observedGeneration}")
	})
	if uidOf(t, b, "pod/redis-master-0") != before {
		t.Error("Kubernetes replaced the pod: the refusal has no reason any more")
	}
	p = planDelete(t, b, "redis-master", "redis-master-0")
	mark(t, b, p, "R-ORDER1")
	if r := execute(t, b, p, "R-ORDER1"); r.Outcome != k8sops.Applied {
		t.Fatalf("got %+v", r)
	}
	eventually(t, "the new pod is ready", func() bool {
		return b.world.Kubectl(t, "get", "statefulset/redis-master", "-o", "jsonpath={.status.readyReplicas}") == "1"
	})
}

func TestWhatAPlanCanHurtIsMeasured(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.world.Kubectl(t, "patch", "pdb/frontend-pdb", "--type=merge", "-p", `{"spec":{"minAvailable":2,"maxUnavailable":null}}`)
	b.world.Kubectl(t, "annotate", "deployment/frontend-deployment", "argocd.argoproj.io/tracking-id=shop:apps/Deployment:x/frontend-deployment")
	eventually(t, "the budget is used up", func() bool {
		return b.world.Kubectl(t, "get", "pdb/frontend-pdb", "-o", "jsonpath={.status.disruptionsAllowed}") == "0"
	})
	got := planRestart(t, b, b.world.Service("frontend")).Blast
	if got.Ready != 2 || got.Desired != 2 || got.LastHealthy || !strings.Contains(got.HPA, "frontend-hpa") || !strings.Contains(got.GitOps, "Argo CD") {
		t.Errorf("got %+v", got)
	}
	if diff := cmp.Diff([]string{"frontend-pdb"}, got.PDBBlocked); diff != "" {
		t.Error(diff)
	}
	if got := planRestart(t, b, b.backend).Blast; len(got.EmptyDir) == 0 {
		t.Errorf("the emptyDir that loses its content is not told: %+v", got)
	}
}

func TestRollbackReturnsToTheRevisionThatWorked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	image := func() string {
		return b.world.Kubectl(t, "get", "deployment/backend-deployment", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
	}
	good := image()
	b.world.Break(t, "backend", "crashloop")
	bad := image()
	// A restart of the bad revision makes one more bad revision: neither may be chosen.
	finishless(t, b, planRestart(t, b, b.backend), "r0")
	eventually(t, "the restart's revision", func() bool {
		return b.world.Kubectl(t, "get", "deployment/backend-deployment", "-o", `jsonpath={.metadata.annotations.deployment\.kubernetes\.io/revision}`) == "4"
	})
	p, err := b.cluster.PlanRollback(t.Context(), b.backend, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s\n%s\n%v", p.Command, p.Diff, p.Warnings)
	if !strings.Contains(p.Diff.String(), "+ spec.template.spec.containers[backend].image: "+good) {
		t.Errorf("the rollback does not bring %s back:\n%s", good, p.Diff)
	}
	if !strings.HasSuffix(p.Command, "--to-revision=2") {
		t.Errorf("command %s", p.Command)
	}
	finish(t, b, p, "r1")
	if got := image(); got != good {
		t.Errorf("after the rollback the image is %s", got)
	}
	if got := b.world.Kubectl(t, "get", "deployment/backend-deployment", "-o", "jsonpath={.spec.template.metadata.labels.pod-template-hash}"); got != "" {
		t.Errorf("the controller's label %q went into the template", got)
	}
	undo, err := b.cluster.PlanUndo(t.Context(), b.backend, stored(t, p), "r1")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(undo.Diff.String(), "+ spec.template.spec.containers[backend].image: "+bad) {
		t.Errorf("the undo does not bring %s back:\n%s", bad, undo.Diff)
	}
	b.world.Kubectl(t, "set", "env", "deployment/backend-deployment", "SOME=thing")
	if _, err := b.cluster.PlanUndo(t.Context(), b.backend, stored(t, p), "r1"); k8sops.KindOf(err) != k8sops.Conflict {
		t.Errorf("the undo after somebody else's change: %v", err)
	}
}

func finishless(t *testing.T, b testBundle, p plan.Plan, id string) {
	t.Helper()
	if r := execute(t, b, p, id); r.Outcome != k8sops.Applied {
		t.Fatalf("%s: %s", r.Outcome, r.Message)
	}
}

func TestUndoOfARestartOnlyTakesItsMarkBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := planRestart(t, b, b.backend)
	finish(t, b, p, "u1")
	undo, err := b.cluster.PlanUndo(t.Context(), b.backend, stored(t, p), "u1")
	if err != nil {
		t.Fatal(err)
	}
	if len(undo.Warnings) == 0 || !strings.Contains(undo.Warnings[0].String(), "gone") {
		t.Errorf("the plan does not say that the old pods are gone: %v", undo.Warnings)
	}
	finish(t, b, undo, "u2")
	again := planRestart(t, b, b.backend)
	if cmpSums(again) != cmpSums(p) {
		t.Error("the pod template is not the one of before the restart")
	}
	b.world.Kubectl(t, "set", "env", "deployment/backend-deployment", "SOME=thing")
	if _, err := b.cluster.PlanUndo(t.Context(), b.backend, stored(t, p), "u1"); k8sops.KindOf(err) != k8sops.Unsupported {
		t.Errorf("undo of a restart after another change: %v", err)
	}
}

func cmpSums(p plan.Plan) string { return p.Preconditions[1].Sum }

func TestNoEnvironmentValueLeavesThePackage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	const secret = "hunter2-correct-horse"
	b.world.Kubectl(t, "set", "env", "deployment/backend-deployment", "DATABASE_PASSWORD="+secret)
	b.world.Kubectl(t, "rollout", "status", "deployment/backend-deployment")
	p, err := b.cluster.PlanRollback(t.Context(), b.backend, 2)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(p.Diff.String(), "DATABASE_PASSWORD") {
		t.Errorf("the diff hides that the variable goes:\n%s", p.Diff)
	}
	kept, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	shown, err := json.Marshal(b.cluster.Status(t.Context(), b.backend, nil))
	if err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"plan": string(kept), "status": string(shown), "diff": p.Diff.String()} {
		if strings.Contains(text, secret) {
			t.Errorf("the %s holds the value", what)
		}
	}
}
