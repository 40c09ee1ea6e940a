package bot

import (
	"net/url"

	"github.com/slack-go/slack"

	"github.com/svcdown/svcdown/card"
)

// itemMarks are the signs in front of the entries of a checklist.
var itemMarks = map[card.Mark]string{
	card.MarkOpen: "⬜", card.MarkRunning: "⏳", card.MarkOK: "✅", card.MarkWarn: "⚠️", card.MarkFail: "🔴", card.MarkUnknown: "❔",
	card.MarkWaiting: "✋", card.MarkDone: "☑️", card.MarkSkipped: "⏭️", card.MarkRefused: "🚫",
}

// maxItem bounds the text of one entry; a page of twenty entries stays within maxTotal.
const maxItem = 900

// item is a section with its button beside it; several buttons stand below. The text is plain_text, which Slack takes literally.
func (m *page) item(it card.Item) {
	text := itemMarks[it.Mark] + " " + line(it.Line.String())
	if more := clean(it.More.String()); more != "" {
		text += "\n" + more
	}
	if text = m.take(cut(text, maxItem), head); text == "" {
		return
	}
	section := slack.NewSectionBlock(plainText(text), nil, nil)
	var els []slack.BlockElement
	for _, b := range it.Buttons {
		if e := m.button(b, m.numbered, 0); e != nil {
			els = append(els, e)
			m.numbered++
		}
	}
	m.blocks = append(m.blocks, section)
	switch {
	case len(els) == 1:
		section.Accessory = slack.NewAccessory(els[0])
	case len(els) > 1 && m.fits():
		m.blocks = append(m.blocks, slack.NewActionBlock("", els...))
	}
}

// links are the only way that a card leads out of Slack.
func (m *page) links(links []card.Link) {
	if !m.fits() {
		return
	}
	var els []slack.RichTextSectionElement
	for _, l := range links {
		u, err := url.Parse(l.URL)
		if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
			continue
		}
		text := line(l.Text.String())
		if size := len(text) + len(l.URL) + 1; size <= m.left {
			m.left -= size
		} else {
			m.cut = true
			break
		}
		if len(els) > 0 {
			els = append(els, plainElement("\n"))
		}
		els = append(els, slack.NewRichTextSectionLinkElement(l.URL, text, nil))
	}
	m.lines(els)
}
