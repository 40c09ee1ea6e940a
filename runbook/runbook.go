package runbook

import "time"

// Runbook is one Markdown document as steps. It is immutable after [Parse] and safe for concurrent use.
type Runbook struct {
	File   string
	Title  string
	Phases []Phase
	// Source is the document as it was given to [Parse].
	Source string
	// Warnings are about the document itself: repaired text, blocks without a language, attributes that are not known.
	Warnings []Warning
}

// Phase is what a second-level heading opens ("Immediate Actions (0-5 minutes)"). What stands above the first one is a phase without a title.
type Phase struct {
	Title    string
	Line     int
	Sections []Section
}

// Section is what a deeper heading opens. What stands directly below a phase's heading is a section with the phase's title.
type Section struct {
	Title string
	Line  int
	// AppliesTo is the catalogue's kind of the services that the section is for ("Backend Service Down" → "backend"), "" for every service.
	AppliesTo string
	Steps     []Step
	Reading   []Reading
}

// Reading is text for people: a paragraph, a list entry, a comment that has no command.
type Reading struct {
	Line int
	Text string
	// Depth is 0 for a paragraph and 1 or more for a list entry.
	Depth int
	Links []Link
}

// Link is a link in the reading matter.
type Link struct{ Text, URL string }

// Warning is something in the document that a person should look at.
type Warning struct {
	Line int
	Text string
}

// Step is one command.
type Step struct {
	// Number counts the commands of the document, from 1.
	Number int
	File   string
	Line   int // of its first line, from 1
	// Phase and Section are the titles that it stands under.
	Phase, Section string
	// Title is the comment or the text above the command, "" when there is none.
	Title string
	// Source is the command as written, on one line where it was continued with backslashes.
	Source     string
	Attributes Attributes
	Class      Class
	// Operation is what the command does, nil when the class is Manual or Refused.
	Operation *Operation
	// Reason says why the command is refused or left to a person, "" otherwise.
	Reason   string
	Warnings []string
}

// Attributes are what plain Markdown cannot say, written as {for=backend approve=2 timeout=30s} behind a fence's language, in a comment, or
// in an HTML comment above the block. Zero values mean "not said".
type Attributes struct {
	For     string        // a service or a kind of service
	Approve int           // how many people must agree at least
	Timeout time.Duration // how long the step may take
}

// Class is what running a command means. The zero value is Refused.
type Class uint8

// The classes. Only a Check is ever run without anybody's agreement: it changes nothing and hands out no secret.
const (
	Refused Class = iota // never run; Step.Reason says why
	Check                // only reads
	Action               // changes something
	Message              // tells people something
	Manual               // a person does it and ticks it off
)

var classNames = [...]string{"refused", "check", "action", "message", "manual"}

// String returns refused, check, action, message or manual.
func (c Class) String() string {
	if int(c) < len(classNames) {
		return classNames[c]
	}
	return "refused"
}

// MarshalText writes the name.
func (c Class) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// Steps lists all steps in the order of the document.
func (r *Runbook) Steps() []Step {
	var all []Step
	for _, p := range r.Phases {
		for _, s := range p.Sections {
			all = append(all, s.Steps...)
		}
	}
	return all
}
