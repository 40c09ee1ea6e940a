package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/store/query"
)

// Jobs are the bodies of the jobs, by request ID. Each may be called again for the same request, also while an earlier call still runs
// elsewhere; Execute is not called again by its own job. An [approval.Later] calls a body again after a while, without counting as an attempt.
// Jobs of a nil function are left for another bot on the database.
type Jobs struct {
	Execute   func(ctx context.Context, id string) error
	Watch     func(ctx context.Context, id string) error
	Reconcile func(ctx context.Context, id string) error
	Remind    func(ctx context.Context, id string) error
	// Return takes back a change that returns by itself, when its time is over.
	Return func(ctx context.Context, id string) error
	// Announce brings what people see up to the request's present state. It follows every change, perhaps one call for several.
	Announce func(ctx context.Context, id string) error
	// Incident brings what people see up to an incident's present state. It follows every change, one call at a time for each incident, however
	// many bots there are; its context ends when that cannot be kept up.
	Incident func(ctx context.Context, id string) error
	// Escalate climbs an incident's ladder if it is due. It comes too often rather than too seldom.
	Escalate func(ctx context.Context, id string) error
	// Look finds out what is wrong, once for each time that an incident is opened or reopened.
	Look  func(ctx context.Context, id string) error
	Inbox func(ctx context.Context, key, kind string, payload []byte) error
	// RemindItem tells the owner of an action item that was due on a day when the timer was set, once for each reminder. It may come again.
	RemindItem func(ctx context.Context, id int64, r incident.Reminder, due string) error
	// TellAuditHead puts the head of the audit log where the database's owner cannot rewrite it. It is called every hour, by one bot.
	TellAuditHead func(ctx context.Context) error
	// WatchHealth asks the health URLs once. It is called every HealthEvery, by one bot at a time; 0 means never.
	WatchHealth func(ctx context.Context) error
	HealthEvery time.Duration
	// AskPager asks the pager who took a page there. It is called every AskPagerEvery, by one bot at a time; 0 means never.
	AskPager      func(ctx context.Context) error
	AskPagerEvery time.Duration
}

// Start works jobs until [Store.Stop]. What an earlier crash left behind is taken up at once.
func (s *Store) Start(ctx context.Context, jobs Jobs) error {
	s.started.Lock()
	defer s.started.Unlock()
	if s.worker != nil {
		return errors.New("start the jobs: they run already")
	}
	if err := s.beat(ctx); err != nil {
		return err
	}
	client, err := river.NewClient(riverpgxv5.New(s.pool), &river.Config{
		ID:     s.id,
		Logger: s.riverLog(),
		Queues: map[string]river.QueueConfig{
			river.QueueDefault: {MaxWorkers: 10},
			queueChanges:       {MaxWorkers: 4},
			queueInbox:         {MaxWorkers: 20},
		},
		Workers:                     s.workers(jobs),
		FetchOnlyKnownKinds:         true,
		ErrorHandler:                &jobErrors{s.log},
		JobTimeout:                  time.Minute,
		RescueStuckJobsAfter:        2 * time.Minute, // a last resort: the sweep finds the jobs of a dead bot sooner
		CompletedJobRetentionPeriod: time.Hour,
		PeriodicJobs:                periodic(jobs),
	})
	if err != nil {
		return fmt.Errorf("make the job workers: %w", err)
	}
	// The jobs outlive the call that starts them.
	if err := client.Start(context.WithoutCancel(ctx)); err != nil {
		return named(ctx, "start the jobs", err)
	}
	s.worker = client
	s.keepBeating()
	if err := s.sweep(ctx); err != nil {
		s.log.Warn().Err(err).Msg("look for what a crash left behind; the next look is soon")
	}
	return nil
}

// periodic are the jobs that the elected leader inserts by the clock.
func periodic(jobs Jobs) []*river.PeriodicJob {
	all := []*river.PeriodicJob{
		river.NewPeriodicJob(river.PeriodicInterval(sweepEvery), func() (river.JobArgs, *river.InsertOpts) { return sweepArgs{}, nil }, nil),
	}
	if jobs.TellAuditHead != nil {
		all = append(all, river.NewPeriodicJob(river.PeriodicInterval(headEvery), func() (river.JobArgs, *river.InsertOpts) { return headArgs{}, nil }, nil))
	}
	if jobs.WatchHealth != nil && jobs.HealthEvery > 0 {
		all = append(all, river.NewPeriodicJob(river.PeriodicInterval(jobs.HealthEvery), func() (river.JobArgs, *river.InsertOpts) { return healthArgs{}, nil }, nil))
	}
	if jobs.AskPager != nil && jobs.AskPagerEvery > 0 {
		all = append(all, river.NewPeriodicJob(river.PeriodicInterval(jobs.AskPagerEvery), func() (river.JobArgs, *river.InsertOpts) { return askPagerArgs{}, nil }, nil))
	}
	return all
}

func (s *Store) workers(jobs Jobs) *river.Workers {
	w := river.NewWorkers()
	if jobs.Execute != nil {
		river.AddWorker(w, &worker[executeArgs]{timeout: 30 * time.Second, do: func(ctx context.Context, a executeArgs) error { return jobs.Execute(ctx, a.ID) }})
	}
	if jobs.Watch != nil {
		river.AddWorker(w, &worker[watchArgs]{timeout: 20 * time.Minute, again: 5 * time.Second,
			do: func(ctx context.Context, a watchArgs) error { return jobs.Watch(ctx, a.ID) }})
	}
	if jobs.Reconcile != nil {
		river.AddWorker(w, &worker[reconcileArgs]{timeout: time.Minute, again: 5 * time.Second,
			do: func(ctx context.Context, a reconcileArgs) error { return jobs.Reconcile(ctx, a.ID) }})
	}
	if jobs.Remind != nil {
		river.AddWorker(w, &worker[remindArgs]{timeout: time.Minute, do: func(ctx context.Context, a remindArgs) error { return jobs.Remind(ctx, a.ID) }})
	}
	if jobs.Return != nil {
		river.AddWorker(w, &worker[returnArgs]{timeout: time.Minute, again: 10 * time.Second,
			do: func(ctx context.Context, a returnArgs) error { return jobs.Return(ctx, a.ID) }})
	}
	if jobs.Announce != nil {
		river.AddWorker(w, &worker[announceArgs]{timeout: 2 * time.Minute,
			do: func(ctx context.Context, a announceArgs) error { return s.announce(ctx, a.ID, jobs.Announce) }})
	}
	if jobs.Incident != nil {
		river.AddWorker(w, &worker[incidentArgs]{timeout: 5 * time.Minute, again: showAgain,
			do: func(ctx context.Context, a incidentArgs) error { return s.showUntilShown(ctx, a.ID, jobs.Incident) }})
	}
	if jobs.RemindItem != nil {
		river.AddWorker(w, &worker[remindItemArgs]{timeout: 40 * time.Second, again: time.Minute,
			do: func(ctx context.Context, a remindItemArgs) error {
				return jobs.RemindItem(ctx, a.ID, a.Reminder, a.Due)
			}})
	}
	if jobs.Escalate != nil {
		river.AddWorker(w, &worker[escalateArgs]{timeout: time.Minute, again: 5 * time.Second,
			do: func(ctx context.Context, a escalateArgs) error { return jobs.Escalate(ctx, a.ID) }})
	}
	if jobs.Look != nil {
		river.AddWorker(w, &worker[lookArgs]{timeout: 2 * time.Minute,
			do: func(ctx context.Context, a lookArgs) error { return jobs.Look(ctx, a.ID) }})
	}
	if jobs.Inbox != nil {
		river.AddWorker(w, &worker[inboxArgs]{timeout: 2 * time.Minute, again: time.Second,
			do: func(ctx context.Context, a inboxArgs) error { return s.answer(ctx, a.Key, jobs.Inbox) }})
	}
	if jobs.TellAuditHead != nil {
		river.AddWorker(w, &worker[headArgs]{timeout: time.Minute, do: func(ctx context.Context, _ headArgs) error { return jobs.TellAuditHead(ctx) }})
	}
	if jobs.WatchHealth != nil {
		river.AddWorker(w, &worker[healthArgs]{timeout: healthTime, do: func(ctx context.Context, _ healthArgs) error { return jobs.WatchHealth(ctx) }})
	}
	if jobs.AskPager != nil {
		river.AddWorker(w, &worker[askPagerArgs]{timeout: askPagerTime, do: func(ctx context.Context, _ askPagerArgs) error { return jobs.AskPager(ctx) }})
	}
	river.AddWorker(w, &worker[expireArgs]{timeout: 10 * time.Second, again: 5 * time.Second, do: s.expire})
	river.AddWorker(w, &worker[sweepArgs]{timeout: 30 * time.Second, do: func(ctx context.Context, _ sweepArgs) error { return s.sweep(ctx) }})
	return w
}

// worker hands a job to its body.
type worker[T river.JobArgs] struct {
	river.WorkerDefaults[T]
	timeout time.Duration
	again   time.Duration // before each retry; 0 for River's growing pauses
	do      func(context.Context, T) error
}

func (w *worker[T]) Timeout(*river.Job[T]) time.Duration { return w.timeout }

func (w *worker[T]) NextRetry(*river.Job[T]) time.Time {
	if w.again == 0 {
		return time.Time{}
	}
	return time.Now().Add(w.again)
}

func (w *worker[T]) Work(ctx context.Context, job *river.Job[T]) error {
	err := w.do(ctx, job.Args)
	if later, ok := errors.AsType[*approval.Later](err); ok {
		return river.JobSnooze(max(later.After, 0))
	}
	return err
}

// announce repeats the body until the request stood still meanwhile: of two announcements that run at once, the one that read the older
// state may speak last.
func (s *Store) announce(ctx context.Context, id string, body func(context.Context, string) error) error {
	for {
		before, err := s.version(ctx, id)
		if err != nil {
			return err
		}
		if err := body(ctx, id); err != nil {
			return err
		}
		after, err := s.version(ctx, id)
		if err != nil || after == before {
			return err
		}
	}
}

func (s *Store) version(ctx context.Context, id string) (v int64, err error) {
	err = s.do(ctx, "read the version of "+id, func(ctx context.Context, q *query.Queries) error {
		v, err = q.RequestVersion(ctx, id)
		return err
	})
	return v, err
}

// expire ends a request that is due. The timer is only a hint: the locked row decides, and a timer that is early waits.
func (s *Store) expire(ctx context.Context, a expireArgs) error {
	r, err := s.Change(ctx, a.ID, "svcdown", func(r *approval.Request) error {
		r.Expire(s.now())
		return nil
	})
	if err != nil {
		return err
	}
	if r.State == approval.Pending || r.State == approval.Approved {
		return &approval.Later{After: max(r.ExpiresAt.Sub(s.now()), time.Second)}
	}
	return nil
}

// jobErrors logs what River would only store.
type jobErrors struct{ log zerolog.Logger }

func (h *jobErrors) HandleError(_ context.Context, job *rivertype.JobRow, err error) *river.ErrorHandlerResult {
	h.log.Warn().Err(err).Str("job", job.Kind).RawJSON("args", job.EncodedArgs).Int("attempt", job.Attempt).Int("of", job.MaxAttempts).Msg("job")
	return nil
}

func (h *jobErrors) HandlePanic(_ context.Context, job *rivertype.JobRow, panicked any, trace string) *river.ErrorHandlerResult {
	h.log.Error().Interface("panic", panicked).Str("trace", trace).Str("job", job.Kind).RawJSON("args", job.EncodedArgs).Int("attempt", job.Attempt).Msg("job panicked")
	return nil
}
