package slacksim

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

const maxPins = 100

var emojiName = regexp.MustCompile(`^[a-z0-9_+'-]+(::skin-tone-[2-6])?$`)

// marked finds the message that channel and timestamp arguments name.
func (c *call) marked() (*channel, *Message, error) {
	if !c.given("channel") || !c.given("timestamp") {
		return nil, nil, refuse("no_item_specified")
	}
	ch, err := c.target("channel")
	if err != nil {
		return nil, nil, err
	}
	if !isTS(c.str("timestamp")) {
		return nil, nil, refuse("bad_timestamp")
	}
	m := c.message(ch.ID, c.str("timestamp"))
	if m == nil || m.Ephemeral {
		return nil, nil, refuse("message_not_found")
	}
	return ch, m, nil
}

func addPin(c *call) (answer, error) {
	ch, m, err := c.marked()
	switch {
	case err != nil:
		return nil, err
	case slices.Contains(ch.pins, m.TS):
		return nil, refuse("already_pinned")
	case len(ch.pins) >= maxPins:
		return nil, refuse("too_many_pins")
	}
	c.pin(ch, m, false)
	return answer{}, nil
}

func removePin(c *call) (answer, error) {
	ch, m, err := c.marked()
	switch {
	case err != nil:
		return nil, err
	case !slices.Contains(ch.pins, m.TS):
		return nil, refuse("no_pin")
	}
	c.pin(ch, m, true)
	return answer{}, nil
}

func (w *Workspace) pin(ch *channel, m *Message, remove bool) {
	ch.pins = slices.DeleteFunc(slices.Clone(ch.pins), func(ts string) bool { return ts == m.TS })
	m.PinnedTo = nil
	if !remove {
		ch.pins = append(ch.pins, m.TS)
		m.PinnedTo = []string{ch.ID}
	}
	w.showMessage("message_changed", m)
	w.showChannel(ch)
	w.notify()
}

func listPins(c *call) (answer, error) {
	ch, err := c.target("channel")
	if err != nil {
		return nil, err
	}
	pinned := []answer{}
	for _, ts := range ch.pins {
		if m := c.message(ch.ID, ts); m != nil {
			pinned = append(pinned, answer{"type": "message", "channel": ch.ID, "message": m.wire()})
		}
	}
	return answer{"items": pinned}, nil
}

func addReaction(c *call) (answer, error) {
	ch, m, err := c.marked()
	if err != nil {
		return nil, err
	}
	if !emojiName.MatchString(c.str("name")) {
		return nil, refuse("invalid_name")
	}
	if !c.reactAs(c.cfg.App.BotUserID, ch, m, c.str("name"), false) {
		return nil, refuse("already_reacted")
	}
	return answer{}, nil
}

func removeReaction(c *call) (answer, error) {
	ch, m, err := c.marked()
	if err != nil {
		return nil, err
	}
	if !c.reactAs(c.cfg.App.BotUserID, ch, m, c.str("name"), true) {
		return nil, refuse("no_reaction")
	}
	return answer{}, nil
}

func getReactions(c *call) (answer, error) {
	ch, m, err := c.marked()
	if err != nil {
		return nil, err
	}
	return answer{"type": "message", "channel": ch.ID, "message": m.wire()}, nil
}

// listReactions lists, newest first, what somebody has reacted to, of what the bot may see.
func listReactions(c *call) (answer, error) {
	user := c.cfg.App.BotUserID
	if c.given("user") {
		user = c.str("user")
	}
	if c.user(user) == nil {
		return nil, refuse("user_not_found")
	}
	var found []*Message
	rooms := map[string]string{}
	for _, ch := range c.channels {
		if ch.IsPrivate && !c.botIsIn(ch) {
			continue
		}
		for _, m := range c.messages[ch.ID] {
			if slices.ContainsFunc(m.Reactions, func(r Reaction) bool { return slices.Contains(r.Users, user) }) {
				found, rooms[m.TS] = append(found, m), ch.ID
			}
		}
	}
	slices.SortFunc(found, func(a, b *Message) int { return strings.Compare(b.TS, a.TS) })
	part, next, err := paged(c, found, 100)
	if err != nil {
		return nil, err
	}
	items := []answer{}
	for _, m := range part {
		items = append(items, answer{"type": "message", "channel": rooms[m.TS], "message": m.wire()})
	}
	return answer{"items": items, "response_metadata": next}, nil
}

// reactAs adds or removes a reaction and tells everybody; false when nothing changed.
func (w *Workspace) reactAs(user string, ch *channel, m *Message, name string, remove bool) bool {
	if !m.react(name, user, remove) {
		return false
	}
	kind := "reaction_added"
	if remove {
		kind = "reaction_removed"
	}
	w.event(kind, ch, answer{
		"type": kind, "user": user, "reaction": name, "item_user": m.User, "item": answer{"type": "message", "channel": ch.ID, "ts": m.TS},
	})
	w.showMessage("message_changed", m)
	w.notify()
	return true
}

// bookmark is a link at the top of a channel.
type bookmark struct {
	ID          string `json:"id"`
	ChannelID   string `json:"channel_id"`
	Title       string `json:"title"`
	Link        string `json:"link"`
	Emoji       string `json:"emoji"`
	Type        string `json:"type"`
	DateCreated int64  `json:"date_created"`
	DateUpdated int64  `json:"date_updated"`
	AppID       string `json:"app_id"`
}

func isLink(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "http" || u.Scheme == "https")
}

func addBookmark(c *call) (answer, error) {
	ch, err := c.target("channel_id")
	switch {
	case err != nil:
		return nil, err
	case c.str("type") != "link":
		return nil, refuse("invalid_bookmark_type")
	case !isLink(c.str("link")):
		return nil, refuse("invalid_link")
	case len(ch.bookmarks) >= 100:
		return nil, refuse("too_many_bookmarks")
	}
	now := c.cfg.Now().Unix()
	b := bookmark{
		ID: c.nextID("Bk"), ChannelID: ch.ID, Title: c.str("title"), Link: c.str("link"), Emoji: c.str("emoji"), Type: "link",
		DateCreated: now, DateUpdated: now, AppID: c.cfg.App.ID,
	}
	ch.bookmarks = append(ch.bookmarks, b)
	c.showChannel(ch)
	c.notify()
	return answer{"bookmark": b}, nil
}

// marker finds the bookmark that the arguments name.
func (c *call) marker() (*channel, int, error) {
	ch, err := c.target("channel_id")
	if err != nil {
		return nil, 0, err
	}
	i := slices.IndexFunc(ch.bookmarks, func(b bookmark) bool { return b.ID == c.str("bookmark_id") })
	if i < 0 {
		return nil, 0, refuse("not_found")
	}
	return ch, i, nil
}

func editBookmark(c *call) (answer, error) {
	ch, i, err := c.marker()
	if err != nil {
		return nil, err
	}
	b := ch.bookmarks[i]
	if c.has("link") {
		if !isLink(c.str("link")) {
			return nil, refuse("invalid_link")
		}
		b.Link = c.str("link")
	}
	if c.has("title") {
		b.Title = c.str("title")
	}
	if c.has("emoji") {
		b.Emoji = c.str("emoji")
	}
	b.DateUpdated = c.cfg.Now().Unix()
	ch.bookmarks[i] = b
	c.showChannel(ch)
	c.notify()
	return answer{"bookmark": b}, nil
}

func removeBookmark(c *call) (answer, error) {
	ch, i, err := c.marker()
	if err != nil {
		return nil, err
	}
	ch.bookmarks = slices.Delete(slices.Clone(ch.bookmarks), i, i+1)
	c.showChannel(ch)
	c.notify()
	return answer{}, nil
}

func listBookmarks(c *call) (answer, error) {
	ch, err := c.target("channel_id")
	if err != nil {
		return nil, err
	}
	return answer{"bookmarks": append([]bookmark{}, ch.bookmarks...)}, nil
}
