package terminal

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/finding"
)

// Render writes a card as lines: the verdict first, then its parts, then what can be asked next. Control characters of cluster text never
// reach the terminal.
func Render(w io.Writer, c card.Card) {
	fmt.Fprintf(w, "%s %s\n", stateWord[c.State], clean(c.Verdict.String()))
	for _, p := range c.Parts {
		part(w, p)
	}
	next(w, c.Buttons)
	for _, n := range c.Notes {
		fmt.Fprintf(w, "  (%s)\n", clean(n.String()))
	}
}

var stateWord = map[card.State]string{
	card.Neutral: "·", card.Running: "…", card.Waiting: "WAITING", card.OK: "OK", card.Warn: "WARN", card.Fail: "FAIL", card.Refused: "NOT DONE",
}

func part(w io.Writer, p card.Part) {
	switch {
	case !p.Text.Empty():
		fmt.Fprintln(w, indent(clean(p.Text.String())))
	case p.Code != nil:
		if !p.Code.Title.Empty() {
			fmt.Fprintf(w, "  %s\n", clean(p.Code.Title.String()))
		}
		fmt.Fprintln(w, indent(clean(p.Code.Text.String())))
	case p.Table != nil:
		table(w, p.Table)
	case p.Item != nil:
		item(w, *p.Item)
	}
	for _, l := range p.Links {
		fmt.Fprintf(w, "  %s: %s\n", oneLine(l.Text.String()), clean(l.URL))
	}
	if len(p.Findings) > 0 {
		findings(w, p.Findings)
	}
	if len(p.Facts) > 0 {
		tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
		for _, f := range p.Facts {
			fmt.Fprintf(tw, "  %s\t%s\n", clean(f.Label.String()), oneLine(f.Value.String()))
		}
		_ = tw.Flush()
	}
}

// itemMarks are the words in front of the entries of a checklist.
var itemMarks = map[card.Mark]string{
	card.MarkOpen: "[ ]", card.MarkRunning: "[…]", card.MarkOK: "[ok]", card.MarkWarn: "[WARN]", card.MarkFail: "[FAIL]", card.MarkUnknown: "[?]",
	card.MarkWaiting: "[WAITING]", card.MarkDone: "[x]", card.MarkSkipped: "[-]", card.MarkRefused: "[refused]",
}

func item(w io.Writer, it card.Item) {
	fmt.Fprintf(w, "  %s %s\n", itemMarks[it.Mark], oneLine(it.Line.String()))
	if !it.More.Empty() {
		fmt.Fprintln(w, "  "+indent(clean(it.More.String())))
	}
	next(w, it.Buttons)
}

func next(w io.Writer, buttons []card.Button) {
	for _, b := range buttons {
		value, _, _ := strings.Cut(b.Value, "|")
		fmt.Fprintf(w, "  next: svcdown %s %s\n", clean(b.Verb), clean(value))
	}
}

func findings(w io.Writer, list []finding.Finding) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, f := range list {
		fmt.Fprintf(tw, "  %s\t%s\t%s\n", f.Status, oneLine(f.Name()), oneLine(f.Line.String()))
		if !f.Fix.Empty() {
			fmt.Fprintf(tw, "  \t\t→ %s\n", oneLine(f.Fix.String()))
		}
	}
	_ = tw.Flush()
}

func table(w io.Writer, t *finding.Table) {
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(cells []string) { fmt.Fprintf(tw, "  %s\n", strings.Join(cells, "\t")) }
	head := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		head[i] = strings.ToUpper(oneLine(c.String()))
	}
	row(head)
	for _, r := range t.Rows {
		cells := make([]string, len(r))
		for i, c := range r {
			cells[i] = oneLine(c.String())
		}
		row(cells)
	}
	_ = tw.Flush()
}

func indent(s string) string { return "  " + strings.ReplaceAll(s, "\n", "\n  ") }

func oneLine(s string) string { return clean(strings.ReplaceAll(s, "\n", "; ")) }

// clean drops control characters, so that a log line cannot move the cursor, change the title or hide what follows.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || unicode.IsGraphic(r) {
			return r
		}
		return -1
	}, s)
}
