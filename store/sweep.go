package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/store/query"
)

const (
	beatEvery  = 5 * time.Second
	sweepEvery = 15 * time.Second
	// headEvery is how often the head of the audit log is handed out; whoever tells people does so once a day.
	headEvery = time.Hour
	// deadAfter is when a bot that was not seen counts as dead. One that only stood still repeats nothing: a change is guarded by its
	// lease, everything else may be done twice.
	deadAfter = 20 * time.Second
	// inboxKept is how long deliveries are known as duplicates; Slack redelivers for minutes.
	inboxKept = 7 * 24 * time.Hour
)

// beat says that this bot is alive.
func (s *Store) beat(ctx context.Context) error {
	return s.do(ctx, "report this bot as alive", func(ctx context.Context, q *query.Queries) error { return q.Seen(ctx, s.id) })
}

func (s *Store) keepBeating() {
	ctx, cancel := context.WithCancel(context.Background())
	s.beating = cancel
	s.beats.Go(func() {
		tick := time.NewTicker(beatEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				// Stopped in order: the others need not wait to take over what was cancelled.
				if err := s.do(context.Background(), "sign off", func(ctx context.Context, q *query.Queries) error { return q.Gone(ctx, s.id) }); err != nil {
					s.log.Warn().Err(err).Msg("sign off; the other bots will notice")
				}
				return
			case <-tick.C:
				if err := s.beat(ctx); err != nil && ctx.Err() == nil {
					s.log.Warn().Err(err).Msg("the database does not answer")
				}
			}
		}
	})
}

// sweep takes up what a crash left behind: the running jobs of dead bots, executions whose lease lapsed, changes that nobody watches,
// approvals that nobody begins, escalations that nobody makes.
func (s *Store) sweep(ctx context.Context) error {
	// After an outage of the database nobody was seen for a while: our own jobs are not a dead bot's.
	if err := s.beat(ctx); err != nil {
		return err
	}
	return errors.Join(s.adopt(ctx), s.reconcileLapsed(ctx), s.watchForsaken(ctx), s.requeueIdle(ctx), s.climbOverdue(ctx), s.forget(ctx))
}

// adopt gives the running jobs of dead bots to the living. River itself does so only after the longest time that a job may take; this does
// the same to its table, sooner. A job without attempts left ends: its change is for reconciling.
func (s *Store) adopt(ctx context.Context) error {
	return s.tx(ctx, "adopt the jobs of dead bots", func(ctx context.Context, tx pgx.Tx, _ *query.Queries) error {
		_, err := tx.Exec(ctx, `with orphans as (
				select j.id from river_job j
				where j.state = 'running' and j.attempted_at < clock_timestamp() - $1::interval
				  and not exists (select 1 from replicas r
				                  where r.id = j.attempted_by[array_length(j.attempted_by, 1)] and r.seen_at > clock_timestamp() - $1::interval)
				for update of j skip locked)
			update river_job j set
				state = (case when j.attempt < j.max_attempts then 'available' else 'discarded' end)::river_job_state,
				finalized_at = case when j.attempt < j.max_attempts then null else clock_timestamp() end,
				scheduled_at = clock_timestamp()
			from orphans o where j.id = o.id`, deadAfter)
		return err
	})
}

func (s *Store) reconcileLapsed(ctx context.Context) error {
	return s.tx(ctx, "look for lapsed executions", func(ctx context.Context, tx pgx.Tx, q *query.Queries) error {
		ids, err := q.LapsedExecutions(ctx)
		for _, id := range ids {
			err = errors.Join(err, s.insertUnlessWaiting(ctx, tx, reconcileArgs{ID: id}, id))
		}
		return err
	})
}

// watchForsaken watches on where a watch job has used up its attempts: the cluster may have been away for longer.
func (s *Store) watchForsaken(ctx context.Context) error {
	return s.tx(ctx, "look for changes that nobody watches", func(ctx context.Context, tx pgx.Tx, _ *query.Queries) error {
		rows, err := tx.Query(ctx, `select a.id from approvals a where a.state = 'applied' and not exists (
			select 1 from river_job j where j.kind = 'watch' and j.args @> jsonb_build_object('id', a.id)
			and j.state in ('available', 'scheduled', 'retryable', 'running'))
			for update skip locked`)
		if err != nil {
			return err
		}
		ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
		for _, id := range ids {
			err = errors.Join(err, s.insert(ctx, tx, watchArgs{ID: id}, time.Time{}))
		}
		return err
	})
}

func (s *Store) requeueIdle(ctx context.Context) error {
	var ids []string
	err := s.do(ctx, "look for approvals that nobody begins", func(ctx context.Context, q *query.Queries) (err error) {
		ids, err = q.IdleApproved(ctx)
		return err
	})
	for _, id := range ids {
		if e := s.Requeue(ctx, id); e != nil && !errors.Is(e, approval.ErrBusy) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// Requeue inserts another execution job for a request that is still approved, unless one waits already. It does nothing to a request in
// another state. [approval.ErrBusy] while somebody holds the target.
func (s *Store) Requeue(ctx context.Context, id string) error {
	return s.tx(ctx, "requeue "+id, func(ctx context.Context, tx pgx.Tx, q *query.Queries) error {
		r, _, err := s.change(ctx, tx, q, id, "svcdown", func(*approval.Request) error { return nil })
		if err != nil || r.State != approval.Approved {
			return err
		}
		held, err := q.Held(ctx, r.Plan.Target.Key())
		if err != nil {
			return err
		}
		if held {
			return approval.ErrBusy
		}
		return s.insertUnlessWaiting(ctx, tx, executeArgs{ID: id}, id)
	})
}

// forget removes what no duplicate can refer to any more, also what was given up.
func (s *Store) forget(ctx context.Context) error {
	return s.do(ctx, "forget old deliveries", func(ctx context.Context, q *query.Queries) error {
		_, err := q.ForgetInbox(ctx, inboxKept)
		return err
	})
}
