package runbook

import (
	"io/fs"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/runbooks"
)

func TestKnownSQLIsWhatTheGrammarAllows(t *testing.T) {
	t.Parallel()
	for sql := range knownSQL {
		if err := judgeSQL(sql); err != nil {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

func TestTheShippedRunbooksNeedNoGrammar(t *testing.T) {
	t.Parallel()
	asked := map[string]bool{}
	files, err := fs.Glob(runbooks.Files(), "*.md")
	if err != nil || len(files) == 0 {
		t.Fatalf("shipped runbooks: %v %v", files, err)
	}
	for _, name := range files {
		data, err := fs.ReadFile(runbooks.Files(), name)
		if err != nil {
			t.Fatal(err)
		}
		book, err := Parse(name, data)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range book.Steps() {
			if s.Operation != nil && s.Operation.Has("sql") {
				asked[s.Operation.Get("sql")] = true
			}
		}
	}
	if diff := cmp.Diff(asked, knownSQL); diff != "" {
		t.Errorf("SQL of the shipped runbooks (-) and the list (+):\n%s", diff)
	}
}
