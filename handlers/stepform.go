package handlers

import (
	"context"
	"slices"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/checklist"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// formPatience is how long a person waits before a form opens that does not know yet what to ask for: what opened it is good for three seconds.
const formPatience = time.Second

// boundOrAsked fills the placeholders of a step, or asks whoever wants it for what nobody knows; bound is nil then and op comes again with the
// values. A form that takes longer to make than a person should wait is opened empty and filled.
func (d *Desk) boundOrAsked(ctx context.Context, req Request, w worked, step runbook.Step, op string) (bound []runbook.Step, err error) {
	type answer struct {
		bound   []runbook.Step
		missing []runbook.Hole
		err     error
	}
	found := make(chan answer, 1)
	go func() {
		var a answer
		defer func() {
			if p := recover(); p != nil {
				a.err = &Problem{Code: "unbound", Text: redact.F("Filling in the placeholders of step %d broke on my side, so nothing was done.", step.Number)}
			}
			found <- a
		}()
		a.bound, a.missing, a.err = d.Checks.Bind(ctx, w.svc, step, w.Values)
	}()
	var a answer
	form := ""
	wait := time.NewTimer(formPatience)
	defer wait.Stop()
	select {
	case a = <-found:
	case <-wait.C:
		if len(w.open(step)) > 0 && req.Trigger != "" && d.Forms != nil {
			skeleton := d.form(req, w, op, nil)
			skeleton.Text = redact.F("Looking in the cluster for what step %d needs…", step.Number)
			if form, err = d.Forms.Open(ctx, req.Trigger, skeleton); err != nil {
				d.Log.Warn().Err(err).Str("ref", req.Ref).Msg("open a form")
			}
		}
		a = <-found
	}
	missing := a.missing
	if step.Class == runbook.Action && len(a.bound) > 1 {
		missing = w.open(step) // it stands for several objects, and a change is about one
	}
	switch {
	case a.err != nil:
		return nil, &Problem{Code: "unbound", Text: redact.F("Step %d cannot be filled in: %s", step.Number, a.err.Error()), Err: a.err}
	case len(missing) > 0:
		return nil, d.need(ctx, req, w, op, form, missing)
	case form != "":
		done := d.form(req, w, op, nil)
		done.Text = redact.Const("Nothing is left to fill in; it goes on. Close this.")
		if err := d.Forms.Change(ctx, form, done); err != nil {
			d.Log.Warn().Err(err).Str("ref", req.Ref).Msg("finish a form")
		}
	}
	return a.bound, nil
}

// fillIn asks for every value that stopped a step.
func (d *Desk) fillIn(ctx context.Context, req Request, w worked) error {
	missing := w.unknown()
	if len(missing) == 0 {
		if len(req.Set) > 0 {
			return d.refresh(ctx, w.ID, 0) // they were filled in just now
		}
		return &Problem{Code: "nothing", Text: redact.Const("No value is asked for.")}
	}
	return d.need(ctx, req, w, "all run", "", missing)
}

// need asks for values: in the form that is open, in a new one, by a button that can open one, or in words.
func (d *Desk) need(ctx context.Context, req Request, w worked, op, form string, missing []runbook.Hole) error {
	f := d.form(req, w, op, missing)
	var err error
	switch {
	case form != "":
		err = d.Forms.Change(ctx, form, f)
	case req.Trigger != "" && d.Forms != nil:
		_, err = d.Forms.Open(ctx, req.Trigger, f)
	case req.Where.Kind == "slack" && d.Forms != nil:
		return req.Talk.Whisper(ctx, d.askAgain(w, op, missing))
	default:
		return &Problem{Code: "values", Text: redact.F("It needs %s, which nobody knows yet, so nothing was done.", writtenAs(missing)),
			Next: redact.F("Write `step %s %s%s`.", w.ID, op, setFlags(missing))}
	}
	if err == nil {
		return nil
	}
	// The three seconds were over, or Slack had none for us: a click on the button gives new ones.
	d.Log.Warn().Err(err).Str("ref", req.Ref).Msg("open a form")
	return req.Talk.Whisper(ctx, d.askAgain(w, op, missing))
}

func (d *Desk) askAgain(w worked, op string, missing []runbook.Hole) card.Card {
	return card.Card{Title: redact.F("%s · %s", w.svc.Name, w.ID), State: card.Waiting, Verdict: redact.F("It needs %s; nothing was done yet.", writtenAs(missing)),
		Buttons: []card.Button{w.button(redact.Const("Fill in…"), op, card.Primary)}}
}

// form asks for values; nothing of it is decided by: what comes back is checked again.
func (d *Desk) form(req Request, w worked, op string, missing []runbook.Hole) card.Form {
	f := card.Form{Title: redact.Const("Fill in"), Text: redact.F("%s for %s", w.book.Title, w.svc.Name), Verb: "step", Value: w.ID + " " + op}
	f.Where = req.Where
	f.Where.ResponseURL = "" // it may be over when the form comes back
	for _, h := range missing {
		f.Fields = append(f.Fields, card.Field{Name: h.Name, Type: string(h.Type), Whole: h.Whole, Label: redact.F("%s", h.Name), Hint: redact.F("%s in the runbook; a value of type %s", h.Written, h.Type)})
	}
	return f
}

// WrongValues says what is wrong with what a form was filled in with, by the field's name; none when all of it is right.
func WrongValues(fields []card.Field, values map[string]string) map[string]string {
	wrong := map[string]string{}
	for _, f := range fields {
		h := runbook.Hole{Name: f.Name, Type: runbook.Type(f.Type), Whole: f.Whole}
		if why := h.Wrong(values[f.Name]); why != "" {
			wrong[f.Name] = "It " + why + "."
		}
	}
	return wrong
}

// fill keeps the values that came with a request.
func (d *Desk) fill(ctx context.Context, req Request, w worked) (worked, error) {
	if err := given(w.book, req.Set); err != nil {
		return w, err
	}
	c, err := d.Checklists.ChangeChecklist(ctx, w.ID, req.Actor.Name(), func(c *checklist.Checklist) error {
		c.Fill(req.Set)
		return nil
	})
	if err != nil {
		return w, noChecklist(w.svc, err)
	}
	w.Checklist = c
	return w, nil
}

func writtenAs(holes []runbook.Hole) redact.Text {
	names := make([]redact.Text, len(holes))
	for i, h := range holes {
		names[i] = redact.F("%s", h.Written)
	}
	return redact.Join(", ", names...)
}

func setFlags(holes []runbook.Hole) string {
	s := ""
	for _, h := range holes {
		s += " --set " + h.Name + "=…"
	}
	return s
}

func addHoles(to, more []runbook.Hole) []runbook.Hole {
	for _, h := range more {
		if !slices.ContainsFunc(to, func(had runbook.Hole) bool { return had.Name == h.Name }) {
			to = append(to, h)
		}
	}
	return to
}
