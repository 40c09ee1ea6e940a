package runbook_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/runbook"
)

const (
	shippedText = "# Shipped\n\n## First\n\n```bash\nkubectl get pods\n```\n"
	ownText     = "# Own\n\n## First\n\n```bash\nkubectl get nodes\n```\n"
)

// mounted is a folder as the kubelet mounts a ConfigMap: files are links into ..data, which is a link to a folder with a time in its name.
type mounted struct{ dir string }

func mount(t *testing.T, files map[string]string) mounted {
	t.Helper()
	m := mounted{t.TempDir()}
	m.swap(t, "..2026_11_24_1", files)
	for name := range files {
		if err := os.Symlink(filepath.Join("..data", name), filepath.Join(m.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return m
}

// swap puts other contents in place, all at once.
func (m mounted) swap(t *testing.T, version string, files map[string]string) {
	t.Helper()
	at := filepath.Join(m.dir, version)
	if err := os.Mkdir(at, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		write(t, filepath.Join(at, name), text)
	}
	link := filepath.Join(m.dir, "..data_tmp")
	if err := os.Symlink(version, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(link, filepath.Join(m.dir, "..data")); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func library(t *testing.T, dir string) *runbook.Library {
	t.Helper()
	l, err := runbook.NewLibrary(fstest.MapFS{"service-down.md": {Data: []byte(shippedText)}, "network.md": {Data: []byte(shippedText)}}, dir)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// shelf is what the library holds: name=title for each runbook, name!why for each that is broken.
func shelf(l *runbook.Library) []string {
	var out []string
	for _, b := range l.All() {
		out = append(out, b.Name()+"="+b.Title)
	}
	for _, b := range l.Broken() {
		kept := ""
		if b.Kept {
			kept = " (kept)"
		}
		why := b.Why
		for _, dir := range []string{filepath.Dir(b.File), b.File} {
			why = strings.ReplaceAll(why, dir+"/", "")
		}
		out = append(out, filepath.Base(b.File)+"!"+why+kept)
	}
	return out
}

func TestTheFoldersRunbooksStandBesideTheShippedOnes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "Payments.md"), ownText)
	write(t, filepath.Join(dir, "service-down.md"), ownText)
	write(t, filepath.Join(dir, "notes.txt"), ownText)
	write(t, filepath.Join(dir, ".hidden.md"), ownText)
	l := library(t, dir)
	if diff := cmp.Diff([]string{"network=Shipped", "payments=Own", "service-down=Own"}, shelf(l)); diff != "" {
		t.Error(diff)
	}
	for _, name := range []string{"payments", "PAYMENTS", "payments.md"} {
		if _, ok := l.Named(name); !ok {
			t.Errorf("%s is not found", name)
		}
	}
	if _, ok := l.Named("notes"); ok {
		t.Error("a text file became a runbook")
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	rewritten := strings.Replace(ownText, "# Own", "# Rewritten", 1)
	for name, c := range map[string]struct {
		files   map[string]string // after the change; the folder held mine.md = ownText before
		changed bool
		want    []string
	}{
		"the same again is no change":          {map[string]string{"mine.md": ownText}, false, []string{"mine=Own", "network=Shipped", "service-down=Shipped"}},
		"new contents are taken":               {map[string]string{"mine.md": rewritten}, true, []string{"mine=Rewritten", "network=Shipped", "service-down=Shipped"}},
		"a broken one keeps its last contents": {map[string]string{"mine.md": "\x00\x01"}, true, []string{"mine=Own", "network=Shipped", "service-down=Shipped", "mine.md!read runbook mine.md: it is not UTF-8 text; save it as UTF-8 Markdown (kept)"}},
		"an empty one keeps its last contents": {map[string]string{"mine.md": "\n"}, true, []string{"mine=Own", "network=Shipped", "service-down=Shipped", "mine.md!there is no command and no text in it (kept)"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := mount(t, map[string]string{"mine.md": ownText})
			l := library(t, m.dir)
			held := l.All()
			m.swap(t, "..2026_11_24_2", c.files)
			if got := l.Reload(); got != c.changed {
				t.Errorf("changed is %v", got)
			}
			if diff := cmp.Diff(c.want, shelf(l)); diff != "" {
				t.Error(diff)
			}
			if held[0].Title != "Own" {
				t.Error("a runbook in somebody's hands was changed")
			}
			if l.Reload() {
				t.Error("reading the same again is called a change")
			}
			m.swap(t, "..2026_11_24_3", map[string]string{"mine.md": rewritten})
			l.Reload()
			if diff := cmp.Diff([]string{"mine=Rewritten", "network=Shipped", "service-down=Shipped"}, shelf(l)); diff != "" {
				t.Errorf("mended: %s", diff)
			}
		})
	}
}

func TestAFileThatHasGoneGivesWayToTheShippedOne(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	own := filepath.Join(dir, "service-down.md")
	write(t, own, ownText)
	l := library(t, dir)
	if err := os.Remove(own); err != nil {
		t.Fatal(err)
	}
	if !l.Reload() {
		t.Error("nothing changed")
	}
	if diff := cmp.Diff([]string{"network=Shipped", "service-down=Shipped"}, shelf(l)); diff != "" {
		t.Error(diff)
	}
}

func TestAFolderThatCannotBeReadKeepsWhatWasThere(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "books")
	l := library(t, dir)
	if diff := cmp.Diff([]string{"network=Shipped", "service-down=Shipped", "books!books: no such file or directory"}, shelf(l)); diff != "" {
		t.Error(diff)
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "mine.md"), ownText)
	if !l.Reload() {
		t.Error("the folder that came back was not noticed")
	}
	if err := os.Rename(dir, dir+"-away"); err != nil {
		t.Fatal(err)
	}
	l.Reload()
	if diff := cmp.Diff([]string{"mine=Own", "network=Shipped", "service-down=Shipped", "books!books: no such file or directory (kept)"}, shelf(l)); diff != "" {
		t.Error(diff)
	}
}

func TestABrokenShippedRunbookIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := runbook.NewLibrary(fstest.MapFS{"bad.md": {Data: []byte{0}}}, ""); err == nil {
		t.Error("no error")
	}
}

func TestForKeepsWhatAppliesToTheService(t *testing.T) {
	t.Parallel()
	book, err := runbook.Parse("x.md", []byte("# X\n\n## All\n\n```bash\nkubectl get pods\n```\n\n```bash {for=redis}\nkubectl get nodes\n```\n\n"+
		"## Kinds\n\n### Backend Service Down\n\n```bash\nkubectl get events\n```\n\n### Redis Service Down\n\n```bash\nkubectl get pvc\n```\n\n"+
		"## Cache only\n\n```bash {for=cache}\nkubectl top pods\n```\n"))
	if err != nil {
		t.Fatal(err)
	}
	for kind, want := range map[string][]string{
		"backend": {"kubectl get pods", "kubectl get events"},
		"redis":   {"kubectl get pods", "kubectl get nodes", "kubectl get pvc", "kubectl top pods"},
		"":        {"kubectl get pods"},
	} {
		svc := catalog.Service{Name: "web", Kind: kind}
		if kind == "redis" {
			svc.Name = "cache"
		}
		var got []string
		fit := book.For(svc)
		for _, s := range fit.Steps() {
			got = append(got, s.Source)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("kind %q: %s", kind, diff)
		}
		for _, p := range fit.Phases {
			if len(p.Sections) == 0 {
				t.Errorf("kind %q: phase %s is empty", kind, p.Title)
			}
		}
	}
	if n := len(book.Steps()); n != 5 {
		t.Errorf("the document itself has %d steps left", n)
	}
}
