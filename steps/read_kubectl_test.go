package steps_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8stest"
)

func TestTheOutputIsThatOfKubectl(t *testing.T) {
	t.Parallel()
	b := live(t, k8stest.MainWorld(t))
	for _, command := range []string{
		"kubectl get pods", "kubectl get pods -o wide", "kubectl get pods --no-headers", "kubectl get pods --show-labels -l app=backend", "kubectl get pods --sort-by=.spec.nodeName",
		"kubectl get pods --sort-by='{.metadata.name}' -o name", "kubectl get pods -o jsonpath='{.items[*].metadata.name}'", `kubectl get pods -o jsonpath='{range .items[*]}{.metadata.name}{"\t"}{.status.phase}{"\n"}{end}'`,
		"kubectl get pods -o jsonpath-as-json='{.items[*].metadata.labels}'", "kubectl get pods -o custom-columns=NAME:.metadata.name,NODE:.spec.nodeName,NONE:.spec.nothing",
		"kubectl get deploy,sts", "kubectl get deploy,svc --no-headers", "kubectl get svc,endpointslices -o wide", "kubectl get svc -o yaml", "kubectl get svc backend-service -o yaml", "kubectl get svc backend-service -o json",
		"kubectl get networkpolicies", "kubectl get pvc", "kubectl get hpa,pdb", "kubectl get rs -o wide", "kubectl get cm", "kubectl get deploy --show-kind", "kubectl get pods postgres-primary-0 redis-master-0",
		"kubectl get endpoints backend-service", "kubectl get pods -l app=nobody", "kubectl get nodes -o wide", "kubectl get sc", "kubectl get cronjobs,deploy",
		"kubectl rollout status deployment/backend-deployment", "kubectl rollout status sts/postgres-primary", "kubectl rollout history deployment/backend-deployment", "kubectl rollout history sts/redis-master",
		"kubectl logs redis-master-0", "kubectl logs redis-master-0 --tail=2", "kubectl logs redis-master-0 redis-master --tail=1", "kubectl logs sts/redis-master --prefix --tail=1", "kubectl api-versions", "kubectl get --raw /healthz", "kubectl top pods", "kubectl top nodes", "kubectl top pods --containers --sort-by=memory",
		"kubectl get events", "kubectl get events -o wide", "kubectl get events --sort-by=.metadata.name -o name", "kubectl get all",
	} {
		// Ages, logs and figures move on: the two are asked again until nothing happened in between.
		var got, want string
		args := arguments(command)
		eventually(t, "the same from "+command, func() bool {
			first := b.ask(t, command)
			if strings.Contains(command, "top") && first.Finding.Status == finding.Unknown {
				return false // metrics come some seconds after the pods, and kubectl fails until then
			}
			want = b.world.Kubectl(t, args...)
			got = b.ask(t, command).Raw.String()
			if got != want && strings.Contains(command, "raw") {
				want += "\n" // kubectl leaves the line open
			}
			if strings.Contains(command, "top nodes") { // kubectl lists nodes without figures in an order that changes from call to call
				got, want = sortedLines(got), sortedLines(want)
			}
			if got != want {
				t.Logf("%s (-kubectl +svcdown):\n%s", command, cmp.Diff(want, got))
			}
			return got == want
		})
	}
}

func sortedLines(s string) string {
	lines := strings.Split(s, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

// arguments splits a command as a shell would, as far as these tests need it.
func arguments(command string) []string {
	var out []string
	for i, part := range strings.Split(strings.TrimPrefix(command, "kubectl "), "'") {
		if i%2 == 1 {
			out[len(out)-1] += part
			continue
		}
		words := strings.Fields(part)
		if i > 0 && len(words) > 0 && !strings.HasPrefix(part, " ") {
			out[len(out)-1] += words[0]
			words = words[1:]
		}
		out = append(out, words...)
	}
	return out
}
