package k8sops

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

func template(change func(*corev1.Container)) corev1.PodTemplateSpec {
	k := corev1.Container{
		Name: "backend", Image: "registry:5000/backend:2.8.0", Command: []string{"node", "--key=canary-in-command"},
		Env: []corev1.EnvVar{{Name: "LOG_LEVEL", Value: "info"}, {Name: "API_TOKEN", Value: "canary-before"}},
	}
	if change != nil {
		change(&k)
	}
	return corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{k}}}
}

func TestTemplateDiffNamesWhatChangedAndShowsNoValue(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name   string
		change func(*corev1.Container)
		want   string
	}{
		{"nothing", nil, ""},
		{"an image", func(k *corev1.Container) { k.Image = "registry:5000/backend:2.8.17" }, "image backend 2.8.0 → 2.8.17"},
		{"a variable more", func(k *corev1.Container) {
			k.Env = append(k.Env, corev1.EnvVar{Name: "FEATURE_X", Value: "canary-added"})
		}, "env added: FEATURE_X"},
		{"a variable less", func(k *corev1.Container) { k.Env = k.Env[1:] }, "env removed: LOG_LEVEL"},
		{"another value", func(k *corev1.Container) { k.Env[1].Value = "canary-after" }, "env with another value: API_TOKEN"},
		{"a ConfigMap as a whole", func(k *corev1.Container) {
			k.EnvFrom = []corev1.EnvFromSource{{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "shop"}}}}
		}, "env added: all of ConfigMap shop"},
		{"more memory", func(k *corev1.Container) {
			k.Resources.Limits = corev1.ResourceList{corev1.ResourceMemory: quantity.MustParse("96Gi")}
		}, "memory limit of backend none → 96Gi"},
		{"another command", func(k *corev1.Container) { k.Command = []string{"node", "--key=canary-new"} }, "command of backend changed"},
		{"the image stands first", func(k *corev1.Container) {
			k.Env = k.Env[1:]
			k.Image = "other/backend:1"
		}, "image backend registry:5000/backend:2.8.0 → other/backend:1; env removed: LOG_LEVEL"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := redact.Join("; ", templateDiff(template(nil), template(tt.change))...).String()
			if got != tt.want || strings.Contains(got, "canary") {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func managed(manager, sub string, at time.Time, fields string) metav1.ManagedFieldsEntry {
	when := metav1.NewTime(at)
	return metav1.ManagedFieldsEntry{Manager: manager, Subresource: sub, Time: &when, FieldsV1: metav1.NewFieldsV1(fields)}
}

func TestEditsLeaveOutTheMakingAndTheStatus(t *testing.T) {
	t.Parallel()
	m := metav1.ObjectMeta{CreationTimestamp: metav1.NewTime(noon.Add(-time.Hour)), ManagedFields: []metav1.ManagedFieldsEntry{
		managed("helm", "", noon.Add(-time.Hour), `{"f:data":{"f:A":{}}}`),
		managed("kubectl-edit", "", noon.Add(-time.Minute), `{"f:data":{"f:LOG_LEVEL":{},"f:DB_HOST":{}}}`),
		managed("controller", "status", noon, `{"f:data":{}}`),
		managed("labeler", "", noon, `{"f:metadata":{"f:labels":{}}}`),
	}}
	got := edits(m, "data")
	if len(got) != 1 || got[0].who != "kubectl-edit" || !got[0].when.Equal(noon.Add(-time.Minute)) {
		t.Fatalf("got %+v", got)
	}
	if diff := cmp.Diff([]string{"DB_HOST", "LOG_LEVEL"}, got[0].keys()); diff != "" {
		t.Error(diff)
	}
}

func TestRevisionsAsChanges(t *testing.T) {
	t.Parallel()
	other := func(k *corev1.Container) { k.Image = "registry:5000/backend:2.8.17" }
	restarted := template(nil)
	restarted.Annotations = map[string]string{restartedAt: "now"}
	w := workload{kind: "Deployment", meta: metav1.ObjectMeta{Name: "backend", ManagedFields: []metav1.ManagedFieldsEntry{
		managed("argocd-controller", "", noon, `{"f:spec":{"f:template":{"f:spec":{}}}}`)}}}
	old := revision{number: 1, made: noon.Add(-48 * time.Hour), template: template(nil)}
	tests := []struct {
		name      string
		revisions []revision
		want      string
		kind      finding.ChangeKind
	}{
		{"a rollout", []revision{{number: 2, made: noon, cause: "release 2.8.17", template: template(other)}, old}, `image backend 2.8.0 → 2.8.17 ("release 2.8.17")`, finding.ChangeRollout},
		{"a restart", []revision{{number: 2, made: noon, template: restarted}, old}, "a restart: all pods made anew from the same template", finding.ChangeRestart},
		{"a rollback", []revision{{number: 3, made: noon.Add(-72 * time.Hour), reused: true, template: template(nil)}, {number: 2, made: noon.Add(-24 * time.Hour), template: template(other)}}, "back to an earlier template: image backend 2.8.17 → 2.8.0", finding.ChangeRollout},
		{"the first one", []revision{{number: 1, made: noon, template: template(nil)}}, "it was made", finding.ChangeRollout},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got := changed{w: w, since: noon.Add(-time.Hour)}.judgeRevisions(tt.revisions)
			if len(got) != 1 || got[0].What.String() != tt.want || got[0].Kind != tt.kind || got[0].Who != "argocd-controller" || !got[0].When.Equal(noon) {
				t.Errorf("got %+v, want %q", got, tt.want)
			}
		})
	}
}

func TestARollbackDoesNotHideWhatTheRevisionsBeforeItWere(t *testing.T) {
	t.Parallel()
	set := func(number, history, image string, age time.Duration) *appsv1.ReplicaSet {
		rs := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{CreationTimestamp: ago(age), Annotations: map[string]string{"deployment.kubernetes.io/revision": number, "deployment.kubernetes.io/revision-history": history}}}
		rs.Spec.Template = template(func(k *corev1.Container) { k.Image = "registry/backend:" + image })
		return rs
	}
	var revisions []revision
	for _, rs := range []*appsv1.ReplicaSet{set("4", "2", "2.8.0", 50*time.Minute), set("3", "", "2.8.77", 20*time.Minute), set("1", "", "2.7.3", 70*time.Minute)} {
		revisions = append(revisions, revisionsOf(rs)...)
	}
	slices.SortFunc(revisions, func(a, b revision) int { return int(b.number - a.number) })
	w := workload{kind: "Deployment", meta: metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{managed("svcdown", "", noon.Add(-10*time.Minute), `{"f:spec":{"f:template":{}}}`)}}}
	var got []string
	for _, ch := range (changed{w: w, since: noon.Add(-time.Hour)}).judgeRevisions(revisions) {
		got = append(got, fmt.Sprintf("%d %s %s", ch.Revision, ch.When.Format("15:04"), ch.What))
	}
	want := []string{"4 11:50 back to an earlier template: image backend 2.8.77 → 2.8.0", "3 11:40 image backend 2.8.0 → 2.8.77", "2 11:10 image backend 2.7.3 → 2.8.0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestOnlyAPlainScalingIsOne(t *testing.T) {
	t.Parallel()
	scaled := func(after time.Duration, message string) *corev1.Event {
		return &corev1.Event{Reason: "ScalingReplicaSet", Message: message, LastTimestamp: metav1.NewTime(noon.Add(after))}
	}
	byHand := managed("kubectl", "scale", noon, `{"f:spec":{"f:replicas":{}}}`)
	byHand.Time = nil // the API server writes none
	byHelm := managed("helm", "", noon, `{"f:spec":{"f:replicas":{},"f:template":{}}}`)
	tests := []struct {
		name    string
		manager metav1.ManagedFieldsEntry
		events  []*corev1.Event
		want    string
	}{
		{"by kubectl scale", byHand, []*corev1.Event{scaled(time.Second, "Scaled up replica set backend-7d9f from 3 to 4")}, "kubectl: replicas from 3 to 4"},
		{"by a whole object", byHelm, []*corev1.Event{scaled(time.Second, "Scaled down replica set backend-7d9f from 3 to 0")}, "helm: replicas from 3 to 0"},
		{"long after that write", byHelm, []*corev1.Event{scaled(time.Minute, "Scaled down replica set backend-7d9f from 3 to 0")}, ""},
		{"before the span", byHand, []*corev1.Event{scaled(-2*time.Hour, "Scaled up replica set backend-7d9f from 3 to 4")}, ""},
		{"a rollout", byHand, []*corev1.Event{scaled(0, "Scaled up replica set backend-7d9f from 1 to 2"), scaled(time.Second, "Scaled down replica set backend-5c4b from 3 to 2")}, ""},
		{"the making of a revision", byHand, []*corev1.Event{scaled(0, "Scaled up replica set backend-7d9f from 0 to 3")}, ""},
		{"an autoscaler tells for itself", managed("kube-controller-manager", "scale", noon, `{"f:spec":{"f:replicas":{}}}`), []*corev1.Event{scaled(0, "Scaled up replica set backend-7d9f from 3 to 4")}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			k := changed{since: noon.Add(-time.Hour), w: workload{kind: "Deployment", meta: metav1.ObjectMeta{Name: "backend", ManagedFields: []metav1.ManagedFieldsEntry{tt.manager}}}}
			var got string
			for _, ch := range k.judgeScaling(tt.events) {
				got += ch.Who + ": " + ch.What.String()
			}
			if got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestNodesAsChanges(t *testing.T) {
	t.Parallel()
	node := func(born time.Time, status corev1.ConditionStatus, at time.Time) *corev1.Node {
		return &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "node-1", CreationTimestamp: metav1.NewTime(born)},
			Status: corev1.NodeStatus{Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: status, LastTransitionTime: metav1.NewTime(at)}}}}
	}
	old := noon.Add(-48 * time.Hour)
	for name, c := range map[string]struct {
		node *corev1.Node
		want []string
	}{
		"a quiet node":        {node(old, corev1.ConditionTrue, old), nil},
		"one that went away":  {node(old, corev1.ConditionUnknown, noon), []string{"the node has stopped reporting"}},
		"one that came back":  {node(old, corev1.ConditionTrue, noon), []string{"the node is ready again"}},
		"one that has joined": {node(noon, corev1.ConditionTrue, noon.Add(time.Minute)), []string{"the node joined"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got []string
			for _, ch := range (changed{since: noon.Add(-time.Hour)}).node(c.node) {
				got = append(got, ch.What.String())
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
