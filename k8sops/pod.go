package k8sops

import (
	"cmp"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// podView is one pod with what is wrong with it, the most telling thing first.
type podView struct {
	pod      *corev1.Pod
	ready    bool
	gone     bool // finished or being deleted: not counted
	restarts int32
	kind     finding.Kind // "" while nothing is wrong
	reason   string       // as Kubernetes names it: CrashLoopBackOff
	detail   redact.Text  // "exit 137 OOMKilled", an image, the scheduler's message
	since    time.Time
	// container is the one that is wrong, "" for the pod as a whole.
	container string
	// recent says that a ready pod restarted within the last ten minutes.
	recent bool
}

// recently is how long a restart or a change counts as news.
const recently = 10 * time.Minute

func viewPods(pods []*corev1.Pod, now time.Time) []podView {
	views := make([]podView, len(pods))
	for i, p := range pods {
		views[i] = viewPod(p, now)
	}
	slices.SortFunc(views, func(a, b podView) int {
		return cmp.Or(
			cmp.Compare(b.weight(), a.weight()), cmp.Compare(b.restarts, a.restarts), cmp.Compare(a.pod.Name, b.pod.Name))
	})
	return views
}

// weight orders pods by how much attention they need.
func (v podView) weight() int {
	switch {
	case v.gone:
		return 0
	case v.kind == "" && v.recent:
		return 2
	case v.kind == "":
		return 1
	case v.kind == finding.Pending:
		return 4
	case v.kind == finding.NotReady:
		return 5
	default:
		return 6
	}
}

func viewPod(p *corev1.Pod, now time.Time) podView {
	v := podView{pod: p, ready: isReady(p), since: notReadySince(p)}
	for _, s := range statuses(p) {
		v.restarts += s.RestartCount
	}
	switch {
	case p.Status.Phase == corev1.PodFailed && p.Status.Reason == "Evicted":
		v.gone, v.kind, v.reason, v.detail = true, finding.Evicted, "Evicted", redact.Clean(p.Status.Message)
		return v
	case p.Status.Phase == corev1.PodSucceeded || p.Status.Phase == corev1.PodFailed:
		v.gone, v.reason = true, string(p.Status.Phase)
		return v
	case p.DeletionTimestamp != nil:
		v.gone, v.reason, v.since = true, "Terminating", p.DeletionTimestamp.Time
		return v
	}
	for _, s := range statuses(p) {
		if v.container == "" {
			v.blame(p, s, now)
		}
	}
	if v.kind != "" {
		return v
	}
	if s := condition(p, corev1.PodScheduled); s != nil && s.Status == corev1.ConditionFalse {
		v.kind, v.reason, v.detail, v.since = finding.Pending, s.Reason, redact.Clean(s.Message), s.LastTransitionTime.Time
		return v
	}
	switch {
	case v.ready:
		v.since = time.Time{}
	case p.Status.Phase == corev1.PodPending:
		v.kind, v.reason = finding.Pending, waitingReason(p)
	default:
		v.kind, v.reason = finding.NotReady, "NotReady"
		v.detail = unready(p)
	}
	return v
}

// blame looks at one container and keeps what is wrong with it.
func (v *podView) blame(p *corev1.Pod, s corev1.ContainerStatus, now time.Time) {
	last := s.LastTerminationState.Terminated
	if t := s.State.Terminated; t != nil && t.ExitCode != 0 {
		last = t
	}
	justDied := last != nil && now.Sub(last.FinishedAt.Time) < recently
	switch w := s.State.Waiting; {
	case w != nil && w.Reason == "CrashLoopBackOff",
		s.State.Terminated != nil && s.State.Terminated.ExitCode != 0,
		s.State.Running != nil && !s.Ready && s.RestartCount > 0 && justDied:
		v.kind, v.reason, v.container = finding.CrashLoop, "CrashLoopBackOff", s.Name
		if w == nil {
			v.reason = "Restarting"
		}
		if last != nil {
			v.detail = exit(last)
			if v.since.IsZero() {
				v.since = last.FinishedAt.Time
			}
			if last.Reason == "OOMKilled" {
				v.kind = finding.OOMKilled
			}
		}
	case w != nil && pullReasons[w.Reason]:
		v.kind, v.reason, v.container, v.detail = finding.ImagePull, w.Reason, s.Name, redact.F("image %s", s.Image)
		if s.Image == "" {
			v.detail = redact.F("image %s", imageOf(p, s.Name))
		}
	case w != nil && configReasons[w.Reason]:
		v.kind, v.reason, v.container, v.detail = finding.ConfigError, w.Reason, s.Name, redact.Clean(w.Message)
	case s.Ready && s.RestartCount > 0 && justDied:
		v.recent, v.reason, v.detail = true, "Restarted", exit(last)
	}
}

var pullReasons = map[string]bool{
	"ImagePullBackOff": true, "ErrImagePull": true, "InvalidImageName": true, "ErrImageNeverPull": true,
	"ImageInspectError": true, "RegistryUnavailable": true, "SignatureValidationFailed": true,
}

var configReasons = map[string]bool{
	"CreateContainerConfigError": true, "CreateContainerError": true, "RunContainerError": true, "PreCreateHookError": true, "PostStartHookError": true,
}

func exit(t *corev1.ContainerStateTerminated) redact.Text {
	switch t.Reason {
	case "", "Error", "Completed":
		return redact.F("exit %d", t.ExitCode)
	default:
		return redact.F("exit %d %s", t.ExitCode, t.Reason)
	}
}

// statuses of all containers; init containers first, since nothing else starts before them.
func statuses(p *corev1.Pod) []corev1.ContainerStatus {
	return slices.Concat(p.Status.InitContainerStatuses, p.Status.ContainerStatuses)
}

func imageOf(p *corev1.Pod, container string) string {
	for _, k := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		if k.Name == container {
			return k.Image
		}
	}
	return ""
}

func condition(p *corev1.Pod, t corev1.PodConditionType) *corev1.PodCondition {
	for i := range p.Status.Conditions {
		if p.Status.Conditions[i].Type == t {
			return &p.Status.Conditions[i]
		}
	}
	return nil
}

func isReady(p *corev1.Pod) bool {
	r := condition(p, corev1.PodReady)
	return r != nil && r.Status == corev1.ConditionTrue && p.DeletionTimestamp == nil
}

// notReadySince is when the pod stopped being ready, or was made when it never was; zero while it is ready.
func notReadySince(p *corev1.Pod) time.Time {
	r := condition(p, corev1.PodReady)
	switch {
	case r != nil && r.Status == corev1.ConditionTrue:
		return time.Time{}
	case r != nil && !r.LastTransitionTime.IsZero():
		return r.LastTransitionTime.Time
	default:
		return p.CreationTimestamp.Time
	}
}

// unready names the containers that run and are not ready.
func unready(p *corev1.Pod) redact.Text {
	var names []redact.Text
	for _, s := range p.Status.ContainerStatuses {
		if !s.Ready {
			names = append(names, redact.Clean(s.Name))
		}
	}
	if len(names) == 0 {
		return redact.Text{}
	}
	return redact.F("container %s", redact.Join(", ", names...))
}

func waitingReason(p *corev1.Pod) string {
	for _, s := range statuses(p) {
		if s.State.Waiting != nil && s.State.Waiting.Reason != "" {
			return s.State.Waiting.Reason
		}
	}
	return "Pending"
}
