package handlers

import (
	"cmp"
	"strings"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// newest is how many lines of the timeline the header shows.
const newest = 6

// headerCard is what stands pinned at the top of the incident's channel.
func (d *Desk) headerCard(i incident.Incident, events []incident.Event, alerts incident.Count) card.Card {
	c := card.Card{
		Title: redact.F("%s · %s · severity %d", i.ID, cmp.Or(i.Service, "no service"), i.Severity), State: stateOfIncident(i),
		Verdict: redact.F("%s: %s", strings.ToUpper(string(i.State)), i.Title),
		Parts:   []card.Part{{Facts: d.incidentFacts(i, alerts)}},
	}
	if n := len(events); n > 0 {
		c.Parts = append(c.Parts, card.Part{Code: &card.Code{Title: redact.Const("Newest on the timeline (UTC)"), Text: timelineText(events[max(0, n-newest):])}})
	}
	c.Buttons = d.incidentButtons(i)
	return c
}

func (d *Desk) incidentFacts(i incident.Incident, alerts incident.Count) []card.Fact {
	fact := func(label, value redact.Text) card.Fact { return card.Fact{Label: label, Value: value} }
	facts := []card.Fact{
		fact(redact.Const("Since"), redact.F("%s UTC", i.Times.Detected.UTC().Format("2006-01-02 15:04"))),
		fact(redact.Const("Reported by"), redact.F("%s", i.Source)),
	}
	for _, r := range incident.Roles() {
		facts = append(facts, fact(redact.F("%s", strings.ToUpper(string(r[:1]))+string(r[1:])), redact.F("%s", cmp.Or(i.Roles[r], "nobody yet"))))
	}
	if alerts.Known > 0 {
		facts = append(facts, fact(redact.Const("Alerts"), redact.F("%d firing of %d, delivered %d times", alerts.Firing, alerts.Known, alerts.Received)))
	}
	if names := i.StandsForText(); !names.Empty() {
		facts = append(facts, fact(redact.Const("Stands for"), names))
	}
	if !i.LeftOut.Empty() {
		facts = append(facts, fact(redact.Const("Not all alerts came"), i.LeftOut))
	}
	if !i.Verdict.Empty() {
		facts = append(facts, fact(redact.Const("What the checks say"), redact.F("%s (%s UTC)", i.Verdict, clock(i.VerdictAt))))
	}
	if len(i.People) > 0 {
		facts = append(facts, fact(redact.Const("People"), redact.F("%s", strings.Join(i.People, ", ")).Short(300)))
	}
	switch every := d.Catalog().UpdatesEvery(i.Service, i.Severity); {
	case !i.Told.IsZero():
		facts = append(facts, fact(redact.Const("Last update"), redact.F("%s UTC", clock(i.Told))))
	case i.State.Active() && every > 0:
		facts = append(facts, fact(redact.Const("Last update"), redact.F("none yet: `update` tells others, the next is due at %s UTC", clock(i.UpdateDue(every)))))
	}
	facts = append(facts, fact(redact.Const("Last sign of life"), redact.F("%s UTC", clock(i.Active))))
	if i.State.Active() {
		facts = append(facts, fact(redact.Const("Next escalation"), d.nextEscalation(i)))
	}
	if took, ok := i.Times.ToResolve(); ok {
		facts = append(facts, fact(redact.Const("Resolved"), redact.F("%s UTC, after %s", clock(i.Times.Resolved), incident.Span(took))))
	}
	return facts
}

func (d *Desk) nextEscalation(i incident.Incident) redact.Text {
	l, ok := d.Catalog().Ladder(i.Service, i.Severity)
	due := i.Due(l)
	switch {
	case !ok || due.IsZero():
		return redact.Const("none: no escalation of svcdown.yaml covers it")
	case i.Climb.Stopped || i.Climb.Level >= len(l.Levels):
		return redact.F("%s UTC, unless somebody is heard of before", clock(due))
	}
	return redact.F("level %d (%s) at %s UTC, unless somebody takes it: `ack`", i.Climb.Level+1, strings.Join(l.Levels[i.Climb.Level].Roles, ", "), clock(due))
}

func (d *Desk) incidentButtons(i incident.Incident) []card.Button {
	var out []card.Button
	add := func(label redact.Text, verb, value string, style card.Style) {
		out = append(out, card.Button{Label: label, Verb: verb, Value: value, Style: style})
	}
	switch {
	case i.State.Active():
		if !i.Climb.Stopped {
			add(redact.Const("I take it"), "ack", i.ID, card.Primary)
		}
		if i.Service != "" {
			add(redact.Const("Check again"), "status", i.Service, "")
		}
		if i.Service != "" && d.Firing != nil {
			add(redact.Const("Silence…"), "silence", i.ID, "")
		}
		if _, ok := d.Outside[catalog.Publish]; ok && i.Service != "" {
			add(redact.Const("Tell customers…"), "update", i.ID, "")
		}
		add(redact.Const("Escalate"), "escalate", i.ID, "")
		add(redact.Const("Resolve"), "resolve", i.ID, "")
	case i.State == incident.Resolved:
		add(redact.Const("Close"), "close", i.ID, "")
		add(redact.Const("Reopen"), "reopen", i.ID, "")
		add(redact.Const("Postmortem"), "postmortem", i.ID, "")
	case i.Archived.IsZero():
		add(redact.Const("Reopen"), "reopen", i.ID, "")
	}
	return out
}

// announcementCard is the incident in the incidents channel, from the beginning to the end.
func (d *Desk) announcementCard(i incident.Incident) card.Card {
	c := card.Card{
		Title: redact.F("%s · %s · severity %d", i.ID, cmp.Or(i.Service, "no service"), i.Severity), State: stateOfIncident(i),
		Verdict: redact.F("%s: %s", strings.ToUpper(string(i.State)), i.Title),
	}
	if i.Private { // everybody reads here
		c.Verdict = redact.F("%s: an incident of severity %d", strings.ToUpper(string(i.State)), i.Severity)
	} else if !i.Verdict.Empty() {
		c.Parts = append(c.Parts, card.Part{Text: i.Verdict})
	}
	facts := []card.Fact{{Label: redact.Const("Since"), Value: redact.F("%s UTC", i.Times.Detected.UTC().Format("2006-01-02 15:04"))},
		{Label: redact.Const("Commander"), Value: redact.F("%s", cmp.Or(i.Roles[incident.Commander], "nobody yet"))}}
	if i.Room != "" {
		facts = append(facts, card.Fact{Label: redact.Const("Channel"), Value: placeOf(i)})
	}
	if took, ok := i.Times.ToResolve(); ok {
		facts = append(facts, card.Fact{Label: redact.Const("Lasted"), Value: redact.F("%s", incident.Span(took))})
	}
	c.Parts = append(c.Parts, card.Part{Facts: facts})
	if i.State.Active() && !i.Climb.Stopped {
		c.Buttons = []card.Button{{Label: redact.Const("I take it"), Verb: "ack", Value: i.ID, Style: card.Primary}}
	}
	return c
}

// rungCard calls the people of one level: what is known, and what they have to do.
func (d *Desk) rungCard(i incident.Incident, r incident.Rung) card.Card {
	c := card.Card{Title: redact.F("%s · level %d", i.ID, r.Level), State: card.Fail,
		Verdict: redact.F("%s, severity %d: %s. Level %d is called (%s), because %s.", cmp.Or(i.Service, "No service"), i.Severity, i.Title, r.Level, strings.Join(r.Roles, ", "), r.Why)}
	if r.Level == 0 {
		c.Title = redact.F("%s · %s calls you", i.ID, r.By)
		c.Verdict = redact.F("%s, severity %d: %s. %s calls %s: %s.", cmp.Or(i.Service, "No service"), i.Severity, i.Title, r.By, strings.Join(r.People, ", "), r.Why)
	}
	if len(r.People) == 0 {
		c.Parts = append(c.Parts, card.Part{Text: redact.F("Nobody holds %s now, so nobody was called.", strings.Join(r.Roles, " or "))})
	}
	for _, n := range r.Notes {
		c.Parts = append(c.Parts, card.Part{Text: redact.F("%s.", n)})
	}
	known := redact.F("It is %s, since %s UTC.", i.State, clock(i.Times.Detected))
	if !i.Verdict.Empty() {
		known = redact.F("%s The checks said at %s UTC: %s", known, clock(i.VerdictAt), i.Verdict)
	}
	c.Parts = append(c.Parts, card.Part{Text: known})
	if i.Climb.Stopped && i.Climb.Round == r.Round && !r.At.After(i.Climb.StoppedAt) {
		c.State = card.Running
		c.Parts = append(c.Parts, card.Part{Text: redact.F("%s took it at %s UTC.", i.Climb.StoppedBy, clock(i.Climb.StoppedAt))})
	}
	if len(r.Duties) > 0 {
		c.Parts = append(c.Parts, card.Part{Text: redact.Const("Your duties:")})
		for n := range r.Duties {
			c.Parts = append(c.Parts, card.Part{Item: dutyItem(i, r, n+1)})
		}
	}
	for _, name := range r.People {
		if id, ok := d.slackOf(name); ok {
			c.Mentions = append(c.Mentions, id.User)
		}
	}
	if i.State.Active() && !i.Climb.Stopped {
		c.Buttons = []card.Button{{Label: redact.Const("I take it"), Verb: "ack", Value: i.ID, Style: card.Primary}}
	}
	return c
}
