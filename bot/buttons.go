package bot

import (
	"strconv"
	"strings"

	"github.com/slack-go/slack"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/redact"
)

func (m *page) buttons(buttons []card.Button) []slack.Block {
	var els []slack.BlockElement
	for i, b := range buttons {
		if len(els) == maxButtons {
			break
		}
		if e := m.button(b, i, keptForNotes); e != nil {
			els = append(els, e)
		}
	}
	m.numbered = len(buttons)
	if len(els) == 0 {
		return nil
	}
	return []slack.Block{slack.NewActionBlock("", els...)}
}

// button is the i-th of a message; nil when it would leave less than kept of the room.
func (m *page) button(b card.Button, i, kept int) slack.BlockElement {
	value, label := clean(b.Value), line(b.Label.String())
	if label == "" {
		label = line(b.Verb)
	}
	if label == "" || len(value) > maxValue {
		return nil
	}
	label = short(label, maxButtonText)
	e := slack.NewButtonBlockElement(actionID(b.Verb, i), value, plainText(label))
	if b.Style == card.Primary || b.Style == card.Danger {
		e.WithStyle(slack.Style(b.Style))
	}
	if b.Confirm != nil {
		e.Confirm = confirm(*b.Confirm, b.Style)
	}
	size := len(label)
	if c := e.Confirm; c != nil {
		size += len(c.Title.Text) + len(c.Text.Text) + len(c.Confirm.Text) + len(c.Deny.Text)
	}
	if m.left-size < kept {
		return nil
	}
	m.left -= size
	return e
}

func confirm(c card.Confirm, style card.Style) *slack.ConfirmationBlockObject {
	or := func(t redact.Text, otherwise string, n int) *slack.TextBlockObject {
		s := strings.TrimSpace(clean(t.String()))
		if s == "" {
			s = otherwise
		}
		return plainText(short(s, n))
	}
	out := slack.NewConfirmationBlockObject(or(c.Title, "Are you sure?", 100), or(c.Body, "This counts at once.", 300), or(c.Yes, "Yes", 30), plainText("Cancel"))
	if style == card.Danger {
		out.Style = slack.StyleDanger
	}
	return out
}

// actionID carries the verb of a button; the number keeps IDs unique within a message.
func actionID(verb string, i int) string { return head(clean(verb), 200) + "#" + strconv.Itoa(i) }

// verbOf is the verb of an action ID.
func verbOf(actionID string) string {
	verb, _, _ := strings.Cut(actionID, "#")
	return verb
}
