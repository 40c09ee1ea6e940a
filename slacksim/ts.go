package slacksim

import (
	"regexp"
	"strings"
)

var tsShape = regexp.MustCompile(`^\d{1,12}(\.\d{1,6})?$`)

// isTS reports whether s is a Slack timestamp; its fraction may be left out.
func isTS(s string) bool { return tsShape.MatchString(s) }

// tsKey makes timestamps comparable as strings.
func tsKey(s string) string {
	seconds, fraction, _ := strings.Cut(s, ".")
	return strings.Repeat("0", max(0, 12-len(seconds))) + seconds + "." + fraction + strings.Repeat("0", max(0, 6-len(fraction)))
}

func tsLess(a, b string) bool  { return tsKey(a) < tsKey(b) }
func tsEqual(a, b string) bool { return tsKey(a) == tsKey(b) }
