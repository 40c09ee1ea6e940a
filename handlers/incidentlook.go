package handlers

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/diagnose"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/incident"
)

// lookAgain is how long the look waits for the incident to have a place.
const lookAgain = time.Second

// lookRetry is when a triage that Slack did not take is made again: what was true then helps nobody later.
const lookRetry = 15 * time.Second

// Look is the body of the job that every opening and reopening inserts: the triage of the service and what changed around it, in the incident's
// channel before anybody has typed anything, and the verdict on its timeline. It is apart from showing, which must not wait for checks.
func (d *Desk) Look(ctx context.Context, id string) error {
	i, err := d.Incidents.Incident(ctx, id)
	if errors.Is(err, approval.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	svc, ok := d.Catalog().Service(i.Service)
	if !ok || !i.State.Active() {
		return nil
	}
	done, err := d.Incidents.IncidentCards(ctx, id)
	if err != nil {
		return err
	}
	s := &showing{Desk: d, i: i, done: done}
	place := s.place()
	if place.Channel == "" && s.judged() {
		return &approval.Later{After: lookAgain} // the showing job is making one, or Slack is away
	}
	role := "look:" + strconv.FormatInt(i.Opened().Unix(), 10)
	if _, looked := done[role]; looked {
		return nil
	}
	cl, err := d.Clusters(svc.Cluster)
	if err != nil {
		return err
	}
	started := d.Now()
	x := d.examine(ctx, d.leaveOfOpener(ctx, i), cl, svc, func(finding.Finding) {})
	list := diagnose.Diagnose(x.Case)
	_, verdict := triageVerdict(x, list)
	// First what decides: the header, and what the next level is told.
	if _, err := d.changeIncident(ctx, id, "svcdown", func(i *incident.Incident) ([]incident.Event, error) {
		e := i.Judge(verdict, d.Now())
		e.Op = role
		return []incident.Event{e}, nil
	}); err != nil {
		return err
	}
	if place.Channel == "" {
		return &approval.Later{After: lookAgain}
	}
	c := triageCard(x, list, d.Now().Sub(started))
	c.Buttons = d.asking(c.Buttons, svc.Name)
	err = s.once(ctx, role, func() (card.Address, error) {
		at, err := d.Talk.At(place).Say(ctx, role+":"+id, c)
		if err != nil || at.Message == "" {
			return at, err
		}
		d.remember(ctx, svc, at, c, started)
		thread := at
		if thread.Thread == "" {
			thread.Thread = thread.Message
		}
		below := d.Talk.At(thread)
		if x.unchanged == nil {
			_, err = below.Say(ctx, "changes:"+role+":"+id, changesCard(svc, defaultSpan, x.changes, x.Findings))
		}
		if details := detailsCard(x, list); err == nil && len(details.Parts) > 0 {
			_, err = below.Say(ctx, "details:"+role+":"+id, details)
		}
		if raw := rawFile(x, started); err == nil && !raw.Content.Empty() {
			err = below.Upload(ctx, raw)
		}
		return at, err
	})
	if err != nil && ctx.Err() == nil {
		d.Log.Warn().Err(err).Str("incident", id).Msg("post the triage in the incident's channel; it is made anew when Slack answers")
		return &approval.Later{After: lookRetry}
	}
	return err
}

// judged is true once the checks have answered since the incident was opened or reopened.
func (s *showing) judged() bool {
	return !s.i.VerdictAt.IsZero() && !s.i.VerdictAt.Before(s.i.Opened())
}
