package app

import (
	"context"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/incident"
)

func (s *storage) IncidentsSince(ctx context.Context, since time.Time, most int) ([]incident.Incident, error) {
	st := s.open.Load()
	if st == nil {
		return nil, approval.ErrUnavailable
	}
	return st.IncidentsSince(ctx, since, most)
}

func (s *storage) RequestsSince(ctx context.Context, since time.Time, most int) ([]approval.Request, error) {
	st := s.open.Load()
	if st == nil {
		return nil, approval.ErrUnavailable
	}
	return st.RequestsSince(ctx, since, most)
}
