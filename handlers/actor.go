package handlers

import (
	"context"
	"slices"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
)

// How old group memberships may be: for reading, seconds save Slack a call each time; where a change is decided or carried out Slack is asked
// anew, so that a removal counts at once.
const (
	forReading = 5 * time.Second
	atOnce     = 0
)

// actor finds out who is asking: the person behind the account and the roles they hold now, from memberships no older than maxAge unless Slack
// is away. Whatever cannot be found out takes rights away, never gives them.
func (d *Desk) actor(ctx context.Context, in Incoming, maxAge time.Duration) catalog.Actor {
	cat := d.Catalog()
	a := catalog.Actor{Slack: in.From, Kubernetes: in.Kubernetes}
	var p catalog.Person
	var ok bool
	if in.Kubernetes != "" {
		p, ok = cat.PersonByKubernetes(in.Kubernetes)
	} else {
		p, ok = cat.PersonBySlack(in.From)
		a.Refused = d.refusedAccount(ctx, cat, in.From)
	}
	if ok {
		a.Person = p.Name
		d.roles(ctx, cat, p, &a, maxAge)
	}
	return a
}

// refusedAccount says why an account may do nothing at all, "" when it may.
func (d *Desk) refusedAccount(ctx context.Context, cat *catalog.Catalog, id catalog.SlackID) string {
	if id.Team != cat.Slack.Team {
		return "an account of another workspace"
	}
	acc, err := d.Directory.Account(ctx, id)
	switch {
	case err != nil:
		// Slack cannot say whether this is a guest. The catalogue names the account, or it does not: roles decide from there, and their
		// age is judged where a change is decided.
		if _, known := cat.PersonBySlack(id); known {
			return ""
		}
		return "an account that Slack does not confirm at the moment"
	case acc.Deleted:
		return "a deactivated account"
	case acc.Bot:
		return "a bot"
	case acc.Guest:
		return "a guest account"
	}
	return ""
}

// roles fills in what the person holds: by name from the catalogue, by user group from Slack. When Slack has no answer at all, only
// the roles by name count.
func (d *Desk) roles(ctx context.Context, cat *catalog.Catalog, p catalog.Person, a *catalog.Actor, maxAge time.Duration) {
	groups := cat.GroupsOfRoles()
	if len(groups) == 0 {
		a.Roles = cat.RolesOf(p.Name, nil, p.Slack)
		return
	}
	byName := cat.RolesOf(p.Name, nil, p.Slack)
	members, asOf, err := d.Directory.Groups(ctx, groups, maxAge)
	// Whom the catalogue names in a role keeps it however long Slack is away; who has groups alone is told that these are too old.
	if err != nil || (len(byName) > 0 && d.Now().Sub(asOf) > approval.RolesMaxAge) {
		a.Roles = byName
		return
	}
	a.Roles = cat.RolesOf(p.Name, members, p.Slack)
	if len(a.Roles) > len(byName) {
		a.RolesAsOf = asOf // some role rests on a group, so its age matters
	}
}

// again is the actor with the roles of this moment.
func (d *Desk) again(ctx context.Context) func(catalog.Actor) catalog.Actor {
	return func(a catalog.Actor) catalog.Actor {
		return d.actor(ctx, Incoming{From: a.Slack, Kubernetes: a.Kubernetes}, atOnce)
	}
}

// admit refuses accounts that may only read help.
func (d *Desk) admit(a catalog.Actor) error {
	switch {
	case a.Refused != "":
		return &Problem{Code: "role", Text: redact.F("You come in with %s, which may not use svcdown here; nothing was done.", a.Refused), Next: redact.Const("Ask somebody of the on-call team.")}
	case a.Person == "":
		return &Problem{Code: "role", Text: redact.F("I do not know you (%s), so nothing was done.", a.Name()), Next: redact.Const("Ask the platform team to add this account under people in svcdown.yaml.")}
	}
	return nil
}

// candidates are the people who could still decide r, in the catalogue's order, with their accounts in our workspace; who has none there can
// decide at the terminal.
func (d *Desk) candidates(ctx context.Context, may func(catalog.Actor) bool) []catalog.Actor {
	cat := d.Catalog()
	var out []catalog.Actor
	for _, p := range cat.People {
		a := catalog.Actor{Person: p.Name}
		if i := slices.IndexFunc(p.Slack, func(id catalog.SlackID) bool { return id.Team == cat.Slack.Team }); i >= 0 {
			a.Slack = p.Slack[i]
		} else if len(p.Kubernetes) == 0 {
			continue
		}
		d.roles(ctx, cat, p, &a, forReading)
		if may(a) {
			out = append(out, a)
		}
	}
	return out
}

// clock is the time of day for people: UTC, to the minute.
func clock(t time.Time) string { return t.UTC().Format("15:04") }
