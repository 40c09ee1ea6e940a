package handlers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
)

// Answers remembers the cards in Slack that judge a service as it was at a moment.
type Answers interface {
	// SaveAnswer remembers a card; a second one of the same message takes its place.
	SaveAnswer(ctx context.Context, service string, p card.Posted) error
	// AnswersOf lists those that were shown between two moments, the newest first.
	AnswersOf(ctx context.Context, service string, after, before time.Time, limit int) ([]card.Posted, error)
}

const (
	// answersBack is how far back cards are told what was done since they were shown.
	answersBack = 24 * time.Hour
	// mostAnswers is how many of them: each is an edit in Slack.
	mostAnswers = 8
	// answerTime bounds how long an answer waits to be remembered; it stands in Slack already.
	answerTime = 2 * time.Second
)

// settling are the changes after which an earlier verdict is history.
var settling = []catalog.Action{catalog.Rollback, catalog.Restart, catalog.Scale, catalog.DeletePod, catalog.Undo}

// remember keeps a card that offers a change, so that it does not go on offering it once it was made.
func (d *Desk) remember(ctx context.Context, svc catalog.Service, at card.Address, c card.Card, when time.Time) {
	if d.Answers == nil || at.Kind != "slack" || at.Message == "" || !slices.ContainsFunc(c.Buttons, offersChange) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	if err := d.Answers.SaveAnswer(ctx, svc.Name, card.Posted{At: at, Card: c, When: when}); err != nil {
		d.Log.Warn().Err(err).Str("service", svc.Name).Msg("an answer is not remembered: what is done about it will not show on its card")
	}
}

func offersChange(b card.Button) bool { return slices.Contains(settling, catalog.Action(b.Verb)) }

// tellAnswers says on the cards that were shown before a change of their service what was done since.
func (d *Desk) tellAnswers(ctx context.Context, r approval.Request) error {
	if d.Answers == nil || !settles(r) {
		return nil
	}
	list, err := d.Answers.AnswersOf(ctx, r.Plan.Service, r.DecidedAt.Add(-answersBack), r.DecidedAt, mostAnswers)
	if err != nil || len(list) == 0 {
		return err
	}
	requests, err := d.Approvals.Requests(ctx, r.Plan.Service, false, 50)
	if err != nil {
		return err
	}
	slices.Reverse(requests) // the oldest first
	var failed error
	for _, p := range list {
		done := slices.DeleteFunc(slices.Clone(requests), func(r approval.Request) bool { return !settles(r) || !r.DecidedAt.After(p.When) })
		if len(done) == 0 {
			continue
		}
		if err := d.Talk.At(p.At).Update(ctx, p.At, since(p.Card, r.Plan.Service, done)); err != nil && !hopeless(err) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

// settles reports whether a request changed its service, well or not.
func settles(r approval.Request) bool {
	return slices.Contains(settling, r.Plan.Action) && (r.State == approval.Applied || r.State == approval.Succeeded || r.State == approval.Failed)
}

// hopeless reports whether a place exists no more or will never take a message, so that trying again cures nothing.
func hopeless(err error) bool {
	var l interface{ Lasting() bool }
	return errors.Is(err, ErrGone) || errors.As(err, &l) && l.Lasting()
}

// since is a card of before, with what was done to its service since. It offers no change any more: what helps now is for a new look to say.
func since(c card.Card, service string, done []approval.Request) card.Card {
	var lines []redact.Text
	for _, r := range done {
		lines = append(lines, sinceLine(r))
	}
	last := done[len(done)-1]
	if last.State == approval.Succeeded {
		c.State = card.OK
		c.Verdict = redact.F("%s: %s worked at %s UTC. Before it: %s", service, strings.ToLower(noun(last.Plan.Action)), clock(last.DecidedAt), strings.TrimPrefix(c.Verdict.String(), service+": "))
	}
	c.Parts = append([]card.Part{{Text: redact.Join("\n", lines...)}}, c.Parts...)
	var look, rest []card.Button
	for _, b := range c.Buttons {
		switch again := b.Value == service && (b.Verb == "status" || b.Verb == "triage"); {
		case offersChange(b):
		case again && len(look) == 0 && strings.HasSuffix(b.Label.String(), "again"):
			b.Style = card.Primary
			look = append(look, b)
		default:
			b.Style = ""
			rest = append(rest, b)
		}
	}
	c.Buttons = append(look, rest...)
	return c
}

// sinceLine says who did what, and what came of it.
func sinceLine(r approval.Request) redact.Text {
	came := redact.F("worked at %s UTC", clock(r.DecidedAt))
	switch r.State {
	case approval.Applied:
		came = redact.F("was carried out at %s UTC and is being watched", clock(r.DecidedAt))
	case approval.Failed:
		came = redact.F("was carried out, but did not help (%s UTC)", clock(r.DecidedAt))
	}
	who := redact.F("asked by @%s", r.Requester.Name())
	for _, v := range r.Votes {
		if v.Yes {
			who = redact.F("%s, approved by @%s", who, v.Person)
		}
	}
	if r.Broken != nil {
		who = redact.F("%s, the glass broken by @%s", who, r.Broken.Actor.Name())
	}
	to := redact.Text{}
	if !r.Plan.To.Empty() {
		to = redact.F(" to %s", r.Plan.To)
	}
	return redact.F("Since then: %s%s %s; %s [%s]", strings.ToLower(noun(r.Plan.Action)), to, came, who, r.ID)
}
