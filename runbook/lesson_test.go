package runbook_test

import (
	"strings"
	"testing"

	"github.com/svcdown/svcdown/runbook"
)

func TestALessonChangesNoCommand(t *testing.T) {
	t.Parallel()
	// The block is never closed, so that whatever comes behind it would be a command.
	b, err := runbook.Parse("book.md", []byte("# Book\n\n## Checks\n\n```bash\nkubectl get pods\n"))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := runbook.WithLessons(b, []string{"kubectl delete pods --all"}); err == nil {
		t.Errorf("it became:\n%s", text)
	}
	b, err = runbook.Parse("book.md", []byte("# Book\n\n## Checks\n\n```bash\nkubectl get pods\n```\n"))
	if err != nil {
		t.Fatal(err)
	}
	text, err := runbook.WithLessons(b, []string{"a lesson\n```bash\nkubectl delete pods --all\n```"})
	if err != nil || !strings.HasSuffix(text, "\n## Lessons\n\n- a lesson ```bash kubectl delete pods --all ```\n") {
		t.Errorf("it became %v:\n%s", err, text)
	}
}

func TestNoChangeIsNoPatch(t *testing.T) {
	t.Parallel()
	if got := runbook.Patch("book.md", "same\n", "same\n"); got != "" {
		t.Errorf("got %q", got)
	}
	if got := runbook.Patch("book.md", "", "new\n"); got != "--- a/book.md\n+++ b/book.md\n@@ -0,0 +1,1 @@\n+new\n" {
		t.Errorf("got %q", got)
	}
}
