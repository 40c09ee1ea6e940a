package handlers

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// Bounds on what is kept of an alert: its sender decides its length.
const (
	maxAlertWord = 500
	maxAlertText = 2000
	maxLabels    = 64
)

// TakeAlerts stores a batch of alerts: every one of them counts at its incident, and incidents are opened and reopened. What is said of them in
// Slack follows by itself. An error means that nothing of the batch is stored and that the sender has to send it again:
// [approval.ErrUnavailable] while the database does not answer.
func (d *Desk) TakeAlerts(ctx context.Context, batch []incident.Alert) (incident.Receipt, error) {
	if len(batch) == 0 {
		return incident.Receipt{}, nil
	}
	cat := d.Catalog()
	clean := make([]incident.Alert, len(batch))
	for n, a := range batch {
		clean[n] = cleanAlert(cat, a)
	}
	return d.Incidents.TakeAlerts(ctx, incident.Gather(clean), incident.Rules{Open: d.openFor, Arm: d.arm, Flapping: cat.Incidents.Flapping})
}

// openFor makes the incident for alerts that belong to none.
func (d *Desk) openFor(g incident.Gathered) (incident.Incident, incident.Event) {
	cat := d.Catalog()
	severity := g.Severity
	if severity < catalog.WorstSeverity || severity > catalog.LeastSeverity {
		severity = cat.Incidents.Severity
	}
	i, first := incident.New(newIncidentID(), g.Key, g.Service, g.Title, severity, g.Source, d.Now())
	i.Runbook = g.Runbook
	if svc, ok := cat.Service(g.Service); ok {
		i.Bring(svc.Owners...)
	}
	return i, first
}

// cleanAlert makes text of another system fit to be kept: no secrets of a known shape, nothing that Postgres does not take, bounded. A service
// that is in no catalogue is none.
func cleanAlert(cat *catalog.Catalog, a incident.Alert) incident.Alert {
	if svc, ok := cat.Service(a.Service); ok {
		a.Service = svc.Name
	} else {
		a.Service = ""
	}
	a.Fingerprint, a.Source, a.Group = word(a.Fingerprint), word(a.Source), word(a.Group)
	a.Runbook, a.URL = bounded(a.Runbook, maxAlertText), bounded(a.URL, maxAlertText)
	a.Labels, a.Annotations = cleanMap(a.Labels), cleanMap(a.Annotations)
	if a.Source == "" {
		a.Source = "alert"
	}
	return a
}

func cleanMap(m map[string]string) map[string]string {
	if m == nil {
		return nil
	}
	out := make(map[string]string, len(m))
	for k, v := range m {
		if len(out) == maxLabels {
			break
		}
		out[word(k)] = bounded(v, maxAlertText)
	}
	return out
}

func word(s string) string { return bounded(s, maxAlertWord) }

func bounded(s string, n int) string {
	if len(s) > n {
		s = s[:n]
	}
	s = strings.Map(func(r rune) rune {
		if r == 0 {
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	return redact.Clean(s).String()
}

// AckFromPager records that somebody took an incident at the pager. by is how the pager names them, and of says of which page their word is: one of
// an earlier round says nothing of now, and changes nothing.
func (d *Desk) AckFromPager(ctx context.Context, incidentID, by string, of func(incident.Page) bool) error {
	_, err := d.changeIncident(ctx, incidentID, by, func(i *incident.Incident) ([]incident.Event, error) {
		if !slices.ContainsFunc(d.pagesNow(*i), of) {
			return nil, nil
		}
		e, err := i.Acknowledge(by, d.Now())
		if err != nil {
			return nil, nil // taken already, or over: nothing is to be done
		}
		return []incident.Event{e}, nil
	})
	return err
}

// pagesNow are the pages of the present round.
func (d *Desk) pagesNow(i incident.Incident) []incident.Page {
	s := &showing{Desk: d, i: i}
	var out []incident.Page
	for _, r := range i.Climb.Rungs {
		if r.Round == i.Climb.Round && len(r.People) > 0 {
			out = append(out, s.page(r))
		}
	}
	return out
}

// AskPager asks the pager whether somebody took a page there, for every incident that is still being escalated. It is the body of a job that comes
// every few seconds where the pager does not tell by itself. What cannot be asked holds up no other incident.
func (d *Desk) AskPager(ctx context.Context) error {
	if d.Acks == nil { // the round of a bot that is set up in another way
		return nil
	}
	const most = 50
	all, err := d.Incidents.Incidents(ctx, false, most)
	if err != nil {
		return err
	}
	var problems []error
	for _, i := range all {
		if i.Climb.Stopped || !i.State.Active() {
			continue
		}
		for _, page := range d.pagesNow(i) {
			by, err := d.Acks.TakenBy(ctx, page)
			if err == nil && by != "" {
				err = d.AckFromPager(ctx, i.ID, AtPager(by), func(p incident.Page) bool { return p.Key == page.Key })
			}
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// AtPager names somebody as the pager does: text of another system.
func AtPager(name string) string {
	return redact.F("%s at PagerDuty", oneLine(name)).Short(100).String()
}
