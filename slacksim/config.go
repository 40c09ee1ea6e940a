package slacksim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Config describes a workspace before anybody has said anything. Members of channels and user groups may be given
// by user ID or by user name; New turns names into IDs.
type Config struct {
	Team       Team        `json:"team"`
	Users      []User      `json:"users"`
	Channels   []Channel   `json:"channels"`
	Usergroups []Usergroup `json:"usergroups"`
	App        App         `json:"app"`

	// ListenAPI and ListenPage are loopback host:port pairs; empty means a free port on 127.0.0.1.
	ListenAPI  string `json:"listen_api"`
	ListenPage string `json:"listen_page"`

	// NoRateLimits switches rate tiers off, for tests of something else.
	NoRateLimits bool `json:"no_rate_limits"`

	// Now decides rate limits, timestamps and the expiry of triggers and response URLs; nil means time.Now.
	Now func() time.Time `json:"-"`
	// AckDeadline is how long an envelope waits for its ack; 0 means Slack's three seconds.
	AckDeadline time.Duration `json:"-"`
	// PingEvery is the pause between websocket pings; 0 means ten seconds.
	PingEvery time.Duration `json:"-"`
	// EventRetries are the pauses before an unacked event is sent again; nil means Slack's: at once, 1 min, 5 min
	// (https://docs.slack.dev/apis/events-api, "Error handling").
	EventRetries []time.Duration `json:"-"`
}

// Team is a workspace.
type Team struct {
	ID     string `json:"id"`
	Name   string `json:"name"`
	Domain string `json:"domain"`
}

// User is a person or a bot. A TeamID other than the workspace's makes a person of another company, who is seen
// only in externally shared channels.
type User struct {
	ID           string `json:"id"`
	TeamID       string `json:"team_id"`
	Name         string `json:"name"`
	RealName     string `json:"real_name"`
	Title        string `json:"title"`
	Email        string `json:"email,omitempty"`
	Color        string `json:"color"`
	IsBot        bool   `json:"is_bot"`
	IsAdmin      bool   `json:"is_admin,omitempty"`
	IsRestricted bool   `json:"is_restricted"`
	Deleted      bool   `json:"deleted"`
}

// Channel is a conversation as configured.
type Channel struct {
	ID          string   `json:"id"`
	Name        string   `json:"name"`
	IsPrivate   bool     `json:"is_private"`
	IsExtShared bool     `json:"is_ext_shared"`
	IsArchived  bool     `json:"is_archived"`
	Topic       string   `json:"topic"`
	Purpose     string   `json:"purpose"`
	Members     []string `json:"members"`
}

// Usergroup is a mentionable group of people.
type Usergroup struct {
	ID     string   `json:"id"`
	Handle string   `json:"handle"`
	Name   string   `json:"name"`
	Users  []string `json:"users"`
}

// App is the one installed app.
type App struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	BotUserID string    `json:"bot_user_id"`
	BotID     string    `json:"bot_id"`
	BotToken  string    `json:"bot_token"`
	AppToken  string    `json:"app_token"`
	Scopes    []string  `json:"scopes"`
	Commands  []Command `json:"commands"`
	Shortcuts []string  `json:"shortcuts"`
	// Events are the event subscriptions, named as in an app manifest ("app_mention", "message.channels", …).
	Events []string `json:"events"`
}

// Command is a slash command. Completions are the words the page offers after it.
type Command struct {
	Command     string   `json:"command"`
	Description string   `json:"description"`
	UsageHint   string   `json:"usage_hint"`
	Completions []string `json:"completions"`
}

// resolved is cfg with defaults filled in and names of people turned into IDs; it shares no slice with cfg.
func (cfg Config) resolved() (Config, error) {
	if cfg.Team.ID == "" || cfg.App.ID == "" || cfg.App.BotToken == "" || cfg.App.AppToken == "" {
		return cfg, errors.New("slacksim config: team.id, app.id, app.bot_token and app.app_token are required")
	}
	if cfg.App.BotUserID == "" || cfg.App.BotID == "" || cfg.App.Name == "" {
		return cfg, errors.New("slacksim config: app.bot_user_id, app.bot_id and app.name are required")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.AckDeadline == 0 {
		cfg.AckDeadline = 3 * time.Second
	}
	if cfg.PingEvery == 0 {
		cfg.PingEvery = 10 * time.Second
	}
	if cfg.EventRetries == nil {
		cfg.EventRetries = []time.Duration{0, time.Minute, 5 * time.Minute}
	}
	cfg.Users = slices.Clone(cfg.Users)
	ids := map[string]string{cfg.App.Name: cfg.App.BotUserID, cfg.App.BotUserID: cfg.App.BotUserID}
	for i := range cfg.Users {
		u := &cfg.Users[i]
		if u.ID == "" || u.Name == "" {
			return cfg, fmt.Errorf("slacksim config: users[%d] needs id and name", i)
		}
		if ids[u.ID] != "" || ids[u.Name] != "" {
			return cfg, fmt.Errorf("slacksim config: users[%d]: %s (%s) is there twice", i, u.ID, u.Name)
		}
		if u.TeamID == "" {
			u.TeamID = cfg.Team.ID
		}
		ids[u.ID], ids[u.Name] = u.ID, u.ID
	}
	resolve := func(where string, people []string) ([]string, error) {
		out := make([]string, 0, len(people))
		for _, p := range people {
			id := ids[strings.TrimPrefix(p, "@")]
			if id == "" {
				return nil, fmt.Errorf("slacksim config: %s: nobody is called %q", where, p)
			}
			out = append(out, id)
		}
		return out, nil
	}
	cfg.Channels = slices.Clone(cfg.Channels)
	seen := map[string]bool{}
	for i := range cfg.Channels {
		c := &cfg.Channels[i]
		if c.ID == "" || c.Name == "" || seen[c.ID] || seen[c.Name] {
			return cfg, fmt.Errorf("slacksim config: channels[%d] needs an id and a name of its own", i)
		}
		seen[c.ID], seen[c.Name] = true, true
		members, err := resolve("channel "+c.Name, c.Members)
		if err != nil {
			return cfg, err
		}
		c.Members = members
	}
	cfg.Usergroups = slices.Clone(cfg.Usergroups)
	for i := range cfg.Usergroups {
		g := &cfg.Usergroups[i]
		if g.ID == "" || g.Handle == "" {
			return cfg, fmt.Errorf("slacksim config: usergroups[%d] needs id and handle", i)
		}
		users, err := resolve("user group "+g.Handle, g.Users)
		if err != nil {
			return cfg, err
		}
		g.Users = users
	}
	return cfg, nil
}
