package steps

import (
	"fmt"
	"strings"
	"time"
)

// count says "1 row" and "2 rows".
func count(n int, singular, plural string) string {
	if n == 1 {
		return "1 " + singular
	}
	return fmt.Sprintf("%d %s", n, plural)
}

// short is a duration as a tired person reads it: two units at most.
func short(d time.Duration) string {
	switch {
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(100 * time.Millisecond).String()
	case d < time.Hour:
		return whole(d.Round(time.Second).String())
	case d < 48*time.Hour:
		return whole(d.Round(time.Minute).String())
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// whole leaves out the zeroes at the end: "6m0s" is "6m".
func whole(s string) string {
	for _, zero := range []string{"0s", "0m"} {
		if head, ok := strings.CutSuffix(s, zero); ok && strings.ContainsAny(head[max(0, len(head)-1):], "mh") {
			s = head
		}
	}
	return s
}

// size is a number of bytes in the largest unit that leaves something in front of the point.
func size(n int64) string {
	f, unit := float64(n), "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if f < 1024 {
			break
		}
		f, unit = f/1024, next
	}
	if unit == "B" || f >= 100 {
		return fmt.Sprintf("%.0f %s", f, unit)
	}
	return fmt.Sprintf("%.1f %s", f, unit)
}

func first(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}
