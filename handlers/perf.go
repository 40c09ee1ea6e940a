package handlers

import (
	"cmp"
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/plot"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

const (
	// defaultProbes is how often each health URL is asked, mostProbes how often it may be.
	defaultProbes, mostProbes = 20, 50
	// probeGap stands between two probes of one URL: enough to measure, and no load.
	probeGap = 200 * time.Millisecond
	// perfTime bounds the whole series; what was not asked by then is left out and said.
	perfTime = 25 * time.Second
	// slowP90 is from when the slower answers are worth a warning.
	slowP90 = time.Second
)

// perf measures how fast and how reliably a service answers, looks at what its database is busy with, and draws a picture of it.
func (d *Desk) perf(ctx context.Context, req Request) error {
	svc, err := d.service(req, "perf SERVICE")
	if err != nil {
		return err
	}
	count, err := req.Int("count", defaultProbes, 2, mostProbes)
	if err != nil {
		return err
	}
	database := d.activityStep(svc)
	if len(svc.Health) == 0 && database == nil {
		return &Problem{Code: "no-health", Text: redact.F("svcdown.yaml names no health URL of %s and no database behind it, so nothing was measured.", svc.Name),
			Next: redact.Const("Add the URL under the service's health.")}
	}
	done, err := d.begin(ctx, req, svc)
	if done == nil {
		return err
	}
	defer done()
	recorded := d.noted(ctx, req, svc)
	live := &liveCard{talk: req.Talk, svc: svc, doing: redact.F("Measuring %s", svc.Name), started: d.Now(), now: d.Now}
	m := fill(ctx, live, func(each func(finding.Finding)) measured {
		return d.measureAll(ctx, d.leaveOf(req), svc, count, database, each)
	})
	c := perfCard(svc, m)
	if <-recorded != nil {
		c.Notes = append(c.Notes, notRecorded)
	}
	at, err := live.finish(ctx, c)
	if err != nil || len(m.series) == 0 {
		return err
	}
	if at.Thread == "" {
		at.Thread = at.Message
	}
	picture, err := plot.Latency(redact.F("%s, %d probes of each URL, %s UTC", svc.Name, count, live.started.UTC().Format("2006-01-02 15:04")), drawable(m.series))
	if err != nil {
		return fmt.Errorf("draw the probes of %s: %w", svc.Name, err)
	}
	return d.Talk.At(at).Upload(ctx, card.File{
		Name:  fmt.Sprintf("perf-%s-%s.png", strings.ReplaceAll(svc.Name, "/", "-"), live.started.UTC().Format("20060102-150405")),
		Title: redact.F("Answer times of %s", svc.Name), Image: picture,
	})
}

// measured is what a series of probes found.
type measured struct {
	series   []series
	database *finding.Finding
}

// series are the probes of one URL, in order.
type series struct {
	url    redact.Text
	probes []finding.Finding
	wanted int
}

// measureAll probes all URLs side by side, each one probe after the other.
func (d *Desk) measureAll(ctx context.Context, may leave, svc catalog.Service, count int, database *databaseStep, each func(finding.Finding)) measured {
	ctx, cancel := context.WithTimeout(ctx, perfTime)
	defer cancel()
	m := measured{series: make([]series, len(svc.Health))}
	var asking sync.WaitGroup
	for i, u := range svc.Health {
		m.series[i] = series{url: shownURL(u), wanted: count}
		asking.Go(func() {
			for n := range count {
				if n > 0 {
					select {
					case <-time.After(probeGap):
					case <-ctx.Done():
						return
					}
				}
				f := d.Probe.Probe(ctx, u)
				if f.Status == finding.Unknown && ctx.Err() != nil {
					return // it was cut off, which says nothing
				}
				m.series[i].probes = append(m.series[i].probes, f)
				each(f)
				if f.Status == finding.Unknown {
					return // it is not asked at all, and the next one would not be either
				}
			}
		})
	}
	if database != nil {
		asking.Go(func() {
			run := d.stepRun(may, each)
			for _, r := range run.start(ctx, database.svc, []runbook.Step{database.step})() {
				m.database = &r.report.Finding
			}
		})
	}
	asking.Wait()
	return m
}

// databaseStep is the runbook's command that asks a database what it is busy with.
type databaseStep struct {
	svc  catalog.Service
	step runbook.Step
}

// activityStep finds the runbook's question for pg_stat_activity, where the service is a database or depends on one; nil otherwise.
func (d *Desk) activityStep(svc catalog.Service) *databaseStep {
	b := d.book()
	if b == nil {
		return nil
	}
	names := append([]string{svc.Name}, svc.DependsOn...)
	i := slices.IndexFunc(names, func(name string) bool {
		s, ok := d.Catalog().Service(name)
		return ok && s.Kind == "database"
	})
	if i < 0 {
		return nil
	}
	db, _ := d.Catalog().Service(names[i])
	for _, s := range b.Steps() {
		if s.Class == runbook.Check && s.Operation != nil && s.Operation.Name == "exec psql" && strings.Contains(s.Operation.Get("sql"), "pg_stat_activity") {
			return &databaseStep{svc: db, step: s}
		}
	}
	return nil
}

func shownURL(raw string) redact.Text {
	u, err := url.Parse(raw)
	if err != nil {
		return redact.F("%s", raw)
	}
	return redact.F("%s", u.Host+u.EscapedPath())
}

// figures are the percentiles of one series over what was answered, and how many failed.
type figures struct {
	p50, p90, p99, most time.Duration
	asked, failed       int
}

func (s series) figures() figures {
	f := figures{asked: len(s.probes)}
	var took []time.Duration
	for _, p := range s.probes {
		if p.Status == finding.Fail || p.Status == finding.Unknown {
			f.failed++
			continue
		}
		took = append(took, p.Took)
	}
	slices.Sort(took)
	f.p50, f.p90, f.p99, f.most = percentile(took, 50), percentile(took, 90), percentile(took, 99), percentile(took, 100)
	return f
}

// percentile is by nearest rank, zero of nothing.
func percentile(sorted []time.Duration, p int) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[max(0, (len(sorted)*p+99)/100-1)]
}

func perfCard(svc catalog.Service, m measured) card.Card {
	c := card.Card{Title: redact.F("Performance of %s · %s/%s", svc.Name, svc.Cluster, svc.Namespace), State: card.OK,
		Buttons: []card.Button{{Label: redact.Const("Triage"), Verb: "triage", Value: svc.Name}, {Label: redact.Const("Measure again"), Verb: "perf", Value: svc.Name}}}
	t := &finding.Table{Columns: []redact.Text{redact.Const("URL"), redact.Const("p50"), redact.Const("p90"), redact.Const("p99"), redact.Const("longest"), redact.Const("failed")}}
	worst, at := figures{}, redact.Text{}
	for i, s := range m.series {
		f := s.figures()
		t.Rows = append(t.Rows, []redact.Text{s.url, msec(f.p50), msec(f.p90), msec(f.p99), msec(f.most), redact.F("%d of %d", f.failed, f.asked)})
		if i == 0 || cmp.Or(cmp.Compare(f.failed, worst.failed), cmp.Compare(f.p90, worst.p90)) > 0 {
			worst, at = f, s.url
		}
		if f.asked < s.wanted {
			c.Notes = append(c.Notes, redact.F("%s: %d of %d probes within %s; answers were slow, or it is not asked at all", s.url, f.asked, s.wanted, perfTime))
		}
		for _, p := range s.probes {
			if p.Status == finding.Fail || p.Status == finding.Unknown {
				c.Notes = append(c.Notes, redact.F("first failure: %s %s", p.Line, p.Fix).Short(250))
				break
			}
		}
	}
	switch {
	case len(m.series) == 0:
	case worst.failed == worst.asked:
		c.State, c.Verdict = card.Fail, redact.F("%s does not answer: %d of %d probes of %s failed", svc.Name, worst.failed, worst.asked, at)
	case worst.failed > 0:
		c.State, c.Verdict = card.Warn, redact.F("%d of %d probes of %s failed; half of the others took at most %s, 90%% at most %s", worst.failed, worst.asked, at, msec(worst.p50), msec(worst.p90))
	case worst.p90 > slowP90:
		c.State, c.Verdict = card.Warn, redact.F("%s answers slowly: half of %d probes of %s took at most %s, 90%% at most %s", svc.Name, worst.asked, at, msec(worst.p50), msec(worst.p90))
	default:
		c.Verdict = redact.F("%s answers: half of %d probes of %s took at most %s, 90%% at most %s, none failed", svc.Name, worst.asked, at, msec(worst.p50), msec(worst.p90))
	}
	if len(t.Rows) > 0 {
		c.Parts = append(c.Parts, card.Part{Table: t})
	}
	if f := m.database; f != nil {
		c.Parts = append(c.Parts, card.Part{Findings: []finding.Finding{*f}})
		for _, e := range f.Evidence {
			if e.Table != nil {
				c.Parts = append(c.Parts, card.Part{Text: e.Title}, card.Part{Table: e.Table})
			}
		}
		if c.Verdict.Empty() {
			c.Verdict, c.State = redact.F("%s: %s", svc.Name, f.Line), stateOf(f.Status)
		} else if c.State == card.OK && (f.Status == finding.Fail || f.Status == finding.Warn) {
			c.State = card.Warn
		}
	}
	return c
}

func msec(d time.Duration) redact.Text {
	if d == 0 {
		return redact.Const("–")
	}
	if d < 10*time.Millisecond {
		return redact.F("%s", d.Round(100*time.Microsecond).String())
	}
	return redact.F("%s", d.Round(time.Millisecond).String())
}

// drawable are the series as bars with their percentiles across.
func drawable(all []series) []plot.Series {
	var out []plot.Series
	for _, s := range all {
		f := s.figures()
		p := plot.Series{Name: redact.F("%s: %d of %d failed", s.url, f.failed, f.asked)}
		for _, probe := range s.probes {
			p.Points = append(p.Points, plot.Point{Took: probe.Took, Failed: probe.Status == finding.Fail || probe.Status == finding.Unknown})
		}
		if f.failed < f.asked {
			p.Marks = []plot.Mark{{Name: redact.Const("p50"), At: f.p50}, {Name: redact.Const("p90"), At: f.p90}}
		}
		out = append(out, p)
	}
	return out
}
