package k8sops_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/finding"
)

func kindsOf(findings []finding.Finding) []finding.Kind {
	var kinds []finding.Kind
	for _, f := range findings {
		for _, s := range f.Signals {
			kinds = append(kinds, s.Kind)
		}
	}
	return kinds
}

func by(findings []finding.Finding, check string) finding.Finding {
	for _, f := range findings {
		if f.Check == check {
			return f
		}
	}
	return finding.Finding{}
}

func report(t *testing.T, findings []finding.Finding) {
	t.Helper()
	for _, f := range findings {
		t.Logf("%-9s %-7s %s  %s %v", f.Check, f.Status, f.Line, f.Fix, f.Took)
		for _, s := range f.Signals {
			t.Logf("          %s %s %d/%d since %s rev %d: %s", s.Kind, s.Object, s.Count, s.Of, s.Since.Format("15:04:05"), s.Revision, s.Detail)
		}
	}
}

func TestStatusOfTheHealthyWorld(t *testing.T) {
	t.Parallel()
	b := looking(t)
	for _, name := range []string{"backend", "frontend", "postgres-primary", "redis-master"} {
		var told []string
		var got []finding.Finding
		// Figures come to metrics-server some seconds after the pods.
		eventually(t, "usage of "+name+" known", func() bool {
			told = nil
			got = b.cluster.Status(t.Context(), b.world.Service(name), func(f finding.Finding) { told = append(told, f.Check) })
			return by(got, "usage").Status != finding.Unknown && by(got, "hpa").Status == finding.OK
		})
		report(t, got)
		for _, f := range got {
			if f.Status != finding.OK {
				t.Errorf("%s: %s is %s: %s %s", name, f.Check, f.Status, f.Line, f.Fix)
			}
			if !slices.Contains(told, f.Check) {
				t.Errorf("%s: %s was returned but not told as it came", name, f.Check)
			}
		}
		if len(told) != len(got) {
			t.Errorf("%s: told %d findings, returned %d", name, len(told), len(got))
		}
	}
}

func TestStatusOfABrokenService(t *testing.T) {
	t.Parallel()
	tests := []struct {
		mode   string
		check  string
		status finding.Status
		kind   finding.Kind
		line   string // of that check
	}{
		{"crashloop", "pods", finding.Fail, finding.CrashLoop, "crash since "},
		{"oom", "pods", finding.Fail, finding.OOMKilled, "exit 137 OOMKilled"},
		{"imagepull", "pods", finding.Fail, finding.ImagePull, "cannot pull"},
		{"notready", "pods", finding.Fail, finding.NotReady, "not ready"},
		{"no-endpoints", "endpoints", finding.Fail, finding.SelectorMismatch, "does not match the pods"},
		{"stuck-rollout", "rollout", finding.Fail, finding.RolloutStuck, "exceeded its deadline"},
		{"pending", "pods", finding.Warn, finding.Pending, "pending"},
		{"node-down", "nodes", finding.Fail, finding.NodeDown, "has stopped reporting"},
	}
	for _, tt := range tests {
		t.Run(tt.mode, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.world.Break(t, "backend", tt.mode)
			var got []finding.Finding
			eventually(t, string(tt.kind), func() bool {
				got = b.cluster.Status(t.Context(), b.backend, nil)
				return slices.Contains(kindsOf(got), tt.kind) && strings.Contains(by(got, tt.check).Line.String(), tt.line)
			})
			report(t, got)
			if f := by(got, tt.check); tt.status.Worse(f.Status) {
				t.Errorf("%s is %s, want at least %s", tt.check, f.Status, tt.status)
			}
		})
	}
}

// A release that refers to what is not there: the kubelet's word for it reaches the finding, of a ConfigMap as of a key of one.
func TestAMissingReferenceIsNamed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, c := range []struct {
		service, refersTo, want string
	}{
		{"backend", `{"configMapKeyRef":{"name":"settings-that-nobody-made","key":"MODE"}}`, `configmap "settings-that-nobody-made" not found`},
		{"frontend", `{"configMapKeyRef":{"name":"web3-marketplace-config","key":"NO_SUCH_KEY"}}`, "couldn't find key NO_SUCH_KEY in ConfigMap"},
		{"redis-master", `{"secretKeyRef":{"name":"web3-marketplace-secrets","key":"NO_SUCH_KEY"}}`, "couldn't find key NO_SUCH_KEY in Secret"},
	} {
		svc := b.world.Service(c.service)
		b.world.Kubectl(t, "patch", strings.ToLower(svc.Workload.Kind)+"/"+svc.Workload.Name, "-p",
			`{"spec":{"template":{"spec":{"containers":[{"name":"`+c.service+`","env":[{"name":"MODE","valueFrom":`+c.refersTo+`}]}]}}}}`)
		var got []finding.Finding
		t.Cleanup(func() {
			if t.Failed() {
				report(t, got)
			}
		})
		eventually(t, c.service+" says what is missing", func() bool {
			got = b.cluster.Status(t.Context(), svc, nil)
			pods := by(got, "pods")
			return slices.Contains(kindsOf(got), finding.ConfigError) && pods.Status != finding.OK && strings.Contains(pods.Line.String(), c.want)
		})
	}
}
