package handlers

import (
	"github.com/svcdown/svcdown/redact"
)

// Problem is an error that a person may read. Anything else is internal: the person sees a reference, the log has the cause.
type Problem struct {
	Code string
	// Text says what happened and what was not done; Next what to do now.
	Text redact.Text
	Next redact.Text
	Err  error // cause for the log, may be nil
}

func (p *Problem) Error() string {
	if p.Next.Empty() {
		return p.Text.String()
	}
	return p.Text.String() + " " + p.Next.String()
}

func (p *Problem) Unwrap() error { return p.Err }
