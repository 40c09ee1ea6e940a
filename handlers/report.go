package handlers

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/plot"
	"github.com/svcdown/svcdown/redact"
)

// History reads what was.
type History interface {
	// IncidentsSince and RequestsSince list the newest first, at most so many.
	IncidentsSince(ctx context.Context, since time.Time, most int) ([]incident.Incident, error)
	RequestsSince(ctx context.Context, since time.Time, most int) ([]approval.Request, error)
}

const (
	defaultReport = 30 * 24 * time.Hour
	longestReport = 400 * 24 * time.Hour
	// mostOfReport bounds the incidents, and the requests, that one report counts.
	mostOfReport = 5000
	// mostRows is how many rows a table of a report has.
	mostRows = 10
)

// reportOn tells how many incidents there were and how long they took, and what was changed by whom, with pictures and as CSV. Everybody of the
// catalogue may read it anywhere: of private incidents it has the figures alone.
func (d *Desk) reportOn(ctx context.Context, req Request) error {
	span, err := reportSpan(req)
	if err != nil {
		return err
	}
	now := d.Now()
	since := now.Add(-span)
	incidents, err := d.History.IncidentsSince(ctx, since, mostOfReport)
	if err != nil {
		return d.unrecorded(err, "this report says nothing")
	}
	requests, err := d.History.RequestsSince(ctx, since, mostOfReport)
	if err != nil {
		return d.unrecorded(err, "this report says nothing")
	}
	items, err := d.ActionItems.Items(ctx, incident.ItemFilter{Open: true})
	if err != nil {
		return d.unrecorded(err, "this report says nothing")
	}
	f := figuresOf(incidents, requests)
	for _, a := range items {
		f.open++
		if a.Overdue(now.In(d.Catalog().Zone())) {
			f.overdue++
		}
	}
	c := reportCard(f, span)
	if len(incidents) == mostOfReport || len(requests) == mostOfReport {
		c.Notes = append(c.Notes, redact.F("only the newest %d incidents and requests are counted", mostOfReport))
	}
	at, err := req.Talk.Say(ctx, "", c)
	if err != nil {
		return err
	}
	files, err := reportFiles(f, incidents, requests, since, now)
	for _, file := range files {
		if err == nil {
			err = d.Talk.At(below(at)).Upload(ctx, file)
		}
	}
	return err
}

// reportSpan reads how far back to look: 30d, 2w, 12h.
func reportSpan(req Request) (time.Duration, error) {
	if len(req.Args) == 0 {
		return defaultReport, nil
	}
	text := strings.ToLower(req.Args[0])
	unit := map[byte]time.Duration{'h': time.Hour, 'd': 24 * time.Hour, 'w': 7 * 24 * time.Hour}[text[len(text)-1]]
	n, err := strconv.Atoi(text[:len(text)-1])
	if err != nil || unit == 0 || n < 1 || n > 10000 || time.Duration(n)*unit > longestReport {
		return 0, &Problem{Code: "usage", Text: redact.F("%q is no span of time from 1h to 400d; nothing was counted.", req.Args[0]), Next: redact.Const("For example: report 30d")}
	}
	return time.Duration(n) * unit, nil
}

func reportCard(f reported, span time.Duration) card.Card {
	c := card.Card{Title: redact.F("Report of %s", spanWords(span)), State: card.Neutral, Verdict: redact.F("No incident in %s.", spanWords(span))}
	if f.incidents > 0 {
		c.Verdict = redact.Join(", ", redact.F("%s in %s", counted(f.incidents, "incident"), spanWords(span)), middles("taken", f.toAck), middles("resolved", f.toResolve))
		c.Parts = append(c.Parts, card.Part{Table: f.severityTable()}, card.Part{Table: f.timesTable()}, card.Part{Text: redact.Const("Services")}, card.Part{Table: f.serviceTable()})
	}
	if len(f.people) > 0 {
		c.Parts = append(c.Parts, card.Part{Text: redact.Const("Changes, by who asked for them")}, card.Part{Table: f.peopleTable()})
	}
	if services, people := len(f.services)-mostRows, len(f.people)-mostRows; services > 0 || people > 0 {
		c.Notes = append(c.Notes, redact.F("tables and picture have the first %d of each; the CSV files have all", mostRows))
	}
	c.Parts = append(c.Parts, card.Part{Text: redact.F("Action items: %d open, %d overdue.", f.open, f.overdue)})
	return c
}

func middles(what string, took []time.Duration) redact.Text {
	if len(took) == 0 {
		return redact.F("none %s", what)
	}
	return redact.F("%s after %s on average (median %s)", what, incident.Span(mean(took)), incident.Span(median(took)))
}

func reportFiles(f reported, incidents []incident.Incident, requests []approval.Request, since, now time.Time) ([]card.File, error) {
	stamp := now.UTC().Format("20060102-150405")
	m, err := plot.Bars(redact.F("Incidents and changes, %s to %s UTC", since.UTC().Format("2006-01-02 15:04"), now.UTC().Format("2006-01-02 15:04")), f.groups())
	if err != nil {
		return nil, err
	}
	return []card.File{
		{Name: "report-" + stamp + ".png", Title: redact.Const("Incidents and changes"), Image: m},
		{Name: "incidents-" + stamp + ".csv", Title: redact.Const("The incidents of the report"), Content: incidentsCSV(incidents)},
		{Name: "changes-" + stamp + ".csv", Title: redact.Const("The changes of the report"), Content: changesCSV(requests, incidents)},
	}, nil
}

func table(columns ...redact.Text) *finding.Table { return &finding.Table{Columns: columns} }
