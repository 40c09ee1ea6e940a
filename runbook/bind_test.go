package runbook_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/runbook"
)

var shop = catalog.Service{Name: "backend", Namespace: "shop", Cluster: "main", KubernetesService: "backend-svc", Workload: catalog.Workload{Kind: "Deployment", Name: "backend-deployment"}}

func with(more runbook.Values) runbook.Values {
	all := runbook.ServiceValues(shop)
	for k, v := range more {
		all[k] = v
	}
	return all
}

func TestBindFillsPlaceholdersFromTheCatalogueAndTheRun(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"kubectl logs -n $NAMESPACE <pod-name>":                                            "namespace=shop name=backend-7d4",
		"kubectl logs <POD_NAME>":                                                          "name=backend-7d4 namespace=shop",
		"kubectl get pods -l app=<service-name>,x=y":                                       "selector=app=backend,x=y namespace=shop",
		"kubectl get endpoints <service-name>-service":                                     "name=backend-svc namespace=shop",
		"kubectl describe svc <service>":                                                   "name=backend-svc namespace=shop",
		"kubectl get endpoints <service-name>-canary":                                      "name=backend-canary namespace=shop",
		"kubectl get deploy <service-name>-service":                                        "name=backend-service namespace=shop",
		"kubectl delete svc <service-name>-service":                                        "name=backend-service namespace=shop",
		"kubectl get endpoints <other>-service":                                            "name=frontend-service namespace=shop",
		"kubectl rollout restart deployment/[DEPLOYMENT] -n other":                         "namespace=other name=backend-deployment",
		"kubectl scale deploy/<deployment-name> --replicas=<desired-count>":                "replicas=5 name=backend-deployment namespace=shop",
		"kubectl exec <pod-name> -- curl http://<service>:3000/health":                     "name=backend-7d4 url=http://backend:3000/health namespace=shop",
		"curl <health-url>":                                                                "url=https://api.example.com/health",
		"kubectl get nodes":                                                                "",
		"kubectl get pods -A":                                                              "all-namespaces=",
		"kubectl get pods | grep <service-name>":                                           "namespace=shop | grep backend",
		`curl -X POST -d '{"text":"<service-name>: \"[REASON]\" <b>"}' $SLACK_WEBHOOK_URL`: "text=backend: \"many words; $(id) & 'quotes'\" bold",
	} {
		step := runbook.Classify(command)
		bound, err := runbook.Bind(step, shop, with(runbook.Values{"pod-name": "backend-7d4", "desired-count": "5", "health-url": "https://api.example.com/health", "other": "frontend", "reason": "many words; $(id) & 'quotes'", "b": "bold"}))
		if err != nil {
			t.Errorf("%s: %v", command, err)
			continue
		}
		var got []string
		for _, a := range bound.Operation.Args {
			got = append(got, a.Name+"="+a.Value.String())
		}
		for _, f := range bound.Operation.Filters {
			got = append(got, "| "+f.String())
		}
		if diff := cmp.Diff(want, strings.Join(got, " ")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", command, diff)
		}
		if len(bound.Holes()) != 0 {
			t.Errorf("%s still has placeholders: %v", command, bound.Holes())
		}
		if diff := cmp.Diff(runbook.Classify(command), step); diff != "" {
			t.Errorf("%s: Bind changed the step that it was given:\n%s", command, diff)
		}
	}
}

func TestBindRefusesValuesThatAreMoreThanTheirPlace(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ command, hole, value string }{
		{"kubectl logs <x>", "x", "--all-namespaces"},
		{"kubectl logs <x>", "x", "a b"},
		{"kubectl logs <x>", "x", "a; rm -rf /"},
		{"kubectl logs <x>", "x", "deploy/a"},
		{"kubectl logs <x>", "x", "A"},
		{"kubectl logs <x>", "x", ""},
		{"kubectl logs <x>", "x", "a\nb"},
		{"kubectl get pods -n <x>", "x", "kube.system"},
		{"kubectl get pods -l app=<x>", "x", "a,b=c"},
		{"kubectl get pods -l app=<x>", "x", "a=b"},
		{"kubectl scale deploy/a --replicas=<x>", "x", "-1"},
		{"kubectl scale deploy/a --replicas=<x>", "x", "five"},
		{"kubectl scale deploy/a --replicas=<x>", "x", "99999999999"},
		{"kubectl logs a --since=<x>", "x", "-5m"},
		{"curl <url>", "url", "http://169.254.169.254/"},
		{"curl <url>", "url", "file:///etc/passwd"},
		{"curl <url>", "url", "-o/etc/passwd"},
		{"curl https://<x>/health", "x", "a@169.254.169.254"},
		{"curl https://<x>/health", "x", "2852039166"},
		{"curl https://<x>/health", "x", "metadata.google.internal"},
		{"curl https://a.example.com/<x>", "x", "shutdown"},
		{"curl https://a.example.com/<x>", "x", "../admin"},
		{"kubectl exec a -- nc -z <x> 80", "x", "-e"},
		{"kubectl exec a -- ls <x>", "x", "-R"},
		{"kubectl exec a -- psql -d <x> -c 'SELECT 1'", "x", "postgres://u:p@h/d"},
		{"kubectl exec a -- psql -d <x> -c 'SELECT 1'", "x", "host=h"},
		{"kubectl set env deploy/a A=<x>", "x", "a\nb"},
		{"kubectl get pods | grep <x>", "x", "-f"},
		{"kubectl get pods | grep <x>", "x", "a|b"},
		{`curl -X POST -d '{"text":"<x>"}' $SLACK_WEBHOOK_URL`, "x", "a\x00b"},
	} {
		step := runbook.Classify(tc.command)
		if step.Operation == nil {
			t.Errorf("%s: %s", tc.command, step.Reason)
			continue
		}
		if bound, err := runbook.Bind(step, shop, runbook.Values{tc.hole: tc.value}); err == nil {
			t.Errorf("%s took %q: %v", tc.command, tc.value, bound.Operation)
		} else if !strings.Contains(err.Error(), "nothing was run") {
			t.Errorf("%s: %v does not say that nothing was run", tc.command, err)
		}
	}
}

func TestBindNamesEverythingThatIsMissing(t *testing.T) {
	t.Parallel()
	_, err := runbook.Bind(runbook.Classify("kubectl logs <pod> -c <container>"), catalog.Service{Name: "x"}, nil)
	for _, want := range []string{"<pod>", "<container>", "namespace"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %s in %v", want, err)
		}
	}
}

func TestBindDoesNotRunWhatIsRefusedOrManual(t *testing.T) {
	t.Parallel()
	for _, command := range []string{"kubectl get pods && id", "kubectl edit pod x"} {
		if _, err := runbook.Bind(runbook.Classify(command), shop, nil); err == nil {
			t.Errorf("%s was bound", command)
		}
	}
}

func TestHolesTellTheTypeOfTheirPlace(t *testing.T) {
	t.Parallel()
	got := runbook.Classify("kubectl scale deployment/<name> --replicas=$COUNT -n [THE NAMESPACE]").Holes()
	want := []runbook.Hole{
		{Name: "count", Written: "$COUNT", Type: runbook.Integer, Whole: true},
		{Name: "the-namespace", Written: "[THE NAMESPACE]", Type: runbook.Namespace, Whole: true},
		{Name: "name", Written: "<name>", Type: runbook.Deployment, Whole: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
