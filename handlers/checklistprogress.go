package handlers

import (
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/checklist"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// progress counts the steps of some pages.
type progress struct {
	all, over, failing, warning, running, waiting, checksLeft int
}

func (w worked) progress(pages ...page) progress {
	var p progress
	for _, pg := range pages {
		for _, e := range pg.entries {
			if e.step == nil {
				continue
			}
			s := w.Steps[e.step.Number]
			p.all++
			if s.State.Over() {
				p.over++
			}
			switch s.State {
			case checklist.Fail:
				p.failing++
			case checklist.Warn, checklist.Unknown:
				p.warning++
			case checklist.Running:
				p.running++
			case checklist.Waiting:
				p.waiting++
			}
			if e.step.Class == runbook.Check && !s.State.Over() {
				p.checksLeft++
			}
		}
	}
	return p
}

func (p progress) state() card.State {
	switch {
	case p.running > 0:
		return card.Running
	case p.failing > 0:
		return card.Fail
	case p.waiting > 0:
		return card.Waiting
	case p.warning > 0:
		return card.Warn
	case p.all > 0 && p.over == p.all:
		return card.OK
	}
	return card.Neutral
}

// words is what a lock screen needs to know.
func (p progress) words() redact.Text {
	out := []redact.Text{redact.F("%d of %d done", p.over, p.all)}
	for _, c := range []struct {
		n    int
		what redact.Text
	}{{p.running, redact.Const("running")}, {p.waiting, redact.Const("waiting for approval")}, {p.failing, redact.Const("failing")}, {p.warning, redact.Const("to look at")}} {
		if c.n > 0 {
			out = append(out, redact.F("%d %s", c.n, c.what))
		}
	}
	return redact.Join(", ", out...)
}
