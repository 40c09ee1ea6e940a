package guard

import (
	"errors"
	"sync"
	"time"
)

// ErrUnavailable means that Redis was not asked because it did not answer a moment ago.
var ErrUnavailable = errors.New("redis did not answer; not asked again yet")

// How long a silent Redis is left alone: the first pause, doubled with each failed try up to the last.
const (
	firstPause = 500 * time.Millisecond
	lastPause  = 15 * time.Second
)

// breaker lets calls through while they succeed. After a failure it turns them away at once, but for one try after each pause.
type breaker struct {
	now func() time.Time

	mu     sync.Mutex
	pause  time.Duration // 0 while closed
	again  time.Time
	trying bool
}

// enter reports whether a call may be made, and whether it is the one try of a pause. When it may, leave must follow.
func (b *breaker) enter() (try, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.pause == 0 {
		return false, true
	}
	if b.trying || b.now().Before(b.again) {
		return false, false
	}
	b.trying = true
	return true, true
}

type outcome uint8

const (
	answered outcome = iota
	silent
	unclear // the caller went away: says nothing about Redis
)

func (b *breaker) leave(try bool, o outcome) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if try {
		b.trying = false
	}
	switch {
	case o == answered:
		b.pause = 0
	case o == silent && (b.pause == 0 || try):
		b.pause = min(max(firstPause, 2*b.pause), lastPause)
		b.again = b.now().Add(b.pause)
	}
}
