package store

import (
	"context"
	"encoding/json"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/store/query"
)

// answersKept is how long a card in Slack is remembered; nobody scrolls back further to press a button.
const answersKept = 48 * time.Hour

// SaveAnswer remembers a card that judges a service and stands in Slack; a second card of one message takes the place of the first.
func (s *Store) SaveAnswer(ctx context.Context, service string, p card.Posted) error {
	return s.do(ctx, "remember an answer about "+service, func(ctx context.Context, q *query.Queries) error {
		at, err := json.Marshal(p.At)
		if err != nil {
			return err
		}
		c, err := json.Marshal(p.Card)
		if err != nil {
			return err
		}
		return q.SaveAnswer(ctx, query.SaveAnswerParams{Forget: p.When.Add(-answersKept), Channel: p.At.Channel, Message: p.At.Message, Service: service, Address: at, Card: c, ShownAt: p.When})
	})
}

// AnswersOf lists the cards about a service that were shown between two moments, the newest first, at most limit.
func (s *Store) AnswersOf(ctx context.Context, service string, after, before time.Time, limit int) ([]card.Posted, error) {
	var out []card.Posted
	err := s.do(ctx, "list the answers about "+service, func(ctx context.Context, q *query.Queries) error {
		rows, err := q.AnswersOf(ctx, query.AnswersOfParams{Service: service, After: after, Before: before, Most: int32(limit)})
		if err != nil {
			return err
		}
		out = nil
		for _, row := range rows {
			p := card.Posted{When: row.ShownAt}
			if err := json.Unmarshal(row.Address, &p.At); err != nil {
				return err
			}
			if err := json.Unmarshal(row.Card, &p.Card); err != nil {
				return err
			}
			out = append(out, p)
		}
		return nil
	})
	return out, err
}
