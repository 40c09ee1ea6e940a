package app

import (
	"context"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/incident"
)

func (s *storage) AddItem(ctx context.Context, op string, item incident.ActionItem, remind map[incident.Reminder]time.Time, told func(incident.ActionItem) incident.Event) (incident.ActionItem, error) {
	st := s.open.Load()
	if st == nil {
		return incident.ActionItem{}, approval.ErrUnavailable
	}
	return st.AddItem(ctx, op, item, remind, told)
}

func (s *storage) ChangeItem(ctx context.Context, id int64, remind func(due string) map[incident.Reminder]time.Time, change func(*incident.ActionItem) (incident.Event, error)) (incident.ActionItem, error) {
	st := s.open.Load()
	if st == nil {
		return incident.ActionItem{}, approval.ErrUnavailable
	}
	return st.ChangeItem(ctx, id, remind, change)
}

func (s *storage) Item(ctx context.Context, id int64) (incident.ActionItem, error) {
	st := s.open.Load()
	if st == nil {
		return incident.ActionItem{}, approval.ErrUnavailable
	}
	return st.Item(ctx, id)
}

func (s *storage) Items(ctx context.Context, f incident.ItemFilter) ([]incident.ActionItem, error) {
	st := s.open.Load()
	if st == nil {
		return nil, approval.ErrUnavailable
	}
	return st.Items(ctx, f)
}

func (s *storage) ClaimReminder(ctx context.Context, id int64, r incident.Reminder) (bool, error) {
	st := s.open.Load()
	if st == nil {
		return false, approval.ErrUnavailable
	}
	return st.ClaimReminder(ctx, id, r)
}

func (s *storage) SaveReminded(ctx context.Context, id int64, r incident.Reminder) error {
	st := s.open.Load()
	if st == nil {
		return approval.ErrUnavailable
	}
	return st.SaveReminded(ctx, id, r)
}
