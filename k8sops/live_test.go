package k8sops_test

import (
	"context"
	"fmt"
	"os"
	"testing"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/k8stest"
)

func TestMain(m *testing.M) {
	code := m.Run()
	if err := k8stest.Stop(); err != nil {
		fmt.Fprintln(os.Stderr, "stop the sandbox:", err)
		code = 1
	}
	os.Exit(code)
}

// testBundle is a world of its own and our client with the bot's permissions.
type testBundle struct {
	world   *k8stest.World
	cluster *k8sops.Cluster
	backend catalog.Service
}

func setup(t *testing.T) testBundle {
	t.Helper()
	return bundle(t, k8stest.NewWorld(t))
}

// looking is the healthy world that all tests share which change nothing.
func looking(t *testing.T) testBundle {
	t.Helper()
	return bundle(t, k8stest.MainWorld(t))
}

func bundle(t *testing.T, w *k8stest.World) testBundle {
	t.Helper()
	return testBundle{world: w, cluster: open(t, botConfig(t, w), k8sops.Options{}), backend: w.Service("backend")}
}

func botConfig(t *testing.T, w *k8stest.World) *rest.Config {
	t.Helper()
	cfg, err := clientcmd.BuildConfigFromFlags("", w.BotKubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func open(t *testing.T, cfg *rest.Config, o k8sops.Options) *k8sops.Cluster {
	t.Helper()
	c, err := k8sops.FromConfig("sandbox", cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// eventually polls until ok or the deadline; the API server's controllers take their own time.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("still not: %s", what)
		}
	}
}
