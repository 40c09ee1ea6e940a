package handlers

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/diagnose"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// checkOne looks at one aspect of a service: the fitting steps of the runbook and the fitting status checks, at once.
func (d *Desk) checkOne(ctx context.Context, req Request) error {
	svc, err := d.service(req, "check SERVICE KIND")
	if err != nil {
		return err
	}
	a, err := aspectOf(req)
	if err != nil {
		return err
	}
	targets, err := d.targetsOf(svc, a)
	if err != nil {
		return err
	}
	done, err := d.begin(ctx, req, svc)
	if done == nil {
		return err
	}
	defer done()
	recorded := d.noted(ctx, req, svc)
	live := &liveCard{talk: req.Talk, svc: svc, doing: redact.F("Checking %s of %s", a.name, svc.Name), started: d.Now(), now: d.Now}
	l := fill(ctx, live, func(each func(finding.Finding)) looked { return d.lookAt(ctx, d.leaveOf(req), svc, targets, a, each) })
	c := l.card(redact.F("%s of %s", a.name, svc.Name), svc)
	c.Buttons = append(c.Buttons, card.Button{Label: redact.Const("Check again"), Verb: "check", Value: svc.Name + " " + a.name}, card.Button{Label: redact.Const("Triage"), Verb: "triage", Value: svc.Name})
	return d.answerLooked(ctx, req, live, l, c, recorded)
}

// looked is what a check of some steps and status checks saw.
type looked struct {
	svc      catalog.Service
	findings []finding.Finding
	ran      []ranStep
	// elsewhere are namespaces that steps name and that hold no service of the catalogue: these steps were left out.
	elsewhere []string
}

// lookAt runs an aspect's steps and status checks for its targets, and its steps as seen from the service itself.
func (d *Desk) lookAt(ctx context.Context, may leave, svc catalog.Service, targets []catalog.Service, a aspect, each func(finding.Finding)) looked {
	ctx, cancel := context.WithTimeout(ctx, triageTime)
	defer cancel()
	run := d.stepRun(may, each)
	l := looked{svc: svc}
	var waits []func() []ranStep
	start := func(t catalog.Service) {
		ours, elsewhere := d.ours(t, d.stepsOf(t, a))
		l.elsewhere = append(l.elsewhere, elsewhere...)
		waits = append(waits, run.start(ctx, t, ours))
	}
	for _, t := range targets {
		start(t)
	}
	if len(targets) != 1 || targets[0].Name != svc.Name {
		start(svc) // whether the service itself gets there
	}
	l.findings = d.statusOf(ctx, svc, targets, a, each)
	for _, wait := range waits {
		l.ran = append(l.ran, wait()...)
	}
	return l
}

// stepsOf are the reading steps of an aspect, for one service; the whole section for services of the aspect's kind belongs to it.
func (d *Desk) stepsOf(svc catalog.Service, a aspect) []runbook.Step {
	var out []runbook.Step
	if d.Runbooks == nil || d.Checks == nil {
		return nil
	}
	for _, name := range append([]string{triageBook}, a.books...) {
		b, ok := d.Runbooks.Named(name)
		if !ok {
			continue
		}
		for _, p := range b.For(svc).Phases {
			for _, s := range p.Sections {
				for _, step := range s.Steps {
					if step.Class == runbook.Check && !otherWorkload(step, svc) && (a.step(*step.Operation) || a.of != "" && strings.EqualFold(s.AppliesTo, a.of)) {
						out = append(out, step)
					}
				}
			}
		}
	}
	return out
}

// ours leaves out the steps that name a namespace without any service of the catalogue: they were written for another world.
func (d *Desk) ours(svc catalog.Service, steps []runbook.Step) (ours []runbook.Step, elsewhere []string) {
	all := d.Catalog().Services
	for _, s := range steps {
		n := s.Operation.Get("namespace")
		if n == "" || strings.ContainsAny(n, "<$[") || slices.ContainsFunc(all, func(c catalog.Service) bool { return c.Cluster == svc.Cluster && c.Namespace == n }) {
			ours = append(ours, s)
		} else {
			elsewhere = append(elsewhere, n)
		}
	}
	return ours, elsewhere
}

// otherWorkload reports whether a step is about a kind of workload that the service is not: <deployment-name> for a StatefulSet.
func otherWorkload(step runbook.Step, svc catalog.Service) bool {
	known := runbook.ServiceValues(svc)
	return slices.ContainsFunc(step.Holes(), func(h runbook.Hole) bool {
		return known[h.Name] == "" && (h.Type == runbook.Deployment || h.Type == runbook.StatefulSet || h.Type == runbook.DaemonSet)
	})
}

// statusOf asks the status checks that belong to an aspect. Of what a service depends on, the verdict stands for all its checks.
func (d *Desk) statusOf(ctx context.Context, svc catalog.Service, targets []catalog.Service, a aspect, each func(finding.Finding)) []finding.Finding {
	if a.name == "deps" {
		targets = nil
		for _, name := range svc.DependsOn {
			if dep, ok := d.Catalog().Service(name); ok {
				targets = append(targets, dep)
			}
		}
	}
	found := make([][]finding.Finding, len(targets))
	var wg sync.WaitGroup
	for i, t := range targets {
		wg.Go(func() {
			cl, err := d.Clusters(t.Cluster)
			if err != nil {
				found[i] = []finding.Finding{d.unreached(t)}
				return
			}
			all := d.check(ctx, cl, t, func(finding.Finding) {})
			if a.name == "deps" {
				all = []finding.Finding{inOne(t, all)}
			}
			for _, f := range all {
				if a.name != "deps" && !slices.Contains(a.status, "*") && !slices.Contains(a.status, f.Check) {
					continue
				}
				if t.Name != svc.Name && a.name != "deps" {
					f = of(t, f)
				}
				each(f)
				found[i] = append(found[i], f)
			}
		})
	}
	wg.Wait()
	return slices.Concat(found...)
}

// unreached is all that is known of a service whose cluster does not answer.
func (d *Desk) unreached(svc catalog.Service) finding.Finding {
	return finding.Finding{Check: svc.Name, Line: redact.F("Cluster %s cannot be reached.", svc.Cluster), Fix: redact.F("By hand: %s", d.kubectl(svc, "get pods"))}
}

// inOne is the status of a service as one finding.
func inOne(svc catalog.Service, all []finding.Finding) finding.Finding {
	status, verdict := diagnose.Verdict(svc, all)
	return finding.Finding{Check: svc.Name, Status: status, Line: verdict, Fix: fixOf(all)}
}

// fixOf is the first fix of what could not be told.
func fixOf(all []finding.Finding) redact.Text {
	for _, f := range all {
		if f.Status == finding.Unknown && !f.Fix.Empty() {
			return f.Fix
		}
	}
	return redact.Text{}
}

// worst orders findings: what is broken first, what is well last.
func (l looked) worst() []finding.Finding {
	all := append(slices.Clone(l.findings), findingsOf(l.ran)...)
	slices.SortStableFunc(all, func(a, b finding.Finding) int {
		switch {
		case a.Status.Worse(b.Status):
			return -1
		case b.Status.Worse(a.Status):
			return 1
		}
		return 0
	})
	return all
}

// card says the worst in a sentence, then every finding in a line.
func (l looked) card(what redact.Text, svc catalog.Service) card.Card {
	all := l.worst()
	c := card.Card{Title: redact.F("%s · %s/%s", what, svc.Cluster, svc.Namespace), State: card.Neutral, Verdict: redact.F("%s: there is nothing to check; the runbook has no step for it.", what)}
	if len(all) == 0 {
		return c
	}
	count := map[finding.Status]int{}
	for _, f := range all {
		count[f.Status]++
	}
	c.State, c.Parts = stateOf(all[0].Status), []card.Part{{Findings: all}}
	switch all[0].Status {
	case finding.OK:
		c.Verdict = redact.F("%s: all %d checks are ok", what, len(all))
	case finding.Unknown:
		c.Verdict = redact.F("%s: %d of %d checks are ok, %d could not answer: %s", what, count[finding.OK], len(all), count[finding.Unknown], all[0].Line)
	default:
		c.Verdict = redact.F("%s: %s", what, all[0].Line)
		if bad := count[finding.Fail] + count[finding.Warn]; bad > 1 {
			c.Verdict = redact.F("%s (and %d more)", c.Verdict, bad-1)
		}
	}
	return c
}

// answerLooked puts the card in the live card's place, and evidence and raw output into its thread.
func (d *Desk) answerLooked(ctx context.Context, req Request, live *liveCard, l looked, c card.Card, recorded <-chan error) error {
	c.Notes = append(c.Notes, redact.F("%s in %.1f s", counted(len(l.findings)+len(l.ran), "check"), d.Now().Sub(live.started).Seconds()))
	if n := len(l.elsewhere); n > 0 {
		slices.Sort(l.elsewhere)
		c.Notes = append(c.Notes, redact.F("left out: %s of the runbooks, for namespaces without a service of svcdown.yaml (%s)", counted(n, "step"), strings.Join(slices.Compact(l.elsewhere), ", ")))
	}
	if <-recorded != nil {
		c.Notes = append(c.Notes, notRecorded)
	}
	at, err := live.finish(ctx, c)
	if err != nil {
		return err
	}
	d.judgedHere(ctx, req, at, l.svc, c.Verdict)
	thread := d.Talk.At(below(at))
	if e := proof(l.worst()); len(e) > 0 {
		details := card.Card{Title: redact.F("Details of %s", l.svc.Name), State: card.Neutral, Verdict: redact.F("What the checks of %s saw", l.svc.Name), Parts: e}
		if _, err := thread.Say(ctx, "", details); err != nil {
			return err
		}
	}
	if raw := rawFile(examined{Case: diagnose.Case{Service: l.svc}, ran: l.ran}, live.started); !raw.Content.Empty() {
		raw.Name, raw.Title = strings.Replace(raw.Name, "triage-", "check-", 1), redact.F("Raw outputs of the checks of %s", l.svc.Name)
		return thread.Upload(ctx, raw)
	}
	return nil
}

// proof is what findings rest on.
func proof(findings []finding.Finding) []card.Part {
	var out []card.Part
	for _, f := range findings {
		for _, e := range f.Evidence {
			switch {
			case e.Table != nil:
				out = append(out, card.Part{Text: e.Title}, card.Part{Table: e.Table})
			case !e.Code.Empty():
				out = append(out, card.Part{Code: &card.Code{Title: e.Title, Text: e.Code}})
			}
		}
	}
	return out
}
