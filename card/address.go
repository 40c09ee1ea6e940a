package card

// Address is where something is said; it is stored, so that an answer finds its place after a restart.
type Address struct {
	// Kind is "slack" or "terminal".
	Kind    string `json:"kind"`
	Team    string `json:"team,omitempty"`
	Channel string `json:"channel,omitempty"`
	// Thread is the ts of the thread's first message, "" at channel level.
	Thread string `json:"thread,omitempty"`
	// Message is the ts of one message, set on what Say returns.
	Message string `json:"message,omitempty"`
	// User is the Slack user who asked; whispers go there.
	User string `json:"user,omitempty"`
	// ResponseURL answers where the bot is no member; five uses within 30 minutes, then useless.
	ResponseURL string `json:"responseUrl,omitempty"`
	// Private is true in a channel shared with another workspace: only the asker may see the answer.
	Private bool `json:"private,omitempty"`
}
