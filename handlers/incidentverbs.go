package handlers

import (
	"context"
	"strconv"
	"strings"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// ack says that the asker has taken the incident.
func (d *Desk) ack(ctx context.Context, req Request) error {
	return d.onIncident(ctx, req, "ack ID", func(i *incident.Incident, _ []string) (incident.Event, error) {
		e, err := i.Acknowledge(req.Actor.Name(), d.Now())
		if err == nil {
			i.Bring(req.Actor.Person)
		}
		return e, err
	})
}

// assign gives somebody a role.
func (d *Desk) assign(ctx context.Context, req Request) error {
	const usage = "assign [ID] commander|comms|ops @NAME"
	return d.onIncident(ctx, req, usage, func(i *incident.Incident, args []string) (incident.Event, error) {
		if len(args) < 2 {
			return incident.Event{}, usageProblem("Which role, and who? Nothing was done.", usage)
		}
		role := incident.Role(strings.ToLower(args[0]))
		if role != incident.Commander && role != incident.Comms && role != incident.Ops {
			return incident.Event{}, usageProblem("The roles are commander, comms and ops; nothing was done.", usage)
		}
		p, err := d.person(req, args[1])
		if err != nil {
			return incident.Event{}, err
		}
		return i.Assign(role, p.Name, req.Actor.Name(), d.Now())
	})
}

// severity rates the incident anew.
func (d *Desk) severity(ctx context.Context, req Request) error {
	const usage = "severity [ID] 1-4"
	return d.onIncident(ctx, req, usage, func(i *incident.Incident, args []string) (incident.Event, error) {
		n := 0
		if len(args) > 0 {
			n, _ = strconv.Atoi(args[0])
		}
		if n < catalog.WorstSeverity || n > catalog.LeastSeverity {
			return incident.Event{}, usageProblem("A severity is from 1, the worst, to 4; nothing was done.", usage)
		}
		return i.Rate(n, req.Actor.Name(), d.Now())
	})
}

// takeNote puts the asker's words on the timeline.
func (d *Desk) takeNote(ctx context.Context, req Request) error {
	const usage = "note [ID] TEXT"
	return d.onIncident(ctx, req, usage, func(i *incident.Incident, args []string) (incident.Event, error) {
		if len(args) == 0 {
			return incident.Event{}, usageProblem("A note of what? Nothing was written down.", usage)
		}
		return i.Note(redact.F("%s", behind(req.Text)), req.Actor.Name(), d.Now())
	})
}

// moveTo is the verbs that bring an incident to another state.
func (d *Desk) moveTo(to incident.State) func(context.Context, Request) error {
	return func(ctx context.Context, req Request) error {
		return d.onIncident(ctx, req, req.Verb+" [ID] [WHY]", func(i *incident.Incident, _ []string) (incident.Event, error) {
			return i.Move(to, req.Actor.Name(), redact.F("%s", behind(req.Text)), d.Now())
		})
	}
}

// reopen takes up again what was resolved.
func (d *Desk) reopen(ctx context.Context, req Request) error {
	return d.onIncident(ctx, req, "reopen [ID] [WHY]", func(i *incident.Incident, _ []string) (incident.Event, error) {
		return i.Reopen(req.Actor.Name(), redact.F("%s", behind(req.Text)), d.Now())
	})
}

// onIncident is the way of every verb about one incident: which one, f on it with the other arguments, and the answer to everybody in its
// channel, or to the asker elsewhere.
func (d *Desk) onIncident(ctx context.Context, req Request, usage string, f func(*incident.Incident, []string) (incident.Event, error)) error {
	i, err := d.which(ctx, &req, usage)
	if err != nil {
		return err
	}
	done := incident.Event{By: req.Actor.Name(), Text: redact.Const("this was done already")}
	changed, err := d.changeIncident(ctx, i.ID, req.Actor.Name(), func(i *incident.Incident) ([]incident.Event, error) {
		if !i.Hear(req.Key) {
			return nil, nil
		}
		e, err := f(i, req.Args)
		if err != nil {
			return nil, err
		}
		done = e
		return []incident.Event{done}, nil
	})
	if err != nil {
		return d.unrecorded(err, "nothing was done")
	}
	c := card.Card{Title: redact.F("%s · %s", changed.ID, changed.State), State: stateOfIncident(changed), Verdict: redact.F("%s: %s", done.By, done.Text)}
	if req.Where.Kind == "slack" && req.Where.Channel == changed.Room && !req.Where.Private {
		_, err := req.Talk.Say(ctx, "", c)
		return err
	}
	return req.Talk.Whisper(ctx, c)
}

// behind is what was typed behind a verb and an incident's ID, as it was typed: a dash in a sentence begins no flag.
func behind(text string) string {
	words := strings.Fields(text)
	words = words[min(1, len(words)):]
	if len(words) > 0 && looksLikeIncident(words[0]) {
		words = words[1:]
	}
	return oneLine(strings.Join(words, " "))
}

func usageProblem(what, usage string) error {
	return &Problem{Code: "usage", Text: redact.F("%s", what), Next: redact.F("Write `%s`; in the incident's own channel without its ID.", usage)}
}

func stateOfIncident(i incident.Incident) card.State {
	switch i.State {
	case incident.Open:
		return card.Fail
	case incident.Investigating, incident.Identified:
		return card.Warn
	case incident.Monitoring:
		return card.Running
	default:
		return card.OK
	}
}
