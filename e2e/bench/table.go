package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// row is one figure.
type row struct {
	key    string // of the list in docs/operations.md
	what   string
	world  string // "" when it does not matter
	n      int
	value  float64
	unit   string  // × for a ratio
	target float64 // at most; 0 when there is none
	note   string
}

func (r row) verdict() string {
	switch {
	case r.target == 0:
		return ""
	case r.value <= r.target:
		return "met"
	default:
		return "MISSED"
	}
}

func printTable(out io.Writer, rows []row, took time.Duration) {
	slices.SortStableFunc(rows, func(a, b row) int { return strings.Compare(a.key, b.key) })
	tw := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "\tfigure\tnamespace\tmeasured\tat most\t\tn\tof")
	for _, r := range rows {
		target := ""
		if r.target > 0 {
			target = fmt.Sprintf("%s %s", number(r.target), r.unit)
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s %s\t%s\t%s\t%d\t%s\n", r.key, r.what, r.world, number(r.value), r.unit, target, r.verdict(), r.n, r.note)
	}
	_ = tw.Flush()
	fmt.Fprintf(out, "\nOne run of %s. Ratios are of medians over n interleaved rounds, of the 99th percentile where it says p99.\n", took.Round(time.Second))
}

func number(v float64) string {
	switch {
	case v < 1:
		return fmt.Sprintf("%.3f", v)
	case v < 100:
		return fmt.Sprintf("%.2f", v)
	default:
		return fmt.Sprintf("%.0f", v)
	}
}

func median(d []time.Duration) time.Duration { return percentile(d, 50) }

// percentile is the value that p of a hundred do not exceed.
func percentile(d []time.Duration, p int) time.Duration {
	if len(d) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(d))
	return sorted[min(len(sorted)-1, (len(sorted)*p+99)/100-1)]
}

func ratio(a, b time.Duration) float64 { return a.Seconds() / b.Seconds() }

func short(d time.Duration) string {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond).String()
	}
	return d.Round(time.Millisecond).String()
}
