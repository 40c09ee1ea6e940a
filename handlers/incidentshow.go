package handlers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
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
	paged := make(chan error, 1)
	go func() { paged <- s.pages(ctx) }() // a Slack that hangs keeps nobody asleep
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
		return errors.Join(err, s.announcement(ctx))
	}
	return errors.Join(
		s.header(ctx), s.announcement(ctx), s.furnish(ctx), s.rungs(ctx), s.recovered(ctx), s.postmortem(ctx), s.archive(ctx),
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
	var l interface{ Lasting() bool }
	if errors.Is(err, ErrGone) || errors.As(err, &l) && l.Lasting() {
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
	at := s.Desk.room(ctx, who, cat.Channels.Incidents, cat.Channels.Ops)
	if at.Private && who == "" {
		return nil // nowhere to say it, and nobody to say it to: room has logged it
	}
	_, err := s.keep(ctx, placeAnnounce, at, s.announcementCard(s.i))
	return err
}

// rungs calls the people of every level that was reached: in the channel, and, where no pager does it, in their direct messages.
func (s *showing) rungs(ctx context.Context) error {
	var problems []error
	for _, r := range s.i.Climb.Rungs {
		key := r.Key()
		c := s.rungCard(s.i, r)
		problems = append(problems, s.once(ctx, key, func() (card.Address, error) { return s.Talk.At(s.place()).Say(ctx, key+":"+s.i.ID, c) }))
		if s.Pager != nil {
			continue
		}
		for _, name := range r.People {
			id, ok := s.slackOf(name)
			if !ok {
				continue
			}
			problems = append(problems, s.once(ctx, key+":"+name, func() (card.Address, error) {
				talk, err := s.Talk.Direct(ctx, id)
				if err != nil {
					return card.Address{}, err
				}
				return talk.Say(ctx, key+":"+name+":"+s.i.ID, c)
			}))
		}
	}
	return errors.Join(problems...)
}

// pages wakes the people of every level through the pager, and stops it once somebody has taken the incident.
func (s *showing) pages(ctx context.Context) error {
	if s.Pager == nil {
		return nil
	}
	var problems []error
	none := func(err error) func() (card.Address, error) {
		return func() (card.Address, error) { return card.Address{}, err }
	}
	for _, r := range s.i.Climb.Rungs {
		key := "paged:" + r.Key()
		if _, ok := s.done[key]; ok || len(r.People) == 0 {
			continue
		}
		err := s.Pager.Page(ctx, s.page(r))
		problems = append(problems, s.once(ctx, key, none(err)))
		if err == nil {
			_, perr := s.Incidents.Put(ctx, s.i.ID, []incident.Event{{Op: key, At: s.Now(), Kind: incident.KindPage, By: "svcdown", Text: redact.F("Paged %s", strings.Join(r.People, ", "))}})
			problems = append(problems, perr)
		}
	}
	round := strconv.Itoa(s.i.Climb.Round)
	if _, told := s.done["page-acked:"+round]; !told && s.i.Climb.Stopped && s.i.State.Active() {
		problems = append(problems, s.once(ctx, "page-acked:"+round, none(s.Pager.Acknowledge(ctx, s.i.ID, s.i.Climb.StoppedBy))))
	}
	if _, told := s.done["page-ended:"+round]; !told && !s.i.State.Active() {
		problems = append(problems, s.once(ctx, "page-ended:"+round, none(s.Pager.Resolve(ctx, s.i.ID))))
	}
	return errors.Join(problems...)
}

func (s *showing) page(r incident.Rung) incident.Page {
	p := incident.Page{Key: s.i.ID + ":" + r.Key(), Incident: s.i.ID, Service: s.i.Service, Severity: s.i.Severity, Level: r.Level,
		Title: redact.F("%s severity %d: %s", s.i.ID, s.i.Severity, s.i.Title), What: s.i.Verdict}
	for _, name := range r.People {
		if person, ok := s.Catalog().Person(name); ok {
			p.People = append(p.People, person)
		}
	}
	if s.i.Room != "" {
		p.Link = "https://app.slack.com/client/" + s.Catalog().Slack.Team + "/" + s.i.Room
	}
	return p
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

// postmortem puts the draft into the channel when the incident was resolved.
func (s *showing) postmortem(ctx context.Context) error {
	if s.i.State != incident.Resolved {
		return nil
	}
	return s.once(ctx, "postmortem:"+strconv.FormatInt(s.i.Times.Resolved.Unix(), 10), func() (card.Address, error) {
		f, err := s.draft(ctx, s.i)
		if err != nil {
			return card.Address{}, err
		}
		return card.Address{}, s.Talk.At(s.place()).Upload(ctx, f)
	})
}

// room makes the incident's channel. The name is reserved in Postgres before Slack is asked, for this incident alone; a channel of that name
// which we made is then this incident's, also when an earlier life of the bot made it and died before it could say so.
func (s *showing) room(ctx context.Context) error {
	if s.i.Room != "" || s.i.State == incident.Closed {
		return nil
	}
	const tries = 50
	for try := s.tryOf(tries); try <= tries; try++ {
		name := incident.RoomName(s.i.Service, s.i.Title.String(), s.i.Times.Detected, try)
		reserved, err := s.reserve(ctx, name)
		if errors.Is(err, incident.ErrTaken) {
			continue
		}
		if err != nil {
			return err
		}
		channel, err := s.Rooms.OpenRoom(ctx, reserved.RoomName, reserved.Private)
		s.Step("room-opened")
		switch {
		case errors.Is(err, ErrRoomTaken):
			continue
		case errors.Is(err, ErrNoRoom):
			_, perr := s.Incidents.Put(ctx, s.i.ID, []incident.Event{{Op: "no-room", At: s.Now(), Kind: incident.KindNote, By: "svcdown",
				Text: redact.Const("Slack does not let me make a channel here, so the incident is worked on in the thread of its announcement")}})
			s.Log.Error().Err(err).Str("incident", s.i.ID).Msg("make the incident's channel")
			return perr
		case err != nil:
			return fmt.Errorf("make the channel of %s: %w", s.i.ID, err)
		}
		s.i, err = s.changeIncident(ctx, s.i.ID, "svcdown", func(i *incident.Incident) ([]incident.Event, error) {
			i.Room = channel
			return []incident.Event{{Op: "room", At: s.Now(), Kind: incident.KindState, By: "svcdown", Text: redact.F("The channel #%s is made", i.RoomName)}}, nil
		})
		return err
	}
	return fmt.Errorf("make the channel of %s: %d names are taken", s.i.ID, tries)
}

// tryOf is which name an earlier run reserved; 1 when none did.
func (s *showing) tryOf(most int) int {
	for try := 1; s.i.RoomName != "" && try <= most; try++ {
		if s.i.RoomName == incident.RoomName(s.i.Service, s.i.Title.String(), s.i.Times.Detected, try) {
			return try
		}
	}
	return 1
}

// reserve takes a name for this incident.
func (s *showing) reserve(ctx context.Context, name string) (incident.Incident, error) {
	if s.i.RoomName == name {
		return s.i, nil
	}
	i, err := s.changeIncident(ctx, s.i.ID, "svcdown", func(i *incident.Incident) ([]incident.Event, error) {
		i.RoomName, i.Private = name, slices.Contains(s.Catalog().Incidents.Private, i.Severity)
		return nil, nil
	})
	if err == nil {
		s.i = i
	}
	return i, err
}

// furnish sets the topic, the links, the pin, and invites who was brought in.
func (s *showing) furnish(ctx context.Context) error {
	if s.i.Room == "" {
		return nil
	}
	shown := s.i.Shown
	shown.Invited = slices.Clone(shown.Invited)
	var f Furniture
	if topic := s.topic(); topic != shown.Topic {
		f.Topic, shown.Topic = topic, topic
	}
	if !shown.Links {
		f.Links, shown.Links = s.links(), true
	}
	if at, ok := s.done[placeHeader]; ok && !shown.Pinned {
		f.Pin, shown.Pinned = at, true
	}
	var problems []error
	if f.Topic != "" || len(f.Links) > 0 || f.Pin.Message != "" {
		if err := s.temporary("furniture", s.Rooms.Furnish(ctx, s.i.Room, f)); err != nil {
			problems = append(problems, fmt.Errorf("furnish the channel of %s: %w", s.i.ID, err))
			shown.Topic, shown.Links, shown.Pinned = s.i.Shown.Topic, s.i.Shown.Links, s.i.Shown.Pinned
		}
	}
	var guests []catalog.SlackID
	for _, name := range s.i.People {
		id, ok := s.slackOf(name)
		if !slices.Contains(shown.Invited, name) && ok {
			guests, shown.Invited = append(guests, id), append(shown.Invited, name)
		}
	}
	if len(guests) > 0 {
		// Whoever cannot be invited (a guest, somebody who left) is named in the log; trying again every time would not help them.
		if err := s.Rooms.Invite(ctx, s.i.Room, guests); err != nil {
			s.Log.Warn().Err(err).Str("incident", s.i.ID).Msg("invite to the incident's channel")
		}
	}
	if slices.Equal(shown.Invited, s.i.Shown.Invited) && shown.Topic == s.i.Shown.Topic && shown.Links == s.i.Shown.Links && shown.Pinned == s.i.Shown.Pinned {
		return errors.Join(problems...)
	}
	i, err := s.changeIncident(ctx, s.i.ID, "svcdown", func(i *incident.Incident) ([]incident.Event, error) {
		i.Shown = shown
		return nil, nil
	})
	if err == nil {
		s.i = i
	}
	return errors.Join(append(problems, err)...)
}

func (s *showing) topic() string {
	t := redact.F("%s · severity %d · %s · %s", s.i.ID, s.i.Severity, strings.ToUpper(string(s.i.State)), s.i.Title).Short(180)
	if c := s.i.Roles[incident.Commander]; c != "" {
		t = redact.F("%s · commander %s", t, c)
	}
	return t.Short(250).String()
}

func (s *showing) links() []catalog.Link {
	cat := s.Catalog()
	svc, _ := cat.Service(s.i.Service)
	out := slices.Concat(svc.Links, cat.Incidents.Links)
	if strings.HasPrefix(s.i.Runbook, "https://") {
		out = append(out, catalog.Link{Title: "Runbook", URL: s.i.Runbook})
	}
	return out
}

// archive ends the channel once its time is over. Everything else has been shown before.
func (s *showing) archive(ctx context.Context) error {
	if s.i.Archived.IsZero() || s.i.Room == "" {
		return nil
	}
	if err := s.temporary("archive", s.Rooms.Archive(ctx, s.i.Room)); err != nil {
		return fmt.Errorf("archive the channel of %s: %w", s.i.ID, err)
	}
	_, err := s.changeIncident(ctx, s.i.ID, "svcdown", func(i *incident.Incident) ([]incident.Event, error) {
		i.Shown.Closed = true
		return nil, nil
	})
	return err
}
