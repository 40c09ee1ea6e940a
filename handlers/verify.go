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
	if _, err := d.Clusters(svc.Cluster); err != nil {
		return d.noCluster(svc, err)
	}
	done, err := d.begin(ctx, req, svc)
	if done == nil {
		return err
	}
	defer done()
	recorded := d.noted(ctx, req, svc)
	steps, links := d.restoration(svc)
	live := &liveCard{talk: req.Talk, svc: svc, doing: redact.F("Verifying %s", svc.Name), started: d.Now(), now: d.Now}
	l := fill(ctx, live, func(each func(finding.Finding)) looked {
		ctx, cancel := context.WithTimeout(ctx, triageTime)
		defer cancel()
		run := d.stepRun(d.leaveOf(req), each)
		ours, elsewhere := d.ours(svc, steps)
		wait := run.start(ctx, svc, ours)
		l := looked{svc: svc, elsewhere: elsewhere, findings: d.statusOf(ctx, svc, []catalog.Service{svc}, aspect{status: []string{"*"}}, each)}
		l.ran = wait()
		return l
	})
	c := verifyCard(svc, l, len(steps))
	if len(links) > 0 {
		c.Parts = append(c.Parts, card.Part{Text: redact.Const("Look at the dashboards as well:")}, card.Part{Links: links})
	}
	c.Buttons = []card.Button{{Label: redact.Const("Verify again"), Verb: "verify", Value: svc.Name}, {Label: redact.Const("Triage"), Verb: "triage", Value: svc.Name}}
	return d.answerLooked(ctx, req, live, l, c, recorded)
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
	all := l.worst()
	if len(all) == 0 {
		return c
	}
	// Warning events stay for an hour after what caused them: beside checks that are all well they are history, as in every verdict.
	var now, past []finding.Finding
	bad := 0
	for _, f := range all {
		if f.Check == "events" && f.Status == finding.Warn {
			past = append(past, f)
			continue
		}
		now = append(now, f)
		if f.Status != finding.OK {
			bad++
		}
	}
	switch {
	case len(now) == 0:
	case bad == 0 && len(past) > 0:
		c.State = card.OK
		c.Verdict = redact.F("%s is restored: all %d checks of this moment are ok (earlier: %s)", svc.Name, len(now), past[0].Line.Short(100))
	case bad == 0:
		c.Verdict = redact.F("%s is restored: all %d checks are ok", svc.Name, len(all))
	case now[0].Status == finding.Unknown:
		c.Verdict = redact.F("%s is not proven to be restored, %d of %d checks could not answer: %s", svc.Name, bad, len(all), now[0].Line)
	default:
		c.Verdict = redact.F("%s is not restored, %d of %d checks are not ok: %s", svc.Name, bad, len(all), now[0].Line)
	}
	if steps == 0 {
		c.Notes = append(c.Notes, redact.F("runbook %s has no section on verifying the restoration: only the status was checked", triageBook))
	}
	return c
}
