package k8sops

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/svcdown/svcdown/k8stest"
	"github.com/svcdown/svcdown/realtool"
)

// kubectl is what `kubectl rollout status --watch=false` of the real program says of an object, served to it by the smallest API server
// that it accepts.
func kubectl(t *testing.T, program, resource, kind string, object runtime.Object) (said string, failed bool) {
	t.Helper()
	answer := func(w http.ResponseWriter, v any) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(v); err != nil {
			t.Error(err)
		}
	}
	raw, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/api":
			answer(w, metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}, Versions: []string{"v1"}})
		case path == "/apis":
			version := metav1.GroupVersionForDiscovery{GroupVersion: "apps/v1", Version: "v1"}
			answer(w, metav1.APIGroupList{TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"}, Groups: []metav1.APIGroup{
				{Name: "apps", Versions: []metav1.GroupVersionForDiscovery{version}, PreferredVersion: version}}})
		case path == "/api/v1":
			answer(w, metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: "v1"})
		case path == "/apis/apps/v1":
			answer(w, metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: "apps/v1",
				APIResources: []metav1.APIResource{{Name: resource, SingularName: strings.ToLower(kind), Namespaced: true, Kind: kind, Verbs: metav1.Verbs{"get", "list", "watch"}}}})
		case strings.HasSuffix(path, "/"+resource+"/x"):
			answer(w, json.RawMessage(raw))
		case strings.HasSuffix(path, "/"+resource):
			answer(w, map[string]any{"kind": kind + "List", "apiVersion": "apps/v1", "metadata": map[string]string{"resourceVersion": "1"}, "items": []json.RawMessage{raw}})
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	r, err := realtool.Run(t.Context(), []string{"KUBECONFIG=" + filepath.Join(t.TempDir(), "none")}, "", program, "--server", server.URL, "--cache-dir", t.TempDir(), "-n", "n", "rollout", "status", "--watch=false", strings.ToLower(kind)+"/x")
	if err != nil {
		t.Fatal(err)
	}
	return r.Stdout + r.Stderr, r.Code != 0
}

func TestRolloutRulesAgreeWithKubectl(t *testing.T) {
	t.Parallel()
	program := k8stest.Shared(t).KubectlPath // of the version whose rules these are
	selector := &metav1.LabelSelector{MatchLabels: map[string]string{"app": "x"}}
	meta := metav1.ObjectMeta{Name: "x", Namespace: "n", Generation: 3}
	number := func(n int32) *int32 { return &n }
	deployment := func(replicas int32, s appsv1.DeploymentStatus) *appsv1.Deployment {
		return &appsv1.Deployment{TypeMeta: metav1.TypeMeta{Kind: "Deployment", APIVersion: "apps/v1"}, ObjectMeta: meta,
			Spec: appsv1.DeploymentSpec{Replicas: number(replicas), Selector: selector}, Status: s}
	}
	rolling := appsv1.StatefulSetUpdateStrategy{Type: appsv1.RollingUpdateStatefulSetStrategyType}
	partition := func(n int32) appsv1.StatefulSetUpdateStrategy {
		return appsv1.StatefulSetUpdateStrategy{Type: rolling.Type, RollingUpdate: &appsv1.RollingUpdateStatefulSetStrategy{Partition: number(n)}}
	}
	set := func(strategy appsv1.StatefulSetUpdateStrategy, s appsv1.StatefulSetStatus) *appsv1.StatefulSet {
		return &appsv1.StatefulSet{TypeMeta: metav1.TypeMeta{Kind: "StatefulSet", APIVersion: "apps/v1"}, ObjectMeta: meta,
			Spec: appsv1.StatefulSetSpec{Replicas: number(3), Selector: selector, UpdateStrategy: strategy}, Status: s}
	}
	daemon := func(s appsv1.DaemonSetStatus) *appsv1.DaemonSet {
		return &appsv1.DaemonSet{TypeMeta: metav1.TypeMeta{Kind: "DaemonSet", APIVersion: "apps/v1"}, ObjectMeta: meta,
			Spec: appsv1.DaemonSetSpec{Selector: selector, UpdateStrategy: appsv1.DaemonSetUpdateStrategy{Type: appsv1.RollingUpdateDaemonSetStrategyType}}, Status: s}
	}
	late := []appsv1.DeploymentCondition{{Type: appsv1.DeploymentProgressing, Status: corev1.ConditionFalse, Reason: "ProgressDeadlineExceeded"}}
	tests := []struct {
		name         string
		object       runtime.Object
		done, failed bool
	}{
		{"a Deployment whose change was not seen", deployment(3, appsv1.DeploymentStatus{ObservedGeneration: 2, UpdatedReplicas: 3, Replicas: 3, AvailableReplicas: 3}), false, false},
		{"a Deployment past its deadline", deployment(3, appsv1.DeploymentStatus{ObservedGeneration: 3, Conditions: late}), false, true},
		{"a Deployment past its deadline before it saw the change", deployment(3, appsv1.DeploymentStatus{ObservedGeneration: 2, Conditions: late}), false, false},
		{"a Deployment with new pods missing", deployment(3, appsv1.DeploymentStatus{ObservedGeneration: 3, UpdatedReplicas: 2, Replicas: 3}), false, false},
		{"a Deployment with old pods left", deployment(3, appsv1.DeploymentStatus{ObservedGeneration: 3, UpdatedReplicas: 3, Replicas: 4, AvailableReplicas: 4}), false, false},
		{"a Deployment with pods not available", deployment(3, appsv1.DeploymentStatus{ObservedGeneration: 3, UpdatedReplicas: 3, Replicas: 3, AvailableReplicas: 2}), false, false},
		{"a Deployment that is done", deployment(3, appsv1.DeploymentStatus{ObservedGeneration: 3, UpdatedReplicas: 3, Replicas: 3, AvailableReplicas: 3}), true, false},
		{"a Deployment scaled to zero", deployment(0, appsv1.DeploymentStatus{ObservedGeneration: 3}), true, false},
		{"a StatefulSet never seen", set(rolling, appsv1.StatefulSetStatus{}), false, false},
		{"a StatefulSet with pods not ready", set(rolling, appsv1.StatefulSetStatus{ObservedGeneration: 3, ReadyReplicas: 2}), false, false},
		{"a StatefulSet between revisions", set(rolling, appsv1.StatefulSetStatus{ObservedGeneration: 3, ReadyReplicas: 3, UpdatedReplicas: 1, CurrentRevision: "a", UpdateRevision: "b"}), false, false},
		{"a StatefulSet at its revision", set(rolling, appsv1.StatefulSetStatus{ObservedGeneration: 3, ReadyReplicas: 3, CurrentReplicas: 3, CurrentRevision: "b", UpdateRevision: "b"}), true, false},
		{"a StatefulSet below its partition", set(partition(1), appsv1.StatefulSetStatus{ObservedGeneration: 3, ReadyReplicas: 3, UpdatedReplicas: 1, CurrentRevision: "a", UpdateRevision: "b"}), false, false},
		{"a StatefulSet rolled out above its partition", set(partition(1), appsv1.StatefulSetStatus{ObservedGeneration: 3, ReadyReplicas: 3, UpdatedReplicas: 2, CurrentRevision: "a", UpdateRevision: "b"}), true, false},
		{"a StatefulSet with partition zero, under way", set(partition(0), appsv1.StatefulSetStatus{ObservedGeneration: 3, ReadyReplicas: 3, UpdatedReplicas: 2, CurrentRevision: "a", UpdateRevision: "b"}), false, false},
		{"a StatefulSet with partition zero, done", set(partition(0), appsv1.StatefulSetStatus{ObservedGeneration: 3, ReadyReplicas: 3, UpdatedReplicas: 3, CurrentRevision: "b", UpdateRevision: "b"}), true, false},
		{"a DaemonSet whose change was not seen", daemon(appsv1.DaemonSetStatus{ObservedGeneration: 2}), false, false},
		{"a DaemonSet with new pods missing", daemon(appsv1.DaemonSetStatus{ObservedGeneration: 3, DesiredNumberScheduled: 3, UpdatedNumberScheduled: 2, NumberAvailable: 3}), false, false},
		{"a DaemonSet with pods not available", daemon(appsv1.DaemonSetStatus{ObservedGeneration: 3, DesiredNumberScheduled: 3, UpdatedNumberScheduled: 3, NumberAvailable: 2}), false, false},
		{"a DaemonSet that is done", daemon(appsv1.DaemonSetStatus{ObservedGeneration: 3, DesiredNumberScheduled: 3, UpdatedNumberScheduled: 3, NumberAvailable: 3}), true, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w, err := workloadOf(tt.object)
			if err != nil {
				t.Fatal(err)
			}
			got := judgeRollout(w)
			if got.Done != tt.done || got.Failed != tt.failed || got.Line.Empty() {
				t.Errorf("got done %t, failed %t: %s", got.Done, got.Failed, got.Line)
			}
			resource, err := resourceOf(w.kind)
			if err != nil {
				t.Fatal(err)
			}
			said, failed := kubectl(t, program, resource, w.kind, tt.object)
			done := strings.Contains(said, "successfully rolled out") || strings.Contains(said, "complete")
			done = done && !strings.Contains(said, "waiting") && !strings.Contains(said, "Waiting")
			if done != got.Done || failed != got.Failed {
				t.Errorf("we say done %t, failed %t (%s); kubectl says %q", got.Done, got.Failed, got.Line, said)
			}
		})
	}
}

func TestOnDeleteIsDoneAndSaysThatNoPodWasReplaced(t *testing.T) {
	t.Parallel()
	w := workload{kind: "StatefulSet", onDelete: true, observed: 1, desired: 3, ready: 3}
	got := judgeRollout(w)
	if !got.Done || !strings.Contains(got.Line.String(), "OnDelete") {
		t.Errorf("got %+v", got)
	}
}
