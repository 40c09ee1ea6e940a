package handlers

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime/debug"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// The places where an incident is shown, as roles of [IncidentCards].
const (
	placeHeader   = "header"
	placeAnnounce = "announcement"
)

// ShowIncident brings everything that people see of an incident up to what is stored: the body of the showing job, which every change inserts.
// The store sees to it that one bot at a time is here for each incident. It writes the whole truth each time and repeats nothing that it
// remembers as done; what fails is left for the next time and holds up nothing else.
func (d *Desk) ShowIncident(ctx context.Context, id string) error {
	i, err := d.Incidents.Incident(ctx, id)
	if errors.Is(err, approval.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	done, err := d.Incidents.IncidentCards(ctx, id)
	if err != nil {
		return err
	}
	s := &showing{Desk: d, i: i, done: done}
	// A Slack that hangs keeps nobody asleep. What is shown meanwhile changes s, so that the pages have a copy of their own.
	calls, paged := &showing{Desk: d, i: i, done: maps.Clone(done)}, make(chan error, 1)
	go func() {
		defer func() {
			if p := recover(); p != nil {
				paged <- fmt.Errorf("page for %s: panic: %v\n%s", id, p, debug.Stack())
			}
		}()
		paged <- calls.pages(ctx)
	}()
	problem := s.all(ctx)
	return errors.Join(problem, <-paged)
}

// showing is one run of [Desk.ShowIncident].
type showing struct {
	*Desk
	i    incident.Incident
	done map[string]card.Address // what was done before this run, by role
}

func (s *showing) all(ctx context.Context) error {
	if s.i.Shown.Closed {
		return nil
	}
	if err := s.room(ctx); err != nil {
		return errors.Join(err, s.announcement(ctx), s.rungs(ctx)) // people are called where they can be
	}
	return errors.Join(
		s.header(ctx), s.announcement(ctx), s.furnish(ctx), s.rungs(ctx), s.updateDue(ctx), s.recovered(ctx), s.aftermath(ctx), s.archive(ctx),
	)
}

// once runs f unless it was done before, and remembers that it was.
func (s *showing) once(ctx context.Context, role string, f func() (card.Address, error)) error {
	if _, ok := s.done[role]; ok {
		return nil
	}
	at, err := f()
	if err = s.temporary(role, err); err != nil {
		return fmt.Errorf("%s of %s: %w", role, s.i.ID, err)
	}
	return s.Incidents.SaveIncidentCard(ctx, s.i.ID, role, at)
}

// temporary passes on what trying again can cure. What Slack will never do (a person who left, a channel that people archived) is logged and
// taken as done: it must hold up nothing and be tried no more.
func (s *showing) temporary(what string, err error) error {
	if hopeless(err) {
		s.Log.Warn().Err(err).Str("incident", s.i.ID).Str("what", what).Msg("not shown, and it never will be")
		return nil
	}
	return err
}

// keep puts a card in its place, once, and edits it there from then on.
func (s *showing) keep(ctx context.Context, role string, in card.Address, c card.Card) (card.Address, error) {
	if at, ok := s.done[role]; ok {
		return at, s.temporary(role, s.Talk.At(at).Update(ctx, at, c))
	}
	at, err := s.Talk.At(in).Say(ctx, role+":"+s.i.ID, c)
	if err != nil {
		return at, s.temporary(role, fmt.Errorf("%s of %s: %w", role, s.i.ID, err))
	}
	s.done[role] = at
	return at, s.Incidents.SaveIncidentCard(ctx, s.i.ID, role, at)
}

// place is where the incident is talked about: its channel, or, where none can be made, the thread of its announcement.
func (s *showing) place() card.Address {
	at := card.Address{Kind: "slack", Team: s.Catalog().Slack.Team, Channel: s.i.Room}
	if s.i.Room == "" {
		at = s.done[placeAnnounce]
		at.Thread, at.Message = at.Message, ""
	}
	return at
}

func (s *showing) header(ctx context.Context) error {
	if s.i.Room == "" {
		return nil // the announcement says it all
	}
	events, err := s.Incidents.Timeline(ctx, s.i.ID)
	if err != nil {
		return err
	}
	alerts, err := s.Incidents.AlertsOf(ctx, s.i.ID)
	if err != nil {
		return err
	}
	_, err = s.keep(ctx, placeHeader, s.place(), s.headerCard(s.i, events, alerts))
	return err
}

func (s *showing) announcement(ctx context.Context) error {
	cat := s.Catalog()
	who := ""
	if len(s.i.People) > 0 {
		id, _ := s.slackOf(s.i.People[0])
		who = id.User
	}
	if _, ok := s.done[placeAnnounce]; !ok {
		// What is said in private now would stay there when Slack is back.
		if channel, told := s.insider(ctx, cat.Channels.Incidents, cat.Channels.Ops); channel == "" && !told {
			return errors.New("announce " + s.i.ID + ": Slack does not say which channels another workspace reads")
		}
	}
	at := s.Desk.room(ctx, who, cat.Channels.Incidents, cat.Channels.Ops)
	if at.Private && who == "" {
		return nil // nowhere to say it, and nobody to say it to: room has logged it
	}
	_, err := s.keep(ctx, placeAnnounce, at, s.announcementCard(s.i))
	return err
}

// recovered proposes to resolve once every alert has recovered. It never resolves by itself.
func (s *showing) recovered(ctx context.Context) error {
	if !s.i.State.Active() {
		return nil
	}
	alerts, err := s.Incidents.AlertsOf(ctx, s.i.ID)
	if err != nil || alerts.Known == 0 || alerts.Firing > 0 {
		return err
	}
	role := fmt.Sprintf("recovered:%d", alerts.Received)
	return s.once(ctx, role, func() (card.Address, error) {
		c := card.Card{Title: redact.F("%s · recovered", s.i.ID), State: card.OK, Verdict: redact.F("All %d alerts have recovered. Is it over?", alerts.Known),
			Buttons: []card.Button{{Label: redact.Const("Resolve"), Verb: "resolve", Value: s.i.ID, Style: card.Primary}}}
		return s.Talk.At(s.place()).Say(ctx, role+":"+s.i.ID, c)
	})
}
