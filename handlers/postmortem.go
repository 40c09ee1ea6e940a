package handlers

import (
	"context"
	"strings"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// postmortem answers the draft as a file: into the incident's channel when it was asked there, else to the asker alone.
func (d *Desk) postmortem(ctx context.Context, req Request) error {
	i, err := d.which(ctx, &req, "postmortem ID")
	if err != nil {
		return err
	}
	f, err := d.draft(ctx, i)
	if err != nil {
		return d.unrecorded(err, "no draft was written")
	}
	talk := req.Talk
	if i.Private {
		if talk, err = d.keep(ctx, req, i.Room); err != nil {
			return err
		}
	}
	return talk.Upload(ctx, f)
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
	return card.File{Name: "postmortem-" + strings.ToLower(i.ID) + ".md", Title: redact.F("Postmortem of %s: a draft from the timeline", i.ID),
		Content: incident.Postmortem(i, events, alerts)}, nil
}
