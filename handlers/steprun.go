package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/checklist"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

const (
	// stepTime bounds one check that says nothing else ({timeout=…}).
	stepTime = 30 * time.Second
	// beside bounds how many checks of one checklist run beside each other.
	beside = 4
)

// runOne runs one check. What it needs and nobody knows is asked for first.
func (d *Desk) runOne(ctx context.Context, req Request, w worked, step runbook.Step) error {
	if err := d.leaveOf(req)(w.svc, step); err != nil {
		return err
	}
	bound, err := d.boundOrAsked(ctx, req, w, step, fmt.Sprintf("%d run", step.Number))
	if err != nil || bound == nil {
		return err
	}
	c, err := d.Checklists.ChangeChecklist(ctx, w.ID, req.Actor.Name(), func(c *checklist.Checklist) error {
		return c.Claim(step.Number, req.Key, req.Actor.Name(), d.Now())
	})
	if errors.Is(err, checklist.ErrAgain) {
		return d.shown(ctx, req, w, step) // a redelivery; the card may have been missed
	}
	if err != nil {
		return d.refusedStep(w, step, c, err)
	}
	if err := d.refresh(ctx, w.ID, w.pageOf(step.Number)); err != nil {
		return err
	}
	if err := d.carryOut(ctx, req, w, step, bound); err != nil {
		return err
	}
	return d.shown(ctx, req, w, step)
}

// runAll claims every check among steps that nobody has run or is running, and runs them, a few at a time.
func (d *Desk) runAll(ctx context.Context, req Request, w worked, steps []runbook.Step) error {
	select {
	case d.slots <- struct{}{}:
		defer func() { <-d.slots }()
	default:
		return &Problem{Code: "busy", Text: redact.Const("Too many checks run at this moment; yours were not started."), Next: redact.Const("Try again in a few seconds.")}
	}
	may := d.leaveOf(req)
	var mine []runbook.Step
	var left int
	var why error
	_, err := d.Checklists.ChangeChecklist(ctx, w.ID, req.Actor.Name(), func(c *checklist.Checklist) error {
		mine, left = nil, 0
		for _, s := range steps {
			if s.Class != runbook.Check || c.Steps[s.Number].State.Over() && c.Steps[s.Number].State != checklist.Unknown {
				continue
			}
			if err := may(w.svc, s); err != nil {
				left, why = left+1, err
				continue
			}
			if c.Claim(s.Number, req.Key, req.Actor.Name(), d.Now()) == nil {
				mine = append(mine, s)
			}
		}
		return nil
	})
	if err != nil {
		return noChecklist(w.svc, err)
	}
	pages := pagesOf(w, steps)
	if len(mine) == 0 {
		if err := d.refresh(ctx, w.ID, append(pages, 0)...); err != nil {
			return err
		}
		if left > 0 {
			return why
		}
		return &Problem{Code: "nothing", Text: redact.Const("No check is left to run here; each can be run again by itself.")}
	}
	if err := d.refresh(ctx, w.ID, pages...); err != nil {
		return err
	}
	err = d.runEach(ctx, req, w, mine)
	err = errors.Join(err, d.refresh(ctx, w.ID, append(pages, 0)...), d.told(ctx, req, w, pages))
	if err == nil && left > 0 {
		return &Problem{Code: "role", Text: redact.F("The other %s ran.", counted(len(mine), "check")), Next: withheld(left, why).Line, Err: why}
	}
	return err
}

// runEach runs claimed checks. What breaks in one is told by the others' end.
func (d *Desk) runEach(ctx context.Context, req Request, w worked, steps []runbook.Step) error {
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex
		wrong error
	)
	slots := make(chan struct{}, beside)
	for _, s := range steps {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			err := d.runClaimed(ctx, req, w, s)
			if err == nil {
				err = d.refresh(ctx, w.ID, w.pageOf(s.Number))
			}
			mu.Lock()
			defer mu.Unlock()
			wrong = errors.Join(wrong, err)
		})
	}
	wg.Wait()
	return wrong
}

// runClaimed binds and runs one claimed check; what it lacks is its outcome.
func (d *Desk) runClaimed(ctx context.Context, req Request, w worked, step runbook.Step) error {
	bound, missing, err := d.Checks.Bind(ctx, w.svc, step, w.Values)
	switch {
	case err != nil:
		return d.end(ctx, req, w, step, checklist.Unknown, redact.F("%s", err.Error()), false)
	case len(missing) > 0:
		return d.end(ctx, req, w, step, checklist.Unknown, redact.F("needs %s: fill it in, then run it again", writtenAs(missing)), false)
	}
	return d.carryOut(ctx, req, w, step, bound)
}

// carryOut runs what a claimed check was bound to and records the outcome.
func (d *Desk) carryOut(ctx context.Context, req Request, w worked, step runbook.Step, bound []runbook.Step) error {
	r := d.report(ctx, d.leaveOf(req), w.svc, step, bound)
	if err := d.Reports.SaveReport(ctx, w.ID, step.Number, r); err != nil {
		return noChecklist(w.svc, err)
	}
	line := r.Finding.Line
	if !r.Finding.Fix.Empty() && r.Finding.Status != finding.OK {
		line = redact.F("%s → %s", line, r.Finding.Fix)
	}
	return d.end(ctx, req, w, step, checklist.State(r.Finding.Status.String()), line, true)
}

func (d *Desk) end(ctx context.Context, req Request, w worked, step runbook.Step, state checklist.State, line redact.Text, output bool) error {
	c, err := d.Checklists.ChangeChecklist(ctx, w.ID, req.Actor.Name(), func(c *checklist.Checklist) error {
		return c.End(step.Number, req.Key, state, line, output, d.Now())
	})
	if err != nil {
		return d.refusedStep(w, step, c, err)
	}
	return nil
}

// report runs the bound steps beside each other and makes one report of them.
func (d *Desk) report(ctx context.Context, may leave, svc catalog.Service, step runbook.Step, bound []runbook.Step) finding.Report {
	ctx, cancel := context.WithTimeout(ctx, cmp.Or(step.Attributes.Timeout, stepTime))
	defer cancel()
	reports := make([]finding.Report, len(bound))
	var wg sync.WaitGroup
	for i, b := range bound {
		wg.Go(func() {
			defer func() {
				if p := recover(); p != nil { // a defect in one check is that check's and ends nothing else
					d.Log.Error().Str("step", step.Source).Interface("panic", p).Bytes("stack", debug.Stack()).Msg("a check broke")
					reports[i] = finding.Report{Finding: finding.Finding{Check: "step", Line: redact.Const("This check broke on my side."), Fix: redact.Const("Run it by hand; the log has the cause.")}}
				}
			}()
			reports[i] = d.runStep(ctx, may, svc, b)
		})
	}
	wg.Wait()
	return merged(bound, reports)
}

// merged is one report of several: the worst finding speaks for all, the rest is evidence.
func merged(bound []runbook.Step, reports []finding.Report) finding.Report {
	if len(reports) == 1 {
		return reports[0]
	}
	var out finding.Report
	worst := 0
	var raws []redact.Text
	for i, r := range reports {
		if r.Finding.Status.Worse(reports[worst].Finding.Status) {
			worst = i
		}
		about := redact.F("%s", strings.Join(bound[i].Operation.All("name"), " "))
		out.Finding.Evidence = append(out.Finding.Evidence, finding.Evidence{Title: about, Code: r.Finding.Line})
		out.Finding.Evidence = append(out.Finding.Evidence, r.Finding.Evidence...)
		out.Finding.Signals = append(out.Finding.Signals, r.Finding.Signals...)
		out.Truncated = out.Truncated || r.Truncated
		if !r.Raw.Empty() {
			raws = append(raws, redact.F("# %s\n%s", about, r.Raw))
		}
	}
	if len(reports) == 0 {
		return finding.Report{Finding: finding.Finding{Check: "step", Line: redact.Const("There is nothing that it could look at."), Fix: redact.Const("Look whether the service has pods: status")}}
	}
	f := reports[worst].Finding
	out.Finding.Check, out.Finding.Status, out.Finding.Fix = f.Check, f.Status, f.Fix
	out.Finding.Line = redact.F("%s (the worst of %d)", f.Line, len(reports))
	out.Raw = redact.Join("\n\n", raws...)
	return out
}

// reportText is a report as a file.
func reportText(step runbook.Step, r finding.Report) redact.Text {
	parts := []redact.Text{redact.F("$ %s", step.Source), redact.F("%s: %s", r.Finding.Status, r.Finding.Line)}
	if !r.Finding.Fix.Empty() {
		parts = append(parts, redact.F("→ %s", r.Finding.Fix))
	}
	for _, e := range r.Finding.Evidence {
		parts = append(parts, redact.Join("\n", e.Title, e.Code, tableText(e.Table)))
	}
	if !r.Raw.Empty() {
		parts = append(parts, redact.F("---\n%s", r.Raw))
	}
	if r.Truncated {
		parts = append(parts, redact.Const("(cut at the size limit)"))
	}
	return redact.Join("\n\n", parts...)
}

func tableText(t *finding.Table) redact.Text {
	if t == nil {
		return redact.Text{}
	}
	lines := []redact.Text{redact.Join("\t", t.Columns...)}
	for _, row := range t.Rows {
		lines = append(lines, redact.Join("\t", row...))
	}
	return redact.Join("\n", lines...)
}

// told answers whoever does not see the pages change: at a terminal with the pages, in another place of Slack with what came of it.
func (d *Desk) told(ctx context.Context, req Request, w worked, pages []int) error {
	if amongPages(req, w) {
		return nil
	}
	now, err := d.checklist(ctx, w.ID)
	if err != nil {
		return err
	}
	if req.Where.Kind == "slack" {
		return req.Talk.Whisper(ctx, d.frontCard(now))
	}
	for _, p := range pages {
		if _, err := req.Talk.Say(ctx, "", d.pageCard(now, p-1)); err != nil {
			return err
		}
	}
	return nil
}

// pagesOf are the pages, from 1, that hold any of the steps.
func pagesOf(w worked, steps []runbook.Step) []int {
	var out []int
	for _, s := range steps {
		if p := w.pageOf(s.Number); len(out) == 0 || out[len(out)-1] != p {
			out = append(out, p)
		}
	}
	return out
}
