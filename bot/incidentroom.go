package bot

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
)

var _ handlers.Rooms = (*Bot)(nil)

// roomPages bounds the look through our own conversations.
const roomPages = 20

// OpenRoom makes a channel. A name that is taken, and an answer that was lost, are looked up among the channels that this bot is in: one of that
// name that it made itself is the one. The workspace's whole list is never read: it may have thousands, at 20 calls a minute.
func (b *Bot) OpenRoom(ctx context.Context, name string, private bool) (string, error) {
	var made *slack.Channel
	err := b.calls.do(ctx, request{method: "conversations.create", once: true}, func(ctx context.Context) (err error) {
		made, err = b.api.CreateConversationContext(ctx, slack.CreateConversationParams{ChannelName: name, IsPrivate: private})
		return err
	})
	var d *DeliveryError
	switch {
	case err == nil:
		return made.ID, nil
	case refused(err, "name_taken"), refused(err, unsureCodes...):
		id, lookErr := b.ownRoom(ctx, name)
		switch {
		case lookErr != nil:
			return "", fmt.Errorf("find the channel %s: %w", name, lookErr)
		case id != "":
			return id, nil
		case refused(err, "name_taken"):
			return "", fmt.Errorf("make the channel %s: %w", name, handlers.ErrRoomTaken)
		}
	case errors.As(err, &d) && !d.Temporary:
		return "", fmt.Errorf("make the channel %s: %w: %w", name, handlers.ErrNoRoom, err)
	}
	return "", fmt.Errorf("make the channel %s: %w", name, err)
}

// ownRoom finds a channel of that name that this bot made; "" when there is none.
func (b *Bot) ownRoom(ctx context.Context, name string) (string, error) {
	self, err := b.self(ctx)
	if err != nil {
		return "", err
	}
	cursor := ""
	for range roomPages {
		var page []slack.Channel
		err := b.calls.do(ctx, request{method: "users.conversations"}, func(ctx context.Context) (err error) {
			page, cursor, err = b.api.GetConversationsForUserContext(ctx, &slack.GetConversationsForUserParameters{
				Types: []string{"public_channel", "private_channel"}, Limit: pageSize, Cursor: cursor})
			return err
		})
		if err != nil {
			return "", err
		}
		for _, ch := range page {
			if ch.Name == name && ch.Creator == self {
				return ch.ID, nil
			}
		}
		if cursor == "" {
			break
		}
	}
	return "", nil
}

// self is the bot's own account.
func (b *Bot) self(ctx context.Context) (string, error) {
	if id, ok := b.account.Load().(string); ok {
		return id, nil
	}
	var who *slack.AuthTestResponse
	err := b.calls.do(ctx, request{method: "auth.test"}, func(ctx context.Context) (err error) {
		who, err = b.api.AuthTestContext(ctx)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("ask who we are: %w", err)
	}
	b.account.Store(who.UserID)
	return who.UserID, nil
}

// Invite brings people into a channel. Slack takes all or none, so that after a refusal they come one by one; who is there already is no failure.
func (b *Bot) Invite(ctx context.Context, channel string, people []catalog.SlackID) error {
	var ids []string
	for _, p := range people {
		if p.Team == b.cfg.Team {
			ids = append(ids, p.User)
		}
	}
	const most = 100 // https://docs.slack.dev/reference/methods/conversations.invite
	var problems []error
	for len(ids) > 0 {
		some := ids[:min(most, len(ids))]
		ids = ids[len(some):]
		err := b.invite(ctx, channel, some...)
		var d *DeliveryError
		if err == nil || len(some) > 1 && errors.As(err, &d) && d.Temporary {
			problems = append(problems, err)
			continue
		}
		for _, id := range some {
			if err := b.invite(ctx, channel, id); err != nil && !refused(err, "already_in_channel") {
				problems = append(problems, fmt.Errorf("invite %s: %w", id, err))
			}
		}
	}
	return errors.Join(problems...)
}

func (b *Bot) invite(ctx context.Context, channel string, ids ...string) error {
	return b.calls.do(ctx, request{method: "conversations.invite"}, func(ctx context.Context) error {
		_, err := b.api.InviteUsersToConversationContext(ctx, channel, ids...)
		return err
	})
}

// Furnish sets topic, bookmarks and pin. Each is tried whatever becomes of the others.
func (b *Bot) Furnish(ctx context.Context, channel string, f handlers.Furniture) error {
	var problems []error
	if f.Topic != "" {
		problems = append(problems, b.calls.do(ctx, request{method: "conversations.setTopic"}, func(ctx context.Context) error {
			_, err := b.api.SetTopicOfConversationContext(ctx, channel, head(topicSafe.Replace(clean(f.Topic)), 250))
			return err
		}))
	}
	if len(f.Links) > 0 {
		problems = append(problems, b.bookmark(ctx, channel, f.Links))
	}
	if f.Pin.Message != "" {
		err := b.calls.do(ctx, request{method: "pins.add"}, func(ctx context.Context) error {
			return b.api.AddPinContext(ctx, channel, slack.NewRefToMessage(channel, f.Pin.Message))
		})
		if !refused(err, "already_pinned") {
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}

// topicSafe keeps a topic from being read as a mention or a link.
var topicSafe = strings.NewReplacer("<", "‹", ">", "›")

// bookmark adds the links that are not there yet.
func (b *Bot) bookmark(ctx context.Context, channel string, links []catalog.Link) error {
	var had []slack.Bookmark
	err := b.calls.do(ctx, request{method: "bookmarks.list"}, func(ctx context.Context) (err error) {
		had, err = b.api.ListBookmarksContext(ctx, channel)
		return err
	})
	if err != nil {
		return err
	}
	there := map[string]bool{}
	for _, m := range had {
		there[m.Link] = true
	}
	var problems []error
	for _, l := range links {
		if there[l.URL] {
			continue
		}
		problems = append(problems, b.calls.do(ctx, request{method: "bookmarks.add"}, func(ctx context.Context) error {
			_, err := b.api.AddBookmarkContext(ctx, channel, slack.AddBookmarkParameters{Title: l.Title, Type: "link", Link: l.URL})
			return err
		}))
	}
	return errors.Join(problems...)
}

// Archive closes a channel for good.
func (b *Bot) Archive(ctx context.Context, channel string) error {
	err := b.calls.do(ctx, request{method: "conversations.archive"}, func(ctx context.Context) error { return b.api.ArchiveConversationContext(ctx, channel) })
	if refused(err, "already_archived") {
		return nil
	}
	return err
}

// messageText reads one message: what it says and who wrote it. "" when it is gone.
func (b *Bot) messageText(ctx context.Context, channel, ts string) (text, user string, err error) {
	var found []slack.Message
	err = b.calls.do(ctx, request{method: "conversations.replies"}, func(ctx context.Context) (err error) {
		found, _, _, err = b.api.GetConversationRepliesContext(ctx, &slack.GetConversationRepliesParameters{ChannelID: channel, Timestamp: ts, Oldest: ts, Latest: ts, Inclusive: true, Limit: 10})
		return err
	})
	if refused(err, "thread_not_found", "channel_not_found", "not_in_channel") {
		return "", "", nil
	}
	if err != nil {
		return "", "", fmt.Errorf("read a marked message: %w", err)
	}
	for _, m := range found {
		if m.Timestamp == ts {
			return strings.TrimSpace(typed(m.Text, "")), m.User, nil
		}
	}
	return "", "", nil
}
