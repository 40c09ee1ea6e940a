package runbook_test

import (
	"os"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/runbook"
)

// commandLines reads one command a line from a file of testdata.
func commandLines(t testing.TB, name string) []string {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSuffix(line, "\n")
		if line != "" && !strings.HasPrefix(line, "#") {
			out = append(out, line)
		}
	}
	return out
}

func TestWhatCanChangeOrRevealIsNeverACheck(t *testing.T) {
	t.Parallel()
	commands := commandLines(t, "never-checks.txt")
	if len(commands) < 150 {
		t.Fatalf("%d commands, want at least 150", len(commands))
	}
	for _, command := range commands {
		step := runbook.Classify(command)
		if step.Class == runbook.Check {
			t.Errorf("is a check (%s): %s", step.Operation, command)
		}
		if step.Class == runbook.Refused && len(step.Reason) < 10 {
			t.Errorf("is refused without a reason: %s", command)
		}
		if (step.Operation == nil) != (step.Class == runbook.Refused || step.Class == runbook.Manual) {
			t.Errorf("class %s and operation %v do not go together: %s", step.Class, step.Operation, command)
		}
	}
}

func TestWhatOnlyReadsIsACheck(t *testing.T) {
	t.Parallel()
	for _, command := range commandLines(t, "checks.txt") {
		if step := runbook.Classify(command); step.Class != runbook.Check {
			t.Errorf("is %s (%s): %s", step.Class, step.Reason, command)
		}
	}
}
