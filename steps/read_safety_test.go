package steps_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/k8stest"
)

// Every canary is planted where a careless team puts a password; each stands alone, without a word beside it that gives it away, except in logs
// and events, where only the shape can tell.
const (
	inEnv        = "kanarienvogel-in-env-4Xq9"
	inAnnotation = "kanarienvogel-in-annotation-7Bw2"
	inApplied    = "kanarienvogel-in-applied-1Zk5"
	inConfigMap  = "kanarienvogel-in-configmap-8Lm3"
	inTemplate   = "kanarienvogel-in-template-3Tr6"
	inArgument   = "kanarienvogel-in-argument-5Pd1"
	inHeader     = "kanarienvogel-in-header-6Gh2"
	inSecret     = "kanarienvogel-in-secret-2Vn8"
	inEvent      = "kanarienvogel-in-event-9Js4"
	inLog        = "canary-pg-9f3Qz7Lw2Xk8" // the sandbox's own database password, which its backend logs
)

var birds = []string{inEnv, inAnnotation, inApplied, inConfigMap, inTemplate, inArgument, inHeader, inSecret, inEvent, inLog}

// plantBirds puts them into the world.
func plantBirds(t *testing.T, w *k8stest.World) {
	t.Helper()
	w.Kubectl(t, "patch", "deployment", "backend-deployment", "--type=strategic", "-p", `{
		"metadata":{"annotations":{"example.com/note":"`+inAnnotation+`","kubectl.kubernetes.io/last-applied-configuration":"{\"spec\":\"`+inApplied+`\"}"}},
		"spec":{"template":{"metadata":{"annotations":{"example.com/note":"`+inTemplate+`"}},"spec":{"containers":[{"name":"backend",
			"env":[{"name":"GREETING","value":"`+inEnv+`"}],"args":["serve","--db-password","`+inArgument+`"],
			"readinessProbe":{"httpGet":{"httpHeaders":[{"name":"X-Note","value":"`+inHeader+`"}]}}}]}}}}`)
	w.Kubectl(t, "patch", "configmap", "web3-marketplace-config", "--type=merge", "-p", `{"data":{"GREETING":"`+inConfigMap+`"}}`)
	w.Kubectl(t, "patch", "secret", "web3-marketplace-secrets", "--type=merge", "-p",
		`{"metadata":{"annotations":{"kubectl.kubernetes.io/last-applied-configuration":"`+inSecret+`"}},"stringData":{"GREETING":"`+inSecret+`"}}`)
	w.Apply(t, `{"apiVersion":"v1","kind":"Event","metadata":{"name":"careless","namespace":"`+w.Namespace+`"},"type":"Warning","reason":"Careless","count":1,
		"message":"cannot connect to postgres://app:`+inEvent+`@db:5432/app","involvedObject":{"kind":"Deployment","name":"backend-deployment","namespace":"`+w.Namespace+`"},
		"lastTimestamp":"2099-01-01T00:00:00Z"}`)
	w.Kubectl(t, "rollout", "status", "deployment/backend-deployment", "--timeout=60s")
}

// readings are the commands whose answers could carry a canary.
var readings = []string{
	"kubectl get pods -o yaml", "kubectl get pods -o json", "kubectl get pods -o wide --show-labels", "kubectl get deploy -o yaml", "kubectl get deploy -o json",
	"kubectl get deploy backend-deployment -o yaml", "kubectl get rs -o yaml", "kubectl get sts -o json", "kubectl get all", "kubectl get all -o yaml", "kubectl get cm -o yaml", "kubectl get cm -o json",
	"kubectl get configmap web3-marketplace-config -o yaml", "kubectl get cm web3-marketplace-config -o jsonpath='{.data}'", "kubectl get cm web3-marketplace-config -o jsonpath='{.data.GREETING}'",
	"kubectl get pods -o jsonpath='{.items[*].spec.containers[*].env}'", "kubectl get pods -o jsonpath='{.items[*].spec.containers[*].env[*].value}'",
	"kubectl get pods -o jsonpath='{.items[*].spec.containers[*].args[2]}'", "kubectl get pods -o jsonpath-as-json='{.items[*].spec.containers[*].args}'", "kubectl get deploy -o jsonpath='{..annotations}'", "kubectl get pods -o jsonpath='{..httpHeaders}'",
	`kubectl get deploy backend-deployment -o jsonpath='{.metadata.annotations.kubectl\.kubernetes\.io/last-applied-configuration}'`,
	"kubectl get pods -o 'custom-columns=N:.metadata.name,E:.spec.containers[*].env[*].value,A:.spec.containers[*].args,T:.metadata.annotations'",
	"kubectl get cm -o custom-columns=N:.metadata.name,D:.data --sort-by=.data.GREETING", "kubectl get pods --sort-by='{.spec.containers[0].env[0].value}' -o name",
	"kubectl describe pod <pod-name>", "kubectl describe pods", "kubectl describe deploy", "kubectl describe cm", "kubectl describe cm web3-marketplace-config", "kubectl describe rs",
	"kubectl logs <pod-name>", "kubectl logs deploy/backend-deployment --all-containers --prefix --timestamps", "kubectl logs -l app=backend --tail=100", "kubectl logs <pod-name> | grep postgres | awk '{print $1}'",
	"kubectl get events", "kubectl get events -o yaml", "kubectl get events -o json", "kubectl get events --sort-by=.lastTimestamp | tail -20", "kubectl events", "kubectl events --for=deployment/backend-deployment", "kubectl get events -o jsonpath='{.items[*].message}'",
	"kubectl get events -A -o custom-columns=M:.message", "kubectl rollout history deployment/backend-deployment --revision=3", "kubectl rollout history deployment/backend-deployment",
	"kubectl get secret web3-marketplace-secrets -o yaml", "kubectl get secrets", "kubectl describe secret web3-marketplace-secrets", "kubectl get secret web3-marketplace-secrets -o jsonpath='{.data.GREETING}'",
	"kubectl wait deploy/backend-deployment --for=jsonpath='{.spec.template.spec.containers[0].env[0].value}'",
}

func TestNoSecretLeavesByAReadingCommand(t *testing.T) {
	t.Parallel()
	b := live(t, k8stest.NewWorld(t))
	plantBirds(t, b.world)
	eventually(t, "the password in the backend's log, taken out", func() bool {
		return strings.Contains(b.ask(t, "kubectl logs <pod-name>").Raw.String(), "postgres://postgres:[redacted]@")
	})
	var all strings.Builder
	for _, opt := range []bool{false, true} {
		if opt { // key names of the Secret may be read
			b.world.Kubectl(t, "create", "role", "key-names", "--verb=get", "--resource=secrets", "--resource-name=web3-marketplace-secrets")
			b.world.Kubectl(t, "create", "rolebinding", "key-names", "--role=key-names", "--user=svcdown-bot")
			b.catalog.Services[0].SecretKeys = []string{"web3-marketplace-secrets"}
		}
		for _, command := range readings {
			got := b.ask(t, command)
			if got.Finding.Status == finding.Unknown && !strings.Contains(command, "sort-by") {
				t.Errorf("%s answers nothing, so it proves nothing: %s", command, got.Finding.Line)
			}
			text, err := json.Marshal(got)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
			for _, c := range birds {
				for _, form := range coats(c) {
					if strings.Contains(string(text), form) {
						t.Errorf("%s shows %s", command, c)
					}
				}
			}
		}
		asked := slices.ContainsFunc(b.paths.all(), func(p string) bool { return strings.Contains(p, "/secrets") })
		if asked != opt {
			t.Errorf("the API was asked for a Secret: %t, want %t", asked, opt)
		}
	}
	for _, known := range []string{"GREETING", "web3-marketplace-secrets", "cannot connect to postgres://app:[redacted]@db:5432/app"} {
		if !strings.Contains(all.String(), known) {
			t.Errorf("%q is nowhere in the answers: what was searched is not what was planted", known)
		}
	}
}

func (p *paths) all() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.seen)
}

func TestOnlyTheCataloguesNamespacesAreRead(t *testing.T) {
	t.Parallel()
	foreign := k8stest.NewWorld(t)
	b := live(t, k8stest.MainWorld(t))
	at := k8sops.Place{Service: b.catalog.Services[0], Services: b.catalog.Services}
	ns := foreign.Namespace
	for name, ask := range map[string]k8sops.Reading{
		"get":               k8sops.Get{Kinds: []string{"pods"}, Namespace: ns},
		"get events":        k8sops.Get{Kinds: []string{"events"}, Namespace: ns},
		"get with nodes":    k8sops.Get{Kinds: []string{"nodes", "pods"}, Namespace: ns},
		"a path":            k8sops.Get{Kinds: []string{"pods"}, Namespace: "../../api/v1/namespaces/" + ns},
		"describe":          k8sops.Describe{Kinds: []string{"pods"}, Namespace: ns},
		"logs":              k8sops.PodLogs{Kind: "statefulsets", Name: "redis-master", Namespace: ns},
		"top":               k8sops.Top{Namespace: ns},
		"events":            k8sops.Events{Namespace: ns},
		"wait":              k8sops.Wait{Kinds: []string{"pods"}, Namespace: ns, For: "delete"},
		"rollout status":    k8sops.RolloutStatus{Kind: "deployments", Name: "backend-deployment", Namespace: ns},
		"rollout history":   k8sops.RolloutHistory{Kind: "deployments", Name: "backend-deployment", Namespace: ns},
		"auth can-i":        k8sops.CanI{Verb: "get", Kind: "pods", Namespace: ns},
		"secret references": k8sops.SecretReferences{Namespace: ns},
	} {
		b.paths.clear()
		got := b.cluster.Read(t.Context(), at, ask)
		if got.Finding.Status != finding.Unknown || !strings.Contains(got.Finding.Line.String(), "No service of svcdown.yaml lives in namespace") || got.Finding.Fix.Empty() || !got.Raw.Empty() {
			t.Errorf("%s: %s %s", name, got.Finding.Status, got.Finding.Line)
		}
		if asked := b.paths.all(); len(asked) > 0 {
			t.Errorf("%s asked the API: %q", name, asked)
		}
	}
	for _, command := range []string{"kubectl get pods -A", "kubectl get events -A", "kubectl events -A", "kubectl top pods -A", "kubectl describe pods -A", "kubectl get pv", "kubectl describe pv"} {
		b.paths.clear()
		got := b.ask(t, command)
		text, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), ns) || got.Finding.Status == finding.Unknown && !strings.Contains(command, "top") {
			t.Errorf("%s speaks of %s: %s", command, ns, text)
		}
		for _, path := range b.paths.all() {
			if strings.HasSuffix(path, "/pods") && !strings.Contains(path, "/namespaces/"+b.world.Namespace+"/") {
				t.Errorf("%s asked the whole cluster: %s", command, path)
			}
		}
	}
}

func (p *paths) clear() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen = nil
}

func TestKindsThatMayHoldSecretsAreNeverRead(t *testing.T) {
	t.Parallel()
	b := live(t, k8stest.MainWorld(t))
	at := k8sops.Place{Service: b.catalog.Services[0], Services: b.catalog.Services}
	for _, kind := range []string{"secrets", "Secrets", "secrets.", "sealedsecrets.bitnami.com", "certificatesigningrequests", "oauthtokens", "../secrets"} {
		for _, ask := range []k8sops.Reading{k8sops.Get{Kinds: []string{kind}}, k8sops.Describe{Kinds: []string{kind}}, k8sops.Wait{Kinds: []string{kind}, For: "delete"},
			k8sops.PodLogs{Kind: kind, Name: "x"}, k8sops.Get{Kinds: []string{"pods", kind}}, k8sops.Explain{Path: kind}} {
			b.paths.clear()
			got := b.cluster.Read(t.Context(), at, ask)
			if got.Finding.Status != finding.Unknown || !got.Raw.Empty() || slices.ContainsFunc(b.paths.all(), func(p string) bool { return strings.Contains(p, "secrets") }) {
				t.Errorf("%T of %s: %s %s, asked %q", ask, kind, got.Finding.Status, got.Finding.Line, b.paths.all())
			}
		}
	}
	for _, name := range []string{"../secrets/web3-marketplace-secrets", "..", "a/b", "a%2fb"} {
		b.paths.clear()
		got := b.cluster.Read(t.Context(), at, k8sops.Get{Kinds: []string{"pods"}, Names: []string{name}})
		if got.Finding.Status != finding.Unknown || slices.ContainsFunc(b.paths.all(), func(p string) bool { return strings.Contains(p, "/secrets") }) {
			t.Errorf("name %q: %s %s", name, got.Finding.Status, got.Finding.Line)
		}
	}
}

func TestWhatMayNotBeReadIsSaidWithItsFix(t *testing.T) {
	t.Parallel()
	w := k8stest.MainWorld(t)
	b := liveAs(t, w, w.UserKubeconfigs["dave"]) // who may nothing
	for _, command := range []string{"kubectl get pods", "kubectl get events", "kubectl get endpoints backend-service", "kubectl describe nodes", "kubectl logs deployment/backend-deployment",
		"kubectl top pods", "kubectl rollout status deployment/backend-deployment", "kubectl get pv,pvc", "kubectl get networkpolicies", "kubectl get configmap web3-marketplace-config -o yaml",
		"kubectl get secret web3-marketplace-secrets -o yaml", "kubectl describe pods"} {
		got := b.ask(t, command)
		if got.Finding.Status != finding.Unknown || !strings.Contains(got.Finding.Line.String(), "forbids it") || !strings.Contains(got.Finding.Fix.String(), "Give svcdown's account get and list on") || !got.Raw.Empty() {
			t.Errorf("%s: %s %s | %s\n%s", command, got.Finding.Status, got.Finding.Line, got.Finding.Fix, got.Raw)
		}
	}
}
