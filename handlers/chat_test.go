package handlers_test

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
)

// message is one thing that the desk said.
type message struct {
	op   string // say, update, whisper or upload
	at   card.Address
	key  string
	card card.Card
	file card.File
}

// chat records what is said, and where. Its zero value takes every message.
type chat struct {
	// outside are channels that the bot is not in: what is said there reaches the asker alone. mute are people without direct messages.
	outside, mute []string
	// deleted are channels that exist no more: nothing in them can be edited.
	deleted []string
	// refuse says of channels why nothing can be posted in them.
	refuse map[string]error
	// muted, when not nil, is why they have none.
	muted error
	// whispering, when not nil, sees the context of every whisper.
	whispering func(context.Context)
	// saying, when not nil, is called after every post.
	saying func()

	mu   sync.Mutex
	said []message
}

func (c *chat) all() []message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]message(nil), c.said...)
}

// in returns the verdicts of all that was posted or edited in a channel, in order.
func (c *chat) in(channel string) []string {
	var out []string
	for _, m := range c.all() {
		if m.at.Channel == channel && (m.op == "say" || m.op == "update") {
			out = append(out, m.card.Verdict.String())
		}
	}
	return out
}

func (c *chat) At(a card.Address) handlers.Conversation { return &conversation{c, a} }

func (c *chat) Direct(_ context.Context, id catalog.SlackID) (handlers.Conversation, error) {
	for _, user := range c.mute {
		if user == id.User {
			return nil, cmp.Or(c.muted, errors.New("cannot_dm_user"))
		}
	}
	return c.At(card.Address{Kind: "slack", Team: id.Team, Channel: "D" + id.User, User: id.User}), nil
}

type conversation struct {
	*chat
	at card.Address
}

func (c *conversation) record(m message) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.said = append(c.said, m)
	return len(c.said)
}

// Say finds an earlier message of the same key and place, as its contract says.
func (c *conversation) Say(_ context.Context, key string, cd card.Card) (card.Address, error) {
	at := c.at
	if err := c.refuse[at.Channel]; err != nil {
		return card.Address{}, err
	}
	for _, m := range c.all() {
		if key != "" && m.key == key && m.at.Channel == at.Channel {
			return m.at, nil
		}
	}
	for _, channel := range c.outside {
		if channel == at.Channel {
			at.Message = ""
			c.record(message{op: "whisper", at: at, card: cd})
			return at, nil
		}
	}
	at.Message = strconv.Itoa(len(c.all()) + 1)
	c.record(message{op: "say", at: at, key: key, card: cd})
	if c.saying != nil {
		c.saying()
	}
	return at, nil
}

func (c *conversation) Update(_ context.Context, at card.Address, cd card.Card) error {
	if slices.Contains(c.deleted, at.Channel) {
		return handlers.ErrGone
	}
	c.record(message{op: "update", at: at, card: cd})
	return nil
}

func (c *conversation) Whisper(ctx context.Context, cd card.Card) error {
	if c.whispering != nil {
		c.whispering(ctx)
	}
	c.record(message{op: "whisper", at: c.at, card: cd})
	return nil
}

func (c *conversation) Upload(_ context.Context, f card.File) error {
	c.record(message{op: "upload", at: c.at, file: f})
	return nil
}

// lacks reports which of the parts a text lacks.
func lacks(text string, parts ...string) []string {
	var out []string
	for _, p := range parts {
		if !strings.Contains(text, p) {
			out = append(out, p)
		}
	}
	return out
}
