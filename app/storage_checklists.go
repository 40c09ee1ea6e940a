package app

import (
	"context"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/checklist"
	"github.com/svcdown/svcdown/finding"
)

func (s *storage) OpenChecklist(ctx context.Context, key string, c checklist.Checklist) (checklist.Checklist, error) {
	st := s.open.Load()
	if st == nil {
		return checklist.Checklist{}, approval.ErrUnavailable
	}
	return st.OpenChecklist(ctx, key, c)
}

func (s *storage) Checklist(ctx context.Context, id string) (checklist.Checklist, error) {
	st := s.open.Load()
	if st == nil {
		return checklist.Checklist{}, approval.ErrUnavailable
	}
	return st.Checklist(ctx, id)
}

func (s *storage) ChangeChecklist(ctx context.Context, id, by string, change func(*checklist.Checklist) error) (checklist.Checklist, error) {
	st := s.open.Load()
	if st == nil {
		return checklist.Checklist{}, approval.ErrUnavailable
	}
	return st.ChangeChecklist(ctx, id, by, change)
}

func (s *storage) SaveReport(ctx context.Context, id string, step int, r finding.Report) error {
	st := s.open.Load()
	if st == nil {
		return approval.ErrUnavailable
	}
	return st.SaveReport(ctx, id, step, r)
}

func (s *storage) Report(ctx context.Context, id string, step int) (finding.Report, error) {
	st := s.open.Load()
	if st == nil {
		return finding.Report{}, approval.ErrUnavailable
	}
	return st.Report(ctx, id, step)
}

func (s *storage) FollowRequest(ctx context.Context, id string, step int, key string) (string, error) {
	st := s.open.Load()
	if st == nil {
		return "", approval.ErrUnavailable
	}
	return st.FollowRequest(ctx, id, step, key)
}

func (s *storage) Following(ctx context.Context, request string) (string, int, error) {
	st := s.open.Load()
	if st == nil {
		return "", 0, approval.ErrUnavailable
	}
	return st.Following(ctx, request)
}
