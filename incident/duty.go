package incident

import (
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/redact"
)

// Tick says that somebody did a duty of a level.
type Tick struct {
	// Duty counts from 1 in the order of the level's duties.
	Duty int       `json:"duty"`
	By   string    `json:"by"`
	At   time.Time `json:"at"`
}

// Ticked finds who did the duty; false while nobody has.
func (r Rung) Ticked(duty int) (Tick, bool) {
	k := slices.IndexFunc(r.Ticks, func(t Tick) bool { return t.Duty == duty })
	if k < 0 {
		return Tick{}, false
	}
	return r.Ticks[k], true
}

// newest finds the last call of a level, -1 when there was none.
func (c Climb) newest(level int) int {
	for k := len(c.Rungs) - 1; k >= 0; k-- {
		if c.Rungs[k].Level == level {
			return k
		}
	}
	return -1
}

// Counts is true for the call of a level that ticks count for: the newest one.
func (c Climb) Counts(r Rung) bool {
	k := c.newest(r.Level)
	return k >= 0 && c.Rungs[k].Key() == r.Key()
}

// Tick marks a duty of the level's newest call as done, or, with done false, as not done yet.
func (i *Incident) Tick(level, duty int, done bool, by string, now time.Time) (Event, error) {
	if i.State == Closed {
		return Event{}, i.over("tick a duty of")
	}
	at := i.Climb.newest(level)
	if level < 1 || at < 0 {
		return Event{}, &Refusal{redact.F("Level %d of %s was not called, so nothing was ticked.", level, i.ID)}
	}
	r := i.Climb.Rungs[at]
	if duty < 1 || duty > len(r.Duties) {
		return Event{}, &Refusal{redact.F("Level %d has %d duties, not a number %d; nothing was ticked.", level, len(r.Duties), duty)}
	}
	was, ticked := r.Ticked(duty)
	switch {
	case done && ticked:
		return Event{}, &Refusal{redact.F("%s did that at %s UTC already; nothing was changed.", was.By, was.At.UTC().Format("15:04"))}
	case !done && !ticked:
		return Event{}, &Refusal{redact.Const("Nobody has ticked that; nothing was changed.")}
	}
	text := redact.F("Not done yet: %s (a duty of level %d)", strings.TrimSpace(r.Duties[duty-1]), level)
	r.Ticks = slices.DeleteFunc(slices.Clone(r.Ticks), func(t Tick) bool { return t.Duty == duty })
	if done {
		text = redact.F("Done: %s (a duty of level %d)", strings.TrimSpace(r.Duties[duty-1]), level)
		r.Ticks = append(r.Ticks, Tick{Duty: duty, By: by, At: now})
	}
	r.Marked++
	i.Climb.Rungs = slices.Clone(i.Climb.Rungs)
	i.Climb.Rungs[at] = r
	i.Sign(now)
	return Event{At: now, Kind: KindNote, By: by, Text: text}, nil
}
