package slacksim

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Workspace is a running Slack workspace. Make one with New; the zero value is not usable.
type Workspace struct {
	cfg     Config
	methods map[string]method
	servers servers

	// mu guards everything below. Nothing waits for the network while holding it.
	mu      sync.Mutex
	changed chan struct{} // closed and replaced after every change
	*state
	hub         hub
	subscribers map[*subscriber]bool
}

// state is what Reset throws away.
type state struct {
	users       []*User
	channels    []*channel
	usergroups  []*usergroup
	scopes      map[string]bool
	messages    map[string][]*Message // by channel, oldest first
	files       map[string]*file
	canvases    map[string]*canvas
	views       map[string]*View
	modals      map[string][]string // open modal stack by user, root first
	homes       map[string]string   // view ID by user
	triggers    map[string]*trigger
	responses   map[string]*responseURL
	buckets     map[string]*bucket
	faults      []*Fault
	calls       []Call
	lastMicro   int64
	lastID      int
	openedHomes map[string]bool
}

type channel struct {
	Channel
	creator   string
	isIM      bool
	with      string // the person at the other end of a direct message
	created   time.Time
	bookmarks []bookmark
	pins      []string
	canvas    string
	lastRead  map[string]string
}

type usergroup struct {
	Usergroup
	updated time.Time
}

// New checks cfg and makes a workspace of it that is not listening yet.
func New(cfg Config) (*Workspace, error) {
	cfg, err := cfg.resolved()
	if err != nil {
		return nil, err
	}
	w := &Workspace{cfg: cfg, methods: webMethods(), changed: make(chan struct{}), subscribers: map[*subscriber]bool{}}
	w.hub = newHub()
	w.state = newState(cfg)
	return w, nil
}

func newState(cfg Config) *state {
	s := &state{
		scopes:      map[string]bool{},
		messages:    map[string][]*Message{},
		files:       map[string]*file{},
		canvases:    map[string]*canvas{},
		views:       map[string]*View{},
		modals:      map[string][]string{},
		homes:       map[string]string{},
		triggers:    map[string]*trigger{},
		responses:   map[string]*responseURL{},
		buckets:     map[string]*bucket{},
		openedHomes: map[string]bool{},
	}
	for _, u := range cfg.Users {
		s.users = append(s.users, &u)
	}
	s.users = append(s.users, &User{
		ID: cfg.App.BotUserID, TeamID: cfg.Team.ID, Name: cfg.App.Name, RealName: cfg.App.Name, Color: "4a154b", IsBot: true,
	})
	for _, c := range cfg.Channels {
		c.Members = slices.Clone(c.Members)
		s.channels = append(s.channels, &channel{Channel: c, created: cfg.Now(), lastRead: map[string]string{}})
	}
	for _, g := range cfg.Usergroups {
		g.Users = slices.Clone(g.Users)
		s.usergroups = append(s.usergroups, &usergroup{Usergroup: g, updated: cfg.Now()})
	}
	for _, scope := range cfg.App.Scopes {
		s.scopes[scope] = true
	}
	return s
}

// Reset takes the workspace back to its configuration. Sockets stay open.
func (w *Workspace) Reset() {
	w.mu.Lock()
	defer w.mu.Unlock()
	last := w.lastMicro
	w.state = newState(w.cfg)
	w.lastMicro = last // a timestamp is never given out twice
	w.notify()
}

// notify wakes everybody who waits for a change. The caller holds w.mu.
func (w *Workspace) notify() {
	close(w.changed)
	w.changed = make(chan struct{})
}

// await returns the first value that find reports, looking again after every change until ctx ends.
func await[T any](ctx context.Context, w *Workspace, what string, find func() (T, bool)) (T, error) {
	for {
		w.mu.Lock()
		found, ok := find()
		changed := w.changed
		w.mu.Unlock()
		if ok {
			return found, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			var none T
			return none, fmt.Errorf("wait for %s: %w", what, context.Cause(ctx))
		}
	}
}

// remembered is how many calls, acks and waiting envelopes are kept.
const remembered = 20_000

// recent drops the older half of a list that has grown too long.
func recent[T any](list []T) []T {
	if len(list) > remembered {
		return slices.Clone(list[len(list)/2:])
	}
	return list
}

// nextTS gives out Slack's message timestamp: unique, rising, microseconds after the dot.
func (w *Workspace) nextTS() string {
	micro := w.cfg.Now().UnixMicro()
	if micro <= w.lastMicro {
		micro = w.lastMicro + 1
	}
	w.lastMicro = micro
	return fmt.Sprintf("%d.%06d", micro/1_000_000, micro%1_000_000)
}

// nextID gives out an object ID such as F0SIM00001.
func (w *Workspace) nextID(prefix string) string {
	w.lastID++
	return fmt.Sprintf("%s0SIM%05d", prefix, w.lastID)
}

// secret is an unguessable word for URLs and tickets.
func secret() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails since Go 1.24
	return hex.EncodeToString(b)
}

func (w *Workspace) user(id string) *User {
	for _, u := range w.users {
		if u.ID == id {
			return u
		}
	}
	return nil
}

// userByName finds a person by ID, name or @name.
func (w *Workspace) userByName(name string) *User {
	name = strings.TrimPrefix(name, "@")
	for _, u := range w.users {
		if u.ID == name || u.Name == name {
			return u
		}
	}
	return nil
}

func (w *Workspace) channel(id string) *channel {
	for _, c := range w.channels {
		if c.ID == id {
			return c
		}
	}
	return nil
}

// channelByName finds a conversation by ID, name or #name.
func (w *Workspace) channelByName(name string) *channel {
	name = strings.TrimPrefix(name, "#")
	for _, c := range w.channels {
		if c.ID == name || c.Name == name && !c.isIM {
			return c
		}
	}
	return nil
}

func (w *Workspace) usergroup(id string) *usergroup {
	for _, g := range w.usergroups {
		if g.ID == id || g.Handle == id {
			return g
		}
	}
	return nil
}

// im returns the direct conversation between user and the app, opening it when there is none.
func (w *Workspace) im(user string) *channel {
	for _, c := range w.channels {
		if c.isIM && c.with == user {
			return c
		}
	}
	c := &channel{
		Channel: Channel{ID: w.nextID("D"), IsPrivate: true, Members: []string{user, w.cfg.App.BotUserID}},
		isIM:    true, with: user, created: w.cfg.Now(), lastRead: map[string]string{},
	}
	w.channels = append(w.channels, c)
	return c
}

func (c *channel) has(user string) bool { return slices.Contains(c.Members, user) }

// kind is the conversation's type as Slack's events and `types` arguments call it.
func (c *channel) kind() string {
	switch {
	case c.isIM:
		return "im"
	case c.IsPrivate:
		return "private_channel"
	default:
		return "public_channel"
	}
}

// sees reports whether user may look into c: members always, others only into public channels of their own team
// and never as a guest.
func (w *Workspace) sees(userID string, c *channel) bool {
	if c.has(userID) {
		return true
	}
	u := w.user(userID)
	return u != nil && !c.IsPrivate && !u.IsRestricted && u.TeamID == w.cfg.Team.ID
}

func (w *Workspace) message(channelID, ts string) *Message {
	for _, m := range w.messages[channelID] {
		if m.TS == ts {
			return m
		}
	}
	return nil
}

// scopeList is what the bot token may do, as Slack prints it.
func (w *Workspace) scopeList() string {
	return strings.Join(slices.Sorted(maps.Keys(w.scopes)), ",")
}

// botIsIn reports whether the app is a member of c.
func (w *Workspace) botIsIn(c *channel) bool { return c.has(w.cfg.App.BotUserID) }
