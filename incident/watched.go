package incident

import "strings"

// Watched is what probes of one health URL have seen: N failures of the last M make it failing, N successes in a row make it well again.
type Watched struct {
	// Results are the newest results, the last one first: + for well, - for failed.
	Results string
	Failing bool
}

// Next adds a result, with N failures of the last M probes to count as failing. turned is true when Failing changed.
func (w Watched) Next(well bool, n, m int) (next Watched, turned bool) {
	mark := "-"
	if well {
		mark = "+"
	}
	next.Results = mark + w.Results
	next.Results = next.Results[:min(len(next.Results), m)]
	next.Failing = w.Failing
	if w.Failing {
		next.Failing = !strings.HasPrefix(next.Results, strings.Repeat("+", n))
	} else {
		next.Failing = strings.Count(next.Results, "-") >= n
	}
	if turned = next.Failing != w.Failing; turned {
		next.Results = "" // what made it turn must not make it turn again
	}
	return next, turned
}
