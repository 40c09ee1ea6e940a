package kubelet

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/svcdown/svcdown/sandbox/world/condition"
)

// closedPort is where a lost node's kubelet is said to listen: nothing does, so
// logs, exec and metrics fail as they do when a node is gone.
const closedPort = 1

// keepNodes reports each node as its kubelet, or about a lost one as the node
// controller would after its grace period, which no sandbox waits for. Taints
// and what follows from them are left to the real controller.
func (k *Kubelet) keepNodes(ctx context.Context, state condition.State, now time.Time) {
	nodes, err := k.nodeFactory.Core().V1().Nodes().Lister().List(labels.Everything())
	if err != nil {
		k.log.Error("list nodes", "err", err)
		return
	}
	lost := state.LostNodes()
	for _, node := range nodes {
		fresh, event := nodeStatus(node, lost[node.Name], k.port, now)
		if fresh == nil {
			continue
		}
		if _, err := k.client.CoreV1().Nodes().UpdateStatus(ctx, fresh, metav1.UpdateOptions{}); err != nil {
			if !apierrors.IsConflict(err) && ctx.Err() == nil {
				k.log.Error("report node", "node", node.Name, "err", err)
			}
			continue
		}
		if event != "" {
			k.says.node(node, corev1.EventTypeNormal, event, "Node "+node.Name+" status is now: "+event)
		}
	}
}

// nodeStatus is the node as it should be reported and the event that goes with
// the change; nil when it is reported so already, or not initialised yet.
func nodeStatus(node *corev1.Node, lost bool, port int32, now time.Time) (*corev1.Node, string) {
	ready := -1
	for i, c := range node.Status.Conditions {
		if c.Type == corev1.NodeReady {
			ready = i
		}
	}
	if ready < 0 {
		return nil, ""
	}
	isReady := node.Status.Conditions[ready].Status == corev1.ConditionTrue
	if lost {
		port = closedPort
	}
	if isReady == !lost && node.Status.DaemonEndpoints.KubeletEndpoint.Port == port {
		return nil, ""
	}
	fresh := node.DeepCopy()
	fresh.Status.DaemonEndpoints.KubeletEndpoint.Port = port
	if isReady == !lost {
		return fresh, ""
	}
	for i := range fresh.Status.Conditions {
		c := &fresh.Status.Conditions[i]
		c.LastTransitionTime = metav1.NewTime(now)
		switch {
		case lost:
			c.Status, c.Reason, c.Message = corev1.ConditionUnknown, "NodeStatusUnknown", "Kubelet stopped posting node status."
		case c.Type == corev1.NodeReady:
			c.Status, c.Reason, c.Message = corev1.ConditionTrue, "KubeletReady", "kubelet is posting ready status"
		default:
			c.Status, c.Reason, c.Message = corev1.ConditionFalse, "KubeletIsWell", "kubelet reports no such condition"
		}
	}
	if lost {
		return fresh, "NodeNotReady"
	}
	return fresh, "NodeReady"
}
