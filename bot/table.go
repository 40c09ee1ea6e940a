package bot

import (
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// maxWidth is how many columns of fixed-width text a Slack window shows without wrapping; a wider table becomes a list.
const maxWidth = 76

func (m *page) table(t finding.Table) {
	if len(t.Rows) == 0 {
		return
	}
	if grid, width := grid(t); width <= maxWidth {
		m.code(redact.Text{}, grid, head)
		return
	}
	if !m.fits() {
		return
	}
	var els []slack.RichTextSectionElement
	for _, row := range t.Rows {
		if m.full() {
			break
		}
		first, rest := listed(t.Columns, row)
		els = m.row(els, bold(first), plainElement(rest), len(first)+len(rest))
	}
	m.lines(els)
}

// listed is a row as a line: the first cell, then the others with their column's name where there are several.
func listed(columns, row []redact.Text) (first, rest string) {
	var parts []string
	for i, c := range row {
		cell := line(c.String())
		switch {
		case i == 0:
			first = cell
		case cell == "":
		case len(row) > 2 && i < len(columns):
			parts = append(parts, line(columns[i].String())+" "+cell)
		default:
			parts = append(parts, cell)
		}
	}
	if len(parts) > 0 {
		rest = "  " + strings.Join(parts, " · ")
	}
	return first, rest
}

// grid lays a table out in fixed-width text and returns how wide it is.
func grid(t finding.Table) (string, int) {
	rows := append([][]redact.Text{t.Columns}, t.Rows...)
	var widths []int
	for _, row := range rows {
		for i, c := range row {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			widths[i] = max(widths[i], utf8.RuneCountInString(line(c.String())))
		}
	}
	total := 0
	for _, w := range widths {
		total += w + 2
	}
	var b strings.Builder
	for _, row := range rows {
		var l strings.Builder
		for i, c := range row {
			cell := line(c.String())
			l.WriteString(cell + strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell)+2))
		}
		b.WriteString(strings.TrimRight(l.String(), " ") + "\n")
	}
	return b.String(), total - 2
}

// maxFile bounds the file with what did not fit; handlers upload what is meant to be longer themselves.
const maxFile = 1 << 20

// plain is a card as text, for the file that has what did not fit.
func plain(c card.Card) redact.Text {
	var b strings.Builder
	say := func(parts ...string) {
		if b.Len() < maxFile {
			b.WriteString(strings.Join(parts, "") + "\n")
		}
	}
	say(c.Verdict.String())
	say(c.Title.String())
	for _, p := range c.Parts {
		say()
		switch {
		case !p.Text.Empty():
			say(p.Text.String())
		case p.Table != nil:
			text, _ := grid(*p.Table)
			say(text)
		case p.Code != nil:
			say(p.Code.Title.String())
			say(p.Code.Text.String())
		case p.Item != nil:
			say(itemMarks[p.Item.Mark], " ", p.Item.Line.String())
			say(p.Item.More.String())
		}
		for _, l := range p.Links {
			say(l.Text.String(), ": ", l.URL)
		}
		for _, f := range p.Facts {
			say(f.Label.String(), ": ", f.Value.String())
		}
		for _, f := range p.Findings {
			say(f.Status.String(), "  ", f.Name(), "  ", f.Line.String(), "  ", f.Fix.String())
		}
	}
	for _, n := range c.Notes {
		say(n.String())
	}
	return redact.F("%s", cut(b.String(), maxFile))
}
