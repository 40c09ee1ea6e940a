package bot

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"
	"github.com/slack-go/slack"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
)

// Inbox is the durable list of what came in.
type Inbox interface {
	// Receive stores a payload under its unique key, together with the job that calls [Bot.Process]. fresh is false when it is there
	// already. An error means that nothing is stored.
	Receive(ctx context.Context, key, kind string, payload []byte) (fresh bool, err error)
}

// Desk is the use cases.
type Desk interface {
	// Handle answers through the conversations of the bot.
	Handle(ctx context.Context, in handlers.Incoming)
	// Durable reports whether text asks for a change, so that it must be stored before Slack hears that it arrived.
	Durable(text string) bool
}

// Guard remembers keys across replicas. It is asked for reading commands only; what changes something is told apart by the Inbox.
type Guard interface {
	// Seen marks key and reports whether it was marked within ttl.
	Seen(ctx context.Context, key string, ttl time.Duration) (bool, error)
}

// Chronicler keeps what people mark in channels.
type Chronicler interface {
	// TakePin takes a message that somebody marked with a pushpin, once or several times.
	TakePin(ctx context.Context, p handlers.Pin) error
}

// Homes is what stands on the home tab.
type Homes interface {
	// Home is the card for one person.
	Home(ctx context.Context, id catalog.SlackID) card.Card
}

// Config is what a Bot needs. Snapshots, Guard, Pins and Homes may be nil; APIURL is "" for Slack itself; Now and PingTimeout have defaults.
type Config struct {
	AppToken, BotToken string
	APIURL             string
	// Team is our workspace.
	Team      string
	Inbox     Inbox
	Desk      Desk
	Snapshots Snapshots
	Guard     Guard
	Pins      Chronicler
	Homes     Homes
	Log       zerolog.Logger
	Now       func() time.Time
	Registry  prometheus.Registerer
	// PingTimeout is how long a socket may be silent before it is opened anew; 0 means 30 seconds. Slack pings about every ten.
	PingTimeout time.Duration
}

// Bot is svcdown in one Slack workspace. All methods are safe for concurrent use.
type Bot struct {
	cfg     Config
	api     *slack.Client
	http    *http.Client
	calls   caller
	silence silence
	edits   edits
	metrics *metrics
	people  *Directory
	rooms   rooms
	seen    seen

	intake chan envelope
	work   chan happening
	sorry  chan struct{} // slots for telling askers that it is busy

	directs   sync.Map     // user ID → channel ID
	account   atomic.Value // our own user ID, once Slack has said it
	overflown sync.Map     // place → true

	health health
}

// New checks cfg and makes a bot that is not connected yet. It can already talk, so that jobs may start before the sockets are up.
func New(cfg Config) (*Bot, error) {
	switch {
	case !strings.HasPrefix(cfg.AppToken, "xapp-"):
		return nil, errors.New("slack: SLACK_APP_TOKEN must begin with xapp-; make one at api.slack.com/apps, Basic Information, App-Level Tokens, with the scope connections:write")
	case !strings.HasPrefix(cfg.BotToken, "xoxb-"):
		return nil, errors.New("slack: SLACK_BOT_TOKEN must begin with xoxb-; it is shown at api.slack.com/apps, OAuth & Permissions, once the app is installed")
	case cfg.Team == "":
		return nil, errors.New("slack: the team ID is missing; write slack.team: T… into svcdown.yaml")
	case cfg.Inbox == nil || cfg.Desk == nil || cfg.Registry == nil:
		return nil, errors.New("slack: Inbox, Desk and Registry are required")
	}
	if cfg.APIURL == "" {
		cfg.APIURL = slack.APIURL
	}
	cfg.APIURL = strings.TrimRight(cfg.APIURL, "/") + "/"
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.PingTimeout == 0 {
		cfg.PingTimeout = 30 * time.Second
	}
	b := &Bot{
		cfg:    cfg,
		http:   &http.Client{Timeout: callTime + 5*time.Second}, // slack-go's own client has no timeout
		intake: make(chan envelope, intakeDepth),
		work:   make(chan happening, workDepth),
		sorry:  make(chan struct{}, 8),
	}
	b.api = slack.New(cfg.BotToken, slack.OptionAppLevelToken(cfg.AppToken), slack.OptionAPIURL(cfg.APIURL), slack.OptionHTTPClient(b.http))
	b.edits = edits{bot: b, open: map[place]*editing{}}
	b.people = &Directory{bot: b}
	m, err := newMetrics(b, cfg.Registry)
	if err != nil {
		return nil, fmt.Errorf("register the Slack metrics: %w", err)
	}
	b.metrics, b.calls.measure = m, m.call
	return b, nil
}

var _ handlers.Conversations = (*Bot)(nil)

// Directory says who is who in this workspace.
func (b *Bot) Directory() *Directory { return b.people }

// Process is the body of an inbox job: it hands a stored payload to the desk. An error means that the payload cannot be read, which
// trying again does not cure.
func (b *Bot) Process(ctx context.Context, _, kind string, payload []byte) error {
	h, err := read(kind, payload)
	if err != nil {
		return err
	}
	if h.pinned != nil {
		return b.pin(ctx, *h.pinned)
	}
	b.handle(ctx, h)
	return nil
}
