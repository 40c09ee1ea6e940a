package handlers

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// Shifts knows who is on call by another system than svcdown.yaml. It answers quickly also when that system does not.
type Shifts interface {
	// OnCall lists whom that system would call now. An error, in words for people, means that it cannot be known.
	OnCall(ctx context.Context, r catalog.Rota) ([]Shift, error)
}

// Shift is somebody on call, as the other system names them: text of others.
type Shift struct {
	Name, Email string
	Until       time.Time // zero when it has no end
}

// peopleOf asks now who answers for each role of the ladders: which of them covers the incident is only sure once its row is locked.
func (d *Desk) peopleOf(ctx context.Context) func(role string) incident.Holders {
	cat := d.Catalog()
	held := map[string]incident.Holders{}
	for _, l := range cat.Ladders {
		for _, level := range l.Levels {
			for _, role := range level.Roles {
				if _, asked := held[role]; !asked {
					held[role] = d.onCallFor(ctx, cat, role).Holders
				}
			}
		}
	}
	return func(role string) incident.Holders { return held[role] }
}

// duty is who answers for a role now.
type duty struct {
	incident.Holders
	until time.Time     // the end of the shift, zero when it has none
	shift catalog.Shift // by the catalogue's own rotation
}

// onCallFor is who answers for a role now: whom PagerDuty names where it is asked, else whose turn it is by svcdown.yaml, else everybody who
// holds the role. A PagerDuty that cannot tell keeps nobody from being called.
func (d *Desk) onCallFor(ctx context.Context, cat *catalog.Catalog, role string) duty {
	var out duty
	if r, ok := cat.Rotation(role); ok && r.PagerDuty != nil {
		if out = d.byPagerDuty(ctx, cat, *r.PagerDuty); len(out.People) > 0 {
			return out
		}
		out.Note = redact.F("%s, so svcdown.yaml says who is %s", out.Note, role)
	}
	if shift, ok := cat.OnCall(role, d.Now()); ok {
		out.People, out.until, out.shift = []string{shift.Person}, shift.Until, shift
		return out
	}
	for _, a := range d.candidates(ctx, func(a catalog.Actor) bool { return slices.Contains(a.Roles, role) }) {
		out.People = append(out.People, a.Person)
	}
	return out
}

// byPagerDuty asks PagerDuty. Its users are our people by their e-mail addresses. Without people, the note says why.
func (d *Desk) byPagerDuty(ctx context.Context, cat *catalog.Catalog, r catalog.Rota) duty {
	if d.Shifts == nil {
		return duty{Holders: incident.Holders{Note: redact.Const("PagerDuty cannot be asked without PAGERDUTY_API_TOKEN")}}
	}
	shifts, err := d.Shifts.OnCall(ctx, r)
	if err != nil {
		return duty{Holders: incident.Holders{Note: redact.F("PagerDuty does not say who is on call (%v)", redact.F("%v", err).Short(200))}}
	}
	var out duty
	var strangers []string
	for _, s := range shifts {
		p, ok := cat.PersonByEmail(s.Email)
		switch {
		case !ok:
			strangers = append(strangers, oneLine(s.Name))
		case !slices.Contains(out.People, p.Name):
			out.People = append(out.People, p.Name)
			if out.until.IsZero() || s.Until.Before(out.until) {
				out.until = s.Until
			}
		}
	}
	switch {
	case len(strangers) > 0:
		out.Note = redact.F("PagerDuty names %s, whose e-mail address nobody has in svcdown.yaml", redact.F("%s", strings.Join(strangers, ", ")).Short(200))
	case len(out.People) == 0:
		out.Note = redact.Const("nobody is on call at PagerDuty")
	}
	return out
}

// oncall lists who answers for each role that has a rotation or stands in a ladder.
func (d *Desk) oncall(ctx context.Context, req Request) error {
	cat := d.Catalog()
	c := card.Card{Title: redact.Const("On call"), State: card.OK, Verdict: redact.Const("No role has a rotation, and no escalation is set up in svcdown.yaml.")}
	var roles []string
	add := func(role string) {
		if !slices.Contains(roles, role) {
			roles = append(roles, role)
		}
	}
	for _, r := range cat.Rotations {
		add(r.Role)
	}
	for _, l := range cat.Ladders {
		for _, level := range l.Levels {
			for _, role := range level.Roles {
				add(role)
			}
		}
	}
	var first []redact.Text
	for _, role := range roles {
		on := d.onCallFor(ctx, cat, role)
		c.Parts = append(c.Parts, card.Part{Text: dutyLine(cat, role, on)})
		if len(on.People) > 0 {
			first = append(first, redact.F("%s is %s", strings.Join(on.People, " and "), role))
		}
	}
	if len(first) > 0 {
		c.Verdict = redact.F("%s.", redact.Join("; ", first...))
	} else if len(roles) > 0 {
		c.State, c.Verdict = card.Warn, redact.Const("Nobody is on call.")
	}
	return req.Talk.Whisper(ctx, c)
}

// dutyLine is who answers for a role, until when and who is next, in one line.
func dutyLine(cat *catalog.Catalog, role string, on duty) redact.Text {
	line := redact.F("%s: nobody", role)
	if len(on.People) > 0 {
		line = redact.F("%s: %s", role, strings.Join(on.People, ", "))
	}
	switch {
	case !on.until.IsZero():
		line = redact.F("%s until %s UTC", line, on.until.UTC().Format("Mon 2006-01-02 15:04"))
	case len(on.People) > 0:
		line = redact.F("%s (no rotation)", line)
	}
	if on.shift.Override {
		line = redact.F("%s (standing in)", line)
	}
	if next, ok := cat.OnCall(role, on.shift.Until); ok && on.shift.Person != "" && next.Person != on.shift.Person {
		line = redact.F("%s, then %s", line, next.Person)
	}
	if !on.Note.Empty() {
		line = redact.F("%s. %s", line, on.Note)
	}
	return line
}

// contacts lists whom to ask about a service.
func (d *Desk) contacts(ctx context.Context, req Request) error {
	svc, err := d.service(req, "contacts SERVICE")
	if err != nil {
		return err
	}
	cat := d.Catalog()
	c := card.Card{Title: redact.F("Contacts of %s", svc.Name), State: card.Neutral, Verdict: redact.F("Nobody is named as owner of %s.", svc.Name)}
	if len(svc.Owners) > 0 {
		c.Verdict = redact.F("%s belongs to %s.", svc.Name, strings.Join(svc.Owners, ", "))
	}
	say := func(what string, name string) {
		p, ok := cat.Person(name)
		if !ok {
			return
		}
		line := redact.F("%s: %s", what, name)
		if p.FullName != "" {
			line = redact.F("%s (%s)", line, p.FullName)
		}
		if p.Email != "" {
			line = redact.F("%s, %s", line, p.Email)
		}
		c.Parts = append(c.Parts, card.Part{Text: line})
	}
	for _, o := range svc.Owners {
		say("owner", o)
	}
	if l, ok := cat.Ladder(svc.Name, cat.Incidents.Severity); ok {
		for n, level := range l.Levels {
			for _, role := range level.Roles {
				for _, p := range d.onCallFor(ctx, cat, role).People {
					say("level "+strconv.Itoa(n+1)+", "+role, p)
				}
			}
		}
	}
	for _, k := range cat.Contacts {
		if len(k.Services) == 0 || slices.Contains(k.Services, svc.Name) {
			c.Parts = append(c.Parts, card.Part{Text: redact.F("%s: %s", k.Name, k.Reach)})
		}
	}
	return req.Talk.Whisper(ctx, c)
}

// slackOf is a person's account in our workspace.
func (d *Desk) slackOf(name string) (catalog.SlackID, bool) {
	cat := d.Catalog()
	p, _ := cat.Person(name)
	n := slices.IndexFunc(p.Slack, func(id catalog.SlackID) bool { return id.Team == cat.Slack.Team })
	if n < 0 {
		return catalog.SlackID{}, false
	}
	return p.Slack[n], true
}
