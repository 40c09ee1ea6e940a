package handlers

import (
	"context"
	"strings"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// verifyService proves that a service is back: the section on restoration of its runbook, its status and its health URLs, with the dashboards' links.
func (d *Desk) verifyService(ctx context.Context, req Request) error {
	svc, err := d.service(req, "verify SERVICE")
	if err != nil {
		return err
	}
	look, err := d.reading(ctx, req, svc)
	if look == nil {
		return err
	}
	defer look.done()
	steps, links := d.restoration(svc)
	live := &liveCard{talk: req.Talk, svc: svc, doing: redact.F("Verifying %s", svc.Name), started: d.Now(), now: d.Now}
	l := fill(ctx, live, func(each func(finding.Finding)) looked { return d.lookRestored(ctx, d.leaveOf(req), svc, steps, each) })
	c := verifyCard(svc, l, len(steps))
	if len(links) > 0 {
		c.Parts = append(c.Parts, card.Part{Text: redact.Const("Look at the dashboards as well:")}, card.Part{Links: links})
	}
	c.Buttons = []card.Button{{Label: redact.Const("Verify again"), Verb: "verify", Value: svc.Name}, {Label: redact.Const("Triage"), Verb: "triage", Value: svc.Name}}
	return d.answerLooked(ctx, req, live, l, c, look.recorded)
}

// lookRestored runs the steps that verify a restoration, and the status of the service, at once, as far as whoever
// asks has leave.
func (d *Desk) lookRestored(ctx context.Context, may leave, svc catalog.Service, steps []runbook.Step, each func(finding.Finding)) looked {
	ctx, cancel := context.WithTimeout(ctx, triageTime)
	defer cancel()
	run := d.stepRun(may, each)
	ours, elsewhere := d.ours(svc, steps)
	wait := run.start(ctx, svc, ours)
	l := looked{svc: svc, elsewhere: elsewhere, findings: d.statusOf(ctx, svc, []catalog.Service{svc}, aspect{status: []string{"*"}}, each)}
	l.ran = wait()
	return l
}

// restoration are the checks and links of the runbook's section on verifying that the service is restored.
func (d *Desk) restoration(svc catalog.Service) (steps []runbook.Step, links []card.Link) {
	b := d.book()
	if b == nil {
		return nil, nil
	}
	for _, p := range b.For(svc).Phases {
		for _, s := range p.Sections {
			if title := strings.ToLower(s.Title); !strings.Contains(title, "restor") || !strings.Contains(title, "verif") {
				continue
			}
			for _, step := range s.Steps {
				if step.Class == runbook.Check {
					steps = append(steps, step)
				}
			}
			for _, r := range s.Reading {
				links = append(links, web(r.Links)...)
			}
		}
	}
	return steps, links
}

// verifyCard says whether the service is restored. What could not answer proves nothing.
func verifyCard(svc catalog.Service, l looked, steps int) card.Card {
	c := l.card(redact.F("Verification of %s", svc.Name), svc)
	if p := l.proves(); len(p.now)+len(p.past) > 0 {
		c.Verdict = p.verdict
		if p.green() {
			c.State = card.OK
		}
	}
	if steps == 0 {
		c.Notes = append(c.Notes, redact.F("runbook %s has no section on verifying the restoration: only the status was checked", triageBook))
	}
	return c
}

// proven is what a verification comes to. Warning events stay for an hour after what caused them: beside checks that are all well they are
// history, as in every verdict.
type proven struct {
	now, past []finding.Finding
	bad       []finding.Finding // of now: what is not ok, the worst first
	verdict   redact.Text
}

// green reports whether the service is proven to be restored. Where nothing was looked at, nothing is.
func (p proven) green() bool { return len(p.now) > 0 && len(p.bad) == 0 }

func (l looked) proves() proven {
	var p proven
	for _, f := range l.worst() {
		if f.Check == "events" && f.Status == finding.Warn {
			p.past = append(p.past, f)
			continue
		}
		p.now = append(p.now, f)
		if f.Status != finding.OK {
			p.bad = append(p.bad, f)
		}
	}
	name, all := l.svc.Name, len(p.now)
	switch {
	case all == 0:
		p.verdict = redact.F("%s is not proven to be restored: nothing could be checked", name)
	case p.green() && len(p.past) > 0:
		p.verdict = redact.F("%s is restored: all %d checks of this moment are ok (earlier: %s)", name, all, p.past[0].Line.Short(100))
	case p.green():
		p.verdict = redact.F("%s is restored: all %d checks are ok", name, all)
	case p.bad[0].Status == finding.Unknown:
		p.verdict = redact.F("%s is not proven to be restored, %d of %d checks could not answer: %s", name, len(p.bad), all+len(p.past), p.bad[0].Line)
	default:
		p.verdict = redact.F("%s is not restored, %d of %d checks are not ok: %s", name, len(p.bad), all+len(p.past), p.bad[0].Line)
	}
	return p
}
