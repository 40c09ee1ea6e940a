package catalog

import (
	"slices"
	"time"
)

// What an incident does where svcdown.yaml is silent.
const (
	DefaultSeverity     = 2
	DefaultArchiveAfter = 24 * time.Hour
	DefaultFlapping     = 15 * time.Minute
	DefaultQuiet        = 30 * time.Minute
)

// Severities are from 1, the worst, to 4.
const (
	WorstSeverity = 1
	LeastSeverity = 4
)

// Incidents says what becomes of an outage's channel.
type Incidents struct {
	// Private are the severities whose channel only the invited can read.
	Private []int `yaml:"private"`
	// Severity is that of an incident for which nobody named one; default 2.
	Severity int `yaml:"severity"`
	// ArchiveAfter is how long after closing the channel is archived; default 24 h.
	ArchiveAfter time.Duration `yaml:"archiveAfter"`
	// Flapping is how long after its resolution an incident is opened again by an alert instead of a new one; default 15 minutes.
	Flapping time.Duration `yaml:"flapping"`
	// UpdateEvery is how old the last update may be before its channel asks for the next one; 0 never asks.
	UpdateEvery time.Duration `yaml:"updateEvery"`
	// Links stand at the top of every incident's channel, next to those of its service.
	Links []Link `yaml:"links"`
	// Meeting is what is proposed once an incident is resolved.
	Meeting Meeting `yaml:"meeting"`
}

// UpdatesEvery is [Incidents.UpdateEvery] for an incident of service; 0 where an update would reach nobody, so that none is asked for.
func (c *Catalog) UpdatesEvery(service string, severity int) time.Duration {
	if _, ok := c.Service(service); !ok || c.StatusPage.Provider == "" && len(c.StakeholdersOf(service, severity)) == 0 {
		return 0
	}
	return c.Incidents.UpdateEvery
}

// Link is a page that helps: a dashboard, a runbook, a status page.
type Link struct {
	Title string `yaml:"title"`
	URL   string `yaml:"url"`
}

// Contact is somebody outside of the on-call rotation, for `contacts SERVICE`.
type Contact struct {
	Name     string   `yaml:"name"`     // "Infrastructure team"
	Reach    string   `yaml:"reach"`    // an address, a number, a channel
	Services []string `yaml:"services"` // empty: every service
}

// Rotation is who of a role is on call: one person a week, in turn.
type Rotation struct {
	Role   string   `yaml:"role"`
	People []string `yaml:"people"`
	// Start is the handover at which the first of People began, YYYY-MM-DDTHH:MM in TimeZone; the next one follows every week at the same
	// local time, also when the clocks change.
	Start    string `yaml:"start"`
	TimeZone string `yaml:"timezone"` // of the IANA database, such as Europe/Berlin; default UTC
	// Overrides put somebody in another one's place for a while; the first that fits wins.
	Overrides []Override `yaml:"overrides"`
	// PagerDuty knows whose turn it is; People then only count while it cannot be asked, and may be left out.
	PagerDuty *Rota `yaml:"pagerDuty"`
}

// Rota is a schedule of PagerDuty, or one level of an escalation policy there.
type Rota struct {
	Schedule string `yaml:"schedule"` // such as PI7DH85, from the address of its page
	Policy   string `yaml:"policy"`
	Level    int    `yaml:"level"` // of Policy; default 1
}

// Override is a swap: From and Until are local times of the rotation, Until not included.
type Override struct {
	From   string `yaml:"from"`
	Until  string `yaml:"until"`
	Person string `yaml:"person"`
}

// Ladder says who is brought into an incident, and when. The first that fits the service and the severity applies.
type Ladder struct {
	Name       string   `yaml:"name"`
	Services   []string `yaml:"services"`   // "*" every service, also one that is in no catalogue; empty matches none
	Severities []int    `yaml:"severities"` // empty: every severity
	Levels     []Level  `yaml:"levels"`
	// Quiet is how long an acknowledged incident may stand without a sign of life before the ladder begins anew; default 30 minutes.
	Quiet time.Duration `yaml:"quiet"`
}

// Level is one rung.
type Level struct {
	// After is the time since the ladder began; the first level may leave it out: at once.
	After time.Duration `yaml:"after"`
	Roles []string      `yaml:"roles"`
	// Duties are what the one who arrives has to do, as a checklist.
	Duties []string `yaml:"duties"`
}

// Shift is who holds a role at a moment.
type Shift struct {
	Role, Person string
	From, Until  time.Time
	// Override is true when they stand in for somebody.
	Override bool
}

// localTime is how times are written in the file.
const localTime = "2006-01-02T15:04"

// Rotation is the rotation of a role.
func (c *Catalog) Rotation(role string) (Rotation, bool) {
	return find(c.Rotations, func(r Rotation) bool { return r.Role == role })
}

// OnCall is who is on call for a role by the catalogue's own rotation at a moment; false when the role has no rotation. A rotation extends to the time before its start.
func (c *Catalog) OnCall(role string, at time.Time) (Shift, bool) {
	r, ok := c.Rotation(role)
	if !ok || len(r.People) == 0 {
		return Shift{}, false
	}
	zone, err := time.LoadLocation(r.TimeZone)
	if err != nil {
		return Shift{}, false // refused when the file was read
	}
	start, err := time.ParseInLocation(localTime, r.Start, zone)
	if err != nil {
		return Shift{}, false
	}
	week := int(at.Sub(start) / (7 * 24 * time.Hour))
	for !start.AddDate(0, 0, 7*(week+1)).After(at) {
		week++
	}
	for start.AddDate(0, 0, 7*week).After(at) {
		week--
	}
	n := len(r.People)
	shift := Shift{Role: role, Person: r.People[((week%n)+n)%n], From: start.AddDate(0, 0, 7*week), Until: start.AddDate(0, 0, 7*(week+1))}
	for _, o := range r.Overrides {
		from, errFrom := time.ParseInLocation(localTime, o.From, zone)
		until, errUntil := time.ParseInLocation(localTime, o.Until, zone)
		if errFrom == nil && errUntil == nil && !at.Before(from) && at.Before(until) {
			return Shift{Role: role, Person: o.Person, From: from, Until: until, Override: true}, true
		}
	}
	return shift, true
}

// farthestShift is how far ahead NextShift looks.
const farthestShift = 26 * 7 * 24 * time.Hour

// NextShift is the first shift of a person in a role that begins after a moment, within half a year, by the catalogue's own rotation.
func (c *Catalog) NextShift(role, person string, after time.Time) (Shift, bool) {
	var begins []time.Time
	for s, ok := c.OnCall(role, after); ok && s.Until.Sub(after) < farthestShift; s, ok = c.OnCall(role, s.Until) {
		begins = append(begins, s.Until)
	}
	r, _ := c.Rotation(role)
	zone, err := time.LoadLocation(r.TimeZone)
	if err != nil {
		return Shift{}, false // refused when the file was read
	}
	for _, o := range r.Overrides { // somebody's turn also begins in the middle of a week
		if from, err := time.ParseInLocation(localTime, o.From, zone); err == nil && from.After(after) {
			begins = append(begins, from)
		}
	}
	slices.SortFunc(begins, time.Time.Compare)
	for _, at := range begins {
		if s, ok := c.OnCall(role, at); ok && s.Person == person {
			s.From = at
			return s, true
		}
	}
	return Shift{}, false
}

// Ladder returns the first ladder for a service (its name; "" for one that is in no catalogue) and a severity.
func (c *Catalog) Ladder(service string, severity int) (Ladder, bool) {
	return find(c.Ladders, func(l Ladder) bool {
		return (slices.Contains(l.Services, "*") || service != "" && slices.Contains(l.Services, service)) &&
			(len(l.Severities) == 0 || slices.Contains(l.Severities, severity))
	})
}
