package k8sops_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/harden"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/k8stest"
	"github.com/svcdown/svcdown/realtool"
)

// promRuleCRD is as much of the Prometheus Operator as a PrometheusRule needs to be stored.
const promRuleCRD = `{"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "prometheusrules.monitoring.coreos.com"},
 "spec": {"group": "monitoring.coreos.com", "scope": "Namespaced", "names": {"plural": "prometheusrules", "singular": "prometheusrule", "kind": "PrometheusRule", "listKind": "PrometheusRuleList"},
  "versions": [{"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": {"type": "object", "required": ["groups"],
   "properties": {"groups": {"type": "array", "items": {"type": "object", "required": ["name", "rules"], "properties": {"name": {"type": "string"}, "rules": {"type": "array",
    "items": {"type": "object", "required": ["expr"], "properties": {"alert": {"type": "string"}, "record": {"type": "string"}, "expr": {"type": "string"}, "for": {"type": "string"},
     "labels": {"type": "object", "additionalProperties": {"type": "string"}}, "annotations": {"type": "object", "additionalProperties": {"type": "string"}}}}}}}}}}}}}}]}}`

const (
	suspendedBackup = `{"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "postgres-primary-nightly"}, "spec": {"schedule": "0 3 * * *", "suspend": true,
 "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "run", "image": "postgres:16", "command": ["sh", "-c", "pg_dump --dbname=postgres://u:canary-of-a-job@db/x"]}]}}}}}}`
	otherJob = `{"apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "report"}, "spec": {"schedule": "0 3 * * *",
 "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [{"name": "run", "image": "report:1"}]}}}}}}`
	backendRule = `{"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule", "metadata": {"name": "all"}, "spec": {"groups": [{"name": "g", "rules": [
 {"alert": "BackendDown", "expr": "up{job=\"backend-service\"} == 0"}, {"alert": "Sidecar", "expr": "up{job=\"my-backend-of-others\"} == 0"}, {"record": "x", "expr": "vector(1)"}]}]}}`
	backendIngress = `{"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "api"}, "spec": {"tls": [{"hosts": ["api.example.com"], "secretName": "api-tls"}],
 "rules": [{"host": "api.example.com", "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "backend-service", "port": {"name": "main"}}}}]}}]}}`
)

// wreck takes away what protects a world.
func wreck(t *testing.T, w *k8stest.World) {
	t.Helper()
	w.Kubectl(t, "delete", "pdb", "--all")
	w.Kubectl(t, "delete", "networkpolicy", "--all")
	w.Kubectl(t, "patch", "deployment/backend-deployment", "--type", "json", "-p", `[{"op": "remove", "path": "/spec/template/spec/containers/0/resources"},
 {"op": "remove", "path": "/spec/template/spec/containers/0/readinessProbe"}, {"op": "remove", "path": "/spec/template/spec/containers/0/livenessProbe"},
 {"op": "replace", "path": "/spec/template/spec/containers/0/image", "value": "registry.web3marketplace.com/backend:latest"}]`)
	w.Kubectl(t, "patch", "hpa/frontend-hpa", "--type", "merge", "-p", `{"spec": {"minReplicas": 1, "maxReplicas": 1}}`)
	w.Apply(t, suspendedBackup)
	w.Apply(t, otherJob)
}

// judged is the report of a service, as `harden` makes it.
func judged(t *testing.T, b testBundle, svc catalog.Service) harden.Report {
	t.Helper()
	p, err := b.cluster.Protection(t.Context(), svc)
	if err != nil {
		t.Fatal(err)
	}
	return harden.Judge(harden.Case{Service: svc, Protection: p, Now: time.Now()})
}

func service(b testBundle, name, kind string) catalog.Service {
	svc := b.world.Service(name)
	svc.Kind, svc.Health = kind, nil
	return svc
}

func itemOf(t *testing.T, r harden.Report, check string) harden.Item {
	t.Helper()
	i := slices.IndexFunc(r.Items, func(i harden.Item) bool { return i.Finding.Check == check })
	if i < 0 {
		t.Fatalf("nothing was said of %s; left out: %v", check, r.Apart)
	}
	return r.Items[i]
}

// kubectl runs the real kubectl and returns what it says and whether it was content.
func kubectl(t *testing.T, w *k8stest.World, args ...string) (string, bool) {
	t.Helper()
	r, err := realtool.Run(t.Context(), nil, "", append([]string{w.KubectlPath, "--kubeconfig", w.Kubeconfig, "-n", w.Namespace}, args...)...)
	if err != nil {
		t.Fatal(err)
	}
	return r.Stdout + r.Stderr, r.Code == 0
}

func write(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "remedy.yaml")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Every remedy is sent to the API server as kubectl would, as a dry run: by itself, and all of a service in its files.
func TestEveryRemedyIsAcceptedByTheAPIServer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	if i := itemOf(t, judged(t, b, service(b, "backend", "backend")), "alerts"); i.Finding.Status != finding.Unknown || !strings.Contains(i.Finding.Line.String(), "not installed") {
		t.Errorf("without the CRD: %s %s", i.Finding.Status, i.Finding.Line)
	}
	b.world.Apply(t, promRuleCRD)
	eventually(t, "PrometheusRules are served", func() bool {
		return itemOf(t, judged(t, b, service(b, "backend", "backend")), "alerts").Finding.Status == finding.Fail
	})
	services := []catalog.Service{service(b, "backend", "backend"), service(b, "frontend", "frontend"), service(b, "postgres-primary", "database"), service(b, "redis-master", "redis")}
	mended, tried := map[string]bool{}, map[string]bool{}
	try := func(what string, r harden.Report) {
		t.Helper()
		for _, i := range r.Items {
			for _, m := range i.Remedies {
				key := i.Finding.Check + m.Target + m.YAML().String()
				if mended[i.Finding.Check] = true; tried[key] {
					continue
				}
				tried[key] = true
				file := write(t, m.YAML().String())
				args := []string{"create", "--dry-run=server", "-f", file}
				if m.Target != "" {
					args = []string{"patch", m.Target, "--dry-run=server", "--type", "strategic", "--patch-file", file}
				}
				if out, ok := kubectl(t, b.world, args...); !ok || strings.Contains(out, "no change") {
					t.Errorf("%s, %s: kubectl %v: %s\n%s", what, i.Finding.Check, args, out, m.YAML())
				}
			}
		}
		for _, f := range r.Files("harden", "kubectl") {
			args := []string{"create", "--dry-run=server", "-f", write(t, f.Content.String())}
			if strings.HasSuffix(f.Name, "-patch.yaml") {
				// Applied by mistake it must be refused: as a part of a Deployment it would take the rest away.
				if out, ok := kubectl(t, b.world, "apply", "--dry-run=server", "-f", args[3]); ok {
					t.Errorf("%s: the patch can be applied: %s", what, out)
				}
				target := strings.Fields(f.Title.String())[2]
				args = []string{"patch", target, "--dry-run=server", "--type", "strategic", "--patch-file", args[3]}
			}
			if out, ok := kubectl(t, b.world, args...); !ok {
				t.Errorf("%s, %s: %s\n%s", what, f.Name, out, f.Content)
			}
		}
	}
	for _, svc := range services {
		try("healthy "+svc.Name, judged(t, b, svc))
	}
	wreck(t, b.world)
	for _, svc := range services {
		try("wrecked "+svc.Name, judged(t, b, svc))
	}
	b.world.Kubectl(t, "delete", "hpa", "--all")
	b.world.Kubectl(t, "scale", "deployment/frontend-deployment", "--replicas=1")
	try("a single pod", judged(t, b, services[1]))
	b.world.Kubectl(t, "create", "poddisruptionbudget", "hold", "--selector", "app=backend", "--min-available=100%")
	eventually(t, "the budget counts its pods", func() bool {
		return strings.Contains(itemOf(t, judged(t, b, services[0]), "pdb").Finding.Line.String(), "lets no pod go")
	})
	try("a budget that lets nobody go", judged(t, b, services[0]))
	for _, check := range []string{"replicas", "probes", "resources", "pdb", "spread", "images", "network", "backup", "alerts", "hpa"} {
		if !mended[check] {
			t.Errorf("no remedy of %s was tried", check)
		}
	}
	b.world.Apply(t, backendRule)
	if got := itemOf(t, judged(t, b, services[0]), "alerts").Finding; got.Status != finding.OK || !strings.Contains(got.Line.String(), "1 alert rule of it: BackendDown") {
		t.Errorf("%s %s", got.Status, got.Line)
	}
}

func TestProtectionIsWhatTheClusterHas(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.world.Apply(t, suspendedBackup)
	b.world.Apply(t, otherJob)
	b.world.Apply(t, backendIngress)
	got, err := b.cluster.Protection(t.Context(), b.backend)
	if err != nil {
		t.Fatal(err)
	}
	k := got.Containers[0]
	k.CPUUsed, k.MemoryUsed, k.Digest = 0, 0, "" // the figures come and go
	const mebi = 1 << 20
	if diff := cmp.Diff(finding.Container{Name: "backend", Image: "registry.web3marketplace.com/backend:2.8.0", Ports: []finding.Port{{Name: "main", Number: 3000}},
		CPURequest: 250, MemoryRequest: 256 * mebi, MemoryLimit: 512 * mebi, Readiness: true, Liveness: true}, k); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]finding.Budget{{Name: "backend-pdb", Field: "minAvailable", Spare: 1}}, got.Budgets.Value); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]finding.Ingress{{Name: "api", Hosts: []string{"api.example.com"}, TLS: true}}, got.Ingresses.Value); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]finding.Port{{Name: "main", Number: 3000}}, got.Ports.Value); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(map[string]string{"app": "backend"}, got.Selector.Labels); diff != "" {
		t.Error(diff)
	}
	if n := len(got.Backups.Value); n != 1 || got.Backups.Value[0].Name != "postgres-primary-nightly" || !got.Backups.Value[0].Suspended || got.Backups.Value[0].Hint != "pg_dump" {
		t.Errorf("backups: %+v", got.Backups)
	}
	if len(got.Pods.Value) != 3 || got.Pods.Value[0].Zone == "" || got.Ground.Value.Zones < 2 || got.Replicas != 3 {
		t.Errorf("%d replicas, pods %+v, ground %+v", got.Replicas, got.Pods, got.Ground)
	}
	in := func(name string) bool {
		return slices.ContainsFunc(got.Policies.Value, func(p finding.NetworkPolicy) bool { return p.Name == name && p.Ingress && !p.Open })
	}
	if len(got.Policies.Value) != 2 || !in("default-deny-ingress") || !in("allow-to-backend") {
		t.Errorf("policies: %+v", got.Policies)
	}
	front, err := b.cluster.Protection(t.Context(), b.world.Service("frontend"))
	if err != nil {
		t.Fatal(err)
	}
	if a := front.Autoscalers.Value; len(a) != 1 || a[0].Name != "frontend-hpa" || a[0].Min != 2 || a[0].Max != 6 {
		t.Errorf("autoscalers: %+v", a)
	}
	if said := fmt.Sprintf("%+v", got); strings.Contains(said, "canary") {
		t.Errorf("a value left the cluster: %s", said)
	}
	missing := b.world.Service("backend")
	missing.Workload.Name = "gone"
	if _, err := b.cluster.Protection(t.Context(), missing); k8sops.KindOf(err) != k8sops.NotFound {
		t.Errorf("of a workload that is not there: %v", err)
	}
}

// What the LimitRange of a namespace fills in is no gap.
func TestProtectionCountsWhatALimitRangeFillsIn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.world.Apply(t, `{"apiVersion": "v1", "kind": "LimitRange", "metadata": {"name": "all"}, "spec": {"limits": [{"type": "Container", "default": {"memory": "512Mi"}, "defaultRequest": {"cpu": "100m", "memory": "128Mi"}}]}}`)
	b.world.Kubectl(t, "patch", "deployment/backend-deployment", "--type", "json", "-p", `[{"op": "remove", "path": "/spec/template/spec/containers/0/resources"}]`)
	if got := itemOf(t, judged(t, b, service(b, "backend", "backend")), "resources").Finding; got.Status != finding.OK {
		t.Errorf("%s %s", got.Status, got.Line)
	}
}

// An account that may read the workload alone is told, for each part, the rule that it lacks.
func TestWhatMayNotBeReadNamesThePermission(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.world.Kubectl(t, "create", "role", "little", "--verb=get", "--resource=deployments.apps")
	b.world.Kubectl(t, "create", "rolebinding", "little", "--role=little", "--user=little")
	cfg, err := clientcmd.BuildConfigFromFlags("", b.world.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cfg.Impersonate = rest.ImpersonationConfig{UserName: "little"}
	p, err := open(t, cfg, k8sops.Options{}).Protection(t.Context(), b.backend)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string][2]string{
		"pods": {p.Pods.Unread.String(), p.Pods.Fix.String()}, "nodes": {p.Ground.Unread.String(), p.Ground.Fix.String()},
		"horizontalpodautoscalers.autoscaling":  {p.Autoscalers.Unread.String(), p.Autoscalers.Fix.String()},
		"poddisruptionbudgets.policy":           {p.Budgets.Unread.String(), p.Budgets.Fix.String()},
		"networkpolicies.networking.k8s.io":     {p.Policies.Unread.String(), p.Policies.Fix.String()},
		"ingresses.networking.k8s.io":           {p.Ingresses.Unread.String(), p.Ingresses.Fix.String()},
		"cronjobs.batch":                        {p.Backups.Unread.String(), p.Backups.Fix.String()},
		"prometheusrules.monitoring.coreos.com": {p.Alerts.Unread.String(), p.Alerts.Fix.String()},
		"services":                              {p.Ports.Unread.String(), p.Ports.Fix.String()},
	}
	for what, said := range got {
		resource, group, _ := strings.Cut(what, ".")
		where := "in namespace " + b.world.Namespace
		if what == "nodes" {
			where = "across the cluster"
		}
		want := where + `: {apiGroups: ["` + group + `"], resources: [` + resource + `], verbs: [list]}`
		if !strings.Contains(said[0], "may not list "+what) || !strings.Contains(said[1], want) {
			t.Errorf("%s: %q, %q; want %q", what, said[0], said[1], want)
		}
	}
}
