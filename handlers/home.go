package handlers

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

const (
	// maxHome bounds each list of the home tab.
	maxHome = 10
	// maxOver is how many incidents that are over stand there.
	maxOver = 3
	// homeTime bounds the look at the services: one that hangs must not keep the tab empty.
	homeTime = 3 * time.Second
)

// Home is what waits for one person: open incidents, requests that they could decide, how the services are, and their shifts. It never fails: what cannot be read is
// said.
func (d *Desk) Home(ctx context.Context, id catalog.SlackID) card.Card {
	a := d.actor(ctx, Incoming{From: id}, forReading)
	c := card.Card{Title: redact.Const("svcdown runs the Service Down runbook"), State: card.Neutral, Verdict: redact.Const("Ask me what is wrong with a service")}
	if d.admit(a) != nil {
		return c
	}
	c.State, c.Verdict = card.OK, redact.Const("No incident is open, and nothing waits for you.")
	open, waiting := d.homeIncidents(ctx, a, &c), d.homeApprovals(ctx, a, &c)
	switch {
	case open > 0 && waiting == 0:
		c.State, c.Verdict = card.Fail, redact.F("Open: %s. No request waits for you.", counted(open, "incident"))
	case open > 0:
		c.State, c.Verdict = card.Fail, redact.F("Open: %s. Waiting for you: %s.", counted(open, "incident"), counted(waiting, "request"))
	case waiting > 0:
		c.State, c.Verdict = card.Waiting, redact.F("Waiting for you: %s.", counted(waiting, "request"))
	}
	d.homeItems(ctx, a, &c)
	d.homeServices(ctx, &c)
	cat := d.Catalog()
	for _, r := range cat.Rotations {
		if on := d.onCallFor(ctx, cat, r.Role); !on.until.IsZero() && slices.Contains(on.People, a.Person) {
			c.Parts = append(c.Parts, card.Part{Text: redact.F("You are %s until %s UTC.", r.Role, on.until.UTC().Format("Mon 2006-01-02 15:04"))})
		} else if next, ok := cat.NextShift(r.Role, a.Person, d.Now()); ok && r.PagerDuty == nil {
			c.Parts = append(c.Parts, card.Part{Text: redact.F("You are %s next from %s until %s UTC.", r.Role, next.From.UTC().Format("Mon 2006-01-02 15:04"), next.Until.UTC().Format("Mon 2006-01-02 15:04"))})
		}
	}
	return c
}

func (d *Desk) homeIncidents(ctx context.Context, a catalog.Actor, c *card.Card) int {
	all, err := d.Incidents.Incidents(ctx, false, mostCounted)
	if err != nil {
		c.Parts = append(c.Parts, card.Part{Text: redact.Const("The database does not answer, so I cannot say which incidents are open.")})
		return 0
	}
	var open, over []card.Part
	for _, i := range all {
		part := card.Part{Text: d.incidentLine(i, d.mayRead(Request{Actor: a}, i) == nil)}
		switch {
		case i.State.Active():
			open = append(open, part)
		case len(over) < maxOver:
			over = append(over, part)
		}
	}
	c.Parts = append(c.Parts, open[:min(len(open), maxHome)]...)
	if more := len(open) - maxHome; more > 0 {
		c.Parts = append(c.Parts, card.Part{Text: redact.F("and %d more: `incidents` lists them", more)})
	}
	if len(over) > 0 {
		c.Parts = append(append(c.Parts, card.Part{Facts: []card.Fact{{Label: redact.Const("Recently resolved")}}}), over...)
	}
	return len(open)
}

func (d *Desk) homeApprovals(ctx context.Context, a catalog.Actor, c *card.Card) int {
	all, err := d.Approvals.Requests(ctx, "", true, 50)
	if err != nil {
		return 0 // said for the incidents already
	}
	waiting := 0
	for _, r := range all {
		policy, err := d.policyOf(r)
		if err != nil || !r.Eligible(a, policy) {
			continue
		}
		waiting++
		if waiting <= maxHome {
			c.Parts = append(c.Parts, card.Part{Text: redact.F("%s: %s asks to %s", r.ID, r.Requester.Name(), aim(r.Plan))})
			c.Buttons = append(c.Buttons, approveButton(r, redact.F("Approve %s", r.ID)))
		}
	}
	return waiting
}

// homeServices is how the catalogue's first services are, looked at side by side.
func (d *Desk) homeServices(ctx context.Context, c *card.Card) {
	ctx, cancel := context.WithTimeout(ctx, homeTime)
	defer cancel()
	all := d.Catalog().Services
	services := all[:min(len(all), maxHome)]
	found := make([]finding.Finding, len(services))
	var looks sync.WaitGroup
	for n, svc := range services {
		looks.Go(func() {
			cl, err := d.Clusters(svc.Cluster)
			if err != nil {
				found[n] = d.unreached(svc)
				return
			}
			found[n] = inOne(svc, d.check(ctx, cl, svc, func(finding.Finding) {}))
		})
	}
	looks.Wait()
	c.Parts = append(c.Parts, card.Part{Findings: found})
	if more := len(all) - len(services); more > 0 {
		c.Parts = append(c.Parts, card.Part{Text: redact.F("There are %d more: `services` lists them, `status SERVICE` looks at one.", more)})
	}
}

// homeItems are the action items that somebody owes.
func (d *Desk) homeItems(ctx context.Context, a catalog.Actor, c *card.Card) {
	if d.ActionItems == nil || a.Person == "" {
		return
	}
	items, err := d.ActionItems.Items(ctx, incident.ItemFilter{Owner: a.Person, Open: true})
	if err != nil || len(items) == 0 {
		return // that the database does not answer is said for the incidents already
	}
	c.Parts = append(c.Parts, card.Part{Text: redact.F("Your action items, %d:", len(items))})
	for _, item := range items[:min(len(items), maxHome)] {
		c.Parts = append(c.Parts, card.Part{Item: itemLine(item, d.Now().In(d.Catalog().Zone()))})
	}
}
