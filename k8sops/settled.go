package k8sops

import (
	"context"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// Settled reports, read from the API, whether no container of the service's pods has ended since then: OK when none, Fail with the pods
// otherwise. Kubernetes writes these times in whole seconds.
func (c *Cluster) Settled(ctx context.Context, svc catalog.Service, since time.Time) (finding.Finding, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	w, err := c.workload(ctx, svc)
	if err != nil {
		return finding.Finding{}, err
	}
	f, err := readLive[*corev1.Pod](ctx, c, w.podScope())
	if err != nil {
		return finding.Finding{}, err
	}
	return judgeSettled(own(f, w).items, since, c.o.Now()), nil
}

func judgeSettled(pods []*corev1.Pod, since, now time.Time) finding.Finding {
	f := finding.Finding{Check: "settled", Status: finding.OK, Line: redact.F("no container restarted since %s", clock(since, now))}
	var bad []podView
	for _, v := range viewPods(pods, now) {
		if !v.gone && restartedSince(v.pod, since) {
			bad = append(bad, v)
		}
	}
	if len(bad) == 0 {
		return f
	}
	kind := bad[0].kind
	if kind == "" {
		kind = finding.CrashLoop
	}
	f.Status = finding.Fail
	f.Line = redact.Join(", ", redact.F("%d of %d pods restarted since %s", len(bad), len(pods), clock(since, now)), bad[0].detail)
	f.Signals = []finding.Signal{{Kind: kind, Object: "Pod/" + bad[0].pod.Name, Count: len(bad), Of: len(pods), Since: since, Detail: bad[0].detail}}
	f.Evidence = []finding.Evidence{podTable(bad, now)}
	return f
}

func restartedSince(p *corev1.Pod, since time.Time) bool {
	since = since.Truncate(time.Second)
	for _, s := range p.Status.ContainerStatuses {
		for _, t := range []*corev1.ContainerStateTerminated{s.State.Terminated, s.LastTerminationState.Terminated} {
			if t != nil && !t.FinishedAt.Time.Before(since) {
				return true
			}
		}
		if w := s.State.Waiting; w != nil && w.Reason == "CrashLoopBackOff" {
			return true // it crashes, even when its next attempt is still to come
		}
	}
	return false
}
