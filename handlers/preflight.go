package handlers

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// preflightTime bounds a whole preflight: nobody waits for it in an outage.
const preflightTime = 2 * time.Minute

// readiness is what a preflight found out about one step.
type readiness struct {
	step runbook.Step
	// byHand steps are for people, so that nothing of ours can be missing.
	byHand bool
	// asks is what somebody is asked for when the step is worked on: it is ready as far as it can be told before.
	asks []runbook.Hole
	// why and fix are set when the step is not ready.
	why, fix redact.Text
}

func (r readiness) ready() bool { return r.why.Empty() }

// preflight says before any outage which steps of a runbook would not work, and what to do about each: placeholders that nothing fills in,
// objects that are not there, permissions and programs that are missing, hosts that are not allowed. Checks are asked for real, since they only
// read; actions are planned with the server's dry run and never asked for.
func (d *Desk) preflight(ctx context.Context, req Request) error {
	book, svc, err := d.named(req, "preflight NAME SERVICE")
	if err != nil {
		return err
	}
	fit := book.For(svc)
	if err := given(fit, req.Set); err != nil {
		return err
	}
	look, err := d.reading(ctx, req, svc)
	if look == nil {
		return err
	}
	defer look.done()
	ctx, cancel := context.WithTimeout(ctx, preflightTime)
	defer cancel()
	live := &liveCard{talk: req.Talk, svc: svc, doing: redact.F("Preflight of %s for %s", book.Name(), svc.Name), started: d.Now(), now: d.Now}
	all := fill(ctx, live, func(each func(finding.Finding)) []readiness { return d.readyAll(ctx, req, look.cl, svc, fit, each) })
	c := preflightCard(book, svc, all)
	c.Notes = append(c.Notes, redact.F("%s in %.1f s; nothing was changed", counted(len(all), "step"), d.Now().Sub(live.started).Seconds()))
	if <-look.recorded != nil {
		c.Notes = append(c.Notes, notRecorded)
	}
	if c.State == card.Fail && req.Where.Kind == "terminal" {
		return req.Talk.Whisper(ctx, c) // what fails and is said to the asker alone ends the command with 1
	}
	_, err = live.finish(ctx, c)
	return err
}

func (d *Desk) readyAll(ctx context.Context, req Request, cl Cluster, svc catalog.Service, book *runbook.Runbook, each func(finding.Finding)) []readiness {
	steps := book.Steps()
	out := make([]readiness, len(steps))
	slots := make(chan struct{}, atOnceSteps)
	rights := &rights{cl: cl, known: map[string]right{}}
	var wg sync.WaitGroup
	for i, step := range steps {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			out[i] = readiness{step: step}
			err := d.safeRead("preflight of a step", func() error {
				out[i] = d.readyOne(ctx, req, cl, rights, svc, step)
				return nil
			})
			if err != nil {
				out[i].why, out[i].fix = redact.Const("its preflight broke off with a defect of svcdown's own"), redact.Const("Please report it.")
			}
			f := finding.Finding{Check: "step", Status: finding.OK, Line: redact.F("%d. %s", step.Number, step.Title)}
			if !out[i].ready() {
				f.Status, f.Line = finding.Fail, redact.F("%d: %s", step.Number, out[i].why)
			}
			each(f)
		})
	}
	wg.Wait()
	return out
}

// readyOne looks at one step.
func (d *Desk) readyOne(ctx context.Context, req Request, cl Cluster, rights *rights, svc catalog.Service, step runbook.Step) readiness {
	r := readiness{step: step}
	switch step.Class {
	case runbook.Manual:
		r.byHand = true
		return r
	case runbook.Refused:
		r.why, r.fix = redact.F("it is never run: %s", step.Reason), redact.Const("Write it so that it can be typed; `svcdown runbook lint` checks it.")
		return r
	}
	bound, missing, err := d.Checks.Bind(ctx, svc, step, req.Set)
	switch {
	case err != nil:
		r.why, r.fix = redact.F("it cannot be filled in: %s", err.Error()), redact.Const("Correct the runbook or svcdown.yaml.")
		return r
	case len(missing) > 0:
		r.asks = missing
		// Whatever the value will be, it takes the same permission.
		if op := step.Operation; op != nil && !strings.ContainsAny(op.Get("namespace"), "<$[") {
			r.why, r.fix = rights.lacking(ctx, svc, *op)
		}
		return r
	}
	for _, b := range bound {
		if r.why, r.fix = rights.lacking(ctx, svc, *b.Operation); !r.why.Empty() {
			return r
		}
		switch step.Class {
		case runbook.Check:
			// Whatever it found is an answer; that there is none is what a preflight is for.
			if f := d.runStep(ctx, d.leaveOf(req), svc, b).Finding; f.Status == finding.Unknown {
				r.why, r.fix = f.Line, f.Fix
				return r
			}
		case runbook.Action:
			r.byHand, r.why, r.fix = d.plannable(ctx, cl, svc, b)
		case runbook.Message:
			r.byHand = b.Operation.Name != "slack message"
			if !r.byHand && d.Catalog().Channels.Incidents == "" && d.Catalog().Channels.Ops == "" {
				r.why, r.fix = redact.Const("there is no channel to post it to"), redact.Const("Name channels.incidents in svcdown.yaml.")
			}
		}
	}
	return r
}

// plannable makes the plan of an action, with the server's dry run, and drops it.
func (d *Desk) plannable(ctx context.Context, cl Cluster, svc catalog.Service, step runbook.Step) (byHand bool, why, fix redact.Text) {
	w, err := d.wished(ctx, svc, step)
	var p *Problem
	if errors.As(err, &p) && p.Code == "by-hand" {
		return true, redact.Text{}, redact.Text{}
	}
	if err != nil {
		return false, redact.F("it cannot be asked for: %s", err.Error()), redact.Const("Correct the runbook or svcdown.yaml.")
	}
	policy, ok := d.Catalog().Policy(w.action, w.svc.Name)
	if !ok {
		return false, redact.F("no policy covers %s of %s", w.action, w.svc.Name), redact.Const("Add one to svcdown.yaml.")
	}
	if w.svc.Cluster != svc.Cluster {
		if cl, err = d.Clusters(w.svc.Cluster); err != nil {
			return false, redact.F("cluster %s cannot be reached", w.svc.Cluster), redact.Const("Correct it in svcdown.yaml.")
		}
	}
	_, err = w.plan(cl, policy.AtLeast(w.approvers), newID())
	var k *k8sops.Error
	switch {
	case err == nil, errors.As(err, &k) && k.Kind == k8sops.Empty: // at this moment it would change nothing, which is no obstacle
		return false, redact.Text{}, redact.Text{}
	case errors.As(err, &p) && !p.Next.Empty():
		return false, redact.F("it cannot be planned: %s", p.Text), p.Next
	case errors.As(err, &k) && w.action == catalog.Apply && k.Kind == k8sops.Forbidden:
		return false, redact.F("it cannot be planned: %s", k.Message), redact.Const("Let the bot's account make Jobs: allow.jobs in the chart.")
	case errors.As(err, &k) && w.action == catalog.Apply:
		return false, redact.F("it cannot be planned: %s", k.Message), redact.Const("Correct the manifest in the folder of reviewed manifests.")
	case errors.As(err, &k):
		return false, redact.F("it cannot be planned: %s", k.Message), redact.Const("Look at the object, and at the rights of the bot's account.")
	}
	return false, redact.F("it cannot be planned: %s", err.Error()), redact.Const("Look at the policy and the object.")
}

// preflightCard has one line for each step that is not ready, and then for each that asks for a value: that is no obstacle.
func preflightCard(book *runbook.Runbook, svc catalog.Service, all []readiness) card.Card {
	c := card.Card{Title: redact.F("Preflight of %s · %s", book.Name(), svc.Name), State: card.OK}
	ready, byHand := 0, 0
	var lines, asking []finding.Finding
	for _, r := range all {
		switch {
		case !r.ready():
			lines = append(lines, finding.Finding{Check: "step " + strconv.Itoa(r.step.Number), Status: finding.Fail, Line: redact.F("%s: %s", clipped(r.step.Title, maxStepTitle), r.why), Fix: r.fix})
		case r.byHand:
			byHand++
		case len(r.asks) > 0:
			ready++
			asking = append(asking, finding.Finding{Check: "step " + strconv.Itoa(r.step.Number), Status: finding.OK,
				Line: redact.F("%s: it will ask for %s; to look at the rest of it now, add%s", clipped(r.step.Title, maxStepTitle), writtenAs(r.asks), setFlags(r.asks))})
		default:
			ready++
		}
	}
	tally := redact.F("%d of %d steps are ready", ready, len(all)-byHand)
	if n := len(asking); n > 0 {
		tally = redact.F("%s, %d of them will ask for a value", tally, n)
	}
	if byHand > 0 {
		tally = redact.F("%s; people do %d more", tally, byHand)
	}
	c.Verdict = redact.F("%s for %s: %s", book.Title, svc.Name, tally)
	if len(lines) > 0 {
		c.State = card.Fail
	}
	if all := append(lines, asking...); len(all) > 0 {
		c.Parts = []card.Part{{Findings: all}}
	}
	return c
}
