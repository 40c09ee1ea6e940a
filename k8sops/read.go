package k8sops

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
)

// most objects one read may return; what is beyond is said, never silently dropped.
const most = 500

// resource is how to read one kind of object.
type resource struct {
	client rest.Interface
	object runtime.Object
	list   func() runtime.Object
	// unpaged: the server reads the whole prefix for a field selector anyway, and pages cost more than they save (events).
	unpaged bool
	// indexers find objects in a standing watch without looking at all of them.
	indexers cache.Indexers
}

func resourcesOf(c kubernetes.Interface) map[string]resource {
	core, apps := c.CoreV1().RESTClient(), c.AppsV1().RESTClient()
	return map[string]resource{
		"pods":     {client: core, object: &corev1.Pod{}, list: func() runtime.Object { return &corev1.PodList{} }},
		"services": {client: core, object: &corev1.Service{}, list: func() runtime.Object { return &corev1.ServiceList{} }},
		"nodes":    {client: core, object: &corev1.Node{}, list: func() runtime.Object { return &corev1.NodeList{} }},
		"events": {client: core, object: &corev1.Event{}, list: func() runtime.Object { return &corev1.EventList{} }, unpaged: true,
			indexers: cache.Indexers{byFamily: familyOfEvent}},
		"deployments":  {client: apps, object: &appsv1.Deployment{}, list: func() runtime.Object { return &appsv1.DeploymentList{} }},
		"statefulsets": {client: apps, object: &appsv1.StatefulSet{}, list: func() runtime.Object { return &appsv1.StatefulSetList{} }},
		"daemonsets":   {client: apps, object: &appsv1.DaemonSet{}, list: func() runtime.Object { return &appsv1.DaemonSetList{} }},
		"replicasets":  {client: apps, object: &appsv1.ReplicaSet{}, list: func() runtime.Object { return &appsv1.ReplicaSetList{} }},
		"endpointslices": {client: c.DiscoveryV1().RESTClient(), object: &discoveryv1.EndpointSlice{},
			list: func() runtime.Object { return &discoveryv1.EndpointSliceList{} }},
		"horizontalpodautoscalers": {client: c.AutoscalingV2().RESTClient(), object: &autoscalingv2.HorizontalPodAutoscaler{},
			list: func() runtime.Object { return &autoscalingv2.HorizontalPodAutoscalerList{} }},
		"jobs": {client: c.BatchV1().RESTClient(), object: &batchv1.Job{}, list: func() runtime.Object { return &batchv1.JobList{} }},
		"poddisruptionbudgets": {client: c.PolicyV1().RESTClient(), object: &policyv1.PodDisruptionBudget{},
			list: func() runtime.Object { return &policyv1.PodDisruptionBudgetList{} }},
	}
}

// scope is a set of objects: what a list asks for and a standing watch holds.
type scope struct {
	resource, namespace, label, field string
}

func (s scope) options() metav1.ListOptions {
	return metav1.ListOptions{LabelSelector: s.label, FieldSelector: s.field}
}

// found are the objects of a scope.
type found[T runtime.Object] struct {
	items     []T
	truncated bool // there are more than [most]
	truth     bool // read from the API just now, not from a standing watch
}

// read answers from a standing watch that is in sync, else from the API.
func read[T runtime.Object](ctx context.Context, c *Cluster, s scope) (found[T], error) {
	objects, ok := c.remembered(s)
	out := found[T]{items: make([]T, 0, len(objects))}
	for _, o := range objects {
		item, whole := o.(T)
		if ok = ok && whole; ok {
			out.items = append(out.items, item)
		}
	}
	if !ok { // also where less is remembered than a T: of a warning only what the events check needs
		return readLive[T](ctx, c, s)
	}
	return out, nil
}

// readLive always asks the API.
func readLive[T runtime.Object](ctx context.Context, c *Cluster, s scope) (found[T], error) {
	r, ok := c.resources[s.resource]
	if !ok {
		return found[T]{}, fmt.Errorf("read %s: unknown resource", s.resource)
	}
	o := s.options()
	if !r.unpaged {
		o.Limit = most
	}
	list := r.list()
	err := r.client.Get().NamespaceIfScoped(s.namespace, s.namespace != "").Resource(s.resource).
		VersionedParams(&o, scheme.ParameterCodec).MaxRetries(1).Do(ctx).Into(list)
	if err != nil {
		return found[T]{}, apiError("read "+s.resource, placeOf(s), err)
	}
	out := found[T]{truth: true}
	if m, err := meta.ListAccessor(list); err == nil {
		out.truncated = m.GetContinue() != ""
	}
	err = meta.EachListItem(list, func(o runtime.Object) error {
		item, ok := o.(T)
		if !ok {
			return fmt.Errorf("read %s: the API sent a %T", s.resource, o)
		}
		out.items = append(out.items, item)
		return nil
	})
	return out, err
}

func placeOf(s scope) string {
	if s.namespace == "" {
		return "the cluster"
	}
	return "namespace " + s.namespace
}
