package kubelet

import (
	"fmt"
	"hash/fnv"
	"io"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/svcdown/svcdown/sandbox/world/condition"
	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

// usage is what a container uses: CPU in cores and memory in bytes.
type usage struct{ cpu, memory float64 }

// meter adds up CPU time, which resource metrics report as a counter.
type meter struct {
	mu    sync.Mutex
	spent map[types.UID]spent
}

type spent struct {
	seconds float64
	at      time.Time
}

func newMeter() *meter { return &meter{spent: map[types.UID]spent{}} }

func (m *meter) add(uid types.UID, cores float64, now time.Time) float64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	s, ok := m.spent[uid]
	if ok {
		s.seconds += cores * now.Sub(s.at).Seconds()
	}
	s.at = now
	m.spent[uid] = s
	return s.seconds
}

// uses is a pod's usage: that of its kind, a little different for each pod, and
// close to the memory limit while the OOM killer is at it.
func uses(pod *corev1.Pod, s marketplace.Service, state condition.State) usage {
	h := fnv.New32a()
	h.Write([]byte(pod.UID))
	sway := 0.85 + float64(h.Sum32()%30)/100
	const mi = 1 << 20
	u := map[marketplace.Kind]usage{
		marketplace.Backend:  {0.14 * sway, 236 * mi * sway},
		marketplace.Frontend: {0.05 * sway, 148 * mi * sway},
		marketplace.Database: {0.21 * sway, 812 * mi * sway},
		marketplace.Cache:    {0.03 * sway, 96 * mi * sway},
	}[s.Kind]
	for _, c := range state.Conditions {
		if c.Mode == condition.OOM && c.Holds(pod, s.Name) {
			u.memory = 0.98 * pod.Spec.Containers[0].Resources.Limits.Memory().AsApproximateFloat64()
		}
	}
	return u
}

// write reports one node's pods in the form of the kubelet's
// /metrics/resource, of which metrics-server reads these five.
func (m *meter) write(w io.Writer, pods []*corev1.Pod, node string, state condition.State, now time.Time) {
	stamp := now.UnixMilli()
	const system, systemMemory = 0.12, 900 << 20
	all := usage{cpu: system, memory: systemMemory}
	for _, pod := range pods {
		s, err := marketplace.Lookup(pod.Labels[marketplace.ServiceLabel])
		if err != nil || pod.Spec.NodeName != node || len(pod.Status.ContainerStatuses) == 0 {
			continue
		}
		running := pod.Status.ContainerStatuses[0].State.Running
		if running == nil {
			continue
		}
		u := uses(pod, s, state)
		seconds := m.add(pod.UID, u.cpu, now)
		all.cpu += u.cpu
		all.memory += u.memory
		labels := fmt.Sprintf("container=%q,namespace=%q,pod=%q", pod.Spec.Containers[0].Name, pod.Namespace, pod.Name)
		fmt.Fprintf(w, "container_cpu_usage_seconds_total{%s} %f %d\n", labels, seconds, stamp)
		fmt.Fprintf(w, "container_memory_working_set_bytes{%s} %.0f %d\n", labels, u.memory, stamp)
		fmt.Fprintf(w, "container_start_time_seconds{%s} %d\n", labels, running.StartedAt.Unix())
	}
	fmt.Fprintf(w, "node_cpu_usage_seconds_total %f %d\n", m.add(types.UID("node/"+node), all.cpu, now), stamp)
	fmt.Fprintf(w, "node_memory_working_set_bytes %.0f %d\n", all.memory, stamp)
}
