package runbook_test

import (
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/runbook"
)

// The grammar's module never returns when its stack is used up, so that what is nested must be refused before it or be answered soon.
func TestSQLOfAnyDepthIsAnsweredSoon(t *testing.T) {
	t.Parallel()
	runbook.Classify(psqlWith("SELECT 1")) // loads the grammar
	for name, piece := range map[string]string{
		"sums": "1+", "signs": "- ", "negations": "NOT ", "comparisons": "1=", "casts": "1::", "concatenations": "'a'||", "brackets": "(", "arrays": "ARRAY[", "cases": "CASE WHEN true THEN ",
		"subselects": "(SELECT ", "unions": "1 UNION SELECT ", "columns": "1,", "words": "a.", "intervals": "now() - ", "ands": "true AND ", "null tests": "1 IS NULL = ", "quotes": "'", "dollars": "$a$",
		"joins": "1 FROM a JOIN ", "explains": "EXPLAIN ", "comments": "/*", "operators": "@", "calls": "round(", "likes": "'a' LIKE ", "zones": "now() AT TIME ZONE ", "collations": `'a' COLLATE "C" ||`,
	} {
		for _, n := range []int{45, 170, 349, 3000} {
			for _, end := range []string{"1", "", strings.Repeat(")", n), strings.Repeat(" END", n)} {
				began := time.Now()
				step := runbook.Classify(psqlWith("SELECT " + strings.Repeat(piece, n) + end))
				if took := time.Since(began); took > 5*time.Second {
					t.Fatalf("%d %s took %s", n, name, took)
				}
				if strings.Contains(step.Reason, "cannot be checked") {
					t.Fatalf("%d %s broke the checker", n, name)
				}
			}
		}
	}
	if step := runbook.Classify(psqlWith("SELECT count(*) FROM pg_stat_activity")); step.Class != runbook.Check {
		t.Errorf("afterwards an ordinary question is %s: %s", step.Class, step.Reason)
	}
}

func psqlWith(sql string) string {
	return "kubectl exec x -- psql -c '" + strings.ReplaceAll(sql, "'", `'\''`) + "'"
}
