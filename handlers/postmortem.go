package handlers

import (
	"cmp"
	"context"
	"strings"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/plot"
	"github.com/svcdown/svcdown/redact"
)

// postmortem answers the draft as it is now, with the picture of the timeline and the meeting, as files: into the incident's channel when it was
// asked there, else to the asker alone. The canvas is left to those who write on it.
func (d *Desk) postmortem(ctx context.Context, req Request) error {
	i, err := d.which(ctx, &req, "postmortem ID")
	if err != nil {
		return err
	}
	talk, err := d.among(ctx, req, i)
	if err != nil {
		return err
	}
	for _, make := range []func(context.Context, incident.Incident) (card.File, error){d.draft, d.picture, d.meetingFile} {
		f, err := make(ctx, i)
		if err != nil {
			return d.unrecorded(err, "no draft was written")
		}
		if err := talk.Upload(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// among is where the files of an incident go: where they were asked for, unless it is private and more people read there.
func (d *Desk) among(ctx context.Context, req Request, i incident.Incident) (Conversation, error) {
	if !i.Private {
		return req.Talk, nil
	}
	return d.keep(ctx, req, i.Room)
}

// draft writes the postmortem from the timeline.
func (d *Desk) draft(ctx context.Context, i incident.Incident) (card.File, error) {
	events, err := d.Incidents.Timeline(ctx, i.ID)
	if err != nil {
		return card.File{}, err
	}
	alerts, err := d.Incidents.AlertsOf(ctx, i.ID)
	if err != nil {
		return card.File{}, err
	}
	actions, err := d.ActionItems.Items(ctx, incident.ItemFilter{Incident: i.ID})
	if err != nil {
		return card.File{}, err
	}
	return card.File{Name: "postmortem-" + strings.ToLower(i.ID) + ".md", Title: redact.F("Postmortem of %s: a draft from the timeline", i.ID),
		Content: incident.Postmortem(i, events, alerts, actions)}, nil
}

// picture draws the timeline.
func (d *Desk) picture(ctx context.Context, i incident.Incident) (card.File, error) {
	events, err := d.Incidents.Timeline(ctx, i.ID)
	if err != nil {
		return card.File{}, err
	}
	from, to := i.Times.Detected, i.Times.Resolved
	if to.IsZero() {
		to = d.Now()
	}
	lanes := lanesOf(events)
	var moments []plot.Moment
	mark := func(name redact.Text, at time.Time) {
		if !at.IsZero() {
			moments = append(moments, plot.Moment{Name: name, At: at})
		}
	}
	mark(redact.Const("acknowledged"), i.Times.Acknowledged)
	mark(redact.Const("mitigated"), i.Times.Mitigated)
	mark(redact.Const("resolved"), i.Times.Resolved)
	m, err := plot.Timeline(redact.F("%s, %s, severity %d: %s UTC, lasted %s", i.ID, cmp.Or(i.Service, "no service"), i.Severity, from.UTC().Format("2006-01-02 15:04"), incident.Span(to.Sub(from))), from, to, lanes, moments)
	if err != nil {
		return card.File{}, err
	}
	return card.File{Name: "timeline-" + strings.ToLower(i.ID) + ".png", Title: redact.F("Timeline of %s", i.ID), Image: m}, nil
}

// lanesOf sorts a timeline by what happened; a lane without anything is left out.
func lanesOf(events []incident.Event) []plot.Lane {
	order := []plot.Lane{
		{Name: redact.Const("alerts"), Bad: true}, {Name: redact.Const("calls, pages"), Bad: true}, {Name: redact.Const("checks")}, {Name: redact.Const("people")},
		{Name: redact.Const("asked, agreed")}, {Name: redact.Const("changes")}, {Name: redact.Const("others told")},
	}
	lane := map[incident.Kind]int{incident.KindAlert: 0, incident.KindEscalation: 1, incident.KindPage: 1, incident.KindVerdict: 2, incident.KindRequest: 4,
		incident.KindApproval: 4, incident.KindChange: 5, incident.KindTold: 6}
	for _, e := range events {
		n, ok := lane[e.Kind]
		if !ok {
			n = 3
		}
		order[n].At = append(order[n].At, e.At)
	}
	var out []plot.Lane
	for _, l := range order {
		if len(l.At) > 0 {
			out = append(out, l)
		}
	}
	return out
}
