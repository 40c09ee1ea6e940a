package handlers

import (
	"context"
	"strings"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// help lists the verbs in chapters, each of which begins with a verb of the table; it answers everybody, the asker alone.
func (d *Desk) help(ctx context.Context, req Request) error {
	chapters := map[string]redact.Text{
		"status": redact.Const("What is wrong"), "preflight": redact.Const("Work through a runbook"), "restart": redact.Const("Ask for a change"),
		"approvals": redact.Const("Decide about it"), "incident": redact.Const("Run an incident"), "postmortem": redact.Const("After it"), "oncall": redact.Const("Who and what there is"),
	}
	var parts []card.Part
	var t *finding.Table
	for _, v := range d.verbs {
		if chapter, ok := chapters[v.name]; ok || t == nil {
			t = &finding.Table{Columns: []redact.Text{redact.Const("Command"), redact.Const("What it does")}}
			parts = append(parts, card.Part{Text: chapter}, card.Part{Table: t})
		}
		t.Rows = append(t.Rows, []redact.Text{redact.F("%s", v.usage), redact.F("%s", v.summary)})
	}
	return req.Talk.Whisper(ctx, card.Card{
		Title:   redact.Const("What you can ask"),
		State:   card.Neutral,
		Verdict: redact.Const("Type `status SERVICE` first; it says what is wrong and offers what helps."),
		Parts:   parts,
		Notes:   []redact.Text{redact.Const("In a thread, mention me instead of typing a slash command.")},
	})
}

// services lists the catalogue.
func (d *Desk) services(ctx context.Context, req Request) error {
	t := &finding.Table{Columns: []redact.Text{redact.Const("Service"), redact.Const("Workload"), redact.Const("Where"), redact.Const("Owners")}}
	for _, s := range d.Catalog().Services {
		name := s.Name
		if len(s.Aliases) > 0 {
			name += " (" + strings.Join(s.Aliases, ", ") + ")"
		}
		t.Rows = append(t.Rows, []redact.Text{
			redact.F("%s", name), redact.F("%s/%s", strings.ToLower(s.Workload.Kind), s.Workload.Name),
			redact.F("%s/%s", s.Cluster, s.Namespace), redact.F("%s", strings.Join(s.Owners, ", ")),
		})
	}
	return req.Talk.Whisper(ctx, card.Card{
		Title: redact.Const("Services"), State: card.Neutral,
		Verdict: redact.F("I know %s.", counted(len(t.Rows), "service")),
		Parts:   []card.Part{{Table: t}},
	})
}

// whoami says who the asker is to svcdown and what they may do; it answers everybody, so that a refusal can be understood.
func (d *Desk) whoami(ctx context.Context, req Request) error {
	a := req.Actor
	c := card.Card{Title: redact.Const("Who you are to me"), State: card.Neutral}
	switch {
	case a.Refused != "":
		c.Verdict = redact.F("You come in with %s; you may not ask for anything here.", a.Refused)
	case a.Person == "":
		c.Verdict = redact.F("You are %s, whom svcdown.yaml does not name; you may not ask for anything.", a.Name())
	default:
		c.Verdict = redact.F("You are %s, with the roles: %s.", a.Person, orNone(strings.Join(a.Roles, ", ")))
		c.Parts = []card.Part{{Facts: d.rights(a)}}
	}
	if !a.RolesAsOf.IsZero() {
		c.Notes = append(c.Notes, redact.F("group memberships as of %s UTC", clock(a.RolesAsOf)))
	}
	return req.Talk.Whisper(ctx, c)
}

func (d *Desk) rights(a catalog.Actor) []card.Fact {
	var asks, decides []string
	for _, p := range d.Catalog().Policies {
		what := actions(p) + " of " + strings.Join(p.Services, ", ")
		if a.Has(p.MayAsk...) {
			asks = append(asks, what)
		}
		for _, r := range p.Approvals.All {
			if a.Has(r.Roles...) {
				decides = append(decides, what)
				break
			}
		}
	}
	var works []string
	for _, s := range d.Catalog().Services {
		if d.mayWork(a, s) == nil {
			works = append(works, s.Name)
		}
	}
	return []card.Fact{
		{Label: redact.Const("May work on runbooks of"), Value: redact.F("%s", orNone(strings.Join(works, ", ")))},
		{Label: redact.Const("May ask for"), Value: redact.F("%s", orNone(strings.Join(asks, "; ")))},
		{Label: redact.Const("May approve"), Value: redact.F("%s", orNone(strings.Join(decides, "; ")))},
	}
}

func actions(p catalog.Policy) string {
	names := make([]string, len(p.Actions))
	for i, a := range p.Actions {
		names[i] = string(a)
	}
	return strings.Join(names, ", ")
}

func orNone(s string) string {
	if s == "" {
		return "none"
	}
	return s
}

// service finds the service that the first argument names.
func (d *Desk) service(req Request, usage string) (catalog.Service, error) {
	cat := d.Catalog()
	if len(req.Args) == 0 {
		return catalog.Service{}, &Problem{Code: "usage", Text: redact.Const("Which service? Nothing was done."), Next: redact.F("Write `%s`; `services` lists them.", usage)}
	}
	if s, ok := cat.Service(req.Args[0]); ok {
		return s, nil
	}
	var names []string
	for _, s := range cat.Services {
		names = append(append(names, s.Name), s.Aliases...)
	}
	p := &Problem{Code: "unknown-service", Text: redact.F("I know no service %q, so nothing was done.", req.Args[0]), Next: redact.Const("`services` lists those I know.")}
	if near := catalog.Suggest(req.Args[0], names); len(near) > 0 {
		p.Next = redact.F("Did you mean `%s %s`?", req.Verb, strings.Join(append([]string{near[0]}, req.Args[1:]...), " "))
	}
	return catalog.Service{}, p
}
