package k8stest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/svcdown/svcdown/catalog"
)

// World is one namespace with the runbook's four services, apart from all others.
type World struct {
	*Sandbox
	Namespace  string
	HealthURLs map[string]string
}

var worlds atomic.Int64

// NewWorld seeds a namespace of the shared sandbox and returns once its workloads are ready.
func NewWorld(t testing.TB) *World {
	t.Helper()
	s := Shared(t)
	var made Sandbox
	namespace := fmt.Sprintf("world-%d", worlds.Add(1))
	if err := json.Unmarshal([]byte(s.Run(t, "seed", "--namespace", namespace, "--json")), &made); err != nil {
		t.Fatalf("read the report of sandbox seed: %v", err)
	}
	return &World{Sandbox: s, Namespace: namespace, HealthURLs: made.HealthURLs}
}

// MainWorld is the world that the shared sandbox starts with, for tests that only look.
func MainWorld(t testing.TB) *World {
	t.Helper()
	s := Shared(t)
	return &World{Sandbox: s, Namespace: s.Namespace, HealthURLs: s.HealthURLs}
}

// Break breaks a service in a way that `sandbox break` lists.
func (w *World) Break(t testing.TB, service, mode string) {
	t.Helper()
	w.Run(t, "break", service, mode, "--namespace", w.Namespace)
}

// Heal puts everything right again.
func (w *World) Heal(t testing.TB) {
	t.Helper()
	w.Run(t, "heal", "--namespace", w.Namespace)
}

// Kubectl runs the real kubectl as the administrator, in this namespace, and returns what it prints.
func (w *World) Kubectl(t testing.TB, args ...string) string {
	t.Helper()
	cmd := exec.Command(w.KubectlPath, append([]string{"--kubeconfig", w.Kubeconfig, "-n", w.Namespace}, args...)...)
	var problem strings.Builder
	cmd.Stderr = &problem
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, problem.String())
	}
	return string(out)
}

// Apply creates the object of a manifest anew, as somebody who exported, deleted and restored it would.
func (w *World) Apply(t testing.TB, manifest string) {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(manifest), &object); err != nil {
		t.Fatal(err)
	}
	if m, ok := object["metadata"].(map[string]any); ok {
		delete(m, "uid")
		delete(m, "resourceVersion")
	}
	delete(object, "status")
	body, err := json.Marshal(object)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(w.KubectlPath, "--kubeconfig", w.Kubeconfig, "-n", w.Namespace, "create", "-f", "-")
	cmd.Stdin = bytes.NewReader(body)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("kubectl create: %v\n%s", err, out)
	}
}

// Service is a service of the world as a catalogue would have it: backend, frontend, postgres-primary or redis-master.
func (w *World) Service(name string) catalog.Service {
	s := catalog.Service{
		Name: name, Cluster: "sandbox", Namespace: w.Namespace, KubernetesService: name + "-service",
		Workload: catalog.Workload{Kind: "StatefulSet", Name: name},
	}
	if name == "backend" || name == "frontend" {
		s.Workload = catalog.Workload{Kind: "Deployment", Name: name + "-deployment"}
	}
	if url := w.HealthURLs[name]; url != "" {
		s.Health = []string{url}
	}
	return s
}
