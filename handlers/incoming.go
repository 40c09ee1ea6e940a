package handlers

import (
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
)

// Incoming is what a person did, as an adapter saw it: a slash command, a mention, a button or a call of the terminal.
type Incoming struct {
	// Key identifies the delivery, so that a redelivered one does nothing twice.
	Key string
	// Ref is the short reference that the person sees on errors and the log has on every line.
	Ref string
	// From is the Slack account, or zero with a verified Kubernetes username.
	From       catalog.SlackID
	Kubernetes string
	// Text is what was typed after the bot's name; for a button, its verb and value.
	Text  string
	Where card.Address
	// Trigger lets a form be opened for whoever did it, within three seconds; "" where there are no forms.
	Trigger string
	// Values are what a form was filled in with, by name.
	Values map[string]string
	// Seen is what the clicked card showed ([approval.Request.Shown]), "" when nothing was clicked.
	Seen string
}
