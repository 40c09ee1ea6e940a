package k8sops_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
)

func TestWorstPodsNamesThoseThatNeedAttentionFirst(t *testing.T) {
	t.Parallel()
	b := setup(t)
	healthy, err := b.cluster.WorstPods(t.Context(), b.backend, 5)
	if err != nil || len(healthy) != 3 || !slices.IsSorted(healthy) {
		t.Fatalf("healthy: %q, %v; want three pods in the order of their names", healthy, err)
	}
	b.world.Break(t, "backend", "crashloop")
	eventually(t, "a crash", func() bool {
		return slices.Contains(kindsOf(b.cluster.Status(t.Context(), b.backend, nil)), finding.CrashLoop)
	})
	got, err := b.cluster.WorstPods(t.Context(), b.backend, 1)
	if err != nil || len(got) != 1 {
		t.Fatalf("broken: %q, %v; want one pod", got, err)
	}
	state := b.world.Kubectl(t, "get", "pod", got[0], "-o", "jsonpath={.status.containerStatuses[*].restartCount} {.status.containerStatuses[*].ready}")
	if strings.HasPrefix(state, "0 true") {
		t.Errorf("the pod named first is well: %s", state)
	}
	if got, err := b.cluster.WorstPods(t.Context(), b.backend, 0); err != nil || len(got) != 0 {
		t.Errorf("none asked for: %q, %v", got, err)
	}
	gone := b.backend
	gone.Workload = catalog.Workload{Kind: "Deployment", Name: "nobody"}
	if got, err := b.cluster.WorstPods(t.Context(), gone, 5); k8sops.KindOf(err) != k8sops.NotFound || got != nil {
		t.Errorf("no such workload: %q, %v", got, err)
	}
}
