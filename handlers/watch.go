package handlers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
)

// settleEvery is how often the checks are run again while a change settles.
const settleEvery = 3 * time.Second

// Watch is the body of the job that proves a change: the rollout to its end, then the checks that were failing must be green and no
// container may restart for the settling time. It only reads, so it may run again after a crash.
func (d *Desk) Watch(ctx context.Context, id string) error {
	r, err := d.Approvals.Request(ctx, id)
	if err != nil || r.State != approval.Applied {
		return err
	}
	svc, ok := d.Catalog().Service(r.Plan.Service)
	if !ok {
		return d.conclude(ctx, id, approval.Failed, "svcdown.yaml does not name the service any more, so nothing was verified")
	}
	cl, err := d.Clusters(svc.Cluster)
	if err != nil {
		return err
	}
	state, err := cl.Rollout(ctx, r.Plan.Target, func(k8sops.RolloutState) {})
	if err != nil {
		return err
	}
	if state.Failed || !state.Done {
		return d.conclude(ctx, id, approval.Failed, state.Line.String())
	}
	if svc.Workload.Kind == "Deployment" || svc.Workload.Kind == "StatefulSet" {
		if state.Desired == 0 {
			return d.conclude(ctx, id, approval.Succeeded, "scaled to zero, nothing runs")
		}
	}
	return d.settle(ctx, cl, svc, r)
}

// settle watches the checks for the settling time. A container that restarts fails the change at once; a check that is still red at the
// end fails it too.
func (d *Desk) settle(ctx context.Context, cl Cluster, svc catalog.Service, r approval.Request) error {
	since := d.Now()
	until := since.Add(d.Settle)
	for {
		quiet, err := cl.Settled(ctx, svc, since)
		if err != nil {
			return err
		}
		if quiet.Status == finding.Fail {
			return d.conclude(ctx, r.ID, approval.Failed, quiet.Line.String())
		}
		if !d.Now().Before(until) {
			break
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(min(settleEvery, d.Settle)):
		}
	}
	still := stillFailing(d.check(ctx, cl, svc, func(finding.Finding) {}), r.Failing)
	if len(still) > 0 {
		return d.conclude(ctx, r.ID, approval.Failed, "still failing: "+strings.Join(still, ", "))
	}
	return d.conclude(ctx, r.ID, approval.Succeeded, "the rollout is complete, the checks are green and nothing restarted for "+d.Settle.String())
}

// stillFailing names what is red among the checks that failed before, and anything about the pods that is red now.
func stillFailing(now []finding.Finding, before []string) []string {
	var out []string
	for _, f := range now {
		if f.Status == finding.Fail && (f.Check == "pods" || f.Check == "rollout" || slices.Contains(before, f.Check)) {
			out = append(out, f.Check+" ("+f.Line.String()+")")
		}
	}
	return out
}

func (d *Desk) conclude(ctx context.Context, id string, to approval.State, why string) error {
	_, err := d.Approvals.Change(ctx, id, "svcdown", func(now *approval.Request) error {
		if now.State != approval.Applied {
			return nil
		}
		return now.Move(to, why, d.Now())
	})
	var refusal *approval.Refusal
	if errors.As(err, &refusal) {
		return nil
	}
	return err
}
