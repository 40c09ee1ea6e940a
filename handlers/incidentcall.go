package handlers

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// rungs calls the people of every level that was reached: in the channel, and, where no pager does it or can reach all of them, in their direct messages.
func (s *showing) rungs(ctx context.Context) error {
	var problems []error
	for _, r := range s.i.Climb.Rungs {
		key := r.Key()
		c := s.rungCard(s.i, r)
		problems = append(problems, s.once(ctx, key, func() (card.Address, error) { return s.Talk.At(s.place()).Say(ctx, key+":"+s.i.ID, c) }))
		problems = append(problems, s.edit(ctx, r, key, c))
		if _, unpaged := s.done["unpaged:"+r.Key()]; s.Pager != nil && !unpaged {
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
			}), s.edit(ctx, r, key+":"+name, c))
		}
	}
	return errors.Join(problems...)
}

// edit brings a card of a level up to date once it was taken, and at each tick of its duties.
func (s *showing) edit(ctx context.Context, r incident.Rung, key string, c card.Card) error {
	at, said := s.done[key]
	if !said || at.Message == "" {
		return nil
	}
	version := ""
	if s.takenSince(r) {
		version = ":taken"
	}
	if r.Marked > 0 {
		version += ":marked:" + strconv.Itoa(r.Marked)
	}
	if version == "" {
		return nil
	}
	return s.once(ctx, key+version, func() (card.Address, error) { return at, s.Talk.At(at).Update(ctx, at, c) })
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
		s.awaitVerdict(ctx, r)
		if s.tooLate(r) {
			_, err := s.Incidents.Put(ctx, s.i.ID, []incident.Event{{Op: key, At: s.Now(), Kind: incident.KindPage, By: "svcdown",
				Text: redact.F("The pager had not confirmed the page of %s when it was taken, and is not asked any more", strings.Join(r.People, ", "))}})
			problems = append(problems, s.once(ctx, key, none(err)))
			continue
		}
		err := s.Pager.Page(ctx, s.page(r))
		if text, went := paged(strings.Join(r.People, ", "), err); went {
			err = s.wasPaged(ctx, r, text, err == nil)
		}
		problems = append(problems, s.once(ctx, key, none(err)))
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

// wasPaged puts a page on the timeline. Where it did not reach everybody, the run of the showing that this calls for writes to them in Slack.
func (s *showing) wasPaged(ctx context.Context, r incident.Rung, text redact.Text, everybody bool) error {
	if !everybody {
		if err := s.Incidents.SaveIncidentCard(ctx, s.i.ID, "unpaged:"+r.Key(), card.Address{}); err != nil {
			return err
		}
	}
	_, err := s.Incidents.Put(ctx, s.i.ID, []incident.Event{{Op: "paged:" + r.Key(), At: s.Now(), Kind: incident.KindPage, By: "svcdown", Text: text}})
	return err
}

// paged words what became of a page; went is false while it has to be tried again.
func paged(whom string, err error) (text redact.Text, went bool) {
	switch {
	case err == nil:
		return redact.F("Paged %s", whom), true
	case hopeless(err):
		return redact.F("Paged %s, but not everybody can be reached: %v", whom, err), true
	}
	return redact.Text{}, false
}

// takenSince is true once somebody took the incident, or it was over, after a level was called.
func (s *showing) takenSince(r incident.Rung) bool {
	return !s.i.State.Active() || s.i.Climb.Stopped && s.i.Climb.Round == r.Round && !r.At.After(s.i.Climb.StoppedAt)
}

// tooLate is true for a page that the pager did not take while it mattered: nobody is to be woken for what somebody has taken since.
func (s *showing) tooLate(r incident.Rung) bool {
	return !s.i.State.Active() || s.i.Climb.Stopped && r.At.Before(s.i.Climb.StoppedAt)
}

// verdictTime is how long the first page of a level waits for the triage at most, so that whoever wakes reads what is wrong.
const verdictTime = 10 * time.Second

// awaitVerdict waits until the triage has said something, the incident is taken, or the page's time to wait is over. It waits here and asks for no
// other run of the showing: that one might have to wait for a Slack that hangs.
func (s *showing) awaitVerdict(ctx context.Context, r incident.Rung) {
	since := s.Now().Sub(r.At)
	if _, known := s.Catalog().Service(s.i.Service); !known || r.Level == 0 || r.Round > 1 || since < 0 || since >= verdictTime {
		return
	}
	over := time.NewTimer(verdictTime - since)
	defer over.Stop()
	look := time.NewTicker(verdictTime / 20)
	defer look.Stop()
	for !s.judged() && !s.tooLate(r) {
		select {
		case <-ctx.Done():
			return
		case <-over.C:
			return
		case <-look.C:
		}
		if i, err := s.Incidents.Incident(ctx, s.i.ID); err == nil { // a database that is away is told of elsewhere
			s.i = i
		}
	}
}

func (s *showing) page(r incident.Rung) incident.Page {
	p := incident.Page{Key: s.i.ID + ":" + r.Key(), Incident: s.i.ID, Service: s.i.Service, Severity: s.i.Severity, Level: r.Level,
		Title: redact.F("%s severity %d: %s", s.i.ID, s.i.Severity, s.i.Title), What: s.i.Verdict}
	if p.What.Empty() {
		p.What = s.i.StandsForText()
	}
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
