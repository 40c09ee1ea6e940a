package guard

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// Fallback asks one Guard and, where that errs, another.
type Fallback struct {
	first  Guard
	second *Memory
	log    zerolog.Logger
	down   atomic.Bool
}

// WithFallback makes a Guard that asks first (Redis) and lets memory answer whenever first cannot. Nobody notices but by speed; log gets
// one line when first falls silent and one when it is back. Marks and values are kept in memory as well all the while, so that an outage
// does not forget what this process has just seen.
func WithFallback(first Guard, memory *Memory, log zerolog.Logger) *Fallback {
	return &Fallback{first: first, second: memory, log: log}
}

// Degraded reports whether memory answers at present.
func (f *Fallback) Degraded() bool { return f.down.Load() }

// Seen is part of [Guard]; it errs for a bad ttl only.
func (f *Fallback) Seen(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	here, err := f.second.Seen(ctx, key, ttl)
	if err != nil || here {
		return here, err
	}
	elsewhere, err := f.first.Seen(ctx, key, ttl)
	f.note(ctx, err)
	return elsewhere && err == nil, nil
}

// Allow is part of [Guard]; it errs for a bad rate only.
func (f *Fallback) Allow(ctx context.Context, key string, rate Rate) (bool, time.Duration, error) {
	ok, retryAfter, err := f.first.Allow(ctx, key, rate)
	if errors.Is(err, ErrBadRate) {
		return false, 0, err
	}
	f.note(ctx, err)
	if err != nil {
		return f.second.Allow(ctx, key, rate)
	}
	return ok, retryAfter, nil
}

// Remember is part of [Guard]; it errs for a bad ttl or value only.
func (f *Fallback) Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := f.second.Remember(ctx, key, value, ttl); err != nil {
		return err
	}
	f.note(ctx, f.first.Remember(ctx, key, value, ttl))
	return nil
}

// Recall is part of [Guard]; it never errs.
func (f *Fallback) Recall(ctx context.Context, key string) ([]byte, bool, error) {
	value, ok, err := f.first.Recall(ctx, key)
	f.note(ctx, err)
	if err != nil {
		return f.second.Recall(ctx, key)
	}
	return value, ok, nil
}

// note logs a change of state once. A caller that went away says nothing about Redis.
func (f *Fallback) note(ctx context.Context, err error) {
	switch {
	case err != nil && ctx.Err() != nil:
	case err != nil && f.down.CompareAndSwap(false, true):
		f.log.Warn().Err(err).Msg("Redis does not answer: memory answers instead; replicas no longer share what they have seen")
	case err == nil && f.down.CompareAndSwap(true, false):
		f.log.Info().Msg("Redis answers again")
	}
}
