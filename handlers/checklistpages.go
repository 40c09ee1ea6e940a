package handlers

import (
	"net/url"
	"path"
	"strings"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// page is one message of a checklist: a phase, or a part of one that is too long for a message.
type page struct {
	title string
	// part of parts; 1 of 1 when the phase fits.
	part, parts int
	entries     []pageEntry
}

// pageEntry is one piece of a page; one field is set.
type pageEntry struct {
	text  redact.Text
	links []card.Link
	open  string // the name of a related runbook
	label redact.Text
	step  *runbook.Step
}

func (p page) numbers() []int {
	var out []int
	for _, e := range p.entries {
		if e.step != nil {
			out = append(out, e.step.Number)
		}
	}
	return out
}

// maxPage bounds a page by the blocks that Slack shows at most (50): an entry with its buttons takes two, header, notes and the page's own
// buttons take a few more.
const maxPage = 42

// maxPageText bounds it by the text that Slack takes in one message (about 13,000 bytes), with what an entry may take at most.
const maxPageText = 10_500

// maxReading bounds the text of one entry, in bytes.
const maxReading = 2500

func (e pageEntry) blocks() int {
	if e.step != nil {
		return 2
	}
	return 1
}

func (e pageEntry) size() int {
	switch {
	case e.step != nil && e.step.Class == runbook.Message:
		return 1400
	case e.step != nil:
		return 700
	}
	n := len(e.text.String()) + len(e.label.String()) + 60
	for _, l := range e.links {
		n += len(l.Text.String()) + len(l.URL)
	}
	return n
}

// paginate makes pages of a document, each phase on pages of its own, everything in the document's order.
func paginate(book *runbook.Runbook) []page {
	var pages []page
	for _, phase := range book.Phases {
		first := len(pages)
		now, room, left := page{title: phase.Title}, maxPage, maxPageText
		for _, e := range entriesOf(phase, book.Title) {
			if len(now.entries) > 0 && (room < e.blocks() || left < e.size()) {
				pages = append(pages, now)
				now, room, left = page{title: phase.Title}, maxPage, maxPageText
			}
			now.entries, room, left = append(now.entries, e), room-e.blocks(), left-e.size()
		}
		pages = append(pages, now)
		for i := first; i < len(pages); i++ {
			pages[i].part, pages[i].parts = i-first+1, len(pages)-first
		}
	}
	return pages
}

func entriesOf(phase runbook.Phase, title string) []pageEntry {
	var out []pageEntry
	for _, s := range phase.Sections {
		reading := s.Reading
		var lines []redact.Text
		if s.Title != phase.Title && s.Title != title {
			lines = append(lines, redact.F("%s", strings.ToUpper(s.Title)))
		}
		flush := func() {
			for _, text := range chunks(lines) {
				out = append(out, pageEntry{text: text})
			}
			lines = nil
		}
		read := func(before int) {
			for len(reading) > 0 && (before == 0 || reading[0].Line < before) {
				r := reading[0]
				reading = reading[1:]
				if name, label, ok := related(r); ok {
					flush()
					out = append(out, pageEntry{open: name, label: label})
					continue
				}
				lines = append(lines, readingLine(r))
				if links := web(r.Links); len(links) > 0 {
					flush()
					out = append(out, pageEntry{links: links})
				}
			}
		}
		for i := range s.Steps {
			read(s.Steps[i].Line)
			flush()
			out = append(out, pageEntry{step: &s.Steps[i]})
		}
		read(0)
		flush()
	}
	return out
}

func readingLine(r runbook.Reading) redact.Text {
	if r.Depth == 0 {
		return redact.F("%s", r.Text)
	}
	return redact.F("%s• %s", strings.Repeat("  ", min(r.Depth, 6)-1), r.Text)
}

// chunks joins lines to texts that a message can hold.
func chunks(lines []redact.Text) []redact.Text {
	var out []redact.Text
	var now []redact.Text
	size := 0
	for _, l := range lines {
		n := len(l.String())
		if size+n > maxReading && len(now) > 0 {
			out, now, size = append(out, redact.Join("\n", now...)), nil, 0
		}
		now, size = append(now, l), size+n
	}
	if len(now) > 0 {
		out = append(out, redact.Join("\n", now...))
	}
	return out
}

// related is a link to another runbook: a relative address that ends in .md.
func related(r runbook.Reading) (name string, label redact.Text, ok bool) {
	if len(r.Links) != 1 {
		return "", redact.Text{}, false
	}
	u, err := url.Parse(r.Links[0].URL)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.EqualFold(path.Ext(u.Path), ".md") {
		return "", redact.Text{}, false
	}
	base := path.Base(u.Path)
	return strings.ToLower(strings.TrimSuffix(base, path.Ext(base))), redact.F("%s", r.Links[0].Text), true
}

// web keeps the links that lead to the web.
func web(links []runbook.Link) []card.Link {
	var out []card.Link
	for _, l := range links {
		u, err := url.Parse(l.URL)
		if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") {
			continue
		}
		text := l.Text
		if text == "" {
			text = l.URL
		}
		out = append(out, card.Link{Text: redact.F("%s", text), URL: l.URL})
	}
	return out
}
