package diagnose

import (
	"slices"
	"time"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// lead is how long before a trouble shows the line may have been written that tells of its cause: a probe fails three times before its pod is unready.
const lead = time.Minute

// memory is a line of a log that tells of what is over, and how that is said.
type memory struct{ line, text redact.Text }

// weigh takes facts from logs, which tell of the past: only while the pods are in trouble. A line that a check of just now speaks against, or that was
// written last before the newest trouble began, is the cause of nothing; it comes back as evidence with its time.
func (f facts) weigh(logged []finding.Signal, below []Case) (past []memory) {
	if !f.has(troubles...) {
		return nil
	}
	began := f.newest()
	checked := map[finding.Kind]bool{}
	for _, s := range logged {
		checked[s.Kind] = f.has(s.Kind)
	}
	slices.SortStableFunc(logged, func(a, b finding.Signal) int { return b.Since.Compare(a.Since) })
	said := map[finding.Kind]bool{}
	over := func(s finding.Signal, text redact.Text) {
		if !said[s.Kind] && !f.has(s.Kind) { // the newest of a kind says enough
			said[s.Kind], past = true, append(past, memory{s.Detail, text})
		}
	}
	for _, s := range logged {
		good, bad := asking(s, below)
		i := slices.IndexFunc(good, func(k finding.Kind) bool { return f.has(k) })
		switch {
		case checked[s.Kind]:
			f.by[s.Kind] = append(f.by[s.Kind], s) // a check sees it as well
		case f.has(bad...):
			// The check says it better.
		case i >= 0:
			now, _ := f.first(good[i])
			over(s, redact.F("%s; by now %s", told(s, began), speaks(now)))
		case old(s, began):
			over(s, told(s, began))
		default:
			f.by[s.Kind] = append(f.by[s.Kind], s)
		}
	}
	return past
}

// asking are the facts of checks that ask for the very thing that a line of a log tells of: those that find it well, and those that do not.
func asking(s finding.Signal, below []Case) (good, bad []finding.Kind) {
	switch s.Kind {
	case finding.DiskFull:
		return []finding.Kind{finding.DiskRoom}, nil
	case finding.DBConnections:
		return []finding.Kind{finding.DBAnswers}, []finding.Kind{finding.DBRefusing}
	case finding.DNSFailing:
		return []finding.Kind{finding.HostReached, finding.DBAnswers, finding.RedisAnswers}, nil
	case finding.Unreachable, finding.DependencyDown:
		// That the database answers says nothing of Redis.
		for _, b := range below {
			switch {
			case s.Object != "Service/"+b.Service.Name:
			case b.Service.Kind == "database":
				return []finding.Kind{finding.DBAnswers}, []finding.Kind{finding.DBRefusing, finding.DBConnections}
			case b.Service.Kind == "redis" || b.Service.Kind == "cache":
				return []finding.Kind{finding.RedisAnswers}, []finding.Kind{finding.RedisDown}
			}
		}
		return []finding.Kind{finding.HostReached, finding.DBAnswers, finding.RedisAnswers}, []finding.Kind{finding.DBRefusing, finding.RedisDown}
	}
	return nil, nil
}

// newest is when the newest trouble began, zero when nobody knows.
func (f facts) newest() time.Time {
	var at time.Time
	for _, k := range troubles {
		for _, s := range f.by[k] {
			if s.Since.After(at) {
				at = s.Since
			}
		}
	}
	return at
}

// old reports whether a line of a log was written last before the trouble of now began. One without a time is not.
func old(s finding.Signal, began time.Time) bool {
	return !s.Since.IsZero() && s.Since.Add(lead).Before(began)
}

// told says a line of a log with its time, and how long before the trouble it was written last.
func told(s finding.Signal, began time.Time) redact.Text {
	line := s.Detail.Short(longLine)
	switch {
	case old(s, began):
		return redact.F("earlier in the log, last at %s, %d min before this began: %s", clock(s.Since), int(began.Sub(s.Since).Minutes()), line)
	case s.Since.IsZero():
		return redact.F("the log says: %s", line)
	default:
		return redact.F("in the log, last at %s: %s", clock(s.Since), line)
	}
}

// withLog adds what the log says, where a check read it.
func (f facts) withLog(h finding.Hypothesis) finding.Hypothesis {
	l, ok := f.first(finding.LogErrors)
	switch began := f.newest(); {
	case !ok || l.Detail.Empty() || slices.ContainsFunc(f.past, func(m memory) bool { return m.line.String() == l.Detail.String() }):
		// remember says it.
	case old(l, began):
		h.For = append(h.For, told(l, began))
	default:
		h.For = append(h.For, redact.F("the log says: %s", l.Detail.Short(longLine)))
	}
	return h
}

// remember says what is over by now under the likeliest hypothesis.
func (f facts) remember(list []finding.Hypothesis) {
	if len(list) == 0 {
		return
	}
	best := 0
	for i := range list {
		if list[i].Score > list[best].Score {
			best = i
		}
	}
	for _, m := range f.past {
		list[best].For = append(list[best].For, m.text)
	}
}
