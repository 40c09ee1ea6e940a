package k8sops_test

import (
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
)

var debugLevel = k8sops.EnvRequest{Key: "LOG_LEVEL", Value: "debug", For: 30 * time.Minute}

func planEnv(t *testing.T, b testBundle) plan.Plan {
	t.Helper()
	p, err := b.cluster.PlanSetEnv(t.Context(), b.backend, debugLevel)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func logLevel(t *testing.T, b testBundle) string {
	t.Helper()
	return b.world.Kubectl(t, "get", "deployment/backend-deployment", "-o", `jsonpath={.spec.template.spec.containers[*].env[?(@.name=="LOG_LEVEL")].value}`)
}

func TestAVariableIsSetAndTakenBackAsItWas(t *testing.T) {
	t.Parallel()
	for name, before := range map[string]string{"it was not set": "LOG_LEVEL-", "it was info": "LOG_LEVEL=info"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.world.Kubectl(t, "set", "env", "deployment/backend-deployment", before)
			was, template := logLevel(t, b), b.world.Kubectl(t, "get", "deployment/backend-deployment", "-o", "jsonpath={.spec.template.spec}")
			p := planEnv(t, b)
			if p.Returns != 30*time.Minute || !strings.Contains(p.Undo.String(), "By itself after 30m,") {
				t.Errorf("the plan returns after %s: %s", p.Returns, p.Undo)
			}
			again, err := b.cluster.Replan(t.Context(), b.backend, stored(t, p))
			if err != nil || again.Digest() != p.Digest() {
				t.Fatalf("made again it is another plan: %v", err)
			}
			finish(t, b, again, "e1")
			if got := logLevel(t, b); got != "debug" {
				t.Errorf("LOG_LEVEL is %q", got)
			}
			if _, err := b.cluster.PlanSetEnv(t.Context(), b.backend, debugLevel); k8sops.KindOf(err) != k8sops.Empty {
				t.Errorf("set a second time: %v", err)
			}
			// What others change meanwhile stays.
			b.world.Kubectl(t, "set", "env", "deployment/backend-deployment", "OTHER=kept")
			undo, err := b.cluster.PlanUndo(t.Context(), b.backend, stored(t, p), "e1")
			if err != nil {
				t.Fatal(err)
			}
			undone, err := b.cluster.Replan(t.Context(), b.backend, stored(t, undo))
			if err != nil || undone.Digest() != undo.Digest() {
				t.Fatalf("the undo made again is another one: %v", err)
			}
			finish(t, b, undone, "e2")
			if got := logLevel(t, b); got != was {
				t.Errorf("LOG_LEVEL is %q, it was %q", got, was)
			}
			b.world.Kubectl(t, "set", "env", "deployment/backend-deployment", "OTHER-")
			if now := b.world.Kubectl(t, "get", "deployment/backend-deployment", "-o", "jsonpath={.spec.template.spec}"); now != template {
				t.Errorf("the template was\n%s\nand is\n%s", template, now)
			}
			if _, err := b.cluster.PlanUndo(t.Context(), b.backend, stored(t, p), "e1"); k8sops.KindOf(err) != k8sops.Empty {
				t.Errorf("taken back a second time: %v", err)
			}
		})
	}
}

func TestAVariableThatSomebodyChangedAgainIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	p := planEnv(t, b)
	finish(t, b, p, "e1")
	b.world.Kubectl(t, "set", "env", "deployment/backend-deployment", "LOG_LEVEL=trace")
	if _, err := b.cluster.PlanUndo(t.Context(), b.backend, stored(t, p), "e1"); k8sops.KindOf(err) != k8sops.Conflict || !strings.Contains(err.Error(), "changed again") {
		t.Errorf("got %v", err)
	}
}

func TestVariablesThatAreNotSet(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.world.Kubectl(t, "patch", "deployment/frontend-deployment", "--type=json", "-p",
		`[{"op":"add","path":"/spec/template/spec/containers/0/env","value":[{"name":"LOG_LEVEL","valueFrom":{"fieldRef":{"fieldPath":"metadata.name"}}}]}]`)
	frontend := b.world.Service("frontend")
	for name, c := range map[string]struct {
		r        k8sops.EnvRequest
		frontend bool
		kind     k8sops.Kind
		says     string
	}{
		"a key that the catalogue does not name": {k8sops.EnvRequest{Key: "DATABASE_URL", Value: "x", For: time.Minute}, false, k8sops.Invalid, "can change everything"},
		"a value that is no word":                {k8sops.EnvRequest{Key: "LOG_LEVEL", Value: "$(evil)", For: time.Minute}, false, k8sops.Invalid, "one short word"},
		"a value that looks like a secret":       {k8sops.EnvRequest{Key: "LOG_LEVEL", Value: "ghp_16C7e42F292c6912E7710c838347Ae178B4a", For: time.Minute}, false, k8sops.Invalid, "looks like a secret"},
		"for ever":                               {k8sops.EnvRequest{Key: "LOG_LEVEL", Value: "debug", For: 48 * time.Hour}, false, k8sops.Invalid, "24h"},
		"not at all":                             {k8sops.EnvRequest{Key: "LOG_LEVEL", Value: "debug"}, false, k8sops.Invalid, "returns after a time"},
		"a container that is not there":          {k8sops.EnvRequest{Key: "LOG_LEVEL", Value: "debug", Container: "sidecar", For: time.Minute}, false, k8sops.NotFound, "sidecar"},
		"a variable from elsewhere":              {debugLevel, true, k8sops.Unsupported, "comes from"},
	} {
		svc := b.backend
		if c.frontend {
			svc = frontend
		}
		_, err := b.cluster.PlanSetEnv(t.Context(), svc, c.r)
		if k8sops.KindOf(err) != c.kind || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
