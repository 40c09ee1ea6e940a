package handlers

import (
	"cmp"
	"context"
	"errors"
	"strconv"
	"strings"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// aftermath puts into the channel of an incident that is over what people work with from then on: its times, the draft of the postmortem as a file
// and as a canvas, a picture of the timeline, and a meeting for their calendars. The card follows what becomes of the action items.
func (s *showing) aftermath(ctx context.Context) error {
	if s.i.State.Active() || s.i.Times.Resolved.IsZero() {
		return nil
	}
	round := strconv.FormatInt(s.i.Times.Resolved.Unix(), 10)
	late := s.canvas(ctx) // a canvas that does not come holds up nothing
	actions, err := s.ActionItems.Items(ctx, incident.ItemFilter{Incident: s.i.ID})
	if err != nil {
		return errors.Join(late, err)
	}
	at, err := s.keep(ctx, "aftermath:"+round, s.place(), s.aftermathCard(s.i, actions, s.done[placeCanvas]))
	if err != nil {
		return errors.Join(late, err)
	}
	problems := []error{late}
	file := func(role string, f func(context.Context, incident.Incident) (card.File, error)) {
		problems = append(problems, s.once(ctx, role+":"+round, func() (card.Address, error) {
			made, err := f(ctx, s.i)
			if err != nil {
				return card.Address{}, err
			}
			return card.Address{}, s.Talk.At(below(at)).Upload(ctx, made)
		}))
	}
	file("postmortem", s.draft)
	file("picture", s.picture)
	file("meeting", s.meetingFile)
	return errors.Join(problems...)
}

// placeCanvas is where the postmortem's canvas is, as a role of [IncidentCards]: Message has its address, or why there is none.
const placeCanvas = "canvas"

// The kinds of the address of a canvas.
const (
	canvasThere   = "canvas"
	canvasRefused = "no-canvas"
)

// canvas writes the postmortem's canvas, once for the whole life of an incident: people write on it from then on.
func (s *showing) canvas(ctx context.Context) error {
	if s.Canvases == nil || s.i.Room == "" || s.done[placeCanvas].Kind != "" {
		return nil
	}
	draft, err := s.draft(ctx, s.i)
	if err != nil {
		return err
	}
	at := card.Address{Kind: canvasThere}
	at.Message, err = s.Canvases.WriteCanvas(ctx, s.i.Room, redact.F("Postmortem %s", s.i.ID), draft.Content)
	if no, ok := errors.AsType[*NoCanvas](err); ok {
		s.Log.Warn().Err(err).Str("incident", s.i.ID).Msg("Slack takes no canvas; the draft is there as a file")
		at, err = card.Address{Kind: canvasRefused, Message: no.Why.String()}, nil
	}
	if err != nil {
		return err
	}
	s.done[placeCanvas] = at
	return s.Incidents.SaveIncidentCard(ctx, s.i.ID, placeCanvas, at)
}

// aftermathCard is the incident in figures, with what is left to do.
func (d *Desk) aftermathCard(i incident.Incident, actions []incident.ActionItem, canvas card.Address) card.Card {
	c := card.Card{Title: redact.F("%s · after", i.ID), State: card.Neutral, Verdict: tookWords(i)}
	c.Parts = append(c.Parts, card.Part{Facts: timesFacts(i)})
	m := d.meeting(i)
	c.Parts = append(c.Parts, card.Part{Text: redact.F("In the thread: the draft of the postmortem, a picture of the timeline, and a meeting to talk about it, proposed for %s (the .ics file puts it into your calendar).",
		m.Start.Format("Mon 2006-01-02 15:04 MST"))})
	switch canvas.Kind {
	case canvasThere:
		c.Parts = append(c.Parts, card.Part{Text: redact.Const("To write it together:")}, card.Part{Links: []card.Link{{Text: redact.Const("The postmortem's canvas"), URL: canvas.Message}}})
	case canvasRefused:
		c.Parts = append(c.Parts, card.Part{Text: redact.F("There is no canvas: %s. The file has the whole draft.", canvas.Message)})
	}
	if len(actions) > 0 {
		c.Parts = append(c.Parts, card.Part{Text: redact.Const("Action items:")})
		for _, a := range actions[:min(len(actions), mostItems)] {
			c.Parts = append(c.Parts, card.Part{Item: itemLine(a, d.Now().In(d.Catalog().Zone()))})
		}
		if more := len(actions) - mostItems; more > 0 {
			c.Notes = append(c.Notes, redact.F("and %d more: `actions %s`", more, i.ID))
		}
	}
	c.Buttons = []card.Button{
		{Label: redact.Const("Add an action item…"), Verb: "action", Value: "form " + i.ID},
		{Label: redact.Const("Add to the runbook…"), Verb: "lesson", Value: "form " + i.ID},
		{Label: redact.Const("Draft anew"), Verb: "postmortem", Value: i.ID},
	}
	return c
}

// tookWords is how long what took.
func tookWords(i incident.Incident) redact.Text {
	took, over := i.Times.ToResolve()
	if !over {
		return redact.F("%s is not resolved yet.", i.ID)
	}
	words := []redact.Text{}
	if d, ok := i.Times.ToAcknowledge(); ok {
		words = append(words, redact.F("taken after %s", incident.Span(d)))
	}
	if d, ok := i.Times.ToMitigate(); ok {
		words = append(words, redact.F("mitigated after %s", incident.Span(d)))
	}
	words = append(words, redact.F("resolved after %s", incident.Span(took)))
	return redact.F("%s is over: %s.", cmp.Or(i.Service, i.ID), redact.Join(", ", words...))
}

func timesFacts(i incident.Incident) []card.Fact {
	const form = "2006-01-02 15:04:05"
	facts := []card.Fact{{Label: redact.Const("Detected"), Value: redact.F("%s UTC", i.Times.Detected.UTC().Format(form))}}
	add := func(label redact.Text, reached bool, at string, more redact.Text) {
		value := redact.Const("not yet")
		if reached {
			value = redact.Join(", ", redact.F("%s UTC", at), more)
		}
		facts = append(facts, card.Fact{Label: label, Value: value})
	}
	fix := redact.Text{}
	if i.Fix != "" {
		fix = redact.F("by %s", i.Fix)
	}
	add(redact.Const("Acknowledged"), !i.Times.Acknowledged.IsZero(), i.Times.Acknowledged.UTC().Format(form), redact.Text{})
	add(redact.Const("Mitigated"), !i.Times.Mitigated.IsZero(), i.Times.Mitigated.UTC().Format(form), fix)
	add(redact.Const("Resolved"), !i.Times.Resolved.IsZero(), i.Times.Resolved.UTC().Format(form), redact.Text{})
	return facts
}

// meeting is the proposal to talk about an incident.
func (d *Desk) meeting(i incident.Incident) incident.Meeting {
	over := i.Times.Resolved
	if over.IsZero() {
		over = d.Now()
	}
	start, length := d.Catalog().NextMeeting(over)
	what := cmp.Or(i.Service, "an incident")
	return incident.Meeting{Incident: i.ID, Title: redact.F("Postmortem %s: %s", i.ID, what), Start: start, Length: length, Made: over,
		Text: redact.Join("\n", redact.F("%s (severity %d): %s", what, i.Severity, i.Title), tookWords(i), redact.F("Who was in it: %s", strings.Join(i.People, ", ")),
			redact.F("The draft of the postmortem is in %s.", placeOf(i)))}
}

func (d *Desk) meetingFile(_ context.Context, i incident.Incident) (card.File, error) {
	return card.File{Name: "meeting-" + strings.ToLower(i.ID) + ".ics", Title: redact.F("Meeting about %s, for your calendar", i.ID), Content: d.meeting(i).ICS()}, nil
}
