package handlers

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/diagnose"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// triage asks everything about a service at once and says what is likely wrong, with the evidence and what helps first.
func (d *Desk) triage(ctx context.Context, req Request) error {
	svc, err := d.service(req, "triage SERVICE")
	if err != nil {
		return err
	}
	look, err := d.reading(ctx, req, svc)
	if look == nil {
		return err
	}
	defer look.done()
	live := &liveCard{talk: req.Talk, svc: svc, doing: redact.F("Triage of %s", svc.Name), started: d.Now(), now: d.Now}
	x := fill(ctx, live, func(each func(finding.Finding)) examined { return d.examine(ctx, d.leaveOf(req), look.cl, svc, each) })
	list := diagnose.Diagnose(x.Case)
	c := triageCard(x, list, d.Now().Sub(live.started))
	c.Buttons = d.asking(c.Buttons, svc.Name)
	if <-look.recorded != nil {
		c.Notes = append(c.Notes, notRecorded)
	}
	at, err := live.finish(ctx, c)
	if err != nil {
		return err
	}
	d.remember(ctx, svc, at, c, live.started)
	d.judgedHere(ctx, req, at, svc, c.Verdict)
	if at.Thread == "" {
		at.Thread = at.Message
	}
	thread := d.Talk.At(at)
	if details := detailsCard(x, list); len(details.Parts) > 0 {
		if _, err := thread.Say(ctx, "", details); err != nil {
			return err
		}
	}
	if raw := rawFile(x, live.started); !raw.Content.Empty() {
		return thread.Upload(ctx, raw)
	}
	return nil
}

const (
	// mostHypotheses is how many stand on the card; the thread has all.
	mostHypotheses = 3
	// mostTroubles is how many findings that are not ok stand on the card.
	mostTroubles = 10
	// mostRecent is how many changes stand on the card of a triage.
	mostRecent = 3
)

// triageCard is the answer: verdict, hypotheses, what changed, what is not well, what was ruled out.
func triageCard(x examined, list []finding.Hypothesis, took time.Duration) card.Card {
	status, verdict := triageVerdict(x, list)
	c := card.Card{
		Title: redact.F("Triage of %s · %s/%s", x.Service.Name, x.Service.Cluster, x.Service.Namespace), State: stateOf(status), Verdict: named(x.Service, verdict),
		Buttons: triageButtons(x.Service, list),
	}
	told := map[string][]redact.Text{} // by the service of which it is told
	for i, h := range list {
		if i == mostHypotheses {
			c.Parts = append(c.Parts, card.Part{Text: redact.F("and %s less likely, in the thread", counted(len(list)-i, "cause"))})
			break
		}
		of := cmp.Or(h.Service, x.Service.Name)
		told[of] = append(append(told[of], h.Cause), h.For...)
		if i == 0 {
			c.Parts = append(c.Parts, card.Part{Text: because(h)}) // the cause itself is the headline
			continue
		}
		c.Parts = append(c.Parts, card.Part{Text: alsoPossible(h, verdict)})
	}
	c.Parts = append(c.Parts, recentPart(x, len(list) > 0, told[x.Service.Name])...)
	if bad := troublesOf(x, told); len(bad) > 0 {
		c.Parts = append(c.Parts, card.Part{Findings: bad[:min(len(bad), mostTroubles)]})
	}
	if out := diagnose.RuledOut(x.Case); len(out) > 0 {
		c.Parts = append(c.Parts, card.Part{Text: redact.F("Looked at and well: %s.", redact.Join("; ", out...))})
	}
	c.Notes = append(c.Notes, tookNote(x, took))
	if x.changes.GitOps != "" {
		c.Notes = append(c.Notes, redact.F("%s owns it: lasting changes belong there", x.changes.GitOps))
	}
	return c
}

func triageVerdict(x examined, list []finding.Hypothesis) (finding.Status, redact.Text) {
	status, verdict := diagnose.Verdict(x.Service, x.Findings)
	if len(list) == 0 {
		return status, verdict
	}
	if status == finding.OK || status == finding.Unknown {
		status = finding.Warn
	}
	verdict = list[0].Cause
	// A second cause of about the same weight is not hidden behind the first.
	if len(list) > 1 && list[1].Score >= second {
		verdict = redact.F("%s; and: %s", verdict.Short(200), list[1].Cause.Short(200))
	}
	return status, verdict
}

// second is the score from which the second hypothesis stands in the verdict.
const second = 80

// because is what speaks for and against a cause, and what helps.
func because(h finding.Hypothesis) redact.Text {
	var lines []redact.Text
	for _, f := range h.For {
		lines = append(lines, redact.F("• %s", f))
	}
	for _, a := range h.Against {
		lines = append(lines, redact.F("• against it: %s", a))
	}
	return redact.Join("\n", append(lines, redact.F("What helps: %s", h.Do))...)
}

// alsoPossible is another cause than the first, which the headline may name as well.
func alsoPossible(h finding.Hypothesis, headline redact.Text) redact.Text {
	if saysAny([]redact.Text{headline}, h.Cause.String()) {
		return redact.Join("\n", redact.Const("The second cause:"), because(h))
	}
	return redact.Join("\n", redact.F("Also possible: %s", h.Cause), because(h))
}

// recentPart says what changed: the suspects when something is wrong.
func recentPart(x examined, trouble bool, told []redact.Text) []card.Part {
	if x.unchanged != nil {
		return []card.Part{{Text: redact.Const("What changed could not be read; `changes` says why.")}}
	}
	list, label := x.changes.List, redact.Const("Changed within the last hour")
	if trouble {
		if suspects := diagnose.Suspects(list, diagnose.Began(x.Findings)); len(suspects) > 0 {
			list, label = suspects, redact.Const("Also changed before it began")
		}
	}
	if len(list) == 0 {
		return []card.Part{{Text: redact.Const("Nothing changed within the last hour.")}}
	}
	// What is harmless and what speaks for a cause above is no news.
	list = slices.DeleteFunc(slices.Clone(list), func(c finding.Change) bool {
		return trouble && (diagnose.Harmless(c) || saysAny(told, diagnose.Told(c).String()))
	})
	if len(list) == 0 {
		return nil
	}
	return []card.Part{{Text: label}, changeLines(list[:min(len(list), mostRecent)])}
}

// troublesOf are the findings that are not ok, the worst first. One that only repeats another of its service, or what was told already, is left to
// the thread.
func troublesOf(x examined, told map[string][]redact.Text) []finding.Finding {
	worst := func(a, b finding.Finding) int {
		switch {
		case a.Status.Worse(b.Status):
			return -1
		case b.Status.Worse(a.Status):
			return 1
		}
		return 0
	}
	var bad []finding.Finding
	add := func(svc catalog.Service, lists ...[]finding.Finding) {
		own := slices.Concat(lists...)
		slices.SortStableFunc(own, worst)
		var seen, kept []finding.Finding
		for _, f := range own {
			if f.Status != finding.Warn && f.Status != finding.Fail || repeats(seen, f) {
				continue
			}
			if seen = append(seen, f); !toldBy(told[svc.Name], f) {
				kept = append(kept, f)
			}
		}
		for _, f := range kept {
			if svc.Name != x.Service.Name {
				f = of(svc, f)
			}
			bad = append(bad, f)
		}
	}
	add(x.Service, x.Findings, x.stepsOf(x.Case))
	for _, b := range x.Below {
		add(b.Service, b.Findings, x.stepsOf(b))
	}
	slices.SortStableFunc(bad, worst)
	return bad
}

func tookNote(x examined, took time.Duration) redact.Text {
	all, silent := 0, 0
	count := func(list []finding.Finding) {
		for _, f := range list {
			all++
			if f.Status == finding.Unknown {
				silent++
			}
		}
	}
	count(x.Findings)
	count(x.Steps)
	for _, b := range x.Below {
		count(b.Findings)
		count(b.Steps)
	}
	n := redact.F("%d checks in %.1f s", all, took.Seconds())
	if silent > 0 {
		n = redact.F("%s, %d could not answer (why: in the thread)", n, silent)
	}
	return n
}

// triageButtons offers the best hypothesis' action first.
func triageButtons(svc catalog.Service, list []finding.Hypothesis) []card.Button {
	o := offers{svc: svc}
	for _, h := range list {
		where := h.Service
		if where == "" {
			where = svc.Name
		}
		o.add(h, where)
		if h.Service != "" {
			o.add(finding.Hypothesis{Verb: "triage"}, h.Service)
		}
	}
	out := o.list
	out = append(out, card.Button{Label: redact.Const("Changes"), Verb: "changes", Value: svc.Name}, card.Button{Label: redact.Const("Logs"), Verb: "logs", Value: svc.Name})
	if len(list) > 0 {
		out = append(out, card.Button{Label: redact.Const("Logs before the crash"), Verb: "logs", Value: svc.Name + " --previous"})
	}
	return append(out, card.Button{Label: redact.Const("Triage again"), Verb: "triage", Value: svc.Name})
}

// detailsCard goes into the thread: all hypotheses, and every check in a line.
func detailsCard(x examined, list []finding.Hypothesis) card.Card {
	c := card.Card{Title: redact.F("Details of the triage of %s", x.Service.Name), State: card.Neutral, Verdict: redact.F("What the checks of %s saw", x.Service.Name)}
	for i, h := range list {
		if i >= mostHypotheses {
			c.Parts = append(c.Parts, card.Part{Text: alsoPossible(h, redact.Text{})})
		}
	}
	part := func(title redact.Text, list []finding.Finding) {
		if len(list) > 0 {
			c.Parts = append(c.Parts, card.Part{Text: title}, card.Part{Findings: list})
		}
	}
	part(redact.F("Status of %s", x.Service.Name), x.Findings)
	part(redact.F("Steps of the runbook for %s", x.Service.Name), besides(x.Findings, x.stepsOf(x.Case)))
	for _, b := range x.Below {
		part(redact.F("Status of %s, on which it depends", b.Service.Name), b.Findings)
		part(redact.F("Steps of the runbook for %s", b.Service.Name), x.stepsOf(b))
	}
	return c
}

// mostRaw bounds the file of raw outputs, in bytes; most of one step's output is its own bound.
const mostRaw = 1 << 20

// rawFile is what the commands of the runbook would have printed, one after the other.
func rawFile(x examined, at time.Time) card.File {
	var parts []redact.Text
	size := 0
	for _, r := range x.ran {
		said := r.report.Raw
		if said.Empty() {
			said = redact.F("(%s)", r.report.Finding.Line)
		}
		if r.report.Truncated {
			said = redact.Join("\n", said, redact.Const("(cut at its bound)"))
		}
		if size += len(said.String()); size > mostRaw {
			parts = append(parts, redact.Const("\n… the rest is left out: the file would be too long"))
			break
		}
		parts = append(parts, redact.F("$ %s", r.source), said, redact.Const(" "))
	}
	return card.File{
		Name:  fmt.Sprintf("triage-%s-%s.txt", strings.ReplaceAll(x.Service.Name, "/", "-"), at.UTC().Format("20060102-150405")),
		Title: redact.F("Raw outputs of the triage of %s", x.Service.Name), Content: redact.Join("\n", parts...),
	}
}
