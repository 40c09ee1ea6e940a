package slacksim

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Say is user typing text and pressing enter, in channel or, with threadTS, in a thread. User and channel are IDs or
// names. Text that begins with a slash is a command; then, and for Slack's own /invite, the returned timestamp is "".
func (w *Workspace) Say(user, channel, threadTS, text string) (ts string, err error) {
	return w.say(user, channel, threadTS, text, nil)
}

func (w *Workspace) say(user, channel, threadTS, text string, files []*file) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	u, ch, err := w.present(user, channel)
	if err != nil {
		return "", fmt.Errorf("say it: %w", err)
	}
	text = strings.TrimSpace(text)
	if text == "" && files == nil {
		return "", errors.New("say it: there is nothing to say")
	}
	if strings.HasPrefix(text, "/") && files == nil {
		command, rest, _ := strings.Cut(text, " ")
		return "", w.command(u, ch, threadTS, command, strings.TrimSpace(rest))
	}
	if ch.IsArchived {
		return "", errors.New("say it: the channel is archived")
	}
	if threadTS != "" {
		head := w.message(ch.ID, threadTS)
		if head == nil || head.Ephemeral {
			return "", errors.New("say it: there is no such thread")
		}
		if head.inThread() {
			threadTS = head.ThreadTS
		}
	}
	m := &Message{User: u.ID, Team: u.TeamID, Text: w.compose(text), ThreadTS: threadTS}
	if files != nil {
		w.share(ch, files, m)
	} else {
		w.post(ch, m)
	}
	return m.TS, nil
}

// present finds a person and a conversation they may write in, opening a public one for them as Slack's client does.
func (w *Workspace) present(user, where string) (*User, *channel, error) {
	u := w.userByName(user)
	if u == nil || u.Deleted || u.IsBot {
		return nil, nil, fmt.Errorf("there is nobody called %q", user)
	}
	ch := w.channelByName(where)
	if ch == nil && w.userByName(where) != nil && w.userByName(where).IsBot {
		ch = w.im(u.ID) // "svcdown" as a channel is the person's own conversation with the app
	}
	if ch == nil || !w.sees(u.ID, ch) {
		return nil, nil, fmt.Errorf("%s sees no channel %q", u.Name, where)
	}
	return u, ch, nil
}

// command runs a slash command, or says why not to the person alone and to the caller.
func (w *Workspace) command(u *User, ch *channel, threadTS, command, text string) error {
	no := func(why string) error {
		w.whisper(ch, u.ID, why)
		return errors.New(why)
	}
	if threadTS != "" {
		return no(command + " is not supported in threads. Sorry!")
	}
	if command == "/invite" {
		guest := w.userByName(text)
		if guest == nil {
			return no("/invite: there is nobody called " + text)
		}
		w.join(ch, guest.ID, u.ID)
		return nil
	}
	known := slices.ContainsFunc(w.cfg.App.Commands, func(c Command) bool { return c.Command == command })
	if !known {
		return no(command + " is not a valid command. In Slack, all messages that start with the “/” character are interpreted as commands.")
	}
	w.slash(u, ch, command, text)
	return nil
}

// React is a person adding, or with remove taking back, an emoji.
func (w *Workspace) React(user, channel, ts, name string, remove bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	u, ch, err := w.present(user, channel)
	if err != nil {
		return fmt.Errorf("react: %w", err)
	}
	m := w.message(ch.ID, ts)
	if m == nil || m.Ephemeral || !emojiName.MatchString(name) {
		return fmt.Errorf("react: there is no message %s or no emoji %q", ts, name)
	}
	w.reactAs(u.ID, ch, m, name, remove)
	return nil
}

// Pin is a person pinning, or with remove unpinning, a message.
func (w *Workspace) Pin(user, channel, ts string, remove bool) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, ch, err := w.present(user, channel)
	if err != nil {
		return fmt.Errorf("pin: %w", err)
	}
	m := w.message(ch.ID, ts)
	if m == nil || m.Ephemeral {
		return fmt.Errorf("pin: there is no message %s", ts)
	}
	w.pin(ch, m, remove)
	return nil
}

// Shortcut is a person choosing one of the app's shortcuts: a message shortcut when channel and ts name a message, else
// a global one.
func (w *Workspace) Shortcut(user, callbackID, channel, ts string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	u := w.userByName(user)
	if u == nil {
		return fmt.Errorf("choose the shortcut: there is nobody called %q", user)
	}
	if len(w.cfg.App.Shortcuts) > 0 && !slices.Contains(w.cfg.App.Shortcuts, callbackID) {
		return fmt.Errorf("choose the shortcut: the app has none called %q", callbackID)
	}
	payload := w.interaction("shortcut", u)
	if ts != "" {
		_, ch, err := w.present(user, channel)
		if err != nil {
			return fmt.Errorf("choose the shortcut: %w", err)
		}
		m := w.message(ch.ID, ts)
		if m == nil || m.Ephemeral {
			return fmt.Errorf("choose the shortcut: there is no message %s", ts)
		}
		payload = w.interaction("message_action", u)
		payload["channel"], payload["message"], payload["message_ts"] = answer{"id": ch.ID, "name": channelName(ch)}, m.wire(), m.TS
		payload["response_url"] = w.newResponseURL(&responseURL{channel: ch.ID, user: u.ID, message: m.TS})
	}
	payload["callback_id"], payload["action_ts"], payload["trigger_id"] = callbackID, w.nextTS(), w.newTrigger(u.ID, "")
	w.deliver(&delivery{kind: "interactive", payload: payload, lost: func(reason string) {
		w.show(u.ID, "notice", answer{"text": "The shortcut did not get through: " + lostText(reason)})
	}})
	return nil
}

// OpenHome is a person opening the app's home tab.
func (w *Workspace) OpenHome(user string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	u := w.userByName(user)
	if u == nil {
		return fmt.Errorf("open the home tab: there is nobody called %q", user)
	}
	ch := w.im(u.ID)
	body := answer{"type": "app_home_opened", "user": u.ID, "channel": ch.ID, "tab": "home"}
	if v := w.views[w.homes[u.ID]]; v != nil {
		body["view"] = v
	}
	w.event("app_home_opened", nil, body)
	return nil
}
