// Package bot is Slack in and out: what people do there becomes a [handlers.Incoming], and the cards of handlers become messages.
package bot
