package incident

import (
	"time"

	"github.com/svcdown/svcdown/redact"
)

// ActionItem is something that somebody will do so that it does not happen again.
type ActionItem struct {
	// ID is what people type.
	ID       int64       `json:"id"`
	Incident string      `json:"incident"`
	Text     redact.Text `json:"text"`
	// Owner and By are persons of the catalogue.
	Owner string    `json:"owner"`
	By    string    `json:"by"`
	At    time.Time `json:"at"`
	// Due is the last day for it, YYYY-MM-DD.
	Due    string    `json:"due"`
	Done   time.Time `json:"done,omitzero"`
	DoneBy string    `json:"doneBy,omitempty"`
}

// Until is when it is due, or that it is done.
func (a ActionItem) Until() redact.Text {
	if !a.Done.IsZero() {
		return redact.F("done %s by %s", a.Done.UTC().Format(time.DateOnly), a.DoneBy)
	}
	return redact.F("%s", a.Due)
}

// Overdue reports whether its last day is over on the day of now, in now's zone.
func (a ActionItem) Overdue(now time.Time) bool {
	return a.Done.IsZero() && a.Due < now.Format(time.DateOnly)
}

// A Reminder is told to the owner of an action, once each.
type Reminder string

// The reminders: in the morning of the day before the last one, and of the day after it.
const (
	RemindBefore  Reminder = "before"
	RemindOverdue Reminder = "overdue"
)

// remindHour is when people are reminded, by the clock of their zone.
const remindHour = 9

// Reminders are the times at which people are reminded of something due on a day, in zone.
func Reminders(due string, zone *time.Location) map[Reminder]time.Time {
	day, err := time.ParseInLocation(time.DateOnly, due, zone)
	if err != nil {
		return nil
	}
	at := func(days int) time.Time {
		return time.Date(day.Year(), day.Month(), day.Day()+days, remindHour, 0, 0, 0, zone)
	}
	return map[Reminder]time.Time{RemindBefore: at(-1), RemindOverdue: at(1)}
}

// ItemFilter says which action items are meant; zero fields mean all.
type ItemFilter struct {
	Incident string
	Owner    string
	// Open leaves out what is done.
	Open bool
}
