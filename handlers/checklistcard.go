package handlers

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/checklist"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// frontCard is the checklist's first message; the phases stand in its thread.
func (d *Desk) frontCard(w worked) card.Card {
	p := w.progress(w.pages...)
	state := p.state()
	if state == card.Running {
		state = card.Neutral // its pages say so, and every edit of this one shall arrive
	}
	c := card.Card{Title: redact.F("Runbook %s · %s", w.Runbook, w.ID), State: state, Verdict: redact.F("%s for %s: %s", w.book.Title, w.svc.Name, p.words())}
	facts := []card.Fact{{Label: redact.Const("Opened by"), Value: redact.F("%s at %s UTC", w.OpenedBy, clock(w.OpenedAt))}}
	for _, name := range slices.Sorted(maps.Keys(w.Values)) {
		facts = append(facts, card.Fact{Label: redact.F("%s", name), Value: redact.F("%s", w.Values[name])})
	}
	c.Parts = []card.Part{{Facts: facts}, {Text: redact.Const("The steps are in the thread of this message: run its checks there, ask for its actions, tick off the rest.")}}
	if p.checksLeft > 0 {
		c.Buttons = append(c.Buttons, w.button(redact.Const("Run all checks"), "all run", card.Primary))
	}
	if len(w.unknown()) > 0 {
		c.Buttons = append(c.Buttons, w.button(redact.Const("Fill in values…"), "all fill", ""))
	}
	return c
}

// unknown are the placeholders that stopped a step and that nobody has filled in yet.
func (w worked) unknown() []runbook.Hole {
	var out []runbook.Hole
	for _, s := range w.book.Steps() {
		if w.Steps[s.Number].State == checklist.Unknown && !w.Steps[s.Number].Output {
			out = addHoles(out, w.open(s))
		}
	}
	return out
}

// open are the placeholders of a step that neither the catalogue nor anybody has filled in; the cluster may know some of them.
func (w worked) open(s runbook.Step) []runbook.Hole {
	known := runbook.ServiceValues(w.svc)
	var out []runbook.Hole
	for _, h := range s.Holes() {
		if known[h.Name] == "" && w.Values[h.Name] == "" {
			out = append(out, h)
		}
	}
	return out
}

// pageCard is one phase.
func (d *Desk) pageCard(w worked, i int) card.Card {
	pg := w.pages[i]
	title := pg.title
	if title == "" {
		title = w.book.Title
	}
	if pg.parts > 1 {
		title += " (" + strconv.Itoa(pg.part) + " of " + strconv.Itoa(pg.parts) + ")"
	}
	p := w.progress(pg)
	c := card.Card{Title: redact.F("%s · %s", w.svc.Name, w.ID), State: p.state(), Verdict: redact.F("%s", title)}
	if p.all > 0 {
		c.Verdict = redact.F("%s: %s", title, p.words())
	}
	for _, e := range pg.entries {
		switch {
		case e.step != nil:
			c.Parts = append(c.Parts, card.Part{Item: d.item(w, *e.step)})
		case e.open != "":
			c.Parts = append(c.Parts, card.Part{Item: d.relatedItem(w, e)})
		case len(e.links) > 0:
			c.Parts = append(c.Parts, card.Part{Links: e.links})
		default:
			c.Parts = append(c.Parts, card.Part{Text: e.text})
		}
	}
	if p.checksLeft > 1 {
		c.Buttons = []card.Button{w.button(redact.Const("Run all checks"), "p"+strconv.Itoa(i+1)+" run", card.Primary)}
	}
	return c
}

func (d *Desk) relatedItem(w worked, e pageEntry) *card.Item {
	it := &card.Item{Line: redact.F("%s", e.label)}
	if _, ok := d.Runbooks.Named(e.open); !ok {
		it.More = redact.F("There is no runbook %s.", e.open)
		return it
	}
	it.Buttons = []card.Button{{Label: redact.Const("Open"), Verb: "runbook", Value: e.open + " " + w.svc.Name}}
	return it
}

// What is shown of one step at most, in runes: maxPageText counts with it. The whole of it is in the step's file.
const (
	maxStepTitle   = 120
	maxCommand     = 200
	maxOutcome     = 260
	maxMessageText = 600
)

// item is one step with what became of it and what can be done about it.
func (d *Desk) item(w worked, step runbook.Step) *card.Item {
	s := w.Steps[step.Number]
	title := step.Title
	if title == "" {
		title = step.Section
	}
	it := &card.Item{Mark: mark(step, s), Line: redact.F("%d. %s", step.Number, clipped(title, maxStepTitle)), Buttons: w.offers(step, s)}
	what := redact.F("%s", clipped(step.Source, maxCommand))
	switch step.Class {
	case runbook.Message:
		what = d.preview(w, step)
	case runbook.Manual:
		what = redact.Join("\n", what, redact.F("By hand: %s", clipped(step.Reason, maxOutcome)))
	case runbook.Refused:
		what = redact.Join("\n", what, redact.F("Not run: %s", clipped(step.Reason, maxOutcome)))
	}
	it.More = what
	if line := outcome(step, s); !line.Empty() {
		it.More = line
		if step.Class != runbook.Check {
			it.More = redact.Join("\n", what, line)
		}
	}
	return it
}

func mark(step runbook.Step, s checklist.Step) card.Mark {
	switch s.State {
	case checklist.Open:
		if step.Class == runbook.Refused {
			return card.MarkRefused
		}
		return card.MarkOpen
	default:
		return card.Mark(s.State)
	}
}

// outcome is the line below a step that something was done about.
func outcome(step runbook.Step, s checklist.Step) redact.Text {
	who := redact.F("%s at %s UTC", s.By, clock(s.At))
	switch s.State {
	case checklist.Open:
		return redact.F("%s", clipped(s.Line.String(), maxOutcome)) // why it is open again
	case checklist.Running:
		if step.Class == runbook.Check {
			return redact.F("running for %s", s.By)
		}
		return redact.Join(" ", redact.F("%s", clipped(s.Line.String(), maxOutcome)), redact.F("(asked by %s)", who))
	case checklist.Done:
		if s.Line.Empty() {
			return redact.F("done by %s", who)
		}
		return redact.Join(" · ", redact.F("%s", clipped(s.Line.String(), maxOutcome)), who)
	case checklist.Skipped:
		return redact.F("skipped by %s", who)
	}
	return redact.Join(" · ", redact.F("%s", clipped(s.Line.String(), maxOutcome)), who)
}

// offers are the buttons that make sense for a step as it stands.
func (w worked) offers(step runbook.Step, s checklist.Step) []card.Button {
	n := strconv.Itoa(step.Number)
	button := func(label redact.Text, op string) card.Button { return w.button(label, n+" "+op, "") }
	switch s.State {
	case checklist.Running, checklist.Waiting:
		return nil
	case checklist.Skipped:
		return []card.Button{button(redact.Const("Take it up again"), "reopen")}
	case checklist.Done:
		if !s.Ours {
			return []card.Button{button(redact.Const("Not done yet"), "reopen")}
		}
		return nil
	}
	skip := button(redact.Const("Skip"), "skip")
	byHand := button(redact.Const("Done by hand"), "done")
	switch step.Class {
	case runbook.Check:
		if s.State == checklist.Open {
			return []card.Button{button(redact.Const("Run"), "run")}
		}
		out := []card.Button{button(redact.Const("Run again"), "run")}
		if s.Output {
			out = append(out, button(redact.Const("Raw output"), "output"))
		}
		return out
	case runbook.Action:
		return []card.Button{button(redact.Const("Ask for it…"), "ask"), byHand, skip}
	case runbook.Message:
		if step.Operation.Name == "slack message" {
			post := button(redact.Const("Post…"), "post")
			post.Confirm = &card.Confirm{Title: redact.Const("Post this message?"), Body: redact.F("%s", clipped(w.text(step), 250)), Yes: redact.Const("Post")}
			return []card.Button{post, byHand, skip}
		}
		return []card.Button{byHand, skip}
	case runbook.Manual:
		return []card.Button{button(redact.Const("Done"), "done"), skip}
	}
	return []card.Button{byHand}
}

func (w worked) button(label redact.Text, op string, style card.Style) card.Button {
	return card.Button{Label: label, Verb: "step", Value: w.ID + " " + op, Style: style}
}

// preview is the text that would be posted, with the values that are known.
func (d *Desk) preview(w worked, step runbook.Step) redact.Text {
	if step.Operation.Name == "statuspage incident" {
		how := redact.Const("no status page is connected; by hand")
		if _, ok := d.Outside[catalog.Publish]; ok {
			how = redact.Const("in the incident's channel `update` asks for it, and tells customers once somebody has agreed")
		}
		lines := []redact.Text{redact.F("For the status page (%s):", how)}
		for _, a := range w.filled(step).Operation.Args {
			lines = append(lines, redact.F("%s: %s", a.Name, clipped(a.Value.String(), maxOutcome)))
		}
		return redact.Join("\n", lines...)
	}
	return redact.F("For %s: %s", d.postsTo(), clipped(w.text(step), maxMessageText))
}

// text is what a Slack message says.
func (w worked) text(step runbook.Step) string { return w.filled(step).Operation.Get("text") }

// filled is the step with the values that are known; where some are missing, as it is written.
func (w worked) filled(step runbook.Step) runbook.Step {
	values := runbook.ServiceValues(w.svc)
	for name, v := range w.Values {
		values[name] = v
	}
	if bound, err := runbook.Bind(step, w.svc, values); err == nil {
		return bound
	}
	return step
}

func clipped(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}
