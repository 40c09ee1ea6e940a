package handlers_test

import (
	"errors"
	"testing"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
)

func TestWatchTellsWhetherItHelped(t *testing.T) {
	t.Parallel()
	away := errors.New("connection refused")
	red := finding.Finding{Check: "endpoints", Status: finding.Fail, Line: redact.Const("no endpoint")}
	for name, c := range map[string]struct {
		before  []finding.Finding
		rollout k8sops.RolloutState
		unseen  error // of the rollout
		settled finding.Status
		unasked error // of the settling
		after   []finding.Finding
		late    time.Duration
		want    approval.State
		reason  []string
		again   bool
	}{
		"everything is green":                          {rollout: done(3), settled: finding.OK, after: checks(), want: approval.Succeeded, reason: []string{"rolled out", "green"}},
		"the rollout failed":                           {rollout: k8sops.RolloutState{Failed: true, Line: redact.Const("deadline exceeded")}, want: approval.Failed, reason: []string{"deadline exceeded"}},
		"a container restarts while it settles":        {rollout: done(3), settled: finding.Fail, want: approval.Failed},
		"a check that failed before is still red":      {before: checks(red), rollout: done(3), settled: finding.OK, after: checks(red), want: approval.Failed, reason: []string{"endpoints", "no endpoint"}},
		"a check that was green before turned red":     {rollout: done(3), settled: finding.OK, after: checks(red), want: approval.Failed, reason: []string{"failing now", "endpoints"}},
		"the pods are red":                             {rollout: done(3), settled: finding.OK, after: checks(finding.Finding{Check: "pods", Status: finding.Fail}), want: approval.Failed},
		"the pods cannot be read proves nothing":       {rollout: done(3), settled: finding.OK, after: checks(finding.Finding{Check: "pods"}), want: approval.Applied, again: true},
		"a failed check that is silent proves nothing": {before: checks(red), rollout: done(3), settled: finding.OK, after: checks(finding.Finding{Check: "endpoints"}), want: approval.Applied, again: true},
		"the rollout cannot be read for a moment":      {unseen: away, want: approval.Applied, again: true},
		"the pods cannot be read for a moment":         {rollout: done(3), unasked: away, want: approval.Applied, again: true},
		"the pods stay unreadable":                     {rollout: done(3), unasked: away, late: time.Hour, want: approval.Failed, reason: []string{"nobody could verify"}},
		"somebody scaled it to zero meanwhile":         {rollout: done(0), want: approval.Failed, reason: []string{"scaled to zero meanwhile"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			if c.before != nil {
				b.cluster.findings = func(func(finding.Finding)) []finding.Finding { return c.before }
			}
			r := b.applied(t)
			b.cluster.rollout = func() (k8sops.RolloutState, error) { return c.rollout, c.unseen }
			b.cluster.settled = func() (finding.Finding, error) {
				return finding.Finding{Check: "settled", Status: c.settled}, c.unasked
			}
			b.cluster.findings = func(func(finding.Finding)) []finding.Finding { return c.after }
			b.wait(c.late)
			if err := b.Watch(t.Context(), r.ID); (err != nil) != c.again {
				t.Errorf("got %v, want an error: %v", err, c.again)
			}
			got := b.rows.get(t, r.ID)
			if got.State != c.want {
				t.Errorf("got %s (%s), want %s", got.State, got.Reason, c.want)
			}
			if missing := lacks(got.Reason, c.reason...); missing != nil {
				t.Errorf("got the reason %q without %q", got.Reason, missing)
			}
		})
	}
}

func done(pods int) k8sops.RolloutState {
	return k8sops.RolloutState{Done: true, Desired: pods, Available: pods, Line: redact.Const("rolled out")}
}
