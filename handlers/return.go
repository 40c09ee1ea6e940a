package handlers

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

const (
	// returnEvery is how long a return waits for a cluster that does not answer, returnTime after which time that is told.
	returnEvery = 30 * time.Second
	returnTime  = 6 * time.Hour
)

// Return is the body of the timer job of a change that returns by itself. It makes one request that takes the change back, which the approvers
// agreed to together with the change; that request is carried out like any other, under its own lease, once. Whatever stands against it is
// told under the card of the change, and nothing is done then. The job may run any number of times.
func (d *Desk) Return(ctx context.Context, id string) error {
	r, err := d.Approvals.Request(ctx, id)
	if err != nil {
		return err
	}
	if r.Plan.Returns <= 0 || !r.Done() {
		return nil
	}
	taken, covered, err := d.since(ctx, r)
	if err != nil || taken {
		return err
	}
	err = d.askReturn(ctx, r)
	var p *Problem
	switch {
	case err == nil:
		return nil
	case !errors.As(err, &p):
		return err // the database: the job asks again
	case transient(err) && d.Now().Before(r.CreatedAt.Add(r.Plan.Returns+returnTime)), d.Now().Before(covered):
		return &approval.Later{After: returnEvery}
	}
	d.Log.Warn().Err(err).Str("request", id).Msg("a change does not return by itself")
	return d.tellNotReturned(ctx, r, p)
}

func transient(err error) bool {
	switch k8sops.KindOf(err) {
	case k8sops.Unreachable, k8sops.Timeout, k8sops.Internal:
		return true
	}
	return false
}

// since tells what became of a change: taken means that nothing is left to return, since somebody asked for the undo earlier, or set the same
// anew, with a time of its own, after it had gone. Another value that was set on top of it goes back to ours first; covered is until when that
// is waited for, zero when there is none.
func (d *Desk) since(ctx context.Context, r approval.Request) (taken bool, covered time.Time, err error) {
	later, err := d.Approvals.Requests(ctx, r.Plan.Service, false, 50)
	if err != nil {
		return false, time.Time{}, err
	}
	ours := map[string]bool{r.Plan.Params["value"]: true}
	for _, l := range slices.Backward(later) { // the oldest first
		same := l.Plan.Action == r.Plan.Action && l.Plan.Target == r.Plan.Target && l.Plan.Params["key"] == r.Plan.Params["key"] && l.CreatedAt.After(r.CreatedAt)
		switch {
		case !l.Done():
		case l.Plan.Reverts == r.ID:
			return true, time.Time{}, nil
		case same && !onTop(l.Plan, ours):
			return true, time.Time{}, nil
		case same:
			ours[l.Plan.Params["value"]] = true
			if until := l.CreatedAt.Add(l.Plan.Returns + returnTime); until.After(covered) {
				covered = until
			}
		}
	}
	return false, covered, nil
}

// onTop reports whether a change found one of values where it set its own.
func onTop(p plan.Plan, values map[string]bool) bool {
	return slices.ContainsFunc(p.Before.Env, func(v plan.Variable) bool { return v.Was != nil && values[*v.Was] })
}

// askReturn stores the request that takes r back, once.
func (d *Desk) askReturn(ctx context.Context, r approval.Request) error {
	svc, ok := d.Catalog().Service(r.Plan.Service)
	if !ok {
		return &Problem{Code: "unknown-service", Text: redact.F("svcdown.yaml does not name %s any more.", r.Plan.Service)}
	}
	cl, err := d.Clusters(svc.Cluster)
	if err != nil {
		return d.noCluster(svc, err)
	}
	p, err := cl.PlanUndo(ctx, svc, r.Plan, r.ID)
	if err != nil {
		if k8sops.KindOf(err) == k8sops.Empty {
			return nil // it is back already
		}
		return d.wordK8s("take "+r.ID+" back", err, d.undoByHand(svc, r.Plan))
	}
	back, err := approval.NewReturn(newID(), p, r, d.Now())
	if err != nil {
		return &Problem{Code: "return", Text: redact.F("%s", err), Err: err}
	}
	places, err := d.Cards.CardsOf(ctx, r.ID)
	if err != nil {
		return err
	}
	d.Step("propose")
	_, err = d.Approvals.Propose(ctx, "return:"+r.ID, back, under(places, r), 0)
	d.Step("proposed")
	return err
}

// under is the thread of a request's card.
func under(places map[string]card.Address, r approval.Request) card.Address {
	at, ok := places[placeCard]
	if !ok {
		return places[placeOrigin]
	}
	at.User = r.Requester.Slack.User
	if at.Thread == "" {
		at.Thread = at.Message
	}
	at.Message = ""
	return at
}

func (d *Desk) tellNotReturned(ctx context.Context, r approval.Request, why *Problem) error {
	places, err := d.Cards.CardsOf(ctx, r.ID)
	if err != nil {
		return err
	}
	c := card.Card{Title: redact.F("%s %s · %s", title(r.Plan.Action), r.Plan.Service, r.ID), State: card.Warn,
		Verdict: redact.F("The time of %s is over, but it was not taken back: %s", r.ID, redact.Join(" ", why.Text, why.Next))}
	if r.Requester.Slack.User != "" {
		c.Mentions = []string{r.Requester.Slack.User}
	}
	_, err = d.Talk.At(d.home(ctx, under(places, r), r)).Say(ctx, "return:"+r.ID, c)
	if errors.Is(err, ErrGone) {
		return nil
	}
	return err
}

// returnAgreed looks once more whether the approvers agreed to this return: at the request that it takes back.
func (d *Desk) returnAgreed(ctx context.Context, r approval.Request) error {
	of, err := d.Approvals.Request(ctx, r.ReturnOf)
	if err != nil {
		return fmt.Errorf("read %s: %w", r.ReturnOf, err)
	}
	if !d.Now().Before(r.ExpiresAt) {
		return &approval.Refusal{Code: approval.CodeExpired, Message: r.ID + " expired before it could start; nothing was changed."}
	}
	return r.Returns(of)
}

// returns says when a change is taken back by itself; empty when it is not.
func returns(r approval.Request) redact.Text {
	if r.Plan.Action != catalog.SetEnv {
		return redact.Text{}
	}
	return redact.F("%s=%s, for %s", r.Plan.Params["key"], r.Plan.Params["value"], k8sops.Short(r.Plan.Returns))
}
