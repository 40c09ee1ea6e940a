package guard

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Guard is what the rest of the house asks. Keys are any text; values are short-lived. All methods are safe for concurrent use.
//
// Whatever a Guard says is a courtesy: it may forget everything at any moment (a restart, a full memory, Redis gone), so the truth about
// what was done stands in Postgres behind a unique key.
type Guard interface {
	// Seen marks key for ttl and reports whether it was marked already. A repeated call does not prolong the mark. When work on the first
	// delivery may fail, the second one still has to be looked at: seen means "probably a repeat", not "done".
	Seen(ctx context.Context, key string, ttl time.Duration) (bool, error)
	// Allow counts one use of key and reports whether it is within rate; when not, the use is not counted and retryAfter says when to try
	// again.
	Allow(ctx context.Context, key string, rate Rate) (ok bool, retryAfter time.Duration, err error)
	// Remember keeps value, at most [MaxValue] bytes, under key for ttl, in place of what was there.
	Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error
	// Recall returns what is remembered under key; ok is false when there is nothing (any more).
	Recall(ctx context.Context, key string) (value []byte, ok bool, err error)
}

// Rate is Count uses in each Per, evenly spread (GCRA), of which Burst may come at once; Burst 0 means Count.
type Rate struct {
	Count int
	Per   time.Duration
	Burst int
}

// interval is the time that one use takes up.
func (r Rate) interval() time.Duration { return r.Per / time.Duration(r.Count) }

func (r Rate) burst() int {
	if r.Burst == 0 {
		return r.Count
	}
	return r.Burst
}

// MaxValue is how many bytes may be remembered under one key: hints, not files.
const MaxValue = 64 << 10

// What is wrong with a call, whatever the implementation.
var (
	ErrBadTTL  = errors.New("a hint needs a ttl of at least a millisecond")
	ErrBadRate = errors.New("a rate needs a count from 1, a burst from 0 and from a microsecond for each use to a year for a burst")
	ErrTooBig  = fmt.Errorf("a remembered value has at most %d bytes", MaxValue)
)

// Redis counts expiry in milliseconds: less would be "for ever" or an error there.
func checkTTL(ttl time.Duration) error {
	if ttl < time.Millisecond {
		return fmt.Errorf("%w, not %s", ErrBadTTL, ttl)
	}
	return nil
}

// maxSpan is the longest time that a full burst may take to come back.
const maxSpan = 366 * 24 * time.Hour

func checkRate(r Rate) error {
	// The last condition keeps the sums below the end of time.Duration.
	if r.Count < 1 || r.Burst < 0 || r.interval() < time.Microsecond || float64(r.interval())*float64(r.burst()) > float64(maxSpan) {
		return fmt.Errorf("%w, not %d in %s (burst %d)", ErrBadRate, r.Count, r.Per, r.Burst)
	}
	return nil
}

func checkValue(value []byte, ttl time.Duration) error {
	if len(value) > MaxValue {
		return fmt.Errorf("%w, not %d", ErrTooBig, len(value))
	}
	return checkTTL(ttl)
}
