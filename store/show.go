package store

import (
	"context"
	"crypto/rand"
	"errors"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/store/query"
)

const (
	// showTime is how long showing an incident belongs to one bot; it is renewed while it works. A bot that died keeps the others waiting so
	// long.
	showTime  = 15 * time.Second
	showRenew = 3 * time.Second
	// showWait is when whoever finds it taken looks again.
	showWait = time.Second
)

// showAgain is when what could not be shown is tried anew.
const showAgain = 5 * time.Second

// showUntilShown is showIncident for ever: Slack may be away for longer than any number of attempts, and what people see must follow then.
func (s *Store) showUntilShown(ctx context.Context, id string, body func(context.Context, string) error) error {
	err := s.showIncident(ctx, id, body)
	if _, later := errors.AsType[*approval.Later](err); later || err == nil || ctx.Err() != nil || errors.Is(err, approval.ErrNotFound) {
		return err
	}
	s.log.Warn().Err(err).Str("incident", id).Msg("not everything of the incident is shown; it is tried again")
	return &approval.Later{After: showAgain}
}

// showIncident runs body for an incident, one bot at a time, and again until the incident stood still meanwhile. body's context ends when
// this bot cannot keep the others away any more.
func (s *Store) showIncident(ctx context.Context, id string, body func(context.Context, string) error) error {
	holder := s.id + "/" + rand.Text()
	taken, err := s.takeShow(ctx, id, holder)
	if err != nil {
		return err
	}
	if !taken {
		return &approval.Later{After: showWait}
	}
	showing, end := context.WithCancel(ctx)
	var keeping sync.WaitGroup
	keeping.Go(func() { s.keepShow(showing, end, id, holder) })
	err = s.settle(showing, id, body)
	end()
	keeping.Wait()
	err = errors.Join(err, s.do(context.WithoutCancel(ctx), "end the showing of "+id, func(ctx context.Context, q *query.Queries) error {
		return q.EndShow(ctx, query.EndShowParams{Incident: id, Holder: holder})
	}))
	return err
}

func (s *Store) settle(ctx context.Context, id string, body func(context.Context, string) error) error {
	version := func() (v int64, err error) {
		err = s.do(ctx, "read the version of "+id, func(ctx context.Context, q *query.Queries) error {
			v, err = q.IncidentVersion(ctx, id)
			return err
		})
		return v, err
	}
	for {
		before, err := version()
		if err != nil {
			return err
		}
		if err := body(ctx, id); err != nil {
			return err
		}
		after, err := version()
		if err != nil || after == before {
			return err
		}
	}
}

func (s *Store) takeShow(ctx context.Context, id, holder string) (taken bool, err error) {
	err = s.do(ctx, "take the showing of "+id, func(ctx context.Context, q *query.Queries) error {
		n, err := q.TakeShow(ctx, query.TakeShowParams{Incident: id, Holder: holder, ShowTime: showTime})
		taken = n == 1
		return err
	})
	return taken, err
}

// keepShow renews the claim, and calls lost when it cannot: from then on another bot may be at it.
func (s *Store) keepShow(ctx context.Context, lost context.CancelFunc, id, holder string) {
	tick := time.NewTicker(showRenew)
	defer tick.Stop()
	kept := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		asked := time.Now()
		taken, err := s.takeShow(ctx, id, holder)
		switch {
		case err == nil && taken:
			kept = asked
		case err == nil, time.Since(kept) > showTime-showRenew-answerTime:
			lost()
			return
		}
	}
}

// climbOverdue finds the ladders whose timer was lost.
func (s *Store) climbOverdue(ctx context.Context) error {
	return s.tx(ctx, "look for escalations that nobody makes", func(ctx context.Context, tx pgx.Tx, q *query.Queries) error {
		due := s.now().Add(-overdue)
		ids, err := q.OverdueIncidents(ctx, due)
		for _, id := range ids {
			err = errors.Join(err, s.insertUnlessWaiting(ctx, tx, escalateArgs{ID: id}, id))
		}
		return err
	})
}

// overdue is how late a timer may be before it counts as lost: River looks at scheduled jobs every five seconds.
const overdue = 30 * time.Second
