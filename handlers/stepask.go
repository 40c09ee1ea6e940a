package handlers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/checklist"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// askOne makes a request of an action step; the step's state follows the request's.
func (d *Desk) askOne(ctx context.Context, req Request, w worked, step runbook.Step) error {
	bound, err := d.boundOrAsked(ctx, req, w, step, fmt.Sprintf("%d ask", step.Number))
	if err != nil || bound == nil {
		return err
	}
	c, err := d.Checklists.ChangeChecklist(ctx, w.ID, req.Actor.Name(), func(c *checklist.Checklist) error {
		return c.Ask(step.Number, req.Key, req.Actor.Name(), d.Now())
	})
	if err != nil {
		return d.refusedStep(w, step, c, err)
	}
	ask := req
	// Each time that it is asked for is one request, however often this delivery comes.
	ask.Key = fmt.Sprintf("%s:%d:%d", w.ID, step.Number, c.Steps[step.Number].Asked)
	ask.Flags = map[string]string{"why": fmt.Sprintf("step %d of runbook %s, %s: %s", step.Number, w.Runbook, w.ID, step.Title)}
	if first, ok := w.Places[0]; ok {
		ask.Where = below(first)
		ask.Where.User = req.Where.User
	}
	if err := d.askStep(ctx, ask, w.svc, bound[0]); err != nil {
		return errors.Join(d.notAsked(ctx, req, w, step, err), err)
	}
	request, err := d.Followed.FollowRequest(ctx, w.ID, step.Number, proposalKey(ask))
	if err != nil {
		return noChecklist(w.svc, err)
	}
	if _, err := d.Checklists.ChangeChecklist(ctx, w.ID, req.Actor.Name(), func(c *checklist.Checklist) error {
		return c.Asked(step.Number, req.Key, request)
	}); err != nil && !errors.Is(err, checklist.ErrLost) {
		return noChecklist(w.svc, err)
	}
	// The request may have moved on before the step was tied to it.
	r, err := d.Approvals.Request(ctx, request)
	if err != nil {
		return err
	}
	if err := d.follow(ctx, r); err != nil {
		return err
	}
	if req.Where.Kind == "slack" {
		return nil
	}
	return d.shown(ctx, req, w, step)
}

// notAsked opens the step again. What only a person can do is said on it; why this person may not ask is theirs alone.
func (d *Desk) notAsked(ctx context.Context, req Request, w worked, step runbook.Step, why error) error {
	var p *Problem
	line := redact.Text{}
	if errors.As(why, &p) && p.Code == "by-hand" {
		line = redact.Join(" ", p.Text, p.Next)
	}
	if err := d.end(ctx, req, w, step, checklist.Open, line, false); err != nil {
		return err
	}
	return d.refresh(ctx, w.ID, w.pageOf(step.Number))
}

// follow shows on the step that asked for a request how that stands. It is called whenever a request is announced.
func (d *Desk) follow(ctx context.Context, r approval.Request) error {
	id, n, err := d.Followed.Following(ctx, r.ID)
	if errors.Is(err, approval.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	state, line := ofRequest(r)
	if _, err := d.Checklists.ChangeChecklist(ctx, id, "svcdown", func(c *checklist.Checklist) error {
		c.Follow(n, r.ID, state, line, d.Now())
		return nil
	}); err != nil {
		return err
	}
	w, err := d.checklist(ctx, id)
	if err != nil {
		// A checklist that can no longer be shown must not keep the request's card from being shown.
		d.Log.Warn().Err(err).Str("checklist", id).Str("request", r.ID).Msg("show a request's step")
		return nil
	}
	return d.refresh(ctx, id, w.pageOf(n), 0)
}

// ofRequest is the state of a step whose request stands so. One that ended without a change can be asked for again.
func ofRequest(r approval.Request) (checklist.State, redact.Text) {
	line := redact.F("%s is %s", r.ID, r.State.Words())
	if r.Reason != "" && r.State.Final() {
		line = redact.F("%s: %s", line, r.Reason)
	}
	switch r.State {
	case approval.Pending:
		return checklist.Waiting, line
	case approval.Approved, approval.Executing, approval.Applied:
		return checklist.Running, line
	case approval.Succeeded:
		return checklist.Done, line
	case approval.Failed:
		return checklist.Fail, line
	case approval.Unknown:
		return checklist.Unknown, line
	}
	return checklist.Open, line
}

// post says a message step as the bot's own message, once.
func (d *Desk) post(ctx context.Context, req Request, w worked, step runbook.Step) error {
	bound, err := d.boundOrAsked(ctx, req, w, step, fmt.Sprintf("%d post", step.Number))
	if err != nil || bound == nil {
		return err
	}
	c, err := d.Checklists.ChangeChecklist(ctx, w.ID, req.Actor.Name(), func(c *checklist.Checklist) error {
		return c.Once(step.Number, req.Key, req.Actor.Name(), d.Now())
	})
	if err != nil {
		return d.refusedStep(w, step, c, err)
	}
	first, rest, _ := strings.Cut(bound[0].Operation.Get("text"), "\n")
	said := card.Card{Title: redact.F("%s · %s", w.svc.Name, w.ID), State: card.Neutral, Verdict: redact.F("%s", first),
		Notes: []redact.Text{redact.F("posted by %s from runbook %s", req.Actor.Name(), w.Runbook)}}
	if rest = strings.TrimSpace(rest); rest != "" {
		said.Parts = []card.Part{{Text: redact.F("%s", rest)}}
	}
	to := d.room(ctx, req.From.User, d.Catalog().Channels.Incidents, d.Catalog().Channels.Ops)
	at, err := d.Talk.At(to).Say(ctx, fmt.Sprintf("message:%s:%d", w.ID, step.Number), said)
	if err == nil && at.Message == "" {
		err = &Problem{Code: "no-channel", Text: redact.Const("I am not in the channel for announcements, so nobody but you saw the message."), Next: redact.Const("Invite me there and post it again, or post it by hand.")}
	}
	if err != nil {
		// A key makes a repetition find what was posted after all.
		return errors.Join(d.end(ctx, req, w, step, checklist.Open, redact.Const("not posted"), false), d.refresh(ctx, w.ID, w.pageOf(step.Number)), err)
	}
	if err := d.end(ctx, req, w, step, checklist.Done, redact.F("posted to %s", d.postsTo()), false); err != nil {
		return err
	}
	return d.shown(ctx, req, w, step)
}

// postsTo names where messages of runbooks go.
func (d *Desk) postsTo() redact.Text {
	if d.Catalog().Channels.Incidents != "" {
		return redact.Const("the incidents channel")
	}
	return redact.Const("the ops channel")
}
