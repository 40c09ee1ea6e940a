package world

import (
	"context"
	"errors"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"

	"github.com/svcdown/svcdown/sandbox/world/condition"
	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

// Heal ends all conditions of a service, and puts back what Break changed unless
// somebody else has changed it since. An empty service heals the whole world.
// What Break broke for backend's sake heals with backend as well. Healing what
// is well changes nothing.
func Heal(ctx context.Context, config *rest.Config, o Options, service string) error {
	o = o.complete()
	if service != "" {
		if _, err := marketplace.Lookup(service); err != nil {
			return fmt.Errorf("heal: %w", err)
		}
	}
	client, err := connect(config)
	if err != nil {
		return err
	}
	return condition.Update(o.Dir, o.Namespace, func(state *condition.State) error {
		var left []condition.Condition
		var failed []error
		for _, c := range slices.Backward(state.Conditions) {
			if !heals(service, c) {
				left = append(left, c)
				continue
			}
			s, err := marketplace.Lookup(c.Service)
			if err == nil {
				err = breaker{client: client, o: o, service: s}.restore(ctx, c)
			}
			if err != nil {
				failed = append(failed, fmt.Errorf("heal %s of %s: %w", c.Service, c.Mode, err))
				left = append(left, c)
			}
		}
		slices.Reverse(left)
		state.Conditions = left
		return errors.Join(failed...)
	})
}

// heals says whether healing service ends the condition.
func heals(service string, c condition.Condition) bool {
	if service == "" || c.Service == service {
		return true
	}
	asked, err := marketplace.Lookup(service)
	if err != nil {
		return false
	}
	s, err := victim(asked, c.Mode)
	return err == nil && s.Name == c.Service && s.Name != asked.Name
}

// restore puts back what the condition changed in the cluster.
func (b breaker) restore(ctx context.Context, c condition.Condition) error {
	if c.Before == nil {
		return nil
	}
	if c.Before.Selector != nil {
		return b.changeSelector(ctx, c.Before.Selector)
	}
	template, err := b.template(ctx)
	if err != nil {
		return err
	}
	if container(template).Image != c.Image {
		return nil
	}
	if err := b.changeTemplate(ctx, func(t *corev1.PodTemplateSpec) { *t = *c.Before.Template }); err != nil {
		return err
	}
	if !b.service.Stateful {
		return nil
	}
	// A StatefulSet waits for a broken pod to become ready before it replaces it:
	// https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
	err = b.client.CoreV1().Pods(b.o.Namespace).Delete(ctx, b.service.Workload+"-0", metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
