package k8sops

import (
	"context"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

func checkNodes(ctx context.Context, s *snapshot) (finding.Finding, error) {
	pods, err := s.pods.get(ctx)
	if err != nil {
		return finding.Finding{}, err
	}
	nodes, err := s.nodes.get(ctx)
	if err != nil {
		return finding.Finding{}, err
	}
	return judgeNodes(nodes, pods.items), nil
}

func judgeNodes(nodes map[string]*corev1.Node, pods []*corev1.Pod) finding.Finding {
	f := finding.Finding{Check: "nodes", Status: finding.OK}
	if len(nodes) == 0 {
		f.Line = redact.Const("no pod is on a node")
		return f
	}
	on := map[string]int{}
	for _, p := range pods {
		on[p.Spec.NodeName]++
	}
	var lines []redact.Text
	t := &finding.Table{Columns: texts("Node", "State", "Pods")}
	for _, name := range slices.Sorted(maps.Keys(nodes)) {
		kind, state, status := judgeNode(nodes[name])
		if status.Worse(f.Status) {
			f.Status = status
		}
		if status != finding.OK {
			lines = append(lines, redact.F("node %s, with %d of these pods, %s", name, on[name], state))
		}
		if kind != "" {
			signal := finding.Signal{Kind: kind, Object: "Node/" + name, Count: on[name], Of: len(pods), Detail: state}
			if nodes[name] != nil {
				if c := nodeCondition(nodes[name], corev1.NodeReady); kind == finding.NodeDown && c != nil {
					signal.Since = c.LastTransitionTime.Time
				}
			}
			f.Signals = append(f.Signals, signal)
		}
		t.Rows = append(t.Rows, []redact.Text{redact.Clean(name), state, redact.F("%d", on[name])})
	}
	f.Evidence = []finding.Evidence{{Title: redact.Const("Nodes under these pods"), Table: t}}
	f.Line = redact.Join("; ", lines...)
	if f.Line.Empty() {
		f.Line = redact.F("%d nodes under these pods, all ready", len(nodes))
		if len(nodes) == 1 {
			f.Line = redact.Const("the one node under these pods is ready")
		}
	}
	return f
}

func judgeNode(n *corev1.Node) (finding.Kind, redact.Text, finding.Status) {
	if n == nil {
		return finding.NodeDown, redact.Const("does not exist any more"), finding.Fail
	}
	switch ready := nodeCondition(n, corev1.NodeReady); {
	case ready == nil || ready.Status == corev1.ConditionUnknown:
		return finding.NodeDown, redact.Const("has stopped reporting"), finding.Fail
	case ready.Status == corev1.ConditionFalse:
		return finding.NodeDown, redact.F("is not ready: %s", oneLine(ready.Message)).Short(200), finding.Fail
	}
	for _, t := range []corev1.NodeConditionType{corev1.NodeMemoryPressure, corev1.NodeDiskPressure, corev1.NodePIDPressure, corev1.NodeNetworkUnavailable} {
		if c := nodeCondition(n, t); c != nil && c.Status == corev1.ConditionTrue {
			return finding.NodePressure, redact.F("reports %s", string(t)), finding.Warn
		}
	}
	if n.Spec.Unschedulable {
		return "", redact.Const("is ready, cordoned"), finding.OK
	}
	return "", redact.Const("is ready"), finding.OK
}

func nodeCondition(n *corev1.Node, t corev1.NodeConditionType) *corev1.NodeCondition {
	for i := range n.Status.Conditions {
		if n.Status.Conditions[i].Type == t {
			return &n.Status.Conditions[i]
		}
	}
	return nil
}
