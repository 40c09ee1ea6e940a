package kubelet

import (
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/svcdown/svcdown/sandbox/world/condition"
	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

// How long the steps of a container's life take here. They are shorter than in
// production, in the same order.
const (
	creating    = 300 * time.Millisecond
	settling    = 900 * time.Millisecond // from started to the first good probe
	grace       = 3 * time.Second        // before anybody complains that it is not ready
	early       = 400 * time.Millisecond // a crashing process dies before it is ever ready
	lastGasp    = 200 * time.Millisecond // terminated, before the back-off shows
	hurry       = 300 * time.Millisecond // back-off until Condition.Restarts is reached
	stopping    = 300 * time.Millisecond
	pullRetry   = 15 * time.Second
	probePeriod = 10 * time.Second
	longestWait = 5 * time.Minute // as kubelet's MaxContainerBackOff
)

// Surroundings is what a pod's life depends on beside its own object.
type Surroundings struct {
	Service    marketplace.Service
	Conditions []condition.Condition // that hold this very pod
	NodeLost   bool
	// Unreachable says what the process needs and cannot reach, in its own
	// words; empty when it reaches everything.
	Unreachable []string
	// Complaints are what it says of neighbours that answer and do not help;
	// they fail no probe.
	Complaints []string
	// Misconfigured is the kubelet's complaint about a missing ConfigMap or
	// Secret, empty when there is none.
	Misconfigured string
	Debug         bool // its LOG_LEVEL is debug
	PodIP, HostIP string
}

// memory is what a kubelet knows of a pod and the API does not tell: since when
// a container is in its present state, and when it was last probed.
type memory struct {
	state  string
	since  time.Time
	probed time.Time
	spoke  time.Time
	ending time.Time
}

// outcome is what happens to a pod now.
type outcome struct {
	status  corev1.PodStatus
	changed bool
	remove  bool
	events  []event
	says    []string // lines of the container run that status shows
	last    []string // lines of the run that has just ended
}

type event struct{ kind, reason, message string }

func (o *outcome) normal(reason, format string, args ...any) {
	o.events = append(o.events, event{corev1.EventTypeNormal, reason, fmt.Sprintf(format, args...)})
}

func (o *outcome) warn(reason, format string, args ...any) {
	o.events = append(o.events, event{corev1.EventTypeWarning, reason, fmt.Sprintf(format, args...)})
}

// live takes a pod one step through its life. It changes m and nothing else; it
// calls no API, so the caller decides whether the step really happened.
func live(pod *corev1.Pod, s Surroundings, m *memory, now time.Time) outcome {
	o := outcome{status: *pod.Status.DeepCopy()}
	switch {
	case s.NodeLost:
		// The kubelet is silent; the node controller marks the pod.
		o.changed = setCondition(&o.status, corev1.PodReady, false, "", "", now)
		return o
	case pod.DeletionTimestamp != nil:
		end(pod, m, &o, now)
		return o
	case pod.Status.PodIP == "" && len(pod.Status.ContainerStatuses) == 0:
		admit(pod, s, &o, now)
		return o
	}

	c := &o.status.ContainerStatuses[0]
	if key := stateKey(*c); key != m.state {
		m.state, m.since = key, now
	}
	age := now.Sub(m.since)
	v := judge(s)
	run := container{pod: pod, status: c, verdict: v, s: s}
	switch {
	case c.State.Waiting != nil:
		run.wait(&o, age, now)
	case c.State.Terminated != nil:
		run.backOff(&o, age)
	case c.State.Running != nil:
		run.serve(&o, m, age, now)
	}
	// Also when the containers are as they were: the node controller may have
	// marked the pod while its node was lost.
	if settle(&o.status, now) {
		o.changed = true
	}
	return o
}

// admit is the kubelet's first word about a pod.
func admit(pod *corev1.Pod, s Surroundings, o *outcome, now time.Time) {
	o.changed = true
	started := metav1.NewTime(now)
	o.status.Phase = corev1.PodPending
	o.status.StartTime = &started
	o.status.HostIP = s.HostIP
	o.status.HostIPs = []corev1.HostIP{{IP: s.HostIP}}
	o.status.PodIP = s.PodIP
	o.status.PodIPs = []corev1.PodIP{{IP: s.PodIP}}
	for _, c := range pod.Spec.Containers {
		o.status.ContainerStatuses = append(o.status.ContainerStatuses, corev1.ContainerStatus{
			Name: c.Name, Image: c.Image, Started: new(false),
			State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ContainerCreating"}},
		})
	}
	setCondition(&o.status, corev1.PodReadyToStartContainers, true, "", "", now)
	setCondition(&o.status, corev1.PodInitialized, true, "", "", now)
	settle(&o.status, now)
}

// end takes a deleted pod away, after its container had a moment to stop.
func end(pod *corev1.Pod, m *memory, o *outcome, now time.Time) {
	if m.ending.IsZero() {
		m.ending = now
		for _, c := range pod.Spec.Containers {
			o.normal("Killing", "Stopping container %s", c.Name)
		}
		o.changed = setReady(&o.status, false, "ContainersNotReady", unreadyMessage(o.status), now)
		return
	}
	o.remove = now.Sub(m.ending) >= stopping
}

// settle derives phase and conditions from the containers, and says whether
// that changed any.
func settle(status *corev1.PodStatus, now time.Time) bool {
	phase := status.Phase
	ready := len(status.ContainerStatuses) > 0
	for _, c := range status.ContainerStatuses {
		ready = ready && c.Ready
		if c.State.Running != nil || c.LastTerminationState.Terminated != nil {
			status.Phase = corev1.PodRunning
		}
	}
	reason, message := "", ""
	if !ready {
		reason, message = "ContainersNotReady", unreadyMessage(*status)
	}
	return setReady(status, ready, reason, message, now) || phase != status.Phase
}

func setReady(status *corev1.PodStatus, ready bool, reason, message string, now time.Time) bool {
	containers := setCondition(status, corev1.ContainersReady, ready, reason, message, now)
	return setCondition(status, corev1.PodReady, ready, reason, message, now) || containers
}

func setCondition(status *corev1.PodStatus, kind corev1.PodConditionType, holds bool, reason, message string, now time.Time) bool {
	want := corev1.ConditionFalse
	if holds {
		want = corev1.ConditionTrue
	}
	for i := range status.Conditions {
		c := &status.Conditions[i]
		if c.Type != kind {
			continue
		}
		if c.Status == want {
			return false
		}
		c.Status, c.Reason, c.Message, c.LastTransitionTime = want, reason, message, metav1.NewTime(now)
		return true
	}
	status.Conditions = append(status.Conditions, corev1.PodCondition{
		Type: kind, Status: want, Reason: reason, Message: message, LastTransitionTime: metav1.NewTime(now),
	})
	return true
}

func unreadyMessage(status corev1.PodStatus) string {
	message := "containers with unready status: ["
	for i, c := range status.ContainerStatuses {
		if i > 0 {
			message += " "
		}
		message += c.Name
	}
	return message + "]"
}

func stateKey(c corev1.ContainerStatus) string {
	switch {
	case c.State.Waiting != nil:
		return fmt.Sprint("waiting ", c.State.Waiting.Reason, c.RestartCount)
	case c.State.Terminated != nil:
		return fmt.Sprint("terminated ", c.RestartCount)
	}
	return fmt.Sprint("running ", c.RestartCount)
}
