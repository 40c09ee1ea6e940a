package guard

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/go-redis/redis_rate/v10"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"
)

// patience is how long Redis may take to connect, to take a question and to answer it. Beyond that, memory is the better answer.
const patience = 250 * time.Millisecond

// Redis is a Guard that all replicas share. A Redis that does not answer costs one call the patience of 250 ms and the next ones nothing:
// they get [ErrUnavailable] at once, until a try after a pause (0.5 s to 15 s) succeeds.
type Redis struct {
	client  *redis.Client
	limiter *redis_rate.Limiter
	breaker *breaker
}

// OpenRedis prepares a client for rawURL (redis://, rediss:// or unix://, see https://www.iana.org/assignments/uri-schemes/prov/redis); it
// does not connect yet, so a Redis that is down is no error here. No error of it quotes the URL, which may hold a password.
func OpenRedis(rawURL string, now func() time.Time) (*Redis, error) {
	opt, err := redis.ParseURL(rawURL)
	if err != nil {
		return nil, errors.New("open Redis: REDIS_URL is not of the form redis://[user:password@]host:port[/database]; nothing was connected")
	}
	// go-redis' own defaults dial a dead server 20 times, 5 s each, for one command.
	opt.MaxRetries = -1
	opt.DialerRetries = 1
	opt.DialTimeout, opt.ReadTimeout, opt.WriteTimeout, opt.PoolTimeout = patience, patience, patience, patience
	opt.ContextTimeoutEnabled = true
	opt.PoolSize = 16
	opt.DisableIdentity = true
	opt.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	client := redis.NewClient(opt)
	return &Redis{client: client, limiter: redis_rate.NewLimiter(client), breaker: &breaker{now: now}}, nil
}

// Close gives the connections back.
func (r *Redis) Close() error { return r.client.Close() }

// Seen is part of [Guard].
func (r *Redis) Seen(ctx context.Context, key string, ttl time.Duration) (bool, error) {
	if err := checkTTL(ttl); err != nil {
		return false, err
	}
	var seen bool
	err := r.ask(ctx, "look up a delivery", func() error {
		err := r.client.SetArgs(ctx, name("seen", key), "", redis.SetArgs{Mode: "NX", TTL: ttl}).Err()
		if errors.Is(err, redis.Nil) { // it stands there already
			seen, err = true, nil
		}
		return err
	})
	return seen, err
}

// Allow is part of [Guard].
func (r *Redis) Allow(ctx context.Context, key string, rate Rate) (bool, time.Duration, error) {
	if err := checkRate(rate); err != nil {
		return false, 0, err
	}
	var got *redis_rate.Result
	err := r.ask(ctx, "count a use", func() (err error) {
		got, err = r.limiter.Allow(ctx, name("rate", key), redis_rate.Limit{Rate: rate.Count, Period: rate.Per, Burst: rate.burst()})
		return err
	})
	if err != nil {
		return false, 0, err
	}
	return got.Allowed > 0, max(0, got.RetryAfter), nil
}

// Remember is part of [Guard].
func (r *Redis) Remember(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if err := checkValue(value, ttl); err != nil {
		return err
	}
	return r.ask(ctx, "remember a value", func() error {
		return r.client.Set(ctx, name("value", key), value, ttl).Err()
	})
}

// Recall is part of [Guard].
func (r *Redis) Recall(ctx context.Context, key string) ([]byte, bool, error) {
	var value []byte
	var ok bool
	err := r.ask(ctx, "recall a value", func() error {
		v, err := r.client.Get(ctx, name("value", key)).Bytes()
		if errors.Is(err, redis.Nil) {
			return nil
		}
		value, ok = v, err == nil
		return err
	})
	return value, ok, err
}

func (r *Redis) ask(ctx context.Context, what string, question func() error) error {
	try, ok := r.breaker.enter()
	if !ok {
		return fmt.Errorf("%s: %w", what, ErrUnavailable)
	}
	err := question()
	switch {
	case err == nil:
		r.breaker.leave(try, answered)
		return nil
	case ctx.Err() != nil:
		r.breaker.leave(try, unclear)
	default:
		r.breaker.leave(try, silent) // also an answer of "no" (LOADING, OOM, READONLY): such a Redis is of no use now
	}
	return fmt.Errorf("%s in Redis: %w", what, err)
}

// maxKey bounds a key in Redis; a longer one is replaced by its digest.
const maxKey = 200

func name(kind, key string) string {
	if len(key) > maxKey || strings.ContainsRune(key, 0) {
		sum := sha256.Sum256([]byte(key))
		key = "sha256:" + hex.EncodeToString(sum[:])
	}
	return "svcdown:" + kind + ":" + key
}
