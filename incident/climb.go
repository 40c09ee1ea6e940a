package incident

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
)

// Climb is how far the escalation has come. It begins a new round when an incident is reopened, when an alert raises its severity, and when nobody
// was heard of for too long.
type Climb struct {
	Round int       `json:"round"`
	Since time.Time `json:"since"` // when this round began
	Level int       `json:"level"` // the highest level of this round that was reached; 0 for none
	// Why is what began this round, when it was something else than the incident itself.
	Why string `json:"why,omitempty"`
	// Stopped is true once somebody has taken the incident.
	Stopped   bool      `json:"stopped,omitempty"`
	StoppedAt time.Time `json:"stoppedAt,omitzero"`
	StoppedBy string    `json:"stoppedBy,omitempty"`
	// Rungs are the newest levels that were reached, oldest first.
	Rungs []Rung `json:"rungs,omitempty"`
}

func (c *Climb) add(r Rung) {
	c.Rungs = append(slices.Clip(c.Rungs), r)
	if n := len(c.Rungs); n > maxRungs {
		c.Rungs = c.Rungs[n-maxRungs:]
	}
}

func (c *Climb) stop(by string, now time.Time) {
	c.Stopped, c.StoppedAt, c.StoppedBy = true, now, by
}

// Rung is one level that was reached, or, with Level 0, a call of one person.
type Rung struct {
	Round  int       `json:"round"`
	Level  int       `json:"level"`
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Why    string    `json:"why"`
	Roles  []string  `json:"roles"`
	People []string  `json:"people,omitempty"`
	Duties []string  `json:"duties,omitempty"`
	// Ticks are the Duties that somebody did, Marked how often a tick was set or taken back.
	Ticks  []Tick `json:"ticks,omitempty"`
	Marked int    `json:"marked,omitempty"`
	// Notes say why it is these People when that is not as usual.
	Notes []redact.Text `json:"notes,omitempty"`
}

// Holders are who answers for a role at a moment.
type Holders struct {
	People []string
	// Note says what is unusual about them: that PagerDuty could not be asked.
	Note redact.Text
}

// Key tells a rung apart from all others of its incident, whoever repeats it.
func (r Rung) Key() string {
	if r.Level == 0 {
		return "call:" + strconv.FormatInt(r.At.UnixNano(), 10)
	}
	return opOf("level", r.Round, r.Level)
}

// maxRungs bounds what is kept of an incident that nobody looks at for days; the timeline has them all.
const maxRungs = 20

// Due is when ladder has to be looked at next: a level is due, or nobody was heard of for so long that a new round begins. Zero when neither
// can happen.
func (i Incident) Due(l catalog.Ladder) time.Time {
	c := i.Climb
	switch {
	case !i.State.Active() || len(l.Levels) == 0:
		return time.Time{}
	case !c.Stopped && c.Level < len(l.Levels):
		return c.Since.Add(l.Levels[c.Level].After)
	}
	// Taken, or called to the top and nobody came.
	last := i.Active
	for _, r := range c.Rungs {
		if r.At.After(last) {
			last = r.At
		}
	}
	return last.Add(l.Quiet)
}

// Escalate climbs to every level that is due at now and returns the events. people says who answers for a role at this moment. A bot that was
// down past several levels climbs them all at once, each of them once; whatever is not due any more changes nothing.
func (i *Incident) Escalate(l catalog.Ladder, people func(role string) Holders, now time.Time) []Event {
	due := i.Due(l)
	if due.IsZero() || now.Before(due) {
		return nil
	}
	var events []Event
	if i.Climb.Stopped || i.Climb.Level >= len(l.Levels) {
		events = append(events, Event{Op: opOf("round", i.Climb.Round+1, 0), At: now, Kind: KindEscalation, By: "svcdown",
			Text: redact.F("Nobody was heard of for %s, so the escalation begins anew", Span(l.Quiet))})
		i.Climb = Climb{Round: i.Climb.Round + 1, Since: now, Rungs: i.Climb.Rungs}
	}
	for i.Climb.Level < len(l.Levels) && !now.Before(i.Climb.Since.Add(l.Levels[i.Climb.Level].After)) {
		why := "nobody has taken it for " + Span(now.Sub(i.Climb.Since))
		if l.Levels[i.Climb.Level].After == 0 {
			why = cmp.Or(i.Climb.Why, "it has begun")
		}
		events = append(events, i.climb(l, i.Climb.Level+1, people, "svcdown", why, now))
	}
	return events
}

// Raise climbs to a level because a person says so; level 0 is the next one. The levels below it are left out, and the ladder goes on from
// there unless somebody has taken the incident.
func (i *Incident) Raise(l catalog.Ladder, level int, people func(role string) Holders, by, why string, now time.Time) (Event, error) {
	switch {
	case !i.State.Active():
		return Event{}, i.over("escalate")
	case len(l.Levels) == 0:
		return Event{}, &Refusal{redact.F("No escalation of svcdown.yaml covers %s with severity %d, so nobody was called.", i.ID, i.Severity)}
	case level == 0 && i.Climb.Level >= len(l.Levels):
		return Event{}, &Refusal{redact.F("%s has reached the last level, %d. Name a level to call it again; nobody was called.", i.ID, i.Climb.Level)}
	case level < 0 || level > len(l.Levels):
		return Event{}, &Refusal{redact.F("There are levels 1 to %d, not %d; nobody was called.", len(l.Levels), level)}
	case level == 0:
		level = i.Climb.Level + 1
	}
	if why == "" {
		why = "asked for"
	}
	i.Sign(now)
	if i.reached(level) { // called again: another round, or the page would count as a repetition of the first
		i.Climb.Round++
	}
	return i.climb(l, level, people, by, why, now), nil
}

// Worsen takes up that alerts say worse than any of the incident has said before: the severity rises to theirs, and the escalation begins anew. It
// never falls, and an alert that is known already raises nothing, so that a severity that people chose after it stays.
func (i *Incident) Worsen(g Gathered, now time.Time) []Event {
	if !g.Fires() || g.Severity < catalog.WorstSeverity || i.Alerted != 0 && g.Severity >= i.Alerted {
		return nil
	}
	i.Alerted = g.Severity
	if g.Severity >= i.Severity {
		return nil
	}
	why := redact.F("%s fires", listed(g.worst()))
	text := redact.F("Severity %d → %d, because %s", i.Severity, g.Severity, why)
	i.Severity = g.Severity
	if i.State.Active() { // whoever took it took something milder
		i.Climb = Climb{Round: i.Climb.Round + 1, Since: now, Why: why.String(), Rungs: i.Climb.Rungs}
		text = redact.F("%s. The escalation begins anew", text)
	}
	return []Event{{At: now, Kind: KindState, By: g.Source, Text: text}}
}

// Call brings one person in, whatever the ladder says.
func (i *Incident) Call(person, by, why string, now time.Time) (Event, error) {
	if !i.State.Active() {
		return Event{}, i.over("call anybody for")
	}
	if why == "" {
		why = "asked for"
	}
	r := Rung{Round: i.Climb.Round, At: now, By: by, Why: why, People: []string{person}}
	i.Sign(now)
	i.Bring(person)
	i.Climb.add(r)
	return Event{Op: r.Key(), At: now, Kind: KindEscalation, By: by, Text: redact.F("Calling %s: %s", person, why)}, nil
}

func (i *Incident) reached(level int) bool {
	return slices.ContainsFunc(i.Climb.Rungs, func(r Rung) bool { return r.Round == i.Climb.Round && r.Level == level })
}

func (i *Incident) climb(l catalog.Ladder, level int, people func(string) Holders, by, why string, now time.Time) Event {
	at := l.Levels[level-1]
	r := Rung{Round: i.Climb.Round, Level: level, At: now, By: by, Why: why, Roles: at.Roles, Duties: at.Duties}
	for _, role := range at.Roles {
		held := people(role)
		if !held.Note.Empty() && !slices.ContainsFunc(r.Notes, func(n redact.Text) bool { return n.String() == held.Note.String() }) {
			r.Notes = append(r.Notes, held.Note)
		}
		for _, p := range held.People {
			if !slices.Contains(r.People, p) {
				r.People = append(r.People, p)
			}
		}
	}
	i.Bring(r.People...)
	i.Climb.Level = max(i.Climb.Level, level)
	i.Climb.add(r)
	who := redact.F("nobody holds %s now", joined(at.Roles, " or "))
	if len(r.People) > 0 {
		who = redact.F("calling %s (%s)", joined(r.People, ", "), joined(at.Roles, ", "))
	}
	text := redact.F("Level %d: %s, because %s", level, who, why)
	for _, n := range r.Notes {
		text = redact.F("%s. %s", text, n)
	}
	return Event{Op: opOf("level", r.Round, level), At: now, Kind: KindEscalation, By: by, Text: text}
}
