package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// incident opens or shows one: incident open SERVICE [TEXT], incident show [ID].
func (d *Desk) incident(ctx context.Context, req Request) error {
	what := ""
	if len(req.Args) > 0 {
		what = strings.ToLower(req.Args[0])
		req.Args = req.Args[1:]
	}
	switch what {
	case "open":
		return d.openIncident(ctx, req)
	case "show":
		return d.showOne(ctx, req)
	case "form":
		return d.incidentForm(ctx, req)
	case fromForm:
		what := req.Values["what"]
		if what == "" {
			what = strings.Join(req.Args, " ")
		}
		req.Args = []string{req.Values["service"], what}
		return d.openIncident(ctx, req)
	}
	return &Problem{Code: "usage", Text: redact.Const("I did not understand that; nothing was done."), Next: redact.Const("Write `incident open SERVICE [TEXT]` or `incident show [ID]`.")}
}

// fromForm is what a form that was filled in asks for.
const fromForm = "from-form"

// incidentForm asks in a form for what openIncident needs; what is typed behind it, the message of a shortcut, says what happens.
func (d *Desk) incidentForm(ctx context.Context, req Request) error {
	typed := &Problem{Code: "usage", Text: redact.Const("There is no form here; nothing was done."), Next: redact.Const("Write `incident open SERVICE [TEXT]`.")}
	if d.Forms == nil || req.Trigger == "" {
		return typed
	}
	what := redact.F("%s", oneLine(strings.Join(req.Args, " "))).Short(200)
	f := card.Form{Title: redact.Const("Open an incident"), Text: redact.Const("It gets a channel of its own, and whoever is on call is called."), Verb: "incident", Where: req.Where,
		Value:  strings.TrimSpace(fromForm + " " + what.String()),
		Fields: []card.Field{{Name: "service", Type: string(runbook.Plain), Label: redact.Const("Service"), Hint: redact.F("One of %s", strings.Join(d.Catalog().ServiceNames(), ", "))}}}
	f.Where.ResponseURL = "" // it may be over when the form comes back
	if what.Empty() {
		f.Fields = append(f.Fields, card.Field{Name: "what", Type: string(runbook.Text), Label: redact.Const("What happens")})
	} else {
		f.Text = redact.F("%s\n\n“%s”", f.Text, what)
	}
	if _, err := d.Forms.Open(ctx, req.Trigger, f); err != nil {
		typed.Text, typed.Err = redact.Const("Slack did not open the form in time; nothing was done."), err
		return typed
	}
	return nil
}

// openIncident opens the incident of a service. Its channel and everything in it is made by the showing job, which the same transaction
// inserts.
func (d *Desk) openIncident(ctx context.Context, req Request) error {
	svc, err := d.service(req, "incident open SERVICE [TEXT]")
	if err != nil {
		return err
	}
	cat := d.Catalog()
	title := redact.F("%s", oneLine(strings.Join(req.Args[1:], " "))).Short(200)
	if title.Empty() {
		title = redact.F("%s is down", svc.Name)
	}
	i, first := incident.New(newIncidentID(), incident.KeyOf(svc.Name), svc.Name, title, cat.Incidents.Severity, req.Actor.Name(), d.Now())
	i.Bring(append([]string{req.Actor.Person}, svc.Owners...)...)
	d.arm(&i)
	op := ""
	if req.Key != "" {
		op = "open:" + req.Key
	}
	stored, fresh, err := d.Incidents.OpenIncident(ctx, op, i, first, req.Where)
	if err != nil {
		return d.unrecorded(err, "the incident was not opened")
	}
	if !fresh {
		if err := d.mayRead(req, stored); err != nil {
			return &Problem{Code: "open-already", Text: redact.F("%s of %s is open already and private, and you were not brought in. Nothing was opened.", stored.ID, svc.Name),
				Next: redact.Const("Ask its commander to assign or escalate to you.")}
		}
		return &Problem{Code: "open-already", Text: redact.F("%s of %s is open since %s UTC: %s. Nothing was opened.", stored.ID, svc.Name, clock(stored.Times.Detected), stored.Title),
			Next: redact.F("Go to %s, or write `incident show %s`.", placeOf(stored), stored.ID)}
	}
	return req.Talk.Whisper(ctx, card.Card{Title: redact.F("%s · %s", stored.ID, svc.Name), State: card.Running,
		Verdict: redact.F("%s is open with severity %d: %s. Its channel is being made, and you are invited.", stored.ID, stored.Severity, title)})
}

// openButton opens the incident of a service, after a question: it makes a channel and may wake people.
func openButton(svc catalog.Service) card.Button {
	return card.Button{Label: redact.Const("Open an incident…"), Verb: "incident", Value: "open " + svc.Name, Confirm: &card.Confirm{
		Title: redact.F("Open an incident of %s?", svc.Name), Body: redact.Const("It gets a channel of its own, and whoever is on call is called."), Yes: redact.Const("Open it")}}
}

// newIncidentID makes an ID that people can type.
func newIncidentID() string { return "I" + strings.TrimPrefix(newID(), "R") }

func looksLikeIncident(s string) bool {
	return len(s) == 8 && strings.HasPrefix(strings.ToUpper(s), "I-")
}

// arm sets when the incident has to be looked at next: its ladder or an update that is due, or, once it is closed, its channel.
func (d *Desk) arm(i *incident.Incident) {
	cat := d.Catalog()
	switch l, _ := cat.Ladder(i.Service, i.Severity); {
	case !i.Archived.IsZero():
		i.Next = time.Time{}
	case i.State == incident.Closed:
		i.Next = i.Times.Closed.Add(cat.Incidents.ArchiveAfter)
	default:
		i.Next = i.Due(l)
		if due := i.UpdateDue(cat.UpdatesEvery(i.Service, i.Severity)); !due.IsZero() && (i.Next.IsZero() || due.Before(i.Next)) {
			i.Next = due
		}
	}
}

// changeIncident is the way of every change: f on the locked incident, its timer set anew.
func (d *Desk) changeIncident(ctx context.Context, id, by string, f func(*incident.Incident) ([]incident.Event, error)) (incident.Incident, error) {
	return d.Incidents.ChangeIncident(ctx, id, by, func(i *incident.Incident) ([]incident.Event, error) {
		events, err := f(i)
		if err == nil {
			d.arm(i)
		}
		return events, err
	})
}

// which finds the incident that is meant: the one whose ID stands first in the arguments, which is taken off, else the one of this channel. One
// that the asker may not read is refused, whatever is wanted of it.
func (d *Desk) which(ctx context.Context, req *Request, usage string) (incident.Incident, error) {
	if len(req.Args) > 0 && looksLikeIncident(req.Args[0]) {
		id := strings.ToUpper(req.Args[0])
		req.Args = req.Args[1:]
		i, err := d.Incidents.Incident(ctx, id)
		if errors.Is(err, approval.ErrNotFound) {
			return i, &Problem{Code: "not-found", Text: redact.F("There is no incident %s; nothing was done.", id), Next: redact.Const("`incidents` lists them.")}
		}
		if err == nil {
			err = d.mayRead(*req, i)
		}
		return i, d.unrecorded(err, "nothing was done")
	}
	i, err := d.Incidents.IncidentIn(ctx, req.Where.Channel)
	if errors.Is(err, approval.ErrNotFound) {
		return i, &Problem{Code: "usage", Text: redact.Const("Which incident? This is not the channel of one, so nothing was done."), Next: redact.F("Write `%s` with its ID; `incidents` lists them.", usage)}
	}
	return i, d.unrecorded(err, "nothing was done")
}

// unrecorded words a database that does not answer.
func (d *Desk) unrecorded(err error, what string) error {
	if !errors.Is(err, approval.ErrUnavailable) {
		return err
	}
	return &Problem{Code: "unavailable", Err: err, Text: redact.F("The database does not answer, so I cannot tell whether that was recorded; take it that %s.", what),
		Next: redact.Const("Ask again in a minute. `status` works meanwhile.")}
}

// placeOf is where an incident is worked on, for people.
func placeOf(i incident.Incident) redact.Text {
	if i.Room == "" {
		return redact.Const("the incidents channel")
	}
	return redact.F("#%s", i.RoomName)
}

const (
	// mostListed is how many incidents stand on one card, mostCounted how many are looked at.
	mostListed  = 20
	mostCounted = 500
)

// incidents lists what is not closed.
func (d *Desk) incidents(ctx context.Context, req Request) error {
	all, err := d.Incidents.Incidents(ctx, len(req.Args) > 0 && req.Args[0] == "all", mostCounted)
	if err != nil {
		return d.unrecorded(err, "this list says nothing")
	}
	c := card.Card{Title: redact.Const("Incidents"), State: card.OK, Verdict: redact.Const("No incident is open.")}
	open := 0
	for n, i := range all {
		if i.State.Active() {
			open++
		}
		if n >= mostListed {
			continue
		}
		c.Parts = append(c.Parts, card.Part{Text: d.incidentLine(i, d.mayRead(req, i) == nil)})
	}
	if open > 0 {
		c.State, c.Verdict = card.Fail, redact.F("Open: %s.", counted(open, "incident"))
	}
	if more := len(all) - mostListed; more > 0 {
		c.Notes = append(c.Notes, redact.F("and %d more; the CSV of `report` has them", more))
	}
	return req.Talk.Whisper(ctx, c)
}

// incidentLine is an incident in one line; of a private one whoever was not brought in learns only that it is there.
func (d *Desk) incidentLine(i incident.Incident, whole bool) redact.Text {
	if !whole {
		return redact.F("%s · severity %d · private · %s, since %s", i.ID, i.Severity, i.State, i.Times.Detected.UTC().Format("2006-01-02 15:04"))
	}
	return redact.F("%s · severity %d · %s · %s: %s, since %s, in %s", i.ID, i.Severity, cmp.Or(i.Service, "no service"), i.State, i.Title, i.Times.Detected.UTC().Format("2006-01-02 15:04"), placeOf(i))
}

// showOne answers an incident's header with its whole timeline.
func (d *Desk) showOne(ctx context.Context, req Request) error {
	i, err := d.which(ctx, &req, "incident show ID")
	if err != nil {
		return err
	}
	events, err := d.Incidents.Timeline(ctx, i.ID)
	if err != nil {
		return d.unrecorded(err, "nothing is shown")
	}
	alerts, err := d.Incidents.AlertsOf(ctx, i.ID)
	if err != nil {
		return d.unrecorded(err, "nothing is shown")
	}
	c := d.headerCard(i, nil, alerts)
	c.Parts = append(c.Parts, card.Part{Code: &card.Code{Title: redact.Const("Timeline (UTC)"), Text: timelineText(events)}})
	return req.Talk.Whisper(ctx, c)
}

// mayRead keeps a private incident among those who were brought in.
func (d *Desk) mayRead(req Request, i incident.Incident) error {
	if !i.Private || slices.Contains(i.People, req.Actor.Person) || i.Room != "" && req.Where.Channel == i.Room {
		return nil
	}
	return &Problem{Code: "private", Text: redact.F("%s is private, and you were not brought in; nothing is shown.", i.ID), Next: redact.Const("Ask its commander to assign or escalate to you.")}
}

func timelineText(events []incident.Event) redact.Text {
	lines := make([]redact.Text, len(events))
	for n, e := range events {
		lines[n] = e.Line()
	}
	return redact.Join("\n", lines...)
}

// person finds whom somebody means: a mention, @name, name, or me.
func (d *Desk) person(req Request, said string) (catalog.Person, error) {
	cat := d.Catalog()
	word := strings.TrimPrefix(said, "@")
	if strings.EqualFold(word, "me") && req.Actor.Person != "" {
		word = req.Actor.Person
	}
	if id, ok := strings.CutPrefix(strings.Trim(word, "<>"), "@"); ok {
		id, _, _ = strings.Cut(id, "|")
		if p, ok := cat.PersonBySlack(catalog.SlackID{Team: cat.Slack.Team, User: id}); ok {
			return p, nil
		}
	}
	names := make([]string, len(cat.People))
	for n, p := range cat.People {
		if strings.EqualFold(p.Name, word) {
			return p, nil
		}
		names[n] = p.Name
	}
	problem := &Problem{Code: "person", Text: redact.F("I know nobody called %s; nothing was done.", fmt.Sprintf("%q", said)), Next: redact.F("I know %s.", strings.Join(names, ", "))}
	if near := catalog.Suggest(word, names); len(near) > 0 {
		problem.Next = redact.F("Did you mean %s?", near[0])
	}
	return catalog.Person{}, problem
}
