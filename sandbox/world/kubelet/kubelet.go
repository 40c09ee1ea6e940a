package kubelet

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"

	"github.com/svcdown/svcdown/sandbox/world/condition"
	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

// tick is how often a kubelet looks at its pods when nothing wakes it.
const tick = 200 * time.Millisecond

// Kubelet plays all kubelets of one world.
type Kubelet struct {
	dir, namespace string
	port           int32
	client         kubernetes.Interface
	says           *announcer
	logs           *logs
	log            *slog.Logger

	factory, nodeFactory informers.SharedInformerFactory
	latest               atomic.Pointer[picture]
	meter                *meter

	mu     sync.Mutex
	memory map[types.UID]*memory
}

// New prepares the kubelets of the world in namespace, whose state and logs are
// under dir. Logs, exec and metrics are answered on port, by Handler.
func New(config *rest.Config, dir, namespace string, port int, log *slog.Logger) (*Kubelet, error) {
	config = rest.CopyConfig(config)
	config.QPS, config.Burst = 400, 800
	config.UserAgent = "svcdown-sandbox-kubelet"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("play the kubelets of %s: %w", namespace, err)
	}
	k := &Kubelet{
		dir: dir, namespace: namespace, port: int32(port), client: client,
		says:    newAnnouncer(client),
		logs:    &logs{dir: filepath.Join(dir, "world", "logs")},
		log:     log,
		factory: informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(namespace)),
		nodeFactory: informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.LabelSelector = marketplace.PoolLabel + "=" + namespace
		})),
		meter:  newMeter(),
		memory: map[types.UID]*memory{},
	}
	k.latest.Store(&picture{})
	return k, nil
}

// Run plays until ctx ends. What it cannot do now it logs and tries again, as a
// kubelet does; it answers an error only when it cannot watch at all.
func (k *Kubelet) Run(ctx context.Context) error {
	defer k.says.shutdown()
	wake := make(chan struct{}, 1)
	nudge := func() {
		select {
		case wake <- struct{}{}:
		default:
		}
	}
	onPod := cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { nudge() },
		UpdateFunc: func(any, any) { nudge() },
		DeleteFunc: func(gone any) { k.forget(gone) },
	}
	if _, err := k.factory.Core().V1().Pods().Informer().AddEventHandler(onPod); err != nil {
		return fmt.Errorf("watch pods of %s: %w", k.namespace, err)
	}
	k.factory.Core().V1().Services().Informer()
	k.factory.Core().V1().ConfigMaps().Informer()
	k.factory.Core().V1().Secrets().Informer()
	k.factory.Discovery().V1().EndpointSlices().Informer()
	k.nodeFactory.Core().V1().Nodes().Informer()
	for _, f := range []informers.SharedInformerFactory{k.factory, k.nodeFactory} {
		f.Start(ctx.Done())
		for kind, synced := range f.WaitForCacheSync(ctx.Done()) {
			if !synced {
				return fmt.Errorf("watch %v of %s: %w", kind, k.namespace, context.Cause(ctx))
			}
		}
	}
	defer k.factory.Shutdown()
	defer k.nodeFactory.Shutdown()

	beat := time.NewTicker(tick)
	defer beat.Stop()
	for {
		k.once(ctx, time.Now())
		select {
		case <-ctx.Done():
			return nil
		case <-beat.C:
		case <-wake:
		}
	}
}

// once looks at every node and every pod of the world.
func (k *Kubelet) once(ctx context.Context, now time.Time) {
	state, err := condition.Load(k.dir, k.namespace)
	if err != nil {
		k.log.Error("the world stays as it is", "err", err)
		return
	}
	services, err := k.factory.Core().V1().Services().Lister().List(labels.Everything())
	if err != nil {
		k.log.Error("list services", "err", err)
		return
	}
	slices, err := k.factory.Discovery().V1().EndpointSlices().Lister().List(labels.Everything())
	if err != nil {
		k.log.Error("list endpoint slices", "err", err)
		return
	}
	p := takePicture(state, services, slices)
	k.latest.Store(p)
	k.keepNodes(ctx, state, now)

	pods := k.pods()
	unreachable, complaints := p.needs(pods)
	var steps errgroup.Group
	steps.SetLimit(8)
	for _, pod := range pods {
		s, err := marketplace.Lookup(pod.Labels[marketplace.ServiceLabel])
		if err != nil || pod.Spec.NodeName == "" || finished(pod) {
			continue
		}
		around := k.surroundings(pod, s, p, pods)
		if s.Kind == marketplace.Backend {
			around.Unreachable, around.Complaints = unreachable, complaints
		}
		if s.Kind == marketplace.Frontend && !p.up(marketplace.Backend) {
			around.Complaints = []string{" ⨯ TypeError: fetch failed: connect ECONNREFUSED " + p.ips[marketplace.Of(marketplace.Backend).KubeService] + ":3000"}
		}
		steps.Go(func() error {
			k.step(ctx, pod, around, now)
			return nil
		})
	}
	// No step answers an error: each logs its own and is tried again.
	_ = steps.Wait()
}

// step lets one pod live on, and tells the world of it once the API agreed.
func (k *Kubelet) step(ctx context.Context, pod *corev1.Pod, s Surroundings, now time.Time) {
	m := k.remember(pod.UID)
	o := live(pod, s, m, now)
	name := pod.Spec.Containers[0].Name
	if o.remove {
		err := k.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{
			GracePeriodSeconds: new(int64(0)), Preconditions: metav1.NewUIDPreconditions(string(pod.UID)),
		})
		if err != nil && !apierrors.IsNotFound(err) && !apierrors.IsConflict(err) && ctx.Err() == nil {
			k.log.Error("remove pod", "pod", pod.Name, "err", err)
		}
		return
	}
	run := int32(0)
	if before := pod.Status.ContainerStatuses; len(before) > 0 {
		run = before[0].RestartCount
	}
	if o.changed {
		changed := pod.DeepCopy()
		changed.Status = o.status
		_, err := k.client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, changed, metav1.UpdateOptions{})
		if err != nil {
			// A conflict means that the cache is behind: the next look is soon.
			if !apierrors.IsConflict(err) && !apierrors.IsNotFound(err) && ctx.Err() == nil {
				k.log.Error("report pod", "pod", pod.Name, "err", err)
			}
			return
		}
	}
	for _, e := range o.events {
		k.says.pod(pod, name, e)
	}
	err := k.logs.write(pod, name, run, now, o.last)
	if err == nil && len(o.says) > 0 {
		err = k.logs.write(pod, name, o.status.ContainerStatuses[0].RestartCount, now, o.says)
	}
	if err != nil {
		k.log.Error("write log", "pod", pod.Name, "err", err)
	}
}

func (k *Kubelet) remember(uid types.UID) *memory {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.memory[uid] == nil {
		k.memory[uid] = &memory{}
	}
	return k.memory[uid]
}

func (k *Kubelet) forget(gone any) {
	if last, ok := gone.(cache.DeletedFinalStateUnknown); ok {
		gone = last.Obj
	}
	pod, ok := gone.(*corev1.Pod)
	if !ok {
		return
	}
	k.logs.drop(pod)
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.memory, pod.UID)
}

// pods are the pods this world plays.
func (k *Kubelet) pods() []*corev1.Pod {
	all, err := k.factory.Core().V1().Pods().Lister().List(labels.Everything())
	if err != nil {
		k.log.Error("list pods", "err", err)
		return nil
	}
	ours := all[:0]
	for _, pod := range all {
		if pod.Labels[marketplace.ServiceLabel] != "" {
			ours = append(ours, pod)
		}
	}
	return ours
}

func finished(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed
}
