package incident_test

import (
	"testing"

	"github.com/svcdown/svcdown/incident"
)

func TestAWatchedURLFailsAndComesBack(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		n, m    int
		results string // as they come
		failing string // y or n after each
	}{
		"one failure is no outage":           {3, 5, "++-++-+++", "nnnnnnnnn"},
		"three of five are":                  {3, 5, "-+-+-", "nnnny"},
		"what is older than five is over":    {3, 5, "--++++-", "nnnnnnn"},
		"three in a row end it":              {3, 5, "---++-+++", "nnyyyyyyn"},
		"the first probe may be enough":      {1, 1, "-+-+", "ynyn"},
		"what made it fail is forgotten":     {3, 9, "---+++++", "nnyyynnn"},
		"after its end it needs three again": {3, 5, "---+++-+-", "nnyyynnnn"},
	} {
		var w incident.Watched
		got := ""
		for _, r := range tc.results {
			next, turned := w.Next(r == '+', tc.n, tc.m)
			if turned != (next.Failing != w.Failing) || len(next.Results) > tc.m {
				t.Errorf("%s: got %+v after %+v, turned %v", name, next, w, turned)
			}
			w = next
			got += map[bool]string{true: "y", false: "n"}[w.Failing]
		}
		if got != tc.failing {
			t.Errorf("%s: got %s, want %s", name, got, tc.failing)
		}
	}
}
