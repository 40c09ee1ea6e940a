package k8sops

import (
	"context"
	"slices"
	"strings"
	"time"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// followEvery is how often an object without a rollout is looked at.
const followEvery = time.Second

// Follow watches what an executed plan leads to, to its end: the rollout of a workload; a new pod in place of a deleted one, ready; a Job whose
// pod runs or has ended; the end of a deleted Job. It ends with Done or Failed as [Cluster.Rollout] does; an error means that the end was
// not seen.
func (c *Cluster) Follow(ctx context.Context, svc catalog.Service, p plan.Plan) (RolloutState, error) {
	switch {
	case p.Target.Kind == "Pod":
		if state, err := c.followUntil(ctx, p.Target, func() (RolloutState, error) { return c.replaced(ctx, p.Target) }); err != nil || state.Failed {
			return state, err
		}
		w := plan.Target{Cluster: c.name, Namespace: svc.Namespace, APIVersion: "apps/v1", Kind: svc.Workload.Kind, Name: svc.Workload.Name}
		return c.Rollout(ctx, w, nil)
	case p.Creates():
		return c.followUntil(ctx, p.Target, func() (RolloutState, error) { return c.jobRuns(ctx, p) })
	case p.Removes():
		return c.followUntil(ctx, p.Target, func() (RolloutState, error) { return c.gone(ctx, p.Target) })
	}
	return c.Rollout(ctx, p.Target, nil)
}

// followUntil looks until the state is final. Without an answer from the API server for Options.Stall it gives up with the last error;
// with answers that say "not yet" for as long, it failed.
func (c *Cluster) followUntil(ctx context.Context, t plan.Target, look func() (RolloutState, error)) (RolloutState, error) {
	var last RolloutState
	moved := time.Now()
	for {
		now, err := look()
		if err == nil && (now.Done || now.Failed) {
			return now, nil
		}
		if err == nil && now.Line != last.Line {
			last, moved = now, time.Now()
		}
		if time.Since(moved) >= c.o.Stall {
			if err != nil {
				return last, apiError("watch", t.String(), err)
			}
			last.Failed, last.Line = true, redact.F("no progress for %s: %s", c.o.Stall, last.Line)
			return last, nil
		}
		select {
		case <-ctx.Done():
			return last, apiError("watch", t.String(), ctx.Err())
		case <-time.After(followEvery):
		}
	}
}

func (c *Cluster) gone(ctx context.Context, t plan.Target) (RolloutState, error) {
	now, err := c.bare(ctx, t)
	switch {
	case apierrors.IsNotFound(err), err == nil && string(now.meta.UID) != t.UID:
		return RolloutState{Done: true, Line: redact.F("%s is gone", refOf(t))}, nil
	case err != nil:
		return RolloutState{}, err
	}
	return RolloutState{Line: redact.F("%s has yet to end", refOf(t))}, nil
}

// replaced is done when another pod of the name is ready.
func (c *Cluster) replaced(ctx context.Context, t plan.Target) (RolloutState, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	var pod corev1.Pod
	err := c.resources["pods"].client.Get().Namespace(t.Namespace).Resource("pods").Name(t.Name).MaxRetries(0).Do(ctx).Into(&pod)
	switch {
	case apierrors.IsNotFound(err):
		return RolloutState{Line: redact.F("%s is gone; no new one yet", refOf(t))}, nil
	case err != nil:
		return RolloutState{}, err
	case string(pod.UID) == t.UID:
		return RolloutState{Line: redact.F("%s has yet to end", refOf(t))}, nil
	case !isReady(&pod):
		v := viewPod(&pod, c.o.Now())
		return RolloutState{Line: redact.F("the new %s is not ready yet: %s", refOf(t), v.reason)}, nil
	}
	return RolloutState{Done: true, Line: redact.F("a new %s is ready", refOf(t))}, nil
}

// jobRuns is done when a pod of the Job runs or the Job ended well.
func (c *Cluster) jobRuns(ctx context.Context, p plan.Plan) (RolloutState, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	var job batchv1.Job
	err := c.resources["jobs"].client.Get().Namespace(p.Target.Namespace).Resource("jobs").Name(p.Target.Name).MaxRetries(0).Do(ctx).Into(&job)
	switch {
	case apierrors.IsNotFound(err):
		return RolloutState{Failed: true, Line: redact.F("%s does not exist any more", refOf(p.Target))}, nil
	case err != nil:
		return RolloutState{}, err
	case job.Annotations[manifestSum] != p.Params[paramSum]:
		return RolloutState{Failed: true, Line: redact.F("%s is not the one of the manifest", refOf(p.Target))}, nil
	}
	for _, cond := range job.Status.Conditions {
		if cond.Status != corev1.ConditionTrue {
			continue
		}
		switch cond.Type {
		case batchv1.JobComplete:
			return RolloutState{Done: true, Line: redact.F("%s ended well: %d of its pods succeeded", refOf(p.Target), job.Status.Succeeded)}, nil
		case batchv1.JobFailed:
			return RolloutState{Failed: true, Line: redact.F("%s failed: %s %s", refOf(p.Target), cond.Reason, cond.Message)}, nil
		}
	}
	f, err := readLive[*corev1.Pod](ctx, c, scope{resource: "pods", namespace: p.Target.Namespace, label: batchv1.JobNameLabel + "=" + p.Target.Name})
	if err != nil {
		return RolloutState{}, err
	}
	if i := slices.IndexFunc(f.items, func(pod *corev1.Pod) bool { return pod.Status.Phase == corev1.PodRunning }); i >= 0 {
		return RolloutState{Done: true, Line: redact.F("%s runs: pod %s on node %s", refOf(p.Target), f.items[i].Name, f.items[i].Spec.NodeName)}, nil
	}
	var waiting []string
	for _, v := range viewPods(f.items, c.o.Now()) {
		waiting = append(waiting, strings.TrimSpace(v.pod.Name+" "+v.reason))
	}
	return RolloutState{Line: redact.F("no pod of %s runs yet: %s", refOf(p.Target), orUnknown(strings.Join(waiting, ", ")))}, nil
}
