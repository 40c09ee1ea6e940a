package k8sops

import (
	"context"
	"errors"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// paramPod is the name of the pod that a delete-pod is about.
const paramPod = "pod"

// PlanDeletePod plans to delete one pod of a StatefulSet, which its controller then makes anew under the same name, with the same claims.
// "" is the only pod there is. It is bound to the pod's UID. A pod that is being deleted already, or whose node does not answer, is
// refused with what a person has to do first: forcing it could let the same database run twice.
func (c *Cluster) PlanDeletePod(ctx context.Context, svc catalog.Service, name string) (plan.Plan, error) {
	op := "delete a pod of " + svc.Name
	if svc.Workload.Kind != "StatefulSet" {
		return plan.Plan{}, &Error{Kind: Unsupported, Op: op, Object: objectOf(svc), Message: redact.F(
			"Single pods are deleted of a StatefulSet only. A %s is restarted as a whole: restart %s.", svc.Workload.Kind, svc.Name)}
	}
	l, err := c.live(ctx, op, svc)
	if err != nil {
		return plan.Plan{}, err
	}
	pod, err := c.podOf(ctx, op, l, name)
	if err != nil {
		return plan.Plan{}, err
	}
	if err := c.mayEnd(ctx, op, pod); err != nil {
		return plan.Plan{}, err
	}
	p := plan.Plan{
		Action: catalog.DeletePod, Service: svc.Name, Patch: plan.Remove(), MadeAt: c.o.Now().UTC(),
		Target:  plan.Target{Cluster: c.name, Namespace: pod.Namespace, APIVersion: "v1", Kind: "Pod", Name: pod.Name, UID: string(pod.UID)},
		Command: c.command(pod.Namespace, "delete", "pod", pod.Name), Params: map[string]string{paramPod: pod.Name},
		Diff: redact.F("- pod/%s, %s, on node %s, started %s UTC\n+ pod/%s, made anew by %s", pod.Name, readiness(pod), orUnknown(pod.Spec.NodeName),
			pod.CreationTimestamp.UTC().Format("2006-01-02 15:04"), pod.Name, l.ref()),
	}
	uid, err := plan.Op("test", "/metadata/uid", p.Target.UID)
	if err != nil {
		return plan.Plan{}, err
	}
	p.Preconditions = []plan.Operation{uid}
	blast := begin(func() (measured, error) { return c.blastOfPod(ctx, l, pod, svc), nil })
	if err := c.sendDelete(ctx, p.Target, "", true); err != nil {
		return plan.Plan{}, apiError(op, refOf(p.Target), err)
	}
	m, err := blast.get(ctx)
	if err != nil {
		return plan.Plan{}, apiError(op, refOf(p.Target), err)
	}
	p.Blast, p.Warnings = m.blast, m.warnings
	return p, nil
}

// podOf finds a StatefulSet's own pod, from the API.
func (c *Cluster) podOf(ctx context.Context, op string, l live, name string) (*corev1.Pod, error) {
	f, err := readLive[*corev1.Pod](ctx, c, l.podScope())
	if err != nil {
		return nil, apiError(op, l.ref(), err)
	}
	mine := slices.DeleteFunc(f.items, func(p *corev1.Pod) bool { return !metav1.IsControlledBy(p, &l.meta) })
	var names []string
	for _, p := range mine {
		names = append(names, p.Name)
	}
	slices.Sort(names)
	switch i := slices.IndexFunc(mine, func(p *corev1.Pod) bool { return p.Name == name }); {
	case i >= 0:
		return mine[i], nil
	case len(mine) == 0:
		return nil, &Error{Kind: NotFound, Op: op, Object: l.ref(), Message: redact.Const("It has no pod.")}
	case name == "" && len(mine) == 1:
		return mine[0], nil
	case name == "":
		return nil, &Error{Kind: Invalid, Op: op, Object: l.ref(), Message: redact.F("Say which pod: %s.", strings.Join(names, ", "))}
	}
	return nil, &Error{Kind: NotFound, Op: op, Object: l.ref(), Message: redact.F("It has no pod %s. There are: %s.", name, strings.Join(names, ", "))}
}

// mayEnd refuses a pod whose deletion would never come to its end by itself.
func (c *Cluster) mayEnd(ctx context.Context, op string, pod *corev1.Pod) error {
	refuse := func(t redact.Text) error {
		return &Error{Kind: Unsupported, Op: op, Object: "pod/" + pod.Name, Message: redact.F("%s svcdown never forces a deletion: "+
			"the pod may still run on a node that nobody can ask, and a second one would write to the same data. This is a manual step: make sure that the node is switched off, "+
			"then tell Kubernetes so: kubectl --context %s taint nodes %s node.kubernetes.io/out-of-service=nodeshutdown:NoExecute", t, Quoted(c.kubeContext), orUnknown(pod.Spec.NodeName))}
	}
	lost := false
	if pod.Spec.NodeName != "" {
		var node corev1.Node
		err := c.resources["nodes"].client.Get().Resource("nodes").Name(pod.Spec.NodeName).
			MaxRetries(0).Do(ctx).Into(&node)
		switch {
		case apierrors.IsNotFound(err):
			lost = true
		case err != nil:
			return apiError(op, "node/"+pod.Spec.NodeName, err)
		default:
			lost = !slices.ContainsFunc(node.Status.Conditions, func(n corev1.NodeCondition) bool {
				return n.Type == corev1.NodeReady && n.Status == corev1.ConditionTrue
			})
		}
	}
	switch {
	case lost && pod.DeletionTimestamp != nil:
		return refuse(redact.F("It has been Terminating since %s UTC, because its node %s does not answer.", pod.DeletionTimestamp.UTC().Format("15:04"), pod.Spec.NodeName))
	case lost:
		return refuse(redact.F("Its node %s does not answer, so it would stay Terminating for as long.", pod.Spec.NodeName))
	case pod.DeletionTimestamp != nil:
		return &Error{Kind: Conflict, Op: op, Object: "pod/" + pod.Name,
			Message: redact.F("It is being deleted already and ends at %s UTC at the latest.", pod.DeletionTimestamp.UTC().Format("15:04:05"))}
	}
	return nil
}

// blastOfPod is what the end of one pod can hurt.
func (c *Cluster) blastOfPod(ctx context.Context, l live, pod *corev1.Pod, svc catalog.Service) measured {
	// Whoever owns the StatefulSet reverts nothing here: the pod is made anew as it was.
	l.meta.Annotations, l.meta.Labels, l.meta.OwnerReferences, l.meta.ManagedFields = nil, nil, nil, nil
	m := c.blast(ctx, l, draft{svc: svc})
	m.blast.LastHealthy = isReady(pod) && l.ready <= 1
	var claims []string
	for _, v := range pod.Spec.Volumes {
		switch {
		case v.EmptyDir != nil:
			m.blast.EmptyDir = append(m.blast.EmptyDir, v.Name)
		case v.PersistentVolumeClaim != nil:
			claims = append(claims, v.PersistentVolumeClaim.ClaimName)
		}
	}
	if m.blast.LastHealthy {
		m.warnings = append(m.warnings, redact.Const("No ready replica is left until the new pod is up."))
	}
	if len(m.blast.PDBBlocked) > 0 {
		m.warnings = append(m.warnings, redact.Const("A PodDisruptionBudget does not hold up a deletion, only an eviction."))
	}
	if len(claims) > 0 {
		m.warnings = append(m.warnings, redact.F("What is on %s stays.", strings.Join(claims, ", ")))
	}
	if len(pod.Finalizers) > 0 {
		m.warnings = append(m.warnings, redact.F("The pod stays until its finalizers are done: %s", strings.Join(pod.Finalizers, ", ")))
	}
	saved, err := c.lastSave(ctx, svc, pod)
	switch {
	case errors.Is(err, errNoStore):
	case err != nil:
		m.blast.LastSave = "not known"
		m.warnings = append(m.warnings, redact.F("When it last saved to disk is not known: %s", err))
	default:
		m.blast.LastSave = saved
	}
	return m
}

func readiness(p *corev1.Pod) string {
	if isReady(p) {
		return "ready"
	}
	return "not ready"
}

func orUnknown(s string) string {
	if s == "" {
		return "none"
	}
	return s
}
