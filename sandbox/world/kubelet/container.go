package kubelet

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/svcdown/svcdown/sandbox/world/condition"
	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

// verdict is what a container's surroundings do to it.
type verdict struct {
	noImage bool
	dies    *condition.Condition
	unready string // what the readiness probe reports; empty when it passes
}

func judge(s Surroundings) verdict {
	var v verdict
	for i, c := range s.Conditions {
		switch c.Mode {
		case condition.ImagePull:
			v.noImage = true
		case condition.CrashLoop, condition.OOM:
			v.dies = &s.Conditions[i]
		case condition.DiskFull:
			if c.Variant == condition.Panics {
				v.dies = &s.Conditions[i]
			}
		case condition.NotReady, condition.StuckRollout, condition.DBRefusing, condition.RedisDown:
			if c.Variant != condition.Saturated {
				v.unready = probeSays(s.Service, c.Variant, s.PodIP)
			}
		}
	}
	if v.unready == "" && len(s.Unreachable) > 0 {
		v.unready = probeSays(s.Service, condition.Answers, s.PodIP)
	}
	return v
}

// probeSays is the message of a failed readiness probe, as each kind of probe
// words it: exec probes print their output, HTTP probes the status or the error.
func probeSays(s marketplace.Service, variant, ip string) string {
	switch s.Kind {
	case marketplace.Database:
		if variant == condition.Starting {
			return "Readiness probe failed: 127.0.0.1:5432 - rejecting connections"
		}
		return "Readiness probe failed: 127.0.0.1:5432 - no response"
	case marketplace.Cache:
		if variant == condition.Loading {
			return "Readiness probe failed: LOADING Redis is loading the dataset in memory"
		}
		return "Readiness probe failed: Could not connect to Redis at 127.0.0.1:6379: Connection refused"
	}
	if variant == condition.Hangs {
		return fmt.Sprintf(`Readiness probe failed: Get "http://%s:%d/ready": context deadline exceeded (Client.Timeout exceeded while awaiting headers)`, ip, s.Port)
	}
	return "Readiness probe failed: HTTP probe failed with statuscode: 503"
}

// container is the one container of a pod, about to take a step.
type container struct {
	pod     *corev1.Pod
	status  *corev1.ContainerStatus
	verdict verdict
	s       Surroundings
}

func (c container) wait(o *outcome, age time.Duration, now time.Time) {
	waiting := c.status.State.Waiting
	switch {
	case c.s.Misconfigured != "":
		if waiting.Reason != "CreateContainerConfigError" {
			c.waitFor(o, "CreateContainerConfigError", c.s.Misconfigured)
			o.warn("Failed", "Error: %s", c.s.Misconfigured)
		}
	case c.verdict.noImage:
		c.waitForImage(o, age)
	case waiting.Reason == "CrashLoopBackOff" && c.verdict.dies != nil:
		if age >= backOff(c.status.RestartCount, c.verdict.dies.Restarts) {
			c.start(o, now)
		}
	case age >= creating:
		c.start(o, now)
	}
}

func (c container) waitFor(o *outcome, reason, message string) {
	o.changed = true
	c.status.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

// waitForImage goes between ErrImagePull and ImagePullBackOff, as a kubelet does.
func (c container) waitForImage(o *outcome, age time.Duration) {
	image := c.status.Image
	notFound := fmt.Sprintf("failed to pull and unpack image %q: failed to resolve reference %q: %s: not found", image, image, image)
	switch reason := c.status.State.Waiting.Reason; {
	case reason == "ErrImagePull" && age >= lastGasp:
		c.waitFor(o, "ImagePullBackOff", fmt.Sprintf("Back-off pulling image %q: ErrImagePull: rpc error: code = NotFound desc = %s", image, notFound))
		o.normal("BackOff", "Back-off pulling image %q", image)
		o.warn("Failed", "Error: ImagePullBackOff")
	case reason == "ContainerCreating" && age >= creating, reason == "ImagePullBackOff" && age >= pullRetry:
		c.waitFor(o, "ErrImagePull", "rpc error: code = NotFound desc = "+notFound)
		o.normal("Pulling", "Pulling image %q", image)
		o.warn("Failed", "Failed to pull image %q: rpc error: code = NotFound desc = %s", image, notFound)
		o.warn("Failed", "Error: ErrImagePull")
	}
}

func (c container) start(o *outcome, now time.Time) {
	o.changed = true
	if c.status.LastTerminationState.Terminated != nil {
		c.status.RestartCount++
	}
	c.status.Ready = false
	c.status.Started = new(true)
	c.status.ImageID = digest(c.status.Image)
	c.status.ContainerID = fmt.Sprintf("containerd://%s", hash(string(c.pod.UID), c.status.RestartCount))
	c.status.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(now)}}
	o.normal("Pulled", "Container image %q already present on machine", c.status.Image)
	o.normal("Created", "Container created")
	o.normal("Started", "Container started")
	o.says = boots(c.s.Service, c.pod, now)
}

// serve is a running container: it dies, or its probe passes or fails.
func (c container) serve(o *outcome, m *memory, age time.Duration, now time.Time) {
	if dies := c.verdict.dies; dies != nil && age >= early {
		c.die(o, *dies, now)
		return
	}
	if age < settling {
		return
	}
	ready := c.verdict.unready == ""
	if c.status.Ready != ready {
		c.status.Ready = ready
		o.changed = true
	}
	if age < grace {
		return
	}
	if !ready && now.Sub(m.probed) >= probePeriod {
		m.probed = now
		o.warn("Unhealthy", "%s", c.verdict.unready)
	}
	if now.Sub(m.spoke) >= 3*time.Second {
		m.spoke = now
		o.says = speaks(c.s, now)
	}
}

func (c container) die(o *outcome, why condition.Condition, now time.Time) {
	o.changed = true
	reason := "Error"
	if why.Mode == condition.OOM {
		reason = "OOMKilled"
	}
	o.last = lastWords(c.s.Service, why, now)
	c.status.Ready = false
	c.status.Started = new(false)
	c.status.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
		ExitCode: why.ExitCode, Reason: reason, StartedAt: c.status.State.Running.StartedAt,
		FinishedAt: metav1.NewTime(now), ContainerID: c.status.ContainerID,
	}}
}

// backOff moves a dead container to CrashLoopBackOff.
func (c container) backOff(o *outcome, age time.Duration) {
	if age < lastGasp {
		return
	}
	c.status.LastTerminationState = c.status.State
	wait := 10 * time.Second
	if c.verdict.dies != nil {
		wait = max(wait, backOff(c.status.RestartCount, c.verdict.dies.Restarts))
	}
	name := fmt.Sprintf("%s_%s(%s)", c.pod.Name, c.pod.Namespace, c.pod.UID)
	c.waitFor(o, "CrashLoopBackOff", fmt.Sprintf("back-off %s restarting failed container=%s pod=%s", wait, c.status.Name, name))
	o.warn("BackOff", "Back-off restarting failed container %s in pod %s", c.status.Name, name)
}

// backOff is how long a container that died waits: hardly at all until it has
// died as often as its condition says it already has, then doubling from 10 s
// as https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#restart-policy
// describes.
func backOff(restarts, fast int32) time.Duration {
	if restarts < fast {
		return hurry
	}
	if restarts > 5 {
		return longestWait
	}
	return min(10*time.Second<<restarts, longestWait)
}

func digest(image string) string {
	return fmt.Sprintf("%s@sha256:%s", image, hash(image, 0))
}

func hash(of string, n int32) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s/%d", of, n))
	return hex.EncodeToString(sum[:])
}
