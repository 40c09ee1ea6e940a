package handlers_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/runbook"
)

// stepOf is the one step of a runbook with this command, bound for the service.
func stepOf(t *testing.T, svc catalog.Service, attributes, command string) runbook.Step {
	t.Helper()
	doc, err := runbook.Parse("test.md", []byte("# Test\n\n```bash "+attributes+"\n"+command+"\n```\n"))
	if err != nil {
		t.Fatal(err)
	}
	all := doc.Steps()
	if len(all) != 1 {
		t.Fatalf("%q is %d steps, want 1", command, len(all))
	}
	if all[0].Operation == nil {
		return all[0]
	}
	bound, err := runbook.Bind(all[0], svc, runbook.ServiceValues(svc))
	if err != nil {
		t.Fatal(err)
	}
	return bound
}

// asksStep lets alice press Run at a step.
func (b *testBundle) asksStep(t *testing.T, step runbook.Step) error {
	t.Helper()
	req := handlers.Request{
		Incoming: handlers.Incoming{From: slack("alice"), Where: card.Address{Kind: "slack", Team: team, Channel: "COPS"}},
		Actor:    catalog.Actor{Person: "alice", Slack: slack("alice"), Roles: []string{"oncall"}},
	}
	req.Talk = b.chat.At(req.Where)
	svc, _ := b.catalog.Service("backend")
	return handlers.AskStep(b.Desk, t.Context(), req, svc, step)
}

func TestAStepOfARunbookBecomesARequest(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		attributes, command string
		call                string // of the planner
		approvers           int
	}{
		"a restart":                        {"", "kubectl rollout restart deployment/<deployment-name> -n shop", "restart backend", 1},
		"a restart without its namespace":  {"", "kubectl rollout restart deployment backend-deployment", "restart backend", 1},
		"a scale":                          {"", "kubectl scale deployment/backend-deployment --replicas=5 -n shop", "scale backend 5", 1},
		"back to the last good revision":   {"", "kubectl rollout undo deployment/backend-deployment", "rollback backend 0", 1},
		"back to a revision":               {"", "kubectl rollout undo deployment/backend-deployment --to-revision=7", "rollback backend 7", 1},
		"more approvers than the policy":   {"{approve=2}", "kubectl rollout restart deployment/backend-deployment", "restart backend", 2},
		"never fewer than the policy asks": {"{approve=1}", "kubectl rollout restart deployment/backend-deployment", "restart backend", 1},
		"a variable for a while":           {"", "kubectl set env deployment/backend-deployment LOG_LEVEL=debug -n shop", "set-env backend LOG_LEVEL=debug  30m0s", 1},
		"a variable of one container":      {"", "kubectl set env deployment/backend-deployment LOG_LEVEL=debug -c app", "set-env backend LOG_LEVEL=debug app 30m0s", 1},
		"a pod of a StatefulSet":           {"{approve=2}", "kubectl delete pod -n shop postgres-primary-0", "delete-pod postgres postgres-primary-0", 2},
		"a manifest":                       {"", "kubectl apply -f testing/load-test.yaml", "apply backend testing/load-test.yaml kind: Job", 1},
		"an object of another service":     {"", "kubectl rollout restart statefulset/postgres-primary", "restart postgres", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.catalog.Services = append(b.catalog.Services, catalog.Service{Name: "postgres", Cluster: "prod", Namespace: "shop",
				Workload: catalog.Workload{Kind: "StatefulSet", Name: "postgres-primary"}})
			b.catalog.Manifests.Dir = t.TempDir()
			if err := os.MkdirAll(filepath.Join(b.catalog.Manifests.Dir, "testing"), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(b.catalog.Manifests.Dir, "testing/load-test.yaml"), []byte("kind: Job"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := b.asksStep(t, stepOf(t, b.catalog.Services[0], c.attributes, c.command)); err != nil {
				t.Fatal(err)
			}
			if got := b.cluster.planned(); len(got) != 1 || got[0] != c.call {
				t.Errorf("planned %q, want %q", got, c.call)
			}
			r := b.rows.get(t, b.rows.order[0])
			b.says(t, "bob", "approve "+r.ID)
			if r = b.rows.get(t, r.ID); (r.State == approval.Approved) != (c.approvers == 1) {
				t.Errorf("after one approval it is %s, want %d approvers", r.State, c.approvers)
			}
			b.says(t, "carol", "approve "+r.ID)
			if r = b.rows.get(t, r.ID); r.State != approval.Approved {
				t.Errorf("after two approvals it is %s", r.State)
			}
		})
	}
}

func TestAStepThatSvcdownDoesNotCarryOutNamesTheCommand(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		command string
		want    []string
	}{
		"an object of nobody":       {"kubectl rollout restart deployment/billing -n shop", []string{"belongs to no service", "nothing was done", "kubectl --context prod -n shop rollout restart deployments billing"}},
		"another namespace":         {"kubectl rollout restart deployment/backend-deployment -n elsewhere", []string{"namespace elsewhere belongs to no service"}},
		"two objects at once":       {"kubectl rollout restart deployment/backend-deployment deployment/other", []string{"2 objects", "rollout restart deployments backend-deployment other"}},
		"a kind without a plan":     {"kubectl scale replicaset/backend-1 --replicas=2", []string{"replicasets", "Nothing was changed"}},
		"pause":                     {"kubectl rollout pause deployment/backend-deployment", []string{"somebody holds it", "kubectl --context prod -n shop rollout pause deployments backend-deployment"}},
		"a new image":               {"kubectl set image deployment/backend-deployment app=shop/app:2", []string{"repository", "set image deployments backend-deployment app=shop/app:2"}},
		"new limits of a container": {"kubectl set resources deployment/backend-deployment -c app --limits=cpu=1", []string{"set resources deployments backend-deployment --containers=app --limits=cpu=1"}},
		"a node":                    {"kubectl drain node-1 --ignore-daemonsets", []string{"nodes carry other teams' pods", "kubectl --context prod drain node-1 --ignore-daemonsets"}},
		"a label":                   {"kubectl label pod backend-1 x=y", []string{"it can change anything", "label pods backend-1 x=y"}},
		"a patch, quoted":           {`kubectl patch deployment backend-deployment -p '{"spec":{"replicas":2}}'`, []string{`'--patch={"spec":{"replicas":2}}'`}},
		"a delete of a service":     {"kubectl delete service backend", []string{"single pods of a StatefulSet only", "delete services backend"}},
		"an option that would change the meaning": {"kubectl scale deployment/backend-deployment --replicas=2 --current-replicas=3", []string{"knows no current-replicas"}},
		"a dry run":                {"kubectl rollout restart deployment/backend-deployment --dry-run=server", []string{"knows no dry-run"}},
		"a variable for good":      {"kubectl set env deployment/backend-deployment LOG_LEVEL-", []string{"for a while", "set env deployments backend-deployment LOG_LEVEL-"}},
		"two variables":            {"kubectl set env deployment/backend-deployment A=1 B=2", []string{"2 variables"}},
		"a pod of nobody":          {"kubectl delete pod backend-deployment-5c9-abcde", []string{"belongs to no service"}},
		"a pod at once":            {"kubectl delete pod backend-0 --grace-period=1", []string{"knows no grace-period"}},
		"a manifest for elsewhere": {"kubectl apply -f load.yaml -n elsewhere", []string{"for namespace elsewhere"}},
		"a step that only reads":   {"kubectl get pods", []string{"changes nothing"}},
		"a placeholder unfilled":   {"kubectl scale deployment/backend-deployment --replicas=<desired-count>", []string{"<desired-count> has no value"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			doc, err := runbook.Parse("test.md", []byte("```bash\n"+c.command+"\n```\n"))
			if err != nil {
				t.Fatal(err)
			}
			step := doc.Steps()[0]
			if step.Class == runbook.Refused {
				t.Fatalf("refused already: %s", step.Reason)
			}
			if bound, err := runbook.Bind(step, b.catalog.Services[0], runbook.ServiceValues(b.catalog.Services[0])); err == nil {
				step = bound
			}
			var p *handlers.Problem
			if err := b.asksStep(t, step); !errors.As(err, &p) {
				t.Fatalf("got %v, want a Problem", err)
			}
			if missing := lacks(p.Error(), c.want...); missing != nil {
				t.Errorf("got %q without %q", p.Error(), missing)
			}
			if len(b.rows.order) != 0 || len(b.cluster.planned()) != 0 {
				t.Error("something was planned or stored")
			}
		})
	}
}
