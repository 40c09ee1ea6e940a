package app

import (
	"context"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/incident"
)

func (s *storage) Remember(ctx context.Context, incidentID, way, key string) error {
	st := s.open.Load()
	if st == nil {
		return approval.ErrUnavailable
	}
	return st.Remember(ctx, incidentID, way, key)
}

func (s *storage) Remembered(ctx context.Context, incidentID, way string) ([]string, error) {
	st := s.open.Load()
	if st == nil {
		return nil, approval.ErrUnavailable
	}
	return st.Remembered(ctx, incidentID, way)
}

func (s *storage) Watched(ctx context.Context, url string) (incident.Watched, error) {
	st := s.open.Load()
	if st == nil {
		return incident.Watched{}, approval.ErrUnavailable
	}
	return st.Watched(ctx, url)
}

func (s *storage) SaveWatched(ctx context.Context, url string, w incident.Watched) error {
	st := s.open.Load()
	if st == nil {
		return approval.ErrUnavailable
	}
	return st.SaveWatched(ctx, url, w)
}
