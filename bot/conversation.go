package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/redact"
)

// conversation talks at one address.
type conversation struct {
	*Bot
	at card.Address
}

var _ handlers.Conversation = (*conversation)(nil)

// At talks where a says. What was asked in a channel that is shared with another workspace is answered in the asker's direct messages.
func (b *Bot) At(a card.Address) handlers.Conversation { return &conversation{Bot: b, at: a} }

// Direct talks to one person in private.
func (b *Bot) Direct(ctx context.Context, id catalog.SlackID) (handlers.Conversation, error) {
	channel, err := b.direct(ctx, id.User)
	if err != nil {
		return nil, err
	}
	return b.At(card.Address{Kind: "slack", Team: id.Team, Channel: channel, User: id.User}), nil
}

// Say posts a card. With a key, an earlier post of the same key is found and not repeated. Where the bot cannot post, the asker is
// answered alone, with what to do; the address then has no Message.
func (c *conversation) Say(ctx context.Context, key string, cd card.Card) (card.Address, error) {
	if c.at.Channel == "" || (c.at.Private && !isDirect(c.at.Channel)) {
		return c.aside(ctx, key, cd)
	}
	at := c.at
	m := render(cd)
	ts, err := c.postAt(ctx, &at, key, m, cd.State != card.Running)
	if outside(err) {
		at.Message = ""
		return at, c.tellAsker(ctx, cd, invite(err))
	}
	if err != nil {
		return card.Address{}, fmt.Errorf("post a card to %s: %w", at.Channel, err)
	}
	at.Message = ts
	c.overflow(ctx, at, cd, m)
	return at, nil
}

// postAt posts to at, at channel level when the thread is gone, without blocks when Slack does not take them.
func (c *conversation) postAt(ctx context.Context, at *card.Address, key string, m message, urgent bool) (ts string, err error) {
	try := func(m message) error {
		return c.inside(ctx, at.Channel, func() error {
			ts, err = c.post(ctx, place{at.Channel, at.Thread}, key, m, urgent)
			return err
		})
	}
	err = try(m)
	if refused(err, "thread_not_found") {
		at.Thread = ""
		err = try(m)
	}
	if unshowable(err) {
		c.cfg.Log.Error().Err(err).Msg("Slack does not take the blocks of a card; its text is posted alone")
		err = try(m.bare())
	}
	return ts, err
}

// Update replaces a card. An edit that shows progress returns at once and may be skipped for a later one; any other edit returns once
// Slack has it. A message that is gone is said anew.
func (c *conversation) Update(ctx context.Context, at card.Address, cd card.Card) error {
	if at.Message == "" { // the asker was answered alone
		if cd.State == card.Running {
			return nil
		}
		return (&conversation{Bot: c.Bot, at: at}).tellAsker(ctx, cd, redact.Text{})
	}
	err := c.edits.edit(ctx, place{at.Channel, at.Message}, cd)
	if refused(err, "message_not_found", "cant_update_message", "edit_window_closed") && cd.State != card.Running {
		again := at
		again.Message = ""
		if again.Thread == at.Message {
			again.Thread = ""
		}
		_, err = (&conversation{Bot: c.Bot, at: again}).Say(ctx, "", cd)
	}
	if err != nil {
		return fmt.Errorf("edit a card in %s: %w", at.Channel, err)
	}
	if cd.State != card.Running {
		c.overflow(ctx, at, cd, render(cd))
	}
	return nil
}

// Whisper answers the asker alone. In a thread a refusal goes to their direct messages too, because what is whispered there shows only
// while the thread is open.
func (c *conversation) Whisper(ctx context.Context, cd card.Card) error {
	m := render(cd)
	switch {
	case isDirect(c.at.Channel):
		at := c.at
		_, err := c.postAt(ctx, &at, "", m, true)
		return err
	case c.at.User == "":
		return errors.New("whisper: the address names nobody to whisper to")
	case c.at.Channel == "":
		return c.message(ctx, cd)
	}
	thread := c.at.Thread
	if thread == c.at.Message {
		thread = "" // the card that was clicked stands at channel level, and so does the clicker's eye
	}
	err := c.inside(ctx, c.at.Channel, func() error { return c.ephemeral(ctx, thread, m) })
	if err != nil {
		return c.tellAsker(ctx, cd, redact.Text{})
	}
	if thread != "" && (cd.State == card.Warn || cd.State == card.Fail || cd.State == card.Refused) {
		if err := c.message(ctx, cd); err != nil {
			c.cfg.Log.Warn().Err(err).Msg("repeat a refusal as a direct message")
		}
	}
	return nil
}

func (c *conversation) ephemeral(ctx context.Context, thread string, m message) error {
	send := func(m message) error {
		options := m.options()
		if thread != "" {
			options = append(options, slack.MsgOptionTS(thread))
		}
		return c.calls.do(ctx, request{method: "chat.postEphemeral", urgent: true}, func(ctx context.Context) error {
			_, err := c.api.PostEphemeralContext(ctx, c.at.Channel, c.at.User, options...)
			return err
		})
	}
	err := send(m)
	if unshowable(err) {
		err = send(m.bare())
	}
	return err
}

// aside answers in the asker's direct messages what must not stand in the channel, and says so in the channel to them alone.
func (c *conversation) aside(ctx context.Context, key string, cd card.Card) (card.Address, error) {
	channel, err := c.direct(ctx, c.at.User)
	if err != nil {
		at := c.at
		at.Message = ""
		return at, c.Whisper(ctx, cd)
	}
	dm := c.at
	dm.Channel, dm.Thread, dm.Message = channel, "", ""
	at, err := (&conversation{Bot: c.Bot, at: dm}).Say(ctx, key, cd)
	if err != nil || c.at.Channel == "" {
		return at, err
	}
	hint := card.Card{State: card.Neutral, Title: cd.Title,
		Verdict: redact.Const("People of another company read this channel, so I answer you in your direct messages.")}
	if err := c.Whisper(ctx, hint); err != nil {
		c.cfg.Log.Warn().Err(err).Msg("point to the direct message")
	}
	return at, nil
}

// tellAsker reaches the asker where the bot cannot post: through the response_url while it lasts, then by direct message.
func (c *conversation) tellAsker(ctx context.Context, cd card.Card, note redact.Text) error {
	if !note.Empty() {
		cd.Notes = append(cd.Notes[:len(cd.Notes):len(cd.Notes)], note)
	}
	if c.at.ResponseURL != "" {
		err := c.respond(ctx, c.at.ResponseURL, c.at.Thread, render(cd))
		if err == nil {
			return nil
		}
		c.cfg.Log.Warn().Err(err).Msg("answer through the response_url")
	}
	return c.message(ctx, cd)
}

// message sends a card to the asker's direct messages.
func (c *conversation) message(ctx context.Context, cd card.Card) error {
	channel, err := c.direct(ctx, c.at.User)
	if err != nil {
		return fmt.Errorf("answer %s alone: %w", c.at.User, err)
	}
	at := card.Address{Channel: channel}
	if _, err = c.postAt(ctx, &at, "", render(cd), true); err != nil {
		return fmt.Errorf("answer %s alone: %w", c.at.User, err)
	}
	return nil
}

func invite(err error) redact.Text {
	if refused(err, "is_archived") {
		return redact.Const("This channel is archived, so only you see this.")
	}
	return redact.Const("I am not in this channel, so only you see this. Type /invite @svcdown and everybody here will.")
}

// direct returns the channel of the direct messages with a person.
func (b *Bot) direct(ctx context.Context, user string) (string, error) {
	if user == "" {
		return "", errors.New("open direct messages: nobody is named")
	}
	if channel, ok := b.directs.Load(user); ok {
		return channel.(string), nil
	}
	var channel string
	err := b.calls.do(ctx, request{method: "conversations.open", urgent: true}, func(ctx context.Context) error {
		ch, _, _, err := b.api.OpenConversationContext(ctx, &slack.OpenConversationParameters{Users: []string{user}, ReturnIM: true})
		if err == nil {
			channel = ch.ID
		}
		return err
	})
	if err != nil {
		return "", fmt.Errorf("open direct messages with %s: %w", user, err)
	}
	b.directs.Store(user, channel)
	return channel, nil
}

// isDirect reports whether a channel ID is that of direct messages.
func isDirect(channel string) bool { return strings.HasPrefix(channel, "D") }
