package handlers

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/incident"
)

// HealthMemory keeps what the watch of the health URLs has seen, for whichever bot looks next.
type HealthMemory interface {
	Watched(ctx context.Context, url string) (incident.Watched, error)
	SaveWatched(ctx context.Context, url string, w incident.Watched) error
}

const (
	// watchAtOnce bounds the probes under way.
	watchAtOnce = 16
	// maxJitter bounds how far the probes of one round are spread.
	maxJitter = 10 * time.Second
)

// WatchHealth is the body of the job that asks every health URL once. A URL that failed often enough becomes an alert, and so does its
// recovery. The store lets one bot at a time do it.
func (d *Desk) WatchHealth(ctx context.Context) error {
	cat := d.Catalog()
	if cat.Probes.Watch == nil {
		return nil
	}
	sorting := cat.Sorting()
	slots := make(chan struct{}, watchAtOnce)
	var probing sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for _, svc := range cat.Services {
		for _, url := range svc.Health {
			probing.Go(func() {
				if !rest(ctx, jitter(svc.Name+" "+url, cat.Probes.Watch.Every)) {
					return
				}
				slots <- struct{}{}
				defer func() { <-slots }()
				if err := d.watchURL(ctx, *cat.Probes.Watch, sorting, svc, url); err != nil {
					mu.Lock()
					defer mu.Unlock()
					failed = errors.Join(failed, fmt.Errorf("watch a health URL of %s: %w", svc.Name, err))
				}
			})
		}
	}
	probing.Wait()
	return failed
}

// watchURL asks one URL. The alert is stored before what was seen: after a crash in between it comes once more, and counts once.
func (d *Desk) watchURL(ctx context.Context, w catalog.ProbeWatch, sorting *catalog.Sorting, svc catalog.Service, url string) error {
	f := d.Probe.Probe(ctx, url)
	if f.Status == finding.Unknown {
		return ctx.Err() // an address that may not be asked is neither well nor failing
	}
	key := svc.Name + " " + url
	was, err := d.Health.Watched(ctx, key)
	if err != nil {
		return err
	}
	is, turned := was.Next(f.Status != finding.Fail, w.Failures, w.Of)
	if turned {
		if _, err := d.TakeAlerts(ctx, []incident.Alert{healthAlert(sorting, svc, url, key, f, is.Failing, d.Now())}); err != nil {
			return err
		}
	}
	return d.Health.SaveWatched(ctx, key, is)
}

// healthAlert is what the watch says, in the form of any other alert, so that the rules of svcdown.yaml sort it as well.
func healthAlert(sorting *catalog.Sorting, svc catalog.Service, url, key string, f finding.Finding, failing bool, now time.Time) incident.Alert {
	labels := map[string]string{"alertname": "HealthURLFailing", "service": svc.Name, "severity": "error", "url": url}
	m := sorting.Meaning(labels)
	a := incident.Alert{
		Fingerprint: "probe:" + key, Status: incident.Firing, Labels: labels, Annotations: map[string]string{"summary": f.Line.String()},
		StartsAt: now, Source: "probe", URL: url, Service: svc.Name, Severity: m.Severity, Runbook: m.Runbook, Group: m.Group,
	}
	if !failing {
		a.Status, a.EndsAt = incident.Recovered, now
	}
	return a
}

// jitter spreads the probes of a round, each URL at its own place, so that they neither start together nor move against each other.
func jitter(key string, every time.Duration) time.Duration {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // a hash never fails
	return min(every/2, maxJitter) * time.Duration(h.Sum32()%1000) / 1000
}

// rest waits, and reports whether ctx still lives.
func rest(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}
