package handlers

import (
	"context"
	"path"
	"strings"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

const (
	lessonUsage = "lesson [ID] TEXT"
	maxLesson   = 500 // letters
)

// lesson writes down what the runbook should say next time, and answers a patch of the runbook with all lessons of the incident, ready for a pull
// request. The runbook itself is changed by its owners alone.
func (d *Desk) lesson(ctx context.Context, req Request) error {
	words := strings.Fields(req.Text)[1:]
	// "form" begins a sentence as well.
	asks := len(words) == 1 || len(words) == 2 && looksLikeIncident(words[1])
	form, filled := asks && words[0] == "form", asks && words[0] == fromForm
	if form || filled {
		words = words[1:]
	}
	req.Args = words
	i, err := d.which(ctx, &req, lessonUsage)
	if err != nil {
		return err
	}
	if form {
		return d.lessonForm(ctx, req, i)
	}
	text := redact.F("%s", oneLine(strings.Join(req.Args, " "))).Short(maxLesson)
	if filled {
		text = redact.F("%s", oneLine(req.Values["what"])).Short(maxLesson)
	}
	if text.Empty() {
		return usageProblem("What was learned? Nothing was written down.", lessonUsage)
	}
	b, ok := d.bookOf(i)
	if !ok {
		return &Problem{Code: "no-runbook", Text: redact.F("I know no runbook for %s, so nothing was written down.", i.ID), Next: redact.Const("`runbooks` lists those that I know; `note` writes on the timeline.")}
	}
	op := ""
	if req.Key != "" {
		op = "lesson:" + req.Key
	}
	if _, err := d.Incidents.Put(ctx, i.ID, []incident.Event{{Op: op, At: d.Now(), Kind: incident.KindLesson, By: req.Actor.Name(), Text: text}}); err != nil {
		return d.unrecorded(err, "nothing was written down")
	}
	f, err := d.lessonPatch(ctx, i, b)
	if err != nil {
		return err
	}
	c := card.Card{Title: redact.F("%s · lesson for %s", i.ID, path.Base(b.File)), State: card.OK, Verdict: redact.F("Written down: %s", text),
		Parts: []card.Part{{Text: redact.F("The patch has all lessons of %s. In the folder where %s is: git apply %s", i.ID, path.Base(b.File), f.Name)}}}
	if err := d.tellRoom(ctx, req, i, c); err != nil {
		return err
	}
	talk, err := d.among(ctx, req, i)
	if err != nil {
		return err
	}
	return talk.Upload(ctx, f)
}

// bookOf is the runbook that the incident's alert named, else the one of outages.
func (d *Desk) bookOf(i incident.Incident) (*runbook.Runbook, bool) {
	if d.Runbooks == nil {
		return nil, false
	}
	if i.Runbook != "" {
		name, _, _ := strings.Cut(i.Runbook, "#")
		if b, ok := d.Runbooks.Named(path.Base(name)); ok {
			return b, true
		}
	}
	return d.Runbooks.Named(triageBook)
}

// lessonPatch is the change of the runbook that adds all lessons of an incident.
func (d *Desk) lessonPatch(ctx context.Context, i incident.Incident, b *runbook.Runbook) (card.File, error) {
	events, err := d.Incidents.Timeline(ctx, i.ID)
	if err != nil {
		return card.File{}, d.unrecorded(err, "there is no patch")
	}
	var entries []string
	for _, e := range events {
		if e.Kind != incident.KindLesson {
			continue
		}
		entry := redact.F("%s, %s: %s (%s)", e.At.UTC().Format(time.DateOnly), i.ID, incident.Quoted(e.Text), incident.Quoted(redact.F("%s", e.By))).String()
		if !strings.Contains(b.Source, entry) {
			entries = append(entries, entry)
		}
	}
	byHand := &Problem{Code: "no-patch", Text: redact.F("The lesson stands on the timeline, but I can make no patch of %s.", path.Base(b.File)), Next: redact.F("Add it by hand: - %s", strings.Join(entries, "\n- "))}
	if len(entries) == 0 {
		byHand.Text, byHand.Next = redact.F("%s has this lesson already.", path.Base(b.File)), redact.Text{}
		return card.File{}, byHand
	}
	text, err := runbook.WithLessons(b, entries)
	if err != nil {
		byHand.Err = err
		return card.File{}, byHand
	}
	patch := runbook.Patch(path.Base(b.File), b.Source, text)
	// What is cleaned away around the lesson would keep the patch from fitting.
	if clean := redact.Clean(patch); clean.String() == patch {
		return card.File{Name: "lesson-" + strings.ToLower(i.ID) + ".patch", Title: redact.F("Lessons of %s for %s", i.ID, path.Base(b.File)), Content: clean}, nil
	}
	byHand.Text = redact.F("The lesson stands on the timeline, but next to its place %s has what looks like a secret, so I hand out no patch.", path.Base(b.File))
	return card.File{}, byHand
}

func (d *Desk) lessonForm(ctx context.Context, req Request, i incident.Incident) error {
	typed := usageProblem("There is no form here; nothing was written down.", lessonUsage)
	if d.Forms == nil || req.Trigger == "" {
		return typed
	}
	f := card.Form{Title: redact.Const("Add to the runbook"), Text: redact.F("What should the runbook say next time? It goes on the timeline of %s, and you get a patch for a pull request.", i.ID), Verb: "lesson", Value: fromForm + " " + i.ID, Where: req.Where,
		Fields: []card.Field{{Name: "what", Type: string(runbook.Text), Label: redact.Const("What was learned"), Hint: redact.Const("Such as: look at the image tag before you restart")}}}
	f.Where.ResponseURL = "" // it may be over when the form comes back
	if _, err := d.Forms.Open(ctx, req.Trigger, f); err != nil {
		return typed
	}
	return nil
}
