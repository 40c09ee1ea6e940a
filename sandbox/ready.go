package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// waitReady returns once every Deployment and StatefulSet of the namespace has
// all its replicas updated and ready and no old one left, or says which have not when ctx ends.
func waitReady(ctx context.Context, config *rest.Config, namespace string) error {
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("wait for the workloads of %s: %w", namespace, err)
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		missing, err := notReady(ctx, client, namespace)
		if err == nil && len(missing) == 0 {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if err != nil {
				return fmt.Errorf("wait for the workloads of %s: %w", namespace, err)
			}
			return fmt.Errorf("wait for the workloads of %s: not ready: %s (%w)", namespace, strings.Join(missing, ", "), ctx.Err())
		}
	}
}

func notReady(ctx context.Context, client kubernetes.Interface, namespace string) ([]string, error) {
	var missing []string
	judge := func(m metav1.ObjectMeta, observed int64, want *int32, counts ...int32) {
		complete := observed >= m.Generation
		for _, n := range counts {
			complete = complete && want != nil && n == *want
		}
		if !complete {
			missing = append(missing, m.Name)
		}
	}
	deployments, err := client.AppsV1().Deployments(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, d := range deployments.Items {
		s := d.Status
		// Replicas counts the old ones too: none may be left.
		judge(d.ObjectMeta, s.ObservedGeneration, d.Spec.Replicas, s.Replicas, s.UpdatedReplicas, s.ReadyReplicas)
	}
	sets, err := client.AppsV1().StatefulSets(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, set := range sets.Items {
		s := set.Status
		judge(set.ObjectMeta, s.ObservedGeneration, set.Spec.Replicas, s.UpdatedReplicas, s.ReadyReplicas)
	}
	slices.Sort(missing)
	return missing, nil
}
