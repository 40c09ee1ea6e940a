package k8sops

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/cache"

	"github.com/svcdown/svcdown/catalog"
)

// Watch keeps standing watches on what a status of the services reads, until ctx ends; then it returns nil. Status answers from them while
// they are in sync and from the API while they are not, so Watch only ever makes it faster. Services of other clusters are left out.
// One Watch runs at a time; a second one is refused.
func (c *Cluster) Watch(ctx context.Context, services []catalog.Service) error {
	c.mu.Lock()
	if c.watched != nil {
		c.mu.Unlock()
		return errors.New("watch cluster " + c.name + ": a watch is running already")
	}
	c.watched = map[scope]*standing{}
	c.mu.Unlock()

	var running sync.WaitGroup
	for _, svc := range services {
		if svc.Cluster == c.name || svc.Cluster == "" {
			c.watchService(ctx, &running, svc)
		}
	}
	<-ctx.Done()
	c.mu.Lock()
	c.watched = nil // from here on nothing is started and reads go to the API
	c.mu.Unlock()
	running.Wait()
	return nil
}

func (c *Cluster) watchService(ctx context.Context, running *sync.WaitGroup, svc catalog.Service) {
	c.stand(ctx, running, scope{resource: "nodes"}, nil)
	c.stand(ctx, running, warnings(svc.Namespace), nil)
	c.stand(ctx, running, scope{resource: "horizontalpodautoscalers", namespace: svc.Namespace}, nil)
	c.stand(ctx, running, scope{resource: "poddisruptionbudgets", namespace: svc.Namespace}, nil)
	if svc.KubernetesService != "" {
		c.stand(ctx, running, serviceScope(svc), nil)
		c.stand(ctx, running, slicesScope(svc), nil)
	}
	resource, err := resourceOf(svc.Workload.Kind)
	if err != nil {
		return // every read of this service says so
	}
	// The selector of the pods is known only once the workload was read; a workload made anew may bring another one.
	follow := func(obj any) {
		o, ok := obj.(runtime.Object)
		if !ok {
			return
		}
		if w, err := workloadOf(o); err == nil {
			c.stand(ctx, running, w.podScope(), nil)
			if w.kind == "Deployment" {
				c.stand(ctx, running, w.replicaSetScope(), nil)
			}
		}
	}
	c.stand(ctx, running, scope{resource: resource, namespace: svc.Namespace, field: "metadata.name=" + svc.Workload.Name},
		cache.ResourceEventHandlerFuncs{AddFunc: follow, UpdateFunc: func(_, now any) { follow(now) }})
}

// standing is one standing watch.
type standing struct {
	informer cache.SharedIndexInformer
	// broken is true from a list or watch that went wrong until one that worked: what is remembered may be old.
	broken atomic.Bool
}

// stand starts the standing watch of s unless it runs already.
func (c *Cluster) stand(ctx context.Context, running *sync.WaitGroup, s scope, handler cache.ResourceEventHandler) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, known := c.resources[s.resource]
	if c.watched == nil || !known || c.watched[s] != nil {
		return
	}
	st := &standing{}
	st.informer = cache.NewSharedIndexInformerWithOptions(st.source(r, s), r.object, cache.SharedIndexInformerOptions{Indexers: r.indexers})
	quiet := func(_ context.Context, _ *cache.Reflector, err error) {
		if ctx.Err() == nil {
			c.o.Log.Warn().Err(err).Str("cluster", c.name).Str("resource", s.resource).Str("namespace", s.namespace).
				Msg("standing watch interrupted; reads go to the API until it is back")
		}
	}
	err := errors.Join(st.informer.SetTransform(trim), st.informer.SetWatchErrorHandlerWithContext(quiet))
	if err == nil && handler != nil {
		_, err = st.informer.AddEventHandler(handler)
	}
	if err != nil {
		c.o.Log.Error().Err(err).Str("resource", s.resource).Msg("standing watch not started")
		return
	}
	c.watched[s] = st
	running.Go(func() { st.informer.RunWithContext(ctx) })
}

// source lists and watches s, and notes whether that works.
func (st *standing) source(r resource, s scope) cache.ListerWatcher {
	note := func(err error) { st.broken.Store(err != nil) }
	narrow := func(o metav1.ListOptions) metav1.ListOptions {
		o.LabelSelector, o.FieldSelector = s.label, s.field
		return o
	}
	return &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o = narrow(o)
			list := r.list()
			err := r.client.Get().NamespaceIfScoped(s.namespace, s.namespace != "").Resource(s.resource).
				VersionedParams(&o, scheme.ParameterCodec).Do(ctx).Into(list)
			note(err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o = narrow(o)
			o.Watch = true
			w, err := r.client.Get().NamespaceIfScoped(s.namespace, s.namespace != "").Resource(s.resource).
				VersionedParams(&o, scheme.ParameterCodec).Watch(ctx)
			note(err)
			return w, err
		},
	}
}

// remembered returns what the standing watch of s holds, and false when there is none or it is not in sync.
func (c *Cluster) remembered(s scope) ([]any, bool) {
	c.mu.Lock()
	st := c.watched[s]
	c.mu.Unlock()
	if st == nil || st.broken.Load() || !st.informer.HasSynced() {
		return nil, false
	}
	return st.informer.GetStore().List(), true
}

// rememberedEvents returns the warnings of a namespace by whom they are about, nil when there is no standing watch in sync.
func (c *Cluster) rememberedEvents(namespace string) cache.Indexer {
	c.mu.Lock()
	st := c.watched[warnings(namespace)]
	c.mu.Unlock()
	if st == nil || st.broken.Load() || !st.informer.HasSynced() {
		return nil
	}
	return st.informer.GetIndexer()
}

// Synced reports whether every standing watch that was started is in sync; false while Watch does not run.
func (c *Cluster) Synced() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, st := range c.watched {
		if st.broken.Load() || !st.informer.HasSynced() {
			return false
		}
	}
	return c.watched != nil
}

// trim keeps what findings need. Secrets-bearing annotations never stay in memory.
func trim(obj any) (any, error) {
	switch o := obj.(type) {
	case *corev1.Event:
		return warningOf(o), nil
	case *corev1.Node:
		return &corev1.Node{
			ObjectMeta: metav1.ObjectMeta{Name: o.Name, UID: o.UID, ResourceVersion: o.ResourceVersion,
				Labels: map[string]string{corev1.LabelTopologyZone: o.Labels[corev1.LabelTopologyZone]}},
			Spec:   corev1.NodeSpec{Unschedulable: o.Spec.Unschedulable},
			Status: corev1.NodeStatus{Conditions: o.Status.Conditions},
		}, nil
	case metav1.Object:
		if a := o.GetAnnotations(); a[lastApplied] != "" {
			delete(a, lastApplied)
		}
		if _, isPod := o.(*corev1.Pod); isPod {
			o.SetManagedFields(nil)
		}
	}
	return obj, nil
}

// lastApplied holds a whole object as kubectl apply saw it, with every value in it.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"
