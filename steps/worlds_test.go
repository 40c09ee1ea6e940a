package steps_test

import (
	"context"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/tools/clientcmd"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/integrations/probe"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/k8stest"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
	"github.com/svcdown/svcdown/steps"
)

// inWorld is a world with the runner that the bot would have there, with the permissions that the bot has.
type inWorld struct {
	*k8stest.World
	runner  *steps.Runner
	catalog *catalog.Catalog
}

func liveIn(t *testing.T, w *k8stest.World) inWorld {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", w.BotKubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	cluster, err := k8sops.FromConfig("sandbox", cfg, k8sops.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cat := &catalog.Catalog{
		Services: []catalog.Service{w.Service("backend"), w.Service("frontend"), w.Service("postgres-primary"), w.Service("redis-master")},
		Probes:   catalog.Probes{AllowLoopback: true, AllowedHosts: []string{"api.external-service.com", "api.web3marketplace.com", "web3marketplace.com"}},
	}
	public := publicNames{ask: probe.New(cat, nil, time.Now), health: w.HealthURLs}
	return inWorld{World: w, catalog: cat, runner: steps.New(func(string) (steps.Cluster, error) { return cluster, nil }, func() *catalog.Catalog { return cat }, public)}
}

func (l inWorld) service(t *testing.T, name string) catalog.Service {
	t.Helper()
	svc, ok := l.catalog.Service(name)
	if !ok {
		t.Fatalf("the catalogue has no service %s", name)
	}
	return svc
}

// publicNames leads the marketplace's public names to the sandbox's health server, as its DNS would; everything else is the real probe.
type publicNames struct {
	ask    steps.Prober
	health map[string]string
}

func (p publicNames) Ask(ctx context.Context, raw string, head, follow bool) finding.Report {
	u, err := url.Parse(raw)
	if err != nil {
		return p.ask.Ask(ctx, raw, head, follow)
	}
	at := map[string]string{"api.web3marketplace.com": p.health["backend"], "web3marketplace.com": p.health["frontend"]}[u.Hostname()]
	if at == "" {
		return p.ask.Ask(ctx, raw, head, follow)
	}
	out := p.ask.Ask(ctx, at, head, follow)
	server, _ := url.Parse(at)
	out.Finding.Line = redact.F("%s", strings.ReplaceAll(out.Finding.Line.String(), server.Host+server.EscapedPath(), u.Host+u.EscapedPath()))
	return out
}

// stepsOf are the commands of the Service Down runbook, written for a world's namespace.
func stepsOf(t *testing.T, namespace string) []runbook.Step {
	t.Helper()
	text, err := os.ReadFile("../runbooks/service-down.md")
	if err != nil {
		t.Fatal(err)
	}
	book, err := runbook.Parse("service-down.md", []byte(strings.ReplaceAll(string(text), "web3-marketplace-prod", namespace)))
	if err != nil {
		t.Fatal(err)
	}
	return book.Steps()
}
