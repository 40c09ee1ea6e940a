package svcdown_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestSafetyNamesTestsThatExist holds docs/safety.md against the tests and stories that it names as witnesses.
func TestSafetyNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/safety.md")
	if err != nil {
		t.Fatal(err)
	}
	_, claims, found := strings.Cut(string(page), "\n## ") // the introduction explains the form with made-up names
	if !found {
		t.Fatal("docs/safety.md has no section")
	}
	in := testFunctions(t)
	named := regexp.MustCompile("`(?:([a-z0-9]+)\\.)?((?:Test|Fuzz)[A-Z]\\w*)`").FindAllStringSubmatch(claims, -1)
	stories := regexp.MustCompile("`([a-z_/]+\\.txtar)`").FindAllStringSubmatch(claims, -1)
	if len(named) == 0 || len(stories) == 0 {
		t.Fatalf("docs/safety.md names %d tests and %d stories", len(named), len(stories))
	}
	for _, m := range named {
		folder, name := m[1], m[2]
		folders, ok := in[name]
		if !ok {
			t.Errorf("%s is named and does not exist", name)
		} else if folder != "" && !folders[folder] {
			t.Errorf("%s is not in a folder %s", name, folder)
		}
	}
	for _, m := range stories {
		if _, err := os.Stat(filepath.Join("e2e", "testdata", m[1])); err != nil {
			t.Errorf("the story %s is named and does not exist", m[1])
		}
	}
}

// testFunctions returns the folders in which each test and fuzz function of the repository stands, by the folder's last name.
func testFunctions(t *testing.T) map[string]map[string]bool {
	t.Helper()
	function := regexp.MustCompile(`(?m)^func ((?:Test|Fuzz)\w+)\(`)
	found := map[string]map[string]bool{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range function.FindAllStringSubmatch(string(source), -1) {
			if found[m[1]] == nil {
				found[m[1]] = map[string]bool{}
			}
			found[m[1]][filepath.Base(filepath.Dir(path))] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestTheTimelineOfTheDocsIsTheStorys holds the journey that docs/architecture.md prints against the story that tells it.
func TestTheTimelineOfTheDocsIsTheStorys(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	story, err := os.ReadFile("e2e/testdata/journey.txtar")
	if err != nil {
		t.Fatal(err)
	}
	_, golden, found := strings.Cut(string(story), "-- timeline.golden --\n")
	golden, _, ended := strings.Cut(golden, "-- ")
	if !found || !ended {
		t.Fatal("journey.txtar has no timeline.golden")
	}
	want := "    " + strings.ReplaceAll(strings.TrimSpace(golden), "\n", "\n    ") + "\n"
	if !strings.Contains(string(page), want) {
		t.Errorf("docs/architecture.md does not print the timeline of journey.txtar:\n%s", want)
	}
	for _, m := range regexp.MustCompile("`([a-z_/]+\\.txtar)`").FindAllStringSubmatch(string(page), -1) {
		if _, err := os.Stat(filepath.Join("e2e", "testdata", m[1])); err != nil {
			t.Errorf("the story %s is named and does not exist", m[1])
		}
	}
}
