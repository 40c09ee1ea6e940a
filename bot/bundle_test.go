package bot_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/bot"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/slacksim"
)

const (
	ops     = "C0OPS00001"
	general = "C0GENERAL1" // public, the bot is not in it
	vendor  = "C0VENDOR01" // shared with another company
	team    = "T0MARKET01"
	alice   = "U0ALICE001"
)

// bundle is a bot that is connected to a workspace.
type bundle struct {
	*bot.Bot
	slack    *slacksim.Workspace
	desk     *desk
	inbox    *inbox
	registry *prometheus.Registry
	ctx      context.Context
	ended    chan error
}

type options struct {
	slack func(*slacksim.Config)
	bot   func(*bot.Config)
	// handle is what the desk does, besides remembering.
	handle func(b *bundle, in handlers.Incoming)
	// offline leaves the sockets closed.
	offline bool
}

func setup(t *testing.T, o options) *bundle {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	cfg := slacksim.Marketplace()
	cfg.NoRateLimits, cfg.PingEvery = true, 50*time.Millisecond
	if o.slack != nil {
		o.slack(&cfg)
	}
	w, err := slacksim.New(cfg)
	if err != nil {
		t.Fatalf("make the workspace: %v", err)
	}
	addresses, err := w.Start(ctx)
	if err != nil {
		t.Fatalf("start the workspace: %v", err)
	}
	b := &bundle{slack: w, registry: prometheus.NewRegistry(), ctx: ctx, ended: make(chan error, 1)}
	b.desk = &desk{handled: make(chan handlers.Incoming, 64), act: func(in handlers.Incoming) {
		if o.handle != nil {
			o.handle(b, in)
		}
	}}
	b.inbox = &inbox{stored: map[string]bool{}, process: func(key, kind string, payload []byte) {
		if err := b.Process(ctx, key, kind, payload); err != nil {
			t.Errorf("process %s: %v", key, err)
		}
	}}
	bc := bot.Config{
		AppToken: cfg.App.AppToken, BotToken: cfg.App.BotToken, APIURL: addresses.API, Team: team, Inbox: b.inbox, Desk: b.desk,
		Log: zerolog.New(zerolog.NewTestWriter(t)).Level(zerolog.WarnLevel), Registry: b.registry, PingTimeout: 10 * time.Second,
	}
	if o.bot != nil {
		o.bot(&bc)
	}
	if b.Bot, err = bot.New(bc); err != nil {
		t.Fatalf("make the bot: %v", err)
	}
	runCtx, stop := context.WithCancel(ctx)
	if !o.offline {
		go func() { b.ended <- b.Run(runCtx) }()
	}
	t.Cleanup(func() {
		stop()
		if !o.offline {
			select {
			case _ = <-b.ended: // what it ended with is the tests' own affair
			case <-time.After(15 * time.Second):
				t.Error("the bot does not end")
			}
		}
		cancel()
		if err := w.Close(); err != nil {
			t.Errorf("close the workspace: %v", err)
		}
	})
	if !o.offline {
		b.awaitSockets(t, 2)
	}
	return b
}

func (b *bundle) awaitSockets(t *testing.T, n int) {
	t.Helper()
	_, err := b.slack.WaitSockets(b.ctx, func(s slacksim.SocketState) bool { return len(s.Connections) == n })
	if err != nil {
		t.Fatalf("wait for %d sockets: %v", n, err)
	}
	b.until(t, func() bool { return b.Health().Sockets == n })
}

// until polls for what has no signal of its own.
func (b *bundle) until(t *testing.T, ok func() bool) {
	t.Helper()
	for !ok() {
		select {
		case <-b.ctx.Done():
			t.Fatal("what was waited for did not come")
		case <-time.After(2 * time.Millisecond):
		}
	}
}

func (b *bundle) say(t *testing.T, user, channel, thread, text string) string {
	t.Helper()
	ts, err := b.slack.Say(user, channel, thread, text)
	if err != nil {
		t.Fatalf("%s says %q: %v", user, text, err)
	}
	return ts
}

func (b *bundle) fault(t *testing.T, f slacksim.Fault) {
	t.Helper()
	if err := b.slack.Fault(f); err != nil {
		t.Fatal(err)
	}
}

func (b *bundle) trouble(t *testing.T, op slacksim.SocketOp) {
	t.Helper()
	if err := b.slack.Socket(op); err != nil {
		t.Fatal(err)
	}
}

// message waits for the newest message with that in its text.
func (b *bundle) message(t *testing.T, part string) slacksim.Message {
	t.Helper()
	m, err := b.slack.WaitMessage(b.ctx, func(m slacksim.Message) bool { return m.BotID != "" && strings.Contains(m.Text, part) })
	if err != nil {
		t.Fatalf("no message says %q: %v", part, err)
	}
	return m
}

// next is what the desk is handed next.
func (b *bundle) next(t *testing.T) handlers.Incoming {
	t.Helper()
	select {
	case in := <-b.desk.handled:
		return in
	case <-b.ctx.Done():
		t.Fatal("nothing reached the desk")
		panic("unreachable")
	}
}

// ours are the bot's own messages in a channel, without those to one person.
func (b *bundle) ours(channel string) []slacksim.Message {
	var out []slacksim.Message
	for _, m := range b.slack.Messages(channel) {
		if m.BotID != "" && !m.Ephemeral {
			out = append(out, m)
		}
	}
	return out
}

// desk stands in for the use cases; what counts here is what it is handed.
type desk struct {
	handled chan handlers.Incoming
	act     func(handlers.Incoming)
}

func (d *desk) Handle(_ context.Context, in handlers.Incoming) {
	d.act(in)
	d.handled <- in
}

func (d *desk) Durable(text string) bool { return strings.HasPrefix(text, "restart") }

// inbox is the promise of the durable one, in memory.
type inbox struct {
	mu      sync.Mutex
	away    bool
	stored  map[string]bool
	process func(key, kind string, payload []byte)
	wg      sync.WaitGroup
}

func (i *inbox) Receive(_ context.Context, key, kind string, payload []byte) (bool, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.away {
		return false, errors.New("connection refused")
	}
	if i.stored[key] {
		return false, nil
	}
	i.stored[key] = true
	i.wg.Go(func() { i.process(key, kind, payload) })
	return true, nil
}

func (i *inbox) goAway() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.away = true
}

func (i *inbox) keys() []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var out []string
	for k := range i.stored {
		out = append(out, k)
	}
	return out
}

func simple(state card.State, verdict redact.Text) card.Card {
	return card.Card{Title: redact.Const("backend"), State: state, Verdict: verdict}
}
