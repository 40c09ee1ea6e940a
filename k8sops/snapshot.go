package k8sops

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
)

// snapshot is what one status reads. Every read starts at once, or as soon as the one that it depends on is there; checks take what they need.
type snapshot struct {
	c   *Cluster
	svc catalog.Service

	workload    *future[workload]
	pods        *future[found[*corev1.Pod]]
	replicaSets *future[[]*appsv1.ReplicaSet] // of a Deployment, newest revision first
	slices      *future[[]*discoveryv1.EndpointSlice]
	service     *future[*corev1.Service]
	events      *future[found[*corev1.Event]] // nil when remembered holds them
	remembered  cache.Indexer
	nodes       *future[map[string]*corev1.Node]
	usage       *future[[]metricsv1beta1.PodMetrics]
	hpas        *future[[]*autoscalingv2.HorizontalPodAutoscaler]
	pdbs        *future[[]*policyv1.PodDisruptionBudget]
}

func (c *Cluster) snapshot(ctx context.Context, svc catalog.Service) *snapshot {
	s := &snapshot{c: c, svc: svc}
	s.workload = begin(func() (workload, error) { return c.workload(ctx, svc) })
	s.pods = begin(func() (found[*corev1.Pod], error) {
		w, err := s.workload.get(ctx)
		if err != nil {
			return found[*corev1.Pod]{}, err
		}
		return c.podsOf(ctx, w)
	})
	s.replicaSets = begin(func() ([]*appsv1.ReplicaSet, error) {
		w, err := s.workload.get(ctx)
		if err != nil || w.kind != "Deployment" {
			return nil, err
		}
		return c.replicaSetsOf(ctx, w)
	})
	if s.remembered = c.rememberedEvents(svc.Namespace); s.remembered == nil {
		s.events = begin(func() (found[*corev1.Event], error) { return readLive[*corev1.Event](ctx, c, warnings(svc.Namespace)) })
	}
	s.hpas = begin(func() ([]*autoscalingv2.HorizontalPodAutoscaler, error) { return c.autoscalersOf(ctx, svc) })
	s.pdbs = begin(func() ([]*policyv1.PodDisruptionBudget, error) {
		f, err := read[*policyv1.PodDisruptionBudget](ctx, c, scope{resource: "poddisruptionbudgets", namespace: svc.Namespace})
		return f.items, err
	})
	s.usage = begin(func() ([]metricsv1beta1.PodMetrics, error) {
		w, err := s.workload.get(ctx)
		if err != nil {
			return nil, err
		}
		list, err := c.metrics.MetricsV1beta1().PodMetricses(svc.Namespace).List(ctx, metav1.ListOptions{LabelSelector: w.selector.String(), Limit: most})
		if err != nil {
			return nil, apiError(readUsage, "namespace "+svc.Namespace, err)
		}
		return list.Items, nil
	})
	s.nodes = begin(func() (map[string]*corev1.Node, error) {
		pods, err := s.pods.get(ctx)
		if err != nil {
			return nil, err
		}
		return c.nodesOf(ctx, pods.items)
	})
	if svc.KubernetesService != "" {
		s.slices = begin(func() ([]*discoveryv1.EndpointSlice, error) {
			f, err := read[*discoveryv1.EndpointSlice](ctx, c, slicesScope(svc))
			return f.items, err
		})
		s.service = begin(func() (*corev1.Service, error) {
			f, err := read[*corev1.Service](ctx, c, serviceScope(svc))
			if err != nil || len(f.items) == 0 {
				return nil, err
			}
			return f.items[0], nil
		})
	}
	return s
}

func warnings(namespace string) scope {
	return scope{resource: "events", namespace: namespace, field: "type=Warning"}
}

func serviceScope(svc catalog.Service) scope {
	return scope{resource: "services", namespace: svc.Namespace, field: "metadata.name=" + svc.KubernetesService}
}

func slicesScope(svc catalog.Service) scope {
	return scope{resource: "endpointslices", namespace: svc.Namespace, label: discoveryv1.LabelServiceName + "=" + svc.KubernetesService}
}

// podsOf returns the pods that the workload's selector finds and nobody else controls.
func (c *Cluster) podsOf(ctx context.Context, w workload) (found[*corev1.Pod], error) {
	f, err := read[*corev1.Pod](ctx, c, w.podScope())
	return own(f, w), err
}

// own leaves out pods of another controller that happen to carry the same labels: Job pods, a StatefulSet beside a Deployment.
func own(f found[*corev1.Pod], w workload) found[*corev1.Pod] {
	f.items = slices.DeleteFunc(f.items, func(p *corev1.Pod) bool {
		ref := metav1.GetControllerOf(p)
		switch {
		case ref == nil:
			return false
		case w.kind == "Deployment":
			return ref.Kind != "ReplicaSet"
		default:
			return ref.UID != w.meta.UID
		}
	})
	return f
}

// replicaSetsOf returns the Deployment's own ReplicaSets, the newest revision first.
func (c *Cluster) replicaSetsOf(ctx context.Context, w workload) ([]*appsv1.ReplicaSet, error) {
	f, err := read[*appsv1.ReplicaSet](ctx, c, w.replicaSetScope())
	return ownReplicaSets(f.items, w), err
}

func ownReplicaSets(all []*appsv1.ReplicaSet, w workload) []*appsv1.ReplicaSet {
	var mine []*appsv1.ReplicaSet
	for _, rs := range all {
		if metav1.IsControlledBy(rs, &w.meta) {
			mine = append(mine, rs)
		}
	}
	slices.SortFunc(mine, func(a, b *appsv1.ReplicaSet) int { return int(revisionOf(b.ObjectMeta) - revisionOf(a.ObjectMeta)) })
	return mine
}

// autoscalersOf returns the HPAs that scale the service's workload.
func (c *Cluster) autoscalersOf(ctx context.Context, svc catalog.Service) ([]*autoscalingv2.HorizontalPodAutoscaler, error) {
	f, err := read[*autoscalingv2.HorizontalPodAutoscaler](ctx, c, scope{resource: "horizontalpodautoscalers", namespace: svc.Namespace})
	var on []*autoscalingv2.HorizontalPodAutoscaler
	for _, h := range f.items {
		if h.Spec.ScaleTargetRef.Kind == svc.Workload.Kind && h.Spec.ScaleTargetRef.Name == svc.Workload.Name {
			on = append(on, h)
		}
	}
	return on, err
}

// mostNodes is how many nodes are read one by one when there is no standing watch.
const mostNodes = 10

// nodesOf returns the nodes under the pods by name; a node that does not exist any more is nil.
func (c *Cluster) nodesOf(ctx context.Context, pods []*corev1.Pod) (map[string]*corev1.Node, error) {
	nodes := map[string]*corev1.Node{}
	for _, p := range pods {
		if p.Spec.NodeName != "" {
			nodes[p.Spec.NodeName] = nil
		}
	}
	if all, ok := c.remembered(scope{resource: "nodes"}); ok || len(nodes) > mostNodes {
		if !ok {
			f, err := readLive[*corev1.Node](ctx, c, scope{resource: "nodes"})
			if err != nil {
				return nil, err
			}
			for _, n := range f.items {
				all = append(all, n)
			}
		}
		for _, o := range all {
			if n, ok := o.(*corev1.Node); ok {
				if _, wanted := nodes[n.Name]; wanted {
					nodes[n.Name] = n
				}
			}
		}
		return nodes, nil
	}
	reads := map[string]*future[*corev1.Node]{}
	for name := range nodes {
		reads[name] = begin(func() (*corev1.Node, error) {
			f, err := readLive[*corev1.Node](ctx, c, scope{resource: "nodes", field: "metadata.name=" + name})
			if err != nil || len(f.items) == 0 {
				return nil, err
			}
			return f.items[0], nil
		})
	}
	for name, r := range reads {
		n, err := r.get(ctx)
		if err != nil {
			return nil, err
		}
		nodes[name] = n
	}
	return nodes, nil
}

// future is a value that is being read.
type future[T any] struct {
	done  chan struct{}
	value T
	err   error
}

func begin[T any](read func() (T, error)) *future[T] {
	f := &future[T]{done: make(chan struct{})}
	go func() {
		defer close(f.done)
		defer func() {
			if p := recover(); p != nil { // a defect of ours must not end the bot
				f.err = &Error{Kind: Internal, Op: "read", Err: fmt.Errorf("panic: %v\n%s", p, debug.Stack()),
					Message: redact.Const("The reading broke off with a defect of svcdown's own; please report it.")}
			}
		}()
		f.value, f.err = read()
	}()
	return f
}

// get waits for the value or for the end of ctx.
func (f *future[T]) get(ctx context.Context) (T, error) {
	select {
	case <-f.done:
		return f.value, f.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
