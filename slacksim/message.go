package slacksim

import "slices"

// Block is one Block Kit block, kept as it came apart from a filled-in block_id. Stored blocks are never changed.
type Block = map[string]any

// Message is Slack's message object and, beside it, what only the simulator knows: where the message is, who was
// pinged by it and who alone may see it.
type Message struct {
	Type            string          `json:"type"`
	Subtype         string          `json:"subtype,omitempty"`
	Hidden          bool            `json:"hidden,omitempty"`
	TS              string          `json:"ts"`
	User            string          `json:"user,omitempty"`
	Team            string          `json:"team,omitempty"`
	BotID           string          `json:"bot_id,omitempty"`
	AppID           string          `json:"app_id,omitempty"`
	BotProfile      map[string]any  `json:"bot_profile,omitempty"`
	Username        string          `json:"username,omitempty"`
	Icons           map[string]any  `json:"icons,omitempty"`
	Text            string          `json:"text"`
	Blocks          []Block         `json:"blocks,omitempty"`
	Attachments     []Block         `json:"attachments,omitempty"`
	Metadata        *Metadata       `json:"metadata,omitempty"`
	ThreadTS        string          `json:"thread_ts,omitempty"`
	ParentUserID    string          `json:"parent_user_id,omitempty"`
	ReplyCount      int             `json:"reply_count,omitempty"`
	ReplyUsers      []string        `json:"reply_users,omitempty"`
	ReplyUsersCount int             `json:"reply_users_count,omitempty"`
	LatestReply     string          `json:"latest_reply,omitempty"`
	Edited          *Edited         `json:"edited,omitempty"`
	Reactions       []Reaction      `json:"reactions,omitempty"`
	PinnedTo        []string        `json:"pinned_to,omitempty"`
	Files           []File          `json:"files,omitempty"`
	Upload          bool            `json:"upload,omitempty"`
	Unfurl          map[string]bool `json:"-"`

	// Channel is the conversation the message is in.
	Channel string `json:"channel,omitempty"`
	// Ephemeral is true when only EphemeralTo sees the message.
	Ephemeral   bool   `json:"ephemeral,omitempty"`
	EphemeralTo string `json:"-"`
	// Pings are the IDs of people and groups, and "channel", "here" or "everyone", that the message notifies.
	Pings []string `json:"pings,omitempty"`
}

// Metadata is what an app attaches to a message for itself.
type Metadata struct {
	EventType    string         `json:"event_type"`
	EventPayload map[string]any `json:"event_payload"`
}

// Edited says who changed a message last, and when.
type Edited struct {
	User string `json:"user"`
	TS   string `json:"ts"`
}

// Reaction is one emoji under a message and who put it there.
type Reaction struct {
	Name  string   `json:"name"`
	Users []string `json:"users"`
	Count int      `json:"count"`
}

// wire is the message as Slack would send it: without what only the simulator knows.
func (m Message) wire() Message {
	m.Channel, m.Ephemeral, m.Pings = "", false, nil
	return m
}

// inThread reports whether m belongs below another message.
func (m *Message) inThread() bool { return m.ThreadTS != "" && m.ThreadTS != m.TS }

// visibleTo reports whether an ephemeral message is meant for user; others are for everybody in the channel.
func (m *Message) visibleTo(user string) bool { return !m.Ephemeral || m.EphemeralTo == user }

// react adds or removes user's emoji and reports whether that changed anything.
func (m *Message) react(name, user string, remove bool) bool {
	out := make([]Reaction, 0, len(m.Reactions)+1)
	changed, found := false, false
	for _, r := range m.Reactions {
		if r.Name == name {
			found = true
			has := slices.Contains(r.Users, user)
			switch {
			case remove && has:
				r.Users = slices.DeleteFunc(slices.Clone(r.Users), func(u string) bool { return u == user })
				changed = true
			case !remove && !has:
				r.Users = append(slices.Clone(r.Users), user)
				changed = true
			}
			r.Count = len(r.Users)
		}
		if r.Count > 0 {
			out = append(out, r)
		}
	}
	if !found && !remove {
		out = append(out, Reaction{Name: name, Users: []string{user}, Count: 1})
		changed = true
	}
	m.Reactions = out
	return changed
}
