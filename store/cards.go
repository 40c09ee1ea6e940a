package store

import (
	"context"
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/store/query"
)

// SaveCard remembers where the card of a request in this role stands; the last place wins.
func (s *Store) SaveCard(ctx context.Context, request, role string, at card.Address) error {
	return s.saveCard(ctx, request, at, func(ctx context.Context, q *query.Queries, raw []byte) error {
		return q.SaveCard(ctx, query.SaveCardParams{Request: request, Role: role, Address: raw})
	})
}

// SaveIncidentCard remembers where the card of an incident in this role stands; the last place wins.
func (s *Store) SaveIncidentCard(ctx context.Context, id, role string, at card.Address) error {
	return s.saveCard(ctx, id, at, func(ctx context.Context, q *query.Queries, raw []byte) error {
		return q.SaveIncidentCard(ctx, query.SaveIncidentCardParams{Incident: id, Role: role, Address: raw})
	})
}

func (s *Store) saveCard(ctx context.Context, of string, at card.Address, save func(context.Context, *query.Queries, []byte) error) error {
	return s.do(ctx, "remember the card of "+of, func(ctx context.Context, q *query.Queries) error {
		raw, err := json.Marshal(at)
		if err != nil {
			return err
		}
		return save(ctx, q, raw)
	})
}

// CardsOf returns the places of a request's cards by role; "origin" is where it was asked, as [Store.Propose] was told.
func (s *Store) CardsOf(ctx context.Context, request string) (map[string]card.Address, error) {
	return cardsOf(ctx, s, request, (*query.Queries).CardsOf)
}

// IncidentCards returns the places of an incident's cards by role; "origin" is where it was opened.
func (s *Store) IncidentCards(ctx context.Context, id string) (map[string]card.Address, error) {
	return cardsOf(ctx, s, id, (*query.Queries).IncidentCards)
}

// cardsOf reads rows of either table; the queries have types of their own that hold the same.
func cardsOf[row query.CardsOfRow | query.IncidentCardsRow](ctx context.Context, s *Store, of string, read func(*query.Queries, context.Context, string) ([]row, error)) (map[string]card.Address, error) {
	out := map[string]card.Address{}
	err := s.do(ctx, "find the cards of "+of, func(ctx context.Context, q *query.Queries) error {
		rows, err := read(q, ctx, of)
		if err != nil {
			return err
		}
		for _, r := range rows {
			found := query.CardsOfRow(r)
			var at card.Address
			if err := json.Unmarshal(found.Address, &at); err != nil {
				return err
			}
			out[found.Role] = at
		}
		return nil
	})
	return out, err
}

// ClaimIncidentCard gives what is done once for an incident to one bot for 45 s. false with no error: [Store.SaveIncidentCard] says that it was
// done. [approval.Later] while another bot is at it.
func (s *Store) ClaimIncidentCard(ctx context.Context, id, role string) (ours bool, err error) {
	done := false
	err = s.tx(ctx, "claim a card of "+id, func(ctx context.Context, _ pgx.Tx, q *query.Queries) error {
		n, err := q.ClaimIncidentCard(ctx, query.ClaimIncidentCardParams{Incident: id, Role: role, ClaimTime: claimTime})
		if err != nil {
			return err
		}
		// Read after the claim: whoever had it before saved the card first.
		done, err = q.HasIncidentCard(ctx, query.HasIncidentCardParams{Incident: id, Role: role})
		ours = n == 1 && !done
		return err
	})
	if err == nil && !ours && !done {
		return false, &approval.Later{After: showWait}
	}
	return ours && err == nil, err
}

// FreeIncidentCard gives a claim back that came to nothing, so that trying again need not wait for its end.
func (s *Store) FreeIncidentCard(ctx context.Context, id, role string) error {
	return s.do(ctx, "give back a card of "+id, func(ctx context.Context, q *query.Queries) error {
		return q.FreeIncidentCard(ctx, query.FreeIncidentCardParams{Incident: id, Role: role})
	})
}
