package handlers

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// mostItems is how many action items stand on one card.
const mostItems = 20

// actionItems lists those of an incident, all that are open, or the asker's own.
func (d *Desk) actionItems(ctx context.Context, req Request) error {
	f, title := incident.ItemFilter{Owner: req.Actor.Person, Open: true}, redact.Const("Your action items")
	i, err := d.which(ctx, &req, "actions ID")
	var p *Problem
	switch {
	case err == nil:
		f, title = incident.ItemFilter{Incident: i.ID}, redact.F("Action items of %s", i.ID)
	case !errors.As(err, &p) || p.Code != "usage":
		return err
	case len(req.Args) > 0 && strings.EqualFold(req.Args[0], "all"):
		f, title = incident.ItemFilter{Open: true}, redact.Const("Open action items")
	case req.Actor.Person == "":
		f.Owner = req.Actor.Name() // nobody's
	}
	items, err := d.ActionItems.Items(ctx, f)
	if err != nil {
		return d.unrecorded(err, "this list says nothing")
	}
	if items, err = d.readable(ctx, req, items); err != nil {
		return d.unrecorded(err, "this list says nothing")
	}
	c := card.Card{Title: title, State: card.OK, Verdict: redact.Const("There is none.")}
	now, late := d.Now().In(d.Catalog().Zone()), 0
	for n, a := range items {
		if a.Overdue(now) {
			late++
		}
		if n < mostItems {
			c.Parts = append(c.Parts, card.Part{Item: itemLine(a, now)})
		}
	}
	if len(items) > 0 {
		open := len(items) - countDone(items)
		c.Verdict = redact.F("Open: %s, overdue: %d.", counted(open, "action item"), late)
	}
	if late > 0 {
		c.State = card.Warn
	}
	if more := len(items) - mostItems; more > 0 {
		c.Notes = append(c.Notes, redact.F("and %d more; those of one incident: `actions ID`", more))
	}
	if len(items) > 0 {
		c.Notes = append(c.Notes, redact.F("to change one: `%s`", editUsage))
	}
	return req.Talk.Whisper(ctx, c)
}

func countDone(items []incident.ActionItem) (done int) {
	for _, a := range items {
		if !a.Done.IsZero() {
			done++
		}
	}
	return done
}

// readable leaves out the items of private incidents that the asker was not brought into; their own they may read.
func (d *Desk) readable(ctx context.Context, req Request, items []incident.ActionItem) (out []incident.ActionItem, err error) {
	may := map[string]bool{}
	for _, a := range items {
		ok, known := may[a.Incident]
		if !known && a.Owner != req.Actor.Person {
			i, err := d.Incidents.Incident(ctx, a.Incident)
			if err != nil {
				return nil, err // a list without it would look whole
			}
			ok = d.mayRead(req, i) == nil
			may[a.Incident] = ok
		}
		if ok || a.Owner == req.Actor.Person {
			out = append(out, a)
		}
	}
	return out, nil
}

// itemLine is an action item with its button, as of now in people's zone.
func itemLine(a incident.ActionItem, now time.Time) *card.Item {
	it := &card.Item{Mark: card.MarkOpen, Line: redact.F("%d. %s", a.ID, a.Text), More: redact.F("%s, until %s (%s)", a.Owner, a.Due, a.Incident)}
	switch {
	case !a.Done.IsZero():
		it.Mark, it.More = card.MarkDone, redact.F("%s, %s (%s)", a.Owner, a.Until(), a.Incident)
		return it
	case a.Overdue(now):
		it.Mark, it.More = card.MarkWarn, redact.F("%s, overdue since %s (%s)", a.Owner, a.Due, a.Incident)
	}
	it.Buttons = []card.Button{{Label: redact.Const("Done"), Verb: "action", Value: fmt.Sprintf("done %d", a.ID)}}
	return it
}
