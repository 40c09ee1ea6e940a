package handlers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

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
