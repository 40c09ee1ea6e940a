package steps_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8stest"
)

// expectation is what one command says in one state of the world.
type expectation struct {
	command string
	status  finding.Status
	line    string       // part of it
	kind    finding.Kind // among the signals, "" for none in particular
}

func (e expectation) met(r finding.Report) bool {
	return r.Finding.Status == e.status && strings.Contains(r.Finding.Line.String(), e.line) &&
		(e.kind == "" || slices.ContainsFunc(r.Finding.Signals, func(s finding.Signal) bool { return s.Kind == e.kind }))
}

func (b liveBundle) expect(t *testing.T, all []expectation) {
	t.Helper()
	for _, e := range all {
		var got finding.Report
		eventually(t, e.command+" says "+e.status.String()+" "+e.line, func() bool {
			got = b.ask(t, e.command)
			if !e.met(got) {
				t.Logf("%s\n  %s %s %v", e.command, got.Finding.Status, got.Finding.Line, got.Finding.Signals)
			}
			return e.met(got)
		})
		if got.Finding.Status == finding.Unknown && got.Finding.Fix.Empty() {
			t.Errorf("%s: unknown without a fix: %s", e.command, got.Finding.Line)
		}
	}
}

// It runs alone: nodes are the whole cluster's, and other tests break some.
func TestReadingCommandsOfTheRunbookOnTheHealthyWorld(t *testing.T) {
	live(t, k8stest.MainWorld(t)).expect(t, []expectation{
		{"kubectl get pods -l app=<service-name>", finding.OK, "all 3 pods are ready", finding.PodsReady},
		{"kubectl get pods", finding.OK, "all 7 pods are ready", finding.PodsReady},
		{"kubectl get events --sort-by='.lastTimestamp' | tail -20", finding.Warn, "warnings of", ""}, // the autoscaler met metrics that were not there yet
		{"kubectl get endpoints <service-name>-service", finding.OK, "3 of 3 endpoints ready", finding.EndpointsUp},
		{"kubectl get endpointslices", finding.OK, "all 4 are well", finding.EndpointsUp},
		{"kubectl describe pod <pod-name>", finding.OK, "is ready on node", ""},
		{"kubectl logs <pod-name> --tail=100", finding.OK, "no error among", ""},
		{"kubectl logs deployment/<deployment-name> --previous", finding.OK, "no container of deployment/backend-deployment has been restarted", ""},
		{"kubectl logs statefulset/postgres-primary", finding.OK, "no error among", ""},
		{"kubectl top pods", finding.OK, "memory at most", ""},
		{"kubectl top nodes", finding.OK, "the fullest of", ""},
		{"kubectl rollout status deployment/<deployment-name>", finding.OK, "is complete: 3 of 3 pods are available", ""},
		{"kubectl rollout history deployment/<deployment-name>", finding.OK, "backend 2.7.3 → 2.8.0", ""},
		{"kubectl describe nodes", finding.OK, "none under pressure", finding.NodesReady},
		{"kubectl get pv,pvc", finding.OK, "all 2 claims are bound", ""},
		{"kubectl get networkpolicies", finding.OK, "2 of 5 network policies select the pods of backend", finding.NetworkOpen},
		{"kubectl get configmap web3-marketplace-config -o yaml", finding.OK, "everything that deployment/backend-deployment refers to is there", ""},
		{"kubectl get secret web3-marketplace-secrets -o yaml", finding.OK, "no kubelet complains", ""},
		{"kubectl get deploy,sts", finding.OK, "deployment/backend-deployment: 3 of 3 pods available", ""},
		{"kubectl get all", finding.OK, "all 9 are well", ""},
		{"kubectl get hpa", finding.OK, "frontend-hpa 2–6, now 2", ""},
		{"kubectl get pods -A", finding.OK, "(in the catalogue's namespaces: ", ""},
		{"kubectl get jobs", finding.OK, "no jobs in namespace", ""},
		{"kubectl get pod nobody", finding.Fail, "pod nobody does not exist", ""},
		{"kubectl get pods -l app=nobody", finding.Unknown, "no pod in namespace web3-marketplace-prod matches app=nobody", ""},
		{"kubectl wait --for=condition=Available deployment/<deployment-name>", finding.OK, "met by all 1", ""},
		{"kubectl wait --for=delete pod/nobody", finding.OK, "met by all 1", ""},
		{"kubectl auth can-i list pods", finding.OK, "may list pods", ""},
		{"kubectl auth can-i get secrets", finding.Warn, "may not get secrets", ""},
		{"kubectl auth can-i --list", finding.OK, "patch deployments.apps", ""},
		{"kubectl auth whoami", finding.OK, "svcdown-bot", ""},
		{"kubectl api-resources", finding.OK, "kinds of objects", ""},
		{"kubectl api-versions", finding.OK, "API versions", ""},
		{"kubectl version", finding.OK, "v1.37", ""},
		{"kubectl cluster-info", finding.OK, "calls itself ready", ""},
		{"kubectl get --raw '/readyz?verbose'", finding.OK, "answers /readyz with ok", ""},
		{"kubectl explain pods.spec.containers.resources", finding.OK, "Compute Resources required", ""},
		{"kubectl explain deploy", finding.OK, "Deployment enables", ""},
		{"kubectl explain pods.spec.nothing", finding.Unknown, `no field "nothing"`, ""},
		{"kubectl get crd", finding.Unknown, "forbids it", ""},
		{"kubectl get widgets.example.com", finding.Unknown, "does not have a resource type", ""},
	})
}

// A node that is down is in TestEveryCommandOfTheServiceDownRunbook: the worlds of one control plane see each other's nodes.
func TestReadingCommandsOfTheRunbookOnABrokenWorld(t *testing.T) {
	t.Parallel()
	tests := []struct {
		mode string
		want []expectation
	}{
		{"crashloop", []expectation{
			{"kubectl get pods -l app=<service-name>", finding.Fail, "2 of 3 pods crash since", finding.CrashLoop},
			{"kubectl get pods", finding.Fail, "(deployment/backend-deployment)", finding.CrashLoop},
			{"kubectl get events --sort-by='.lastTimestamp' | tail -20", finding.Warn, "BackOff", ""},
			{"kubectl events --types=Warning", finding.Warn, "BackOff", ""},
			{"kubectl get endpoints <service-name>-service", finding.Warn, "1 of 3 endpoints ready", ""},
			{"kubectl describe pod <pod-name>", finding.Fail, "last ended at", finding.CrashLoop},
			{"kubectl logs <pod-name> --tail=100", finding.Warn, "errors: ", finding.LogErrors},
			{"kubectl logs deployment/<deployment-name> --previous", finding.Fail, "restarts; pod/backend-deployment-", ""},
			{"kubectl rollout status deployment/<deployment-name>", finding.Fail, "exceeded its deadline", finding.RolloutStuck},
			{"kubectl get deploy", finding.Fail, "deployment/backend-deployment is stuck", finding.RolloutStuck},
			{"kubectl wait --for=condition=Ready pods -l app=<service-name>", finding.Warn, "not met by 2 of 3", ""},
		}},
		{"oom", []expectation{
			{"kubectl get pods -l app=<service-name>", finding.Fail, "exit 137 OOMKilled", finding.OOMKilled},
			{"kubectl describe pod <pod-name>", finding.Fail, "exit 137 OOMKilled", finding.OOMKilled},
		}},
		{"imagepull", []expectation{
			{"kubectl logs <pod-name>", finding.Fail, "does not run: ", ""},
			{"kubectl describe pod <pod-name>", finding.Fail, "image registry.web3marketplace.com/backend", finding.ImagePull},
		}},
		{"no-endpoints", []expectation{
			{"kubectl get endpoints <service-name>-service", finding.Fail, "does not match the pods", finding.SelectorMismatch},
			{"kubectl get endpointslices", finding.Fail, "does not match the pods", finding.NoEndpoints},
		}},
		{"pending", []expectation{
			{"kubectl describe pod <pod-name>", finding.Fail, "Insufficient memory", finding.Pending},
			{"kubectl get pods -l app=<service-name>", finding.Fail, "2 of 3 pods are pending", finding.NoResources},
		}},
		{"disk-full", []expectation{
			{"kubectl logs statefulset/postgres-primary", finding.Fail, "disk full", ""},
		}},
	}
	for _, tt := range tests {
		t.Run(tt.mode, func(t *testing.T) {
			t.Parallel()
			b := live(t, k8stest.NewWorld(t))
			b.world.Break(t, "backend", tt.mode)
			b.expect(t, tt.want)
		})
	}
}

func TestWhatTheWorkloadRefersToAndIsNotThereIsNamed(t *testing.T) {
	t.Parallel()
	b := live(t, k8stest.NewWorld(t))
	b.world.Kubectl(t, "set", "env", "deployment/backend-deployment", "--from=configmap/web3-marketplace-config", "--keys=CHAIN_ID")
	b.world.Kubectl(t, "patch", "configmap", "web3-marketplace-config", "--type=json", "-p", `[{"op":"remove","path":"/data/CHAIN_ID"}]`)
	b.expect(t, []expectation{{"kubectl get configmap web3-marketplace-config -o yaml", finding.Fail, "key CHAIN_ID of configmap web3-marketplace-config (env CHAIN_ID)", finding.ConfigMissing}})
	b.world.Kubectl(t, "delete", "configmap", "web3-marketplace-config")
	b.expect(t, []expectation{{"kubectl get configmap web3-marketplace-config -o yaml", finding.Fail, "does not exist", finding.ConfigMissing}})
}

func TestAPolicyThatCutsTheServiceOffIsNamed(t *testing.T) {
	t.Parallel()
	b := live(t, k8stest.NewWorld(t))
	b.world.Apply(t, `{"apiVersion":"networking.k8s.io/v1","kind":"NetworkPolicy","metadata":{"name":"only-redis"},"spec":{
		"podSelector":{"matchLabels":{"app":"backend"}},"policyTypes":["Egress"],
		"egress":[{"to":[{"podSelector":{"matchLabels":{"app":"redis-master"}}}],"ports":[{"port":6379}]}]}}`)
	got := b.ask(t, "kubectl get networkpolicies").Finding
	for _, want := range []string{"backend cannot ask DNS (egress of only-redis)", "backend cannot reach postgres-primary (egress of only-redis)"} {
		if got.Status != finding.Fail || !strings.Contains(got.Line.String(), want) {
			t.Errorf("got %s %q, want it to say %q", got.Status, got.Line, want)
		}
	}
	if strings.Contains(got.Line.String(), "redis-master") {
		t.Errorf("redis can be reached: %s", got.Line)
	}
	blocked := func(s finding.Signal) bool {
		return s.Kind == finding.NetworkPolicyBlocks && s.Object == "Service/postgres-primary"
	}
	if !slices.ContainsFunc(got.Signals, blocked) {
		t.Errorf("no signal about postgres-primary: %v", got.Signals)
	}
}

func TestAClaimThatIsNotBoundIsNamed(t *testing.T) {
	t.Parallel()
	b := live(t, k8stest.NewWorld(t))
	b.world.Apply(t, `{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"scratch"},"spec":{
		"accessModes":["ReadWriteOnce"],"storageClassName":"none","resources":{"requests":{"storage":"1Gi"}}}}`)
	b.expect(t, []expectation{{"kubectl get pv,pvc", finding.Warn, "claim scratch is not bound", ""}})
}
