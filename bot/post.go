package bot

import (
	"context"
	"crypto/rand"
	"errors"
	"strconv"
	"time"

	"github.com/slack-go/slack"
)

// A message of ours carries the key of what it says, because chat.postMessage knows no idempotency key of its own: whoever is not sure
// whether it was posted looks for the key before posting again.
const (
	opEvent = "svcdown_op"
	opField = "op_id"
)

const (
	lookBack  = 24 * time.Hour
	lookPages = 5
	pageSize  = 200
	maxPosts  = 4
)

// place is where a message goes.
type place struct{ channel, thread string }

// post posts m once. With a key it first looks whether an earlier life of the bot has posted it; after a lost answer it looks too, and
// posts again only when nothing is there. The error is a *DeliveryError; with code "unsure" the message may stand there.
func (b *Bot) post(ctx context.Context, to place, key string, m message, urgent bool) (ts string, err error) {
	op := key
	if op == "" {
		op = rand.Text()
	} else if ts, err := b.find(ctx, to, op); err == nil && ts != "" {
		return ts, nil
	}
	options := append(m.options(),
		slack.MsgOptionMetadata(slack.SlackMetadata{EventType: opEvent, EventPayload: map[string]any{opField: op}}),
		slack.MsgOptionDisableLinkUnfurl(), slack.MsgOptionDisableMediaUnfurl(),
	)
	if to.thread != "" {
		options = append(options, slack.MsgOptionTS(to.thread))
	}
	r := request{method: "chat.postMessage", channel: to.channel, urgent: urgent, once: true}
	for try := 1; ; try++ {
		err = b.calls.do(ctx, r, func(ctx context.Context) error {
			_, ts, err = b.api.PostMessageContext(ctx, to.channel, options...)
			return err
		})
		var d *DeliveryError
		if err == nil || !errors.As(err, &d) || !d.Temporary || try == maxPosts || !sleep(ctx, backoff(try)) {
			return ts, err
		}
		found, lookErr := b.find(ctx, to, op)
		if lookErr != nil {
			return "", err // posting blindly might say it twice; whoever asked may try again
		}
		if found != "" {
			return found, nil
		}
	}
}

// find looks for a message with that key; "" when there is none.
func (b *Bot) find(ctx context.Context, in place, op string) (ts string, err error) {
	oldest := strconv.FormatInt(b.cfg.Now().Add(-lookBack).Unix(), 10)
	cursor := ""
	for range lookPages {
		var messages []slack.Message
		var more bool
		err := b.inside(ctx, in.channel, func() error {
			var err error
			messages, more, cursor, err = b.page(ctx, in, oldest, cursor)
			return err
		})
		if err != nil {
			return "", err
		}
		for _, m := range messages {
			if m.Metadata.EventType == opEvent && m.Metadata.EventPayload[opField] == op {
				return m.Timestamp, nil
			}
		}
		if !more || cursor == "" {
			break
		}
	}
	return "", nil
}

// page reads one page of a thread or a channel.
func (b *Bot) page(ctx context.Context, in place, oldest, cursor string) (messages []slack.Message, more bool, next string, err error) {
	if in.thread != "" {
		err = b.calls.do(ctx, request{method: "conversations.replies"}, func(ctx context.Context) error {
			messages, more, next, err = b.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{
				ChannelID: in.channel, Timestamp: in.thread, Oldest: oldest, Cursor: cursor, Limit: pageSize, IncludeAllMetadata: true,
			})
			return err
		})
		return messages, more, next, err
	}
	err = b.calls.do(ctx, request{method: "conversations.history"}, func(ctx context.Context) error {
		h, err := b.api.GetConversationHistoryContext(ctx, &slack.GetConversationHistoryParameters{
			ChannelID: in.channel, Oldest: oldest, Cursor: cursor, Limit: pageSize, IncludeAllMetadata: true,
		})
		if err == nil {
			messages, more, next = h.Messages, h.HasMore, h.ResponseMetaData.NextCursor
		}
		return err
	})
	return messages, more, next, err
}

// inside makes a call that wants membership; a public channel is joined for it.
func (b *Bot) inside(ctx context.Context, channel string, call func() error) error {
	err := call()
	if !refused(err, "not_in_channel") {
		return err
	}
	join := b.calls.do(ctx, request{method: "conversations.join"}, func(ctx context.Context) error {
		_, _, _, err := b.api.JoinConversationContext(ctx, channel)
		return err
	})
	if join != nil {
		b.cfg.Log.Warn().Err(join).Str("channel", channel).Msg("join the channel")
		return err
	}
	return call()
}

// options are the parts that posting and editing share.
func (m message) options() []slack.MsgOption {
	return []slack.MsgOption{slack.MsgOptionText(m.text, false), slack.MsgOptionBlocks(m.blocks...)}
}

// bare is m's text alone, for when Slack does not take its blocks. It stands in a block all the same: there it is literal.
func (m message) bare() message {
	return message{text: m.text, blocks: []slack.Block{rich(plainElement(unescape(m.text)))}}
}

// unshowable reports whether Slack refused a message for what is in it.
func unshowable(err error) bool {
	return refused(err, unshowableCodes...)
}

var unshowableCodes = []string{"invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"}

// outside reports whether the bot cannot speak in the channel at all.
func outside(err error) bool {
	return refused(err, "not_in_channel", "channel_not_found", "is_archived", "restricted_action", "restricted_action_read_only_channel",
		"restricted_action_thread_only_channel", "user_not_in_channel", "missing_scope", "method_not_supported_for_channel_type")
}
