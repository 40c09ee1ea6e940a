package slacksim

import (
	"slices"
	"strings"
)

// event sends an Events API payload when the app has subscribed to it and, for what happens in a channel, is in it.
func (w *Workspace) event(subscription string, ch *channel, body answer) {
	if !slices.Contains(w.cfg.App.Events, subscription) || ch != nil && !w.botIsIn(ch) {
		return
	}
	if body["event_ts"] == nil {
		body["event_ts"] = w.nextTS()
	}
	now := w.cfg.Now().Unix()
	payload := answer{
		"token": verification, "team_id": w.cfg.Team.ID, "context_team_id": w.cfg.Team.ID, "context_enterprise_id": nil,
		"api_app_id": w.cfg.App.ID, "event": body, "type": "event_callback",
		"event_id": "Ev" + strings.ToUpper(secret()[:10]), "event_time": now,
		"authorizations": []answer{{
			"enterprise_id": nil, "team_id": w.cfg.Team.ID, "user_id": w.cfg.App.BotUserID, "is_bot": true, "is_enterprise_install": false,
		}},
		"is_ext_shared_channel": ch != nil && ch.IsExtShared, "event_context": "4-" + secret()[:12],
	}
	w.deliver(&delivery{kind: "events_api", payload: payload})
}

// verification is the deprecated token that Slack still puts into every payload.
const verification = "slacksim-verification-token"

// messageEventOf is the subscription that covers messages of ch.
func messageEventOf(ch *channel) string {
	switch {
	case ch.isIM:
		return "message.im"
	case ch.IsPrivate:
		return "message.groups"
	default:
		return "message.channels"
	}
}

// eventChannelType is what message events call the kind of a conversation.
func eventChannelType(ch *channel) string {
	switch {
	case ch.isIM:
		return "im"
	case ch.IsPrivate:
		return "group"
	default:
		return "channel"
	}
}

// messageEvent tells the app of a new message and, apart from that, of a mention of it.
func (w *Workspace) messageEvent(ch *channel, m *Message) {
	body := answer{
		"type": "message", "channel": ch.ID, "channel_type": eventChannelType(ch), "user": m.User, "text": m.Text, "ts": m.TS,
		"event_ts": m.TS, "team": m.Team,
	}
	for name, v := range map[string]any{
		"subtype": m.Subtype, "thread_ts": m.ThreadTS, "parent_user_id": m.ParentUserID, "bot_id": m.BotID, "app_id": m.AppID,
	} {
		if v != "" {
			body[name] = v
		}
	}
	if m.Blocks != nil {
		body["blocks"] = m.Blocks
	}
	if m.Files != nil {
		body["files"] = m.Files
		if m.Subtype == "" {
			body["subtype"] = "file_share"
		}
	}
	w.event(messageEventOf(ch), ch, body)
	if m.User == w.cfg.App.BotUserID || !slices.Contains(m.Pings, w.cfg.App.BotUserID) || ch.isIM {
		return
	}
	mention := answer{
		"type": "app_mention", "channel": ch.ID, "user": m.User, "text": m.Text, "ts": m.TS, "event_ts": m.TS, "team": m.Team,
	}
	if u := w.user(m.User); u != nil && u.TeamID != w.cfg.Team.ID {
		mention["user_team"], mention["source_team"] = u.TeamID, u.TeamID
	}
	if m.ThreadTS != "" {
		mention["thread_ts"] = m.ThreadTS
	}
	w.event("app_mention", ch, mention)
}

// join makes user a member of ch, by themselves when inviter is "".
func (w *Workspace) join(ch *channel, user, inviter string) {
	if ch.has(user) {
		return
	}
	ch.Members = append(ch.Members, user)
	body := answer{
		"type": "member_joined_channel", "user": user, "channel": ch.ID, "channel_type": strings.ToUpper(ch.ID[:1]), "team": w.cfg.Team.ID,
	}
	text := "<@" + user + "> has joined the channel"
	if inviter != "" && inviter != user {
		body["inviter"] = inviter
	}
	w.event("member_joined_channel", ch, body)
	w.system(ch, user, "channel_join", text)
}

// leave takes user out of ch.
func (w *Workspace) leave(ch *channel, user string) {
	w.event("member_left_channel", ch, answer{
		"type": "member_left_channel", "user": user, "channel": ch.ID, "channel_type": strings.ToUpper(ch.ID[:1]), "team": w.cfg.Team.ID,
	})
	ch.Members = slices.DeleteFunc(slices.Clone(ch.Members), func(m string) bool { return m == user })
	w.system(ch, user, "channel_leave", "<@"+user+"> has left the channel")
}

// system posts one of Slack's own grey lines and shows the changed channel.
func (w *Workspace) system(ch *channel, user, subtype, text string) {
	w.post(ch, &Message{User: user, Subtype: subtype, Text: text, Team: w.cfg.Team.ID})
	w.showChannel(ch)
}
