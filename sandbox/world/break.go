package world

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/util/retry"

	"github.com/svcdown/svcdown/sandbox/world/condition"
	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

// Break breaks a service in a mode of Modes. Names, counts and exit codes follow
// from seed alone. Modes add up, on one service too, but a workload carries one
// bad rollout at a time. db-refusing, redis-down and disk-full asked of backend
// break what backend depends on.
//
// Break returns when the cause is in place; the symptoms follow within seconds.
func Break(ctx context.Context, config *rest.Config, o Options, service, mode string, seed int64) error {
	o = o.complete()
	if !slices.Contains(Modes(), mode) {
		return fmt.Errorf("break %s: nothing was changed: there is no mode %q: choose one of %s", service, mode, strings.Join(Modes(), ", "))
	}
	asked, err := marketplace.Lookup(service)
	if err != nil {
		return fmt.Errorf("break %s: nothing was changed: %w", mode, err)
	}
	s, err := victim(asked, mode)
	if err != nil {
		return err
	}
	client, err := connect(config)
	if err != nil {
		return err
	}
	b := breaker{client: client, o: o, service: s, rand: rand.New(rand.NewPCG(uint64(seed), uint64(len(mode))<<8|uint64(len(s.Name))))}
	c := condition.Condition{Service: s.Name, Mode: mode, Seed: seed, Since: time.Now().UTC()}
	err = condition.Update(o.Dir, o.Namespace, func(state *condition.State) error {
		if err := b.clear(ctx, state, mode); err != nil {
			return err
		}
		if err := b.design(ctx, &c); err != nil {
			return err
		}
		state.Conditions = append(state.Conditions, c)
		return nil
	})
	if err != nil {
		return fmt.Errorf("break %s %s: nothing was changed: %w", service, mode, err)
	}
	// The state is written first: a kubelet that met the new pods without it
	// would start them well.
	if err := b.inflict(ctx, c); err != nil {
		return fmt.Errorf("break %s %s: %w; `heal %s` puts back what was changed", service, mode, err, s.Name)
	}
	return nil
}

// victim is the service in which a mode really happens.
func victim(asked marketplace.Service, mode string) (marketplace.Service, error) {
	var fits []marketplace.Kind
	switch mode {
	case condition.DBRefusing:
		fits = []marketplace.Kind{marketplace.Database}
	case condition.RedisDown:
		fits = []marketplace.Kind{marketplace.Cache}
	case condition.DiskFull:
		fits = []marketplace.Kind{marketplace.Database, marketplace.Cache}
	default:
		return asked, nil
	}
	if slices.Contains(fits, asked.Kind) {
		return asked, nil
	}
	if asked.Kind == marketplace.Backend {
		return marketplace.Of(fits[0]), nil
	}
	return asked, fmt.Errorf("break %s %s: nothing was changed: that mode is of %s, or of backend, which depends on it", asked.Name, mode, marketplace.Of(fits[0]).Name)
}

type breaker struct {
	client  kubernetes.Interface
	o       Options
	service marketplace.Service
	rand    *rand.Rand
}

// clear drops conditions that were cured in the cluster meanwhile, and refuses
// what the service cannot have twice.
func (b breaker) clear(ctx context.Context, state *condition.State, mode string) error {
	template, err := b.template(ctx)
	if err != nil {
		return err
	}
	state.Conditions = slices.DeleteFunc(state.Conditions, func(c condition.Condition) bool {
		return c.Service == b.service.Name && c.BadRollout() && c.Image != container(template).Image
	})
	for _, c := range state.Conditions {
		if c.Service != b.service.Name {
			continue
		}
		if c.Mode == mode {
			return fmt.Errorf("%s is %s already: heal it first", c.Service, mode)
		}
		if c.BadRollout() && badRollout(mode) {
			return fmt.Errorf("%s carries a bad rollout already (%s): undo or heal it first", c.Service, c.Mode)
		}
	}
	return nil
}

func badRollout(mode string) bool {
	return slices.Contains([]string{condition.CrashLoop, condition.ImagePull, condition.StuckRollout, condition.Pending}, mode)
}

// inflict makes the condition's change in the cluster, where it has one.
func (b breaker) inflict(ctx context.Context, c condition.Condition) error {
	switch {
	case badRollout(c.Mode):
		return b.changeTemplate(ctx, func(t *corev1.PodTemplateSpec) {
			container(t).Image = c.Image
			if c.Mode == condition.Pending {
				huge := corev1.ResourceList{corev1.ResourceMemory: hugeMemory(b.rand)}
				maps.Copy(container(t).Resources.Requests, huge)
				maps.Copy(container(t).Resources.Limits, huge)
			}
		})
	case c.Mode == condition.NoEndpoints:
		wrong := []string{"v2", "canary", "stable", "blue"}[b.rand.IntN(4)]
		return b.changeSelector(ctx, map[string]string{"app": b.service.Name, "track": wrong})
	}
	return nil
}

func (b breaker) template(ctx context.Context) (*corev1.PodTemplateSpec, error) {
	if b.service.Stateful {
		set, err := b.client.AppsV1().StatefulSets(b.o.Namespace).Get(ctx, b.service.Workload, metav1.GetOptions{})
		if err != nil {
			return nil, err
		}
		return &set.Spec.Template, nil
	}
	d, err := b.client.AppsV1().Deployments(b.o.Namespace).Get(ctx, b.service.Workload, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return &d.Spec.Template, nil
}

// changeTemplate rolls a workload out, as a deploy pipeline would.
func (b breaker) changeTemplate(ctx context.Context, change func(*corev1.PodTemplateSpec)) error {
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		if b.service.Stateful {
			sets := b.client.AppsV1().StatefulSets(b.o.Namespace)
			set, err := sets.Get(ctx, b.service.Workload, metav1.GetOptions{})
			if err != nil {
				return err
			}
			change(&set.Spec.Template)
			_, err = sets.Update(ctx, set, metav1.UpdateOptions{})
			return err
		}
		deployments := b.client.AppsV1().Deployments(b.o.Namespace)
		d, err := deployments.Get(ctx, b.service.Workload, metav1.GetOptions{})
		if err != nil {
			return err
		}
		change(&d.Spec.Template)
		image := container(&d.Spec.Template).Image
		metav1.SetMetaDataAnnotation(&d.ObjectMeta, changeCause, "release "+image[strings.LastIndex(image, ":")+1:])
		_, err = deployments.Update(ctx, d, metav1.UpdateOptions{})
		return err
	})
}

func (b breaker) changeSelector(ctx context.Context, selector map[string]string) error {
	return retry.RetryOnConflict(retry.DefaultRetry, func() error {
		services := b.client.CoreV1().Services(b.o.Namespace)
		s, err := services.Get(ctx, b.service.KubeService, metav1.GetOptions{})
		if err != nil {
			return err
		}
		s.Spec.Selector = selector
		_, err = services.Update(ctx, s, metav1.UpdateOptions{})
		return err
	})
}

// pods are the service's pods of this moment, oldest first.
func (b breaker) pods(ctx context.Context) ([]corev1.Pod, error) {
	list, err := b.client.CoreV1().Pods(b.o.Namespace).List(ctx, metav1.ListOptions{LabelSelector: marketplace.ServiceLabel + "=" + b.service.Name})
	if err != nil {
		return nil, err
	}
	live := slices.DeleteFunc(list.Items, func(p corev1.Pod) bool { return p.DeletionTimestamp != nil || p.Spec.NodeName == "" })
	if len(live) == 0 {
		return nil, fmt.Errorf("%s has no pod that this could happen to", b.service.Name)
	}
	slices.SortFunc(live, func(x, y corev1.Pod) int {
		if c := x.CreationTimestamp.Compare(y.CreationTimestamp.Time); c != 0 {
			return c
		}
		return strings.Compare(x.Name, y.Name)
	})
	return live, nil
}

func uids(pods []corev1.Pod) []types.UID {
	var out []types.UID
	for _, p := range pods {
		out = append(out, p.UID)
	}
	return out
}
