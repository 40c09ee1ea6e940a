package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/store/query"
)

// IncidentsSince lists the incidents that were opened since a moment, the newest first, at most so many.
func (s *Store) IncidentsSince(ctx context.Context, since time.Time, most int) (out []incident.Incident, err error) {
	err = s.do(ctx, "list past incidents", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.IncidentsSince(ctx, query.IncidentsSinceParams{Since: since, Most: int32(most)})
		if err != nil {
			return err
		}
		out, err = bodies[incident.Incident](rows)
		return err
	})
	return out, err
}

// RequestsSince lists the requests that were made since a moment, the newest first, at most so many.
func (s *Store) RequestsSince(ctx context.Context, since time.Time, most int) (out []approval.Request, err error) {
	err = s.do(ctx, "list past requests", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.RequestsSince(ctx, query.RequestsSinceParams{Since: since, Most: int32(most)})
		if err != nil {
			return err
		}
		out, err = bodies[approval.Request](rows)
		return err
	})
	return out, err
}

func bodies[T any](rows [][]byte) ([]T, error) {
	out := make([]T, len(rows))
	for n, body := range rows {
		if err := json.Unmarshal(body, &out[n]); err != nil {
			return nil, err
		}
	}
	return out, nil
}
