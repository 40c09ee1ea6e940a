package catalog

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

const (
	maxLevels   = 10
	severityFix = "write a number from 1, the worst, to 4"
	timeFix     = "write it as 2026-11-23T09:00, in the rotation's own time zone"
)

// leastUpdateEvery keeps a typing mistake from asking for updates without end.
const leastUpdateEvery = 10 * time.Second

func (d *document) checkIncidents(c *Catalog) {
	in := c.Incidents
	d.checkSeverities("incidents.private", in.Private)
	if in.Severity != 0 {
		d.checkSeverities("incidents.severity", []int{in.Severity})
	}
	if in.UpdateEvery != 0 && in.UpdateEvery < leastUpdateEvery {
		d.refuse("incidents.updateEvery", fmt.Sprintf("incidents.updateEvery: %s is too short to be reminded by", in.UpdateEvery), "write "+leastUpdateEvery.String()+" or more, such as 30m; leave it out to be reminded of nothing")
	}
	d.checkLinks("incidents.links", in.Links)
	d.checkMeeting(in.Meeting)
	services := namesOf(c.Services, func(s Service) string { return s.Name })
	for i, k := range c.Contacts {
		path := fmt.Sprintf("contacts[%d]", i)
		if k.Name == "" {
			d.missing(path+".name", `write who it is, such as "Infrastructure team"`)
		}
		if k.Reach == "" {
			d.missing(path+".reach", "write an address, a number or a channel")
		}
		d.allKnown(path+".services", "service", k.Services, services)
	}
	d.checkRotations(c)
	d.checkLadders(c)
}

func (d *document) checkSeverities(path string, all []int) {
	for i, n := range all {
		at := path
		if len(all) > 1 {
			at = fmt.Sprintf("%s[%d]", path, i)
		}
		if n < WorstSeverity || n > LeastSeverity {
			d.refuse(at, fmt.Sprintf("%s: %d is no severity", path, n), severityFix)
		}
	}
}

func (d *document) checkLinks(path string, links []Link) {
	for i, l := range links {
		at := fmt.Sprintf("%s[%d]", path, i)
		if l.Title == "" {
			d.missing(at+".title", "write what people click on, such as Grafana")
		}
		if l.URL == "" {
			d.missing(at+".url", "write an address with scheme and host, such as https://grafana.example.org/d/backend")
			continue
		}
		d.checkURL(at+".url", l.URL)
	}
}

func (d *document) checkRotations(c *Catalog) {
	roles := namesOf(c.Roles, func(r Role) string { return r.Name })
	people := namesOf(c.People, func(p Person) string { return p.Name })
	taken := d.unique()
	for i, r := range c.Rotations {
		path := fmt.Sprintf("oncall[%d]", i)
		if d.known(path+".role", "role", r.Role, roles) {
			taken(path+".role", r.Role)
		}
		if r.PagerDuty != nil {
			d.checkRota(path+".pagerDuty", *r.PagerDuty)
		}
		if r.PagerDuty != nil && len(r.People) == 0 && r.Start == "" && len(r.Overrides) == 0 {
			continue
		}
		d.needList(path+".people", len(r.People), "name who takes turns, the first of them first")
		for j, p := range r.People { // somebody may stand in a rotation twice
			d.known(fmt.Sprintf("%s.people[%d]", path, j), "person", p, people)
		}
		zone, err := time.LoadLocation(r.TimeZone)
		if err != nil || r.TimeZone == "Local" {
			d.refuse(path+".timezone", fmt.Sprintf("%s.timezone: %q is no time zone", path, clip(r.TimeZone)), "write a name of the IANA database, such as Europe/Berlin, or leave it out for UTC")
			zone = time.UTC
		}
		d.checkTime(path+".start", r.Start, zone)
		for j, o := range r.Overrides {
			at := fmt.Sprintf("%s.overrides[%d]", path, j)
			d.known(at+".person", "person", o.Person, people)
			from, okFrom := d.checkTime(at+".from", o.From, zone)
			until, okUntil := d.checkTime(at+".until", o.Until, zone)
			if okFrom && okUntil && !from.Before(until) {
				d.refuse(at+".until", at+".until is not after its from", "swap them, or write a later end")
			}
		}
	}
}

// rotaID is how PagerDuty names its objects.
var rotaID = regexp.MustCompile(`^[A-Z0-9]{4,20}$`)

func (d *document) checkRota(path string, r Rota) {
	const fix = "write {schedule: PI7DH85}, or {policy: PT20YPA, level: 1}; the ID stands in the address of its page"
	switch {
	case (r.Schedule == "") == (r.Policy == ""):
		d.refuse(path, path+" names not exactly one of schedule and policy", fix)
	case !rotaID.MatchString(r.Schedule + r.Policy):
		d.refuse(path, fmt.Sprintf("%s: %q is no ID of PagerDuty's", path, clip(r.Schedule+r.Policy)), fix)
	case r.Level < 0 || r.Level > 0 && r.Schedule != "":
		d.refuse(path+".level", path+".level is a level of a policy, from 1", fix)
	}
}

func (d *document) checkTime(path, value string, zone *time.Location) (time.Time, bool) {
	if value == "" {
		d.missing(path, timeFix)
		return time.Time{}, false
	}
	t, err := time.ParseInLocation(localTime, value, zone)
	if err != nil {
		d.refuse(path, fmt.Sprintf("%s: %q is no date with a time", path, clip(value)), timeFix)
		return time.Time{}, false
	}
	return t, true
}

func (d *document) checkLadders(c *Catalog) {
	names := d.unique()
	services := append(namesOf(c.Services, func(s Service) string { return s.Name }), "*")
	roles := namesOf(c.Roles, func(r Role) string { return r.Name })
	for i, l := range c.Ladders {
		path := fmt.Sprintf("escalation[%d]", i)
		if d.need(path+".name", l.Name, typed, "a name", nameFix) {
			names(path+".name", l.Name)
		}
		d.needList(path+".services", len(l.Services), `write "services: [backend]", or ["*"] for every service`)
		d.allKnown(path+".services", "service", l.Services, services)
		d.checkSeverities(path+".severities", l.Severities)
		d.needList(path+".levels", len(l.Levels), `write "levels: [{roles: [on-call]}]"`)
		if len(l.Levels) > maxLevels {
			d.refuse(path+".levels", fmt.Sprintf("%s has %d levels, more than %d", path, len(l.Levels), maxLevels), "join some of them")
		}
		for j, level := range l.Levels {
			at := fmt.Sprintf("%s.levels[%d]", path, j)
			d.needList(at+".roles", len(level.Roles), "name the roles to bring in")
			d.allKnown(at+".roles", "role", level.Roles, roles)
			if j > 0 && level.After <= l.Levels[j-1].After && !d.reported(at+".after") {
				d.refuse(at+".after", fmt.Sprintf("%s.after (%s) is not later than that of the level before it (%s)", at, level.After, l.Levels[j-1].After), "levels come one after the other: write a longer time")
			}
		}
	}
	if len(d.problems) == 0 {
		d.checkLadderReach(c)
	}
}

// checkLadderReach refuses a ladder that earlier ones leave nothing for: who believes to be called at night should be.
func (d *document) checkLadderReach(c *Catalog) {
	services := append(namesOf(c.Services, func(s Service) string { return s.Name }), "") // "": what is in no catalogue
	for i, l := range c.Ladders {
		var above []string
		free := false
		for _, s := range services {
			for n := WorstSeverity; n <= LeastSeverity; n++ {
				if !(&Catalog{Ladders: c.Ladders[i : i+1]}).covered(s, n) {
					continue
				}
				if first, ok := (&Catalog{Ladders: c.Ladders[:i]}).Ladder(s, n); !ok {
					free = true
				} else if !slices.Contains(above, first.Name) {
					above = append(above, first.Name)
				}
			}
		}
		if !free {
			d.refuse(fmt.Sprintf("escalation[%d]", i), fmt.Sprintf("escalation %q never applies: %s above it matches first", l.Name, strings.Join(above, ", ")), "move it up or delete it")
		}
	}
}

func (c *Catalog) covered(service string, severity int) bool {
	_, ok := c.Ladder(service, severity)
	return ok
}
