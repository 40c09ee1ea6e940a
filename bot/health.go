package bot

import (
	"sync"
	"time"
)

// Health is how the bot stands with Slack.
type Health struct {
	// Sockets is how many of the two connections are up; with none, nobody reaches the bot through Slack.
	Sockets int `json:"sockets"`
	// Connected tells whether a connection was ever up: Slack has taken our tokens once.
	Connected bool `json:"connected"`
	// LastEvent is when Slack last delivered anything, zero when it has not yet.
	LastEvent time.Time `json:"lastEvent,omitzero"`
	// Problem is why a connection is down, in Slack's or the network's words; "" when all are up.
	Problem string `json:"problem,omitempty"`
}

type health struct {
	mu        sync.Mutex
	since     [sockets]time.Time // zero while down
	problem   [sockets]string
	connected bool
	lastEvent time.Time
}

// Health tells how the bot stands with Slack at this moment.
func (b *Bot) Health() Health {
	b.health.mu.Lock()
	defer b.health.mu.Unlock()
	h := Health{Connected: b.health.connected, LastEvent: b.health.lastEvent}
	for i, since := range b.health.since {
		if !since.IsZero() {
			h.Sockets++
		} else if h.Problem == "" {
			h.Problem = b.health.problem[i]
		}
	}
	return h
}

func (h *health) up(i int, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.since[i], h.problem[i], h.connected = now, "", true
}

// down records that a connection ended; without an error the last known reason stays.
func (h *health) down(i int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.since[i] = time.Time{}
	switch {
	case err != nil:
		h.problem[i] = err.Error()
	case h.problem[i] == "":
		h.problem[i] = "connecting"
	}
}

func (h *health) event(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lastEvent = now
}

// socketAge is the age of the oldest open connection.
func (b *Bot) socketAge() time.Duration {
	b.health.mu.Lock()
	defer b.health.mu.Unlock()
	var oldest time.Duration
	for _, since := range b.health.since {
		if !since.IsZero() {
			oldest = max(oldest, b.cfg.Now().Sub(since))
		}
	}
	return oldest
}

// eventAge is the time since the last event in seconds, -1 before the first.
func (b *Bot) eventAge() float64 {
	b.health.mu.Lock()
	defer b.health.mu.Unlock()
	if b.health.lastEvent.IsZero() {
		return -1
	}
	return b.cfg.Now().Sub(b.health.lastEvent).Seconds()
}
