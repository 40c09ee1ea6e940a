package runbook_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/runbook"
)

func parse(t *testing.T, markdown string) *runbook.Runbook {
	t.Helper()
	book, err := runbook.Parse("x.md", []byte(markdown))
	if err != nil {
		t.Fatal(err)
	}
	return book
}

func TestCommandsAreTitledByTheCommentOrTextAboveThem(t *testing.T) {
	t.Parallel()
	var got []string
	for _, s := range parseFile(t, "testdata/styles/comments.md").Steps() {
		got = append(got, s.Source+" = "+s.Title)
	}
	for _, s := range parseFile(t, "testdata/styles/nested-lists.md").Steps() {
		got = append(got, s.Title)
	}
	want := []string{
		"kubectl get pods -n a = Big comment no space",
		"kubectl get pods -n b = One comment on two lines",
		"kubectl get svc -n b = One comment on two lines",
		"kubectl get nodes = Text above a block without comments:",
		"how many are there?", "what do they say?", "only if they are all stuck",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestListsLinksAndLooseCommentsAreKeptAsReading(t *testing.T) {
	t.Parallel()
	book := parse(t, "# T\n\n## P\n\nSee [the wiki](https://a.example/x).\n\n- one\n  - two\n\n```bash\nkubectl get pods -n a\n# Dashboards\n# - Grafana: https://g.example\n```\n")
	want := []runbook.Reading{
		{Line: 5, Text: "See the wiki.", Links: []runbook.Link{{Text: "the wiki", URL: "https://a.example/x"}}},
		{Line: 7, Text: "one", Depth: 1},
		{Line: 8, Text: "two", Depth: 2},
		{Line: 12, Text: "Dashboards"},
		{Line: 13, Text: "Grafana: https://g.example", Links: []runbook.Link{{Text: "Grafana", URL: "https://g.example"}}},
	}
	if diff := cmp.Diff(want, book.Phases[0].Sections[0].Reading); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAttributesComeFromFenceCommentAndHTML(t *testing.T) {
	t.Parallel()
	var got []string
	for _, s := range parseFile(t, "testdata/styles/attributes.md").Steps() {
		got = append(got, fmt.Sprintf("%d %s %d %s %s", s.Line, s.Attributes.For, s.Attributes.Approve, s.Attributes.Timeout, s.Title))
	}
	want := []string{"7 backend 2 " + (30 * time.Second).String() + " Restart it", "13  3 0s ", "14  3 0s ", "18  0 0s "}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSectionsForAKindOfService(t *testing.T) {
	t.Parallel()
	for title, want := range map[string]string{
		"Backend Service Down": "backend", "3. Redis Service Down": "redis", "message queue service down (all regions)": "message-queue",
		"Service Down": "", "Backend Down": "", "When the Service Down page comes": "when-the",
	} {
		book := parse(t, "## P\n\n### "+title+"\n\ntext\n")
		if got := book.Phases[0].Sections[0].AppliesTo; got != want {
			t.Errorf("%q applies to %q, want %q", title, got, want)
		}
	}
}

func TestTextThatWasEncodedTwiceIsRepairedAndOtherTextIsNot(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"\u00f0\u0178\u0161\u00a8 down":        "🚨 down",
		"Pr\u00c3\u00bcfung":                   "Prüfung",
		"it\u00e2\u20ac\u2122s":                "it’s",
		"Caf\u00e9 Z\u00fcrich – „ok“ 🚨":       "Caf\u00e9 Z\u00fcrich – „ok“ 🚨",
		"Ã alone, â too, and €uro":             "Ã alone, â too, and €uro",
		"日本語 ﷽ Ω":                              "日本語 ﷽ Ω",
		"\u00c2\u00a0x":                        "\u00a0x",
		"\u00f0\u0178\u0161":                   "\u00f0\u0178\u0161",
		"\u00c3\u00a9\u00c3\u00a8\u00c3\u00bc": "éèü",
	} {
		book := parse(t, "# "+in+"\n\ntext\n")
		if strings.TrimSpace(book.Title) != strings.TrimSpace(want) {
			t.Errorf("%q became %q, want %q", in, book.Title, want)
		}
		if warned := len(book.Warnings) == 1; warned != (in != want) {
			t.Errorf("%q: warnings %v", in, book.Warnings)
		}
	}
}

func TestPlaceholdersAreNeverTakenForShell(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"kubectl logs <pod-name> -n ns --previous":          "1 check logs pods namespace=ns previous name=<pod-name>",
		"kubectl logs <pod-name>-0 -n <ns>":                 "1 check logs pods namespace=<ns> name=<pod-name>-0",
		"kubectl logs '<pod name>' -n \"[NS]\"":             "1 check logs pods namespace=[NS] name=<pod name>",
		"kubectl get pods -n $NS -l app=$A,tier=${T}":       "1 check get pods namespace=$NS selector=app=$A,tier=$T",
		"kubectl get pods -n '$NS'":                         `1 refused -n "$NS" is not a valid namespace`,
		"kubectl get pods -n n <in >out":                    "1 refused < redirects input or output; if this is a placeholder, write it as <name>",
		"kubectl get pods -n n | grep '[A-Z0-9]'":           "1 check get pods namespace=n | grep [A-Z0-9]",
		"kubectl get pods -n n\x01\x02":                     "1 refused it holds control characters",
		"kubectl get pods -n n\x00":                         "1 refused it holds control characters",
		"kubectl get pods -n n\x7f":                         "1 refused it holds control characters",
		"kubectl get pods -n n | awk '{print $<column>}'":   "1 refused a placeholder is not possible in awk",
		"kubectl get pods -o jsonpath='{.items[0].<what>}'": "1 refused --output: placeholder",
		"kubectl exec x -n n -- psql -c 'SELECT <n>'":       "1 refused -c must stand in the document; a placeholder is not possible there",
	} {
		got := told(runbook.Classify(command))
		if strings.Contains(want, "--output") {
			want = "1 refused -o must stand in the document; a placeholder is not possible there"
		}
		if got != want {
			t.Errorf("%q\n got %s\nwant %s", command, got, want)
		}
	}
}

func TestEveryShellConstructIsRefusedWithItsReason(t *testing.T) {
	t.Parallel()
	for command, want := range map[string]string{
		"a && b": "&&", "a || b": "||", "a &": "background", "! a": "turns the result", "a > b": "redirects", "a <<E\nx\nE": "redirects",
		"A=1": "variable", "A=1 kubectl get pods": "variable", "kubectl get $(x)": "another command", "kubectl get `x`": "another command",
		"kubectl get *": "file pattern", "kubectl get {a,b}": "expanded", "kubectl get ~": "home directory", "(a)": "groups", "{ a; }": "groups",
		"kubectl get $((1))": "computes", "kubectl get ${a:-b}": "plain $NAME", "kubectl get <(x)": "another command", "a |& b": "more than a pipe",
		"while a; do b; done": "shell program", "f() { a; }": "shell program", "[[ a ]]": "shell program", "kubectl get 'x": "shell syntax", "a; b": "2 commands", "": "0 commands",
	} {
		s := runbook.Classify(command)
		if s.Class != runbook.Refused || !strings.Contains(s.Reason, want) {
			t.Errorf("%q is %s with %q, want refused with %q", command, s.Class, s.Reason, want)
		}
	}
}

func TestParseRefusesWhatIsNoText(t *testing.T) {
	t.Parallel()
	for name, data := range map[string]string{"a zero byte": "a\x00b", "UTF-16": "\xff\xfea\x00", "two mebibytes": strings.Repeat("a", 2<<20)} {
		if _, err := runbook.Parse("x.md", []byte(data)); err == nil || !strings.Contains(err.Error(), "x.md") {
			t.Errorf("%s: got %v, want an error that names the file", name, err)
		}
	}
}

func TestBytesThatAreNotUTF8AreReplacedWithAWarning(t *testing.T) {
	t.Parallel()
	book := parse(t, "# A\xffB\n\n```bash\nkubectl get pods -n n\n```\n")
	if len(book.Steps()) != 1 || len(book.Warnings) != 1 || !strings.Contains(book.Warnings[0].Text, "UTF-8") {
		t.Errorf("steps %v, warnings %v", book.Steps(), book.Warnings)
	}
}
