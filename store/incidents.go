package store

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/store/query"
)

// OpenIncident stores i with its first event, and the jobs that show it and climb its ladder. fresh is false when an open incident has the key
// already: that one is returned and nothing is stored. The same op (not "") again returns what it opened, as fresh as the first time.
func (s *Store) OpenIncident(ctx context.Context, op string, i incident.Incident, first incident.Event, from card.Address) (stored incident.Incident, fresh bool, err error) {
	err = s.tx(ctx, "open "+i.ID, func(ctx context.Context, tx pgx.Tx, q *query.Queries) error {
		inserted, err := s.insertRow(ctx, q, op, i, from)
		if err != nil {
			return err
		}
		if inserted {
			stored, fresh = i, true
			return s.follow(ctx, tx, q, incident.Incident{}, i, []incident.Event{first}, i.Source)
		}
		body, err := q.IncidentByOp(ctx, op)
		if fresh = err == nil; errors.Is(err, pgx.ErrNoRows) {
			body, err = q.OpenIncidentByKey(ctx, i.Key)
		}
		if err != nil {
			return err
		}
		return json.Unmarshal(body, &stored)
	})
	return stored, fresh && err == nil, err
}

// insertRow reports false when another one has its op or, while open, its key. Whoever inserted follows.
func (s *Store) insertRow(ctx context.Context, q *query.Queries, op string, i incident.Incident, from card.Address) (bool, error) {
	body, err := json.Marshal(i)
	if err != nil {
		return false, err
	}
	origin, err := json.Marshal(from)
	if err != nil {
		return false, err
	}
	n, err := q.InsertIncident(ctx, query.InsertIncidentParams{ID: i.ID, Op: op, Key: i.Key, State: string(i.State), Service: i.Service,
		NextAt: moment(i.Next), Origin: origin, Body: body})
	return n > 0, err
}

// ChangeIncident locks the incident and hands it to change, once; what change did to it and the events it returns are stored together, with the
// jobs that they call for. A refusal of change stores nothing and is returned. [approval.ErrNotFound], [approval.ErrUnavailable],
// [incident.ErrTaken].
func (s *Store) ChangeIncident(ctx context.Context, id, by string, change func(*incident.Incident) ([]incident.Event, error)) (incident.Incident, error) {
	var changed incident.Incident
	var refusal error
	err := s.tx(ctx, "change "+id, func(ctx context.Context, tx pgx.Tx, q *query.Queries) error {
		if !storable(id) {
			return pgx.ErrNoRows
		}
		body, err := q.LockIncident(ctx, id)
		if err != nil {
			return err
		}
		var was incident.Incident
		if err := errors.Join(json.Unmarshal(body, &was), json.Unmarshal(body, &changed)); err != nil {
			return fmt.Errorf("read the stored incident: %w", err)
		}
		var events []incident.Event
		if events, refusal = change(&changed); refusal != nil {
			changed = was
			return nil
		}
		return s.saveIncident(ctx, tx, q, was, changed, events, by)
	})
	if err != nil {
		return incident.Incident{}, err
	}
	return changed, refusal
}

// saveIncident is the one place where a stored incident becomes another one.
func (s *Store) saveIncident(ctx context.Context, tx pgx.Tx, q *query.Queries, was, is incident.Incident, events []incident.Event, by string) error {
	before, err := json.Marshal(was)
	if err != nil {
		return err
	}
	after, err := json.Marshal(is)
	if err != nil {
		return err
	}
	if bytes.Equal(before, after) && len(events) == 0 {
		return nil
	}
	if is.ID != was.ID {
		return fmt.Errorf("the incident's ID became %q", is.ID)
	}
	err = q.UpdateIncident(ctx, query.UpdateIncidentParams{ID: is.ID, State: string(is.State), Service: is.Service, Room: is.Room, RoomName: is.RoomName,
		NextAt: moment(is.Next), ResolvedAt: moment(is.Times.Resolved), Body: after})
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok && answer.Code == uniqueViolation {
		return incident.ErrTaken
	}
	if err != nil {
		return err
	}
	return s.follow(ctx, tx, q, was, is, events, by)
}

// uniqueViolation: https://www.postgresql.org/docs/current/errcodes-appendix.html
const uniqueViolation = "23505"

// follow appends the events, and inserts the jobs and the audit entry that a change calls for.
func (s *Store) follow(ctx context.Context, tx pgx.Tx, q *query.Queries, was, is incident.Incident, events []incident.Event, by string) error {
	if _, err := s.append(ctx, q, is.ID, events); err != nil {
		return err
	}
	if !is.Next.IsZero() && !is.Next.Equal(was.Next) {
		// A timer of an earlier Next fires as well, and finds that nothing is due.
		if err := s.insert(ctx, tx, escalateArgs{ID: is.ID}, is.Next); err != nil {
			return err
		}
	}
	if !was.State.Active() && is.State.Active() {
		if err := s.insert(ctx, tx, lookArgs{ID: is.ID}, time.Time{}); err != nil {
			return err
		}
	}
	if err := s.insertUnlessWaiting(ctx, tx, incidentArgs{ID: is.ID}, is.ID); err != nil {
		return err
	}
	if was.State == is.State && was.Severity == is.Severity && len(events) == 0 {
		return nil // where its channel is, and such
	}
	return s.audit(ctx, q, "incident", by, is.Service, auditedIncident{Incident: is.ID, From: was.State, To: is.State, Severity: is.Severity, Events: events})
}

type auditedIncident struct {
	Incident string           `json:"incident"`
	From     incident.State   `json:"from,omitempty"`
	To       incident.State   `json:"to"`
	Severity int              `json:"severity"`
	Events   []incident.Event `json:"events,omitempty"`
}

// append puts events on the timeline and counts those that were not there.
func (s *Store) append(ctx context.Context, q *query.Queries, id string, events []incident.Event) (fresh int, err error) {
	for _, e := range events {
		body, err := json.Marshal(e)
		if err != nil {
			return fresh, err
		}
		n, err := q.AppendEvent(ctx, query.AppendEventParams{Incident: id, Op: e.Op, At: e.At, Body: body})
		if err != nil {
			return fresh, err
		}
		fresh += int(n)
	}
	return fresh, nil
}

// Put adds events to a timeline. An Op that stands there already is left out. It reports how many are new.
func (s *Store) Put(ctx context.Context, id string, events []incident.Event) (fresh int, err error) {
	err = s.tx(ctx, "write to the timeline of "+id, func(ctx context.Context, tx pgx.Tx, q *query.Queries) error {
		if fresh, err = s.append(ctx, q, id, events); err != nil || fresh == 0 {
			return err
		}
		if err := q.TouchIncident(ctx, id); err != nil {
			return err
		}
		return s.insertUnlessWaiting(ctx, tx, incidentArgs{ID: id}, id)
	})
	return fresh, err
}

// Incident reads one incident. [approval.ErrNotFound], [approval.ErrUnavailable].
func (s *Store) Incident(ctx context.Context, id string) (incident.Incident, error) {
	return s.oneIncident(ctx, "read "+id, id, func(ctx context.Context, q *query.Queries) ([]byte, error) { return q.IncidentByID(ctx, id) })
}

// IncidentIn reads the incident whose channel it is. [approval.ErrNotFound] for any other channel.
func (s *Store) IncidentIn(ctx context.Context, room string) (incident.Incident, error) {
	return s.oneIncident(ctx, "find the incident of a channel", room, func(ctx context.Context, q *query.Queries) ([]byte, error) { return q.IncidentByRoom(ctx, room) })
}

// IncidentOf reads the newest incident of a service that is not closed. [approval.ErrNotFound] when there is none.
func (s *Store) IncidentOf(ctx context.Context, service string) (incident.Incident, error) {
	return s.oneIncident(ctx, "find the incident of "+service, service, func(ctx context.Context, q *query.Queries) ([]byte, error) { return q.IncidentOfService(ctx, service) })
}

func (s *Store) oneIncident(ctx context.Context, action, by string, read func(context.Context, *query.Queries) ([]byte, error)) (i incident.Incident, err error) {
	err = s.do(ctx, action, func(ctx context.Context, q *query.Queries) error {
		if by == "" || !storable(by) {
			return pgx.ErrNoRows
		}
		body, err := read(ctx, q)
		if err != nil {
			return err
		}
		return json.Unmarshal(body, &i)
	})
	return i, err
}

// Incidents lists those that are not closed, the newest first, and with closed also the history.
func (s *Store) Incidents(ctx context.Context, closed bool, limit int) ([]incident.Incident, error) {
	return s.incidents(ctx, "list incidents", func(ctx context.Context, q *query.Queries) ([][]byte, error) {
		return q.Incidents(ctx, query.IncidentsParams{OpenOnly: !closed, Most: int32(limit)})
	})
}

// Climbing lists those that people work on and that nobody has taken in the present round of their escalation, in no order.
func (s *Store) Climbing(ctx context.Context) ([]incident.Incident, error) {
	return s.incidents(ctx, "list incidents that nobody has taken", func(ctx context.Context, q *query.Queries) ([][]byte, error) { return q.ClimbingIncidents(ctx) })
}

func (s *Store) incidents(ctx context.Context, action string, read func(context.Context, *query.Queries) ([][]byte, error)) ([]incident.Incident, error) {
	var out []incident.Incident
	err := s.do(ctx, action, func(ctx context.Context, q *query.Queries) error {
		rows, err := read(ctx, q)
		if err != nil {
			return err
		}
		out = make([]incident.Incident, len(rows))
		for n, body := range rows {
			if err := json.Unmarshal(body, &out[n]); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// Timeline reads all events of an incident in the order in which they happened.
func (s *Store) Timeline(ctx context.Context, id string) ([]incident.Event, error) {
	var out []incident.Event
	err := s.do(ctx, "read the timeline of "+id, func(ctx context.Context, q *query.Queries) error {
		rows, err := q.Timeline(ctx, id)
		if err != nil {
			return err
		}
		out = make([]incident.Event, len(rows))
		for n, body := range rows {
			if err := json.Unmarshal(body, &out[n]); err != nil {
				return err
			}
		}
		return nil
	})
	return out, err
}

// moment is null for no moment.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
