package bot

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/svcdown/svcdown/card"
)

// editGap is the least time between two edits that only show progress: more is restless, and edits are scarce (50 a minute).
const editGap = 900 * time.Millisecond

// edits brings cards up to date: one edit of a message at a time, the newest state wins, an end state before progress of others. It is
// safe for concurrent use.
type edits struct {
	bot *Bot

	mu   sync.Mutex
	open map[place]*editing
	wg   sync.WaitGroup
}

// editing is one message whose edits are under way.
type editing struct {
	next   *card.Card
	urgent bool
	done   []chan error // who waits for the newest state
	hurry  context.CancelFunc
	last   time.Time
}

// edit replaces a message's content. Progress is handed over and nil returned; for anything else edit waits until Slack has it. When ctx
// ends earlier, the edit is made all the same.
func (e *edits) edit(ctx context.Context, at place, c card.Card) error {
	urgent := c.State != card.Running
	done := make(chan error, 1)
	e.mu.Lock()
	m := e.open[at]
	if m == nil {
		m = &editing{}
		e.open[at] = m
		e.wg.Go(func() { e.run(context.WithoutCancel(ctx), at, m) })
	}
	m.next = &c
	if urgent {
		m.done = append(m.done, done)
		m.urgent = true
		if m.hurry != nil {
			m.hurry()
		}
	}
	e.mu.Unlock()
	if !urgent {
		return nil
	}
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// run makes the edits of one message until there is none left.
func (e *edits) run(ctx context.Context, at place, m *editing) {
	for {
		switch err := e.turn(ctx, m); {
		case errors.Is(err, context.Canceled):
			continue // something urgent came: queue again as that
		case err != nil:
			_, done := e.newest(m)
			if e.finish(at, m, done, &DeliveryError{Method: "chat.update", Code: "busy", Temporary: true, Err: err}) {
				return
			}
			continue
		}
		var done []chan error
		err := e.bot.calls.do(ctx, request{method: "chat.update", paid: true}, func(ctx context.Context) error {
			c, waiting := e.newest(m)
			done = append(done, waiting...)
			if c == nil {
				return nil
			}
			err := e.put(ctx, at, render(*c))
			if err != nil {
				e.restore(m, c)
			}
			return err
		})
		if e.finish(at, m, done, err) {
			return
		}
	}
}

// turn waits for the moment of the next edit. [context.Canceled] means that the wait was cut short by an urgent one.
func (e *edits) turn(ctx context.Context, m *editing) error {
	e.mu.Lock()
	urgent := m.urgent
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if !urgent {
		m.hurry = cancel
	}
	gap := editGap - time.Since(m.last)
	e.mu.Unlock()
	defer func() {
		e.mu.Lock()
		m.hurry = nil
		e.mu.Unlock()
	}()
	if !urgent && gap > 0 && !sleep(ctx, gap) {
		return context.Canceled
	}
	return e.bot.calls.take(ctx, request{method: "chat.update", urgent: urgent})
}

// newest takes what is to be shown now, and who waits for it.
func (e *edits) newest(m *editing) (*card.Card, []chan error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, done := m.next, m.done
	m.next, m.done, m.urgent = nil, nil, false
	return c, done
}

// restore puts back what was not taken, unless something newer has come.
func (e *edits) restore(m *editing, c *card.Card) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if m.next == nil {
		m.next = c
	}
}

// finish tells the waiting and reports whether nothing is left to do.
func (e *edits) finish(at place, m *editing, done []chan error, err error) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	m.last = time.Now()
	if err != nil && len(m.done) == 0 {
		m.next = nil // given up; whoever waits hears it
	}
	for _, d := range done {
		d <- err
	}
	if err != nil && len(done) == 0 {
		e.bot.cfg.Log.Warn().Err(err).Str("channel", at.channel).Msg("show progress")
	}
	if m.next == nil {
		delete(e.open, at)
		return true
	}
	return false
}

func (e *edits) put(ctx context.Context, at place, m message) error {
	send := func(m message) error {
		_, _, _, err := e.bot.api.UpdateMessageContext(ctx, at.channel, at.thread, m.options()...)
		return err
	}
	err := send(m)
	if slices.Contains(unshowableCodes, judge(err).code) {
		err = send(m.bare())
	}
	return err
}
