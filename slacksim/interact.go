package slacksim

import (
	"encoding/json"
	"fmt"
	"time"
)

const triggerLife = 3 * time.Second

// trigger lets the app open one view in answer to what a person just did.
type trigger struct {
	user    string
	view    string // the modal it came from, for views.push
	expires time.Time
	used    bool
}

func (w *Workspace) newTrigger(user, view string) string {
	now := w.cfg.Now()
	id := fmt.Sprintf("%d.%s.%s", now.UnixMilli(), "4711", secret())
	w.triggers[id] = &trigger{user: user, view: view, expires: now.Add(triggerLife)}
	return id
}

// takeTrigger uses a trigger up.
func (w *Workspace) takeTrigger(id string) (*trigger, error) {
	t := w.triggers[id]
	switch {
	case t == nil:
		return nil, refuse("invalid_trigger_id")
	case t.used:
		return nil, refuse("exchanged_trigger_id")
	case !w.cfg.Now().Before(t.expires):
		return nil, refuse("expired_trigger_id")
	}
	t.used = true
	return t, nil
}

// slash runs a slash command that u typed at the top level of ch.
func (w *Workspace) slash(u *User, ch *channel, command, text string) {
	name := ch.Name
	if ch.isIM {
		name = "directmessage"
	} else if ch.IsPrivate {
		name = "privategroup"
	}
	w.deliver(&delivery{
		kind: "slash_commands", replies: true,
		payload: answer{
			"token": verification, "team_id": u.TeamID, "team_domain": w.cfg.Team.Domain, "channel_id": ch.ID, "channel_name": name,
			"user_id": u.ID, "user_name": u.Name, "command": command, "text": text, "api_app_id": w.cfg.App.ID, "is_enterprise_install": "false",
			"response_url": w.newResponseURL(&responseURL{channel: ch.ID, user: u.ID}), "trigger_id": w.newTrigger(u.ID, ""),
		},
		acked: func(reply json.RawMessage) { w.replyInAck(ch, u.ID, reply) },
		lost:  func(reason string) { w.whisper(ch, u.ID, command+" failed: "+lostText(reason)) },
	})
}

// lostText is what Slack tells a person whose app did not take the call.
func lostText(reason string) string {
	if reason == "dispatch_failed" {
		return "the app is not connected (dispatch_failed)"
	}
	return "the app did not respond (" + reason + ")"
}

// replyInAck posts the message that came with a slash command's ack.
func (w *Workspace) replyInAck(ch *channel, user string, reply json.RawMessage) {
	var body map[string]any
	if json.Unmarshal(reply, &body) != nil || len(body) == 0 {
		return
	}
	if err := w.respond(&responseURL{channel: ch.ID, user: user}, body); err != nil {
		w.whisper(ch, user, "The app's answer could not be shown: "+err.Error())
	}
}

// whisper shows user a line of Slack's own, to them alone.
func (w *Workspace) whisper(ch *channel, user, text string) {
	w.post(ch, &Message{User: "USLACKBOT", Username: "Slackbot", Text: escape(text), Ephemeral: true, EphemeralTo: user})
	w.show(user, "notice", answer{"text": text})
}

// interaction is the part that all interactive payloads share.
func (w *Workspace) interaction(kind string, u *User) answer {
	return answer{
		"type": kind, "token": verification, "api_app_id": w.cfg.App.ID, "enterprise": nil, "is_enterprise_install": false,
		"team": answer{"id": w.cfg.Team.ID, "domain": w.cfg.Team.Domain},
		"user": answer{"id": u.ID, "username": u.Name, "name": u.Name, "team_id": u.TeamID},
	}
}

// messageAction sends block_actions for an element of a message.
func (w *Workspace) messageAction(u *User, ch *channel, m *Message, action, state answer) {
	payload := w.interaction("block_actions", u)
	container := answer{"type": "message", "message_ts": m.TS, "channel_id": ch.ID, "is_ephemeral": m.Ephemeral}
	if m.ThreadTS != "" {
		container["thread_ts"] = m.ThreadTS
	}
	payload["container"], payload["actions"] = container, []answer{action}
	payload["channel"] = answer{"id": ch.ID, "name": channelName(ch)}
	payload["trigger_id"] = w.newTrigger(u.ID, "")
	payload["response_url"] = w.newResponseURL(&responseURL{channel: ch.ID, user: u.ID, message: m.TS})
	payload["state"] = answer{"values": state}
	if !m.Ephemeral { // Slack sends no message with actions on an ephemeral one
		payload["message"] = m.wire()
	}
	w.deliver(&delivery{kind: "interactive", payload: payload, lost: func(reason string) {
		w.whisper(ch, u.ID, "The click did not get through: "+lostText(reason))
	}})
}

// viewAction sends block_actions for an element of a modal or the home tab.
func (w *Workspace) viewAction(u *User, v *View, action answer) {
	payload := w.interaction("block_actions", u)
	payload["container"] = answer{"type": "view", "view_id": v.ID}
	payload["view"], payload["actions"] = v, []answer{action}
	payload["trigger_id"] = w.newTrigger(u.ID, v.ID)
	w.deliver(&delivery{kind: "interactive", payload: payload, lost: func(reason string) {
		w.show(u.ID, "notice", answer{"text": "The click did not get through: " + lostText(reason)})
	}})
}

func channelName(ch *channel) string {
	if ch.isIM {
		return "directmessage"
	}
	return ch.Name
}
