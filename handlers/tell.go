package handlers

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// Letters sends mail to addresses of svcdown.yaml. The same key again is the same letter.
type Letters interface {
	Write(ctx context.Context, key, to string, subject, body redact.Text) error
}

// Audience is who is told an update beside the status page's readers, as its approvers saw it.
type Audience struct {
	Name     string   `json:"name"`
	Channels []string `json:"channels,omitempty"`
	Mails    []string `json:"mails,omitempty"`
}

// audiences are who svcdown.yaml wants to be told.
func audiences(cat *catalog.Catalog, service string, severity int) []Audience {
	var out []Audience
	for _, s := range cat.StakeholdersOf(service, severity) {
		out = append(out, Audience{s.Name, s.Channels, s.Mails})
	}
	return out
}

// roleTell marks at an incident that the words of an update were agreed on and are on their way.
func roleTell(u Update) string { return "tell:" + u.Key }

// release marks an update as agreed on, just before its one call: a status page that is away keeps stakeholders from nothing. What cannot be
// marked is told once the page has it.
func (d *Desk) release(ctx context.Context, p plan.Plan) {
	u, err := UpdateOf(p)
	if err != nil || len(u.Audiences) == 0 {
		return
	}
	if err := d.Incidents.SaveIncidentCard(ctx, u.Incident, roleTell(u), card.Address{}); err != nil {
		d.Log.Warn().Err(err).Str("incident", u.Incident).Msg("mark an update for stakeholders; they are told once the status page has it")
	}
}

// tell brings an update to its stakeholders, each channel and address once however often it is called, also over a retry of the same words. It is
// part of announcing, so that what fails is tried again.
func (d *Desk) tell(ctx context.Context, r approval.Request) error {
	if r.Plan.Action != catalog.Publish {
		return nil
	}
	u, err := UpdateOf(r.Plan)
	if err != nil || u.Key == "" {
		return nil // of an older version
	}
	i, err := d.Incidents.Incident(ctx, u.Incident)
	if errors.Is(err, approval.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	done, err := d.Incidents.IncidentCards(ctx, u.Incident)
	if err != nil {
		return err
	}
	_, agreed := done[roleTell(u)]
	if !agreed && r.State != approval.Applied && r.State != approval.Succeeded {
		return nil
	}
	if _, over := done["told:"+u.Key]; over {
		return nil
	}
	s := &showing{Desk: d, i: i, done: done}
	var problems []error
	for _, a := range u.Audiences {
		for _, channel := range a.Channels {
			problems = append(problems, s.tellOne(ctx, u, channel, func(role string) (card.Address, error) {
				at := card.Address{Kind: "slack", Team: d.Catalog().Slack.Team, Channel: channel}
				return d.Talk.At(at).Say(ctx, role, u.card())
			}))
		}
		for _, to := range a.Mails {
			problems = append(problems, s.tellOne(ctx, u, to, func(role string) (card.Address, error) {
				if d.Letters == nil {
					return card.Address{}, errors.New("write to stakeholders: SMTP_URL is not set")
				}
				return card.Address{}, d.Letters.Write(ctx, role, to, redact.F("[%s] %s", u.State, u.Title), redact.F("%s\n", u.Body))
			}))
		}
	}
	if err := errors.Join(problems...); err != nil {
		return err
	}
	// Read anew: another bot may have told some of them.
	if done, err = d.Incidents.IncidentCards(ctx, i.ID); err != nil {
		return err
	}
	names := u.reached(done)
	onPage := r.Plan.Target.Namespace == theStatusPage && (r.State == approval.Applied || r.State == approval.Succeeded)
	if len(names) == 0 && !onPage {
		return nil // nobody was told
	}
	if _, err := d.changeIncident(ctx, i.ID, "svcdown", func(i *incident.Incident) ([]incident.Event, error) {
		i.Told = d.Now()
		if len(names) == 0 {
			return nil, nil // the story of the request says it
		}
		return []incident.Event{{Op: "told:" + u.Key, At: d.Now(), Kind: incident.KindTold, By: r.Requester.Name(), Text: redact.F("Told %s (%s): %s", strings.Join(names, ", "), u.State, u.Body)}}, nil
	}); err != nil {
		return err
	}
	return s.once(ctx, "told:"+u.Key, func() (card.Address, error) { return card.Address{}, nil })
}

// roleTold is one channel or address that an update goes to, roleMissed the same when it will never get there.
func (u Update) roleTold(to string) string   { return "told:" + u.Key + ":" + to }
func (u Update) roleMissed(to string) string { return "missed:" + u.Key + ":" + to }

// reached names the stakeholders of whom a channel or an address got the update.
func (u Update) reached(done map[string]card.Address) (names []string) {
	for _, a := range u.Audiences {
		if slices.ContainsFunc(slices.Concat(a.Channels, a.Mails), func(to string) bool { _, missed := done[u.roleMissed(to)]; return !missed }) {
			names = append(names, a.Name)
		}
	}
	return names
}

// tellOne brings an update to one channel or address, once. One that will never take it is named to people, and holds up no other.
func (s *showing) tellOne(ctx context.Context, u Update, to string, send func(role string) (card.Address, error)) error {
	role := u.roleTold(to)
	return s.alone(ctx, role, func() (card.Address, error) {
		at, err := send(role)
		if hopeless(err) {
			return card.Address{}, s.missed(ctx, u, to, err)
		}
		return at, err
	})
}

// missed says on the timeline and in the incident's channel that an update did not get somewhere and is not sent there again.
func (s *showing) missed(ctx context.Context, u Update, to string, why error) error {
	role := u.roleMissed(to)
	text := redact.F("The update (%s) did not reach %s and is not sent there again: %v", u.State, to, why)
	if _, err := s.Incidents.Put(ctx, s.i.ID, []incident.Event{{Op: role, At: s.Now(), Kind: incident.KindTold, By: "svcdown", Text: text}}); err != nil {
		return err
	}
	return s.once(ctx, role, func() (card.Address, error) {
		return s.Talk.At(s.place()).Say(ctx, role+":"+s.i.ID, card.Card{Title: redact.F("%s · not everybody was told", s.i.ID), State: card.Fail, Verdict: text,
			Parts: []card.Part{{Text: redact.F("Tell %s in another way, and correct stakeholders in svcdown.yaml.", to)}}})
	})
}

// alone is once, by one bot at a time: two jobs of a request, or two requests of the same words, may tell at the same moment.
func (s *showing) alone(ctx context.Context, role string, f func() (card.Address, error)) error {
	if _, ok := s.done[role]; ok {
		return nil
	}
	ours, err := s.Incidents.ClaimIncidentCard(ctx, s.i.ID, role)
	if err != nil || !ours {
		return err
	}
	if err := s.once(ctx, role, f); err != nil {
		return errors.Join(err, s.Incidents.FreeIncidentCard(context.WithoutCancel(ctx), s.i.ID, role))
	}
	return nil
}

// card is an update as stakeholders read it in a channel: the words that were agreed on, and nothing else.
func (u Update) card() card.Card {
	c := card.Card{Title: redact.F("%s", u.Title), State: card.Warn, Verdict: redact.F("%s", u.Body)}
	if u.State == "resolved" {
		c.State = card.OK
	}
	return c
}

// updateDue asks in the incident's channel for an update when the last one is older than svcdown.yaml wants, once for each time that is over.
func (s *showing) updateDue(ctx context.Context) error {
	if s.i.Reminded.IsZero() || !s.i.State.Active() {
		return nil
	}
	role := "update-due:" + s.i.Reminded.UTC().Format("20060102T150405.000000")
	return s.once(ctx, role, func() (card.Address, error) {
		c := card.Card{Title: redact.F("%s · an update is due", s.i.ID), State: card.Waiting, Verdict: redact.F("Last update %s ago. Say what is known, also when nothing is new.", incident.Span(s.i.Reminded.Sub(s.i.Told)))}
		if s.i.Told.IsZero() {
			c.Verdict = redact.F("Nobody outside was told anything for %s. Say what is known, also when nothing is new.", incident.Span(s.i.Reminded.Sub(s.i.Opened())))
		}
		for _, role := range []incident.Role{incident.Comms, incident.Commander} {
			if id, ok := s.slackOf(s.i.Roles[role]); ok {
				c.Mentions = append(c.Mentions, id.User)
				break
			}
		}
		if _, ok := s.Outside[catalog.Publish]; ok && s.i.Service != "" {
			c.Buttons = []card.Button{{Label: redact.Const("Tell customers…"), Verb: "update", Value: s.i.ID, Style: card.Primary}}
		}
		return s.Talk.At(s.place()).Say(ctx, role+":"+s.i.ID, c)
	})
}
