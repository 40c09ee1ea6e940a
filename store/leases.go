package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/store/query"
)

// Leases are judged by the database's clock: several bots must agree on when one lapsed, and their own clocks do not. What is due to people
// (expiry, votes) goes by the injected clock, as it does in package approval.

// Acquire takes the target's lease for [approval.LeaseTime] and outdates an earlier one of the same request. [approval.ErrBusy] while
// another request holds it, and while a request whose lease lapsed is still executing: what became of that change must be found out first.
func (s *Store) Acquire(ctx context.Context, target, request string) (approval.Lease, error) {
	asked := time.Now()
	l := approval.Lease{Target: target, Holder: request}
	err := s.tx(ctx, "lease "+target, func(ctx context.Context, _ pgx.Tx, q *query.Queries) error {
		// The row is locked by a statement of its own: one that waits for a lock judges what it looks up elsewhere as of before the wait, and
		// a request that began meanwhile would not be seen executing.
		if err := q.MakeLease(ctx, query.MakeLeaseParams{Target: target, Holder: request}); err != nil {
			return err
		}
		if _, err := q.LockLease(ctx, target); err != nil {
			return err
		}
		row, err := q.Acquire(ctx, query.AcquireParams{Target: target, Holder: request, LeaseTime: approval.LeaseTime})
		l.Token, l.Until = row.Token, until(asked, row.LeftUs)
		return busy(err)
	})
	return l, err
}

// TakeOver is Acquire for whoever finds out what became of a request: it takes the lease only once it has lapsed, [approval.ErrBusy] before.
func (s *Store) TakeOver(ctx context.Context, target, request string) (approval.Lease, error) {
	asked := time.Now()
	l := approval.Lease{Target: target, Holder: request}
	err := s.do(ctx, "take over "+target, func(ctx context.Context, q *query.Queries) error {
		row, err := q.TakeOver(ctx, query.TakeOverParams{Target: target, Holder: request, LeaseTime: approval.LeaseTime})
		l.Token, l.Until = row.Token, until(asked, row.LeftUs)
		return busy(err)
	})
	return l, err
}

// until is the end of a lease by this computer's clock: never later than the database's, since asked was before the answer.
func until(asked time.Time, leftMicroseconds int64) time.Time {
	return asked.Add(time.Duration(leftMicroseconds) * time.Microsecond)
}

func busy(err error) error {
	if errors.Is(err, pgx.ErrNoRows) {
		return approval.ErrBusy
	}
	return err
}

// Begin applies change to the locked request when l is the newest lease and has not lapsed, and sets a reconcile job for when it lapses, in
// one transaction. [approval.ErrLost] when the lease is not ours any more; change is not called then.
func (s *Store) Begin(ctx context.Context, l approval.Lease, change func(*approval.Request) error) (approval.Request, error) {
	return s.underLease(ctx, "begin "+l.Holder, l, func(ctx context.Context, tx pgx.Tx, q *query.Queries, row query.LockLeaseRow) (approval.Request, error, error) {
		if row.Lapsed {
			return approval.Request{}, nil, approval.ErrLost
		}
		r, refusal, err := s.change(ctx, tx, q, l.Holder, "svcdown", change)
		if err != nil || r.State != approval.Executing {
			return r, refusal, err
		}
		return r, refusal, s.insert(ctx, tx, reconcileArgs{ID: l.Holder}, row.Until.Add(reconcileGrace))
	})
}

// End applies change to the locked request when l is the newest lease, lapsed or not, and gives the lease back, in one transaction.
// [approval.ErrLost] when somebody took over; change is not called then.
func (s *Store) End(ctx context.Context, l approval.Lease, change func(*approval.Request) error) (approval.Request, error) {
	return s.underLease(ctx, "end "+l.Holder, l, func(ctx context.Context, tx pgx.Tx, q *query.Queries, _ query.LockLeaseRow) (approval.Request, error, error) {
		r, refusal, err := s.change(ctx, tx, q, l.Holder, "svcdown", change)
		if err != nil {
			return r, nil, err
		}
		_, err = q.Release(ctx, query.ReleaseParams{Target: l.Target, Holder: l.Holder, Token: l.Token})
		return r, refusal, err
	})
}

// Release gives the lease back without a change; a lease that is not ours any more is left alone.
func (s *Store) Release(ctx context.Context, l approval.Lease) error {
	return s.do(ctx, "release "+l.Target, func(ctx context.Context, q *query.Queries) error {
		_, err := q.Release(ctx, query.ReleaseParams{Target: l.Target, Holder: l.Holder, Token: l.Token})
		return err
	})
}

type leased func(ctx context.Context, tx pgx.Tx, q *query.Queries, row query.LockLeaseRow) (r approval.Request, refusal, err error)

// underLease locks the request, then the lease, in the order of everyone who takes both.
func (s *Store) underLease(ctx context.Context, action string, l approval.Lease, f leased) (approval.Request, error) {
	var out approval.Request
	var refusal error
	err := s.tx(ctx, action, func(ctx context.Context, tx pgx.Tx, q *query.Queries) error {
		if _, err := q.LockRequest(ctx, l.Holder); err != nil {
			return err
		}
		row, err := q.LockLease(ctx, l.Target)
		if errors.Is(err, pgx.ErrNoRows) || (err == nil && (row.Holder != l.Holder || row.Token != l.Token)) {
			return approval.ErrLost
		}
		if err != nil {
			return fmt.Errorf("lock the lease: %w", err)
		}
		out, refusal, err = f(ctx, tx, q, row)
		return err
	})
	if err != nil {
		return approval.Request{}, err
	}
	return out, refusal
}
