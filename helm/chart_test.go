// Package helm_test renders the chart with Helm's own engine. It is a module of its own so that Helm is no dependency of the bot's.
package helm_test

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/client-go/kubernetes/scheme"
)

// tricky would break out of its place in the manifest if it were not quoted.
const tricky = "channels: {ops: \"C1\"} # '\n---\nkind: Secret\n  {{ .Values.secretName }}\n"

func values(set map[string]any) map[string]any {
	v := map[string]any{"namespaces": []any{"shop", "billing"}, "config": tricky}
	for key, value := range set {
		v[key] = value
	}
	return v
}

// render is what `helm install` would send to a cluster.
func render(set map[string]any) ([]runtime.Object, error) {
	chart, err := loader.Load("svcdown")
	if err != nil {
		return nil, err
	}
	options := chartutil.ReleaseOptions{Name: "sd", Namespace: "ops", IsInstall: true}
	v, err := chartutil.ToRenderValues(chart, values(set), options, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, err
	}
	files, err := engine.Render(chart, v)
	if err != nil {
		return nil, err
	}
	var out []runtime.Object
	for name, text := range files {
		if !strings.HasSuffix(name, ".yaml") {
			continue
		}
		documents := yaml.NewDocumentDecoder(io.NopCloser(strings.NewReader(text)))
		for {
			document := make([]byte, len(text)+1)
			n, err := documents.Read(document)
			if err == io.EOF {
				break
			}
			if err != nil {
				return nil, fmt.Errorf("%s: %w", name, err)
			}
			if strings.TrimSpace(string(document[:n])) == "" {
				continue
			}
			o, _, err := scheme.Codecs.UniversalDeserializer().Decode(document[:n], nil, nil)
			if err != nil {
				return nil, fmt.Errorf("%s: %w\n%s", name, err, document[:n])
			}
			out = append(out, o)
		}
	}
	return out, nil
}

func rendered(t *testing.T, set map[string]any) []runtime.Object {
	t.Helper()
	objects, err := render(set)
	if err != nil {
		t.Fatalf("render: %v", err)
	}
	return objects
}

func only[T runtime.Object](objects []runtime.Object) (out []T) {
	for _, o := range objects {
		if typed, ok := o.(T); ok {
			out = append(out, typed)
		}
	}
	return out
}

// nothingAllowed turns off every change of the values.
func nothingAllowed(t *testing.T) map[string]any {
	t.Helper()
	chart, err := loader.Load("svcdown")
	if err != nil {
		t.Fatal(err)
	}
	allow, ok := chart.Values["allow"].(map[string]any)
	if !ok || len(allow) == 0 {
		t.Fatalf("values.yaml has no switches under allow: %v", chart.Values["allow"])
	}
	off := map[string]any{}
	for name := range allow {
		off[name] = false
	}
	return map[string]any{"allow": off}
}

func TestTheChartLints(t *testing.T) {
	t.Parallel()
	for _, m := range lint.AllWithKubeVersion("svcdown", values(nil), "ops", nil).Messages {
		if m.Severity >= support.WarningSev {
			t.Error(m)
		}
	}
}

func TestTheChartRefusesWhatCannotWork(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		set  map[string]any
		want string
	}{
		"more replicas than Slack has connections for": {map[string]any{"replicas": 5}, "at most 4 replicas"},
		"no namespaces":    {map[string]any{"namespaces": []any{}}, "name the services' namespaces"},
		"no configuration": {map[string]any{"config": ""}, "give svcdown.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := render(tt.set); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want a refusal that says %q", err, tt.want)
			}
		})
	}
	if d := only[*appsv1.Deployment](rendered(t, map[string]any{"replicas": 4})); len(d) != 1 || *d[0].Spec.Replicas != 4 {
		t.Errorf("with four replicas: %v", d)
	}
}

// What no values can turn on: reading Secrets, everything at once, rights over rights, acting as somebody else, changes across the cluster.
func TestTheBotNeverGetsMoreThanItsWork(t *testing.T) {
	t.Parallel()
	objects := rendered(t, nil)
	cluster := only[*rbacv1.ClusterRole](objects)
	roles := only[*rbacv1.Role](objects)
	if len(cluster) != 1 || len(roles) != 2 {
		t.Fatalf("%d ClusterRoles and %d Roles, want 1 and one for each of 2 namespaces", len(cluster), len(roles))
	}
	rules := slices.Clone(cluster[0].Rules)
	for _, r := range roles {
		rules = append(rules, r.Rules...)
	}
	for _, r := range rules {
		for _, verb := range r.Verbs {
			if slices.Contains([]string{"*", "impersonate", "escalate", "bind", "deletecollection"}, verb) {
				t.Errorf("%v on %v", verb, r.Resources)
			}
		}
		for _, what := range r.Resources {
			if base, _, _ := strings.Cut(what, "/"); base == "secrets" || strings.Contains(what, "*") || slices.Contains(r.APIGroups, "*") || slices.Contains(r.APIGroups, rbacv1.GroupName) {
				t.Errorf("%v on %v of %v", r.Verbs, what, r.APIGroups)
			}
		}
	}
	for _, r := range cluster[0].Rules {
		if !reads(r) && !isTokenReview(r) {
			t.Errorf("across the cluster: %v on %v", r.Verbs, r.Resources)
		}
	}
}

func TestWithEverySwitchOffTheBotOnlyReads(t *testing.T) {
	t.Parallel()
	objects := rendered(t, nothingAllowed(t))
	for _, role := range only[*rbacv1.Role](objects) {
		for _, r := range role.Rules {
			if !reads(r) {
				t.Errorf("%s in %s: %v on %v", role.Name, role.Namespace, r.Verbs, r.Resources)
			}
		}
	}
}

func TestDeletingPodsAndMakingJobsHaveTheirSwitches(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		allow        map[string]any
		pods, create bool
	}{
		"as shipped":        {map[string]any{}, true, false},
		"pods stay":         {map[string]any{"deletePods": false}, false, false},
		"load tests wanted": {map[string]any{"jobs": true}, true, true},
	} {
		pods, create := false, false
		for _, role := range only[*rbacv1.Role](rendered(t, map[string]any{"allow": c.allow})) {
			for _, r := range role.Rules {
				pods = pods || slices.Contains(r.Resources, "pods") && slices.Contains(r.Verbs, "delete")
				create = create || slices.Contains(r.Verbs, "create")
			}
		}
		if pods != c.pods || create != c.create {
			t.Errorf("%s: pods are deleted: %v, Jobs are made: %v", name, pods, create)
		}
	}
}

func TestNobodyLooksIntoContainersUnlessItWasAskedFor(t *testing.T) {
	t.Parallel()
	for enabled, want := range map[bool]int{false: 0, true: 2} {
		got := 0
		for _, role := range only[*rbacv1.Role](rendered(t, map[string]any{"exec": map[string]any{"enabled": enabled}})) {
			for _, r := range role.Rules {
				if slices.Contains(r.Resources, "pods/exec") {
					got++
				}
			}
		}
		if got != want {
			t.Errorf("with exec.enabled %v, %d of 2 Roles allow pods/exec, want %d", enabled, got, want)
		}
	}
	if roles := only[*rbacv1.Role](rendered(t, nil)); slices.ContainsFunc(roles[0].Rules, func(r rbacv1.PolicyRule) bool { return slices.Contains(r.Resources, "pods/exec") }) {
		t.Error("the values as they are shipped allow pods/exec")
	}
}

func TestOnlyTheSecretsThatAreNamedMayBeReadForTheirKeyNames(t *testing.T) {
	t.Parallel()
	listed := func(names ...any) map[string]any {
		return map[string]any{"secretKeys": []any{map[string]any{"namespace": "shop", "names": names}}}
	}
	var got []rbacv1.PolicyRule
	for _, role := range only[*rbacv1.Role](rendered(t, listed("shop-secrets"))) {
		for _, r := range role.Rules {
			if slices.Contains(r.Resources, "secrets") {
				got = append(got, r)
				if role.Namespace != "shop" {
					t.Errorf("in namespace %s", role.Namespace)
				}
			}
		}
	}
	if len(got) != 1 || !slices.Equal(got[0].Verbs, []string{"get"}) || !slices.Equal(got[0].ResourceNames, []string{"shop-secrets"}) {
		t.Errorf("got %v, want get on shop-secrets alone", got)
	}
	if _, err := render(listed()); err == nil {
		t.Error("a list without names, which would open every Secret, was not refused")
	}
	if _, err := render(map[string]any{"secretKeys": []any{map[string]any{"namespace": "kube-system", "names": []any{"x"}}}}); err == nil {
		t.Error("a namespace that is none of the services' was not refused")
	}
}

func reads(r rbacv1.PolicyRule) bool {
	return !slices.ContainsFunc(r.Verbs, func(v string) bool { return v != "get" && v != "list" && v != "watch" }) &&
		// Whoever may "get" these connects to a container.
		!slices.ContainsFunc(r.Resources, func(s string) bool {
			return s == "pods/exec" || s == "pods/attach" || s == "pods/portforward" || s == "pods/proxy"
		})
}

func isTokenReview(r rbacv1.PolicyRule) bool {
	return slices.Equal(r.APIGroups, []string{"authentication.k8s.io"}) && slices.Equal(r.Resources, []string{"tokenreviews"}) && slices.Equal(r.Verbs, []string{"create"})
}

func TestRolesStandInTheNamespacesOfTheServicesForTheBotAlone(t *testing.T) {
	t.Parallel()
	objects := rendered(t, nil)
	var where []string
	for _, r := range only[*rbacv1.Role](objects) {
		where = append(where, r.Namespace)
	}
	slices.Sort(where)
	if !slices.Equal(where, []string{"billing", "shop"}) {
		t.Errorf("Roles in %v", where)
	}
	var subjects []rbacv1.Subject
	for _, b := range only[*rbacv1.RoleBinding](objects) {
		subjects = append(subjects, b.Subjects...)
	}
	for _, b := range only[*rbacv1.ClusterRoleBinding](objects) {
		subjects = append(subjects, b.Subjects...)
	}
	if len(subjects) != 3 {
		t.Errorf("%d subjects, want 3", len(subjects))
	}
	for _, s := range subjects {
		if s != (rbacv1.Subject{Kind: "ServiceAccount", Name: "svcdown", Namespace: "ops"}) {
			t.Errorf("bound to %+v", s)
		}
	}
}

func TestThePodIsLockedDown(t *testing.T) {
	t.Parallel()
	deployments := only[*appsv1.Deployment](rendered(t, nil))
	if len(deployments) != 1 {
		t.Fatalf("%d Deployments", len(deployments))
	}
	pod := deployments[0].Spec.Template.Spec
	if s := pod.SecurityContext; s == nil || s.RunAsNonRoot == nil || !*s.RunAsNonRoot || s.SeccompProfile == nil || s.SeccompProfile.Type != corev1.SeccompProfileTypeRuntimeDefault {
		t.Errorf("pod: %+v", pod.SecurityContext)
	}
	if pod.HostNetwork || pod.HostPID || pod.HostIPC {
		t.Error("the pod shares the node's namespaces")
	}
	for _, c := range append(pod.InitContainers, pod.Containers...) {
		s := c.SecurityContext
		if s == nil || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || s.ReadOnlyRootFilesystem == nil || !*s.ReadOnlyRootFilesystem ||
			s.Capabilities == nil || !slices.Equal(s.Capabilities.Drop, []corev1.Capability{"ALL"}) || len(s.Capabilities.Add) > 0 || (s.Privileged != nil && *s.Privileged) {
			t.Errorf("container %s: %+v", c.Name, s)
		}
		for _, e := range c.Env {
			if secret := strings.Contains(e.Name, "TOKEN") || strings.Contains(e.Name, "URL") || strings.Contains(e.Name, "PASSWORD"); secret && e.Value != "" && !strings.HasPrefix(e.Value, "/run/secrets/") {
				t.Errorf("%s stands in the pod's own text", e.Name)
			}
		}
	}
	for _, v := range pod.Volumes {
		if v.HostPath != nil {
			t.Errorf("volume %s is a folder of the node", v.Name)
		}
		// The files of a Secret belong to root and the pod's fsGroup, and the image does not run as root.
		if v.Secret == nil {
			continue
		}
		switch mode := v.Secret.DefaultMode; {
		case mode == nil || *mode&0o007 != 0:
			t.Errorf("everybody in the container may read volume %s", v.Name)
		case *mode&0o040 == 0 || pod.SecurityContext == nil || pod.SecurityContext.FSGroup == nil:
			t.Errorf("the bot itself cannot read volume %s", v.Name)
		}
	}
}

func TestTheConfigurationArrivesAsItWasWritten(t *testing.T) {
	t.Parallel()
	objects := rendered(t, nil)
	maps := only[*corev1.ConfigMap](objects)
	if len(maps) != 1 || maps[0].Data["svcdown.yaml"] != tricky {
		t.Errorf("got %v", maps)
	}
	if secrets := only[*corev1.Secret](objects); len(secrets) > 0 {
		t.Errorf("the chart makes Secrets: %v", secrets)
	}
}
