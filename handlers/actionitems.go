package handlers

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

const (
	actionUsage = "action [ID] add TEXT @NAME YYYY-MM-DD"
	// maxItemText bounds the words of one, in letters.
	maxItemText = 300
	// farthest is how many years ahead something may be due; beyond it somebody mistyped.
	farthest = 5
)

// action writes down who does what until when after an incident, or that it is done.
func (d *Desk) action(ctx context.Context, req Request) error {
	words := strings.Fields(straighten(req.Text))[1:]
	var id []string
	takeID := func() {
		if len(words) > 0 && looksLikeIncident(words[0]) {
			id, words = words[:1], words[1:]
		}
	}
	takeID()
	what := ""
	if len(words) > 0 {
		what, words = strings.ToLower(words[0]), words[1:]
	}
	takeID()
	req.Args = id
	switch what {
	case "add":
		return d.addItem(ctx, req, words)
	case "form":
		return d.itemForm(ctx, req)
	case fromForm:
		return d.addItem(ctx, req, []string{req.Values["what"], req.Values["who"], req.Values["until"]})
	case "done":
		return d.finishItem(ctx, req, words)
	case "edit":
		return d.editItem(ctx, req, words)
	}
	return &Problem{Code: "usage", Text: redact.Const("I did not understand that; nothing was written down."), Next: redact.F("Write `%s`, `%s` or `action done N`.", actionUsage, editUsage)}
}

// addItem takes the owner and the day from the end, in either order; the rest says what.
func (d *Desk) addItem(ctx context.Context, req Request, words []string) error {
	i, err := d.which(ctx, &req, actionUsage)
	if err != nil {
		return err
	}
	if len(words) < 3 {
		return usageProblem("An action item says what, who and until when; nothing was written down.", actionUsage)
	}
	text, who, until := strings.Join(words[:len(words)-2], " "), words[len(words)-2], words[len(words)-1]
	if _, err := time.Parse(time.DateOnly, who); err == nil {
		who, until = until, who
	}
	due, err := d.dueDay(until)
	if err != nil {
		return err
	}
	owner, err := d.person(req, who)
	if err != nil {
		return err
	}
	item := incident.ActionItem{Incident: i.ID, Text: redact.F("%s", oneLine(text)).Short(maxItemText), Owner: owner.Name, By: req.Actor.Name(), At: d.Now(), Due: due}
	if item.Text.Empty() {
		return usageProblem("An action item says what, who and until when; nothing was written down.", actionUsage)
	}
	op := ""
	if req.Key != "" {
		op = "action:" + req.Key
	}
	stored, err := d.ActionItems.AddItem(ctx, op, item, d.remindersOf(due), func(a incident.ActionItem) incident.Event {
		return incident.Event{Op: fmt.Sprintf("item:%d", a.ID), At: a.At, Kind: incident.KindItem, By: a.By, Text: redact.F("Action item %d for %s until %s: %s", a.ID, a.Owner, a.Due, a.Text)}
	})
	if err != nil {
		return d.unrecorded(err, "nothing was written down")
	}
	return d.tellRoom(ctx, req, i, itemCard(stored))
}

// itemCard is the answer to whoever wrote it down.
func itemCard(a incident.ActionItem) card.Card {
	return card.Card{Title: redact.F("%s · action item %d", a.Incident, a.ID), State: card.OK, Verdict: redact.F("%s does it until %s: %s", a.Owner, a.Due, a.Text),
		Notes: []redact.Text{redact.F("%s is reminded the day before, and once when it is overdue", a.Owner)}}
}

// dueDay is a day that is not over, nor too far away.
func (d *Desk) dueDay(said string) (string, error) {
	day, err := time.Parse(time.DateOnly, said)
	today := d.Now().In(d.Catalog().Zone())
	switch {
	case err != nil:
		return "", usageProblem("The last word is the day until which it is done, such as 2026-12-01; nothing was written down.", actionUsage)
	case said < today.Format(time.DateOnly):
		return "", &Problem{Code: "usage", Text: redact.F("%s is over; nothing was written down.", said), Next: redact.Const("Name today or a later day.")}
	case day.Year() > today.Year()+farthest:
		return "", &Problem{Code: "usage", Text: redact.F("%s is more than %d years away; nothing was written down.", said, farthest), Next: redact.Const("Name an earlier day.")}
	}
	return said, nil
}

// remindersOf are the reminders that are still to come.
func (d *Desk) remindersOf(due string) map[incident.Reminder]time.Time {
	out := incident.Reminders(due, d.Catalog().Zone())
	if !out[incident.RemindBefore].After(d.Now()) {
		delete(out, incident.RemindBefore)
	}
	return out
}

// itemForm asks in a form for what addItem needs.
func (d *Desk) itemForm(ctx context.Context, req Request) error {
	typed := usageProblem("There is no form here; nothing was written down.", actionUsage)
	if d.Forms == nil || req.Trigger == "" {
		return typed
	}
	field := func(name, label, hint string, kind runbook.Type) card.Field {
		return card.Field{Name: name, Type: string(kind), Label: redact.F("%s", label), Hint: redact.F("%s", hint)}
	}
	names := make([]string, 0, len(d.Catalog().People))
	for _, p := range d.Catalog().People {
		names = append(names, p.Name)
	}
	f := card.Form{Title: redact.Const("Add an action item"), Text: redact.Const("What will keep it from happening again? Whoever does it is reminded."), Verb: "action", Value: strings.TrimSpace(fromForm + " " + strings.Join(req.Args, " ")), Where: req.Where,
		Fields: []card.Field{field("what", "What", "Such as: alert when the disk is 80 % full", runbook.Text), field("who", "Who", redact.F("One of %s", strings.Join(names, ", ")).Short(140).String(), runbook.Plain),
			field("until", "Until", "A day, such as "+d.Now().AddDate(0, 0, 14).Format(time.DateOnly), runbook.Plain)}}
	f.Where.ResponseURL = "" // it may be over when the form comes back
	if _, err := d.Forms.Open(ctx, req.Trigger, f); err != nil {
		return typed
	}
	return nil
}

// finishItem says that an action item is done.
func (d *Desk) finishItem(ctx context.Context, req Request, words []string) error {
	const usage = "action done N"
	if len(words) != 1 { // "1 2" is not 12, and half of what was asked is not done
		return &Problem{Code: "usage", Text: redact.Const("Which one? It takes exactly one number; nothing was changed."), Next: redact.F("Write `%s`; `actions` lists them.", usage)}
	}
	item, i, err := d.itemFor(ctx, req, words[0], usage)
	if err != nil {
		return err
	}
	item, err = d.ActionItems.ChangeItem(ctx, item.ID, d.remindersOf, func(a *incident.ActionItem) (incident.Event, error) {
		if !a.Done.IsZero() {
			return incident.Event{}, &Problem{Code: "done-already", Text: redact.F("Action item %d is done already, since %s by %s.", a.ID, a.Done.UTC().Format(time.DateOnly), a.DoneBy)}
		}
		a.Done, a.DoneBy = d.Now(), req.Actor.Name()
		return incident.Event{Op: fmt.Sprintf("item-done:%d", a.ID), At: a.Done, Kind: incident.KindItem, By: a.DoneBy, Text: redact.F("Action item %d is done: %s", a.ID, a.Text)}, nil
	})
	if err != nil {
		return d.unrecorded(err, "it is not marked as done")
	}
	return d.tellRoom(ctx, req, i, card.Card{Title: redact.F("%s · action item %d", i.ID, item.ID), State: card.OK, Verdict: redact.F("Done, says %s: %s", item.DoneBy, item.Text)})
}

// itemFor reads an action item and its incident, which the asker may read; whoever owes it may read it always.
func (d *Desk) itemFor(ctx context.Context, req Request, number, usage string) (item incident.ActionItem, i incident.Incident, err error) {
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return item, i, &Problem{Code: "usage", Text: redact.Const("Which one? Nothing was changed."), Next: redact.F("Write `%s`; `actions` lists them.", usage)}
	}
	if item, err = d.ActionItems.Item(ctx, n); errors.Is(err, approval.ErrNotFound) {
		return item, i, &Problem{Code: "not-found", Text: redact.F("There is no action item %d; nothing was changed.", n), Next: redact.Const("`actions` lists them.")}
	}
	if err == nil {
		i, err = d.Incidents.Incident(ctx, item.Incident)
	}
	if err != nil {
		return item, i, d.unrecorded(err, "nothing was changed")
	}
	if item.Owner == req.Actor.Person {
		return item, i, nil
	}
	return item, i, d.mayRead(req, i)
}

// tellRoom answers everybody in the incident's channel, or the asker alone elsewhere.
func (d *Desk) tellRoom(ctx context.Context, req Request, i incident.Incident, c card.Card) error {
	if req.Where.Kind == "slack" && req.Where.Channel == i.Room && i.Room != "" && !req.Where.Private {
		_, err := req.Talk.Say(ctx, "", c)
		return err
	}
	return req.Talk.Whisper(ctx, c)
}
