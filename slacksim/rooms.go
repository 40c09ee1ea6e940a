package slacksim

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxChannelName = 80
	maxTopic       = 250
	maxInvitees    = 100
)

var channelWord = regexp.MustCompile(`^[a-z0-9_-]+$`)

// checkName says what is wrong with a channel name.
func (w *Workspace) checkName(name string) error {
	switch {
	case name == "":
		return refuse("invalid_name_required")
	case utf8.RuneCountInString(name) > maxChannelName:
		return refuse("invalid_name_maxlength")
	case strings.Trim(name, "-_") == "":
		return refuse("invalid_name_punctuation")
	case !channelWord.MatchString(name):
		return refuse("invalid_name_specials")
	}
	if w.channelByName(name) != nil {
		return refuse("name_taken")
	}
	return nil
}

func createChannel(c *call) (answer, error) {
	kind := "public_channel"
	if c.bool("is_private") {
		kind = "private_channel"
	}
	if err := c.needScope(c.method.scopes.forKind(kind)); err != nil {
		return nil, err
	}
	if err := c.checkName(c.str("name")); err != nil {
		return nil, err
	}
	bot := c.cfg.App.BotUserID
	ch := &channel{
		Channel: Channel{ID: c.nextID("C"), Name: c.str("name"), IsPrivate: c.bool("is_private"), Members: []string{bot}},
		creator: bot, created: c.cfg.Now(), lastRead: map[string]string{},
	}
	c.channels = append(c.channels, ch)
	c.system(ch, bot, "channel_join", "<@"+bot+"> has joined the channel")
	return answer{"channel": c.channelObject(ch)}, nil
}

func inviteToChannel(c *call) (answer, error) {
	ch, err := c.target("channel")
	if err != nil {
		return nil, err
	}
	if ch.isIM {
		return nil, refuse("method_not_supported_for_channel_type")
	}
	people := c.list("users")
	if len(people) > maxInvitees {
		return nil, refuse("too_many_users")
	}
	// Slack invites all or nobody, unless force is set, and says for each person what was wrong.
	var wrong []answer
	for _, id := range people {
		u := c.user(id)
		code := ""
		switch {
		case id == c.cfg.App.BotUserID:
			code = "cant_invite_self"
		case u == nil || u.Deleted:
			code = "user_not_found"
		case ch.has(id):
			code = "already_in_channel"
		case u.IsRestricted:
			code = "user_is_restricted"
		case u.TeamID != c.cfg.Team.ID && !ch.IsExtShared:
			code = "org_user_not_in_team"
		}
		if code != "" {
			wrong = append(wrong, answer{"user": id, "ok": false, "error": code})
		}
	}
	if wrong != nil && !(c.bool("force") && len(wrong) < len(people)) {
		return nil, &refusal{code: wrong[0]["error"].(string), fields: answer{"errors": wrong}}
	}
	for _, id := range people {
		if !slices.ContainsFunc(wrong, func(w answer) bool { return w["user"] == id }) {
			c.join(ch, id, c.cfg.App.BotUserID)
		}
	}
	return answer{"channel": c.channelObject(ch)}, nil
}

func joinChannel(c *call) (answer, error) {
	ch, err := c.target("channel")
	if err != nil {
		return nil, err
	}
	if ch.IsPrivate {
		return nil, refuse("method_not_supported_for_channel_type")
	}
	if c.botIsIn(ch) {
		return answer{"channel": c.channelObject(ch), "warning": "already_in_channel", "response_metadata": answer{"warnings": []string{"already_in_channel"}}}, nil
	}
	c.join(ch, c.cfg.App.BotUserID, "")
	return answer{"channel": c.channelObject(ch)}, nil
}

func openChannel(c *call) (answer, error) {
	people := c.list("users")
	switch {
	case c.given("channel"):
		ch := c.channel(c.str("channel"))
		if ch == nil || !ch.isIM {
			return nil, refuse("channel_not_found")
		}
		people = []string{ch.with}
	case people == nil:
		return nil, refuse("users_list_not_supplied")
	case len(people) > 1:
		return nil, c.needScope([]string{"mpim:write"}) // the app has no scope for group conversations
	}
	if err := c.needScope(c.method.scopes.forKind("im")); err != nil {
		return nil, err
	}
	u := c.user(people[0])
	switch {
	case u == nil:
		return nil, refuse("user_not_found")
	case u.Deleted:
		return nil, refuse("user_disabled")
	}
	ch := c.im(u.ID)
	c.showChannel(ch)
	if c.bool("return_im") {
		return answer{"channel": c.channelObject(ch), "no_op": true, "already_open": true}, nil
	}
	return answer{"channel": answer{"id": ch.ID}}, nil
}

func renameChannel(c *call) (answer, error) {
	ch, err := c.target("channel")
	if err != nil {
		return nil, err
	}
	if ch.isIM {
		return nil, refuse("method_not_supported_for_channel_type")
	}
	if ch.creator != c.cfg.App.BotUserID {
		return nil, refuse("not_authorized") // only who made a channel, or an admin, renames it
	}
	if err := c.checkName(c.str("name")); err != nil {
		return nil, err
	}
	ch.Name = c.str("name")
	c.event("channel_rename", ch, answer{"type": "channel_rename", "channel": answer{
		"id": ch.ID, "name": ch.Name, "name_normalized": ch.Name, "created": ch.created.Unix(), "is_channel": !ch.IsPrivate, "is_mpim": false,
	}})
	c.system(ch, c.cfg.App.BotUserID, "channel_name", "<@"+c.cfg.App.BotUserID+"> has renamed the channel to \""+ch.Name+"\"")
	return answer{"channel": c.channelObject(ch)}, nil
}

func setTopic(c *call) (answer, error)   { return c.describe("topic") }
func setPurpose(c *call) (answer, error) { return c.describe("purpose") }

func (c *call) describe(what string) (answer, error) {
	ch, err := c.target("channel")
	if err != nil {
		return nil, err
	}
	if ch.isIM {
		return nil, refuse("method_not_supported_for_channel_type")
	}
	text := c.str(what)
	if utf8.RuneCountInString(text) > maxTopic {
		return nil, refuse("too_long")
	}
	field := &ch.Topic
	if what == "purpose" {
		field = &ch.Purpose
	}
	if *field != text {
		*field = text
		c.system(ch, c.cfg.App.BotUserID, "channel_"+what, "<@"+c.cfg.App.BotUserID+"> set the channel "+what+": "+text)
	}
	return answer{"channel": c.channelObject(ch), what: text}, nil
}

func archiveChannel(c *call) (answer, error) {
	ch, err := c.target("channel")
	switch {
	case err != nil:
		return nil, err
	case ch.isIM:
		return nil, refuse("method_not_supported_for_channel_type")
	case ch.Name == "general":
		return nil, refuse("cant_archive_general")
	}
	c.archive(ch, c.cfg.App.BotUserID)
	return answer{}, nil
}

func (w *Workspace) archive(ch *channel, user string) {
	w.event("channel_archive", ch, answer{"type": "channel_archive", "channel": ch.ID, "user": user, "is_moved": 0})
	ch.IsArchived = true
	w.system(ch, user, "channel_archive", "<@"+user+"> archived the channel")
}

func unarchiveChannel(c *call) (answer, error) {
	ch, err := c.target("channel")
	switch {
	case err != nil:
		return nil, err
	case ch.isIM:
		return nil, refuse("method_not_supported_for_channel_type")
	case !ch.IsArchived:
		return nil, refuse("not_archived")
	}
	c.unarchive(ch, c.cfg.App.BotUserID)
	return answer{}, nil
}

func (w *Workspace) unarchive(ch *channel, user string) {
	ch.IsArchived = false
	w.event("channel_unarchive", ch, answer{"type": "channel_unarchive", "channel": ch.ID, "user": user})
	w.system(ch, user, "channel_unarchive", "<@"+user+"> un-archived the channel")
}
