package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"

	"golang.org/x/sync/errgroup"
)

// world is how full the namespace is. Each is the one before with more in it.
type world struct {
	name                   string
	pods, events           int
	rounds, terminalRounds int
}

var worlds = []world{
	{name: "20 pods", pods: 20, rounds: 151, terminalRounds: 15},
	{name: "5,000 pods", pods: 5_000, events: 20_000, rounds: 101, terminalRounds: 9},
}

const (
	bulkNodes = 10
	writers   = 24
)

// fill makes bystanders: pods of other applications, on nodes of their own, and events about them. Three in ten events are warnings; one in
// two hundred is about backend's own pods, half an hour old.
func (s *stage) fill(ctx context.Context, w world) error {
	cfg, err := clientcmd.BuildConfigFromFlags("", s.cluster.Kubeconfig)
	if err != nil {
		return err
	}
	cfg.QPS, cfg.Burst = 5000, 5000
	cfg.ContentType = "application/vnd.kubernetes.protobuf"
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return err
	}
	namespace := s.cluster.Namespace
	for i := range bulkNodes {
		if _, err := client.CoreV1().Nodes().Create(ctx, bulkNode(i), metav1.CreateOptions{}); err != nil && !apierrors.IsAlreadyExists(err) {
			return fmt.Errorf("make a node: %w", err)
		}
	}
	there, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("count the pods: %w", err)
	}
	var own []corev1.Pod
	for _, p := range there.Items {
		if p.Labels["app"] == "backend" {
			own = append(own, p)
		}
	}
	if len(own) == 0 {
		return fmt.Errorf("namespace %s has no pods of backend", namespace)
	}
	make := func(n int, one func(i int) error) error {
		g := errgroup.Group{}
		g.SetLimit(writers)
		for i := range n {
			g.Go(func() error { return one(i) })
		}
		return g.Wait()
	}
	if err := make(w.pods-len(there.Items), func(i int) error {
		_, err := client.CoreV1().Pods(namespace).Create(ctx, bystander(w, i), metav1.CreateOptions{})
		return err
	}); err != nil {
		return fmt.Errorf("make pods: %w", err)
	}
	if err := make(w.events, func(i int) error {
		_, err := client.CoreV1().Events(namespace).Create(ctx, bystanderEvent(w, i, namespace, own[i%len(own)]), metav1.CreateOptions{})
		return err
	}); err != nil {
		return fmt.Errorf("make events: %w", err)
	}
	return until(ctx, 4*time.Minute, func() error {
		waiting, err := client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{FieldSelector: "status.phase!=Running"})
		if err == nil && len(waiting.Items) > 0 {
			err = fmt.Errorf("%d pods do not run yet", len(waiting.Items))
		}
		return err
	})
}

func nodeName(i int) string { return fmt.Sprintf("bench-%d", i%bulkNodes) }

func bulkNode(i int) *corev1.Node {
	size := corev1.ResourceList{"cpu": resource.MustParse("64"), "memory": resource.MustParse("256Gi"), "pods": resource.MustParse("1000")}
	return &corev1.Node{
		ObjectMeta: metav1.ObjectMeta{Name: nodeName(i), Annotations: map[string]string{
			"metrics.k8s.io/resource-metrics-path": "/metrics/nodes/" + nodeName(i) + "/metrics/resource"}},
		Spec:   corev1.NodeSpec{Unschedulable: true},
		Status: corev1.NodeStatus{Allocatable: size, Capacity: size},
	}
}

func bystanderName(w world, i int) string { return fmt.Sprintf("bystander-%d-%05d", w.pods, i) }

func bystander(w world, i int) *corev1.Pod {
	no := false
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name: bystanderName(w, i), Labels: map[string]string{"app": fmt.Sprintf("bystander-%d", i%40)},
			Annotations: map[string]string{"kwok.x-k8s.io/usage-cpu": "20m", "kwok.x-k8s.io/usage-memory": "64Mi"},
		},
		Spec: corev1.PodSpec{
			NodeName: nodeName(i), AutomountServiceAccountToken: &no,
			Containers: []corev1.Container{{Name: "app", Image: "registry.example.com/bystander:1.4.2", Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{"cpu": resource.MustParse("10m"), "memory": resource.MustParse("32Mi")},
				Limits:   corev1.ResourceList{"memory": resource.MustParse("128Mi")},
			}}},
		},
	}
}

func bystanderEvent(w world, i int, namespace string, own corev1.Pod) *corev1.Event {
	at := metav1.NewTime(time.Now().Add(-time.Duration(i%3600) * time.Second))
	e := &corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: fmt.Sprintf("bench.%08x", i), Namespace: namespace},
		InvolvedObject: corev1.ObjectReference{Kind: "Pod", APIVersion: "v1", Namespace: namespace, Name: bystanderName(w, i%w.pods)},
		Type:           corev1.EventTypeNormal, Reason: "Pulled", Count: 1, FirstTimestamp: at, LastTimestamp: at,
		Message: "Container image \"registry.example.com/bystander:1.4.2\" already present on machine and can be accessed by the pod",
		Source:  corev1.EventSource{Component: "kubelet", Host: nodeName(i)},
	}
	if i%10 < 3 {
		e.Type, e.Reason, e.Count = corev1.EventTypeWarning, "Unhealthy", int32(1+i%7)
		e.Message = fmt.Sprintf("Readiness probe failed: Get \"http://10.0.%d.%d:8080/ready\": context deadline exceeded (Client.Timeout exceeded)", i%250, i%240)
	}
	if i%200 == 0 {
		old := metav1.NewTime(time.Now().Add(-30 * time.Minute))
		e.InvolvedObject.Name, e.InvolvedObject.UID, e.LastTimestamp, e.FirstTimestamp = own.Name, own.UID, old, old
	}
	return e
}
