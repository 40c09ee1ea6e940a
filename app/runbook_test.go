package app_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/app"
)

func TestLintOfTheShippedRunbooksSucceedsWithoutClusterOrConfiguration(t *testing.T) {
	t.Parallel()
	var out, errOut bytes.Buffer
	if err := app.LintRunbooks([]string{"../runbooks/service-down.md"}, "", false, &out, &errOut); err != nil {
		t.Fatalf("%v\n%s%s", err, out.String(), errOut.String())
	}
	if want := "40 of 40 commands typed: 32 checks, 6 actions, 2 messages; 0 manual, 0 refused\n"; !strings.HasSuffix(out.String(), want) {
		t.Errorf("want %q at the end of\n%s", want, out.String())
	}
}

func TestLintFailsOnRefusedCommandsAndMissingFilesAndStillShowsTheRest(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "a.md")
	if err := os.WriteFile(file, []byte("```bash\nkubectl get pods -n a && id\nkubectl get pods -n a\n```\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out, errOut bytes.Buffer
	err := app.LintRunbooks([]string{file, "none.md"}, "", true, &out, &errOut)
	if !errors.Is(err, app.ErrLint) {
		t.Errorf("got %v, want %v", err, app.ErrLint)
	}
	var lines []map[string]any
	if err := json.Unmarshal(out.Bytes(), &lines); err != nil || len(lines) != 2 {
		t.Errorf("%v: want two objects in\n%s", err, out.String())
	}
	if !strings.Contains(errOut.String(), "none.md") {
		t.Errorf("the missing file is not named: %q", errOut.String())
	}
}

func TestLintNamesWhatIsWrongWithTheCatalogue(t *testing.T) {
	t.Parallel()
	var out, errOut bytes.Buffer
	if err := app.LintRunbooks([]string{"../runbooks"}, "none.yaml", false, &out, &errOut); err == nil || !strings.Contains(err.Error(), "none.yaml") {
		t.Errorf("got %v, want an error that names none.yaml", err)
	}
}
