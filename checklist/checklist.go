package checklist

import (
	"errors"
	"time"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/redact"
)

// Checklist is one runbook being worked through for one service. It is stored as a row; all changes happen on a row that is locked.
type Checklist struct {
	ID      string `json:"id"` // short, typed by people: "C-7K3MQX"
	Runbook string `json:"runbook"`
	Service string `json:"service"`
	// Source is the Markdown as it was when the checklist was opened: a reload of the runbook moves no step under people's hands. It is
	// stored beside the rest.
	Source   string    `json:"-"`
	OpenedBy string    `json:"openedBy"`
	OpenedAt time.Time `json:"openedAt"`
	// Values are what people filled in for placeholders, by name.
	Values map[string]string `json:"values,omitempty"`
	// Steps are those that something was done about, by number: the first command of the document is 1.
	Steps map[int]Step `json:"steps,omitempty"`
	// Places are where its messages stand: 0 is the first one, then its pages.
	Places map[int]card.Address `json:"places,omitempty"`
	// Version counts the changes; it is the row's.
	Version int64 `json:"-"`
}

// Step is what became of one step. The zero value is one that nobody has touched.
type Step struct {
	State State `json:"state,omitempty"`
	// Line is what came of it, in one line.
	Line redact.Text `json:"line,omitzero"`
	// By and At are who did it and when.
	By string    `json:"by,omitempty"`
	At time.Time `json:"at,omitzero"`
	// Claim is the key of the delivery that works on it, or was the last to. Until is when the right to lapses.
	Claim string    `json:"claim,omitempty"`
	Until time.Time `json:"until,omitzero"`
	// Request is the request that an action was asked for with, and Asked how often it was: each time is a request of its own.
	Request string `json:"request,omitempty"`
	Asked   int    `json:"asked,omitempty"`
	// Output is true when a report is stored.
	Output bool `json:"output,omitempty"`
	// Ours is true when svcdown itself did it: no tick takes that back.
	Ours bool `json:"ours,omitempty"`
}

// State is where a step stands.
type State string

// The states.
const (
	Open    State = ""
	Running State = "running"
	OK      State = "ok" // OK, Warn, Fail and Unknown are what a check found
	Warn    State = "warn"
	Fail    State = "fail"
	Unknown State = "unknown"
	Waiting State = "waiting" // for approval
	Done    State = "done"    // by a person, or by svcdown after approval
	Skipped State = "skipped"
)

// Over reports whether nothing is left to do about a step.
func (s State) Over() bool {
	switch s {
	case Open, Running, Waiting:
		return false
	}
	return true
}

// The reasons not to change a step.
var (
	ErrBusy  = errors.New("somebody is at it already")
	ErrAgain = errors.New("that delivery was dealt with already")
	ErrOver  = errors.New("it is done already")
	ErrLost  = errors.New("somebody else took it over")
)

// ClaimTime is how long a claim keeps others out: longer than any step runs, so that it lapses only when a bot died.
const ClaimTime = 5 * time.Minute

// Claim gives step n to the delivery called key: whoever has it runs the step. [ErrBusy] while another delivery has it, [ErrAgain] when this
// one had it and is done. Repeating the claim of a delivery that has it is no error: a bot that died in between goes on.
func (c *Checklist) Claim(n int, key, by string, now time.Time) error {
	s := c.Steps[n]
	switch {
	case s.State == Waiting:
		return ErrBusy
	case s.State != Running && s.Claim == key:
		return ErrAgain
	case s.State == Running && s.Claim != key && now.Before(s.Until):
		return ErrBusy
	}
	s.State, s.Claim, s.By, s.At, s.Until = Running, key, by, now, now.Add(ClaimTime)
	c.put(n, s)
	return nil
}

// Once is Claim for what must not happen twice: [ErrOver] when it has happened.
func (c *Checklist) Once(n int, key, by string, now time.Time) error {
	if s := c.Steps[n]; s.State == Done && s.Claim != key {
		return ErrOver
	}
	return c.Claim(n, key, by, now)
}

// End records what came of the step that key has claimed. [ErrLost] when the claim lapsed and somebody else has the step by now.
func (c *Checklist) End(n int, key string, state State, line redact.Text, output bool, now time.Time) error {
	s := c.Steps[n]
	if s.Claim != key || s.State != Running {
		return ErrLost
	}
	s.State, s.Line, s.At, s.Until, s.Ours = state, line, now, time.Time{}, state == Done
	s.Output = s.Output || output
	c.put(n, s)
	return nil
}

// Tick marks step n as done by a person, or as skipped.
func (c *Checklist) Tick(n int, state State, by string, now time.Time) error {
	s := c.Steps[n]
	switch {
	case s.State == Waiting || (s.State == Running && now.Before(s.Until)):
		return ErrBusy
	case s.State == Done:
		return ErrOver
	}
	s.State, s.By, s.At = state, by, now
	c.put(n, s)
	return nil
}

// Reopen takes a tick or a skip back.
func (c *Checklist) Reopen(n int, by string, now time.Time) error {
	s := c.Steps[n]
	if s.Ours || (s.State != Done && s.State != Skipped) {
		return ErrOver
	}
	s.State, s.By, s.At = Open, by, now
	c.put(n, s)
	return nil
}

// Follow records how the request of step n stands. A request that the step no longer follows changes nothing.
func (c *Checklist) Follow(n int, request string, state State, line redact.Text, now time.Time) {
	s := c.Steps[n]
	if s.Request != request || (s.State == state && s.Line == line) || s.State == Skipped {
		return
	}
	s.State, s.Line, s.At, s.Until, s.Ours = state, line, now, time.Time{}, state == Done
	c.put(n, s)
}

// Ask is Once for an action; each time that it is asked for counts, a repetition of the same delivery does not.
func (c *Checklist) Ask(n int, key, by string, now time.Time) error {
	before := c.Steps[n].Claim
	if err := c.Once(n, key, by, now); err != nil {
		return err
	}
	s := c.Steps[n]
	if before != key {
		s.Asked++
	}
	c.put(n, s)
	return nil
}

// Asked ties step n, which key has claimed, to a request.
func (c *Checklist) Asked(n int, key, request string) error {
	s := c.Steps[n]
	if s.Claim != key {
		return ErrLost
	}
	s.Request, s.State = request, Waiting
	c.put(n, s)
	return nil
}

// Fill adds values that a person gave.
func (c *Checklist) Fill(values map[string]string) {
	for name, v := range values {
		if c.Values == nil {
			c.Values = map[string]string{}
		}
		c.Values[name] = v
	}
}

// Stand remembers where a message stands.
func (c *Checklist) Stand(page int, at card.Address) {
	if c.Places == nil {
		c.Places = map[int]card.Address{}
	}
	c.Places[page] = at
}

func (c *Checklist) put(n int, s Step) {
	if c.Steps == nil {
		c.Steps = map[int]Step{}
	}
	c.Steps[n] = s
}
