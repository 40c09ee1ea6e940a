package e2e_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/runbook"
)

// TestAPatchOfLessonsIsTakenByGit lets git itself apply the patch of a runbook.
func TestAPatchOfLessonsIsTakenByGit(t *testing.T) {
	t.Parallel()
	shipped, err := os.ReadFile("../runbooks/service-down.md")
	if err != nil {
		t.Fatal(err)
	}
	const steps = "# Book\n\n## Checks\n\n```bash\nkubectl get pods\n```\n"
	for name, c := range map[string]struct{ file, source, before string }{
		"the shipped runbook":                   {"service-down.md", string(shipped), ""},
		"no end of the last line":               {"book.md", strings.TrimSuffix(steps, "\n") + "\n\nThe end", ""},
		"blank lines at the end":                {"book.md", steps + "\n\n\n", ""},
		"a section of lessons in the middle":    {"book.md", steps + "\n## Lessons learned\n\n- one\n\n## Contacts\n\nalice\n", "## Contacts"},
		"a section of lessons without any":      {"book.md", steps + "\n### Lessons\n## Contacts\n\nalice\n", "## Contacts"},
		"a heading of that name inside of code": {"book.md", steps + "\n```text\n## Lessons\n```\n", ""},
		"lines that end as on Windows":          {"book.md", strings.ReplaceAll(steps, "\n", "\r\n"), ""},
		"a name with a blank":                   {"our book.md", steps, ""},
		"a name of other letters":               {"Störung \"db\".md", steps, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			b, err := runbook.Parse(c.file, []byte(c.source))
			if err != nil {
				t.Fatal(err)
			}
			text, err := runbook.WithLessons(b, []string{"2026-11-24, I-7K3MQX: look at the image tag first (bob)", "and a second one"})
			if err != nil {
				t.Fatal(err)
			}
			if at := strings.Index(text, "look at the image"); c.before != "" && at > strings.Index(text, c.before) {
				t.Errorf("it stands in another section:\n%s", text)
			}
			if err := os.WriteFile(filepath.Join(dir, c.file), []byte(c.source), 0o600); err != nil {
				t.Fatal(err)
			}
			for _, args := range [][]string{{"apply", "--check", "-"}, {"apply", "-"}} {
				cmd := exec.Command("git", args...)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "GIT_CEILING_DIRECTORIES="+filepath.Dir(dir))
				cmd.Stdin = strings.NewReader(runbook.Patch(c.file, c.source, text))
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("git %v: %v\n%s\n%s", args, err, out, runbook.Patch(c.file, c.source, text))
				}
			}
			got, err := os.ReadFile(filepath.Join(dir, c.file))
			if err != nil || string(got) != text {
				t.Errorf("git made of it:\n%q\nwant\n%q\n%v", got, text, err)
			}
		})
	}
}
