package bot

import (
	"context"
	"errors"
	"sync"
	"time"
)

// A Slack that does not answer costs whoever asks first askTime, and nobody else: for a pause nothing is asked, then one question finds out
// whether it is back, within tryTime. The pause grows from the first to the last.
const (
	askTime    = 3 * time.Second
	tryTime    = time.Second
	firstQuiet = 2 * time.Second
	lastQuiet  = 15 * time.Second
)

var errSilent = errors.New("Slack did not answer a moment ago and was not asked again")

// lookUp asks Slack something that a person waits for, such as who somebody is. What it returns is nil or a *DeliveryError.
func (b *Bot) lookUp(ctx context.Context, method string, call func(context.Context) error) error {
	limit, may := b.silence.ask(b.cfg.Now())
	if !may {
		return &DeliveryError{Method: method, Code: "unreachable", Temporary: true, Err: errSilent}
	}
	asking, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := b.calls.do(asking, request{method: method, urgent: true}, call)
	var d *DeliveryError
	switch {
	case !errors.As(err, &d) || !d.Temporary: // a refusal is an answer as well
		b.silence.heard()
	case ctx.Err() == nil:
		b.silence.unheard(b.cfg.Now())
	default: // the asker went away: that says nothing about Slack
		b.silence.leave()
	}
	return err
}

// silence remembers that Slack does not answer. The zero value knows of none; it is safe for concurrent use.
type silence struct {
	mu     sync.Mutex
	pause  time.Duration // 0 while Slack answers
	again  time.Time
	trying bool
}

// ask reports whether Slack may be asked now, and how long to wait for it. When it may, heard, unheard or leave must follow.
func (s *silence) ask(now time.Time) (limit time.Duration, may bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.pause == 0:
		return askTime, true
	case s.trying || now.Before(s.again):
		return 0, false
	}
	s.trying = true
	return tryTime, true
}

func (s *silence) heard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pause, s.trying = 0, false
}

func (s *silence) unheard(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.pause == 0 || s.trying { // of many who asked at once, the first begins the pause and the others do not lengthen it
		s.pause = min(max(firstQuiet, 2*s.pause), lastQuiet)
		s.again = now.Add(s.pause)
	}
	s.trying = false
}

func (s *silence) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.trying = false
}
