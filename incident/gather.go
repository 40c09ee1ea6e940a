package incident

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/redact"
)

func opOf(what string, round, level int) string { return fmt.Sprintf("%s:%d:%d", what, round, level) }

func joined(words []string, sep string) string { return strings.Join(words, sep) }

// KeyOf is what gathers a service's alerts, and what a person opens for it, into one incident.
func KeyOf(service string) string { return "service:" + strings.ToLower(service) }

// Key gathers alerts into one incident: the sender's own group, else the service, else the alert's name.
func (a Alert) Key() string {
	switch {
	case a.Group != "":
		return "group:" + a.Group
	case a.Service != "":
		return KeyOf(a.Service)
	}
	return "alert:" + a.Name()
}

// Name is what the alert calls itself.
func (a Alert) Name() string { return cmp.Or(a.Labels["alertname"], "an alert without a name") }

// Title is the alert in one line.
func (a Alert) Title() redact.Text {
	return redact.F("%s", cmp.Or(a.Annotations["summary"], a.Annotations["description"], a.Name())).Short(200)
}

// Gathered are the alerts of a batch that belong to one incident.
type Gathered struct {
	Key      string
	Service  string
	Severity int // the worst that any of them has; 0 when none says
	Title    redact.Text
	Runbook  string
	Source   string
	Alerts   []Counted
}

// Counted is one fingerprint of a batch, with all that the batch says of it.
type Counted struct {
	Alert            // as it was last in the batch
	Fired, Ended int // how often it came with each status
}

// LeftOut is the sender's word that it left alerts out of the batch, "" when it did not.
func (g Gathered) LeftOut() string {
	for _, a := range g.Alerts {
		if text := a.Annotations[LeftOutAnnotation]; text != "" {
			return text
		}
	}
	return ""
}

// Fires reports whether any of the alerts is still firing.
func (g Gathered) Fires() bool {
	return slices.ContainsFunc(g.Alerts, func(c Counted) bool { return c.Status == Firing })
}

// worst names the alerts that have the severity of them all.
func (g Gathered) worst() (names []string) {
	for _, c := range g.Alerts {
		if c.Fired > 0 && c.Severity == g.Severity {
			names = append(names, c.Name())
		}
	}
	return names
}

// Gather sorts a batch by the incidents that it belongs to, in the order of their keys, so that whoever locks them one after the other never
// waits in a circle. Every alert of the batch is counted exactly once.
func Gather(batch []Alert) []Gathered {
	groups := map[string]*Gathered{}
	place := map[string]int{} // key + fingerprint → index in Alerts
	for _, a := range batch {
		key := a.Key()
		g := groups[key]
		if g == nil {
			g = &Gathered{Key: key, Service: a.Service, Source: a.Source}
			groups[key] = g
		}
		at, known := place[key+"\x00"+a.Fingerprint]
		if !known {
			at = len(g.Alerts)
			place[key+"\x00"+a.Fingerprint] = at
			g.Alerts = append(g.Alerts, Counted{})
		}
		g.Service = cmp.Or(g.Service, a.Service)
		c := &g.Alerts[at]
		c.Alert = a
		if a.Status == Firing {
			c.Fired++
			g.take(a)
		} else {
			c.Ended++
		}
	}
	out := make([]Gathered, 0, len(groups))
	for _, g := range groups {
		slices.SortFunc(g.Alerts, func(a, b Counted) int { return cmp.Compare(a.Fingerprint, b.Fingerprint) })
		out = append(out, *g)
	}
	slices.SortFunc(out, func(a, b Gathered) int { return cmp.Compare(a.Key, b.Key) })
	return out
}

// take lets the worst alert name the incident.
func (g *Gathered) take(a Alert) {
	if g.Title.Empty() || a.Severity != 0 && (g.Severity == 0 || a.Severity < g.Severity) {
		g.Title = a.Title()
	}
	if a.Severity != 0 && (g.Severity == 0 || a.Severity < g.Severity) {
		g.Severity = a.Severity
	}
	g.Runbook = cmp.Or(g.Runbook, a.Runbook)
}

// Rules say what alerts make of incidents.
type Rules struct {
	// Open makes the incident for alerts that fire and belong to none.
	Open func(Gathered) (Incident, Event)
	// Arm sets when an incident has to be looked at next.
	Arm func(*Incident)
	// Flapping is how long after its resolution an incident is reopened.
	Flapping time.Duration
}

// News is what a batch changed of an incident's alerts.
type News struct {
	// New are the names of alerts that were not known, Again of those that had recovered and fire anew, Ended of those that recovered.
	New, Again, Ended []string
	// LeftOut is the sender's word that it left alerts out.
	LeftOut string
	// Firing counts the alerts of the incident that fire now, Known all of them.
	Firing, Known int
}

// Report puts what a batch changed on the timeline. Repetitions are no news: they are counted elsewhere.
func (i *Incident) Report(n News, source string, now time.Time) []Event {
	if n.LeftOut != "" {
		i.LeftOut = redact.F("%s", n.LeftOut).Short(200)
	}
	i.standFor(n.New)
	i.standFor(n.Again)
	i.standFor(n.Ended)
	var parts []redact.Text
	say := func(names []string, what string) {
		if len(names) > 0 {
			parts = append(parts, redact.F("%s %s", listed(names), what))
		}
	}
	say(n.New, "firing")
	say(n.Again, "firing again")
	say(n.Ended, "recovered")
	if len(parts) == 0 {
		return nil
	}
	text := redact.F("%s. Firing now: %d of %d", redact.Join("; ", parts...), n.Firing, n.Known)
	if n.Firing == 0 {
		text = redact.F("%s. All %d alerts have recovered", redact.Join("; ", parts...), n.Known)
	}
	if n.LeftOut != "" {
		text = redact.F("%s. %s", text, i.LeftOut)
	}
	return []Event{{At: now, Kind: KindAlert, By: source, Text: text}}
}

// listed names the first few of many, each once.
func listed(names []string) redact.Text {
	count := map[string]int{}
	var order []string
	for _, n := range names {
		if count[n] == 0 {
			order = append(order, n)
		}
		count[n]++
	}
	const shown = 5
	var out []redact.Text
	for i, n := range order {
		if i == shown {
			out = append(out, redact.F("%d others", len(order)-shown))
			break
		}
		if count[n] > 1 {
			out = append(out, redact.F("%s ×%d", n, count[n]).Short(120))
		} else {
			out = append(out, redact.F("%s", n).Short(120))
		}
	}
	return redact.Join(", ", out...)
}
