package steps_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
	"github.com/svcdown/svcdown/steps"
)

const namespace = "web3-marketplace-prod"

var backend = catalog.Service{
	Name: "backend", Kind: "backend", Cluster: "production", Namespace: namespace, KubernetesService: "backend-service",
	Workload: catalog.Workload{Kind: "Deployment", Name: "backend-deployment"},
}

// asked answers every URL and remembers how it was asked.
type asked struct {
	raw  string
	urls []string
}

func (a *asked) Ask(_ context.Context, rawURL string, head, follow bool) finding.Report {
	how := "GET "
	if head {
		how = "HEAD "
	}
	if follow {
		how += "follow "
	}
	a.urls = append(a.urls, how+rawURL)
	return finding.Report{Raw: redact.Clean(a.raw), Finding: finding.Finding{
		Check: "http", Status: finding.OK, Line: redact.Const("it answers"),
		Evidence: []finding.Evidence{{Title: redact.Const("Timing"), Table: &finding.Table{
			Columns: []redact.Text{redact.Const("step"), redact.Const("after")},
			Rows:    [][]redact.Text{{redact.Const("DNS"), redact.Const("2ms")}, {redact.Const("total"), redact.Const("9ms")}},
		}}},
	}}
}

func stepOf(t *testing.T, command string) runbook.Step {
	t.Helper()
	book, err := runbook.Parse("test.md", []byte("```bash\n"+command+"\n```\n"))
	if err != nil {
		t.Fatal(err)
	}
	all := book.Steps()
	if len(all) != 1 {
		t.Fatalf("%q is %d steps", command, len(all))
	}
	if all[0].Class != runbook.Check {
		t.Fatalf("%q is of class %s: %s", command, all[0].Class, all[0].Reason)
	}
	return all[0]
}

// nowhere is a runner without a cluster, for what must be decided before one is asked.
func nowhere(t *testing.T, prober steps.Prober) *steps.Runner {
	t.Helper()
	return steps.New(func(string) (steps.Cluster, error) {
		t.Error("a cluster was asked for")
		return nil, errors.New("there is none")
	}, func() *catalog.Catalog { return &catalog.Catalog{Services: []catalog.Service{backend}} }, prober)
}

func TestOnlyNamespacesOfTheCatalogueAreLookedInto(t *testing.T) {
	t.Parallel()
	other := backend
	other.Cluster = "staging"
	tests := []struct {
		name, command string
		svc           catalog.Service
	}{
		{"another team's namespace", "kubectl get pods -n kube-system", backend},
		{"exec into another team's namespace", "kubectl exec -n kube-system deploy/x -- df -h", backend},
		{"the namespace of another cluster", "kubectl get pods -n " + namespace, other},
	}
	for _, tt := range tests {
		got := nowhere(t, nil).Run(t.Context(), tt.svc, stepOf(t, tt.command))
		if got.Finding.Status != finding.Unknown || got.Finding.Fix.Empty() || !strings.Contains(got.Finding.Line.String(), "nothing was read") {
			t.Errorf("%s: %s: %s", tt.name, got.Finding.Status, got.Finding.Line)
		}
	}
}

func TestWhatIsNoBoundCheckIsNotRun(t *testing.T) {
	t.Parallel()
	book, err := runbook.Parse("test.md", []byte("```bash\nkubectl delete pod x\nkubectl logs <pod-name>\n```\n"))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range book.Steps() {
		got := nowhere(t, nil).Run(t.Context(), backend, step)
		if got.Finding.Status != finding.Unknown || !strings.Contains(got.Finding.Line.String(), "nothing was run") {
			t.Errorf("%s: %s: %s", step.Source, got.Finding.Status, got.Finding.Line)
		}
	}
}

func TestProbesAreAskedAsWritten(t *testing.T) {
	t.Parallel()
	tests := []struct{ command, asked, line, raw string }{
		{"curl -f https://a.example/health", "GET https://a.example/health", "it answers", "one\ntwo\nthree\n"},
		{"curl -I https://a.example/health", "HEAD https://a.example/health", "it answers", "one\ntwo\nthree\n"},
		{"curl -sL https://a.example/health | grep t | wc -l", "GET follow https://a.example/health", "it answers", "2\n"},
		{"curl -s https://a.example/health | jq .status", "GET https://a.example/health", "it answers", "one\ntwo\nthree\n"},
		{`curl -w "@curl-format.txt" -o /dev/null -s https://a.example/health`, "GET https://a.example/health", "it answers: DNS 2ms, total 9ms", "         DNS:  2ms\n       total:  9ms\n"},
	}
	for _, tt := range tests {
		p := &asked{raw: "one\ntwo\nthree\n"}
		got := nowhere(t, p).Run(t.Context(), backend, stepOf(t, tt.command))
		if len(p.urls) != 1 || p.urls[0] != tt.asked || got.Finding.Line.String() != tt.line || got.Raw.String() != tt.raw {
			t.Errorf("%s: asked %v, line %q, raw %q", tt.command, p.urls, got.Finding.Line, got.Raw)
		}
	}
	p := &asked{}
	if got := nowhere(t, p).Run(t.Context(), backend, stepOf(t, "curl -k https://a.example/")); len(p.urls) > 0 || got.Finding.Status != finding.Unknown {
		t.Errorf("any certificate was taken: %v", p.urls)
	}
}

// loud is a cluster whose every answer is long.
type loud struct{ steps.Cluster }

func (loud) Read(context.Context, k8sops.Place, k8sops.Reading) finding.Report {
	return finding.Report{Raw: redact.Clean("first\n" + strings.Repeat("0123456789\n", 60_000) + "last\n")}
}

func TestOutputIsBounded(t *testing.T) {
	t.Parallel()
	r := steps.New(func(string) (steps.Cluster, error) { return loud{}, nil }, func() *catalog.Catalog { return &catalog.Catalog{Services: []catalog.Service{backend}} }, nil)
	for command, want := range map[string]struct {
		begins, ends string
		cut          bool
	}{
		"kubectl get pods":             {"first\n", "0123456789\n", true},
		"kubectl logs backend-1":       {"0123456789\n", "last\n", true},
		"kubectl get events":           {"0123456789\n", "last\n", true},
		"kubectl get pods | tail -1":   {"last\n", "last\n", false}, // what was cut away before the bound is not missing
		"kubectl get pods | head -n 1": {"first\n", "first\n", false},
	} {
		step, err := runbook.Bind(stepOf(t, command), backend, runbook.ServiceValues(backend))
		if err != nil {
			t.Fatal(err)
		}
		got := r.Run(t.Context(), backend, step)
		raw := got.Raw.String()
		if len(raw) > 256<<10 || !strings.HasPrefix(raw, want.begins) || !strings.HasSuffix(raw, want.ends) || got.Truncated != want.cut {
			t.Errorf("%s: %d bytes, truncated %t, %.20q…", command, len(raw), got.Truncated, raw)
		}
	}
}
