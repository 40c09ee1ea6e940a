package runbook_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"mvdan.cc/sh/v3/expand"
	"mvdan.cc/sh/v3/syntax"

	"github.com/svcdown/svcdown/realtool"
	"github.com/svcdown/svcdown/runbook"
)

// texts are what the filters are held against the real tools with.
var texts = map[string]string{
	"nothing":         "",
	"one line":        "backend-0 1/1 Running\n",
	"no end of line":  "a b\nc d",
	"empty lines":     "\n\nx\n\n",
	"pods":            "NAME          READY   STATUS             RESTARTS   AGE\nbackend-0     1/1     Running            0          5d\nbackend-1     0/1     CrashLoopBackOff   17         5d\nfrontend-0    1/1     Running            2          12h\nredis-0       1/1     Running            0          30d\n",
	"log":             "2026-01-01T00:00:00Z INFO started\n2026-01-01T00:00:01Z ERROR db: connection refused (ECONNREFUSED)\n2026-01-01T00:00:02Z WARN retry=1 in 5s\n2026-01-01T00:00:03Z error: [db] timeout after 30.5s\n2026-01-01T00:00:04Z INFO user_id=7 ok a+b (c) {d} x|y ^z $5\n",
	"numbers":         "10\n9\n-3\n2.50\n2.5\n007\nabc\n\n1e3\n 8\n10\n",
	"sizes":           "900K a\n1M b\n1.5G c\n20 d\n1M a\n",
	"columns":         "b:2:x\na:10:y\nc:1:z\nno separator\na:9:y\n",
	"tabs and spaces": "  a\tb  c\nd\t\te\n\tf\n",
}

func TestFiltersGiveWhatTheRealToolsGive(t *testing.T) {
	t.Parallel()
	commands := []string{
		"head", "head -n 2", "head -2", "head -n 0", "head -n -2", "head --lines=1",
		"tail", "tail -n 2", "tail -2", "tail -n 0", "tail -n +2", "tail -n +1", "tail --lines 3",
		"wc", "wc -l", "wc -w", "wc -c", "wc -lw",
		"cut -d: -f1", "cut -d : -f 1,3", "cut -f2", "cut -d: -f2-", "cut -d: -f -2", "cut -s -d: -f1", "cut -c1-4", "cut -c 2,4-", "cut -d' ' -f2",
		"sort", "sort -r", "sort -u", "sort -n", "sort -rn", "sort -nu", "sort -h", "sort -rh", "sort -k2", "sort -k2n", "sort -k2,2nr", "sort -t: -k2", "sort -t: -k2,2n", "sort -t : -k 2nr", "sort -u -k1,1 -t:", "sort -s -k1,1",
		"grep a", "grep -i error", "grep -v a", "grep -c a", "grep -n Running", "grep -vn Running", "grep -w a", "grep -x 10", "grep -o 'R[a-z]*'", "grep -on a",
		"grep -E 'error|WARN'", "grep -iE '(error|warn)'", "grep 'error\\|WARN'", "grep -E '[0-9]+s'", "grep -E '^[a-z]+-[01]'", "grep '^ERROR'", "grep 'ok$'", "grep -F '(c)'", "grep -F 'a+b'", "grep 'a+b'", "grep -E 'a\\+b'",
		"grep 'x|y'", "grep '(c)'", "grep '{d}'", "grep -E '\\{d\\}'", "grep '[.]5'", "grep '\\[db\\]'", "grep -E '\\[db\\]'", "grep '\\$5'", "grep 'a^z'", "grep '^z'", "grep '\\^z'", "grep -m 1 a", "grep -m 2 -n a",
		"grep -A1 Crash", "grep -B1 Crash", "grep -C 1 Crash", "grep -n -A1 -B1 backend-0", "grep -A1 -v a", "grep -e a", "grep -E 'e{2}'", "grep 'e\\{2\\}'", "grep -E '(o|n)+'", "grep '\\(o\\|n\\)\\+'", "grep -o '[[:digit:]]*s'",
		"grep -E '\\bdb\\b'", "grep '\\<db\\>'", "grep '*'", "grep -i '[A-C]'", "grep '[]x]'", "grep '[^a-z]'", "grep -E 'a?b'", "grep ''", "egrep 'a|b'", "fgrep '|'", "grep -Eo '(a|ab)(c|bcd)?'", "grep -E 'up|'",
		"awk '{print $1}'", "awk '{print $1, $3}'", "awk '{print $NF}'", "awk '{print}'", "awk '{print $0}'", "awk '{ print $2 ; }'", "awk -F: '{print $2}'", "awk -F : '{print $1,$2}'", "awk '{print $99}'", "awk -F'\\t' '{print $2}'", "awk -F'|' '{print $2}'",
	}
	for _, command := range commands {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			filter := filterOf(t, command)
			for name, in := range texts {
				got, err := filter.Run(t.Context(), in)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if diff := cmp.Diff(realOutput(t, command, in), got); diff != "" {
					t.Errorf("%s: (-real +ours):\n%s", name, diff)
				}
			}
		})
	}
}

// Our jq writes the keys of objects by name, as the real one does with -S.
func TestJQGivesWhatTheRealOneGives(t *testing.T) {
	t.Parallel()
	in := `{"items":[{"metadata":{"name":"b","labels":{"app":"x"}},"status":{"phase":"Running","n":1.5}},
		{"metadata":{"name":"a","labels":null},"status":{"phase":"Pending","note":"<a> & \"b\"\né"}}],"empty":{},"none":[]}` + "\n" + `{"items":[]}`
	for _, command := range []string{
		"jq", "jq .", "jq .items", "jq -c .", "jq -r '.items[].metadata.name'", "jq '.items[].metadata.name'", "jq -c '.items | map(.metadata.name)'",
		"jq -r '.items[] | select(.status.phase == \"Pending\") | .metadata.name'", "jq '.items | length'", "jq -c '[.items[].metadata.name] | sort'",
		"jq -r '.items[] | \"\\(.metadata.name) \\(.status.phase)\"'", "jq -c '.items[] | {name: .metadata.name, phase: .status.phase}'", "jq -r '.items[] | [.metadata.name, .status.phase] | @tsv'",
		"jq '.items[0].status.note'", "jq -r '.items[1].status.note'", "jq .missing", "jq 'keys'", "jq '.items[]?.metadata.labels.app // \"none\"'", "jq -c '.items | group_by(.status.phase) | map({(.[0].status.phase): length})'",
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			got, err := filterOf(t, command).Run(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(realOutput(t, strings.Replace(command, "jq", "jq -S", 1), in), got); diff != "" {
				t.Errorf("(-real +ours):\n%s", diff)
			}
		})
	}
}

func TestJQSaysWhenTheTextIsNoJSON(t *testing.T) {
	t.Parallel()
	if out, err := filterOf(t, "jq .").Run(t.Context(), "NAME READY\n"); err == nil {
		t.Errorf("want an error, got %q", out)
	}
}

func filterOf(t *testing.T, command string) runbook.Filter {
	t.Helper()
	step := runbook.Classify("kubectl get pods | " + command)
	if step.Class != runbook.Check {
		t.Fatalf("%s: %s", command, step.Reason)
	}
	return step.Operation.Filters[0]
}

// realOutput runs the tool itself in the C locale.
func realOutput(t *testing.T, command, in string) string {
	t.Helper()
	var words []*syntax.Word
	for w, err := range syntax.NewParser().WordsSeq(strings.NewReader(command)) {
		if err != nil {
			t.Fatalf("%s: %v", command, err)
		}
		words = append(words, w)
	}
	argv, err := expand.Fields(nil, words...)
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	r, err := realtool.Run(t.Context(), []string{"LC_ALL=C"}, in, argv...)
	if err != nil {
		t.Fatalf("(apt-get install coreutils grep gawk jq) %v", err)
	}
	if r.Code != 0 && r.Stderr != "" && !strings.Contains(r.Stderr, "obsolescent") {
		t.Fatalf("%s: exit %d: %s", command, r.Code, r.Stderr)
	}
	return r.Stdout
}
