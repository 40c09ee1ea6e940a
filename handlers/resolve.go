package handlers

import (
	"context"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// anyway behind the ID resolves although the checks are not green.
const anyway = "anyway"

// resolve ends an incident once its service is verified to be restored, as strictly as `verify` does. When it is not, it says what is missing and
// asks; whoever resolves anyway stands on the timeline with it.
func (d *Desk) resolve(ctx context.Context, req Request) error {
	const usage = "resolve [ID]"
	i, err := d.which(ctx, &req, usage)
	if err != nil {
		return err
	}
	if !i.State.Active() { // before anything is checked for nothing
		_, err := i.Move(incident.Resolved, req.Actor.Name(), redact.Text{}, d.Now())
		return err
	}
	p, err := d.restored(ctx, req, i)
	if err != nil {
		return err
	}
	if !p.green() && (len(req.Args) == 0 || req.Args[0] != anyway) {
		return req.Talk.Whisper(ctx, notResolved(i, p))
	}
	why := p.verdict
	if !p.green() {
		why = redact.F("without green checks: %s", why)
	}
	req.Args = []string{i.ID}
	return d.onIncident(ctx, req, usage, func(i *incident.Incident, _ []string) (incident.Event, error) {
		e, err := i.Move(incident.Resolved, req.Actor.Name(), why, d.Now())
		if err == nil {
			i.Judge(why, d.Now()) // the move's event says it
		}
		return e, err
	})
}

// restored verifies an incident's service. Without a service nothing can be verified: people say that it is over.
// Whoever waits longer than a second hears that it is under way.
func (d *Desk) restored(ctx context.Context, req Request, i incident.Incident) (proven, error) {
	svc, ok := d.Catalog().Service(i.Service)
	if !ok {
		return proven{verdict: redact.Const("what is affected is in no catalogue, so I can check nothing")}, nil
	}
	if _, err := d.Clusters(svc.Cluster); err != nil {
		return proven{verdict: redact.F("cluster %q cannot be reached", svc.Cluster)}, nil
	}
	free, err := d.slot()
	if err != nil {
		return proven{}, err
	}
	defer free()
	steps, _ := d.restoration(svc)
	live := &liveCard{talk: aside{req.Talk}, svc: svc, doing: redact.F("Verifying %s", svc.Name), started: d.Now(), now: d.Now, after: time.Second}
	return fill(ctx, live, func(each func(finding.Finding)) looked { return d.lookRestored(ctx, d.leaveOf(req), svc, steps, each) }).proves(), nil
}

// mostMissing is how many findings the question shows; `verify` has all.
const mostMissing = 10

// notResolved says exactly what keeps the incident from being resolved, and asks.
func notResolved(i incident.Incident, p proven) card.Card {
	c := card.Card{Title: redact.F("%s is not verified", i.ID), State: card.Warn, Verdict: redact.F("Not resolved yet: %s", p.verdict)}
	if n := min(len(p.bad), mostMissing); n > 0 {
		c.Parts = append(c.Parts, card.Part{Findings: p.bad[:n]})
		if more := len(p.bad) - n; more > 0 {
			c.Notes = append(c.Notes, redact.F("and %d more: `verify %s` shows all", more, i.Service))
		}
	}
	c.Buttons = []card.Button{
		{Label: redact.Const("Check again"), Verb: "resolve", Value: i.ID},
		{Label: redact.Const("Resolve anyway"), Verb: "resolve", Value: i.ID + " " + anyway, Style: card.Danger, Confirm: &card.Confirm{
			Title: redact.F("Resolve %s?", i.ID), Body: redact.Const("It is not proven to be over. The timeline will say that you resolved it without green checks."), Yes: redact.Const("Resolve")}},
	}
	return c
}
