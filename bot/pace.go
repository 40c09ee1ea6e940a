package bot

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// maxWaiting bounds who queues for one bucket; whoever comes later is refused at once instead of minutes later.
const maxWaiting = 500

var errQueueFull = errors.New("too many messages wait for Slack already")

// pacer keeps our own calls below Slack's limits, so that a 429 is the exception. The zero value is ready; it is safe for concurrent use.
type pacer struct {
	mu      sync.Mutex
	buckets map[string]*bucket
}

// bucket returns the named bucket, made with that burst and rate when it is new.
func (p *pacer) bucket(name string, burst, perSecond float64) *bucket {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.buckets == nil {
		p.buckets = map[string]*bucket{}
	}
	b := p.buckets[name]
	if b == nil {
		b = &bucket{burst: burst, perSecond: perSecond, tokens: burst, at: time.Now()}
		p.buckets[name] = b
	}
	return b
}

// waiting counts everybody who queues.
func (p *pacer) waiting() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, b := range p.buckets {
		b.mu.Lock()
		n += len(b.queue)
		b.mu.Unlock()
	}
	return n
}

// bucket hands out tokens at a steady rate: to the urgent first, otherwise in the order of coming.
type bucket struct {
	burst, perSecond float64

	mu     sync.Mutex
	tokens float64
	at     time.Time
	paused time.Time // nothing before this
	queue  []*ticket
	timer  *time.Timer
}

type ticket struct {
	urgent  bool
	granted chan struct{}
}

// take waits for a token.
func (b *bucket) take(ctx context.Context, urgent bool) error {
	b.mu.Lock()
	if len(b.queue) == 0 && b.wait() == 0 {
		b.tokens--
		b.mu.Unlock()
		return nil
	}
	if len(b.queue) >= maxWaiting {
		b.mu.Unlock()
		return errQueueFull
	}
	t := &ticket{urgent: urgent, granted: make(chan struct{})}
	i := len(b.queue)
	if urgent {
		if first := slices.IndexFunc(b.queue, func(t *ticket) bool { return !t.urgent }); first >= 0 {
			i = first
		}
	}
	b.queue = slices.Insert(b.queue, i, t)
	b.arm()
	b.mu.Unlock()

	select {
	case <-t.granted:
		return nil
	case <-ctx.Done():
		b.leave(t)
		return ctx.Err()
	}
}

// leave takes t out of the queue, or gives its token back when it came at the same moment.
func (b *bucket) leave(t *ticket) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if i := slices.Index(b.queue, t); i >= 0 {
		b.queue = slices.Delete(b.queue, i, i+1)
		return
	}
	b.tokens++
	b.arm()
}

// pause stops the bucket for d, because Slack said so.
func (b *bucket) pause(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until := time.Now().Add(d); until.After(b.paused) {
		b.paused = until
	}
	b.tokens = min(b.tokens, 1)
}

// wait is how long until there is a token; the caller holds mu.
func (b *bucket) wait() time.Duration {
	now := time.Now()
	b.tokens = min(b.burst, b.tokens+now.Sub(b.at).Seconds()*b.perSecond)
	b.at = now
	var d time.Duration
	if b.tokens < 1 {
		d = time.Duration((1-b.tokens)/b.perSecond*float64(time.Second)) + time.Microsecond
	}
	return max(d, b.paused.Sub(now), 0)
}

// arm sets the timer for the next token; the caller holds mu.
func (b *bucket) arm() {
	if b.timer != nil {
		b.timer.Stop()
	}
	if len(b.queue) > 0 {
		b.timer = time.AfterFunc(b.wait(), b.serve)
	}
}

func (b *bucket) serve() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.queue) > 0 && b.wait() == 0 {
		b.tokens--
		close(b.queue[0].granted)
		b.queue = b.queue[1:]
	}
	b.arm()
}
