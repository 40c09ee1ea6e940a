package catalog

import (
	"cmp"
	"fmt"
	"time"
)

// What is proposed where svcdown.yaml is silent.
const (
	DefaultMeetingAt     = "10:00"
	DefaultMeetingLength = 45 * time.Minute
	longestMeeting       = 8 * time.Hour
)

// Meeting says when people talk about an incident that is over.
type Meeting struct {
	At string `yaml:"at"` // HH:MM, in TimeZone; default 10:00
	// TimeZone is of the IANA database; default that of the first rotation that has one, else UTC.
	TimeZone string        `yaml:"timezone"`
	Length   time.Duration `yaml:"length"` // default 45 minutes
}

// Zone is the time zone in which people are met and reminded.
func (c *Catalog) Zone() *time.Location {
	name := c.Incidents.Meeting.TimeZone
	for _, r := range c.Rotations {
		name = cmp.Or(name, r.TimeZone)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC // refused when the file was read
	}
	return zone
}

// NextMeeting is the next working day after a moment, Monday to Friday, at the time of svcdown.yaml, in [Catalog.Zone].
func (c *Catalog) NextMeeting(after time.Time) (start time.Time, length time.Duration) {
	m := c.Incidents.Meeting
	at, err := time.Parse("15:04", cmp.Or(m.At, DefaultMeetingAt))
	if err != nil {
		at, _ = time.Parse("15:04", DefaultMeetingAt) // refused when the file was read
	}
	zone := c.Zone()
	day := after.In(zone)
	for {
		day = day.AddDate(0, 0, 1)
		if d := day.Weekday(); d != time.Saturday && d != time.Sunday {
			break
		}
	}
	return time.Date(day.Year(), day.Month(), day.Day(), at.Hour(), at.Minute(), 0, 0, zone), cmp.Or(m.Length, DefaultMeetingLength)
}

func (d *document) checkMeeting(m Meeting) {
	const path = "incidents.meeting"
	if _, err := time.Parse("15:04", m.At); m.At != "" && err != nil {
		d.refuse(path+".at", fmt.Sprintf("%s.at: %q is no time of day", path, clip(m.At)), "write it as 10:00")
	}
	if _, err := time.LoadLocation(m.TimeZone); err != nil || m.TimeZone == "Local" {
		d.refuse(path+".timezone", fmt.Sprintf("%s.timezone: %q is no time zone", path, clip(m.TimeZone)), "write a name of the IANA database, such as Europe/Berlin, or leave it out")
	}
	if m.Length < 0 || m.Length > longestMeeting {
		d.refuse(path+".length", fmt.Sprintf("%s.length: %s is no length of a meeting", path, m.Length), "write a time of up to 8h, such as 45m")
	}
}
