package diagnose

import (
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// troubles are the facts whose beginning is that of the trouble.
var troubles = []finding.Kind{
	finding.CrashLoop, finding.OOMKilled, finding.ImagePull, finding.ConfigError, finding.NotReady, finding.Pending, finding.NodeDown, finding.NoPods,
	finding.Evicted, finding.DBRefusing, finding.RedisDown,
}

// Began is when the trouble began that the findings tell of, zero when there is none or nobody knows.
func Began(findings []finding.Finding) time.Time {
	var began time.Time
	for _, f := range findings {
		for _, s := range f.Signals {
			if slices.Contains(troubles, s.Kind) && !s.Since.IsZero() && (began.IsZero() || s.Since.Before(began)) {
				began = s.Since
			}
		}
	}
	return began
}

// Suspects orders the changes that may have led to the trouble, the worst suspect first. What came after the trouble began, or more than an hour
// before it, is none. Without a beginning (zero) every change is one.
func Suspects(changes []finding.Change, began time.Time) []finding.Change {
	var out []finding.Change
	for _, c := range changes {
		if began.IsZero() || c.When.Before(began.Add(slack)) && began.Sub(c.When) < time.Hour {
			out = append(out, c)
		}
	}
	slices.SortStableFunc(out, func(a, b finding.Change) int {
		if d := guilt(b) - guilt(a); d != 0 {
			return d
		}
		return b.When.Compare(a.When)
	})
	return out
}

// Harmless reports whether a change is of a kind that brings no trouble: something that is new, a node that joined.
func Harmless(c finding.Change) bool { return c.What.String() == made || guilt(c) == 0 }

// made is what a change says of an object that is new.
const made = "it was made"

// guilt is how often a change of its kind turns out to be the cause, in steps.
func guilt(c finding.Change) int {
	switch c.Kind {
	case finding.ChangeRollout, finding.ChangeNetwork:
		if c.What.String() == made {
			return 0
		}
		return 3
	case finding.ChangeConfig, finding.ChangeRequest:
		return 2
	case finding.ChangeNode:
		if strings.Contains(c.What.String(), "again") || strings.Contains(c.What.String(), "joined") {
			return 0
		}
		return 3
	case finding.ChangeScale:
		if strings.HasSuffix(c.What.String(), " to 0") {
			return 3
		}
		return 1
	default:
		return 1
	}
}

// Headline names a change with its time: "rollout 7 at 14:02 by helm".
func Headline(c finding.Change) redact.Text {
	kind, name, _ := strings.Cut(c.Object, "/")
	what := redact.F("%s %s", strings.ToLower(kind), name)
	switch {
	case c.Kind == finding.ChangeRollout && c.Revision > 0:
		what = redact.F("rollout %d", c.Revision)
	case c.Kind == finding.ChangeRollout:
		what = redact.F("rollout of %s", name)
	case c.Kind == finding.ChangeRestart:
		what = redact.F("restart of %s", name)
	case c.Kind == finding.ChangeConfig, c.Kind == finding.ChangeNetwork:
		what = redact.F("%s", c.Object)
	}
	h := redact.F("%s at %s", what, clock(c.When))
	if c.Who != "" {
		h = redact.F("%s by %s", h, c.Who)
	}
	return h
}

// Before says how long before the trouble a change came: "3 min before it began".
func Before(c finding.Change, began time.Time) redact.Text {
	d := began.Sub(c.When)
	switch {
	case began.IsZero():
		return redact.Text{}
	case d < time.Minute:
		return redact.Const("right before it began")
	default:
		return redact.F("%d min before it began", int(d.Minutes()))
	}
}
