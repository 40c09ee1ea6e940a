package card

import (
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// State colours a card.
type State string

// The states of a card.
const (
	Neutral State = "neutral"
	Running State = "running" // still filling
	Waiting State = "waiting" // on a person
	OK      State = "ok"
	Warn    State = "warn"
	Fail    State = "fail"
	Refused State = "refused" // what was asked was not done
)

// Card is one message as meaning. Slack and the terminal each render it; the first line of both is the verdict.
type Card struct {
	Title redact.Text `json:"title"`
	State State       `json:"state"`
	// Verdict is the answer in one sentence; it is also the message's plain text, so a lock screen is enough.
	Verdict redact.Text `json:"verdict"`
	Parts   []Part      `json:"parts,omitempty"`
	Buttons []Button    `json:"buttons,omitempty"`
	// Notes is small print: reference, age of the data, "not being recorded".
	Notes []redact.Text `json:"notes,omitempty"`
	// Mentions are Slack user IDs that this card addresses; the only way that a card can ping anybody.
	Mentions []string `json:"mentions,omitempty"`
}

// Part is one piece of a card's body; exactly one field is set.
type Part struct {
	Text     redact.Text       `json:"text,omitzero"`
	Facts    []Fact            `json:"facts,omitempty"`
	Findings []finding.Finding `json:"findings,omitempty"`
	Table    *finding.Table    `json:"table,omitempty"`
	Code     *Code             `json:"code,omitempty"`
	Item     *Item             `json:"item,omitempty"`
	Links    []Link            `json:"links,omitempty"`
}

// Item is one entry of a list that people work through, with the buttons that belong to it.
type Item struct {
	Mark Mark `json:"mark,omitempty"`
	// Line is what it is, More what came of it or what it would do.
	Line    redact.Text `json:"line"`
	More    redact.Text `json:"more,omitzero"`
	Buttons []Button    `json:"buttons,omitempty"`
}

// Mark says how an item stands.
type Mark string

// The marks.
const (
	MarkOpen    Mark = ""
	MarkRunning Mark = "running"
	MarkOK      Mark = "ok"
	MarkWarn    Mark = "warn"
	MarkFail    Mark = "fail"
	MarkUnknown Mark = "unknown"
	MarkWaiting Mark = "waiting"
	MarkDone    Mark = "done"
	MarkSkipped Mark = "skipped"
	MarkRefused Mark = "refused"
)

// Link is a place on the web. Only http and https addresses are made into links.
type Link struct {
	Text redact.Text `json:"text"`
	URL  string      `json:"url"`
}

// Fact is a label and its value.
type Fact struct {
	Label redact.Text `json:"label"`
	Value redact.Text `json:"value"`
}

// Code is preformatted text; Lang "diff" may be coloured.
type Code struct {
	Title redact.Text `json:"title,omitzero"`
	Lang  string      `json:"lang,omitempty"`
	Text  redact.Text `json:"text"`
}

// Button asks for a verb. Value carries an ID or a service name and nothing that is decided by: the server holds the state.
type Button struct {
	Label   redact.Text `json:"label"`
	Verb    string      `json:"verb"`
	Value   string      `json:"value"`
	Style   Style       `json:"style,omitempty"`
	Confirm *Confirm    `json:"confirm,omitempty"`
}

// Style is "", "primary" or "danger".
type Style string

// The styles of a button.
const (
	Primary Style = "primary"
	Danger  Style = "danger"
)

// Confirm is the question asked before a button counts.
type Confirm struct {
	Title redact.Text `json:"title"`
	Body  redact.Text `json:"body"`
	Yes   redact.Text `json:"yes"`
}
