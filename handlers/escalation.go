package handlers

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// Escalate is the body of the escalation timer: it climbs what is due, on the locked incident, and does nothing when nothing is. The showing
// job, which the same transaction inserts, calls the people. The channel of a closed incident is archived by the same timer.
func (d *Desk) Escalate(ctx context.Context, id string) error {
	// Who is on call is asked before the row is locked: Slack may take its time.
	on := d.peopleOf(ctx)
	i, err := d.changeIncident(ctx, id, "svcdown", func(i *incident.Incident) ([]incident.Event, error) {
		now := d.Now()
		if i.State == incident.Closed && i.Archived.IsZero() && !now.Before(i.Times.Closed.Add(d.Catalog().Incidents.ArchiveAfter)) {
			i.Archived = now
			return []incident.Event{{Op: "archived", At: now, Kind: incident.KindState, By: "svcdown", Text: redact.Const("The channel is archived")}}, nil
		}
		l, _ := d.Catalog().Ladder(i.Service, i.Severity)
		return i.Escalate(l, on, now), nil
	})
	if err != nil {
		return err
	}
	// The queue's clock may be a little ahead of ours. Whatever is further away has a timer of its own.
	if early := i.Next.Sub(d.Now()); !i.Next.IsZero() && early > 0 && early < 10*time.Second {
		return &approval.Later{After: early}
	}
	return nil
}

// peopleOf asks now who answers for each role of the ladders: which of them covers the incident is only sure once its row is locked.
func (d *Desk) peopleOf(ctx context.Context) func(role string) []string {
	cat := d.Catalog()
	held := map[string][]string{}
	for _, l := range cat.Ladders {
		for _, level := range l.Levels {
			for _, role := range level.Roles {
				if _, asked := held[role]; !asked {
					held[role] = d.onCallFor(ctx, cat, role, d.Now())
				}
			}
		}
	}
	return func(role string) []string { return held[role] }
}

// onCallFor is who answers for a role: whose turn it is, else everybody who holds it.
func (d *Desk) onCallFor(ctx context.Context, cat *catalog.Catalog, role string, at time.Time) []string {
	if shift, ok := cat.OnCall(role, at); ok {
		return []string{shift.Person}
	}
	var out []string
	for _, a := range d.candidates(ctx, func(a catalog.Actor) bool { return slices.Contains(a.Roles, role) }) {
		out = append(out, a.Person)
	}
	return out
}

// escalate calls a level at once: escalate [LEVEL] [WHY].
func (d *Desk) escalate(ctx context.Context, req Request) error {
	const usage = "escalate [ID] [LEVEL] [WHY]"
	on := d.peopleOf(ctx)
	return d.onIncident(ctx, req, usage, func(i *incident.Incident, args []string) (incident.Event, error) {
		level := 0
		if len(args) > 0 {
			if n, err := strconv.Atoi(args[0]); err == nil {
				if n == 0 {
					n = -1
				}
				level, args = n, args[1:]
			}
		}
		l, _ := d.Catalog().Ladder(i.Service, i.Severity)
		return i.Raise(l, level, on, req.Actor.Name(), oneLine(strings.Join(args, " ")), d.Now())
	})
}

// page calls one person: page [ID] @NAME [WHY].
func (d *Desk) page(ctx context.Context, req Request) error {
	const usage = "page [ID] @NAME [WHY]"
	return d.onIncident(ctx, req, usage, func(i *incident.Incident, args []string) (incident.Event, error) {
		if len(args) == 0 {
			return incident.Event{}, usageProblem("Whom? Nobody was called.", usage)
		}
		p, err := d.person(req, args[0])
		if err != nil {
			return incident.Event{}, err
		}
		return i.Call(p.Name, req.Actor.Name(), oneLine(strings.Join(args[1:], " ")), d.Now())
	})
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
	now := d.Now()
	for _, role := range roles {
		line := redact.F("%s: nobody", role)
		if shift, ok := cat.OnCall(role, now); ok {
			line = redact.F("%s: %s until %s UTC", role, shift.Person, shift.Until.UTC().Format("Mon 2006-01-02 15:04"))
			if shift.Override {
				line = redact.F("%s (standing in)", line)
			}
			if next, ok := cat.OnCall(role, shift.Until); ok && next.Person != shift.Person {
				line = redact.F("%s, then %s", line, next.Person)
			}
			first = append(first, redact.F("%s is %s", shift.Person, role))
		} else if held := d.onCallFor(ctx, cat, role, now); len(held) > 0 {
			line = redact.F("%s: %s (no rotation)", role, strings.Join(held, ", "))
			first = append(first, redact.F("%s is %s", strings.Join(held, " and "), role))
		}
		c.Parts = append(c.Parts, card.Part{Text: line})
	}
	if len(first) > 0 {
		c.Verdict = redact.F("%s.", redact.Join("; ", first...))
	} else if len(roles) > 0 {
		c.State, c.Verdict = card.Warn, redact.Const("Nobody is on call.")
	}
	return req.Talk.Whisper(ctx, c)
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
				for _, p := range d.onCallFor(ctx, cat, role, d.Now()) {
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
