package world_test

import (
	"fmt"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/svcdown/svcdown/sandbox/world"
	"github.com/svcdown/svcdown/sandbox/world/condition"
)

func TestEveryModeShowsThroughTheAPIAndHeals(t *testing.T) {
	t.Parallel()
	shows := symptoms()
	for _, mode := range world.Modes() {
		show, ok := shows[mode]
		if !ok {
			t.Fatalf("no symptom is known for the mode %s", mode)
		}
		t.Run(mode, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			for _, seed := range []int64{11, 4242} {
				b.breakIt("backend", mode, seed)
				c := b.condition(mode)
				b.eventually(fmt.Sprintf("%s with seed %d (%s) shows", mode, seed, c.Variant), func() error { return show(b, c) })
				b.heal("backend")
				b.recovers(mode + " heals")
			}
		})
	}
}

// condition is the one that Break has just written.
func (b bench) condition(mode string) condition.Condition {
	b.t.Helper()
	state, err := condition.Load(b.o.Dir, b.o.Namespace)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range state.Conditions {
		if c.Mode == mode {
			return c
		}
	}
	b.t.Fatalf("break %s left no condition", mode)
	return condition.Condition{}
}

// symptoms says of each mode what a person with kubectl would see.
func symptoms() map[string]func(bench, condition.Condition) error {
	return map[string]func(bench, condition.Condition) error{
		condition.CrashLoop: func(b bench, c condition.Condition) error {
			p, err := b.waiting("backend", "CrashLoopBackOff")
			if err != nil {
				return err
			}
			s := p.Status.ContainerStatuses[0]
			if end := s.LastTerminationState.Terminated; end == nil || end.ExitCode != c.ExitCode || end.Reason != "Error" {
				return fmt.Errorf("last state is %+v, want exit code %d", end, c.ExitCode)
			}
			if s.RestartCount < c.Restarts {
				return fmt.Errorf("restarted %d times, want %d", s.RestartCount, c.Restarts)
			}
			if s.Image != c.Image {
				return fmt.Errorf("the crashing image is %s, want the new one, %s", s.Image, c.Image)
			}
			if log := b.log(p.Name, true); !strings.Contains(log, c.LastWords[0]) {
				return fmt.Errorf("previous log has no %q: %s", c.LastWords[0], log)
			}
			return b.event(p.Name, "BackOff", "Back-off restarting failed container")
		},
		condition.OOM: func(b bench, c condition.Condition) error {
			p, err := b.waiting("backend", "CrashLoopBackOff")
			if err != nil {
				return err
			}
			s := p.Status.ContainerStatuses[0]
			if end := s.LastTerminationState.Terminated; end == nil || end.ExitCode != 137 || end.Reason != "OOMKilled" {
				return fmt.Errorf("last state is %+v, want OOMKilled", end)
			}
			if s.RestartCount < c.Restarts {
				return fmt.Errorf("restarted %d times, want %d", s.RestartCount, c.Restarts)
			}
			return b.event(p.Name, "BackOff", "Back-off restarting failed container")
		},
		condition.ImagePull: func(b bench, c condition.Condition) error {
			p, err := b.waiting("backend", "ImagePullBackOff")
			if err != nil {
				return err
			}
			if _, err := b.exec(p.Name, "env"); err == nil || !strings.Contains(err.Error(), "container not found") {
				return fmt.Errorf("exec into a container that never started: %v", err)
			}
			return b.event(p.Name, "Failed", "Failed to pull image \""+c.Image)
		},
		condition.NotReady: func(b bench, c condition.Condition) error {
			if got, want := b.endpoints("backend-service"), 3-len(c.Pods); got != want {
				return fmt.Errorf("%d ready endpoints, want %d", got, want)
			}
			p := b.byUID("backend", c)
			if s := p.Status.ContainerStatuses[0]; s.State.Running == nil || s.Ready {
				return fmt.Errorf("%s is not running unready: %+v", p.Name, s)
			}
			return b.event(p.Name, "Unhealthy", "Readiness probe failed: ")
		},
		condition.NoEndpoints: func(b bench, _ condition.Condition) error {
			if n := b.endpoints("backend-service"); n != 0 {
				return fmt.Errorf("%d ready endpoints, want none", n)
			}
			for _, p := range b.pods("backend") {
				if !ready(p) {
					return fmt.Errorf("%s should be well", p.Name)
				}
			}
			out, err := b.exec(b.pods("frontend")[0].Name, "curl", "-sS", "http://backend-service:3000/health")
			if err == nil || !strings.Contains(out, "curl: (7) Failed to connect to backend-service") {
				return fmt.Errorf("curl from the frontend: %q, %v", out, err)
			}
			return nil
		},
		condition.StuckRollout: func(b bench, c condition.Condition) error {
			d, err := b.client.AppsV1().Deployments(b.o.Namespace).Get(b.t.Context(), "backend-deployment", metav1.GetOptions{})
			if err != nil {
				return err
			}
			for _, cond := range d.Status.Conditions {
				if cond.Type == "Progressing" && cond.Reason == "ProgressDeadlineExceeded" {
					return nil
				}
			}
			return fmt.Errorf("the deadline has not passed: %+v", d.Status.Conditions)
		},
		condition.Pending: func(b bench, _ condition.Condition) error {
			for _, p := range b.pods("backend") {
				if p.Status.Phase == corev1.PodPending && p.Spec.NodeName == "" {
					return b.event(p.Name, "FailedScheduling", "Insufficient memory")
				}
			}
			return fmt.Errorf("no pod is pending")
		},
		condition.NodeDown: func(b bench, c condition.Condition) error {
			n, err := b.client.CoreV1().Nodes().Get(b.t.Context(), c.Node, metav1.GetOptions{})
			if err != nil {
				return err
			}
			if len(n.Spec.Taints) == 0 || !strings.HasPrefix(n.Spec.Taints[0].Key, "node.kubernetes.io/unreachable") {
				return fmt.Errorf("the lost node has the taints %v", n.Spec.Taints)
			}
			for _, p := range b.pods("backend") {
				if p.Spec.NodeName == c.Node && ready(p) {
					return fmt.Errorf("%s is ready on a lost node", p.Name)
				}
				if log := b.log(p.Name, false); p.Spec.NodeName == c.Node && !strings.HasPrefix(log, "log: an error on the server") {
					return fmt.Errorf("a lost node answered for its logs: %s", log)
				}
			}
			return nil
		},
		condition.DBRefusing: func(b bench, c condition.Condition) error {
			words := map[string]string{
				condition.Refused: "No such file or directory", condition.Starting: "the database system is starting up", condition.Saturated: "sorry, too many clients already",
			}[c.Variant]
			if out, err := b.exec("postgres-primary-0", "psql", "-U", "postgres", "-c", "SELECT 1"); err == nil || !strings.Contains(out, words) {
				return fmt.Errorf("psql: %q, %v", out, err)
			}
			if c.Variant == condition.Saturated {
				return nil
			}
			return b.unreadyBackend()
		},
		condition.RedisDown: func(b bench, c condition.Condition) error {
			words := map[string]string{condition.Refused: "Connection refused", condition.Loading: "LOADING"}[c.Variant]
			if out, _ := b.exec("redis-master-0", "redis-cli", "ping"); !strings.Contains(out, words) {
				return fmt.Errorf("redis-cli ping: %q", out)
			}
			return b.unreadyBackend()
		},
		condition.DiskFull: func(b bench, c condition.Condition) error {
			if c.Variant == condition.Panics {
				if _, err := b.waiting("postgres-primary", "CrashLoopBackOff"); err != nil {
					return err
				}
				if log := b.log("postgres-primary-0", true); !strings.Contains(log, "No space left on device") {
					return fmt.Errorf("previous log: %s", log)
				}
				return b.unreadyBackend()
			}
			if out, err := b.exec("postgres-primary-0", "df", "-h", "/var/lib/postgresql/data"); err != nil || !strings.Contains(out, "100%") {
				return fmt.Errorf("df: %q, %v", out, err)
			}
			if log := b.log("postgres-primary-0", false); !strings.Contains(log, "No space left on device") {
				return fmt.Errorf("log: %s", log)
			}
			return nil
		},
	}
}

// waiting finds a pod of the service whose container waits for that reason.
func (b bench) waiting(service, reason string) (corev1.Pod, error) {
	b.t.Helper()
	for _, p := range b.pods(service) {
		if s := p.Status.ContainerStatuses; len(s) > 0 && s[0].State.Waiting != nil && s[0].State.Waiting.Reason == reason {
			return p, nil
		}
	}
	return corev1.Pod{}, fmt.Errorf("no pod of %s waits for %s", service, reason)
}

func (b bench) byUID(service string, c condition.Condition) corev1.Pod {
	b.t.Helper()
	for _, p := range b.pods(service) {
		if p.UID == c.Pods[0] {
			return p
		}
	}
	b.t.Fatalf("the pods of %s that %s struck are gone", service, c.Mode)
	return corev1.Pod{}
}

// unreadyBackend is what every outage below it does to the backend.
func (b bench) unreadyBackend() error {
	if n := b.endpoints("backend-service"); n != 0 {
		return fmt.Errorf("the backend has %d ready endpoints without what it depends on", n)
	}
	// One that crashes besides is never asked whether it is ready.
	var err error
	for _, p := range b.pods("backend") {
		if err = b.event(p.Name, "Unhealthy", "statuscode: 503"); err == nil {
			return nil
		}
	}
	return err
}
