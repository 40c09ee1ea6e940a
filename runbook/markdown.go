package runbook

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"sort"
	"strings"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// maxDocument bounds what is parsed; a long runbook has 50 KiB.
const maxDocument = 1 << 20

// Parse reads one Markdown document (GitHub's dialect); file is the name that its steps carry. Whatever a command holds, it becomes a step:
// what cannot be understood is refused with a reason, never dropped. An error means that data is no text document at all. Parse never
// panics and needs neither cluster nor configuration.
func Parse(file string, data []byte) (*Runbook, error) {
	if len(data) > maxDocument {
		return nil, fmt.Errorf("read runbook %s: it has %d bytes, more than %d; split it", file, len(data), maxDocument)
	}
	if bytes.HasPrefix(data, []byte{0xFF, 0xFE}) || bytes.HasPrefix(data, []byte{0xFE, 0xFF}) || bytes.IndexByte(data, 0) >= 0 {
		return nil, fmt.Errorf("read runbook %s: %w", file, errNotText)
	}
	d := &document{book: &Runbook{File: file, Source: string(data)}}
	source := d.clean(data)
	d.source = []byte(source)
	d.lines = lineStarts(source)
	d.walk(goldmark.New(goldmark.WithExtensions(extension.GFM)).Parser().Parse(text.NewReader(d.source)), 0)
	d.finish()
	return d.book, nil
}

var errNotText = errors.New("it is not UTF-8 text; save it as UTF-8 Markdown")

// document is a Runbook in the making.
type document struct {
	book   *Runbook
	source []byte
	lines  []int // offset of each line's start

	commands   int
	section    *Section   // where steps go now
	attributes Attributes // from HTML comments, for the next block
	above      string     // the last text, which titles a block without comments
}

// clean brings the bytes to repaired UTF-8 with plain line ends; line numbers stay.
func (d *document) clean(data []byte) string {
	s := string(bytes.TrimPrefix(data, []byte("\xEF\xBB\xBF")))
	s = strings.ReplaceAll(strings.ReplaceAll(s, "\r\n", "\n"), "\r", "\n")
	if !utf8.ValidString(s) {
		d.warn(1, "bytes that are not UTF-8 were replaced")
		s = strings.ToValidUTF8(s, "\uFFFD")
	}
	s, repaired := repair(s)
	for _, line := range repaired {
		d.warn(line, "characters that were encoded twice were repaired (such as ðŸš¨ for 🚨); save the file as UTF-8")
	}
	return s
}

func (d *document) warn(line int, format string, args ...any) {
	d.book.Warnings = append(d.book.Warnings, Warning{Line: line, Text: fmt.Sprintf(format, args...)})
}

func lineStarts(s string) []int {
	starts := []int{0}
	for i := range len(s) {
		if s[i] == '\n' {
			starts = append(starts, i+1)
		}
	}
	return starts
}

// lineAt is the line, from 1, that holds the byte at offset.
func (d *document) lineAt(offset int) int {
	return sort.SearchInts(d.lines, offset+1)
}

func (d *document) lineOf(n ast.Node) int {
	for ; n != nil; n = n.FirstChild() {
		if n.Type() == ast.TypeBlock && n.Lines() != nil && n.Lines().Len() > 0 {
			return d.lineAt(n.Lines().At(0).Start)
		}
	}
	return 1
}

// walk visits the blocks in order; depth counts the lists around them.
func (d *document) walk(parent ast.Node, depth int) {
	for n := parent.FirstChild(); n != nil; n = n.NextSibling() {
		switch n := n.(type) {
		case *ast.Heading:
			d.heading(n)
		case *ast.FencedCodeBlock:
			d.block(n)
		case *ast.HTMLBlock:
			d.comment(n)
		case *ast.List:
			d.walk(n, depth+1)
		case *ast.Paragraph, *ast.TextBlock:
			d.read(n, depth)
		default:
			if n.Type() == ast.TypeBlock {
				d.walk(n, depth)
			}
		}
	}
}

func (d *document) heading(n *ast.Heading) {
	title, _ := d.inline(n)
	line := d.lineOf(n)
	d.above = ""
	d.attributes = Attributes{}
	switch {
	case n.Level == 1 && d.book.Title == "":
		d.book.Title = title
	case n.Level <= 2:
		d.book.Phases = append(d.book.Phases, Phase{Title: title, Line: line})
		d.section = nil
	default:
		d.open(title, line)
	}
}

// open starts a section; a document whose steps stand above any second-level heading gets a phase without a title.
func (d *document) open(title string, line int) *Section {
	if len(d.book.Phases) == 0 {
		d.book.Phases = append(d.book.Phases, Phase{Line: line})
	}
	phase := &d.book.Phases[len(d.book.Phases)-1]
	phase.Sections = append(phase.Sections, Section{Title: title, Line: line, AppliesTo: appliesTo(title)})
	d.section = &phase.Sections[len(phase.Sections)-1]
	return d.section
}

var kindTitle = regexp.MustCompile(`(?i)^(?:[\d.]+\s+)?([a-z][a-z0-9 -]*?)\s+service\s+down\b`)

func appliesTo(title string) string {
	if m := kindTitle.FindStringSubmatch(title); m != nil {
		return HoleName(m[1])
	}
	return ""
}

// here is the section that what stands on line belongs to.
func (d *document) here(line int) *Section {
	if d.section != nil {
		return d.section
	}
	title := ""
	if n := len(d.book.Phases); n > 0 {
		title, line = d.book.Phases[n-1].Title, d.book.Phases[n-1].Line
	}
	return d.open(title, line)
}

func (d *document) read(n ast.Node, depth int) {
	words, links := d.inline(n)
	if words == "" {
		return
	}
	line := d.lineOf(n)
	d.above = words
	s := d.here(line)
	s.Reading = append(s.Reading, Reading{Line: line, Text: words, Depth: depth, Links: links})
}

// inline is the text of a block without its marks, on one line, and its links.
func (d *document) inline(n ast.Node) (string, []Link) {
	var b strings.Builder
	var links []Link
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		switch n := n.(type) {
		case *ast.Text:
			if entering {
				b.Write(n.Segment.Value(d.source))
				if n.SoftLineBreak() || n.HardLineBreak() {
					b.WriteByte(' ')
				}
			}
		case *ast.String:
			if entering {
				b.Write(n.Value)
			}
		case *ast.AutoLink:
			if entering {
				b.Write(n.Label(d.source))
				links = append(links, Link{Text: string(n.Label(d.source)), URL: string(n.URL(d.source))})
			}
		case *ast.Link:
			if entering {
				label := d.label(n)
				links = append(links, Link{Text: label, URL: string(n.Destination)})
			}
		}
		return ast.WalkContinue, nil
	})
	return strings.Join(strings.Fields(b.String()), " "), links
}

func (d *document) label(n *ast.Link) string {
	var b strings.Builder
	for c := n.FirstChild(); c != nil; c = c.NextSibling() {
		if t, ok := c.(*ast.Text); ok {
			b.Write(t.Segment.Value(d.source))
		}
	}
	return b.String()
}

// comment takes attributes out of an HTML comment.
func (d *document) comment(n *ast.HTMLBlock) {
	var b strings.Builder
	for i := range n.Lines().Len() {
		seg := n.Lines().At(i)
		b.Write(seg.Value(d.source))
	}
	if !strings.HasPrefix(strings.TrimSpace(b.String()), "<!--") {
		return
	}
	_, problems := d.attributes.read(b.String())
	for _, p := range problems {
		d.warn(d.lineOf(n), "%s", p)
	}
}

var commandLike = regexp.MustCompile(`^\s*(?:[$%]\s+)?(?:kubectl|oc|curl)\s`)

func (d *document) block(n *ast.FencedCodeBlock) {
	lines := make([]blockLine, n.Lines().Len())
	for i := range lines {
		seg := n.Lines().At(i)
		lines[i] = blockLine{number: d.lineAt(seg.Start), text: strings.TrimRight(string(seg.Value(d.source)), "\n")}
	}
	info := ""
	if n.Info != nil {
		info = string(n.Info.Segment.Value(d.source))
	}
	language, _, _ := strings.Cut(strings.TrimSpace(info), " ")
	language, _, _ = strings.Cut(strings.ToLower(language), "{")
	if !slices.Contains(languages, language) {
		if i := slices.IndexFunc(lines, func(l blockLine) bool { return commandLike.MatchString(l.text) }); i >= 0 {
			d.warn(lines[i].number, "this block looks like commands but is not marked as such, so none of it is a step; write ```bash above it")
		}
		return
	}
	attributes := d.attributes
	d.attributes = Attributes{}
	_, problems := attributes.read(info)
	for _, p := range problems {
		d.warn(max(1, d.lineOf(n)-1), "%s", p)
	}
	for _, e := range entries(lines) {
		d.add(e, attributes)
	}
}

func (d *document) add(e entry, attributes Attributes) {
	s := d.here(e.line)
	title, problems := attributes.read(e.title)
	for _, p := range problems {
		d.warn(e.line, "%s", p)
	}
	if e.command == nil {
		s.Reading = append(s.Reading, Reading{Line: e.line, Text: strings.TrimSpace(strings.TrimPrefix(title, "- ")), Links: bareLinks(title)})
		return
	}
	if title == "" {
		title = d.above
	}
	step := Step{File: d.book.File, Line: e.line, Section: s.Title, Title: title, Source: e.command.source, Attributes: attributes}
	if n := len(d.book.Phases); n > 0 {
		step.Phase = d.book.Phases[n-1].Title
	}
	step.classify(*e.command)
	d.commands++
	step.Number = d.commands
	s.Steps = append(s.Steps, step)
}

var bareURL = regexp.MustCompile(`https?://[^\s)>\]]+`)

func bareLinks(s string) []Link {
	var out []Link
	for _, u := range bareURL.FindAllString(s, -1) {
		label := strings.TrimSuffix(strings.TrimSpace(strings.TrimPrefix(s[:strings.Index(s, u)], "- ")), ":")
		out = append(out, Link{Text: label, URL: u})
	}
	return out
}

// finish orders the warnings and titles a document that has no first-level heading.
func (d *document) finish() {
	slices.SortStableFunc(d.book.Warnings, func(a, b Warning) int { return a.Line - b.Line })
	if d.book.Title == "" && len(d.book.Phases) > 0 {
		d.book.Title = d.book.Phases[0].Title
	}
	if d.book.Title == "" {
		d.book.Title = d.book.File
	}
}
