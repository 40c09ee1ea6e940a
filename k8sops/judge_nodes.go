package k8sops

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	quantity "k8s.io/apimachinery/pkg/api/resource"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// judgeNodeList says which nodes are down, under pressure or cordoned, what they have to give, and how many of the service's pods they carry.
func (in inquiry) judgeNodeList(ctx context.Context, o objects) (finding.Finding, error) {
	nodes := decoded[corev1.Node](o)
	m := in.mine(ctx)
	var ours []*corev1.Pod
	if m.known {
		pods, err := in.c.podsOf(ctx, m.workload)
		if err != nil {
			return finding.Finding{}, err
		}
		ours = pods.items
	}
	return judgeAllNodes(nodes, ours), nil
}

func judgeAllNodes(nodes []*corev1.Node, ours []*corev1.Pod) finding.Finding {
	on := map[string]int{}
	for _, p := range ours {
		on[p.Spec.NodeName]++
	}
	f := finding.Finding{Status: finding.OK}
	if len(nodes) == 0 {
		return finding.Finding{Status: finding.Fail, Line: redact.Const("the cluster has no node")}
	}
	type view struct {
		node   *corev1.Node
		kind   finding.Kind
		state  redact.Text
		status finding.Status
	}
	var views []view
	var bad []redact.Text
	cordoned := 0
	var cpu, memory quantity.Quantity
	for _, n := range nodes {
		kind, state, status := judgeNode(n)
		views = append(views, view{n, kind, state, status})
		if status.Worse(f.Status) {
			f.Status = status
		}
		if status == finding.OK {
			cpu.Add(n.Status.Allocatable[corev1.ResourceCPU])
			memory.Add(n.Status.Allocatable[corev1.ResourceMemory])
		} else {
			bad = append(bad, redact.F("node %s %s", n.Name, state))
		}
		if n.Spec.Unschedulable {
			cordoned++
		}
		if kind != "" && on[n.Name] > 0 {
			signal := finding.Signal{Kind: kind, Object: "Node/" + n.Name, Count: on[n.Name], Of: len(ours), Detail: state}
			if c := nodeCondition(n, corev1.NodeReady); kind == finding.NodeDown && c != nil {
				signal.Since = c.LastTransitionTime.Time
			}
			f.Signals = append(f.Signals, signal)
		}
	}
	if len(bad) > 4 {
		bad = append(bad[:4], redact.F("%d more", len(bad)-4))
	}
	switch {
	case len(bad) > 0:
		f.Line = redact.F("%s; %d of %d nodes are well", redact.Join("; ", bad...), len(nodes)-countBad(nodes), len(nodes))
	case len(nodes) == 1:
		f.Line = redact.F("node %s is ready, without pressure: %s CPU, %s memory allocatable", nodes[0].Name, cpu.String(), gibibytes(memory))
	default:
		f.Line = redact.F("all %d nodes are ready, none under pressure: %s CPU, %s memory allocatable", len(nodes), cpu.String(), gibibytes(memory))
	}
	if f.Status == finding.OK {
		f.Signals = append(f.Signals, finding.Signal{Kind: finding.NodesReady, Count: len(nodes), Of: len(nodes)})
	}
	if cordoned > 0 {
		f.Line = redact.F("%s; %d cordoned", f.Line, cordoned)
	}
	slices.SortStableFunc(views, func(a, b view) int {
		switch {
		case a.status.Worse(b.status):
			return -1
		case b.status.Worse(a.status):
			return 1
		}
		return on[b.node.Name] - on[a.node.Name]
	})
	t := &finding.Table{Columns: texts("Node", "State", "CPU", "Memory", "Taints", "Pods of the service")}
	for _, v := range views[:min(len(views), evidenceRows)] {
		t.Rows = append(t.Rows, []redact.Text{redact.Clean(v.node.Name), v.state, redact.Clean(v.node.Status.Allocatable.Cpu().String()),
			gibibytes(*v.node.Status.Allocatable.Memory()), taintsOf(v.node), redact.F("%d", on[v.node.Name])})
	}
	title := redact.Const("Nodes, with what is allocatable on them")
	if len(views) > evidenceRows {
		title = redact.F("The %d nodes that need most attention, of %d", evidenceRows, len(views))
	}
	f.Evidence = []finding.Evidence{{Title: title, Table: t}}
	return f
}

func countBad(nodes []*corev1.Node) int {
	n := 0
	for _, each := range nodes {
		if _, _, status := judgeNode(each); status != finding.OK {
			n++
		}
	}
	return n
}

func gibibytes(q quantity.Quantity) redact.Text {
	return redact.F("%.1f GiB", float64(q.Value())/(1<<30))
}

func taintsOf(n *corev1.Node) redact.Text {
	var all []redact.Text
	for _, t := range n.Spec.Taints {
		all = append(all, redact.F("%s:%s", t.Key, string(t.Effect)))
	}
	return redact.Join(", ", all...).Short(120)
}
