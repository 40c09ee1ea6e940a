package handlers

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// chronicle puts on the timeline of the service's incident what is stored of a request: who asked, who agreed or refused and how long that
// took, what was changed from what to what, and how it ended. It is called whenever the request is announced and puts everything down once.
func (d *Desk) chronicle(ctx context.Context, r approval.Request) error {
	i, err := d.Incidents.IncidentOf(ctx, r.Plan.Service)
	if errors.Is(err, approval.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	// What was over before the incident began, or began after it was over, is none of its story.
	over := i.Times.Resolved.Add(d.Catalog().Incidents.Flapping)
	if r.State.Final() && r.DecidedAt.Before(i.Times.Detected) || !i.State.Active() && r.CreatedAt.After(over) {
		return nil
	}
	if mends(r) {
		if _, err := d.changeIncident(ctx, i.ID, "svcdown", func(i *incident.Incident) ([]incident.Event, error) {
			i.Mitigate(r.ID, r.DecidedAt)
			return nil, nil
		}); err != nil {
			return err
		}
	}
	events := d.story(r)
	fresh, err := d.Incidents.Put(ctx, i.ID, events)
	if err != nil || fresh == 0 {
		return err
	}
	// Whoever asks or decides is at it.
	_, err = d.changeIncident(ctx, i.ID, "svcdown", func(i *incident.Incident) ([]incident.Event, error) {
		for _, e := range events {
			if e.Kind != incident.KindChange {
				i.Sign(e.At)
			}
		}
		return nil, nil
	})
	return err
}

// mends reports whether a request may be what ended an outage: a lasting change of the service that was verified by its checks.
func mends(r approval.Request) bool {
	return r.State == approval.Succeeded && !isOutside(r.Plan) && r.Plan.Returns == 0 && r.Plan.Target.Kind != "Job"
}

// story is what is known of a request as events.
func (d *Desk) story(r approval.Request) []incident.Event {
	p := r.Plan
	asked := redact.F("asks to %s (%s)", aim(p), r.ID)
	if r.Why != "" {
		asked = redact.F("%s: %s", asked, r.Why)
	}
	events := []incident.Event{{Op: "request:" + r.ID, At: r.CreatedAt, Kind: incident.KindRequest, By: r.Requester.Name(), Text: asked}}
	for _, v := range r.Votes {
		word := redact.Const("approves")
		if !v.Yes {
			word = redact.Const("denies")
		}
		text := redact.F("%s %s, which had waited %s", word, r.ID, incident.Span(v.At.Sub(r.CreatedAt)))
		if v.Why != "" {
			text = redact.F("%s: %s", text, v.Why)
		}
		events = append(events, incident.Event{Op: "vote:" + r.ID + ":" + v.Person + ":" + planName(r), At: v.At, Kind: incident.KindApproval, By: v.Person, Text: text})
	}
	if r.Broken != nil {
		events = append(events, incident.Event{Op: "glass:" + r.ID, At: r.Broken.At, Kind: incident.KindApproval, By: r.Broken.Actor.Name(),
			Text: redact.F("breaks the glass for %s: %s", r.ID, r.Broken.Why)})
	}
	switch r.State {
	case approval.Pending, approval.Approved, approval.Executing:
		return events
	}
	text := redact.F("%s of %s (%s): %s", noun(p.Action), p.Service, r.ID, r.State.Words())
	if r.Reason != "" {
		text = redact.F("%s (%s)", text, r.Reason)
	}
	if change := beforeAndAfter(p); !change.Empty() && r.State != approval.NotStarted {
		text = redact.F("%s. %s", text, change)
	}
	return append(events, incident.Event{Op: "state:" + r.ID + ":" + string(r.State), At: r.DecidedAt, Kind: incident.KindChange, By: "svcdown", Text: text})
}

// beforeAndAfter says in words what a plan changes from what to what.
func beforeAndAfter(p plan.Plan) redact.Text {
	switch {
	case p.Before.Replicas != nil && p.Params["replicas"] != "":
		return redact.F("Replicas before: %d, after: %s", *p.Before.Replicas, p.Params["replicas"])
	case p.Before.Revision > 0 && p.Params["revision"] != "":
		return redact.F("Revision before: %d, after: that of %s", p.Before.Revision, p.Params["revision"])
	case p.Before.Revision > 0:
		return redact.F("Revision before: %d", p.Before.Revision)
	}
	return redact.Text{}
}

// pageReminded wakes whoever was reminded of a request of an open incident before and has not answered: the outage goes on while it waits. It
// is tried again with the next reminder, and holds up none.
func (d *Desk) pageReminded(ctx context.Context, r approval.Request, places map[string]card.Address) {
	if d.Pager == nil {
		return
	}
	i, err := d.Incidents.IncidentOf(ctx, r.Plan.Service)
	if err != nil || !i.State.Active() {
		return
	}
	prefix := "reminder:" + planName(r) + ":"
	for role := range places {
		name, reminded := strings.CutPrefix(role, prefix)
		done := "paged:" + role
		answered := slices.ContainsFunc(r.Votes, func(v approval.Vote) bool { return v.Person == name })
		if _, was := places[done]; !reminded || was || answered {
			continue
		}
		person, ok := d.Catalog().Person(name)
		if !ok {
			continue
		}
		err := d.Pager.Page(ctx, incident.Page{Key: r.ID + ":" + done, Incident: i.ID, Service: i.Service, Severity: i.Severity, People: []catalog.Person{person},
			Title: redact.F("%s of %s waits for you: %s asks to %s", r.ID, i.ID, r.Requester.Name(), aim(r.Plan)), What: i.Verdict})
		if text, went := paged(name, err); went {
			_, err = d.Incidents.Put(ctx, i.ID, []incident.Event{{Op: done + ":" + r.ID, At: d.Now(), Kind: incident.KindPage, By: "svcdown", Text: redact.F("%s. %s waits for them", text, r.ID)}})
		}
		if err == nil {
			err = d.Cards.SaveCard(ctx, r.ID, done, card.Address{})
		}
		if err != nil {
			d.Log.Warn().Err(err).Str("request", r.ID).Str("person", name).Msg("page somebody for whom a request waits; it is tried again with the next reminder")
		}
	}
}

// judgedHere puts the verdict of a check that people asked for in an incident's channel on its timeline, and in its header when it is of the incident's
// service. It is done on a best-effort basis: an answer does not fail because of it.
func (d *Desk) judgedHere(ctx context.Context, req Request, at card.Address, svc catalog.Service, verdict redact.Text) {
	if at.Message == "" || at.Private || req.Where.Channel == "" {
		return // nobody else has seen it
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	i, err := d.Incidents.IncidentIn(ctx, req.Where.Channel)
	if errors.Is(err, approval.ErrNotFound) || err == nil && !i.State.Active() {
		return
	}
	if err == nil {
		_, err = d.changeIncident(ctx, i.ID, req.Actor.Name(), func(i *incident.Incident) ([]incident.Event, error) {
			e := incident.Event{At: d.Now(), Kind: incident.KindVerdict, Text: verdict}
			if i.Service == svc.Name {
				e = i.Judge(verdict, d.Now())
			}
			i.Sign(e.At)
			e.By, e.Op = req.Actor.Name(), "verdict:"+at.Message
			e.Text = redact.F("%s %s: %s", req.Verb, svc.Name, verdict)
			return []incident.Event{e}, nil
		})
	}
	if err != nil {
		d.Log.Warn().Err(err).Str("service", svc.Name).Msg("put a verdict on the incident's timeline")
	}
}

// Pin is a message that somebody marked in a channel.
type Pin struct {
	// By marked it, Author wrote it.
	By, Author catalog.SlackID
	Channel    string
	TS         string
	Text       string // "" when nobody could read it
	// Where whoever marked it is answered; without a Kind they are not: a pushpin is no question.
	Where card.Address
}

// TakePin puts a marked message on the timeline of the channel's incident, once, at the time when it was written. Channels without an incident,
// and people who are in no catalogue, are passed over; whoever asked for it is told.
func (d *Desk) TakePin(ctx context.Context, p Pin) error {
	id, err := d.takePin(ctx, p)
	if p.Where.Kind == "" {
		var problem *Problem
		if errors.As(err, &problem) {
			return nil
		}
		return err
	}
	c := card.Card{Title: redact.Const("Timeline"), State: card.OK, Verdict: redact.F("The message stands on the timeline of %s.", id)}
	var problem *Problem
	switch {
	case errors.As(err, &problem):
		c.State, c.Verdict = card.Refused, redact.Join(" ", problem.Text, problem.Next)
		err = nil
	case err != nil:
		c.State, c.Verdict = card.Fail, redact.Const("Whether the message stands on the timeline cannot be told: something broke on my side. Look at `incident show`, and mark it again: it stands there once.")
	}
	return errors.Join(err, d.Talk.At(p.Where).Whisper(ctx, c))
}

// takePin returns the incident's ID; a [Problem] says why the message was passed over.
func (d *Desk) takePin(ctx context.Context, p Pin) (string, error) {
	i, err := d.Incidents.IncidentIn(ctx, p.Channel)
	if errors.Is(err, approval.ErrNotFound) {
		return "", &Problem{Code: "incident", Text: redact.Const("This is not the channel of an incident, so the message was put on no timeline."), Next: redact.Const("Write `note ID TEXT` instead.")}
	}
	if err != nil {
		return "", err
	}
	by := d.actor(ctx, Incoming{From: p.By}, forReading)
	if err := d.admit(by); err != nil {
		return "", err
	}
	if p.Text == "" {
		return "", &Problem{Code: "text", Text: redact.Const("That message has no text that I can read, so it was put on no timeline."), Next: redact.Const("Invite me to the channel, or write `note TEXT`.")}
	}
	author := d.actor(ctx, Incoming{From: p.Author}, forReading)
	_, err = d.changeIncident(ctx, i.ID, by.Name(), func(i *incident.Incident) ([]incident.Event, error) {
		i.Sign(d.Now())
		return []incident.Event{{Op: "pin:" + p.TS, At: messageTime(p.TS, d.Now()), Kind: incident.KindMessage, By: author.Name(),
			Text: redact.F("%s (marked by %s)", redact.F("%s", oneLine(p.Text)).Short(1000), by.Name())}}, nil
	})
	return i.ID, err
}

// messageTime reads a Slack timestamp: seconds since 1970 with a fraction.
func messageTime(ts string, otherwise time.Time) time.Time {
	f, err := strconv.ParseFloat(ts, 64)
	if err != nil || f <= 0 || f > float64(otherwise.Add(24*time.Hour).Unix()) {
		return otherwise
	}
	return time.Unix(0, int64(f*1e9)).UTC()
}
