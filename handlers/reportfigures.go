package handlers

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/plot"
	"github.com/svcdown/svcdown/redact"
)

// reported are the figures of a report.
type reported struct {
	incidents int
	// severities are the incidents of each severity by how they stand.
	severities                   map[int]map[string]int
	toAck, toMitigate, toResolve []time.Duration
	services                     []ofService
	people                       []ofPerson
	open, overdue                int // action items
}

type ofService struct {
	name      string
	incidents int
	down      time.Duration // of those that are resolved, together
}

type ofPerson struct {
	name                         string
	helped, not, stopped, others int
}

// hidden stands for the service of a private incident.
const hidden = "(private)"

func figuresOf(incidents []incident.Incident, requests []approval.Request) reported {
	f := reported{incidents: len(incidents), severities: map[int]map[string]int{}}
	services := map[string]*ofService{}
	for _, i := range incidents {
		if f.severities[i.Severity] == nil {
			f.severities[i.Severity] = map[string]int{}
		}
		f.severities[i.Severity][standing(i)]++
		s := one(services, serviceShown(i))
		s.name, s.incidents = serviceShown(i), s.incidents+1
		f.toAck = reachedIn(f.toAck, i.Times.ToAcknowledge)
		f.toMitigate = reachedIn(f.toMitigate, i.Times.ToMitigate)
		f.toResolve = reachedIn(f.toResolve, i.Times.ToResolve)
		if took, ok := i.Times.ToResolve(); ok {
			s.down += took
		}
	}
	f.services = sorted(services, func(a, b ofService) int {
		return cmp.Or(cmp.Compare(b.incidents, a.incidents), cmp.Compare(b.down, a.down), cmp.Compare(a.name, b.name))
	})
	people := map[string]*ofPerson{}
	for _, r := range requests {
		p := one(people, r.Requester.Name())
		p.name = r.Requester.Name()
		switch r.State {
		case approval.Succeeded:
			p.helped++
		case approval.Failed, approval.Unknown:
			p.not++
		case approval.Denied, approval.Expired, approval.Cancelled, approval.NotStarted:
			p.stopped++
		default:
			p.others++
		}
	}
	f.people = sorted(people, func(a, b ofPerson) int { return cmp.Or(cmp.Compare(b.all(), a.all()), cmp.Compare(a.name, b.name)) })
	return f
}

func (p ofPerson) all() int { return p.helped + p.not + p.stopped + p.others }

// The ways an incident stands in a report.
const (
	standsOpen     = "open"
	standsResolved = "resolved"
	standsClosed   = "closed"
)

func standing(i incident.Incident) string {
	switch {
	case i.State.Active():
		return standsOpen
	case i.State == incident.Closed:
		return standsClosed
	}
	return standsResolved
}

func serviceShown(i incident.Incident) string {
	if i.Private {
		return hidden
	}
	return cmp.Or(i.Service, "(no service)")
}

func one[T any](m map[string]*T, key string) *T {
	if m[key] == nil {
		m[key] = new(T)
	}
	return m[key]
}

func sorted[T any](m map[string]*T, by func(a, b T) int) []T {
	var out []T
	for _, v := range m {
		out = append(out, *v)
	}
	slices.SortFunc(out, by)
	return out
}

func reachedIn(all []time.Duration, took func() (time.Duration, bool)) []time.Duration {
	if d, ok := took(); ok {
		return append(all, d)
	}
	return all
}

// mean and median are of at least one.
func mean(all []time.Duration) time.Duration {
	sum := 0.0
	for _, d := range all {
		sum += float64(d)
	}
	return time.Duration(sum / float64(len(all)))
}

func median(all []time.Duration) time.Duration {
	in := slices.Sorted(slices.Values(all))
	n := len(in)
	if n%2 == 1 {
		return in[n/2]
	}
	return in[n/2-1] + (in[n/2]-in[n/2-1])/2
}

func number(n int) redact.Text { return redact.F("%d", n) }

func (f reported) severityTable() *finding.Table {
	t := table(redact.Const("Severity"), redact.Const("Open"), redact.Const("Resolved"), redact.Const("Closed"))
	for n := catalog.WorstSeverity; n <= catalog.LeastSeverity; n++ {
		if s := f.severities[n]; s != nil {
			t.Rows = append(t.Rows, []redact.Text{number(n), number(s[standsOpen]), number(s[standsResolved]), number(s[standsClosed])})
		}
	}
	return t
}

func (f reported) timesTable() *finding.Table {
	t := table(redact.Const("Time to"), redact.Const("Mean"), redact.Const("Median"), redact.Const("Longest"), redact.Const("Of"))
	add := func(what redact.Text, all []time.Duration) {
		row := []redact.Text{what, redact.Const("–"), redact.Const("–"), redact.Const("–"), number(len(all))}
		if len(all) > 0 {
			row[1], row[2], row[3] = redact.F("%s", incident.Span(mean(all))), redact.F("%s", incident.Span(median(all))), redact.F("%s", incident.Span(slices.Max(all)))
		}
		t.Rows = append(t.Rows, row)
	}
	add(redact.Const("acknowledge (MTTA)"), f.toAck)
	add(redact.Const("mitigate"), f.toMitigate)
	add(redact.Const("resolve (MTTR)"), f.toResolve)
	return t
}

func (f reported) serviceTable() *finding.Table {
	t := table(redact.Const("Service"), redact.Const("Incidents"), redact.Const("Down, together"))
	for _, s := range f.services[:min(len(f.services), mostRows)] {
		t.Rows = append(t.Rows, []redact.Text{redact.F("%s", s.name), number(s.incidents), redact.F("%s", incident.Span(s.down))})
	}
	return t
}

func (f reported) peopleTable() *finding.Table {
	t := table(redact.Const("Who"), redact.Const("Helped"), redact.Const("Did not help"), redact.Const("Not carried out"), redact.Const("Under way"))
	for _, p := range f.people[:min(len(f.people), mostRows)] {
		t.Rows = append(t.Rows, []redact.Text{redact.F("%s", p.name), number(p.helped), number(p.not), number(p.stopped), number(p.others)})
	}
	return t
}

// groups are the figures as bars.
func (f reported) groups() []plot.Group {
	var out []plot.Group
	add := func(name redact.Text, bars []plot.Bar) {
		if len(bars) > 0 {
			out = append(out, plot.Group{Name: name, Bars: bars})
		}
	}
	var severities, services, people []plot.Bar
	for _, n := range slices.Sorted(maps.Keys(f.severities)) {
		all := 0
		for _, k := range f.severities[n] {
			all += k
		}
		severities = append(severities, plot.Bar{Name: redact.F("severity %d", n), Value: float64(all), Shown: number(all), Bad: n == catalog.WorstSeverity})
	}
	for _, s := range f.services[:min(len(f.services), mostRows)] {
		services = append(services, plot.Bar{Name: redact.F("%s", s.name), Value: float64(s.incidents), Shown: redact.F("%d, %s down", s.incidents, incident.Span(s.down))})
	}
	for _, p := range f.people[:min(len(f.people), mostRows)] {
		people = append(people, plot.Bar{Name: redact.F("%s", p.name), Value: float64(p.all()), Shown: redact.F("%s, %d helped", strconv.Itoa(p.all()), p.helped)})
	}
	var times []plot.Bar
	for _, k := range []struct {
		name redact.Text
		all  []time.Duration
	}{{redact.Const("acknowledged"), f.toAck}, {redact.Const("mitigated"), f.toMitigate}, {redact.Const("resolved"), f.toResolve}} {
		if len(k.all) > 0 {
			times = append(times, plot.Bar{Name: k.name, Value: median(k.all).Seconds(), Shown: redact.F("%s", incident.Span(median(k.all)))})
		}
	}
	add(redact.Const("incidents"), severities)
	add(redact.Const("median time until"), times)
	add(redact.Const("incidents of services"), services)
	add(redact.Const("changes asked for by"), people)
	return out
}
