package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

func (b *testBundle) item(t *testing.T, op, owner string) incident.ActionItem {
	t.Helper()
	item, err := b.AddItem(t.Context(), op, incident.ActionItem{Incident: "I-BACKEND", Text: redact.Const("fix it"), Owner: owner, By: "alice", At: b.clock.now(), Due: "2026-12-01"}, nil,
		func(a incident.ActionItem) incident.Event {
			return incident.Event{Op: "item:" + a.Owner, At: a.At, Kind: incident.KindItem, By: a.By, Text: redact.F("action item for %s", a.Owner)}
		})
	if err != nil {
		t.Fatal(err)
	}
	return item
}

func TestAnActionItemIsStoredOnceForEachDelivery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.opened(t, "backend")
	first, again, other := b.item(t, "command:1", "bob"), b.item(t, "command:1", "bob"), b.item(t, "", "carol")
	if first.ID != again.ID || other.ID == first.ID {
		t.Errorf("numbers %d, %d, %d", first.ID, again.ID, other.ID)
	}
	events, err := b.Timeline(t.Context(), "I-BACKEND")
	if err != nil || strings.Join(texts(events), "|") != "Opened with severity 2: down|action item for bob|action item for carol" {
		t.Errorf("on the timeline: %v, %v", texts(events), err)
	}
	refusal := errors.New("no")
	if _, err := b.ChangeItem(t.Context(), first.ID, nil, func(a *incident.ActionItem) (incident.Event, error) {
		a.DoneBy = "mallory"
		return incident.Event{}, refusal
	}); !errors.Is(err, refusal) {
		t.Errorf("got %v", err)
	}
	if got, err := b.Item(t.Context(), first.ID); err != nil || got.DoneBy != "" {
		t.Errorf("a refusal stored %+v, %v", got, err)
	}
	if _, err := b.Item(t.Context(), 999); !errors.Is(err, approval.ErrNotFound) {
		t.Errorf("got %v", err)
	}
	if open, err := b.Items(t.Context(), incident.ItemFilter{Owner: "carol", Open: true}); err != nil || len(open) != 1 || open[0].ID != other.ID {
		t.Errorf("carol owes %+v, %v", open, err)
	}
}

func TestAReminderIsToldByOneBotAtATimeAndOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.opened(t, "backend")
	other := open(t, b.url, b.clock.now)
	id := b.item(t, "", "bob").ID
	if ours, err := b.ClaimReminder(t.Context(), id, incident.RemindBefore); !ours || err != nil {
		t.Fatalf("claimed %v, %v", ours, err)
	}
	var later *approval.Later
	if ours, err := other.ClaimReminder(t.Context(), id, incident.RemindBefore); ours || !errors.As(err, &later) {
		t.Errorf("two bots tell it at the same time: %v, %v", ours, err)
	}
	if ours, err := other.ClaimReminder(t.Context(), id, incident.RemindOverdue); !ours || err != nil {
		t.Errorf("the other reminder waits for this one: %v, %v", ours, err)
	}
	// The bot died; its time is over.
	db, err := pgx.Connect(t.Context(), b.url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	if _, err := db.Exec(t.Context(), "update action_item_reminders set until = $1", time.Now().Add(-time.Minute)); err != nil {
		t.Fatal(err)
	}
	if ours, err := other.ClaimReminder(t.Context(), id, incident.RemindBefore); !ours || err != nil {
		t.Errorf("nobody tells it after a crash: %v, %v", ours, err)
	}
	if err := other.SaveReminded(t.Context(), id, incident.RemindBefore); err != nil {
		t.Fatal(err)
	}
	if ours, err := b.ClaimReminder(t.Context(), id, incident.RemindBefore); ours || err != nil {
		t.Errorf("told twice: %v, %v", ours, err)
	}
}

func TestAnItemWithAnotherDayOrOwnerIsRemindedOfAnew(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.opened(t, "backend")
	id := b.item(t, "", "bob").ID
	remind := func(due string) map[incident.Reminder]time.Time { return incident.Reminders(due, time.UTC) }
	tell := func() {
		if ours, err := b.ClaimReminder(t.Context(), id, incident.RemindBefore); !ours || err != nil {
			t.Fatalf("claimed %v, %v", ours, err)
		}
		if err := b.SaveReminded(t.Context(), id, incident.RemindBefore); err != nil {
			t.Fatal(err)
		}
	}
	change := func(f func(*incident.ActionItem)) {
		if _, err := b.ChangeItem(t.Context(), id, remind, func(a *incident.ActionItem) (incident.Event, error) {
			f(a)
			return incident.Event{At: b.clock.now(), Kind: incident.KindItem, Text: redact.Const("changed")}, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	tell()
	change(func(a *incident.ActionItem) { a.Text = redact.Const("fix it well") })
	if ours, err := b.ClaimReminder(t.Context(), id, incident.RemindBefore); ours || err != nil {
		t.Errorf("other words remind anew: %v, %v", ours, err)
	}
	change(func(a *incident.ActionItem) { a.Due = "2026-12-24" })
	tell()
	change(func(a *incident.ActionItem) { a.Owner = "carol" })
	tell()
	db, err := pgx.Connect(t.Context(), b.url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(t.Context())
	rows, err := db.Query(t.Context(), "select args->>'reminder' || ' ' || (args->>'due') || ' ' || to_char(scheduled_at at time zone 'utc', 'MM-DD HH24') from river_job where kind = 'remind_item' order by id")
	if err != nil {
		t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[string])
	want := "before 2026-12-24 12-23 09|overdue 2026-12-24 12-25 09|before 2026-12-24 12-23 09|overdue 2026-12-24 12-25 09"
	if err != nil || strings.Join(got, "|") != want {
		t.Errorf("timers %q, %v; want %q", strings.Join(got, "|"), err, want)
	}
}
