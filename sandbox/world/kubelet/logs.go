package kubelet

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	criapi "k8s.io/cri-api/pkg/apis"
	runtimeapi "k8s.io/cri-api/pkg/apis/runtime/v1"
	crilogs "k8s.io/cri-client/pkg/logs"
)

// logs keeps one file per container run, under DIR/world/logs, in the CRI
// format that kubelets read.
type logs struct {
	dir string
	mu  sync.Mutex
}

func (l *logs) path(pod *corev1.Pod, container string, run int32) string {
	return filepath.Join(l.dir, pod.Namespace+"_"+pod.Name+"_"+string(pod.UID), container, fmt.Sprintf("%d.log", run))
}

// write appends lines to the log of one container run.
func (l *logs) write(pod *corev1.Pod, container string, run int32, now time.Time, lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	var text strings.Builder
	for i, line := range lines {
		stamp := now.UTC().Add(time.Duration(i) * time.Microsecond).Format("2006-01-02T15:04:05.000000000Z")
		fmt.Fprintf(&text, "%s stdout F %s\n", stamp, line)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	path := l.path(pod, container, run)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("write the log of %s: %w", pod.Name, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("write the log of %s: %w", pod.Name, err)
	}
	_, err = f.WriteString(text.String())
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write the log of %s: %w", pod.Name, err)
	}
	return nil
}

// drop removes the logs of a pod that is gone.
func (l *logs) drop(pod *corev1.Pod) {
	// Litter in a sandbox's own directory harms nothing and goes with it.
	_ = os.RemoveAll(filepath.Dir(filepath.Dir(l.path(pod, "any", 0))))
}

// read copies the log of a container's present or previous run to w. The errors
// are worded as a kubelet words them. Following ends when running says that the
// container has ended.
func (l *logs) read(ctx context.Context, pod *corev1.Pod, container string, want *corev1.PodLogOptions, running func(containerID string) bool, w io.Writer) error {
	var status *corev1.ContainerStatus
	for i := range pod.Status.ContainerStatuses {
		if pod.Status.ContainerStatuses[i].Name == container {
			status = &pod.Status.ContainerStatuses[i]
		}
	}
	if status == nil {
		return fmt.Errorf("container %q in pod %q is not available", container, pod.Name)
	}
	run := status.RestartCount
	dead := status.LastTerminationState.Terminated != nil
	switch {
	case want.Previous && !dead:
		return fmt.Errorf("previous terminated container %q in pod %q not found", container, pod.Name)
	case status.State.Waiting != nil && !dead:
		return fmt.Errorf("container %q in pod %q is waiting to start: %s", container, pod.Name, waitingFor(status.State.Waiting.Reason))
	case want.Previous && status.State.Waiting == nil:
		// While a dead container waits, both the present and the previous log
		// are those of the run that died, as with a kubelet.
		run--
	}
	options := &crilogs.LogOptions{
		TailLines: want.TailLines, LimitBytes: want.LimitBytes, Follow: want.Follow, Timestamp: want.Timestamps,
	}
	if want.SinceSeconds != nil {
		options.Since = time.Now().Add(-time.Duration(*want.SinceSeconds) * time.Second)
	}
	if want.SinceTime != nil {
		options.Since = want.SinceTime.Time
	}
	return crilogs.ReadLogs(ctx, l.path(pod, container, run), status.ContainerID, options, runtime{running: running}, w, w)
}

func waitingFor(reason string) string {
	switch reason {
	case "ErrImagePull", "ImagePullBackOff":
		return "trying and failing to pull image"
	}
	return reason
}

// runtime answers the one question a log reader that follows has for the
// container runtime.
type runtime struct {
	criapi.RuntimeService
	running func(containerID string) bool
}

func (r runtime) ContainerStatus(_ context.Context, id string, _ bool) (*runtimeapi.ContainerStatusResponse, error) {
	state := runtimeapi.ContainerState_CONTAINER_EXITED
	if r.running(id) {
		state = runtimeapi.ContainerState_CONTAINER_RUNNING
	}
	return &runtimeapi.ContainerStatusResponse{Status: &runtimeapi.ContainerStatus{Id: id, State: state}}, nil
}
