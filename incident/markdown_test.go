package incident_test

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"

	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// hostile is text that would do something in a document.
var hostile = []string{
	"![x](http://evil.example/p.png)", "[click](http://evil.example)", "![](@U0ALICE001)", "<!channel> <@U0ALICE001>", "<img src=http://evil.example/p.png>", "<script>alert(1)</script>",
	"# heading", "- item", "1. item", "1) item", "> quote", "`code`", "```sh", "*bold* **bold** _it_ __it__ ~~gone~~", "| a | b |", "[x]: http://evil.example", "[x][y]", "![x][y]",
	"\\![x](http://evil.example)", "\\\\[x](http://evil.example)", "\\`code\\`", "\\_it\\_", "+ item", "=====", "---", "***", "a\n\n# b", "a\r\n- b", "a\u2028# b", "\u202egnp.x", "[ ] todo",
	"![x]\u200b(http://evil.example)", "]\u00ad(http://evil.example)", "[a]\u200d(http://evil.example)",
}

// nodes counts what a document has, apart from text.
func nodes(t *testing.T, doc string) map[string]int {
	t.Helper()
	out := map[string]int{}
	tree := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.TaskList)).Parser().Parse(text.NewReader([]byte(doc)))
	err := ast.Walk(tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering && n.Kind() != ast.KindText && n.Kind() != ast.KindTextBlock {
			out[n.Kind().String()]++
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// written is a postmortem with words everywhere where others write.
func written(words string) string {
	w := redact.F("%s", words)
	i, first := incident.New("I-7K3MQX", "k", "", w, 1, words, noon)
	i.Judge(w, after(time.Minute))
	events := []incident.Event{first}
	for _, k := range []incident.Kind{incident.KindNote, incident.KindChange, incident.KindEscalation, incident.KindLesson, incident.KindMessage} {
		events = append(events, incident.Event{At: after(time.Minute), Kind: k, By: "svcdown", Text: w})
	}
	return incident.Postmortem(i, events, incident.Count{}, []incident.ActionItem{{ID: 1, Text: w, Owner: "alice", Due: "2026-12-01"}}).String()
}

func TestWordsOfOthersAreOnlyWordsInADocument(t *testing.T) {
	t.Parallel()
	want := nodes(t, written("words"))
	for _, words := range hostile {
		doc := written(words)
		got := nodes(t, doc)
		for kind, n := range got {
			if n != want[kind] {
				t.Errorf("%q makes %d of %s, not %d", words, n, kind, want[kind])
			}
		}
		if strings.Contains(doc, "<!channel>") || strings.Contains(doc, "<@U0") || strings.Contains(doc, "](") {
			t.Errorf("%q is still there", words)
		}
	}
}

func FuzzWordsOfOthersAreOnlyWords(f *testing.F) {
	for _, words := range hostile {
		f.Add(words)
	}
	f.Fuzz(func(t *testing.T, words string) {
		if !utf8.ValidString(words) || len(words) > 200 {
			return
		}
		line := "- x " + incident.Quoted(redact.F("%s", words)).String() + "\n\n| a | " + incident.Quoted(redact.F("%s", words)).String() + " |\n|---|---|\n"
		for kind, n := range nodes(t, line) {
			if n != map[string]int{"Document": 1, "List": 1, "ListItem": 1, "Table": 1, "TableHeader": 1, "TableCell": 2}[kind] {
				t.Errorf("%q makes %d of %s: %s", words, n, kind, line)
			}
		}
	})
}

func TestAMeetingIsACalendarFileWhateverItIsCalled(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	title := "down; over, \\ and\r\nATTENDEE:mailto:evil@example.com\r\nBEGIN:VALARM \u2028X-EVIL:1 \v\x00" + strings.Repeat("ö€😀", 40)
	m := incident.Meeting{Incident: "I-7K3MQX", Title: redact.F("%s", title), Text: redact.Const("one\ntwo"), Start: time.Date(2026, 11, 24, 10, 0, 0, 0, berlin), Length: 45 * time.Minute, Made: noon}
	got := m.ICS().String()
	var names []string
	unfolded := strings.ReplaceAll(got, "\r\n ", "")
	for _, l := range strings.Split(strings.TrimSuffix(unfolded, "\r\n"), "\r\n") {
		name, _, _ := strings.Cut(l, ":")
		names = append(names, name)
	}
	if diff := strings.Join(names, " "); diff != "BEGIN VERSION PRODID METHOD BEGIN UID DTSTAMP DTSTART DTEND SUMMARY DESCRIPTION STATUS END END" {
		t.Errorf("the properties are %s", diff)
	}
	for _, l := range strings.Split(got, "\r\n") {
		if len(l) > 75 || !utf8.ValidString(l) || strings.ContainsAny(l, "\r\n\v\x00") {
			t.Errorf("a line is %d octets long: %q", len(l), l)
		}
	}
	for _, want := range []string{"UID:postmortem-I-7K3MQX@svcdown\r\n", "DTSTAMP:20261123T120000Z\r\n", "DTSTART:20261124T090000Z\r\n", "DTEND:20261124T094500Z\r\n", `SUMMARY:down\; over\, \\ and\nATTENDEE:mailto:`, `DESCRIPTION:one\ntwo` + "\r\n", "😀\r\n"} {
		if !strings.Contains(unfolded, want) {
			t.Errorf("lacks %q:\n%s", want, unfolded)
		}
	}
}
