package diagnose

import (
	"time"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// pods says what pods do, in the right number: "2 of 3 pods crash", "1 pod crashes".
func pods(s finding.Signal, one, many string) redact.Text {
	switch {
	case s.Of > 1:
		if s.Count == 1 {
			return redact.F("1 of %d pods %s", s.Of, one)
		}
		return redact.F("%d of %d pods %s", s.Count, s.Of, many)
	case s.Count > 1:
		return redact.F("%d pods %s", s.Count, many)
	default:
		return redact.F("the pod %s", one)
	}
}

func since(s finding.Signal) redact.Text {
	if s.Since.IsZero() {
		return redact.Text{}
	}
	return redact.F(" since %s", clock(s.Since))
}

func clock(t time.Time) string { return t.In(time.UTC).Format("15:04") }

func detail(s finding.Signal) redact.Text {
	if s.Detail.Empty() {
		return redact.Text{}
	}
	return redact.F(", %s", s.Detail.Short(shortLine))
}
