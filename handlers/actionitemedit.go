package handlers

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

const editUsage = "action edit N [TEXT] [@NAME] [YYYY-MM-DD]"

// editItem gives an action item other words, another owner or another day. Whoever owes it from then on is reminded as if it were new.
func (d *Desk) editItem(ctx context.Context, req Request, words []string) error {
	if len(words) < 2 {
		return usageProblem("Which one, and what is different about it? Nothing was changed.", editUsage)
	}
	item, i, err := d.itemFor(ctx, req, words[0], editUsage)
	if err != nil {
		return err
	}
	edit, err := d.itemEdit(req, words[1:])
	if err != nil {
		return err
	}
	item, err = d.ActionItems.ChangeItem(ctx, item.ID, d.remindersOf, func(a *incident.ActionItem) (incident.Event, error) {
		if !a.Done.IsZero() {
			return incident.Event{}, &Problem{Code: "done-already", Text: redact.F("Action item %d is done already, since %s by %s; nothing was changed.", a.ID, a.Done.UTC().Format(time.DateOnly), a.DoneBy),
				Next: redact.F("Write down another one: `%s`.", actionUsage)}
		}
		different := edit.apply(a)
		if len(different) == 0 {
			return incident.Event{}, &Problem{Code: "unchanged", Text: redact.F("Action item %d is like that already; nothing was changed.", a.ID), Next: redact.F("`actions %s` shows it.", a.Incident)}
		}
		e := incident.Event{At: d.Now(), Kind: incident.KindItem, By: req.Actor.Name(), Text: redact.F("Action item %d is now %s", a.ID, redact.Join(", ", different...))}
		if req.Key != "" {
			e.Op = fmt.Sprintf("item-edit:%d:%s", a.ID, req.Key)
		}
		return e, nil
	})
	if err != nil {
		return d.unrecorded(err, "it stays as it was")
	}
	return d.tellRoom(ctx, req, i, itemCard(item))
}

// itemEdit is what becomes different about an action item; what is zero stays.
type itemEdit struct {
	text       redact.Text
	owner, due string
}

// itemEdit takes a day and an @NAME from the end, in either order; the rest says what.
func (d *Desk) itemEdit(req Request, words []string) (e itemEdit, err error) {
	for ; len(words) > 0; words = words[:len(words)-1] {
		last := words[len(words)-1]
		if _, noDay := time.Parse(time.DateOnly, last); noDay == nil && e.due == "" {
			if e.due, err = d.dueDay(last); err != nil {
				return e, err
			}
			continue
		}
		if !strings.HasPrefix(strings.TrimPrefix(last, "<"), "@") || e.owner != "" {
			break
		}
		p, err := d.person(req, last)
		if err != nil {
			return e, err
		}
		e.owner = p.Name
	}
	e.text = redact.F("%s", oneLine(strings.Join(words, " "))).Short(maxItemText)
	return e, nil
}

// apply returns what became different, in words.
func (e itemEdit) apply(a *incident.ActionItem) (different []redact.Text) {
	if e.owner != "" && e.owner != a.Owner {
		different = append(different, redact.F("for %s instead of %s", e.owner, a.Owner))
		a.Owner = e.owner
	}
	if e.due != "" && e.due != a.Due {
		different = append(different, redact.F("until %s instead of %s", e.due, a.Due))
		a.Due = e.due
	}
	if !e.text.Empty() && e.text.String() != a.Text.String() {
		different = append(different, redact.F("“%s”", e.text))
		a.Text = e.text
	}
	return different
}
