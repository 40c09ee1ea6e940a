package bot

import (
	"context"
	"fmt"
	"strings"

	"github.com/slack-go/slack"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/redact"
)

// Upload puts a file into the thread (of the address, or under its message). Where no file can go, the end of it is said as text.
func (c *conversation) Upload(ctx context.Context, f card.File) error {
	at := c.at
	if at.Private && !isDirect(at.Channel) || at.Channel == "" {
		channel, err := c.direct(ctx, at.User)
		if err != nil {
			return fmt.Errorf("upload %s: %w", f.Name, err)
		}
		at = card.Address{Channel: channel, User: at.User}
	}
	if at.Thread == "" {
		at.Thread = at.Message
	}
	err := c.upload(ctx, at, f)
	if err == nil {
		return nil
	}
	if !f.Image.Empty() {
		c.cfg.Log.Warn().Err(err).Str("channel", at.Channel).Msg("upload a picture")
		_, err = (&conversation{Bot: c.Bot, at: at}).Say(ctx, "", card.Card{Title: f.Title, State: card.Neutral,
			Verdict: redact.F("%s did not go up: Slack does not take the picture now.", f.Name)})
		if err != nil {
			return fmt.Errorf("upload %s: %w", f.Name, err)
		}
		return nil
	}
	c.cfg.Log.Warn().Err(err).Str("channel", at.Channel).Msg("upload a file; it is posted as text")
	_, err = (&conversation{Bot: c.Bot, at: at}).Say(ctx, "", card.Card{
		Title: f.Title, State: card.Neutral,
		Verdict: redact.F("%s did not go up as a file; this is its end", f.Name),
		Parts:   []card.Part{{Code: &card.Code{Text: redact.F("%s", tail(f.Content.String(), maxSection))}}},
	})
	if err != nil {
		return fmt.Errorf("upload %s: %w", f.Name, err)
	}
	return nil
}

// upload runs Slack's three steps (https://docs.slack.dev/messaging/working-with-files). Only the last one makes the file visible, and a
// lost answer to it is looked up before it is repeated.
func (b *Bot) upload(ctx context.Context, at card.Address, f card.File) error {
	content := string(f.Bytes())
	if f.Image.Empty() {
		content = strings.ToValidUTF8(content, "\uFFFD")
	}
	if content == "" {
		content = "(empty)\n"
	}
	name := line(f.Name)
	if name == "" {
		name = "file.txt"
	}
	var id string
	var err error
	for try := 1; ; try++ {
		// A URL takes bytes once, so whoever is not sure whether it did starts over; what lies there unshared nobody sees.
		if id, err = b.bytes(ctx, name, content); err == nil {
			break
		}
		if try == maxPosts || !refused(err, unsureCodes...) || !sleep(ctx, backoff(try)) {
			return err
		}
	}
	return b.inside(ctx, at.Channel, func() error { return b.share(ctx, at, id, line(f.Title.String())) })
}

// bytes brings a file's content to Slack and returns its ID.
func (b *Bot) bytes(ctx context.Context, name, content string) (string, error) {
	var target *slack.GetUploadURLExternalResponse
	err := b.calls.do(ctx, request{method: "files.getUploadURLExternal"}, func(ctx context.Context) (err error) {
		target, err = b.api.GetUploadURLExternalContext(ctx, slack.GetUploadURLExternalParameters{FileName: name, FileSize: len(content)})
		return err
	})
	if err != nil {
		return "", err
	}
	return target.FileID, b.calls.do(ctx, request{method: "files.upload", once: true}, func(ctx context.Context) error {
		return b.api.UploadToURL(ctx, slack.UploadToURLParameters{UploadURL: target.UploadURL, Content: content, Filename: name})
	})
}

func (b *Bot) share(ctx context.Context, at card.Address, id, title string) error {
	for try := 1; ; try++ {
		err := b.calls.do(ctx, request{method: "files.completeUploadExternal", once: true}, func(ctx context.Context) error {
			_, err := b.api.CompleteUploadExternalContext(ctx, slack.CompleteUploadExternalParameters{
				Files: []slack.FileSummary{{ID: id, Title: title}}, Channel: at.Channel, ThreadTimestamp: at.Thread,
			})
			return err
		})
		if !refused(err, unsureCodes...) || try == maxPosts || !sleep(ctx, backoff(try)) {
			return err
		}
		shared, lookErr := b.shared(ctx, id)
		if lookErr != nil {
			return err
		}
		if shared {
			return nil
		}
	}
}

// shared reports whether a file stands in a conversation already.
func (b *Bot) shared(ctx context.Context, id string) (there bool, err error) {
	err = b.calls.do(ctx, request{method: "files.info"}, func(ctx context.Context) error {
		f, _, _, err := b.api.GetFileInfoContext(ctx, id, 0, 0)
		if err == nil {
			there = len(f.Channels)+len(f.Groups)+len(f.IMs)+len(f.Shares.Public)+len(f.Shares.Private) > 0
		}
		return err
	})
	if refused(err, "file_not_found") { // so it is called until the last step is done
		return false, nil
	}
	return there, err
}

// overflow puts what did not fit into a card as a file into its thread, once per message.
func (c *conversation) overflow(ctx context.Context, at card.Address, cd card.Card, m message) {
	if m.overflow == nil || cd.State == card.Running {
		return
	}
	if _, done := c.overflown.LoadOrStore(place{at.Channel, at.Message}, true); done {
		return
	}
	if at.Thread == "" {
		at.Thread = at.Message
	}
	if err := (&conversation{Bot: c.Bot, at: at}).Upload(ctx, *m.overflow); err != nil {
		c.cfg.Log.Warn().Err(err).Str("channel", at.Channel).Msg("put the full text into the thread")
	}
}
