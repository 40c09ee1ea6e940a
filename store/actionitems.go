package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/store/query"
)

// AddItem stores an action item with its number, the event that told makes of it, and its reminders, which come at the times of remind. The same op
// (not "") again returns what it added.
func (s *Store) AddItem(ctx context.Context, op string, item incident.ActionItem, remind map[incident.Reminder]time.Time, told func(incident.ActionItem) incident.Event) (stored incident.ActionItem, err error) {
	err = s.tx(ctx, "add an action item of "+item.Incident, func(ctx context.Context, tx pgx.Tx, q *query.Queries) error {
		id, err := q.InsertActionItem(ctx, query.InsertActionItemParams{Op: op, Incident: item.Incident, Owner: item.Owner, Due: item.Due, Body: []byte("{}")})
		if errors.Is(err, pgx.ErrNoRows) {
			body, err := q.ActionItemByOp(ctx, op)
			if err != nil {
				return err
			}
			return json.Unmarshal(body, &stored)
		}
		if err != nil {
			return err
		}
		stored = item
		stored.ID = id
		if err := s.remind(ctx, tx, stored, remind); err != nil {
			return err
		}
		return s.saveItem(ctx, tx, q, stored, told(stored))
	})
	return stored, err
}

// remind sets the timers of an item's reminders.
func (s *Store) remind(ctx context.Context, tx pgx.Tx, item incident.ActionItem, at map[incident.Reminder]time.Time) error {
	for _, r := range slices.Sorted(maps.Keys(at)) {
		if err := s.insert(ctx, tx, remindItemArgs{ID: item.ID, Reminder: r, Due: item.Due}, at[r]); err != nil {
			return err
		}
	}
	return nil
}

// ChangeItem locks an action item and hands it to change; what change did to it and the event it returns are stored together. Where change gave it
// another owner or another day, it is reminded of anew, at the times of remind. A refusal stores nothing and is returned. [approval.ErrNotFound],
// [approval.ErrUnavailable].
func (s *Store) ChangeItem(ctx context.Context, id int64, remind func(due string) map[incident.Reminder]time.Time, change func(*incident.ActionItem) (incident.Event, error)) (item incident.ActionItem, err error) {
	var refusal error
	err = s.tx(ctx, fmt.Sprintf("change action item %d", id), func(ctx context.Context, tx pgx.Tx, q *query.Queries) error {
		body, err := q.LockActionItem(ctx, id)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(body, &item); err != nil {
			return err
		}
		was := item
		var e incident.Event
		if e, refusal = change(&item); refusal != nil {
			return nil
		}
		if item.Owner != was.Owner || item.Due != was.Due {
			if err := q.ForgetReminders(ctx, id); err != nil {
				return err
			}
			if err := s.remind(ctx, tx, item, remind(item.Due)); err != nil {
				return err
			}
		}
		return s.saveItem(ctx, tx, q, item, e)
	})
	if err != nil {
		return incident.ActionItem{}, err
	}
	return item, refusal
}

// saveItem writes an item and its event, and has the incident shown.
func (s *Store) saveItem(ctx context.Context, tx pgx.Tx, q *query.Queries, item incident.ActionItem, e incident.Event) error {
	body, err := json.Marshal(item)
	if err != nil {
		return err
	}
	if err := q.SetActionItem(ctx, query.SetActionItemParams{ID: item.ID, Owner: item.Owner, Due: item.Due, DoneAt: moment(item.Done), Body: body}); err != nil {
		return err
	}
	if _, err := s.append(ctx, q, item.Incident, []incident.Event{e}); err != nil {
		return err
	}
	if err := q.TouchIncident(ctx, item.Incident); err != nil {
		return err
	}
	if err := s.insertUnlessWaiting(ctx, tx, incidentArgs{ID: item.Incident}, item.Incident); err != nil {
		return err
	}
	return s.audit(ctx, q, "action-item", e.By, "", item)
}

// Item reads one action item. [approval.ErrNotFound], [approval.ErrUnavailable].
func (s *Store) Item(ctx context.Context, id int64) (item incident.ActionItem, err error) {
	err = s.do(ctx, fmt.Sprintf("read action item %d", id), func(ctx context.Context, q *query.Queries) error {
		body, err := q.ActionItem(ctx, id)
		if err != nil {
			return err
		}
		return json.Unmarshal(body, &item)
	})
	return item, err
}

// Items lists action items: what is open first, then by their last day. It lists all of them, however many: who may read which is decided by whoever
// asks, and a list that was cut before would hide what they may read behind what they may not.
func (s *Store) Items(ctx context.Context, f incident.ItemFilter) (out []incident.ActionItem, err error) {
	err = s.do(ctx, "list action items", func(ctx context.Context, q *query.Queries) error {
		rows, err := q.ActionItems(ctx, query.ActionItemsParams{Incident: f.Incident, Owner: f.Owner, OpenOnly: f.Open})
		if err != nil {
			return err
		}
		out, err = bodies[incident.ActionItem](rows)
		return err
	})
	return out, err
}

// claimTime is how long a reminder belongs to the bot that tells it; one that died keeps it back so long.
const claimTime = 45 * time.Second

// ClaimReminder gives the telling of a reminder to one bot for 45 s. false with no error: it was told already. [approval.Later] while another bot
// is at it.
func (s *Store) ClaimReminder(ctx context.Context, id int64, r incident.Reminder) (ours bool, err error) {
	told := false
	err = s.tx(ctx, fmt.Sprintf("claim a reminder of action item %d", id), func(ctx context.Context, _ pgx.Tx, q *query.Queries) error {
		n, err := q.ClaimReminder(ctx, query.ClaimReminderParams{Item: id, Reminder: string(r), ClaimTime: claimTime})
		if ours = n == 1; err != nil || ours {
			return err
		}
		told, err = q.WasReminded(ctx, query.WasRemindedParams{Item: id, Reminder: string(r)})
		return err
	})
	if err == nil && !ours && !told {
		return false, &approval.Later{After: showWait}
	}
	return ours, err
}

// SaveReminded remembers that the owner of an item was told.
func (s *Store) SaveReminded(ctx context.Context, id int64, r incident.Reminder) error {
	return s.do(ctx, fmt.Sprintf("remember a reminder of action item %d", id), func(ctx context.Context, q *query.Queries) error {
		return q.SaveReminded(ctx, query.SaveRemindedParams{Item: id, Reminder: string(r)})
	})
}
