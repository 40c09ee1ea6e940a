package handlers

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

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

// bounded is cleaned before it is cut: half a token has no shape to know it by.
func bounded(s string, n int) string {
	s = redact.Clean(strings.ReplaceAll(s, "\x00", "")).String()
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n], "")
	}
	return s
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

// The bounds of one round of questions: how long the pager may take for one, and how many it is asked at a time.
const (
	askTime    = 3 * time.Second
	asksAtOnce = 8
)

// AskPager asks the pager whether somebody took a page there, for every incident that is being escalated. It is the body of a job that comes every
// few seconds where the pager does not tell by itself. What cannot be asked, or takes too long, holds up no other incident. The error names how many
// could not be asked for.
func (d *Desk) AskPager(ctx context.Context) error {
	if d.Acks == nil { // the round of a bot that is set up in another way
		return nil
	}
	climbing, err := d.Incidents.Climbing(ctx)
	if err != nil {
		return err
	}
	// In another order each time: whoever is last when the time of a round is over is not the last of the next.
	rand.Shuffle(len(climbing), func(a, b int) { climbing[a], climbing[b] = climbing[b], climbing[a] })
	slots := make(chan struct{}, asksAtOnce)
	var asking sync.WaitGroup
	var mu sync.Mutex
	var first error
	failed := 0
	for _, i := range climbing {
		slots <- struct{}{}
		asking.Go(func() {
			defer func() { <-slots }()
			if err := d.askWhoTook(ctx, i); err != nil {
				mu.Lock()
				defer mu.Unlock()
				failed, first = failed+1, cmp.Or(first, err)
			}
		})
	}
	asking.Wait()
	if failed > 0 {
		return fmt.Errorf("ask the pager who took what, for %d of %d incidents: %w", failed, len(climbing), first)
	}
	return nil
}

// askWhoTook asks for the pages of one incident until one of them was taken.
func (d *Desk) askWhoTook(ctx context.Context, i incident.Incident) error {
	var problems []error
	for _, page := range d.pagesNow(i) {
		by, err := d.takenBy(ctx, page)
		if err == nil && by != "" {
			return d.AckFromPager(ctx, i.ID, AtPager(by), func(p incident.Page) bool { return p.Key == page.Key })
		}
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

func (d *Desk) takenBy(ctx context.Context, page incident.Page) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return d.Acks.TakenBy(ctx, page)
}

// AtPager names somebody as the pager does: text of another system.
func AtPager(name string) string {
	return redact.F("%s at PagerDuty", oneLine(name)).Short(100).String()
}
