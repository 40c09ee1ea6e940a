package kubelet

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/svcdown/svcdown/sandbox/world/condition"
	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

// life is one pod whose steps a test takes at times of its own.
type life struct {
	pod    *corev1.Pod
	around Surroundings
	memory memory
	now    time.Time
	events []string
	gone   bool
}

func newLife(kind marketplace.Kind, conditions ...condition.Condition) *life {
	s := marketplace.Of(kind)
	return &life{
		pod: &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "shop", UID: "u"},
			Spec:       corev1.PodSpec{NodeName: "worker-1", Containers: []corev1.Container{{Name: s.Name, Image: s.Image(s.Tag)}}},
		},
		around: Surroundings{Service: s, Conditions: conditions, PodIP: "10.128.0.9", HostIP: "10.0.1.10"},
		now:    time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
	}
}

// pass lets time pass in the kubelet's ticks.
func (l *life) pass(d time.Duration) {
	for end := l.now.Add(d); l.now.Before(end); l.now = l.now.Add(tick) {
		o := live(l.pod, l.around, &l.memory, l.now)
		l.pod.Status = o.status
		l.gone = l.gone || o.remove
		for _, e := range o.events {
			l.events = append(l.events, e.reason)
		}
	}
}

func (l *life) container() corev1.ContainerStatus { return l.pod.Status.ContainerStatuses[0] }

func (l *life) ready() bool {
	for _, c := range l.pod.Status.Conditions {
		if c.Type == corev1.PodReady {
			return c.Status == corev1.ConditionTrue
		}
	}
	return false
}

func TestAPodBecomesReadyOnce(t *testing.T) {
	t.Parallel()
	l := newLife(marketplace.Backend)
	l.pass(3 * time.Second)
	if !l.ready() || l.pod.Status.Phase != corev1.PodRunning || l.pod.Status.PodIP != "10.128.0.9" {
		t.Fatalf("status: %+v", l.pod.Status)
	}
	if diff := cmp.Diff([]string{"Pulled", "Created", "Started"}, l.events); diff != "" {
		t.Errorf("events (-want +got):\n%s", diff)
	}
	before := l.pod.Status.DeepCopy()
	l.pass(time.Minute)
	if diff := cmp.Diff(before, &l.pod.Status); diff != "" {
		t.Errorf("a pod that is well changed:\n%s", diff)
	}
}

func TestACrashingContainerIsRestartedFastAndThenBacksOff(t *testing.T) {
	t.Parallel()
	l := newLife(marketplace.Backend, condition.Condition{Service: "backend", Mode: condition.CrashLoop, ExitCode: 78, Restarts: 4, LastWords: []string{"no"}})
	l.pass(20 * time.Second)
	c := l.container()
	if c.State.Waiting == nil || c.State.Waiting.Reason != "CrashLoopBackOff" || c.RestartCount != 4 {
		t.Fatalf("after 20 s: %+v", c)
	}
	if end := c.LastTerminationState.Terminated; end.ExitCode != 78 || end.Reason != "Error" {
		t.Errorf("it ended with %+v", end)
	}
	if !strings.HasPrefix(c.State.Waiting.Message, "back-off 2m40s restarting failed container=backend pod=p_shop(u)") {
		t.Errorf("it waits with %q", c.State.Waiting.Message)
	}
	if l.ready() {
		t.Error("a crashing pod was ready")
	}
	l.pass(3 * time.Minute)
	if got := l.container().RestartCount; got != 5 {
		t.Errorf("restarted %d times after the back-off, want 5", got)
	}
	l.around.Conditions = nil
	l.pass(3 * time.Second)
	if !l.ready() {
		t.Errorf("not cured with its condition: %+v", l.container())
	}
}

func TestTheOOMKillerTakesARunningContainer(t *testing.T) {
	t.Parallel()
	l := newLife(marketplace.Backend)
	l.pass(3 * time.Second)
	l.around.Conditions = []condition.Condition{{Service: "backend", Mode: condition.OOM, ExitCode: 137, Restarts: 3}}
	l.pass(10 * time.Second)
	if end := l.container().LastTerminationState.Terminated; end == nil || end.Reason != "OOMKilled" || end.ExitCode != 137 {
		t.Errorf("it ended with %+v", end)
	}
}

func TestAnImageThatIsNotThereGoesBetweenItsTwoReasons(t *testing.T) {
	t.Parallel()
	l := newLife(marketplace.Backend, condition.Condition{Service: "backend", Mode: condition.ImagePull})
	seen := map[string]int{}
	last := ""
	for range 200 {
		l.pass(tick)
		if w := l.container().State.Waiting; w != nil && w.Reason != last {
			last = w.Reason
			seen[last]++
		}
	}
	if seen["ErrImagePull"] < 2 || seen["ImagePullBackOff"] < 2 || l.pod.Status.Phase != corev1.PodPending || l.container().RestartCount != 0 {
		t.Errorf("reasons %v, status %+v", seen, l.pod.Status)
	}
}

func TestAnUnreadyContainerRunsOnAndIsReportedNowAndThen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind    marketplace.Kind
		variant string
		mode    string
		want    string
	}{
		"answered with an error": {marketplace.Backend, condition.Answers, condition.NotReady, "statuscode: 503"},
		"not answered":           {marketplace.Backend, condition.Hangs, condition.NotReady, `Get "http://10.128.0.9:3000/ready": context deadline exceeded`},
		"a database at start":    {marketplace.Database, condition.Starting, condition.DBRefusing, "rejecting connections"},
		"a database that is not": {marketplace.Database, condition.Refused, condition.DBRefusing, "no response"},
		"a cache that is not":    {marketplace.Cache, condition.Refused, condition.RedisDown, "Connection refused"},
		"a cache that loads":     {marketplace.Cache, condition.Loading, condition.RedisDown, "LOADING"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := newLife(c.kind)
			l.pass(3 * time.Second)
			l.around.Conditions = []condition.Condition{{Service: l.around.Service.Name, Mode: c.mode, Variant: c.variant}}
			if got := judge(l.around).unready; !strings.Contains(got, c.want) {
				t.Errorf("the probe says %q, want %q", got, c.want)
			}
			l.events = nil
			l.pass(25 * time.Second)
			if l.ready() || l.container().State.Running == nil || l.container().RestartCount != 0 {
				t.Errorf("status: %+v", l.pod.Status)
			}
			if diff := cmp.Diff([]string{"Unhealthy", "Unhealthy", "Unhealthy"}, l.events); diff != "" {
				t.Errorf("events of 25 s (-want +got):\n%s", diff)
			}
		})
	}
}

func TestASaturatedDatabaseStaysReady(t *testing.T) {
	t.Parallel()
	l := newLife(marketplace.Database, condition.Condition{Service: "postgres-primary", Mode: condition.DBRefusing, Variant: condition.Saturated})
	l.pass(5 * time.Second)
	if !l.ready() {
		t.Errorf("pg_isready counts a full server as accepting, yet: %+v", l.pod.Status)
	}
}

func TestALostNodeKeepsItsContainersAndIsSilent(t *testing.T) {
	t.Parallel()
	l := newLife(marketplace.Backend)
	l.pass(3 * time.Second)
	l.around.NodeLost, l.events = true, nil
	now := metav1.NewTime(l.now)
	l.pod.DeletionTimestamp = &now
	l.pass(time.Minute)
	if l.ready() || !l.container().Ready || l.gone || len(l.events) > 0 {
		t.Errorf("pod ready %v, container ready %v, gone %v, events %v; want a marked pod that stays", l.ready(), l.container().Ready, l.gone, l.events)
	}
	l.around.NodeLost = false
	l.pass(2 * time.Second)
	if !l.gone {
		t.Error("back again, the kubelet did not end the deleted pod")
	}
}

func TestAPodRecoversWithItsNode(t *testing.T) {
	t.Parallel()
	l := newLife(marketplace.Backend)
	l.pass(3 * time.Second)
	l.around.NodeLost = true
	l.pass(time.Second)
	l.around.NodeLost = false
	l.pass(time.Second)
	if !l.ready() {
		t.Errorf("still marked: %+v", l.pod.Status.Conditions)
	}
}

func TestAMissingSecretKeepsTheContainerFromStarting(t *testing.T) {
	t.Parallel()
	l := newLife(marketplace.Backend)
	l.around.Misconfigured = `secret "web3-marketplace-secrets" not found`
	l.pass(3 * time.Second)
	if w := l.container().State.Waiting; w == nil || w.Reason != "CreateContainerConfigError" || w.Message != l.around.Misconfigured {
		t.Errorf("state: %+v", l.container().State)
	}
	l.around.Misconfigured = ""
	l.pass(3 * time.Second)
	if !l.ready() {
		t.Errorf("not started when the Secret came: %+v", l.container())
	}
}
