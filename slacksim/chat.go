package slacksim

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	maxText       = 40_000 // longer texts are cut
	maxUpdateText = 4_000  // chat.update and chat.postEphemeral refuse longer ones
	maxMetadata   = 16 << 10
)

// body reads and checks the content arguments that all posting methods share.
func (c *call) body(m *Message) error {
	m.Text = c.str("text")
	if c.has("markdown_text") {
		if c.has("text") || c.has("blocks") {
			return refuse("markdown_text_conflict")
		}
		m.Text = c.str("markdown_text")
	}
	if c.given("blocks") {
		if err := c.blocks("blocks", m); err != nil {
			return err
		}
	}
	if c.given("attachments") {
		if c.json("attachments", &m.Attachments) != nil {
			return refuse("invalid_attachments")
		}
		if len(m.Attachments) > 100 {
			return refuse("too_many_attachments")
		}
		for _, a := range m.Attachments {
			if wrong, _ := checkBlocks(items(a["blocks"]), false); wrong != nil {
				return refuse("invalid_attachments", wrong...)
			}
		}
	}
	if c.given("metadata") {
		return c.metadata(m)
	}
	return nil
}

// blocks reads a blocks argument into m, checks it and names the blocks that have no ID.
func (c *call) blocks(argument string, m *Message) error {
	if c.json(argument, &m.Blocks) != nil {
		return refuse("invalid_blocks_format")
	}
	wrong, chars := checkBlocks(m.Blocks, false)
	if wrong != nil {
		return refuse("invalid_blocks", wrong...)
	}
	if chars > maxBlockChars {
		return refuse("msg_blocks_too_long")
	}
	m.Blocks = c.named(m.Blocks)
	return nil
}

func (c *call) metadata(m *Message) error {
	m.Metadata = &Metadata{}
	if err := c.json("metadata", m.Metadata); err != nil || m.Metadata.EventType == "" || m.Metadata.EventPayload == nil {
		return refuse("invalid_metadata_format")
	}
	if len(fmt.Sprint(m.Metadata.EventPayload)) > maxMetadata {
		return refuse("metadata_too_large")
	}
	return nil
}

// named gives every block and every interactive element an ID, as Slack does for those that come without one.
func (w *Workspace) named(blocks []Block) []Block {
	out := make([]Block, len(blocks))
	for i, b := range blocks {
		out[i] = maps.Clone(b)
		if out[i]["block_id"] == nil {
			out[i]["block_id"] = secret()[:5]
		}
	}
	return out
}

// fromApp is a message of the app's, without content.
func (w *Workspace) fromApp() *Message {
	app := w.cfg.App
	return &Message{
		Type: "message", User: app.BotUserID, BotID: app.BotID, AppID: app.ID, Team: w.cfg.Team.ID,
		BotProfile: map[string]any{"id": app.BotID, "app_id": app.ID, "name": app.Name, "team_id": w.cfg.Team.ID, "deleted": false},
	}
}

func postMessage(c *call) (answer, error) {
	ch, err := c.target("channel")
	if err != nil {
		return nil, err
	}
	m := c.fromApp()
	if err := c.body(m); err != nil {
		return nil, err
	}
	if m.Text == "" && m.Blocks == nil && m.Attachments == nil {
		return nil, refuse("no_text")
	}
	if utf8.RuneCountInString(m.Text) > maxText {
		m.Text = string([]rune(m.Text)[:maxText])
	}
	m.Username = c.str("username")
	m.Unfurl = map[string]bool{"links": c.bool("unfurl_links") || !c.has("unfurl_links"), "media": c.bool("unfurl_media") || !c.has("unfurl_media")}
	if ts := c.str("thread_ts"); ts != "" {
		parent := c.message(ch.ID, ts)
		if parent == nil || parent.Ephemeral {
			return nil, refuse("thread_not_found")
		}
		if parent.inThread() {
			return nil, refuse("cannot_reply_to_message")
		}
		m.ThreadTS = ts
		if c.bool("reply_broadcast") {
			m.Subtype = "thread_broadcast"
		}
	}
	c.post(ch, m)
	return answer{"channel": ch.ID, "ts": m.TS, "message": m.wire()}, nil
}

// post puts m into ch: timestamps it, counts it in its thread, shows it to people and tells the app.
func (w *Workspace) post(ch *channel, m *Message) {
	m.Type, m.Channel, m.TS = "message", ch.ID, w.nextTS()
	m.Pings = pings(m)
	w.messages[ch.ID] = append(w.messages[ch.ID], m)
	if m.Ephemeral {
		w.showMessage("message", m)
		w.notify()
		return
	}
	if parent := w.message(ch.ID, m.ThreadTS); parent != nil && m.inThread() {
		m.ParentUserID = parent.User
		parent.ThreadTS = parent.TS
		parent.ReplyCount++
		parent.LatestReply = m.TS
		if !slices.Contains(parent.ReplyUsers, m.User) {
			parent.ReplyUsers = append(slices.Clone(parent.ReplyUsers), m.User)
		}
		parent.ReplyUsersCount = len(parent.ReplyUsers)
		w.showMessage("message_changed", parent)
	}
	if m.User != "" && ch.lastRead[m.User] < m.TS {
		ch.lastRead[m.User] = m.TS
	}
	w.showMessage("message", m)
	w.messageEvent(ch, m)
	w.notify()
}

func postEphemeral(c *call) (answer, error) {
	ch, err := c.target("channel")
	if err != nil {
		return nil, err
	}
	if u := c.user(c.str("user")); u == nil || !ch.has(u.ID) {
		return nil, refuse("user_not_in_channel")
	}
	m := c.fromApp()
	if err := c.body(m); err != nil {
		return nil, err
	}
	if m.Text == "" && m.Blocks == nil && m.Attachments == nil {
		return nil, refuse("no_text")
	}
	if utf8.RuneCountInString(m.Text) > maxText {
		return nil, refuse("msg_too_long")
	}
	m.Ephemeral, m.EphemeralTo, m.ThreadTS = true, c.str("user"), c.str("thread_ts")
	c.post(ch, m)
	return answer{"message_ts": m.TS}, nil
}

func updateMessage(c *call) (answer, error) {
	ch, err := c.target("channel")
	if err != nil {
		return nil, err
	}
	m := c.message(ch.ID, c.str("ts"))
	if m == nil || m.Ephemeral {
		return nil, refuse("message_not_found")
	}
	if m.BotID != c.cfg.App.BotID {
		return nil, refuse("cant_update_message")
	}
	next := &Message{Metadata: m.Metadata}
	if err := c.body(next); err != nil {
		return nil, err
	}
	if next.Text == "" && next.Blocks == nil && next.Attachments == nil {
		return nil, refuse("no_text")
	}
	if utf8.RuneCountInString(next.Text) > maxUpdateText {
		return nil, refuse("msg_too_long")
	}
	c.edit(ch, m, next)
	return answer{"channel": ch.ID, "ts": m.TS, "text": m.Text, "message": m.wire()}, nil
}

// edit replaces m's content by that of next: what next does not have is gone, blocks included.
func (w *Workspace) edit(ch *channel, m, next *Message) {
	before := *m
	m.Text, m.Blocks, m.Attachments, m.Metadata = next.Text, next.Blocks, next.Attachments, next.Metadata
	m.Edited = &Edited{User: m.User, TS: w.nextTS()}
	m.Pings = pings(m)
	w.showMessage("message_changed", m)
	if !m.Ephemeral {
		w.event(messageEventOf(ch), ch, answer{
			"type": "message", "subtype": "message_changed", "hidden": true, "channel": ch.ID, "channel_type": eventChannelType(ch),
			"ts": m.Edited.TS, "event_ts": m.Edited.TS, "message": m.wire(), "previous_message": before.wire(),
		})
	}
	w.notify()
}

func deleteMessage(c *call) (answer, error) {
	ch, err := c.target("channel")
	if err != nil {
		return nil, err
	}
	m := c.message(ch.ID, c.str("ts"))
	if m == nil || m.Ephemeral {
		return nil, refuse("message_not_found")
	}
	if m.BotID != c.cfg.App.BotID {
		return nil, refuse("cant_delete_message")
	}
	c.remove(ch, m)
	return answer{"channel": ch.ID, "ts": m.TS}, nil
}

// remove deletes m. A message with replies stays as a tombstone, so that its thread has a head.
func (w *Workspace) remove(ch *channel, m *Message) {
	before := *m
	if m.ReplyCount > 0 {
		*m = Message{
			Type: "message", Subtype: "tombstone", Hidden: true, TS: m.TS, Channel: m.Channel, User: "USLACKBOT", Text: "This message was deleted.",
			ThreadTS: m.ThreadTS, ReplyCount: m.ReplyCount, ReplyUsers: m.ReplyUsers, ReplyUsersCount: m.ReplyUsersCount, LatestReply: m.LatestReply,
		}
		w.showMessage("message_changed", m)
	} else {
		w.messages[ch.ID] = slices.DeleteFunc(slices.Clone(w.messages[ch.ID]), func(o *Message) bool { return o == m })
		w.uncount(ch, m)
		w.showMessage("message_deleted", &before)
	}
	if !before.Ephemeral {
		ts := w.nextTS()
		w.event(messageEventOf(ch), ch, answer{
			"type": "message", "subtype": "message_deleted", "hidden": true, "channel": ch.ID, "channel_type": eventChannelType(ch),
			"ts": ts, "event_ts": ts, "deleted_ts": before.TS, "previous_message": before.wire(),
		})
	}
	w.notify()
}

// uncount takes a deleted reply out of its thread's counters.
func (w *Workspace) uncount(ch *channel, m *Message) {
	parent := w.message(ch.ID, m.ThreadTS)
	if parent == nil || !m.inThread() || m.Ephemeral {
		return
	}
	parent.ReplyCount, parent.ReplyUsers, parent.LatestReply = 0, nil, ""
	for _, o := range w.messages[ch.ID] {
		if o.ThreadTS == parent.TS && o != parent && !o.Ephemeral {
			parent.ReplyCount++
			parent.LatestReply = o.TS
			if !slices.Contains(parent.ReplyUsers, o.User) {
				parent.ReplyUsers = append(parent.ReplyUsers, o.User)
			}
		}
	}
	parent.ReplyUsersCount = len(parent.ReplyUsers)
	w.showMessage("message_changed", parent)
}

func getPermalink(c *call) (answer, error) {
	ch, err := c.target("channel")
	if err != nil {
		return nil, err
	}
	m := c.message(ch.ID, c.str("message_ts"))
	if m == nil {
		return nil, refuse("message_not_found")
	}
	link := fmt.Sprintf("https://%s.slack.com/archives/%s/p%s", c.cfg.Team.Domain, ch.ID, strings.ReplaceAll(m.TS, ".", ""))
	if m.inThread() {
		link += "?thread_ts=" + m.ThreadTS + "&cid=" + ch.ID
	}
	return answer{"channel": ch.ID, "permalink": link}, nil
}
