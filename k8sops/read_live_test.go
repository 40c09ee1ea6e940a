package k8sops_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
)

func TestLogsOfTheWorstPod(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.world.Break(t, "backend", "crashloop")
	eventually(t, "a crash", func() bool {
		return slices.Contains(kindsOf(b.cluster.Status(t.Context(), b.backend, nil)), finding.CrashLoop)
	})
	var got k8sops.LogResult
	var err error
	// The container crashes on: all reads must be of the same attempt, and the first may come before the kubelet counted it.
	restarts := ""
	eventually(t, "the log that kubectl shows, without its secrets", func() bool {
		if got, err = b.cluster.Logs(t.Context(), b.backend, k8sops.LogRequest{Previous: true, Tail: 5}); err != nil {
			return false // it has crashed once and was not restarted yet
		}
		restarts = b.world.Kubectl(t, "get", "pod", got.Pod, "-o", "jsonpath={.status.containerStatuses[0].restartCount}")
		return restarts != "0" && redact.Clean(strings.TrimSpace(b.world.Kubectl(t, "logs", got.Pod, "--previous", "--tail=5"))).Equal(got.Text)
	})
	if got.Container != "backend" || got.Pods[0] != got.Pod {
		t.Errorf("got pod %s (restarted %s times) container %s of %v, want one that crashes", got.Pod, restarts, got.Container, got.Pods)
	}
	if got.Lines == 0 || got.Lines > 5 || got.Lines != len(strings.Split(got.Text.String(), "\n")) {
		t.Errorf("%d lines:\n%s", got.Lines, got.Text)
	}
	if !strings.Contains(got.Text.String(), redact.Mark) || strings.Contains(got.Text.String(), "canary") {
		t.Errorf("the password in the log is not taken out:\n%s", got.Text)
	}
	if timed, err := b.cluster.Logs(t.Context(), b.backend, k8sops.LogRequest{Pod: got.Pod, Previous: true, Tail: 5, Within: time.Hour}); err != nil || timed.Lines == 0 || strings.HasPrefix(timed.Text.String(), "20") {
		t.Errorf("of the last hour: %v\n%s", err, timed.Text)
	}
	tests := []struct {
		name string
		req  k8sops.LogRequest
		says string
	}{
		{"a pod of another service", k8sops.LogRequest{Pod: "redis-master-0"}, got.Pod},
		{"a container that is not there", k8sops.LogRequest{Container: "sidecar"}, "There are: backend"},
	}
	for _, tt := range tests {
		if _, err := b.cluster.Logs(t.Context(), b.backend, tt.req); k8sops.KindOf(err) != k8sops.NotFound || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	if _, err := b.cluster.Logs(t.Context(), b.world.Service("redis-master"), k8sops.LogRequest{Previous: true}); k8sops.KindOf(err) != k8sops.NotFound {
		t.Errorf("the previous log of a container that never restarted: %v", err)
	}
}

func TestATokenTellsWhoItIs(t *testing.T) {
	t.Parallel()
	b := looking(t)
	name, _, err := b.cluster.Identify(t.Context(), b.world.Tokens["alice"])
	if err != nil || name != "alice" {
		t.Errorf("got %q, %v", name, err)
	}
	// A token that was issued for somebody else to read, such as a vault, is none for us.
	b.world.Kubectl(t, "create", "serviceaccount", "robot")
	account := "system:serviceaccount:" + b.world.Namespace + ":robot"
	issued := func(more ...string) string {
		return strings.TrimSpace(b.world.Kubectl(t, append([]string{"create", "token", "robot"}, more...)...))
	}
	own, foreign, late := issued(), issued("--audience=vault"), issued("--duration=1h")
	if name, _, err := b.cluster.Identify(t.Context(), own); err != nil || name != account {
		t.Errorf("got %q, %v", name, err)
	}
	b.world.Kubectl(t, "delete", "serviceaccount", "robot")
	for name, token := range map[string]string{"none": "", "a made-up one": "not-a-token", "one for another audience": foreign, "one of an account that is gone": late,
		"one without its signature": late[:strings.LastIndex(late, ".")+1], "one with its scheme": "Bearer " + b.world.Tokens["alice"], "one with a zero byte": b.world.Tokens["alice"] + "\x00"} {
		if who, _, err := b.cluster.Identify(t.Context(), token); k8sops.KindOf(err) != k8sops.Unauthenticated || who != "" {
			t.Errorf("token, %s: got %q, %v", name, who, err)
		}
	}
}

func TestCanIAsksTheServer(t *testing.T) {
	t.Parallel()
	b := looking(t)
	may, _, err := b.cluster.CanI(t.Context(), "patch", "apps", "deployments", "", b.world.Namespace)
	if err != nil || !may {
		t.Errorf("patch deployments: %t, %v", may, err)
	}
	may, _, err = b.cluster.CanI(t.Context(), "get", "", "secrets", "", b.world.Namespace)
	if err != nil || may {
		t.Errorf("get secrets: %t, %v", may, err)
	}
	if err := b.cluster.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}

// counting counts requests by their path and can hold some back for as long as their caller waits.
type counting struct {
	next http.RoundTripper
	mu   sync.Mutex
	seen []string
	hold atomic.Value // part of the path whose requests get no answer
}

func (c *counting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	c.seen = append(c.seen, r.Method+" "+r.URL.Path)
	c.mu.Unlock()
	if part, _ := c.hold.Load().(string); part != "" && strings.Contains(r.URL.Path, part) {
		<-r.Context().Done()
		return nil, r.Context().Err()
	}
	return c.next.RoundTrip(r)
}

func (c *counting) since() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	seen := c.seen
	c.seen = nil
	return seen
}

func countingCluster(t *testing.T, b testBundle, o k8sops.Options) (*counting, *k8sops.Cluster) {
	t.Helper()
	n := &counting{}
	cfg := botConfig(t, b.world)
	cfg.Wrap(func(next http.RoundTripper) http.RoundTripper { n.next = next; return n })
	return n, open(t, cfg, o)
}

func TestStandingWatchesAnswerFromMemoryAndFallBack(t *testing.T) {
	t.Parallel()
	b := setup(t)
	n, cluster := countingCluster(t, b, k8sops.Options{})
	services := []catalog.Service{b.backend, b.world.Service("redis-master")}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- cluster.Watch(ctx, services) }()
	eventually(t, "in sync", cluster.Synced)
	n.since()
	got := cluster.Status(t.Context(), b.backend, nil)
	for _, request := range n.since() {
		if !strings.Contains(request, "/deployments/backend-deployment") && !strings.Contains(request, "metrics.k8s.io") {
			t.Errorf("a status with standing watches asked the API for %s", request)
		}
	}
	if err := cluster.Watch(ctx, services); err == nil {
		t.Error("a second Watch was not refused")
	}
	if line := by(got, "pods").Line.String(); line != "all 3 pods are ready" {
		t.Errorf("pods: %s", line)
	}
	b.world.Break(t, "backend", "crashloop")
	eventually(t, "the crash, seen from memory", func() bool {
		got = cluster.Status(t.Context(), b.backend, nil)
		return slices.Contains(kindsOf(got), finding.CrashLoop) && by(got, "events").Status == finding.Warn
	})
	direct := b.cluster.Status(t.Context(), b.backend, nil)
	if a, d := by(got, "pods").Line, by(direct, "pods").Line; !a.Equal(d) {
		t.Logf("from memory %q, from the API %q (the world moves on)", a, d)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Errorf("Watch ended with %v", err)
	}
	n.since()
	cluster.Status(t.Context(), b.backend, nil)
	if requests := n.since(); !slices.ContainsFunc(requests, func(r string) bool { return strings.HasSuffix(r, "/pods") }) {
		t.Errorf("after Watch the status did not read the pods from the API: %q", requests)
	}
}

func TestAStatusAskedTwiceAtOnceReadsOnce(t *testing.T) {
	t.Parallel()
	b := looking(t)
	n, cluster := countingCluster(t, b, k8sops.Options{CheckTimeout: 2 * time.Second})
	n.hold.Store("metrics.k8s.io") // keeps the first one under way
	var wait sync.WaitGroup
	for range 5 {
		wait.Go(func() {
			var told int
			got := cluster.Status(t.Context(), b.backend, func(finding.Finding) { told++ })
			if told != len(got) {
				t.Errorf("told %d of %d findings", told, len(got))
			}
		})
	}
	wait.Wait()
	pods := 0
	for _, request := range n.since() {
		if strings.HasSuffix(request, b.world.Namespace+"/pods") && !strings.Contains(request, "metrics") {
			pods++
		}
	}
	if pods != 1 {
		t.Errorf("five askers at once read the pods %d times", pods)
	}
}

func TestOneSlowCheckHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	b := looking(t)
	for part, check := range map[string]string{"metrics.k8s.io": "usage", "/events": "events", "/horizontalpodautoscalers": "hpa", "/nodes": "nodes"} {
		n, cluster := countingCluster(t, b, k8sops.Options{CheckTimeout: 1500 * time.Millisecond})
		n.hold.Store(part)
		for _, f := range cluster.Status(t.Context(), b.backend, nil) {
			if f.Check == check {
				if f.Status != finding.Unknown || f.Fix.Empty() || !strings.Contains(f.Line.String(), "in time") {
					t.Errorf("%s without an answer: %s %s (%s)", check, f.Status, f.Line, f.Fix)
				}
			} else if f.Took > time.Second || (f.Status == finding.Unknown && f.Check != "usage") {
				t.Errorf("with %s held, %s took %s: %s %s", part, f.Check, f.Took, f.Status, f.Line)
			}
		}
	}
}

func TestAnUnreachableClusterIsSaidPlainly(t *testing.T) {
	t.Parallel()
	b := looking(t)
	cfg := botConfig(t, b.world)
	cfg.Host = "https://127.0.0.1:1" // nothing listens on port 1
	cluster := open(t, cfg, k8sops.Options{})
	for _, f := range cluster.Status(t.Context(), b.backend, nil) {
		if f.Status != finding.Unknown || f.Fix.Empty() || !strings.Contains(f.Line.String(), "cannot be reached") {
			t.Errorf("%s: %s %s (%s)", f.Check, f.Status, f.Line, f.Fix)
		}
	}
	if err := cluster.Ping(t.Context()); k8sops.KindOf(err) != k8sops.Unreachable {
		t.Errorf("Ping: %v", err)
	}
	if _, err := cluster.PlanRestart(t.Context(), b.backend); k8sops.KindOf(err) != k8sops.Unreachable {
		t.Errorf("PlanRestart: %v", err)
	}
}

func TestWhatTheAccountMayNotReadIsSaid(t *testing.T) {
	t.Parallel()
	b := looking(t)
	cfg := botConfig(t, b.world)
	cfg.BearerToken, cfg.BearerTokenFile = b.world.Tokens["dave"], "" // a guest: no permission at all
	cluster := open(t, cfg, k8sops.Options{})
	for _, f := range cluster.Status(t.Context(), b.backend, nil) {
		if f.Status != finding.Unknown || !strings.Contains(f.Line.String(), "forbids") || f.Fix.Empty() {
			t.Errorf("%s: %s %s (%s)", f.Check, f.Status, f.Line, f.Fix)
		}
	}
	if _, err := cluster.PlanRestart(t.Context(), b.backend); k8sops.KindOf(err) != k8sops.Forbidden {
		t.Errorf("PlanRestart: %v", err)
	}
}

func TestSettledSeesARestart(t *testing.T) {
	t.Parallel()
	b := setup(t)
	since := time.Now()
	f, err := b.cluster.Settled(t.Context(), b.backend, since)
	if err != nil || f.Status != finding.OK {
		t.Fatalf("in the healthy world: %s %s, %v", f.Status, f.Line, err)
	}
	b.world.Break(t, "backend", "crashloop")
	eventually(t, "a restart seen", func() bool {
		f, err = b.cluster.Settled(t.Context(), b.backend, since)
		return err == nil && f.Status == finding.Fail
	})
	if !strings.Contains(f.Line.String(), "restarted since") {
		t.Errorf("got %s", f.Line)
	}
}
