package incident

import (
	"cmp"
	"slices"
	"time"

	"github.com/svcdown/svcdown/redact"
)

// Incidents of services are as few as the services. Alerts of no service have as many keys as their sender makes up, so of the incidents that
// they opened within OverflowWindow at most MaxOfNoService are active, and what is more is counted at one common incident. Ten is more than
// people can tell apart in ten minutes, and half of the channels that Slack lets an app make in one (conversations.create is of tier 2,
// https://docs.slack.dev/apis/web-api/rate-limits), so that a service's incident has its channel at once.
const (
	MaxOfNoService = 10
	OverflowWindow = 10 * time.Minute
)

// OverflowKey is the common incident's. No key of alerts is like it: theirs have a colon.
const OverflowKey = "overflow"

// Place is an alert of no service by its own key.
type Place struct{ Key, Fingerprint string }

// Places is what stands of the alerts of a batch that are of no service.
type Places struct {
	// Taking are the keys with an incident that alerts join or reopen.
	Taking map[string]bool
	// Overflowed are the alerts that were counted last at the common incident, and that it takes.
	Overflowed map[Place]bool
	// Left is how many incidents may still be opened.
	Left int
}

// Spread gives what may open no incident of its own to the common one. An alert that was counted there stays there, so that its recovery finds
// it. What is of a service is left alone. The order is that of [Gather], and every alert is still counted once.
func Spread(batch []Gathered, p Places) []Gathered {
	var out []Gathered
	var over []Counted
	source := ""
	for _, g := range batch {
		if g.Service != "" {
			out = append(out, g)
			continue
		}
		there, own := g.split(func(c Counted) bool { return p.Overflowed[Place{g.Key, c.Fingerprint}] })
		if len(own.Alerts) > 0 && own.Fires() && !p.Taking[g.Key] {
			if p.Left > 0 {
				p.Left--
			} else {
				there, own.Alerts = append(there, own.Alerts...), nil
			}
		}
		if len(own.Alerts) > 0 {
			out = append(out, own)
		}
		if len(there) > 0 {
			source = cmp.Or(source, g.Source)
			over = append(over, there...)
		}
	}
	if len(over) == 0 {
		return out
	}
	g := Gathered{Key: OverflowKey, Source: source, Alerts: oncePerFingerprint(over)}
	g.takeAll()
	// One alert's summary and runbook say nothing of the others.
	g.Title, g.Runbook = redact.Const("More alerts than incidents can be opened for"), ""
	out = append(out, g)
	slices.SortFunc(out, func(a, b Gathered) int { return cmp.Compare(a.Key, b.Key) })
	return out
}

// split takes those alerts out of g of which away is true.
func (g Gathered) split(away func(Counted) bool) (gone []Counted, rest Gathered) {
	rest = g
	rest.Alerts = nil
	for _, c := range g.Alerts {
		if away(c) {
			gone = append(gone, c)
		} else {
			rest.Alerts = append(rest.Alerts, c)
		}
	}
	if len(gone) > 0 {
		rest.Title, rest.Severity, rest.Runbook = redact.Text{}, 0, ""
		rest.takeAll()
	}
	return gone, rest
}

func (g *Gathered) takeAll() {
	for _, c := range g.Alerts {
		if c.Fired > 0 {
			g.take(c.Alert)
		}
	}
}

// oncePerFingerprint joins what came with one fingerprint and several keys: it fires while any of that does.
func oncePerFingerprint(all []Counted) []Counted {
	slices.SortStableFunc(all, func(a, b Counted) int { return cmp.Compare(a.Fingerprint, b.Fingerprint) })
	var out []Counted
	for _, c := range all {
		n := len(out) - 1
		if n < 0 || out[n].Fingerprint != c.Fingerprint {
			out = append(out, c)
			continue
		}
		fired, ended := out[n].Fired+c.Fired, out[n].Ended+c.Ended
		if c.Status == Firing {
			out[n].Alert = c.Alert
		}
		out[n].Fired, out[n].Ended = fired, ended
	}
	return out
}

// maxStandsFor bounds the names that the common incident keeps.
const maxStandsFor = 10

// standFor remembers the first names of the common incident's alerts, and one more to know that there are others.
func (i *Incident) standFor(names []string) {
	if i.Key != OverflowKey {
		return
	}
	for _, n := range names {
		n = redact.F("%s", n).Short(100).String()
		if len(i.StandsFor) <= maxStandsFor && !slices.Contains(i.StandsFor, n) {
			i.StandsFor = append(slices.Clip(i.StandsFor), n)
		}
	}
}

// StandsForText says which alerts the common incident gathers, and why; empty for any other.
func (i Incident) StandsForText() redact.Text {
	if i.Key != OverflowKey || len(i.StandsFor) == 0 {
		return redact.Text{}
	}
	var names []redact.Text
	for _, n := range i.StandsFor[:min(len(i.StandsFor), maxStandsFor)] {
		names = append(names, redact.F("%s", n))
	}
	text := redact.Join(", ", names...)
	if len(i.StandsFor) > maxStandsFor {
		text = redact.F("%s and others", text)
	}
	return redact.F("%s. They name no service of svcdown.yaml, and such alerts had opened %d incidents within %s", text, MaxOfNoService, Span(OverflowWindow))
}
