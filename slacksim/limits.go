package slacksim

import (
	"math"
	"time"
)

// tier is how many calls a minute Slack takes of one method in one workspace
// (https://docs.slack.dev/apis/web-api/rate-limits). A minute's worth may come in one burst.
type tier int

const (
	tier2 tier = 20
	tier3 tier = 50
	tier4 tier = 100
	// The special tiers are documented as "hundreds per minute".
	tierAuth      tier = 300
	tierPermalink tier = 300
	tierPost      tier = 300
)

// channelBurst is how many messages to one channel Slack lets through before it insists on one per second.
const channelBurst = 4

// bucket is a token bucket.
type bucket struct {
	left float64
	at   time.Time
}

// spend takes one token of the named bucket. It returns 0, or how long until there is one again.
func (w *Workspace) spend(name string, burst float64, perSecond float64) time.Duration {
	now := w.cfg.Now()
	b := w.buckets[name]
	if b == nil {
		b = &bucket{left: burst, at: now}
		w.buckets[name] = b
	}
	b.left = math.Min(burst, b.left+now.Sub(b.at).Seconds()*perSecond)
	b.at = now
	if b.left < 1 {
		return time.Duration((1 - b.left) / perSecond * float64(time.Second))
	}
	b.left--
	return 0
}

// limited returns how long the caller must wait before it may call the method again; 0 means go on.
func (w *Workspace) limited(name string, m method, where string) time.Duration {
	if w.cfg.NoRateLimits {
		return 0
	}
	if wait := w.spend(name, float64(m.tier), float64(m.tier)/60); wait > 0 {
		return wait
	}
	if name == "chat.postMessage" {
		if ch := w.addressed(where); ch != nil {
			return w.spend("channel "+ch.ID, channelBurst, 1)
		}
	}
	return 0
}

// retryAfter is wait in whole seconds, as the Retry-After header wants it: never too short.
func retryAfter(wait time.Duration) int { return max(1, int(math.Ceil(wait.Seconds()))) }
