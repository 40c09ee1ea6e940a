package handlers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
)

// The places where a request is shown, as roles of [Cards].
const (
	placeOrigin = "origin" // where it was asked; stored with the request
	placeCard   = "card"   // the request's own card
	placeWatch  = "watch"  // the answer in its thread that says that it is being watched
	placeGlass  = "break-glass"
)

// ErrGone is what a Conversation answers when its place exists no more: a terminal that hung up, a deleted channel.
var ErrGone = errors.New("the place to answer in is gone")

// Announce shows what is stored of a request: the body of the announcing job, which every change of a request inserts and which the store
// repeats until nothing changed meanwhile. It writes the whole truth each time, so that a lost or doubled job costs nothing.
func (d *Desk) Announce(ctx context.Context, id string) error {
	r, err := d.Approvals.Request(ctx, id)
	if err != nil {
		return err
	}
	return errors.Join(d.chronicle(ctx, r), d.show(ctx, r), d.tell(ctx, r))
}

func (d *Desk) show(ctx context.Context, r approval.Request) error {
	places, err := d.Cards.CardsOf(ctx, r.ID)
	if err != nil {
		return err
	}
	origin := d.home(ctx, places[placeOrigin], r)
	c := d.requestCard(ctx, r)
	at, shown := places[placeCard]
	if shown {
		err = d.Talk.At(at).Update(ctx, at, c)
	} else {
		at, err = d.Talk.At(origin).Say(ctx, "request:"+r.ID, c)
		if err == nil && at.Message == "" {
			// We are not in that channel, so that only the asker saw it: nobody could approve.
			at, err = d.Talk.At(d.office(ctx, r)).Say(ctx, "request:"+r.ID, c)
		}
		if err == nil {
			err = d.Cards.SaveCard(ctx, r.ID, placeCard, at)
		}
	}
	if err != nil && !errors.Is(err, ErrGone) {
		return err
	}
	if at.Thread == "" {
		at.Thread = at.Message
	}
	if result, key, ok := d.resultCard(r); ok {
		said, err := d.Talk.At(at).Say(ctx, key, result)
		if err == nil && r.State == approval.Applied {
			err = d.Cards.SaveCard(ctx, r.ID, placeWatch, said)
		}
		if err != nil && !errors.Is(err, ErrGone) {
			return err
		}
	}
	if watched, ok := places[placeWatch]; ok && r.State.Final() {
		// How it ended is a message of its own, which tells whoever waits for it; this one must not look as if it went on.
		c := card.Card{Title: redact.F("%s %s · %s", title(r.Plan.Action), r.Plan.Service, r.ID), State: card.Neutral,
			Verdict: redact.F("%s of %s is carried out; how it ended stands below.", noun(r.Plan.Action), r.Plan.Service)}
		if err := d.Talk.At(watched).Update(ctx, watched, c); err != nil && !hopeless(err) {
			return err
		}
	}
	return errors.Join(d.showGlass(ctx, r, places), d.follow(ctx, r), d.tellAnswers(ctx, r))
}

// home is where a request's card stands: where it was asked when others read there, else in the service's channel or the ops channel.
func (d *Desk) home(ctx context.Context, origin card.Address, r approval.Request) card.Address {
	if amongOthers(origin) {
		return card.Address{Kind: "slack", Team: origin.Team, Channel: origin.Channel, Thread: origin.Thread, User: origin.User, ResponseURL: origin.ResponseURL}
	}
	return d.office(ctx, r)
}

// office is the service's channel, else the ops channel: the first that no other company reads.
func (d *Desk) office(ctx context.Context, r approval.Request) card.Address {
	cat := d.Catalog()
	channels := []string{cat.Channels.Ops}
	if svc, ok := cat.Service(r.Plan.Service); ok && svc.Channel != "" {
		channels = []string{svc.Channel, cat.Channels.Ops}
	}
	return d.room(ctx, r.Requester.Slack.User, channels...)
}

// room is the first of the channels that no other company reads. Where there is none, user is told in private: the people who could decide are
// reached by their reminders.
func (d *Desk) room(ctx context.Context, user string, channels ...string) card.Address {
	at := card.Address{Kind: "slack", Team: d.Catalog().Slack.Team, User: user}
	if at.Channel, _ = d.insider(ctx, channels...); at.Channel != "" {
		return at
	}
	d.Log.Error().Strs("channels", channels).Msg("every channel for this is shared with another workspace, or Slack does not say; it is told in private")
	at.Private = true
	return at
}

// insider is the first of the channels that no other company reads, "" when there is none; told is false when Slack did not say of one.
func (d *Desk) insider(ctx context.Context, channels ...string) (channel string, told bool) {
	told = true
	for _, channel := range channels {
		if channel == "" {
			continue
		}
		shared, sure := d.Directory.Shared(ctx, channel)
		if !shared {
			return channel, true
		}
		told = told && sure
	}
	return "", told
}

// amongOthers reports whether colleagues read what is said at an address: not at a terminal, not in a channel where only the asker is
// answered, and not in direct messages, whose IDs begin with D (https://docs.slack.dev/reference/objects/conversation-object).
func amongOthers(at card.Address) bool {
	return at.Kind == "slack" && !at.Private && !strings.HasPrefix(at.Channel, "D")
}

// showGlass is loud: a break-glass stands in the ops channel, open until somebody else has reviewed it.
func (d *Desk) showGlass(ctx context.Context, r approval.Request, places map[string]card.Address) error {
	if r.Broken == nil {
		return nil
	}
	c := card.Card{
		Title: redact.F("Break-glass: %s of %s", r.Plan.Action, r.Plan.Service), State: card.Fail,
		Verdict: redact.F("%s broke the glass for %s of %s (%s): %s", r.Broken.Actor.Name(), r.Plan.Action, r.Plan.Service, r.ID, r.Broken.Why),
		Parts:   []card.Part{{Facts: []card.Fact{{Label: redact.Const("Where"), Value: redact.F("%s", r.Plan.Target.String())}, {Label: redact.Const("Now"), Value: redact.F("%s", r.State.Words())}}}},
		Buttons: []card.Button{{Label: redact.Const("I have reviewed this"), Verb: "review", Value: r.ID}},
	}
	if r.Broken.ReviewedBy != "" {
		c.State, c.Buttons = card.OK, nil
		c.Notes = []redact.Text{redact.F("reviewed by %s at %s UTC", r.Broken.ReviewedBy, clock(r.Broken.ReviewedAt))}
	}
	at, shown := places[placeGlass]
	if shown {
		return d.Talk.At(at).Update(ctx, at, c)
	}
	at, err := d.Talk.At(d.room(ctx, r.Broken.Actor.Slack.User, d.Catalog().Channels.Ops)).Say(ctx, "break-glass:"+r.ID, c)
	if err != nil {
		return err
	}
	return d.Cards.SaveCard(ctx, r.ID, placeGlass, at)
}

// Remind is the body of the reminding job: while a request waits, it tells the next person who could decide it, one after the other.
func (d *Desk) Remind(ctx context.Context, id string) error {
	r, err := d.Approvals.Request(ctx, id)
	if err != nil {
		return err
	}
	policy, err := d.policyOf(r)
	if err != nil || r.State != approval.Pending || !d.Now().Before(r.ExpiresAt) {
		return nil
	}
	places, err := d.Cards.CardsOf(ctx, id)
	if err != nil {
		return err
	}
	var unreachable error
	d.pageReminded(ctx, r, places)
	for _, a := range d.candidates(ctx, func(a catalog.Actor) bool { return r.Eligible(a, policy) }) {
		// Votes for another plan are void, so whoever was told of that one is told again.
		role := "reminder:" + planName(r) + ":" + a.Person
		if _, told := places[role]; told || a.Slack.User == "" {
			continue
		}
		at, err := d.remind(ctx, r, role, a)
		if err != nil {
			// The next one must not go without a reminder because this one has no direct messages.
			unreachable = errors.Join(unreachable, err)
			continue
		}
		if err := d.Cards.SaveCard(ctx, id, role, at); err != nil {
			return err
		}
		return &approval.Later{After: policy.RemindAfter}
	}
	return unreachable
}

func (d *Desk) remind(ctx context.Context, r approval.Request, role string, a catalog.Actor) (card.Address, error) {
	talk, err := d.Talk.Direct(ctx, a.Slack)
	if err != nil {
		return card.Address{}, fmt.Errorf("remind %s of %s: %w", a.Person, r.ID, err)
	}
	c := d.requestCard(ctx, r)
	c.Verdict = redact.F("%s waits for you: %s", r.ID, c.Verdict)
	at, err := talk.Say(ctx, role+":"+r.ID, c)
	if err != nil {
		return card.Address{}, fmt.Errorf("remind %s of %s: %w", a.Person, r.ID, err)
	}
	return at, nil
}
