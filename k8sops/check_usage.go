package k8sops

import (
	"cmp"
	"context"
	"errors"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

const readUsage = "read usage"

func checkUsage(ctx context.Context, s *snapshot) (finding.Finding, error) {
	usage, err := s.usage.get(ctx)
	var failed *Error
	if errors.As(err, &failed) && failed.Op == readUsage && (apierrors.IsNotFound(err) || apierrors.IsServiceUnavailable(err)) {
		return finding.Finding{
			Status: finding.Unknown, Line: redact.Const("Could not be checked. The cluster has no metrics API, or it does not answer."),
			Fix: redact.Const("Install metrics-server, or look at its pods in kube-system."),
		}, nil
	}
	if err != nil {
		return finding.Finding{}, err
	}
	pods, err := s.pods.get(ctx)
	if err != nil {
		return finding.Finding{}, err
	}
	return judgeUsage(usage, pods.items), nil
}

// used is what one container uses of what it may.
type used struct {
	pod, container            string
	cpu, memory               quantity.Quantity
	cpuOf, memoryOf           quantity.Quantity // limit, else request; zero when neither is set
	cpuLimited, memoryLimited bool
}

// share of the limit or request in percent, -1 when there is neither.
func share(now, of quantity.Quantity) int {
	if of.IsZero() {
		return -1
	}
	return int(100 * now.AsApproximateFloat64() / of.AsApproximateFloat64())
}

// nearLimit is the percentage of its memory limit from which a container is about to be killed.
const nearLimit = 90

func judgeUsage(usage []metricsv1beta1.PodMetrics, pods []*corev1.Pod) finding.Finding {
	all := usedBy(usage, pods)
	if len(all) == 0 {
		return finding.Finding{
			Check: "usage", Status: finding.Unknown, Line: redact.Const("Could not be checked. The metrics API has no figures for these pods yet."),
			Fix: redact.Const("Figures come about a minute after a container has started; ask again."),
		}
	}
	slices.SortFunc(all, func(a, b used) int {
		return cmp.Or(cmp.Compare(share(b.memory, b.memoryOf), share(a.memory, a.memoryOf)), cmp.Compare(a.pod, b.pod), cmp.Compare(a.container, b.container))
	})
	busiest := slices.MaxFunc(all, func(a, b used) int { return cmp.Compare(share(a.cpu, a.cpuOf), share(b.cpu, b.cpuOf)) })
	fullest, near := all[0], 0
	f := finding.Finding{Check: "usage", Status: finding.OK}
	for _, u := range all {
		if u.memoryLimited && share(u.memory, u.memoryOf) >= nearLimit {
			near++
		}
	}
	f.Line = redact.F("memory at most %s, CPU at most %s",
		amount(mebibytes(fullest.memory), mebibytes(fullest.memoryOf), fullest.memoryLimited, share(fullest.memory, fullest.memoryOf)),
		amount(millicores(busiest.cpu), millicores(busiest.cpuOf), busiest.cpuLimited, share(busiest.cpu, busiest.cpuOf)))
	if near > 0 {
		f.Status = finding.Warn
		f.Line = redact.F("%d of %d containers use %d%% or more of their memory limit; %s", near, len(all), nearLimit, f.Line)
		f.Signals = []finding.Signal{{
			Kind: finding.MemoryNearLimit, Object: "Pod/" + fullest.pod, Count: near, Of: len(all),
			Detail: redact.F("%s of %s", mebibytes(fullest.memory), mebibytes(fullest.memoryOf)),
		}}
	}
	t := &finding.Table{Columns: texts("Pod", "Container", "CPU", "Memory")}
	for i, u := range all {
		if i == worst {
			break
		}
		t.Rows = append(t.Rows, []redact.Text{
			redact.Clean(u.pod), redact.Clean(u.container),
			amount(millicores(u.cpu), millicores(u.cpuOf), u.cpuLimited, share(u.cpu, u.cpuOf)),
			amount(mebibytes(u.memory), mebibytes(u.memoryOf), u.memoryLimited, share(u.memory, u.memoryOf)),
		})
	}
	f.Evidence = []finding.Evidence{{Title: redact.Const("CPU and memory, fullest first"), Table: t}}
	return f
}

func amount(now, of redact.Text, limited bool, percent int) redact.Text {
	switch {
	case percent < 0:
		return redact.F("%s (no limit set)", now)
	case limited:
		return redact.F("%s of %s limit (%d%%)", now, of, percent)
	default:
		return redact.F("%s of %s requested (%d%%)", now, of, percent)
	}
}

func millicores(q quantity.Quantity) redact.Text { return redact.F("%dm", q.MilliValue()) }
func mebibytes(q quantity.Quantity) redact.Text  { return redact.F("%dMi", q.Value()>>20) }

func usedBy(usage []metricsv1beta1.PodMetrics, pods []*corev1.Pod) []used {
	specs := map[string]corev1.Container{}
	for _, p := range pods {
		for _, k := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
			specs[p.Name+"/"+k.Name] = k
		}
	}
	var all []used
	for _, m := range usage {
		for _, k := range m.Containers {
			spec, known := specs[m.Name+"/"+k.Name]
			if !known {
				continue // a pod of before, or one of another controller
			}
			u := used{pod: m.Name, container: k.Name, cpu: k.Usage[corev1.ResourceCPU], memory: k.Usage[corev1.ResourceMemory]}
			u.cpuOf, u.cpuLimited = bound(spec, corev1.ResourceCPU)
			u.memoryOf, u.memoryLimited = bound(spec, corev1.ResourceMemory)
			all = append(all, u)
		}
	}
	return all
}

func bound(k corev1.Container, r corev1.ResourceName) (of quantity.Quantity, limited bool) {
	if q, ok := k.Resources.Limits[r]; ok {
		return q, true
	}
	return k.Resources.Requests[r], false
}
