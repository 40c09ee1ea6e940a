package bot

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/slack-go/slack"
	"golang.org/x/sync/singleflight"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/redact"
)

const (
	intakeDepth   = 1024
	intakeWorkers = 32
	workDepth     = 256
	workWorkers   = 64
	// storeTime is how much of the three seconds to the ack the inbox may take.
	storeTime = 2 * time.Second
	// handleTime bounds one answer, so that nothing that hangs keeps a worker for good.
	handleTime = 5 * time.Minute
	// remember is how long a redelivery is recognised; Slack's last retry of an event comes within the hour.
	remember = 2 * time.Hour
)

// envelope is one delivery of Slack's and how to ack it.
type envelope struct {
	kind    string
	payload json.RawMessage
	at      time.Time
	// ack confirms it, with a reply where Slack takes one; nil for none.
	ack func(reply any)
}

// receive acks an envelope and sees that what it says is done. What counts (a click, a changing command) is acked only once it is
// stored; while the inbox is away it is handed over directly, and the desk refuses what it cannot record.
func (b *Bot) receive(ctx context.Context, e envelope) {
	var reply any
	acked := func() {
		e.ack(reply)
		b.metrics.ack(e.kind, time.Since(e.at))
	}
	h, err := read(e.kind, e.payload)
	if err != nil {
		b.cfg.Log.Error().Err(err).Str("kind", e.kind).Msg("unreadable envelope; acked and dropped, it would come again unchanged")
		b.metrics.lost.WithLabelValues("unreadable").Inc()
		acked()
		return
	}
	if h.refusal != nil {
		reply = h.refusal
		acked()
		return
	}
	if h.pinned != nil || h.asked != nil && (h.click || b.cfg.Desk.Durable(h.asked.Text)) {
		storeCtx, cancel := context.WithTimeout(ctx, storeTime)
		fresh, err := b.cfg.Inbox.Receive(storeCtx, h.key, e.kind, e.payload)
		cancel()
		acked()
		switch {
		case err == nil && !fresh:
			b.cfg.Log.Debug().Str("key", h.key).Msg("redelivery")
		case err != nil:
			b.cfg.Log.Warn().Err(err).Str("key", h.key).Msg("the inbox is away; handled unrecorded")
			if b.seen.first(h.key, b.cfg.Now()) {
				b.enqueue(ctx, h)
			}
		}
		return
	}
	acked()
	if b.seen.first(h.key, b.cfg.Now()) && !b.seenElsewhere(ctx, h) {
		b.enqueue(ctx, h)
	}
}

// seenElsewhere reports whether another replica answers this reading command. In doubt it does not: two answers are better than none.
func (b *Bot) seenElsewhere(ctx context.Context, h happening) bool {
	if h.asked == nil || b.cfg.Guard == nil {
		return false
	}
	seen, err := b.cfg.Guard.Seen(ctx, h.key, remember)
	if err != nil {
		b.cfg.Log.Warn().Err(err).Msg("ask whether another replica answers")
	}
	return err == nil && seen
}

// enqueue hands work over, or tells the asker that there is too much of it.
func (b *Bot) enqueue(ctx context.Context, h happening) {
	switch {
	case h.groupsChanged:
		b.people.groupsChanged()
		return
	case h.userChanged != "":
		b.people.accountChanged(h.userChanged)
		return
	case h.asked == nil && h.home == "" && h.pinned == nil:
		return
	}
	select {
	case b.work <- h:
	default:
		b.metrics.lost.WithLabelValues("busy").Inc()
		b.cfg.Log.Warn().Str("key", h.key).Msg("too much work waits; turned away")
		if h.asked != nil {
			b.tellBusy(ctx, h)
		}
	}
}

// tellBusy does not keep the intake waiting: acks go on while Slack is told.

func (b *Bot) tellBusy(ctx context.Context, h happening) {
	select {
	case b.sorry <- struct{}{}:
	default:
		return // the log has it
	}
	go func() {
		defer func() { <-b.sorry }()
		err := b.At(h.asked.Where).Whisper(ctx, card.Card{
			Title: redact.Const("Busy"), State: card.Warn,
			Verdict: redact.Const("Too many commands wait already; yours was not started. Try again in a minute."),
		})
		if err != nil {
			b.cfg.Log.Warn().Err(err).Str("ref", h.asked.Ref).Msg("tell the asker that it is busy")
		}
	}()
}

// handle lets the desk answer. It finds out first whether other companies read the channel.
func (b *Bot) handle(ctx context.Context, h happening) {
	ctx, cancel := context.WithTimeout(ctx, handleTime)
	defer cancel()
	if h.home != "" {
		if err := b.publishHome(ctx, h.home); err != nil {
			b.cfg.Log.Warn().Err(err).Msg("show the home tab")
		}
		return
	}
	if h.pinned != nil {
		if err := b.pin(ctx, *h.pinned); err != nil {
			b.cfg.Log.Warn().Err(err).Msg("put a marked message on the timeline")
		}
		return
	}
	if h.asked == nil {
		return
	}
	in := *h.asked
	if !h.sharedKnown {
		in.Where.Private, _ = b.isShared(ctx, in.Where.Channel)
	}
	b.cfg.Desk.Handle(ctx, in)
}

// pin reads a marked message and hands it over.
func (b *Bot) pin(ctx context.Context, p handlers.Pin) error {
	if b.cfg.Pins == nil {
		return nil
	}
	text, user, err := b.messageText(ctx, p.Channel, p.TS)
	if err != nil && p.Where.Kind != "" {
		b.cfg.Log.Warn().Err(err).Str("channel", p.Channel).Msg("read the message that is to go on a timeline")
		err = nil // whoever asked hears that there was nothing to read
	}
	if err != nil || text == "" && p.Where.Kind == "" {
		return err
	}
	p.Text = text
	if user != "" {
		p.Author.User = user
	}
	return b.cfg.Pins.TakePin(ctx, p)
}

// seen remembers what this process has handled.
type seen struct {
	mu    sync.Mutex
	at    map[string]time.Time
	swept time.Time
}

func (s *seen) first(key string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.at == nil {
		s.at = map[string]time.Time{}
	}
	if now.Sub(s.swept) > time.Minute {
		s.swept = now
		for k, t := range s.at {
			if now.Sub(t) > remember {
				delete(s.at, k)
			}
		}
	}
	if t, ok := s.at[key]; ok && now.Sub(t) <= remember {
		return false
	}
	s.at[key] = now
	return true
}

// rooms remembers for a while which channels other workspaces read.
type rooms struct {
	known  sync.Map           // channel ID → room
	asking singleflight.Group // by channel ID: many who type at once want one answer
}

type room struct {
	shared bool
	asOf   time.Time
}

const roomFresh = time.Minute

// isShared reports whether people of another workspace read a channel. A channel that the bot cannot look at counts as not shared,
// because nothing can be posted there either; when Slack does not answer, it counts as shared, and told is false.
func (b *Bot) isShared(ctx context.Context, channel string) (shared, told bool) {
	if channel == "" || isDirect(channel) {
		return false, true
	}
	now := b.cfg.Now()
	if had, ok := b.rooms.known.Load(channel); ok && now.Sub(had.(room).asOf) < roomFresh {
		return had.(room).shared, true
	}
	answer, err, _ := b.rooms.asking.Do(channel, func() (any, error) { return b.askShared(context.WithoutCancel(ctx), channel, now) })
	if err != nil {
		return true, false
	}
	return answer.(bool), true
}

func (b *Bot) askShared(ctx context.Context, channel string, now time.Time) (bool, error) {
	var ch *slack.Channel
	err := b.lookUp(ctx, "conversations.info", func(ctx context.Context) (err error) {
		ch, err = b.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: channel})
		return err
	})
	switch {
	case refused(err, "channel_not_found"):
		return false, nil
	case err != nil:
		b.cfg.Log.Warn().Err(err).Str("channel", channel).Msg("cannot tell whether the channel is shared; the asker is answered alone")
		return true, err
	}
	r := room{shared: ch.IsExtShared || ch.IsPendingExtShared, asOf: now}
	b.rooms.known.Store(channel, r)
	return r.shared, nil
}
