package handlers_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/k8sops"
)

func TestReconcileFindsOut(t *testing.T) {
	t.Parallel()
	away := errors.New("connection refused")
	for name, c := range map[string]struct {
		void    error
		landing k8sops.Landing
		err     error
		after   time.Duration
		want    approval.State
		again   bool
	}{
		"the mark is on the object":                   {landing: k8sops.Landed, want: approval.Applied},
		"the mark is not there and cannot come":       {landing: k8sops.NotLanded, want: approval.NotStarted},
		"the object is gone":                          {void: &k8sops.Error{Kind: k8sops.NotFound}, landing: k8sops.Gone, want: approval.Unknown},
		"a void that the server refused ends nothing": {void: &k8sops.Error{Kind: k8sops.Conflict}, landing: k8sops.NotLanded, want: approval.Executing, again: true},
		"the cluster is away for a moment":            {void: away, want: approval.Executing, again: true},
		"the object cannot be read for a moment":      {err: away, want: approval.Executing, again: true},
		"the cluster stays away":                      {void: away, after: 2 * time.Minute, want: approval.Unknown},
		"the object stays unreadable":                 {err: away, after: 2 * time.Minute, want: approval.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := b.executing(t)
			b.wait(c.after)
			b.cluster.void = func(context.Context) error { return c.void }
			b.cluster.landed = func() (k8sops.Landing, error) { return c.landing, c.err }
			err := b.Reconcile(t.Context(), r.ID)
			var later *approval.Later
			if again := errors.As(err, &later); again != c.again || (err != nil && !again) {
				t.Errorf("got %v, want to be called again: %v", err, c.again)
			}
			if got := b.rows.get(t, r.ID).State; got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if b.rows.held(r) {
				t.Error("got a lease that is still held")
			}
			if b.cluster.calls != 1 {
				t.Errorf("got %d changing calls, want the one of the execution", b.cluster.calls)
			}
		})
	}
}

// A look that took longer than its lease would be outdated by the next one, and that one by the next: nobody would ever say "unknown".
func TestOneLookEndsWithinItsLease(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.executing(t)
	var left time.Duration
	b.cluster.void = func(ctx context.Context) error {
		end, ok := ctx.Deadline()
		if !ok {
			return errors.New("a look without an end")
		}
		left = time.Until(end)
		return nil
	}
	if err := b.Reconcile(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if left <= 0 || left >= approval.LeaseTime {
		t.Errorf("got a look of at most %s, want less than the lease's %s", left, approval.LeaseTime)
	}
}

func TestReconcileWaitsForTheHolder(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.executing(t)
	if _, err := b.rows.TakeOver(t.Context(), r.Plan.Target.Key(), r.ID); err != nil {
		t.Fatal(err)
	}
	var later *approval.Later
	if err := b.Reconcile(t.Context(), r.ID); !errors.As(err, &later) {
		t.Errorf("got %v, want to be called again", err)
	}
	if slices.Contains(*b.steps, "voided") {
		t.Error("got a void mark while another look holds the lease")
	}
}

func TestReconcileStartsAnApprovedRequestAgainUntilItsTimeIsOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved(t)
	var later *approval.Later
	if err := b.Reconcile(t.Context(), r.ID); !errors.As(err, &later) {
		t.Errorf("got %v, want to be called again", err)
	}
	if !slices.Contains(b.rows.requeued, r.ID) {
		t.Error("got no other execution job")
	}
	b.wait(time.Hour)
	if err := b.Reconcile(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if got := b.rows.get(t, r.ID).State; got != approval.Expired {
		t.Errorf("got %s, want expired", got)
	}
	if b.cluster.calls != 0 {
		t.Errorf("got %d changing calls, want none", b.cluster.calls)
	}
}
