package incident

import (
	"fmt"
	"time"

	"github.com/svcdown/svcdown/redact"
)

// Kind is what sort of thing happened.
type Kind string

// The kinds of an Event.
const (
	KindState      Kind = "state" // opened, acknowledged, moved, rated
	KindAlert      Kind = "alert"
	KindVerdict    Kind = "verdict"
	KindRequest    Kind = "request"
	KindApproval   Kind = "approval"
	KindChange     Kind = "change"
	KindEscalation Kind = "escalation"
	KindPage       Kind = "page"
	KindRole       Kind = "role"
	KindNote       Kind = "note"
	KindMessage    Kind = "message" // marked with a pushpin in the channel
	KindTold       Kind = "told"    // what others were told: status page, stakeholders
	KindItem       Kind = "action"  // an action item was written down or done
	KindLesson     Kind = "lesson"  // what the runbook should say next time
)

// Event is one line of a timeline. The timeline is append-only; its order is that of At.
type Event struct {
	// Op names what happened, once for each incident: the same Op twice is one line. "" is never a repetition.
	Op   string    `json:"op,omitempty"`
	At   time.Time `json:"at"`
	Kind Kind      `json:"kind"`
	// By is a person of the catalogue, or the system that says it.
	By   string      `json:"by"`
	Text redact.Text `json:"text"`
}

// Line is the event as people read it, without its date.
func (e Event) Line() redact.Text {
	return redact.F("%s %s: %s", e.At.UTC().Format("15:04:05"), e.By, e.Text)
}

// Span writes a duration as people say it, rounded to what matters: "45 s", "1 min 52 s", "17 min", "2 h 5 min".
func Span(d time.Duration) string {
	switch s := int(d.Round(time.Second).Seconds()); {
	case s < 60:
		return fmt.Sprintf("%d s", max(s, 0))
	case s < 600 && s%60 != 0:
		return fmt.Sprintf("%d min %d s", s/60, s%60)
	case s < 3600:
		return fmt.Sprintf("%d min", s/60)
	case s < 48*3600:
		return fmt.Sprintf("%d h %d min", s/3600, s%3600/60)
	default:
		return fmt.Sprintf("%d days", s/86400)
	}
}
