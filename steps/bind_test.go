package steps_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/runbook"
	"github.com/svcdown/svcdown/steps"
)

// podsOf is a cluster that only knows names.
type podsOf struct {
	steps.Cluster
	pods      []string
	container string
	err       error
}

func (p podsOf) WorstPods(_ context.Context, _ catalog.Service, n int) ([]string, error) {
	return p.pods[:min(n, len(p.pods))], p.err
}
func (p podsOf) MainContainer(context.Context, catalog.Service) (string, error) {
	return p.container, p.err
}

func TestPlaceholdersAreFilledFromTheClusterOfThisMoment(t *testing.T) {
	t.Parallel()
	seven := []string{"b-1", "b-2", "b-3", "b-4", "b-5", "b-6", "b-7"}
	tests := []struct {
		name, command string
		given         runbook.Values
		cluster       podsOf
		names         []string // of the bound steps
		missing       []string
		problem       string
	}{
		{"a pod is the five worst", "kubectl logs <pod-name>", nil, podsOf{pods: seven}, seven[:5], nil, ""},
		{"a pod that somebody named", "kubectl logs [POD_NAME]", runbook.Values{"pod-name": "x-1"}, podsOf{pods: seven}, []string{"x-1"}, nil, ""},
		{"a service without pods", "kubectl logs <pod-name>", nil, podsOf{}, nil, nil, "it has no pods"},
		{"a cluster that does not answer", "kubectl logs <pod-name>", nil, podsOf{err: errors.New("it is away")}, nil, nil, "it is away"},
		{"a deployment is the catalogue's", "kubectl rollout status deployment/<deployment-name>", nil, podsOf{}, []string{"backend-deployment"}, nil, ""},
		{"a container", "kubectl logs b-1 -c <container>", nil, podsOf{container: "backend"}, []string{"b-1"}, nil, ""},
		{"a container that nobody can tell", "kubectl logs b-1 -c <container>", nil, podsOf{}, nil, []string{"container"}, ""},
		{"a number is asked for", "kubectl scale deployment/x --replicas=<desired-count>", nil, podsOf{}, nil, []string{"desired-count"}, ""},
		{"a number that was given", "kubectl scale deployment/x --replicas=<desired-count>", runbook.Values{"desired-count": "3"}, podsOf{}, []string{"x"}, nil, ""},
		{"what is done to a pod is never guessed", "kubectl delete pod <pod-name>", nil, podsOf{pods: seven}, nil, []string{"pod-name"}, ""},
		{"another namespace", "kubectl logs b-1 -n kube-system", nil, podsOf{}, nil, nil, "holds no service of the catalogue"},
		{"another namespace that was given", "kubectl logs b-1 -n <where>", runbook.Values{"where": "kube-system"}, podsOf{}, nil, nil, "holds no service of the catalogue"},
		{"a value that is no name", "kubectl logs <pod-name>", runbook.Values{"pod-name": "x; rm -rf /"}, podsOf{}, nil, nil, "not a valid pod"},
	}
	for _, tt := range tests {
		book, err := runbook.Parse("test.md", []byte("```bash\n"+tt.command+"\n```\n"))
		if err != nil {
			t.Fatal(err)
		}
		r := steps.New(func(string) (steps.Cluster, error) { return tt.cluster, nil },
			func() *catalog.Catalog { return &catalog.Catalog{Services: []catalog.Service{backend}} }, nil)
		bound, missing, err := r.Bind(t.Context(), backend, book.Steps()[0], tt.given)
		if (tt.problem == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), tt.problem) {
			t.Errorf("%s: %v", tt.name, err)
		}
		var names, asked []string
		for _, s := range bound {
			names = append(names, s.Operation.Get("name"))
			if len(s.Holes()) > 0 {
				t.Errorf("%s: %v is left", tt.name, s.Holes())
			}
		}
		for _, h := range missing {
			asked = append(asked, h.Name)
		}
		if diff := cmp.Diff([][]string{tt.names, tt.missing}, [][]string{names, asked}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
	}
}
