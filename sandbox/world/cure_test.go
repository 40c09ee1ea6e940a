package world_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/svcdown/svcdown/sandbox/world"
	"github.com/svcdown/svcdown/sandbox/world/condition"
	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

func TestARestartCuresWhatIsTiedToThePodsOfThatMoment(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, mode := range []string{condition.OOM, condition.NotReady} {
		b.breakIt("backend", mode, 5)
		c := b.condition(mode)
		b.eventually(mode+" shows", func() error { return symptoms()[mode](b, c) })
		b.restart(marketplace.Of(marketplace.Backend))
		b.recovers("a restart cures " + mode)
	}
}

func TestADeletedPodCuresADatabaseAndACache(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for mode, pod := range map[string]string{condition.DBRefusing: "postgres-primary-0", condition.RedisDown: "redis-master-0"} {
		b.breakIt("backend", mode, 5)
		c := b.condition(mode)
		b.eventually(mode+" shows", func() error { return symptoms()[mode](b, c) })
		if err := b.client.CoreV1().Pods(b.o.Namespace).Delete(t.Context(), pod, metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		b.recovers("a new pod cures " + mode)
	}
}

func TestARestartDoesNotCureWhatIsNotOfThePods(t *testing.T) {
	t.Parallel()
	b := setup(t)
	backend := marketplace.Of(marketplace.Backend)
	for _, mode := range []string{condition.CrashLoop, condition.ImagePull, condition.StuckRollout, condition.Pending, condition.NoEndpoints} {
		b.breakIt("backend", mode, 5)
		b.restart(backend)
		c := b.condition(mode)
		b.eventually("the restarted pods have "+mode, func() error {
			for _, p := range b.pods("backend") {
				if p.Annotations["kubectl.kubernetes.io/restartedAt"] != "" && p.DeletionTimestamp == nil {
					if mode != condition.NoEndpoints && ready(p) {
						return fmt.Errorf("%s is ready after the restart", p.Name)
					}
					return symptoms()[mode](b, c)
				}
			}
			return fmt.Errorf("no pod was restarted")
		})
		b.heal("backend")
		b.recovers("heals")
	}

	b.breakIt("postgres-primary", condition.DiskFull, 5)
	if err := b.client.CoreV1().Pods(b.o.Namespace).Delete(t.Context(), "postgres-primary-0", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	c := b.condition(condition.DiskFull)
	b.eventually("the new pod has the old disk", func() error { return symptoms()[condition.DiskFull](b, c) })
}

func TestAnUndoCuresABadRollout(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, mode := range []string{condition.CrashLoop, condition.ImagePull, condition.StuckRollout, condition.Pending} {
		// The conditions of the earlier rounds are still on record; being undone,
		// they must not stand in the way.
		b.breakIt("backend", mode, 5)
		c := b.condition(mode)
		b.eventually(mode+" shows", func() error { return symptoms()[mode](b, c) })
		b.undo("deployment/backend-deployment")
		b.recovers("an undo cures " + mode)
	}
}

func TestModesAddUp(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pairs := []struct{ service, mode, with, second string }{
		{"backend", condition.CrashLoop, "backend", condition.NoEndpoints},
		{"backend", condition.OOM, "postgres-primary", condition.DiskFull},
		{"backend", condition.ImagePull, "frontend", condition.NotReady},
	}
	for _, pair := range pairs {
		b.breakIt(pair.service, pair.mode, 21)
		b.breakIt(pair.with, pair.second, 21)
		first, second := b.condition(pair.mode), b.condition(pair.second)
		b.eventually(pair.mode+" shows beside "+pair.second, func() error { return symptoms()[pair.mode](b, first) })
		b.eventually(pair.second+" shows beside "+pair.mode, func() error {
			switch pair.second {
			case condition.NoEndpoints:
				if n := b.endpoints("backend-service"); n != 0 {
					return fmt.Errorf("%d ready endpoints", n)
				}
				return nil
			case condition.NotReady:
				return b.event(b.byUID("frontend", second).Name, "Unhealthy", "Readiness probe failed")
			}
			return symptoms()[pair.second](b, second)
		})
		b.heal("")
		b.recovers("both heal")
	}
}

func TestTheSameSeedBreaksTheSameWay(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, mode := range []string{condition.CrashLoop, condition.ImagePull, condition.StuckRollout} {
		var rounds []condition.Condition
		for range 2 {
			b.breakIt("frontend", mode, 99)
			c := b.condition(mode)
			c.Since, c.Before = time.Time{}, nil
			rounds = append(rounds, c)
			b.heal("frontend")
		}
		if diff := cmp.Diff(rounds[0], rounds[1]); diff != "" {
			t.Errorf("%s: the second time it broke otherwise (-first +second):\n%s", mode, diff)
		}
	}
}

func TestBreakRefusesWhatMakesNoSense(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.breakIt("backend", condition.CrashLoop, 1)
	for name, c := range map[string]struct{ service, mode, want string }{
		"a service there is not":            {"bakend", condition.OOM, `no service "bakend"`},
		"a mode there is not":               {"backend", "melt", `no mode "melt"`},
		"a mode of another kind of service": {"frontend", condition.RedisDown, "that mode is of redis-master"},
		"the same mode twice":               {"backend", condition.CrashLoop, "already: heal it first"},
		"a second bad rollout":              {"backend", condition.ImagePull, "carries a bad rollout already (crashloop)"},
	} {
		err := world.Break(t.Context(), b.config, b.o, c.service, c.mode, 1)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "nothing was changed") {
			t.Errorf("%s: got %v, want %q and that nothing was changed", name, err, c.want)
		}
	}
	state, err := condition.Load(b.o.Dir, b.o.Namespace)
	if err != nil || len(state.Conditions) != 1 {
		t.Errorf("after the refusals %d things are broken, want the first alone (%v)", len(state.Conditions), err)
	}
	if err := world.Heal(t.Context(), b.config, b.o, "bakend"); err == nil || !strings.Contains(err.Error(), `no service "bakend"`) {
		t.Errorf("heal of a service there is not: %v", err)
	}
}

func TestSeedAndHealChangeNothingInAWorldThatIsWell(t *testing.T) {
	t.Parallel()
	b := setup(t)
	generations := func() map[string]int64 {
		out := map[string]int64{}
		deployments, err := b.client.AppsV1().Deployments(b.o.Namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range deployments.Items {
			out[d.Name] = d.Generation
			if got := d.Annotations["deployment.kubernetes.io/revision"]; got != "2" {
				t.Errorf("%s is at revision %s, want 2: one to go back to", d.Name, got)
			}
		}
		sets, err := b.client.AppsV1().StatefulSets(b.o.Namespace).List(t.Context(), metav1.ListOptions{})
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range sets.Items {
			out[s.Name] = s.Generation
		}
		return out
	}
	before := generations()
	if len(before) != 4 {
		t.Fatalf("workloads: %v, want four", before)
	}
	if err := world.Seed(t.Context(), b.config, b.o); err != nil {
		t.Fatal(err)
	}
	b.heal("")
	if diff := cmp.Diff(before, generations()); diff != "" {
		t.Errorf("seeding and healing again changed workloads (-before +after):\n%s", diff)
	}
	events, err := b.client.CoreV1().Events(b.o.Namespace).List(t.Context(), metav1.ListOptions{FieldSelector: "type=Warning,involvedObject.kind=Pod"})
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events.Items {
		t.Errorf("a world that is well warns: %s %s: %s", e.InvolvedObject.Name, e.Reason, e.Message)
	}
}

func TestHealthURLsFollowTheWorld(t *testing.T) {
	t.Parallel()
	b := setup(t)
	raw, err := os.ReadFile(filepath.Join(b.o.Dir, "health", b.o.Namespace+".json"))
	if err != nil {
		t.Fatal(err)
	}
	var urls map[string]string
	if err := json.Unmarshal(raw, &urls); err != nil {
		t.Fatal(err)
	}
	answers := func(service string, want int) func() error {
		return func() error {
			ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
			defer cancel()
			request, err := http.NewRequestWithContext(ctx, http.MethodGet, urls[service], nil)
			if err != nil {
				return err
			}
			got := 0
			response, err := http.DefaultClient.Do(request)
			if err == nil {
				got = response.StatusCode
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
			}
			if got != want {
				return fmt.Errorf("%s answers %d (%v), want %d", urls[service], got, err, want)
			}
			return nil
		}
	}
	const silence = 0
	b.eventually("the backend is well", answers("backend", 200))
	b.eventually("the frontend is well", answers("frontend", 200))
	b.breakIt("backend", condition.NoEndpoints, 1)
	b.eventually("nobody answers for the backend", answers("backend", 503))
	b.eventually("the frontend is not touched", answers("frontend", 200))
	b.heal("")
	b.eventually("the backend is back", answers("backend", 200))
	for seed := int64(1); ; seed++ {
		b.breakIt("postgres-primary", condition.DBRefusing, seed)
		if b.condition(condition.DBRefusing).Variant == condition.Saturated {
			break
		}
		b.heal("")
	}
	b.eventually("with no free connection the request hangs", answers("backend", silence))
}

func TestUsageReachesTheMetricsAPI(t *testing.T) {
	t.Parallel()
	b := setup(t)
	var items []struct {
		Containers []struct{ Usage corev1.ResourceList } `json:"containers"`
	}
	// metrics-server scrapes every 10 s and needs two scrapes.
	deadline := time.Now().Add(90 * time.Second)
	for len(items) < 7 {
		if time.Now().After(deadline) {
			t.Fatalf("usage of %d pods, want 7", len(items))
		}
		raw, err := b.client.CoreV1().RESTClient().Get().AbsPath("/apis/metrics.k8s.io/v1beta1/namespaces/" + b.o.Namespace + "/pods").DoRaw(t.Context())
		var list struct {
			Items *[]struct {
				Containers []struct{ Usage corev1.ResourceList } `json:"containers"`
			} `json:"items"`
		}
		list.Items = &items
		if err == nil {
			err = json.Unmarshal(raw, &list)
		}
		if err != nil {
			t.Logf("not yet: %v", err)
		}
		time.Sleep(500 * time.Millisecond)
	}
	for _, item := range items {
		use := item.Containers[0].Usage
		if use.Memory().Value() < 50<<20 || use.Cpu().MilliValue() < 5 {
			t.Errorf("a pod uses %v, which no process of this world does", use)
		}
	}
}

func TestAStatefulSetBreaksAndHealsToo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, service := range []string{"postgres-primary", "redis-master"} {
		for _, mode := range []string{condition.CrashLoop, condition.ImagePull, condition.Pending, condition.StuckRollout, condition.OOM, condition.NoEndpoints, condition.NodeDown} {
			b.breakIt(service, mode, 8)
			b.eventually(service+" is not well by "+mode, func() error {
				if b.well() == nil {
					return fmt.Errorf("all is well")
				}
				return nil
			})
			b.eventually("the backend misses "+service, func() error { return b.unreadyBackend() })
			b.heal(service)
			b.recovers(service + " heals of " + mode)
		}
	}
}

func TestExecOffersStandInsAndNothingOfThisMachine(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pod := b.pods("backend")[0].Name
	for range 20 { // no answer may get lost on its way
		if out, err := b.exec(pod, "node", "-e", "console.log(process.env.DATABASE_URL)"); err != nil || !strings.HasPrefix(out, "postgres://postgres:") {
			t.Fatalf("an environment variable out of a Secret: %q, %v", out, err)
		}
	}
	if out, err := b.execTTY(pod, "df", "-h"); err != nil || !strings.Contains(out, "Mounted on\r\n") {
		t.Errorf("exec -it, whose terminal stays open: %q, %v", out, err)
	}
	var exit interface{ ExitStatus() int }
	if _, err := b.exec(pod, "ls", "/nope"); !errors.As(err, &exit) || exit.ExitStatus() != 2 {
		t.Errorf("ls of nothing: %v, want exit code 2", err)
	}
	for _, command := range [][]string{{"sh", "-c", "id"}, {"/bin/bash"}, {"../../bin/touch", "/tmp/x"}, {"sandbox"}} {
		if out, err := b.exec(pod, command...); err == nil || !strings.Contains(err.Error(), "executable file not found in $PATH") {
			t.Errorf("exec %q: %q, %v; want that there is no such program", command, out, err)
		}
	}
	if _, err := b.exec("redis-master-0", "psql", "-c", "SELECT 1"); err == nil || !strings.Contains(err.Error(), "executable file not found") {
		t.Errorf("psql in the image of Redis: %v", err)
	}
}

func TestLogsCanBeFollowedAndCut(t *testing.T) {
	t.Parallel()
	b := setup(t)
	pod := b.pods("backend")[0].Name
	read := func(o corev1.PodLogOptions) string {
		raw, err := b.client.CoreV1().Pods(b.o.Namespace).GetLogs(pod, &o).DoRaw(t.Context())
		if err != nil {
			t.Fatalf("%+v: %v", o, err)
		}
		return string(raw)
	}
	if got := strings.Count(read(corev1.PodLogOptions{TailLines: new(int64(2))}), "\n"); got != 2 {
		t.Errorf("two lines asked for, got %d", got)
	}
	if got := len(read(corev1.PodLogOptions{LimitBytes: new(int64(100))})); got != 100 {
		t.Errorf("100 bytes asked for, got %d", got)
	}
	if got := b.log(pod, true); !strings.HasPrefix(got, "log: ") {
		t.Errorf("a container that never died has a previous log: %s", got)
	}
	stream, err := b.client.CoreV1().Pods(b.o.Namespace).GetLogs(pod, &corev1.PodLogOptions{Follow: true, TailLines: new(int64(0))}).Stream(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	line := make([]byte, 1)
	if _, err := io.ReadFull(stream, line); err != nil {
		t.Errorf("following: %v", err)
	}
}
