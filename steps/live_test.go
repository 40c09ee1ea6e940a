package steps_test

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/k8stest"
	"github.com/svcdown/svcdown/runbook"
	"github.com/svcdown/svcdown/steps"
)

// liveBundle is a world with a runner for what reading steps need: services that depend on each other, and the paths that are asked for.
type liveBundle struct {
	world   *k8stest.World
	cluster *k8sops.Cluster
	catalog *catalog.Catalog
	runner  *steps.Runner
	paths   *paths
}

// paths are what was asked of the API server.
type paths struct {
	next http.RoundTripper
	mu   sync.Mutex
	seen []string
}

func (p *paths) RoundTrip(r *http.Request) (*http.Response, error) {
	p.mu.Lock()
	p.seen = append(p.seen, r.Method+" "+r.URL.Path)
	p.mu.Unlock()
	return p.next.RoundTrip(r)
}

func live(t *testing.T, w *k8stest.World) liveBundle {
	t.Helper()
	return liveAs(t, w, w.BotKubeconfig)
}

func liveAs(t *testing.T, w *k8stest.World, kubeconfig string) liveBundle {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	b := liveBundle{world: w, catalog: &catalog.Catalog{}, paths: &paths{}}
	cfg = rest.CopyConfig(cfg)
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { b.paths.next = next; return b.paths })
	if b.cluster, err = k8sops.FromConfig("sandbox", cfg, k8sops.Options{}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"backend", "frontend", "postgres-primary", "redis-master"} {
		s := w.Service(name)
		switch name {
		case "backend":
			s.DependsOn = []string{"postgres-primary", "redis-master"}
		case "frontend":
			s.DependsOn = []string{"backend"}
		}
		b.catalog.Services = append(b.catalog.Services, s)
	}
	b.runner = steps.New(func(string) (steps.Cluster, error) { return b.cluster, nil }, func() *catalog.Catalog { return b.catalog }, nil)
	return b
}

func (b liveBundle) service(t *testing.T, name string) catalog.Service {
	t.Helper()
	i := slices.IndexFunc(b.catalog.Services, func(s catalog.Service) bool { return s.Name == name })
	if i < 0 {
		t.Fatalf("no service %s", name)
	}
	return b.catalog.Services[i]
}

// ask runs one command of a runbook for the backend, its worst pod standing for <pod-name>.
func (b liveBundle) ask(t *testing.T, command string) finding.Report {
	t.Helper()
	return b.askFor(t, "backend", command)
}

func (b liveBundle) askFor(t *testing.T, service, command string) finding.Report {
	t.Helper()
	step, svc := stepOf(t, command), b.service(t, service)
	values := runbook.ServiceValues(svc)
	for _, h := range step.Holes() {
		if h.Name != "pod-name" {
			continue
		}
		pods, err := b.cluster.WorstPods(t.Context(), svc, 1)
		if err != nil || len(pods) == 0 {
			t.Fatalf("no pod of %s: %v", service, err)
		}
		values["pod-name"] = pods[0]
	}
	bound, err := runbook.Bind(step, svc, values)
	if err != nil {
		t.Fatal(err)
	}
	return b.runner.Run(t.Context(), svc, bound)
}

// eventually polls until ok or the deadline; the cluster's controllers take their own time.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("still not: %s", what)
		}
	}
}
