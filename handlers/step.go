package handlers

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/checklist"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// step works on one step of a checklist, on a page of it, or on all of it.
func (d *Desk) step(ctx context.Context, req Request) error {
	const usage = "step ID N OPERATION"
	if len(req.Args) < 3 || !isChecklistID(req.Args[0]) {
		return &Problem{Code: "usage", Text: redact.Const("Which step of which checklist, and what about it? Nothing was done."), Next: redact.F("Write `%s`; `runbook NAME SERVICE` opens a checklist.", usage)}
	}
	if req.Key == "" {
		req.Key = "once:" + newID() // a delivery that cannot come again is still not another one
	}
	w, err := d.checklist(ctx, req.Args[0])
	if err != nil {
		return err
	}
	which, op := strings.ToLower(req.Args[1]), strings.ToLower(req.Args[2])
	if err := d.mayStep(ctx, req, w, op); err != nil {
		return err
	}
	if len(req.Set) > 0 {
		if w, err = d.fill(ctx, req, w); err != nil {
			return err
		}
	}
	if n, err := strconv.Atoi(which); err == nil {
		step, ok := w.step(n)
		if !ok {
			return &Problem{Code: "unknown-step", Text: redact.F("Checklist %s has no step %d; nothing was done.", w.ID, n)}
		}
		return d.oneStep(ctx, req, w, step, op)
	}
	steps, ok := w.among(which)
	switch {
	case !ok:
		return &Problem{Code: "usage", Text: redact.F("%q is no step of checklist %s; nothing was done.", which, w.ID), Next: redact.Const("Write a step's number, p1 for the first page, or all.")}
	case op == "run":
		return d.runAll(ctx, req, w, steps)
	case op == "fill":
		return d.fillIn(ctx, req, w)
	}
	return &Problem{Code: "usage", Text: redact.F("Only `run` and `fill` work on several steps; nothing was done.")}
}

// mayStep refuses whoever may not see the checklist, and whoever may see it but not work on it. Who may ask for an action is the policy's word,
// and which checks somebody may run depends on the check.
func (d *Desk) mayStep(ctx context.Context, req Request, w worked, op string) error {
	if err := d.mayReadList(ctx, req, w); err != nil {
		return err
	}
	if op == "output" || len(req.Set) == 0 && (op == "run" || op == "ask") {
		return nil
	}
	return d.mayWork(req.Actor, w.svc)
}

// among are the steps of a page ("p2") or of the whole checklist ("all").
func (w worked) among(which string) ([]runbook.Step, bool) {
	if which == "all" {
		return w.book.Steps(), true
	}
	number, isPage := strings.CutPrefix(which, "p")
	i, err := strconv.Atoi(number)
	if !isPage || err != nil || i < 1 || i > len(w.pages) {
		return nil, false
	}
	var out []runbook.Step
	for _, e := range w.pages[i-1].entries {
		if e.step != nil {
			out = append(out, *e.step)
		}
	}
	return out, true
}

func (d *Desk) oneStep(ctx context.Context, req Request, w worked, step runbook.Step, op string) error {
	fits := map[string]bool{
		"run": step.Class == runbook.Check, "output": true, "ask": step.Class == runbook.Action,
		"post": step.Class == runbook.Message && step.Operation.Name == "slack message",
		"done": step.Class != runbook.Check, "skip": true, "reopen": true,
	}
	if !fits[op] {
		return &Problem{Code: "usage", Text: redact.F("Step %d is of class %s, which %q does not fit; nothing was done.", step.Number, step.Class, op)}
	}
	switch op {
	case "run":
		return d.runOne(ctx, req, w, step)
	case "output":
		return d.output(ctx, req, w, step)
	case "ask":
		return d.askOne(ctx, req, w, step)
	case "post":
		return d.post(ctx, req, w, step)
	}
	now, by := d.Now(), req.Actor.Name()
	return d.moved(ctx, req, w, step, func(c *checklist.Checklist) error {
		switch op {
		case "done":
			return c.Tick(step.Number, checklist.Done, by, now)
		case "skip":
			return c.Tick(step.Number, checklist.Skipped, by, now)
		default:
			return c.Reopen(step.Number, by, now)
		}
	})
}

// moved changes a step and shows it.
func (d *Desk) moved(ctx context.Context, req Request, w worked, step runbook.Step, change func(*checklist.Checklist) error) error {
	c, err := d.Checklists.ChangeChecklist(ctx, w.ID, req.Actor.Name(), change)
	if err != nil {
		return d.refusedStep(w, step, c, err)
	}
	return d.shown(ctx, req, w, step)
}

// shown brings the step's page and the first message up to date, and answers a terminal.
func (d *Desk) shown(ctx context.Context, req Request, w worked, step runbook.Step) error {
	if err := d.refresh(ctx, w.ID, w.pageOf(step.Number), 0); err != nil {
		return err
	}
	if amongPages(req, w) {
		return nil
	}
	now, err := d.checklist(ctx, w.ID)
	if err != nil {
		return err
	}
	talk, err := d.keep(ctx, req, w.Places[0].Channel)
	if err != nil {
		return err
	}
	it := d.item(now, step)
	_, err = talk.Say(ctx, "", card.Card{Title: redact.F("%s · %s", now.svc.Name, now.ID), State: stateOfStep(now.Steps[step.Number].State), Verdict: it.Line,
		Parts: []card.Part{{Text: it.More}}, Buttons: it.Buttons})
	return err
}

// amongPages reports whether whoever asks looks at the checklist's own messages, which have changed before their eyes.
func amongPages(req Request, w worked) bool {
	if req.Where.Kind != "slack" {
		return false
	}
	for _, at := range w.Places {
		if at.Channel == req.Where.Channel && at.Message == req.Where.Message && at.Message != "" {
			return true
		}
	}
	return false
}

func stateOfStep(s checklist.State) card.State {
	switch s {
	case checklist.OK, checklist.Done:
		return card.OK
	case checklist.Warn, checklist.Unknown:
		return card.Warn
	case checklist.Fail:
		return card.Fail
	case checklist.Waiting:
		return card.Waiting
	}
	return card.Neutral
}

// refusedStep words why a step was left as it is.
func (d *Desk) refusedStep(w worked, step runbook.Step, c checklist.Checklist, err error) error {
	s := c.Steps[step.Number]
	switch {
	case errors.Is(err, checklist.ErrBusy) && s.State == checklist.Waiting:
		return &Problem{Code: "busy", Text: redact.F("Step %d waits for approval of %s; nothing more was done.", step.Number, s.Request)}
	case errors.Is(err, checklist.ErrBusy):
		return &Problem{Code: "busy", Text: redact.F("Step %d is under way already, since %s UTC for %s; nothing more was done.", step.Number, clock(s.At), s.By)}
	case errors.Is(err, checklist.ErrOver):
		return &Problem{Code: "state", Text: redact.F("Step %d stays as it is: %s; nothing was done.", step.Number, orNone(outcome(step, s).String()))}
	case errors.Is(err, checklist.ErrAgain), errors.Is(err, checklist.ErrLost):
		return nil // what it did stands
	}
	return noChecklist(w.svc, err)
}

// output puts the newest report of a step into the thread.
func (d *Desk) output(ctx context.Context, req Request, w worked, step runbook.Step) error {
	r, err := d.Reports.Report(ctx, w.ID, step.Number)
	if errors.Is(err, approval.ErrNotFound) {
		return &Problem{Code: "nothing", Text: redact.F("Step %d has no output yet.", step.Number), Next: redact.F("Run it: `step %s %d run`.", w.ID, step.Number)}
	}
	if err != nil {
		return noChecklist(w.svc, err)
	}
	talk, err := d.keep(ctx, req, w.Places[0].Channel)
	if err != nil {
		return err
	}
	return talk.Upload(ctx, card.File{
		Name: fmt.Sprintf("%s-step-%d.txt", w.ID, step.Number), Title: redact.F("Step %d: %s", step.Number, step.Title), Content: reportText(step, r),
	})
}
