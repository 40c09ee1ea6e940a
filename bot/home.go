package bot

import (
	"context"

	"github.com/slack-go/slack"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
)

// home is what the app's home tab says.
func home() card.Card {
	return card.Card{
		State:   card.Neutral,
		Title:   redact.Const("svcdown runs the Service Down runbook"),
		Verdict: redact.Const("Ask me what is wrong with a service"),
		Parts: []card.Part{
			{Facts: []card.Fact{
				{Label: redact.Const("What is wrong"), Value: redact.Const("/svcdown status SERVICE")},
				{Label: redact.Const("Why, and what helps"), Value: redact.Const("/svcdown triage SERVICE")},
				{Label: redact.Const("Its logs"), Value: redact.Const("/svcdown logs SERVICE")},
				{Label: redact.Const("Step by step"), Value: redact.Const("/svcdown runbook NAME SERVICE")},
				{Label: redact.Const("It is an outage"), Value: redact.Const("/svcdown incident open SERVICE")},
				{Label: redact.Const("Which services I know"), Value: redact.Const("/svcdown services")},
				{Label: redact.Const("Who you are to me"), Value: redact.Const("/svcdown whoami")},
				{Label: redact.Const("Everything else"), Value: redact.Const("/svcdown help")},
			}},
			{Text: redact.Const("Slash commands do not work inside threads: mention me there, or write to me here in Messages. I change nothing before the people whom your policies name have agreed.")},
		},
	}
}

func (b *Bot) publishHome(ctx context.Context, user string) error {
	c := home()
	if b.cfg.Homes != nil {
		// What is going on stands first; what the bot does is for those who have never asked it.
		own := b.cfg.Homes.Home(ctx, catalog.SlackID{Team: b.cfg.Team, User: user})
		own.Parts = append(own.Parts, c.Parts...)
		c = own
	}
	view := slack.HomeTabViewRequest{Type: slack.VTHomeTab, Blocks: slack.Blocks{BlockSet: render(c).blocks}}
	return b.calls.do(ctx, request{method: "views.publish"}, func(ctx context.Context) error {
		_, err := b.api.PublishViewContext(ctx, slack.PublishViewContextRequest{UserID: user, View: view})
		return err
	})
}
