package handlers

import (
	"context"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
)

// What was said in a private channel or in direct messages has an ID that can be typed anywhere. This file keeps it among those who could read it
// where it was said.

// mayReadAt reports whether the asker reads what stands in a channel of Slack, "" for what stands nowhere. Whoever asks in that very channel does,
// and so do the person whose it is and, while Slack is away, those who were brought into the channel's incident.
func (d *Desk) mayReadAt(ctx context.Context, req Request, channel, owner string) bool {
	if channel == "" || req.Where.Kind == "slack" && req.Where.Channel == channel || owner != "" && owner == req.Actor.Person {
		return true
	}
	if i, err := d.Incidents.IncidentIn(ctx, channel); err == nil && (!i.Private || slices.Contains(i.People, req.Actor.Person)) {
		return true
	}
	p, _ := d.Catalog().Person(req.Actor.Person)
	return slices.ContainsFunc(append([]catalog.SlackID{req.From}, p.Slack...), func(id catalog.SlackID) bool {
		if id.Team != d.Catalog().Slack.Team {
			id = catalog.SlackID{} // reads what everybody reads
		}
		may, _ := d.Directory.Reads(ctx, channel, id)
		return may
	})
}

// keep is where to answer with something that stands in a channel: where it was asked, unless more people read there than in the channel.
func (d *Desk) keep(ctx context.Context, req Request, channel string) (Conversation, error) {
	if channel == "" || req.Where.Kind != "slack" || req.Where.Channel == channel || direct(req.Where.Channel) {
		return req.Talk, nil
	}
	if _, private := d.Directory.Reads(ctx, channel, req.From); !private {
		return req.Talk, nil
	}
	return d.Talk.Direct(ctx, req.From)
}

// direct reports whether a channel is somebody's direct messages (https://docs.slack.dev/reference/objects/conversation-object).
func direct(channel string) bool { return strings.HasPrefix(channel, "D") }

func (d *Desk) mayReadList(ctx context.Context, req Request, w worked) error {
	if d.mayReadAt(ctx, req, w.Places[0].Channel, w.OpenedBy) {
		return nil
	}
	return &Problem{Code: "private", Text: redact.F("Checklist %s stands where you do not read, so nothing of it is shown and nothing was done.", w.ID),
		Next: redact.Const("Ask to be brought into its channel, or open one of your own: `runbook NAME SERVICE`.")}
}

// mayMove keeps a checklist in its private channel. Direct messages are their owner's to move.
func (d *Desk) mayMove(ctx context.Context, req Request, w worked) error {
	home := w.Places[0].Channel
	if home == "" || direct(home) || req.Where.Kind != "slack" || req.Where.Channel == home {
		return nil
	}
	if _, private := d.Directory.Reads(ctx, home, req.From); !private {
		return nil
	}
	return &Problem{Code: "private", Text: redact.F("Checklist %s stands in a private channel and stays there; nothing was posted here.", w.ID), Next: redact.Const("Open another one here: `runbook NAME SERVICE`.")}
}

// askedAt is a request that repeats an earlier one: where that one was made in private it is refused to whoever does not read there, and its card
// goes there again.
func (d *Desk) askedAt(ctx context.Context, req Request, earlier approval.Request) (Request, error) {
	places, err := d.Cards.CardsOf(ctx, earlier.ID)
	if err != nil {
		return req, err
	}
	at := places[placeCard]
	if !d.mayReadAt(ctx, req, at.Channel, earlier.Requester.Person) {
		return req, &Problem{Code: "private", Text: redact.F("The card of %s stands where you do not read, so nothing was done.", earlier.ID), Next: redact.Const("Ask to be brought into its channel.")}
	}
	if at.Channel == "" || req.Where.Kind == "slack" && req.Where.Channel == at.Channel {
		return req, nil
	}
	if _, private := d.Directory.Reads(ctx, at.Channel, req.From); private {
		user := req.Where.User
		req.Where = below(at)
		req.Where.User = user
	}
	return req, nil
}
