package bot

import (
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/slack-go/slack"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// Slack's limits (https://docs.slack.dev/reference/block-kit/blocks); the total over all blocks is undocumented and was observed at
// about 13,200.
const (
	maxBlocks     = 50
	maxTotal      = 13_000
	maxText       = 4_000
	maxHeader     = 150
	maxSection    = 3_000
	maxContext    = 10
	maxNote       = 300
	maxButtons    = 25
	maxButtonText = 75
	maxValue      = 2_000
	maxMentions   = 20
	// keptForNotes is what buttons leave of maxTotal.
	keptForNotes = maxContext*maxNote + 1_000
)

// message is a card as Slack takes it.
type message struct {
	text   string // escaped; what a lock screen shows
	blocks []slack.Block
	// overflow has all of the card when not all of it fitted, else nil.
	overflow *card.File
}

// render makes Block Kit of a card: the verdict first, then the parts, the buttons and the small print. Everything textual stands in
// plain_text and rich_text, which Slack shows literally, so text of a cluster or a log can neither ping nor format; only Mentions ping.
// The result is within Slack's limits whatever the card holds.
func render(c card.Card) message {
	m := &page{left: maxTotal}
	m.verdict(c)
	buttons, notes := m.buttons(c.Buttons), m.notes(c)
	m.mentions(c.Mentions)
	m.room = maxBlocks - len(m.blocks) - len(buttons) - len(notes) - 1 // one for the cut mark
	for _, p := range c.Parts {
		m.part(p)
	}
	out := message{text: text(c)}
	if m.cut {
		m.blocks = append(m.blocks, smallPrint("… this is not all: the full text is in the file in the thread"))
		out.overflow = &card.File{Name: "full.txt", Title: redact.F("Full text: %s", c.Title.String()), Content: plain(c)}
	}
	out.blocks = append(append(m.blocks, buttons...), notes...)
	return out
}

// text is what notifications show: state and verdict.
func text(c card.Card) string {
	s := escape(line(c.Verdict.String()))
	if s == "" {
		s = escape(line(c.Title.String()))
	}
	return cut(mark(c.State)+" "+s, maxText)
}

var marks = map[card.State]struct{ sign, word string }{
	card.Neutral: {"ℹ️", ""},
	card.Running: {"⏳", "Running"},
	card.Waiting: {"✋", "Waiting"},
	card.OK:      {"✅", "OK"},
	card.Warn:    {"⚠️", "Warning"},
	card.Fail:    {"🔴", "Failing"},
	card.Refused: {"🚫", "Not done"},
}

func mark(s card.State) string {
	if m, ok := marks[s]; ok {
		return m.sign
	}
	return marks[card.Neutral].sign
}

// page fills up with blocks until Slack would refuse one more.
type page struct {
	blocks []slack.Block
	left   int // bytes of text that still fit
	room   int // blocks that still fit
	// numbered counts the buttons: their IDs must differ within a message.
	numbered int
	cut      bool
}

func (m *page) verdict(c card.Card) {
	head := mark(c.State) + " " + line(c.Verdict.String())
	if utf8.RuneCountInString(head) <= maxHeader {
		m.add(slack.NewHeaderBlock(plainText(head)), len(head))
	} else {
		head = cut(head, maxSection)
		m.add(rich(bold(head)), len(head))
	}
	title := line(c.Title.String())
	if word := marks[c.State].word; word != "" && word != title {
		title = strings.TrimSuffix(word+" · "+title, " · ")
	}
	if title != "" {
		title = cut(title, maxNote)
		m.add(smallPrint(title), len(title))
	}
}

func (m *page) add(b slack.Block, size int) {
	m.blocks = append(m.blocks, b)
	m.left -= size
}

// fits reserves a block, or notes that the card is cut.
func (m *page) fits() bool {
	if m.room <= 0 || m.left < 100 {
		m.cut = true
		return false
	}
	m.room--
	return true
}

func (m *page) part(p card.Part) {
	switch {
	case !p.Text.Empty():
		if s := m.take(clean(p.Text.String()), head); s != "" {
			m.blocks = append(m.blocks, rich(plainElement(s)))
		}
	case len(p.Facts) > 0:
		m.facts(p.Facts)
	case len(p.Findings) > 0:
		m.findings(p.Findings)
	case p.Table != nil:
		m.table(*p.Table)
	case p.Code != nil:
		keep := tail // of a log the end matters
		if p.Code.Lang == "diff" {
			keep = head
		}
		m.code(p.Code.Title, p.Code.Text.String(), keep)
	case p.Item != nil:
		m.item(*p.Item)
	case len(p.Links) > 0:
		m.links(p.Links)
	}
}

// take returns as much of s as fits, kept by keep (head or tail), and reserves the block; "" when nothing does.
func (m *page) take(s string, keep func(string, int) string) string {
	if strings.TrimSpace(s) == "" || !m.fits() {
		return ""
	}
	if len(s) > m.left {
		m.cut = true
		s = keep(s, m.left)
	}
	m.left -= len(s)
	return s
}

func (m *page) facts(facts []card.Fact) {
	if !m.fits() {
		return
	}
	var els []slack.RichTextSectionElement
	for _, f := range facts {
		if m.full() {
			break
		}
		label, value := line(f.Label.String()), strings.TrimSpace(clean(f.Value.String()))
		els = m.row(els, bold(label+": "), plainElement(value), len(label)+2+len(value))
	}
	m.lines(els)
}

func (m *page) findings(findings []finding.Finding) {
	if !m.fits() {
		return
	}
	var els []slack.RichTextSectionElement
	for _, f := range findings {
		if m.full() {
			break
		}
		check := findingMarks[f.Status] + " " + line(f.Name()) + "  "
		said := line(f.Line.String())
		if fix := line(f.Fix.String()); fix != "" {
			said += "\n      → " + fix
		}
		els = m.row(els, bold(check), plainElement(said), len(check)+len(said))
	}
	m.lines(els)
}

var findingMarks = map[finding.Status]string{finding.OK: "✅", finding.Warn: "⚠️", finding.Fail: "🔴", finding.Unknown: "❔"}

// full reports whether the rest of a list is left to the file: what comes after a line that did not fit is not shown either.
func (m *page) full() bool { return m.cut }

// row appends one line to els when it fits.
func (m *page) row(els []slack.RichTextSectionElement, first, rest *slack.RichTextSectionTextElement, size int) []slack.RichTextSectionElement {
	if size+1 > m.left {
		m.cut = true
		return els
	}
	m.left -= size + 1
	if len(els) > 0 {
		els = append(els, plainElement("\n"))
	}
	for _, e := range []*slack.RichTextSectionTextElement{first, rest} {
		if e.Text != "" {
			els = append(els, e)
		}
	}
	return els
}

func (m *page) lines(els []slack.RichTextSectionElement) {
	if len(els) > 0 {
		m.blocks = append(m.blocks, rich(els...))
	}
}

func (m *page) code(title redact.Text, body string, keep func(string, int) string) {
	name := line(title.String())
	body = m.take(strings.TrimRight(clean(body), "\n "), func(s string, n int) string { return keep(s, max(0, n-len(name))) })
	if body == "" {
		return
	}
	block := &slack.RichTextBlock{Type: slack.MBTRichText}
	if name = cut(name, max(0, m.left)); name != "" {
		m.left -= len(name)
		block.Elements = append(block.Elements, slack.NewRichTextSection(bold(name)))
	}
	block.Elements = append(block.Elements, preformatted(body))
	m.blocks = append(m.blocks, block)
}

func preformatted(s string) slack.RichTextElement {
	return &slack.RichTextPreformatted{Type: slack.RTEPreformatted, Elements: []slack.RichTextSectionElement{plainElement(s)}}
}

func (m *page) notes(c card.Card) []slack.Block {
	var els []slack.MixedElement
	for _, n := range c.Notes {
		s := cut(line(n.String()), maxNote)
		if s == "" || len(els) == maxContext {
			continue
		}
		m.left -= len(s)
		els = append(els, plainText(s))
	}
	if len(els) == 0 {
		return nil
	}
	return []slack.Block{slack.NewContextBlock("", els...)}
}

var accountID = regexp.MustCompile(`^[UW][A-Z0-9]{2,20}$`)

func (m *page) mentions(ids []string) {
	var els []slack.RichTextSectionElement
	for _, id := range ids {
		if !accountID.MatchString(id) || len(els) >= 2*maxMentions {
			continue
		}
		if len(els) > 0 {
			els = append(els, plainElement(" "))
		}
		els = append(els, slack.NewRichTextSectionUserElement(id, nil))
	}
	m.lines(els)
}

func plainText(s string) *slack.TextBlockObject {
	emoji := false
	return &slack.TextBlockObject{Type: slack.PlainTextType, Text: s, Emoji: &emoji}
}

func smallPrint(s string) slack.Block { return slack.NewContextBlock("", plainText(s)) }

func rich(els ...slack.RichTextSectionElement) slack.Block {
	return slack.NewRichTextBlock("", slack.NewRichTextSection(els...))
}

func plainElement(s string) *slack.RichTextSectionTextElement {
	return slack.NewRichTextSectionTextElement(s, nil)
}

func bold(s string) *slack.RichTextSectionTextElement {
	return slack.NewRichTextSectionTextElement(s, &slack.RichTextSectionTextStyle{Bold: true})
}
