package runbook_test

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/runbook"
)

// piped is the filter behind "kubectl get pods".
func piped(t *testing.T, filter string) (runbook.Filter, bool) {
	t.Helper()
	s := runbook.Classify("kubectl get pods -o json | " + filter)
	if s.Class != runbook.Check {
		return runbook.Filter{}, false
	}
	return s.Operation.Filters[0], true
}

// TestNoFilterExplodes is not parallel: it measures the memory of the process.
func TestNoFilterExplodes(t *testing.T) {
	list := `{"items":[` + strings.TrimSuffix(strings.Repeat(`{"metadata":{"name":"a"}},`, 2000), ",") + `]}`
	for name, tc := range map[string]struct{ filter, in string }{
		"a text doubled forty times":              {`jq '"0123456789"` + strings.Repeat("|.+.", 40) + `'`, "{}"},
		"a text in itself":                        {`jq -r '"0123456789"` + strings.Repeat(`|"\(.)\(.)"`, 40) + `'`, "{}"},
		"an array of itself":                      {`jq '.` + strings.Repeat("|[.,.]", 60) + `'`, "{}"},
		"an array of itself behind a condition":   {`jq '.` + strings.Repeat("|[.,.]", 60) + `|length'`, "{}"},
		"an object of itself":                     {`jq -c '.` + strings.Repeat("|{a:.,b:.}", 50) + `'`, "{}"},
		"an object of itself as text":             {`jq '.` + strings.Repeat("|{a:.,b:.}", 50) + `|tojson'`, "{}"},
		"texts of texts of texts":                 {`jq '"\\"` + strings.Repeat("|tojson", 60) + `'`, "{}"},
		"everything with everything":              {`jq '[.items[].metadata.name as $x | .items[] | .items?, $x, $x, $x, $x] | [.[]?+.[]?] | length'`, list},
		"everything for everything":               {`jq '. as $all | .items | map($all) | map($all.items[]) | length'`, list},
		"all of it for each of it":                {`jq -c '. as $all | .items[] | $all'`, list},
		"a text taken apart and put together":     {`jq '"0123456789"` + strings.Repeat("|.+.", 18) + `| [., ., ., ., ., ., ., ., ., .] | add | split("0") | length'`, "{}"},
		"a text divided by nothing":               {`jq '"0123456789"` + strings.Repeat("|.+.", 24) + `/ "" | length'`, "{}"},
		"all that can be paired":                  {`jq '[.items[] | .metadata.name] | [(.[]|.) + (.[]|.)] | [.[] + .[]] | length'`, list},
		"a greedy pattern over a long line":       {`grep -E '(a*)*(a*)*(a*)*b'`, strings.Repeat("a", 1<<20)},
		"a pattern that is repeated and repeated": {`grep -E '((a{1,30}){1,30}){1,30}b'`, strings.Repeat("a", 1<<12)},
		"every line around every line":            {`grep -A 9223372036854775807 -B 9223372036854775807 a`, strings.Repeat("a\n", 1<<16)},
		"one field many times":                    {`awk '{print ` + strings.TrimSuffix(strings.Repeat("$1,", 300), ",") + `}'`, strings.Repeat(strings.Repeat("a", 1<<16)+"\n", 16)},
	} {
		f, ok := piped(t, tc.filter)
		if !ok {
			continue // it is not even understood
		}
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		start := time.Now()
		out, err := f.Run(ctx, tc.in)
		cancel()
		runtime.ReadMemStats(&after)
		if sys := int64(after.HeapSys) - int64(before.HeapSys); sys > 600<<20 || len(out) > 80<<20 {
			t.Errorf("%s: %d MiB of memory, %d MiB of output, %v", name, sys>>20, len(out)>>20, err)
		}
		t.Logf("%s: %s, %d KiB of output, %v", name, time.Since(start).Round(time.Millisecond), len(out)>>10, err)
	}
}

func TestUsualFiltersAreNotMeasuredAway(t *testing.T) {
	t.Parallel()
	list := `{"items":[{"metadata":{"name":"a","labels":{"app":"x"}},"status":{"phase":"Running","n":2}},{"metadata":{"name":"b"},"status":{"phase":"Failed","n":1}}]}`
	for filter, want := range map[string]string{
		`jq -r '.items[] | select(.status.phase != "Running") | .metadata.name'`:    "b\n",
		`jq -r '.items[] | "\(.metadata.name) \(.status.phase)"'`:                   "a Running\nb Failed\n",
		`jq -r '.items[] | [.metadata.name, .status.n] | @tsv'`:                     "a\t2\nb\t1\n",
		`jq -r '[.items[].metadata.name] | join(", ")'`:                             "a, b\n",
		`jq -c '.items | map({name: .metadata.name, n: .status.n}) | sort_by(.n)'`:  "[{\"n\":1,\"name\":\"b\"},{\"n\":2,\"name\":\"a\"}]\n",
		`jq '[.items[].status.n] | add'`:                                            "3\n",
		`jq -r '.items[] | .metadata.name + " is " + .status.phase'`:                "a is Running\nb is Failed\n",
		`jq -c '.items[0].metadata.labels | to_entries | map(.key + "=" + .value)'`: "[\"app=x\"]\n",
		`jq '.items | length'`: "2\n",
		`jq -c '.items | group_by(.status.phase) | map({(.[0].status.phase): length}) | add'`: "{\"Failed\":1,\"Running\":1}\n",
	} {
		f, ok := piped(t, filter)
		if !ok {
			t.Errorf("%s is not understood", filter)
			continue
		}
		if got, err := f.Run(t.Context(), list); err != nil || got != want {
			t.Errorf("%s: %q, %v; want %q", filter, got, err, want)
		}
	}
}
