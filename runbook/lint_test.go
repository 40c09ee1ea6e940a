package runbook_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/runbook"
)

var update = flag.Bool("update", false, "write the golden files anew")

func TestLintReadsRunbooksOfManyStyles(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/styles/*.md")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d styles (%v), want at least 20", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			report := &runbook.Report{}
			report.Add(parseFile(t, file), nil)
			var got bytes.Buffer
			if err := report.WriteText(&got); err != nil {
				t.Fatal(err)
			}
			golden := strings.TrimSuffix(file, ".md") + ".golden"
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got.String()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLintWritesOneObjectForEachCommand(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := put(t, dir, "a.md", "# A\n\n## P\n\n### S\n\n```bash\n# Look\nkubectl get pods -n <namespace>\nkubectl get pods > x\nkubectl edit pod x\n```\n")
	report := runbook.LintPaths([]string{dir}, nil)
	var out bytes.Buffer
	if err := report.WriteJSON(&out); err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{
		{"file": file, "line": 9.0, "section": "S", "title": "Look", "source": "kubectl get pods -n <namespace>", "class": "check", "op": "get pods", "reason": ""},
		{"file": file, "line": 10.0, "section": "S", "title": "Look", "source": "kubectl get pods > x", "class": "refused", "op": "", "reason": "> redirects input or output; if this is a placeholder, write it as <name>"},
		{"file": file, "line": 11.0, "section": "S", "title": "Look", "source": "kubectl edit pod x", "class": "manual", "op": "", "reason": "it opens an editor; change it by hand, or write the change as kubectl set, scale or patch"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if !report.Failed() {
		t.Error("a refused command must fail the report")
	}
}

func TestAnEmptyReportIsAnEmptyArray(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	if err := (&runbook.Report{}).WriteJSON(&out); err != nil || strings.TrimSpace(out.String()) != "[]" {
		t.Errorf("got %q, %v", out.String(), err)
	}
}

func TestLintFailsOnWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	empty := t.TempDir()
	for name, path := range map[string]string{
		"a file that is not there":     filepath.Join(empty, "none.md"),
		"a directory without runbooks": empty,
		"a file that is not text":      put(t, t.TempDir(), "a.md", "# A\x00B"),
		"a file in UTF-16":             put(t, t.TempDir(), "a.md", "\xff\xfe#\x00"),
		"a file beyond a mebibyte":     put(t, t.TempDir(), "a.md", strings.Repeat("x", 1<<20+1)),
	} {
		report := runbook.LintPaths([]string{path}, nil)
		if len(report.Unreadable) != 1 || !strings.Contains(report.Unreadable[0], path) || !report.Failed() {
			t.Errorf("%s: unreadable %q, failed %v", name, report.Unreadable, report.Failed())
		}
	}
}

func TestManualStepsAloneDoNotFailLint(t *testing.T) {
	t.Parallel()
	file := put(t, t.TempDir(), "a.md", "```bash\nkubectl edit pod x\n```\n")
	if report := runbook.LintPaths([]string{file}, nil); report.Failed() || len(report.Lines) != 1 {
		t.Errorf("failed %v with %v", report.Failed(), report.Lines)
	}
}

func TestLintKnowsTheServicesOfACatalogue(t *testing.T) {
	t.Parallel()
	known := &catalog.Catalog{Services: []catalog.Service{{Name: "shop", Aliases: []string{"store"}, Kind: "backend"}}}
	file := put(t, t.TempDir(), "a.md", "# A\n\n## P\n\n### Backend Service Down\n\n```bash {for=store}\nkubectl get pods -n a\n```\n\n### Kafka Service Down\n\n```bash {for=shpo}\nkubectl get pods -n a\n```\n")
	report := runbook.LintPaths([]string{file}, known)
	var out bytes.Buffer
	if err := report.WriteText(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`no service is called or of kind "shpo"`, `no service is of kind "kafka"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("want %q in\n%s", want, out.String())
		}
	}
	if strings.Contains(out.String(), `"store"`) || strings.Contains(out.String(), `"backend"`) {
		t.Errorf("known names are reported:\n%s", out.String())
	}
}

func put(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
