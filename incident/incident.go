package incident

import (
	"slices"
	"time"

	"github.com/svcdown/svcdown/redact"
)

// State is where an incident stands.
type State string

// The states. The first four are open: people work on it. Closed incidents are history.
const (
	Open          State = "open" // nobody has taken it yet
	Investigating State = "investigating"
	Identified    State = "identified" // the cause is known
	Monitoring    State = "monitoring" // it is mended, and watched
	Resolved      State = "resolved"
	Closed        State = "closed"
)

// Active reports whether people still work on it.
func (s State) Active() bool {
	return s == Open || s == Investigating || s == Identified || s == Monitoring
}

// Role is what one person does for an incident.
type Role string

// The roles.
const (
	Commander Role = "commander" // decides
	Comms     Role = "comms"     // tells others
	Ops       Role = "ops"       // works on the system
)

// Roles lists the roles in the order in which they are shown.
func Roles() []Role { return []Role{Commander, Comms, Ops} }

// Incident is one outage. Times are when it happened, not when it was written down.
type Incident struct {
	// ID is what people type: I-7K3MQX. Key gathers alerts: at most one open incident has it.
	ID  string `json:"id"`
	Key string `json:"key"`
	// Service is the catalogue's name, "" when what is affected is in no catalogue.
	Service  string      `json:"service,omitempty"`
	Title    redact.Text `json:"title"`
	Severity int         `json:"severity"`
	// Alerted is the worst severity that any of its alerts had; 0 while none said any. See [Incident.Worsen].
	Alerted int   `json:"alerted,omitempty"`
	State   State `json:"state"`
	// Runbook is what an alert named; Source who reported it: a person, or a monitoring system.
	Runbook string `json:"runbook,omitempty"`
	Source  string `json:"source"`
	// Roles and People are persons of the catalogue; People has everybody who was ever brought in.
	Roles  map[Role]string `json:"roles,omitempty"`
	People []string        `json:"people,omitempty"`
	Times  Times           `json:"times"`
	// Fix is the request whose verified change is what Times.Mitigated tells of; "" when people said that it is mended.
	Fix string `json:"fix,omitempty"`
	// Reopened is when it was taken up again last, ReopenedBy who or what did: a person, or a monitoring system.
	Reopened   time.Time `json:"reopened,omitzero"`
	ReopenedBy string    `json:"reopenedBy,omitempty"`
	// Active is the last sign of life of a person.
	Active time.Time `json:"active"`
	Climb  Climb     `json:"climb"`
	// Next is when the ladder has to be looked at again; zero when nothing is due.
	Next time.Time `json:"next,omitzero"`
	// Verdict is the newest answer of the checks.
	Verdict   redact.Text `json:"verdict,omitzero"`
	VerdictAt time.Time   `json:"verdictAt,omitzero"`
	// Room is the incident's channel, by its Slack ID, "" while there is none. RoomName is reserved before Slack is asked.
	Room     string `json:"room,omitempty"`
	RoomName string `json:"roomName,omitempty"`
	Private  bool   `json:"private,omitempty"`
	Shown    Shown  `json:"shown,omitzero"`
	// Heard are the newest deliveries of people that changed it: one that comes again, after a crash, changes nothing.
	Heard []string `json:"heard,omitempty"`
	// LeftOut says that the sender left alerts out of what it told.
	LeftOut redact.Text `json:"leftOut,omitzero"`
	// StandsFor are the first names of the alerts that the common incident stands for; see [Spread].
	StandsFor []string `json:"standsFor,omitempty"`
	// Told is when others were told something last, Reminded when its channel was last asked to.
	Told     time.Time `json:"told,omitzero"`
	Reminded time.Time `json:"reminded,omitzero"`
	// Archived is when the channel's time was over.
	Archived time.Time `json:"archived,omitzero"`
}

// Shown is what was already brought into the incident's channel.
type Shown struct {
	Topic   string   `json:"topic,omitempty"`
	Links   bool     `json:"links,omitempty"`
	Pinned  bool     `json:"pinned,omitempty"`
	Invited []string `json:"invited,omitempty"` // persons
	Closed  bool     `json:"closed,omitempty"`  // the channel is archived
}

// Times are the moments that an incident is measured by; zero is not yet.
type Times struct {
	Detected     time.Time `json:"detected"`
	Acknowledged time.Time `json:"acknowledged,omitzero"`
	Mitigated    time.Time `json:"mitigated,omitzero"` // see [Incident.Mitigate]
	Resolved     time.Time `json:"resolved,omitzero"`
	Closed       time.Time `json:"closed,omitzero"`
}

// ToAcknowledge is the time until somebody took it: what MTTA is the mean of. False while nobody has.
func (t Times) ToAcknowledge() (time.Duration, bool) { return since(t.Detected, t.Acknowledged) }

// ToResolve is the time until it was resolved: what MTTR is the mean of. False while it is not.
func (t Times) ToResolve() (time.Duration, bool) { return since(t.Detected, t.Resolved) }

// ToMitigate is the time until users were served again. False while they are not.
func (t Times) ToMitigate() (time.Duration, bool) { return since(t.Detected, t.Mitigated) }

func since(from, to time.Time) (time.Duration, bool) {
	return max(0, to.Sub(from)), !to.IsZero()
}

// Refusal says why something cannot be done to an incident, to the one who asked. Nothing was done.
type Refusal struct {
	Message redact.Text
}

func (r *Refusal) Error() string { return r.Message.String() }

// New makes an incident that nobody has taken yet, and its first event.
func New(id, key, service string, title redact.Text, severity int, source string, now time.Time) (Incident, Event) {
	i := Incident{ID: id, Key: key, Service: service, Title: title, Severity: severity, State: Open, Source: source,
		Times: Times{Detected: now}, Active: now, Climb: Climb{Round: 1, Since: now}}
	return i, Event{Op: "opened", At: now, Kind: KindState, By: source, Text: redact.F("Opened with severity %d: %s", severity, title)}
}

// Acknowledge says that somebody has taken it: the ladder stops. A second acknowledgement is a sign of life only, unless the ladder runs again.
func (i *Incident) Acknowledge(by string, now time.Time) (Event, error) {
	if !i.State.Active() {
		return Event{}, i.over("acknowledge")
	}
	if i.Climb.Stopped {
		return Event{}, &Refusal{redact.F("%s was acknowledged already, at %s UTC, and no escalation is under way.", i.ID, i.Climb.StoppedAt.UTC().Format("15:04"))}
	}
	i.Sign(now)
	i.Climb.stop(by, now)
	if i.Times.Acknowledged.IsZero() {
		i.Times.Acknowledged = now
	}
	if i.State == Open {
		i.State = Investigating
	}
	return Event{At: now, Kind: KindState, By: by, Text: redact.F("Acknowledged, %s after it was detected. Escalation stops.", Span(now.Sub(i.Times.Detected)))}, nil
}

// Move brings it to another state. Whoever moves it has taken it. Resolving stops the ladder; what was resolved or closed comes back by
// [Incident.Reopen] only.
func (i *Incident) Move(to State, by string, why redact.Text, now time.Time) (Event, error) {
	switch {
	case i.State == to:
		return Event{}, &Refusal{redact.F("%s is %s already.", i.ID, to)}
	case to == Open:
		return Event{}, &Refusal{redact.F("%s cannot become untouched again.", i.ID)}
	case to == Closed && i.State != Resolved:
		return Event{}, &Refusal{redact.F("%s is %s: resolve it before you close it. Nothing was done.", i.ID, i.State)}
	case to != Closed && !i.State.Active():
		return Event{}, i.over("change")
	}
	from := i.State
	i.State = to
	i.Sign(now)
	i.Climb.stop(by, now)
	if from == Monitoring && to.Active() { // it was not mended after all
		i.Times.Mitigated, i.Fix = time.Time{}, ""
	}
	if i.Times.Acknowledged.IsZero() {
		i.Times.Acknowledged = now
	}
	if i.Times.Mitigated.IsZero() && (to == Monitoring || to == Resolved) {
		i.Times.Mitigated = now
	}
	switch to {
	case Resolved:
		i.Times.Resolved = now
	case Closed:
		i.Times.Closed = now
	}
	text := redact.F("%s → %s", from, to)
	if !why.Empty() {
		text = redact.F("%s: %s", text, why)
	}
	return Event{At: now, Kind: KindState, By: by, Text: text}, nil
}

// Mitigate says that the change of request fix was verified at a moment: users were served again from then on. Of several such changes the last
// counts, until people say that it is mended, which by itself is the mitigation only where no change was. It may come late, and again. It reports
// whether anything changed.
func (i *Incident) Mitigate(fix string, at time.Time) bool {
	said := i.State == Monitoring || !i.State.Active()
	switch t := i.Times; {
	case at.Before(i.Opened()), fix == i.Fix:
		return false
	case said && (i.Fix != "" || !at.Before(t.Mitigated)):
		return false
	case !said && !at.After(t.Mitigated):
		return false
	}
	i.Times.Mitigated, i.Fix = at, fix
	return true
}

// Reopen takes up what was resolved or closed again. It counts as detected at its first time, so that its times tell the whole outage; the
// ladder begins anew.
func (i *Incident) Reopen(by string, why redact.Text, now time.Time) (Event, error) {
	if i.State.Active() {
		return Event{}, &Refusal{redact.F("%s is %s: it is open.", i.ID, i.State)}
	}
	if !i.Archived.IsZero() {
		return Event{}, &Refusal{redact.F("%s is closed and its channel archived. Open a new one; nothing was done.", i.ID)}
	}
	from := i.State
	i.State, i.Reopened, i.ReopenedBy = Investigating, now, by
	i.Times.Resolved, i.Times.Closed, i.Times.Mitigated, i.Fix = time.Time{}, time.Time{}, time.Time{}, ""
	i.Sign(now)
	i.Climb = Climb{Round: i.Climb.Round + 1, Since: now, Rungs: i.Climb.Rungs}
	text := redact.F("Reopened after it was %s", from)
	if !why.Empty() {
		text = redact.F("%s: %s", text, why)
	}
	return Event{At: now, Kind: KindState, By: by, Text: text}, nil
}

// Assign gives somebody a role.
func (i *Incident) Assign(role Role, person, by string, now time.Time) (Event, error) {
	if i.State == Closed {
		return Event{}, i.over("change")
	}
	had := i.Roles[role]
	if had == person {
		return Event{}, &Refusal{redact.F("%s is %s of %s already.", person, role, i.ID)}
	}
	roles := map[Role]string{role: person}
	for r, p := range i.Roles {
		if r != role {
			roles[r] = p
		}
	}
	i.Roles = roles
	i.Sign(now)
	i.Bring(person)
	text := redact.F("%s is %s now", person, role)
	if had != "" {
		text = redact.F("%s, before that %s", text, had)
	}
	return Event{At: now, Kind: KindRole, By: by, Text: text}, nil
}

// Rate changes the severity.
func (i *Incident) Rate(severity int, by string, now time.Time) (Event, error) {
	switch {
	case i.State == Closed:
		return Event{}, i.over("change")
	case severity == i.Severity:
		return Event{}, &Refusal{redact.F("%s has severity %d already.", i.ID, severity)}
	}
	had := i.Severity
	i.Severity = severity
	i.Sign(now)
	return Event{At: now, Kind: KindState, By: by, Text: redact.F("Severity %d → %d", had, severity)}, nil
}

// Note puts words of a person on the timeline.
func (i *Incident) Note(text redact.Text, by string, now time.Time) (Event, error) {
	if i.State == Closed {
		return Event{}, i.over("write to")
	}
	i.Sign(now)
	return Event{At: now, Kind: KindNote, By: by, Text: text}, nil
}

// Opened is when it was opened or reopened last.
func (i Incident) Opened() time.Time {
	if i.Reopened.IsZero() {
		return i.Times.Detected
	}
	return i.Reopened
}

// OpenedBy is who or what opened or reopened it last; "" when that was not stored.
func (i Incident) OpenedBy() string {
	if i.Reopened.IsZero() {
		return i.Source
	}
	return i.ReopenedBy
}

// Judge remembers the newest answer of the checks.
func (i *Incident) Judge(verdict redact.Text, now time.Time) Event {
	i.Verdict, i.VerdictAt = verdict, now
	return Event{At: now, Kind: KindVerdict, By: "svcdown", Text: verdict}
}

// Sign is a sign of life of a person: the ladder does not begin anew while there are any.
func (i *Incident) Sign(now time.Time) {
	if now.After(i.Active) {
		i.Active = now
	}
}

// Hear reports whether a delivery is new, and remembers it. The empty key is always new.
func (i *Incident) Hear(key string) bool {
	if key == "" {
		return true
	}
	if slices.Contains(i.Heard, key) {
		return false
	}
	const most = 20
	i.Heard = append(slices.Clip(i.Heard), key)
	i.Heard = i.Heard[max(0, len(i.Heard)-most):]
	return true
}

// Bring adds people to those who were brought in.
func (i *Incident) Bring(people ...string) {
	for _, p := range people {
		if p != "" && !slices.Contains(i.People, p) {
			i.People = append(slices.Clip(i.People), p)
		}
	}
}

func (i *Incident) over(what string) error {
	return &Refusal{redact.F("%s is %s, so nobody can %s it any more; nothing was done. `reopen` takes it up again.", i.ID, i.State, what)}
}
