package handlers

import (
	"context"
	"errors"
	"strings"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// runbooks lists the runbooks with the services that they have steps for, and what is wrong with them.
func (d *Desk) runbooks(ctx context.Context, req Request) error {
	t := &finding.Table{Columns: []redact.Text{redact.Const("Runbook"), redact.Const("Commands"), redact.Const("For")}}
	var remarks []redact.Text
	for _, b := range d.Runbooks.All() {
		count := map[runbook.Class]int{}
		for _, s := range b.Steps() {
			count[s.Class]++
		}
		t.Rows = append(t.Rows, []redact.Text{redact.F("%s", b.Name()), tally(count), d.fits(b)})
		if n := count[runbook.Refused]; n > 0 {
			remarks = append(remarks, redact.F("%s: refused: %s; `svcdown runbook lint` says why", b.Name(), counted(n, "command")))
		}
		for i, w := range b.Warnings {
			if i == maxRemarks {
				remarks = append(remarks, redact.F("%s: and %d more", b.Name(), len(b.Warnings)-i))
				break
			}
			remarks = append(remarks, redact.F("%s, line %d: %s", b.Name(), w.Line, w.Text))
		}
	}
	c := card.Card{Title: redact.Const("Runbooks"), State: card.Neutral, Verdict: redact.F("I know %s. `runbook NAME SERVICE` opens one.", counted(len(t.Rows), "runbook")),
		Parts: []card.Part{{Table: t}}}
	if broken := d.Runbooks.Broken(); len(broken) > 0 {
		c.State = card.Warn
		c.Verdict = redact.F("I know %s; of the files, %d cannot be used as they are now.", counted(len(t.Rows), "runbook"), len(broken))
		for _, b := range broken {
			c.Parts = append(c.Parts, card.Part{Text: brokenLine(b)})
		}
	}
	if len(remarks) > 0 {
		c.Parts = append(c.Parts, card.Part{Text: redact.Join("\n", remarks...)})
	}
	return req.Talk.Whisper(ctx, c)
}

// maxRemarks bounds the warnings that are listed of one runbook.
const maxRemarks = 5

func tally(count map[runbook.Class]int) redact.Text {
	var parts []redact.Text
	for _, c := range []struct {
		class runbook.Class
		noun  string
	}{{runbook.Check, "check"}, {runbook.Action, "action"}, {runbook.Message, "message"}, {runbook.Manual, "manual step"}} {
		if n := count[c.class]; n > 0 {
			parts = append(parts, counted(n, c.noun))
		}
	}
	return redact.Join(", ", parts...)
}

// fits names the services that a runbook has commands for.
func (d *Desk) fits(b *runbook.Runbook) redact.Text {
	services := d.Catalog().Services
	var names []string
	for _, svc := range services {
		if len(b.For(svc).Steps()) > 0 {
			names = append(names, svc.Name)
		}
	}
	if len(names) == len(services) {
		return redact.Const("every service")
	}
	return redact.F("%s", orNone(strings.Join(names, ", ")))
}

func brokenLine(b runbook.Broken) redact.Text {
	switch {
	case b.Name == "" && b.Kept:
		return redact.F("The folder of your own runbooks cannot be read: %s. What was read before stays in use.", b.Why)
	case b.Name == "":
		return redact.F("The folder of your own runbooks cannot be read: %s. Only the shipped ones are there.", b.Why)
	case b.Kept:
		return redact.F("%s: %s. Its last good text stays in use.", b.Name, b.Why)
	default:
		return redact.F("%s: %s. It is not in use.", b.Name, b.Why)
	}
}

// TellBroken tells the ops channel of a runbook that cannot be used as it is now. The same content is told once, also by another replica and
// after a restart.
func (d *Desk) TellBroken(ctx context.Context, b runbook.Broken) error {
	if d.Catalog().Channels.Ops == "" {
		return nil // nobody to tell but the log
	}
	at := d.room(ctx, "", d.Catalog().Channels.Ops)
	if at.Channel == "" {
		return errors.New("the ops channel is shared with another workspace, or Slack does not say")
	}
	name := b.Name
	if name == "" {
		name = "folder"
	}
	_, err := d.Talk.At(at).Say(ctx, "broken-runbook:"+name+":"+b.Sum, card.Card{
		Title: redact.Const("Runbooks"), State: card.Warn, Verdict: brokenLine(b),
		Notes: []redact.Text{redact.F("%s; check it with: svcdown runbook lint", b.File)},
	})
	return err
}
