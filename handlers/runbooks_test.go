package handlers_test

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/runbook"
)

const smallBook = "# Small Runbook\n\n## First\n\n### Look\n\n```bash\n# Are the pods there\nkubectl get pods -l app=<service-name>\n```\n\n" +
	"### Redis Service Down\n\n```bash\nkubectl rollout restart deployment/<deployment-name>\n```\n"

// library makes a library of these shipped runbooks and a folder.
func library(t *testing.T, books map[string]string, dir string) *runbook.Library {
	t.Helper()
	files := fstest.MapFS{}
	for name, text := range books {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	l, err := runbook.NewLibrary(files, dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestRunbooksListsWhatIsThereAndWhatIsBroken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "broken.md"), []byte{0}, 0o600); err != nil {
		t.Fatal(err)
	}
	b.Config.Runbooks = library(t, map[string]string{"small.md": smallBook, "cache.md": "# C\n\n## P\n\n```bash {for=cache}\nkubectl get pods; rm -rf /\n```\n\n```\nkubectl get pods\n```\n"}, dir)
	c := b.says(t, "alice", "runbooks")
	if lack := lacks(c.Verdict.String(), "2 runbooks", "1 cannot be used"); lack != nil {
		t.Errorf("%s lacks %q", c.Verdict, lack)
	}
	var got [][]string
	for _, row := range c.Parts[0].Table.Rows {
		var cells []string
		for _, cell := range row {
			cells = append(cells, cell.String())
		}
		got = append(got, cells)
	}
	if diff := cmp.Diff([][]string{{"cache", "1 check", "none"}, {"small", "1 check, 1 action", "every service"}}, got); diff != "" {
		t.Error(diff)
	}
	said := c.Parts[1].Text.String() + c.Parts[2].Text.String()
	if lack := lacks(said, "broken: ", "not UTF-8", "It is not in use", "cache: refused: 1 command", "cache, line 10: this block looks like commands"); lack != nil {
		t.Errorf("%s lacks %q", said, lack)
	}
}

func TestABrokenRunbookIsToldInTheOpsChannelOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	broken := runbook.Broken{File: "/books/own.md", Name: "own", Why: "it is empty", Kept: true, Sum: "abc"}
	for range 2 {
		if err := b.TellBroken(t.Context(), broken); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"own: it is empty. Its last good text stays in use."}, b.chat.in("COPS")); diff != "" {
		t.Error(diff)
	}
	b.directory.shared = []string{"COPS"}
	broken.Sum = "def"
	if err := b.TellBroken(t.Context(), broken); err == nil {
		t.Error("nobody was told and it counts as told")
	}
}

var _ handlers.Runbooks = (*runbook.Library)(nil)
