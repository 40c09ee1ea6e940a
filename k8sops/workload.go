package k8sops

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
)

// workload is a Deployment, StatefulSet or DaemonSet in the words that they share.
type workload struct {
	kind     string
	meta     metav1.ObjectMeta
	selector labels.Selector
	template corev1.PodTemplateSpec
	paused   bool
	// onDelete: new pods come only when somebody deletes the old ones.
	onDelete  bool
	partition int32 // StatefulSet: ordinals below it keep the old revision
	rolling   bool  // StatefulSet: spec.updateStrategy.rollingUpdate is set
	// ordered: a pod that is not ready keeps the StatefulSet from replacing any.
	ordered   bool
	desired   int32
	observed  int64 // status.observedGeneration
	total     int32
	updated   int32
	ready     int32
	available int32
	// progress and failure are the Deployment's Progressing and ReplicaFailure conditions, nil when absent.
	progress *appsv1.DeploymentCondition
	failure  *appsv1.DeploymentCondition
	deadline int32 // Deployment: progressDeadlineSeconds
	// current and update are the StatefulSet's revisions.
	current, update string
}

func resourceOf(kind string) (string, error) {
	switch kind {
	case "Deployment":
		return "deployments", nil
	case "StatefulSet":
		return "statefulsets", nil
	case "DaemonSet":
		return "daemonsets", nil
	}
	return "", &Error{Kind: Unsupported, Op: "read workload", Object: kind,
		Message: redact.F("A workload is a Deployment, a StatefulSet or a DaemonSet, not a %q.", kind)}
}

func workloadOf(obj runtime.Object) (workload, error) {
	switch o := obj.(type) {
	case *appsv1.Deployment:
		w := workload{
			kind: "Deployment", meta: o.ObjectMeta, template: o.Spec.Template, paused: o.Spec.Paused,
			desired: count(o.Spec.Replicas), observed: o.Status.ObservedGeneration, total: o.Status.Replicas, updated: o.Status.UpdatedReplicas,
			ready: o.Status.ReadyReplicas, available: o.Status.AvailableReplicas, deadline: 600,
		}
		if o.Spec.ProgressDeadlineSeconds != nil {
			w.deadline = *o.Spec.ProgressDeadlineSeconds
		}
		for i := range o.Status.Conditions {
			switch o.Status.Conditions[i].Type {
			case appsv1.DeploymentProgressing:
				w.progress = &o.Status.Conditions[i]
			case appsv1.DeploymentReplicaFailure:
				w.failure = &o.Status.Conditions[i]
			}
		}
		return w.withSelector(o.Spec.Selector)
	case *appsv1.StatefulSet:
		w := workload{
			kind: "StatefulSet", meta: o.ObjectMeta, template: o.Spec.Template,
			onDelete: o.Spec.UpdateStrategy.Type != appsv1.RollingUpdateStatefulSetStrategyType,
			desired:  count(o.Spec.Replicas), observed: o.Status.ObservedGeneration, total: o.Status.Replicas, updated: o.Status.UpdatedReplicas,
			ready: o.Status.ReadyReplicas, available: o.Status.AvailableReplicas,
			current: o.Status.CurrentRevision, update: o.Status.UpdateRevision, ordered: o.Spec.PodManagementPolicy != appsv1.ParallelPodManagement,
		}
		if r := o.Spec.UpdateStrategy.RollingUpdate; r != nil {
			w.rolling = true
			if r.Partition != nil {
				w.partition = *r.Partition
			}
		}
		return w.withSelector(o.Spec.Selector)
	case *appsv1.DaemonSet:
		w := workload{
			kind: "DaemonSet", meta: o.ObjectMeta, template: o.Spec.Template,
			onDelete: o.Spec.UpdateStrategy.Type != appsv1.RollingUpdateDaemonSetStrategyType,
			desired:  o.Status.DesiredNumberScheduled, observed: o.Status.ObservedGeneration, total: o.Status.CurrentNumberScheduled,
			updated: o.Status.UpdatedNumberScheduled, ready: o.Status.NumberReady, available: o.Status.NumberAvailable,
		}
		return w.withSelector(o.Spec.Selector)
	}
	return workload{}, fmt.Errorf("read workload: a %T is none", obj)
}

func count(n *int32) int32 {
	if n == nil {
		return 1 // the API's default
	}
	return *n
}

func (w workload) withSelector(s *metav1.LabelSelector) (workload, error) {
	selector, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return workload{}, fmt.Errorf("read selector of %s: %w", w.ref(), err)
	}
	w.selector = selector
	return w, nil
}

// ref names the workload as kubectl does: deployment/backend-deployment.
func (w workload) ref() string { return strings.ToLower(w.kind) + "/" + w.meta.Name }

func (w workload) podScope() scope {
	return scope{resource: "pods", namespace: w.meta.Namespace, label: w.selector.String()}
}

func (w workload) replicaSetScope() scope {
	return scope{resource: "replicasets", namespace: w.meta.Namespace, label: w.selector.String()}
}

// revision of the rollout, 0 when the kind has no number.
func (w workload) revision() int64 { return revisionOf(w.meta) }

func revisionOf(m metav1.ObjectMeta) int64 {
	n, err := strconv.ParseInt(m.Annotations["deployment.kubernetes.io/revision"], 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// workload reads the service's workload from the API: what everything else hangs on is never a memory.
func (c *Cluster) workload(ctx context.Context, svc catalog.Service) (workload, error) {
	resource, err := resourceOf(svc.Workload.Kind)
	if err != nil {
		return workload{}, err
	}
	into := c.resources[resource].object.DeepCopyObject()
	err = c.resources[resource].client.Get().Namespace(svc.Namespace).Resource(resource).Name(svc.Workload.Name).MaxRetries(1).Do(ctx).Into(into)
	if err != nil {
		return workload{}, apiError("read "+svc.Name, objectOf(svc), err)
	}
	return workloadOf(into)
}

func objectOf(svc catalog.Service) string {
	return strings.ToLower(svc.Workload.Kind) + "/" + svc.Workload.Name + " in " + svc.Namespace
}
