package handlers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

const (
	// settleEvery is how often the checks are run again while a change settles.
	settleEvery = 3 * time.Second
	// proofTime is how long a change may stay unproven because the cluster cannot be asked; after that it is said plainly.
	proofTime = 30 * time.Minute
)

// Watch is the body of the job that proves a change: the rollout to its end, then the checks that were failing must be green and no
// container may restart for the settling time. It only reads, so it may run again after a crash.
func (d *Desk) Watch(ctx context.Context, id string) error {
	r, err := d.Approvals.Request(ctx, id)
	if err != nil || r.State != approval.Applied {
		return err
	}
	err = d.prove(ctx, r)
	if err == nil || ctx.Err() != nil || d.Now().Sub(r.DecidedAt) < proofTime {
		return err // with an error, the job asks again
	}
	d.Log.Warn().Err(err).Str("request", id).Msg("a change could not be verified")
	return d.conclude(ctx, id, approval.Failed, "nobody could verify it within "+incident.Span(proofTime)+", because the cluster cannot be asked")
}

func (d *Desk) prove(ctx context.Context, r approval.Request) error {
	if isOutside(r.Plan) {
		return d.proveOutside(ctx, r)
	}
	svc, ok := d.Catalog().Service(r.Plan.Service)
	if !ok {
		return d.conclude(ctx, r.ID, approval.Failed, "svcdown.yaml does not name the service any more, so nothing was verified")
	}
	cl, err := d.Clusters(svc.Cluster)
	if err != nil {
		return err
	}
	state, err := cl.Follow(ctx, svc, r.Plan)
	if err != nil {
		return err
	}
	if state.Failed || !state.Done {
		return d.conclude(ctx, r.ID, approval.Failed, state.Line.String())
	}
	if r.Plan.Target.Kind == "Job" {
		// A load test strains the service on purpose; its checks say nothing of whether the Job was applied.
		return d.conclude(ctx, r.ID, approval.Succeeded, state.Line.String())
	}
	if state.Desired == 0 && svc.Workload.Kind != "DaemonSet" {
		if r.Plan.Action == catalog.Scale || r.Plan.Action == catalog.Undo {
			return d.conclude(ctx, r.ID, approval.Succeeded, "scaled to zero, nothing runs")
		}
		return d.conclude(ctx, r.ID, approval.Failed, "it was scaled to zero meanwhile, so nothing runs")
	}
	return d.settle(ctx, cl, svc, r, state.Line)
}

// settle watches the checks for the settling time. A container that restarts fails the change at once; a check that is still red at the
// end fails it too.
func (d *Desk) settle(ctx context.Context, cl Cluster, svc catalog.Service, r approval.Request, rollout redact.Text) error {
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
	still, silent := unproven(d.check(ctx, cl, svc, func(finding.Finding) {}), r.Failing)
	if len(still) > 0 {
		return d.conclude(ctx, r.ID, approval.Failed, "failing now: "+strings.Join(still, ", "))
	}
	if len(silent) > 0 {
		return fmt.Errorf("verify %s: no answer from the checks: %s", r.ID, strings.Join(silent, ", "))
	}
	// The rollout's own line says what it came to: a strategy OnDelete ends without a single new pod.
	return d.conclude(ctx, r.ID, approval.Succeeded, redact.Join("; ", rollout, redact.F("the checks are green and nothing restarted for %s", incident.Span(d.Settle))).String())
}

// unproven names every check that is red now, whether or not it failed before, and what could not be asked among the checks that failed before
// and those of the pods themselves.
func unproven(now []finding.Finding, before []string) (red, silent []string) {
	for _, f := range now {
		must := f.Check == "pods" || f.Check == "rollout" || slices.Contains(before, f.Check)
		switch {
		case f.Status == finding.Fail:
			red = append(red, f.Check+" ("+f.Line.String()+")")
		case f.Status == finding.Unknown && must:
			silent = append(silent, f.Check)
		}
	}
	return red, silent
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
