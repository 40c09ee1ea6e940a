package handlers

import (
	"errors"

	"github.com/svcdown/svcdown/redact"
)

// The errors that stores answer with.
var (
	// ErrNotFound: there is no such request.
	ErrNotFound = errors.New("not found")
	// ErrBusy: another request is changing the target.
	ErrBusy = errors.New("target is being changed by another request")
	// ErrLost: somebody else took over the lease.
	ErrLost = errors.New("lease lost")
	// ErrUnavailable: the database does not answer. Reads go on, changes are refused.
	ErrUnavailable = errors.New("database unavailable")
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
