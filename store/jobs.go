package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/incident"
)

// The queues. Changes are few and must not wait behind announcements; inbox jobs are people waiting.
const (
	queueChanges = "changes"
	queueInbox   = "inbox"
)

const (
	// startGrace is how long an approved request may take to begin before reconciling asks why.
	startGrace = 20 * time.Second
	// reconcileGrace lets an answer that was just in time be recorded before reconciling starts.
	reconcileGrace = 2 * time.Second
)

type (
	executeArgs struct {
		ID string `json:"id"`
	}
	watchArgs struct {
		ID string `json:"id"`
	}
	reconcileArgs struct {
		ID string `json:"id"`
	}
	remindArgs struct {
		ID string `json:"id"`
	}
	returnArgs struct {
		ID string `json:"id"`
	}
	announceArgs struct {
		ID string `json:"id"`
	}
	expireArgs struct {
		ID string `json:"id"`
	}
	inboxArgs struct {
		Key string `json:"key"`
	}
	incidentArgs struct {
		ID string `json:"id"`
	}
	escalateArgs struct {
		ID string `json:"id"`
	}
	lookArgs struct {
		ID string `json:"id"`
	}
	remindItemArgs struct {
		ID       int64             `json:"item"`
		Reminder incident.Reminder `json:"reminder"`
		// Due is the day that it is about; "" where an older version set the timer.
		Due string `json:"due,omitempty"`
	}
	headArgs  struct{}
	sweepArgs struct{}
)

func (executeArgs) Kind() string    { return "execute" }
func (watchArgs) Kind() string      { return "watch" }
func (reconcileArgs) Kind() string  { return "reconcile" }
func (remindArgs) Kind() string     { return "remind" }
func (returnArgs) Kind() string     { return "return" }
func (announceArgs) Kind() string   { return "announce" }
func (expireArgs) Kind() string     { return "expire" }
func (inboxArgs) Kind() string      { return "inbox" }
func (incidentArgs) Kind() string   { return "incident" }
func (escalateArgs) Kind() string   { return "escalate" }
func (lookArgs) Kind() string       { return "look" }
func (remindItemArgs) Kind() string { return "remind_item" }
func (headArgs) Kind() string       { return "audit_head" }
func (sweepArgs) Kind() string      { return "sweep" }

// A change is attempted once by its job; what became of it is for reconciling to find out.
func (executeArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueChanges, MaxAttempts: 1, Priority: 1}
}
func (watchArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 10} }
func (reconcileArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueChanges, MaxAttempts: 50, Priority: 2}
}
func (remindArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 5} }
func (returnArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueChanges, MaxAttempts: 1000, Priority: 2}
}
func (announceArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 25} }
func (expireArgs) InsertOpts() river.InsertOpts   { return river.InsertOpts{MaxAttempts: 25} }
func (inboxArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{Queue: queueInbox, MaxAttempts: 5}
}
func (incidentArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 100} }
func (escalateArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 100, Priority: 1}
}
func (lookArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 25} }
func (remindItemArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 100, Priority: 3}
}
func (headArgs) InsertOpts() river.InsertOpts  { return river.InsertOpts{MaxAttempts: 3} }
func (sweepArgs) InsertOpts() river.InsertOpts { return river.InsertOpts{MaxAttempts: 1} }

// jobsForNew inserts what a new request needs.
func (s *Store) jobsForNew(ctx context.Context, tx pgx.Tx, r approval.Request, remindAfter time.Duration) error {
	if err := s.insert(ctx, tx, expireArgs{ID: r.ID}, r.ExpiresAt); err != nil {
		return err
	}
	if remindAfter > 0 && r.State == approval.Pending {
		if err := s.insert(ctx, tx, remindArgs{ID: r.ID}, s.now().Add(remindAfter)); err != nil {
			return err
		}
	}
	return s.jobsForChange(ctx, tx, approval.Request{}, r)
}

// jobsForChange inserts what the difference between two versions of a request calls for.
func (s *Store) jobsForChange(ctx context.Context, tx pgx.Tx, was, is approval.Request) error {
	if was.State != is.State {
		switch is.State {
		case approval.Approved:
			if err := s.insert(ctx, tx, executeArgs{ID: is.ID}, time.Time{}); err != nil {
				return err
			}
			// Also covers a crash before Begin, when no lease tells of it.
			if err := s.insert(ctx, tx, reconcileArgs{ID: is.ID}, time.Now().Add(startGrace)); err != nil {
				return err
			}
		case approval.Pending:
			if err := s.remindAgain(ctx, tx, was, is); err != nil {
				return err
			}
		case approval.Applied:
			if err := s.insert(ctx, tx, watchArgs{ID: is.ID}, time.Time{}); err != nil {
				return err
			}
			if is.Plan.Returns > 0 {
				if err := s.insert(ctx, tx, returnArgs{ID: is.ID}, s.now().Add(is.Plan.Returns)); err != nil {
					return err
				}
			}
		}
	}
	return s.insertUnlessWaiting(ctx, tx, announceArgs{ID: is.ID}, is.ID)
}

// remindAgain tells people at once that a voided request waits for them again: that its card was edited shows to nobody who is not looking. A
// reminder that still waits from before does it as well.
func (s *Store) remindAgain(ctx context.Context, tx pgx.Tx, was, is approval.Request) error {
	if was.State != approval.Approved {
		return nil
	}
	var waits bool
	err := tx.QueryRow(ctx, `select exists (select 1 from river_job
		where kind = $1 and args @> jsonb_build_object('id', $2::text) and state in ('available', 'scheduled', 'retryable'))`,
		remindArgs{}.Kind(), is.ID).Scan(&waits)
	if err != nil {
		return fmt.Errorf("look for a waiting remind job: %w", err)
	}
	if waits {
		return nil
	}
	return s.insert(ctx, tx, remindArgs{ID: is.ID}, time.Time{})
}

// insert adds a job that is worked at once, or at at when that is not zero.
func (s *Store) insert(ctx context.Context, tx pgx.Tx, args river.JobArgs, at time.Time) error {
	if _, err := s.inserter.InsertTx(ctx, tx, args, &river.InsertOpts{ScheduledAt: at}); err != nil {
		return fmt.Errorf("insert the %s job: %w", args.Kind(), err)
	}
	return nil
}

// insertUnlessWaiting adds a job of a request unless one that is about to run will see what this transaction writes. Such a job is locked
// until the commit, so that it cannot start on the old state in between; a job somebody is just fetching is skipped and does not count.
// River's unique jobs would let a running one stand for the new one, which may have read the old state. A job that was put off does not
// count either, except an execution: it waits for its target.
func (s *Store) insertUnlessWaiting(ctx context.Context, tx pgx.Tx, args river.JobArgs, id string) error {
	rows, err := tx.Query(ctx, `select id from river_job
		where kind = $1 and args @> jsonb_build_object('id', $2::text)
		  and state in ('available', 'scheduled', 'retryable')
		  and (scheduled_at <= clock_timestamp() + interval '1 second' or kind = 'execute')
		for update skip locked`, args.Kind(), id)
	if err != nil {
		return fmt.Errorf("look for a waiting %s job: %w", args.Kind(), err)
	}
	waiting, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		return fmt.Errorf("look for a waiting %s job: %w", args.Kind(), err)
	}
	if len(waiting) > 0 {
		return nil
	}
	return s.insert(ctx, tx, args, time.Time{})
}
