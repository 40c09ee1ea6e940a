package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/store/query"
)

// Receive records a delivery and its job in one transaction; only then may it be acknowledged. fresh is false for a key that was received
// before: nothing is inserted then. The payload comes back to [Jobs].Inbox byte for byte.
func (s *Store) Receive(ctx context.Context, key, kind string, payload []byte) (fresh bool, err error) {
	if payload == nil {
		payload = []byte{} // nil would be null
	}
	err = s.tx(ctx, "receive "+kind, func(ctx context.Context, tx pgx.Tx, q *query.Queries) error {
		n, err := q.Receive(ctx, query.ReceiveParams{Key: key, Kind: kind, Payload: payload})
		if err != nil || n == 0 {
			return err
		}
		fresh = true
		return s.insert(ctx, tx, inboxArgs{Key: key}, time.Time{})
	})
	return fresh && err == nil, err
}

// answer works one delivery. A job that is repeated after its delivery was done does nothing. Of what is done only the key stays: what people
// typed and where to answer them is nobody's business any more.
func (s *Store) answer(ctx context.Context, key string, body func(ctx context.Context, key, kind string, payload []byte) error) error {
	var row query.ReceivedRow
	err := s.do(ctx, "read the inbox", func(ctx context.Context, q *query.Queries) (err error) {
		row, err = q.Received(ctx, key)
		return err
	})
	if err != nil || row.DoneAt != nil {
		return err
	}
	if err := body(ctx, key, row.Kind, row.Payload); err != nil {
		return err
	}
	return s.do(ctx, "tick the inbox", func(ctx context.Context, q *query.Queries) error { return q.Done(ctx, key) })
}

// SaveGroups remembers who was in which Slack user group at asOf. An older answer never replaces a newer one. What is more than an hour older
// than asOf is of no use to anybody and forgotten.
func (s *Store) SaveGroups(ctx context.Context, members map[string][]catalog.SlackID, asOf time.Time) error {
	return s.tx(ctx, "save group members", func(ctx context.Context, _ pgx.Tx, q *query.Queries) error {
		for group, who := range members {
			raw, err := json.Marshal(who)
			if err != nil {
				return err
			}
			if err := q.SaveGroup(ctx, query.SaveGroupParams{GroupID: group, Members: raw, AsOf: asOf}); err != nil {
				return err
			}
		}
		return q.ForgetGroups(ctx, asOf.Add(-time.Hour)) // a group that is no longer asked for must not make all look old
	})
}

// LoadGroups returns the remembered members of every group, and when the oldest of these answers was given; zero when there is none.
func (s *Store) LoadGroups(ctx context.Context) (members map[string][]catalog.SlackID, asOf time.Time, err error) {
	members = map[string][]catalog.SlackID{}
	err = s.do(ctx, "load group members", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.LoadGroups(ctx)
		if err != nil {
			return err
		}
		for _, row := range rows {
			var who []catalog.SlackID
			if err := json.Unmarshal(row.Members, &who); err != nil {
				return fmt.Errorf("group %s: %w", row.GroupID, err)
			}
			members[row.GroupID] = who
			if asOf.IsZero() || row.AsOf.Before(asOf) {
				asOf = row.AsOf
			}
		}
		return nil
	})
	return members, asOf, err
}
