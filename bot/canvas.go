package bot

import (
	"context"
	"errors"
	"fmt"

	"github.com/slack-go/slack"

	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/redact"
)

var _ handlers.Canvases = (*Bot)(nil)

// WriteCanvas makes the canvas of a channel (https://docs.slack.dev/reference/methods/conversations.canvases.create). Slack keeps one of those for
// each channel and no key for repetitions: where there is one already, also after a lost answer, it is ours when we made it with this title;
// otherwise people made it and it stays as it is, and ours comes beside it. That one is looked for among the channel's files before it is made; where
// the answer was lost the error is temporary, and the next call finds it.
func (b *Bot) WriteCanvas(ctx context.Context, channel string, title, markdown redact.Text) (string, error) {
	doc := slack.DocumentContent{Type: "markdown", Markdown: markdown.String()}
	name := head(line(title.String()), maxCanvasTitle)
	var id string
	err := b.calls.do(ctx, request{method: "conversations.canvases.create", once: true}, func(ctx context.Context) (err error) {
		id, err = b.api.CreateChannelCanvasContext(ctx, channel, doc, slack.CreateChannelCanvasOptionTitle(name))
		return err
	})
	if refused(err, "channel_canvas_already_exists") || refused(err, unsureCodes...) {
		found, url, lookErr := b.ownCanvas(ctx, channel, name)
		switch {
		case lookErr != nil:
			return "", fmt.Errorf("look for the canvas of %s: %w", channel, lookErr)
		case found:
			return url, nil
		case refused(err, "channel_canvas_already_exists"):
			if url, err = b.canvasBeside(ctx, channel, name); err != nil || url != "" {
				return url, err
			}
			err = b.calls.do(ctx, request{method: "canvases.create", once: true}, func(ctx context.Context) (err error) {
				id, err = b.api.CreateCanvasContext(ctx, name, doc, slack.CreateCanvasOptionChannelID(channel))
				return err
			})
		}
	}
	var d *DeliveryError
	if errors.As(err, &d) && !d.Temporary {
		return "", &handlers.NoCanvas{Why: whyNoCanvas(d.Code), Err: err}
	}
	if err != nil {
		return "", fmt.Errorf("write a canvas in %s: %w", channel, err)
	}
	f, err := b.canvasFile(ctx, id)
	if err != nil {
		f = slack.File{ID: id} // it is there; only its nicest address is not known
	}
	return b.canvasURL(f), nil
}

func (b *Bot) canvasURL(f slack.File) string {
	if f.Permalink != "" {
		return f.Permalink
	}
	return "https://app.slack.com/docs/" + b.cfg.Team + "/" + f.ID
}

// canvasBeside finds the canvas that this bot made under a title beside the channel's own, "" when there is none. A canvas is a file of its channel
// (https://docs.slack.dev/surfaces/canvases), and no other file of ours has that title.
func (b *Bot) canvasBeside(ctx context.Context, channel, title string) (string, error) {
	self, err := b.self(ctx)
	if err != nil {
		return "", fmt.Errorf("look for a canvas in %s: %w", channel, err)
	}
	p := slack.NewGetFilesParameters()
	for p.Channel, p.User, p.Count = channel, self, 20; ; p.Page++ {
		var files []slack.File
		var paging *slack.Paging
		err := b.calls.do(ctx, request{method: "files.list"}, func(ctx context.Context) (err error) {
			files, paging, err = b.api.GetFilesContext(ctx, p)
			return err
		})
		if err != nil {
			return "", fmt.Errorf("look for a canvas in %s: %w", channel, err)
		}
		for _, f := range files {
			if f.Title == title {
				return b.canvasURL(f), nil
			}
		}
		if paging == nil || p.Page >= paging.Pages {
			return "", nil
		}
	}
}

const maxCanvasTitle = 150

// ownCanvas finds the canvas of a channel that this bot made under a title.
func (b *Bot) ownCanvas(ctx context.Context, channel, title string) (found bool, url string, err error) {
	var info *slack.Channel
	err = b.calls.do(ctx, request{method: "conversations.info"}, func(ctx context.Context) (err error) {
		info, err = b.api.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: channel})
		return err
	})
	if err != nil || info.Properties == nil || info.Properties.Canvas.FileId == "" {
		return false, "", err
	}
	self, err := b.self(ctx)
	if err != nil {
		return false, "", err
	}
	f, err := b.canvasFile(ctx, info.Properties.Canvas.FileId)
	if refused(err, "file_not_found", "file_deleted", "not_visible") {
		return false, "", nil
	}
	if err != nil {
		return false, "", err
	}
	return f.Title == title && f.User == self, b.canvasURL(f), nil
}

func (b *Bot) canvasFile(ctx context.Context, id string) (slack.File, error) {
	var f slack.File
	err := b.calls.do(ctx, request{method: "files.info"}, func(ctx context.Context) error {
		got, _, _, err := b.api.GetFileInfoContext(ctx, id, 0, 0)
		if err == nil {
			f = *got
		}
		return err
	})
	return f, err
}

// whyNoCanvas words a refusal for whoever can do something about it.
func whyNoCanvas(code string) redact.Text {
	switch code {
	case "missing_scope":
		return redact.Const("the Slack app lacks the scope canvases:write (missing_scope); add it and install the app again")
	case "team_tier_cannot_create_channel_canvases", "free_team_canvas_tab_already_exists", "free_teams_cannot_create_non_tabbed_canvases":
		return redact.F("the workspace's Slack plan does not allow it (%s)", code)
	case "canvas_disabled_user_team", "canvas_globally_disabled", "restricted_action":
		return redact.F("the workspace does not allow canvases (%s)", code)
	}
	return redact.F("Slack refused it (%s)", code)
}
