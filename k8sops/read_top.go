package k8sops

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// Top is kubectl top.
type Top struct {
	Nodes         bool // nodes instead of pods
	Name          string
	Namespace     string
	AllNamespaces bool
	Labels        string
	SortBy        string // cpu or memory
	Containers    bool
	NoHeaders     bool
}

func (t Top) read(ctx context.Context, in inquiry) (finding.Report, error) {
	if t.Nodes {
		return t.nodes(ctx, in)
	}
	namespaces, err := in.namespaces(t.Namespace, t.AllNamespaces)
	if err != nil {
		return finding.Report{}, err
	}
	var usage []metricsv1beta1.PodMetrics
	var pods []*corev1.Pod
	for _, ns := range namespaces {
		o := metav1.ListOptions{LabelSelector: t.Labels, Limit: most}
		s := scope{resource: "pods", namespace: ns, label: t.Labels}
		if t.Name != "" {
			o.FieldSelector, s.field = "metadata.name="+t.Name, "metadata.name="+t.Name
		}
		list, err := in.c.metrics.MetricsV1beta1().PodMetricses(ns).List(ctx, o)
		if err != nil {
			return noFigures(err, "namespace "+ns)
		}
		usage = append(usage, list.Items...)
		f, err := readLive[*corev1.Pod](ctx, in.c, s)
		if err != nil {
			return finding.Report{}, err
		}
		pods = append(pods, f.items...)
	}
	out := finding.Report{Finding: judgeUsage(usage, pods)}
	out.Finding.Check = "top pods"
	if m := in.mine(ctx); len(m.of(pods)) < len(pods) {
		out.Finding.Signals = judgeUsage(usage, m.of(pods)).Signals // only the service's own are facts about it
		if out.Finding.Status != finding.Unknown {
			out.Finding.Line = redact.F("of all %d pods here: %s", len(pods), out.Finding.Line)
		}
	}
	slices.SortFunc(usage, func(a, b metricsv1beta1.PodMetrics) int {
		x, y := sum(a.Containers), sum(b.Containers)
		return cmp.Or(bySize(t.SortBy, x, y), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	var lines [][]string
	if !t.NoHeaders && len(usage) > 0 {
		lines = append(lines, t.header())
	}
	for _, m := range usage {
		var lead []string
		if t.AllNamespaces {
			lead = append(lead, m.Namespace)
		}
		lead = append(lead, m.Name)
		if !t.Containers {
			lines = append(lines, append(lead, usedText(sum(m.Containers))...))
			continue
		}
		slices.SortFunc(m.Containers, func(a, b metricsv1beta1.ContainerMetrics) int {
			return cmp.Or(bySize(t.SortBy, a.Usage, b.Usage), cmp.Compare(a.Name, b.Name))
		})
		for _, k := range m.Containers {
			lines = append(lines, append(append(slices.Clone(lead), k.Name), usedText(k.Usage)...))
		}
	}
	out.Raw, out.Truncated = printed(alignedEach(lines), false)
	return out, nil
}

func (t Top) header() []string {
	h := []string{"NAME", "CPU(cores)", "MEMORY(bytes)"}
	if t.Containers {
		h = append([]string{"POD"}, h...)
	}
	if t.AllNamespaces {
		h = append([]string{"NAMESPACE"}, h...)
	}
	return h
}

// alignedEach pads every cell, also the last, as kubectl top does.
func alignedEach(lines [][]string) string {
	for i, l := range lines {
		lines[i] = append(l, "")
	}
	return aligned(lines)
}

func usedText(r corev1.ResourceList) []string {
	return []string{fmt.Sprintf("%dm", r.Cpu().MilliValue()), fmt.Sprintf("%dMi", r.Memory().Value()>>20)}
}

func sum(containers []metricsv1beta1.ContainerMetrics) corev1.ResourceList {
	var cpu, memory quantity.Quantity
	for _, k := range containers {
		cpu.Add(*k.Usage.Cpu())
		memory.Add(*k.Usage.Memory())
	}
	return corev1.ResourceList{corev1.ResourceCPU: cpu, corev1.ResourceMemory: memory}
}

// bySize puts the bigger first; by nothing, all are equal.
func bySize(what string, a, b corev1.ResourceList) int {
	switch what {
	case "cpu":
		return b.Cpu().Cmp(*a.Cpu())
	case "memory":
		return b.Memory().Cmp(*a.Memory())
	}
	return 0
}

func noFigures(err error, place string) (finding.Report, error) {
	if apierrors.IsNotFound(err) || apierrors.IsServiceUnavailable(err) {
		return finding.Report{Finding: finding.Finding{
			Check: "top", Status: finding.Unknown, Line: redact.Const("Could not be checked. The cluster has no metrics API, or it does not answer."),
			Fix: redact.Const("Install metrics-server, or look at its pods in kube-system."),
		}}, nil
	}
	return finding.Report{}, apiError(readUsage, place, err)
}

// nearFull is the percentage of what a node can give from which it is nearly full.
const nearFull = 90

func (t Top) nodes(ctx context.Context, in inquiry) (finding.Report, error) {
	o := metav1.ListOptions{LabelSelector: t.Labels, Limit: most}
	s := scope{resource: "nodes", label: t.Labels}
	if t.Name != "" {
		o.FieldSelector, s.field = "metadata.name="+t.Name, "metadata.name="+t.Name
	}
	list, err := in.c.metrics.MetricsV1beta1().NodeMetricses().List(ctx, o)
	if err != nil {
		return noFigures(err, "the nodes")
	}
	nodes, err := readLive[*corev1.Node](ctx, in.c, s)
	if err != nil {
		return finding.Report{}, err
	}
	usage := list.Items
	slices.SortFunc(usage, func(a, b metricsv1beta1.NodeMetrics) int {
		return cmp.Or(bySize(t.SortBy, a.Usage, b.Usage), cmp.Compare(a.Name, b.Name))
	})
	out := finding.Report{Finding: judgeNodeUsage(usage, nodes.items)}
	var lines [][]string
	if !t.NoHeaders && len(usage) > 0 {
		lines = append(lines, []string{"NAME", "CPU(cores)", "CPU(%)", "MEMORY(bytes)", "MEMORY(%)"})
	}
	for _, u := range usage {
		text := usedText(u.Usage)
		line := []string{u.Name, text[0], "<unknown>", text[1], "<unknown>"}
		for _, n := range nodes.items {
			if n.Name == u.Name {
				line[2] = fmt.Sprintf("%d%%", max(0, share(*u.Usage.Cpu(), *n.Status.Allocatable.Cpu())))
				line[4] = fmt.Sprintf("%d%%", max(0, share(*u.Usage.Memory(), *n.Status.Allocatable.Memory())))
			}
		}
		lines = append(lines, line)
	}
	for _, n := range nodes.items {
		if !slices.ContainsFunc(usage, func(u metricsv1beta1.NodeMetrics) bool { return u.Name == n.Name }) {
			lines = append(lines, []string{n.Name, "<unknown>", "<unknown>", "<unknown>", "<unknown>"})
		}
	}
	out.Raw, out.Truncated = printed(alignedEach(lines), false)
	return out, nil
}

func judgeNodeUsage(usage []metricsv1beta1.NodeMetrics, nodes []*corev1.Node) finding.Finding {
	f := finding.Finding{Check: "top nodes", Status: finding.OK}
	type full struct {
		name        string
		cpu, memory int
	}
	var all []full
	var silent []redact.Text
	for _, n := range nodes {
		i := slices.IndexFunc(usage, func(u metricsv1beta1.NodeMetrics) bool { return u.Name == n.Name })
		if i < 0 {
			silent = append(silent, redact.Clean(n.Name))
			continue
		}
		all = append(all, full{n.Name, share(*usage[i].Usage.Cpu(), *n.Status.Allocatable.Cpu()), share(*usage[i].Usage.Memory(), *n.Status.Allocatable.Memory())})
	}
	if len(all) == 0 {
		f.Status, f.Line = finding.Unknown, redact.Const("Could not be checked. The metrics API has no figures for these nodes.")
		f.Fix = redact.Const("Ask again in a minute; if it stays, look at metrics-server's pods in kube-system.")
		return f
	}
	slices.SortFunc(all, func(a, b full) int {
		return cmp.Or(cmp.Compare(max(b.cpu, b.memory), max(a.cpu, a.memory)), cmp.Compare(a.name, b.name))
	})
	f.Line = redact.F("the fullest of %d nodes is %s: CPU %d%%, memory %d%% of what is allocatable", len(all), all[0].name, all[0].cpu, all[0].memory)
	if max(all[0].cpu, all[0].memory) >= nearFull {
		f.Status = finding.Warn
	}
	if len(silent) > 0 {
		f.Status = finding.Warn
		f.Line = redact.F("%s; no figures of %s: a node that is down sends none", f.Line, redact.Join(", ", silent[:min(len(silent), 4)]...))
	}
	t := &finding.Table{Columns: texts("Node", "CPU", "Memory")}
	for _, n := range all[:min(len(all), evidenceRows)] {
		t.Rows = append(t.Rows, []redact.Text{redact.Clean(n.name), redact.F("%d%%", n.cpu), redact.F("%d%%", n.memory)})
	}
	f.Evidence = []finding.Evidence{{Title: redact.Const("Nodes, fullest first"), Table: t}}
	return f
}
