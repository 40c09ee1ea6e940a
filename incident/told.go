package incident

import (
	"time"

	"github.com/svcdown/svcdown/redact"
)

// UpdateDue is when people should have told others something again: every after they did so last, or were reminded of it. Zero when never.
func (i Incident) UpdateDue(every time.Duration) time.Time {
	if every <= 0 || !i.State.Active() {
		return time.Time{}
	}
	last := i.Opened()
	for _, t := range []time.Time{i.Told, i.Reminded} {
		if t.After(last) {
			last = t
		}
	}
	return last.Add(every)
}

// RemindUpdate records that an update is due at now, and returns the event; nothing when none is. However long nobody looked, it is one reminder.
func (i *Incident) RemindUpdate(every time.Duration, now time.Time) []Event {
	due := i.UpdateDue(every)
	if due.IsZero() || now.Before(due) {
		return nil
	}
	i.Reminded = now
	return []Event{{Op: "update-due:" + now.UTC().Format("20060102T150405.000000"), At: now, Kind: KindTold, By: "svcdown", Text: redact.F("An update is due: there was none for %s", Span(now.Sub(i.lastTold())))}}
}

func (i Incident) lastTold() time.Time {
	if i.Told.After(i.Opened()) {
		return i.Told
	}
	return i.Opened()
}
