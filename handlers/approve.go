package handlers

import (
	"context"
	"errors"
	"strings"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
)

// approve counts the asker's yes.
func (d *Desk) approve(ctx context.Context, req Request) error {
	return d.decide(ctx, req, true)
}

// deny counts the asker's no. The requester's own no takes the request back.
func (d *Desk) deny(ctx context.Context, req Request) error {
	return d.decide(ctx, req, false)
}

func (d *Desk) decide(ctx context.Context, req Request, yes bool) error {
	id, err := requestID(req, req.Verb+" ID")
	if err != nil {
		return err
	}
	why := oneLine(strings.Join(req.Args[1:], " "))
	r, err := d.change(ctx, req, id, func(r *approval.Request, policy catalog.Policy) error {
		if !yes && req.Actor.Person != "" && req.Actor.Person == r.Requester.Person {
			return r.Cancel(req.Actor, d.Now())
		}
		return r.Decide(req.Actor, yes, why, req.Seen, policy, d.Now())
	})
	if err != nil {
		return err
	}
	d.Step("decided")
	return d.confirm(ctx, req, redact.F("Counted: %s is %s.", r.ID, r.State.Words()))
}

// breakGlass carries a waiting request out without its approvals.
func (d *Desk) breakGlass(ctx context.Context, req Request) error {
	id, err := requestID(req, "break-glass ID WHY")
	if err != nil {
		return err
	}
	r, err := d.change(ctx, req, id, func(r *approval.Request, policy catalog.Policy) error {
		return r.Break(req.Actor, oneLine(strings.Join(req.Args[1:], " ")), policy, d.Now())
	})
	if err != nil {
		return err
	}
	return d.confirm(ctx, req, redact.F("The glass is broken: %s goes ahead without its approvals. This stays open until somebody else has reviewed it.", r.ID))
}

// review confirms that somebody else looked at a break-glass.
func (d *Desk) review(ctx context.Context, req Request) error {
	id, err := requestID(req, "review ID")
	if err != nil {
		return err
	}
	r, err := d.change(ctx, req, id, func(r *approval.Request, policy catalog.Policy) error {
		return r.Review(req.Actor, policy, d.Now())
	})
	if err != nil {
		return err
	}
	return d.confirm(ctx, req, redact.F("Reviewed: the break-glass of %s is closed.", r.ID))
}

// change runs f on the locked request with the policy that covers it now.
func (d *Desk) change(ctx context.Context, req Request, id string, f func(*approval.Request, catalog.Policy) error) (approval.Request, error) {
	return d.Approvals.Change(ctx, id, req.Actor.Name(), func(r *approval.Request) error {
		policy, err := d.policyOf(*r)
		if err != nil {
			return err
		}
		return f(r, policy)
	})
}

// policyOf is the policy that covers a request now, with no fewer approvers than the request itself asks for. A service or policy that has
// gone refuses.
func (d *Desk) policyOf(r approval.Request) (catalog.Policy, error) {
	policy, ok := d.Catalog().Policy(r.Plan.Action, r.Plan.Service)
	if !ok {
		return catalog.Policy{}, &Problem{Code: "policy", Text: redact.F("No policy of svcdown.yaml covers %s of %s any more, so %s can neither be decided nor carried out.", r.Plan.Action, r.Plan.Service, r.ID)}
	}
	if svc, ok := d.Catalog().Service(r.Plan.Service); ok {
		var err error
		if policy, err = guarded(policy, r.Plan.Action, svc); err != nil {
			return catalog.Policy{}, err
		}
	}
	return policy.AtLeast(r.Plan.Approvers), nil
}

// confirm tells the clicker alone that the click counted; everybody else sees the card change. A message that does not arrive takes
// nothing back, so it is logged and not returned.
func (d *Desk) confirm(ctx context.Context, req Request, text redact.Text) error {
	if err := req.Talk.Whisper(ctx, card.Card{Title: redact.Const("Done"), State: card.OK, Verdict: text}); err != nil {
		d.Log.Warn().Err(err).Str("ref", req.Ref).Msg("confirm a decision")
	}
	return nil
}

func requestID(req Request, usage string) (string, error) {
	if len(req.Args) == 0 || !looksLikeID(req.Args[0]) {
		return "", &Problem{Code: "usage", Text: redact.Const("Which request? Nothing was done."), Next: redact.F("Write `%s`; `approvals` lists those that wait.", usage)}
	}
	return canonicalID(req.Args[0]), nil
}

// approvals lists what waits, with the buttons of those that the asker could decide.
func (d *Desk) approvals(ctx context.Context, req Request) error {
	service := ""
	if len(req.Args) > 0 {
		svc, err := d.service(req, "approvals SERVICE")
		if err != nil {
			return err
		}
		service = svc.Name
	}
	open, err := d.Approvals.Requests(ctx, service, true, 20)
	if errors.Is(err, approval.ErrUnavailable) {
		return &Problem{Code: "unavailable", Text: redact.Const("The database does not answer, so I cannot say what waits."), Next: redact.Const("Nothing is carried out meanwhile."), Err: err}
	}
	if err != nil {
		return err
	}
	c := card.Card{Title: redact.Const("Requests"), State: card.OK, Verdict: redact.Const("Nothing waits for a decision.")}
	if len(open) > 0 {
		c.State, c.Verdict = card.Waiting, redact.F("Open: %s.", counted(len(open), "request"))
	}
	for _, r := range open {
		c.Parts = append(c.Parts, card.Part{Text: redact.F("%s: %s of %s, asked by %s at %s UTC, %s", r.ID, r.Plan.Action, r.Plan.Service, r.Requester.Name(), clock(r.CreatedAt), d.standingUntil(ctx, r))})
		if policy, err := d.policyOf(r); err == nil && r.Eligible(req.Actor, policy) && len(c.Buttons) < 20 {
			c.Buttons = append(c.Buttons, approveButton(r, redact.F("Approve %s", r.ID)))
		}
	}
	return req.Talk.Whisper(ctx, c)
}

// counted is a number with its noun: "1 request", "2 requests".
func counted(n int, noun string) redact.Text {
	if n == 1 {
		return redact.F("1 %s", noun)
	}
	return redact.F("%d %ss", n, noun)
}

// standing says where a request is, with what it waits for.
func (d *Desk) standing(ctx context.Context, r approval.Request) redact.Text {
	policy, err := d.policyOf(r)
	if r.State != approval.Pending || err != nil {
		return redact.F("%s", r.State.Words())
	}
	have, need := r.Counted(policy)
	if have == 0 {
		return redact.F("waiting for %s", d.waitingOn(ctx, r, policy))
	}
	return redact.F("%d of %d have agreed, waiting for %s", have, need, d.waitingOn(ctx, r, policy))
}

// standingUntil is standing with the time at which waiting ends, for where no card says it.
func (d *Desk) standingUntil(ctx context.Context, r approval.Request) redact.Text {
	s := d.standing(ctx, r)
	if r.State == approval.Pending {
		s = redact.F("%s, expires at %s UTC", s, clock(r.ExpiresAt))
	}
	return s
}

// maxNames is how many people are named where one of many would do.
const maxNames = 4

// waitingOn names the people who could still agree, so that somebody can walk over to one of them; where nobody can, it says so.
func (d *Desk) waitingOn(ctx context.Context, r approval.Request, policy catalog.Policy) redact.Text {
	people := d.candidates(ctx, func(a catalog.Actor) bool { return r.Eligible(a, policy) })
	var wanted []redact.Text
	for _, m := range r.Missing(policy) {
		var names []string
		for _, a := range people {
			if a.Has(m.Roles...) && len(names) < maxNames {
				names = append(names, "@"+a.Person)
			}
		}
		roles := strings.Join(m.Roles, " or ")
		switch {
		case len(names) == 0:
			wanted = append(wanted, redact.F("%d of %s (nobody else holds that now)", m.Count, roles))
		case m.Count > 1:
			wanted = append(wanted, redact.F("%d of %s", m.Count, strings.Join(names, ", ")))
		default:
			wanted = append(wanted, redact.F("%s", strings.Join(names, " or ")))
		}
	}
	return redact.Join(" and ", wanted...)
}
