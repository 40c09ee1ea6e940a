package store

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/store/query"
)

// healthTime bounds one round over all health URLs.
const healthTime = 2 * time.Minute

type healthArgs struct{}

func (healthArgs) Kind() string { return "watch_health" }

// InsertOpts keeps the rounds apart: a round that still runs stands for the next one, on whichever bot.
func (healthArgs) InsertOpts() river.InsertOpts {
	return river.InsertOpts{MaxAttempts: 1, UniqueOpts: river.UniqueOpts{ByState: []rivertype.JobState{
		rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning, rivertype.JobStateScheduled,
	}}}
}

// askPagerTime bounds one round of questions to the pager.
const askPagerTime = time.Minute

type askPagerArgs struct{}

func (askPagerArgs) Kind() string { return "ask_pager" }

// InsertOpts keeps the rounds apart, as for the health URLs.
func (askPagerArgs) InsertOpts() river.InsertOpts { return healthArgs{}.InsertOpts() }

// Remember notes that the page with this key went out this way; once more changes nothing.
func (s *Store) Remember(ctx context.Context, incidentID, way, key string) error {
	return s.do(ctx, "remember a page of "+incidentID, func(ctx context.Context, q *query.Queries) error {
		return q.RememberPage(ctx, query.RememberPageParams{Incident: incidentID, Way: way, Key: key})
	})
}

// Remembered lists the keys of an incident's pages that went out this way, the oldest first.
func (s *Store) Remembered(ctx context.Context, incidentID, way string) (keys []string, err error) {
	err = s.do(ctx, "list the pages of "+incidentID, func(ctx context.Context, q *query.Queries) error {
		keys, err = q.RememberedPages(ctx, query.RememberedPagesParams{Incident: incidentID, Way: way})
		return err
	})
	return keys, err
}

// Watched is what the watch has seen of a URL so far; zero for one that it has not asked yet.
func (s *Store) Watched(ctx context.Context, url string) (w incident.Watched, err error) {
	err = s.do(ctx, "read what was seen of a health URL", func(ctx context.Context, q *query.Queries) error {
		row, err := q.WatchedURL(ctx, url)
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		w = incident.Watched{Results: row.Results, Failing: row.Failing}
		return err
	})
	return w, err
}

// SaveWatched remembers what the watch has seen of a URL.
func (s *Store) SaveWatched(ctx context.Context, url string, w incident.Watched) error {
	return s.do(ctx, "remember what was seen of a health URL", func(ctx context.Context, q *query.Queries) error {
		return q.SaveWatchedURL(ctx, query.SaveWatchedURLParams{Url: url, Results: w.Results, Failing: w.Failing})
	})
}
