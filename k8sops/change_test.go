package k8sops

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/svcdown/svcdown/plan"
)

func TestDiffShowsChangedFieldsAndNoValues(t *testing.T) {
	t.Parallel()
	const now = "2026-11-23T12:00:00Z"
	tests := []struct{ name, before, after, want string }{
		{"nothing", `{"spec":{"replicas":3},"status":{"a":1}}`, `{"spec":{"replicas":3},"status":{"a":2}}`, ""},
		{"what every write moves", `{"metadata":{"generation":1,"resourceVersion":"1","managedFields":[]}}`, `{"metadata":{"generation":2,"resourceVersion":"2","managedFields":[{}]}}`, ""},
		{"our own marks and what kubectl apply keeps", `{"metadata":{"annotations":{}}}`,
			`{"metadata":{"annotations":{"svcdown.dev/approval":"a","kubectl.kubernetes.io/last-applied-configuration":"{\"password\":\"x\"}"}}}`, ""},
		{"a number", `{"spec":{"replicas":3}}`, `{"spec":{"replicas":5}}`, "- spec.replicas: 3\n+ spec.replicas: 5"},
		{"the time of a restart", `{"a":{}}`, `{"a":{"kubectl.kubernetes.io/restartedAt":"` + now + `"}}`, "+ a[kubectl.kubernetes.io/restartedAt]: (the time of execution)"},
		{"an image, in whatever order the containers come", `{"c":[{"name":"a","image":"x:1"},{"name":"b","image":"y:1"}]}`, `{"c":[{"name":"b","image":"y:2"},{"name":"a","image":"x:1"}]}`,
			"- c[b].image: y:1\n+ c[b].image: y:2"},
		{"an environment variable's value", `{"env":[{"name":"KEY","value":"old-secret"}]}`, `{"env":[{"name":"KEY","value":"new-secret"}]}`,
			"- env[KEY].value: (value not shown)\n+ env[KEY].value: (value not shown)"},
		{"an environment variable that comes", `{"env":[]}`, `{"env":[{"name":"KEY","value":"new-secret"}]}`, "+ env[KEY].name: KEY\n+ env[KEY].value: (value not shown)"},
		{"an environment that comes as a whole", `{"c":[{"name":"a"}]}`, `{"c":[{"name":"a","env":[{"name":"KEY","value":"new-secret"}]}]}`, "+ c[a].env[KEY].name: KEY\n+ c[a].env[KEY].value: (value not shown)"},
		{"a header's value", `{"httpHeaders":[{"name":"Authorization","value":"old-secret"}]}`, `{"httpHeaders":[{"name":"Authorization","value":"new-secret"}]}`,
			"- httpHeaders[Authorization].value: (value not shown)\n+ httpHeaders[Authorization].value: (value not shown)"},
		{"arguments", `{"args":["-v"]}`, `{"args":["-v","--fast"]}`, "- args: [\"-v\"]\n+ args: [\"-v\",\"--fast\"]"},
		{"a password in a URL", `{"args":["-v"]}`, `{"args":["postgres://me:secret@db/x"]}`, "- args: [\"-v\"]\n+ args: [\"postgres://me:[redacted]@db/x\"]"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			got, err := diff([]byte(tt.before), []byte(tt.after), now)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(tt.want, got.String()); d != "" {
				t.Error(d)
			}
		})
	}
	if _, err := diff([]byte("{"), []byte("{}"), now); err == nil {
		t.Error("no error over JSON that breaks off")
	}
}

func TestWhichRevisionIsTheLastGoodOne(t *testing.T) {
	t.Parallel()
	set := func(revision, image string, available int32) *appsv1.ReplicaSet {
		rs := &appsv1.ReplicaSet{ObjectMeta: metav1.ObjectMeta{Annotations: map[string]string{"deployment.kubernetes.io/revision": revision}}}
		rs.Spec.Template.Labels = map[string]string{"app": "a", appsv1.DefaultDeploymentUniqueLabelKey: revision}
		rs.Spec.Template.Spec.Containers = []corev1.Container{{Name: "app", Image: image}}
		rs.Status.AvailableReplicas = available
		return rs
	}
	restarted := set("8", "bad", 0)
	restarted.Spec.Template.Annotations = map[string]string{restartedAt: "now"}
	tests := []struct {
		name   string
		sets   []*appsv1.ReplicaSet
		wanted int64
		want   int64
		warns  bool
		kind   Kind
	}{
		{"the one with available pods, not the newest", []*appsv1.ReplicaSet{set("9", "worse", 0), set("7", "bad", 0), set("6", "good", 1), set("5", "older", 0)}, 0, 6, false, ""},
		{"not one that only was restarted", []*appsv1.ReplicaSet{restarted, set("7", "bad", 0), set("6", "good", 0)}, 0, 6, true, ""},
		{"the one before, with a warning, when none has pods", []*appsv1.ReplicaSet{set("9", "bad", 0), set("7", "before", 0)}, 0, 7, true, ""},
		{"the one that was asked for", []*appsv1.ReplicaSet{set("9", "bad", 0), set("7", "before", 1)}, 7, 7, false, ""},
		{"the one that was asked for, with a warning when it has no pods", []*appsv1.ReplicaSet{set("9", "bad", 1), set("7", "before", 0)}, 7, 7, true, ""},
		{"one that is not kept", []*appsv1.ReplicaSet{set("9", "bad", 0)}, 7, 0, false, NotFound},
		{"nothing to return to", []*appsv1.ReplicaSet{set("1", "only", 0)}, 0, 0, false, NotFound},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := workload{kind: "Deployment", meta: tt.sets[0].ObjectMeta, template: *tt.sets[0].Spec.Template.DeepCopy()}
			delete(w.template.Labels, appsv1.DefaultDeploymentUniqueLabelKey)
			rs, warning, err := chooseRevision("roll back", w, tt.sets, tt.wanted)
			if KindOf(err) != tt.kind || warning.Empty() == tt.warns {
				t.Fatalf("got %v, warning %q", err, warning)
			}
			if err == nil && revisionOf(rs.ObjectMeta) != tt.want {
				t.Errorf("got revision %d, want %d", revisionOf(rs.ObjectMeta), tt.want)
			}
		})
	}
}

func TestOnlyACertainNoIsARefusal(t *testing.T) {
	t.Parallel()
	deployments := schema.GroupResource{Group: "apps", Resource: "deployments"}
	tests := []struct {
		name string
		err  error
		want bool
	}{
		{"a failed precondition", apierrors.NewGenericServerResponse(422, "patch", deployments, "x", "", 0, true), true},
		{"forbidden", apierrors.NewForbidden(deployments, "x", errors.New("no")), true},
		{"not found", apierrors.NewNotFound(deployments, "x"), true},
		{"too many requests", apierrors.NewTooManyRequests("later", 1), true},
		{"a connection that was never made", &net.OpError{Op: "dial", Err: errors.New("refused")}, true},
		{"a connection lost after it was made", &net.OpError{Op: "read", Err: errors.New("reset")}, false},
		{"an error of the server", apierrors.NewInternalError(errors.New("boom")), false},
		{"a gateway that gave up", apierrors.NewGenericServerResponse(504, "patch", deployments, "x", "", 0, true), false},
		{"a server that gave up", apierrors.NewTimeoutError("slow", 1), false},
		{"a deadline of ours", context.DeadlineExceeded, false},
		{"anything else", errors.New("unexpected EOF"), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := certainlyRefused(tt.err); got != tt.want {
				t.Errorf("got %t", got)
			}
		})
	}
}

func TestTheCallTestsBeforeItChangesAndFillsInTimeAndApproval(t *testing.T) {
	t.Parallel()
	op := func(op, path string, value any) plan.Operation {
		o, err := plan.Op(op, path, value)
		if err != nil {
			t.Fatal(err)
		}
		return o
	}
	p := plan.Plan{
		Preconditions: []plan.Operation{op("test", "/metadata/uid", "u")},
		Patch:         []plan.Operation{op("add", "/x", plan.Now), op("add", "/y", plan.ApprovalID), {Op: "remove", Path: "/z"}},
	}
	marks, err := approvalMarks(bare{raw: json.RawMessage(`{"metadata":{"annotations":{"svcdown.dev/approval":"before"}}}`),
		meta: metav1.ObjectMeta{Annotations: map[string]string{ApprovalMark: "before", EarlierMark: "first"}}}, "me")
	if err != nil {
		t.Fatal(err)
	}
	got, err := patchBody(p, time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), "me", marks)
	if err != nil {
		t.Fatal(err)
	}
	want := `[{"op":"test","path":"/metadata/uid","value":"u"},` +
		`{"op":"test","path":"/metadata/annotations/svcdown.dev~1void-me","value":null},` +
		`{"op":"test","path":"/metadata/annotations/svcdown.dev~1approval","value":"before"},` +
		`{"op":"add","path":"/x","value":"2026-11-23T12:00:00.000Z"},{"op":"add","path":"/y","value":"me"},{"op":"remove","path":"/z"},` +
		`{"op":"add","path":"/metadata/annotations/svcdown.dev~1approvals-before","value":"before first"},` +
		`{"op":"add","path":"/metadata/annotations/svcdown.dev~1approval","value":"me"}]`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Error(d)
	}
}

func TestWhoOwnsAnObjectForGitOps(t *testing.T) {
	t.Parallel()
	yes := true
	tests := []struct {
		name string
		meta metav1.ObjectMeta
		want string
	}{
		{"nobody", metav1.ObjectMeta{Labels: map[string]string{"app.kubernetes.io/instance": "x", "app.kubernetes.io/managed-by": "Helm"}}, ""},
		{"Argo CD by annotation", metav1.ObjectMeta{Annotations: map[string]string{"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:n/x"}}, "Argo CD application shop"},
		{"Argo CD by label", metav1.ObjectMeta{Labels: map[string]string{"argocd.argoproj.io/instance": "shop"}}, "Argo CD application shop"},
		{"a Flux Kustomization", metav1.ObjectMeta{Labels: map[string]string{"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux-system"}}, "Flux Kustomization flux-system/apps"},
		{"a Flux HelmRelease", metav1.ObjectMeta{Labels: map[string]string{"helm.toolkit.fluxcd.io/name": "shop", "helm.toolkit.fluxcd.io/namespace": "flux-system"}}, "Flux HelmRelease flux-system/shop"},
		{"an operator", metav1.ObjectMeta{OwnerReferences: []metav1.OwnerReference{{Kind: "Shop", Name: "x", Controller: &yes}}}, "Shop x"},
		{"only its field manager", metav1.ObjectMeta{ManagedFields: []metav1.ManagedFieldsEntry{{Manager: "argocd-controller"}}}, "Argo CD"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			if got := gitOps(tt.meta); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestCommandsCanBePasted(t *testing.T) {
	t.Parallel()
	c := &Cluster{kubeContext: "arn:aws:eks:eu-1:1:cluster/prod"}
	if got, want := c.command("n", "scale", "deployment/x", "--replicas=3"), "kubectl --context arn:aws:eks:eu-1:1:cluster/prod -n n scale deployment/x --replicas=3"; got != want {
		t.Errorf("got %s", got)
	}
	c.kubeContext = "it's; rm -rf"
	if got := c.command("n"); !strings.Contains(got, `--context 'it'\''s; rm -rf' -n`) {
		t.Errorf("got %s", got)
	}
}

func TestImagesAreShortenedToTheirTags(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, before, after, want string }{
		{"tags of one repository", "reg:5000/app:1", "reg:5000/app:2", "app 1 → 2"},
		{"another repository", "one/app:1", "two/app:1", "app one/app:1 → two/app:1"},
		{"no tag, a port", "reg:5000/app", "reg:5000/app:2", "app reg:5000/app → reg:5000/app:2"},
		{"digests", "app@sha256:a", "app@sha256:b", "app sha256:a → sha256:b"},
		{"the same", "app:1", "app:1", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			template := func(image string) corev1.PodTemplateSpec {
				return corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Image: image}}}}
			}
			if got := imageChange(template(tt.before), template(tt.after)).String(); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
