package approval

import (
	"errors"
	"time"
)

// Lease is the right to change one target, for [LeaseTime]. Whoever takes it later gets a higher Token and outdates this one.
type Lease struct {
	Target string // plan.Target.Key
	Holder string // request ID
	Token  int64
	Until  time.Time
}

// LeaseTime is how long the execution of one request may hold its target.
const LeaseTime = 15 * time.Second

// The errors that whoever stores requests answers with.
var (
	// ErrNotFound: there is no such request.
	ErrNotFound = errors.New("not found")
	// ErrBusy: another request is changing the target.
	ErrBusy = errors.New("the target is being changed by another request")
	// ErrLost: somebody else took over the lease.
	ErrLost = errors.New("lease lost")
	// ErrUnavailable: the database does not answer. Reads go on, changes are refused.
	ErrUnavailable = errors.New("database unavailable")
)

// Later is returned by a job's body that wants to be called again after a while; it is no failure.
type Later struct{ After time.Duration }

func (l *Later) Error() string { return "again in " + l.After.String() }
