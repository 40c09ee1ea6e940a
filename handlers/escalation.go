package handlers

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// Escalate is the body of the escalation timer: it climbs what is due, on the locked incident, and does nothing when nothing is. The showing
// job, which the same transaction inserts, calls the people. An update that is due is asked for by the same timer. The channel of a closed incident is archived by the same timer.
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
		return append(i.Escalate(l, on, now), i.RemindUpdate(d.Catalog().UpdatesEvery(i.Service, i.Severity), now)...), nil
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
