package bot

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
)

// The kinds of envelope (https://docs.slack.dev/apis/events-api/using-socket-mode).
const (
	kindCommand  = "slash_commands"
	kindEvent    = "events_api"
	kindInteract = "interactive"
)

// pushpin is the reaction that puts a message on an incident's timeline.
const pushpin = "pushpin"

// happening is what one envelope says.
type happening struct {
	// key identifies what the person did, however often and under whatever envelope ID Slack delivers it.
	key string
	// asked is what is for the desk; nil for everything else.
	asked *handlers.Incoming
	// click is true for buttons: they count, so they are stored before they are acked.
	click bool
	// refusal goes back with the ack: what is wrong with a form.
	refusal any
	// sharedKnown is true when the payload itself says whether the channel is shared with another workspace.
	sharedKnown bool
	// pinned is a message that somebody marked; its text is still to be read.
	pinned *handlers.Pin
	// The rest is for the bot itself.
	home          string // user who opened the home tab
	groupsChanged bool
	userChanged   string
}

// read takes a payload apart. What the bot has no use for gives an empty happening; what cannot be read an error.
func read(kind string, payload []byte) (happening, error) {
	var h happening
	var err error
	switch kind {
	case kindCommand:
		h, err = readCommand(payload)
	case kindEvent:
		h, err = readEvent(payload)
	case kindInteract:
		h, err = readClick(payload)
	default:
		return happening{}, fmt.Errorf("read an envelope: kind %q is not known", kind)
	}
	if err != nil {
		return happening{}, fmt.Errorf("read a payload of kind %s: %w", kind, err)
	}
	if h.asked != nil {
		h.asked.Key, h.asked.Ref = h.key, reference(h.key)
		h.asked.Where.Kind, h.asked.Where.User = "slack", h.asked.From.User
	}
	return h, nil
}

// reference is short enough to be read aloud, and the same for every delivery of the same thing.
func reference(key string) string {
	sum := sha256.Sum256([]byte(key))
	return base32.StdEncoding.EncodeToString(sum[:])[:6]
}

func readCommand(payload []byte) (happening, error) {
	var p struct {
		Team        string `json:"team_id"`
		Channel     string `json:"channel_id"`
		User        string `json:"user_id"`
		Text        string `json:"text"`
		ResponseURL string `json:"response_url"`
		Trigger     string `json:"trigger_id"`
	}
	if err := json.Unmarshal(payload, &p); err != nil {
		return happening{}, err
	}
	if p.User == "" || p.Trigger == "" {
		return happening{}, fmt.Errorf("user_id or trigger_id is missing")
	}
	return happening{key: "command:" + p.Trigger, asked: &handlers.Incoming{
		From: catalog.SlackID{Team: p.Team, User: p.User}, Text: typed(p.Text, ""), Trigger: p.Trigger,
		Where: card.Address{Team: p.Team, Channel: p.Channel, ResponseURL: p.ResponseURL},
	}}, nil
}

type eventPayload struct {
	Team           string `json:"team_id"`
	ID             string `json:"event_id"`
	Shared         *bool  `json:"is_ext_shared_channel"`
	Authorizations []struct {
		User  string `json:"user_id"`
		IsBot bool   `json:"is_bot"`
	} `json:"authorizations"`
	Event struct {
		Type        string          `json:"type"`
		Subtype     string          `json:"subtype"`
		User        json.RawMessage `json:"user"` // an ID, but a whole object in user_change
		BotID       string          `json:"bot_id"`
		Text        string          `json:"text"`
		Channel     string          `json:"channel"`
		ChannelType string          `json:"channel_type"`
		TS          string          `json:"ts"`
		Thread      string          `json:"thread_ts"`
		Team        string          `json:"team"`
		UserTeam    string          `json:"user_team"`
		SourceTeam  string          `json:"source_team"`
		Tab         string          `json:"tab"`
		Reaction    string          `json:"reaction"`
		ItemUser    string          `json:"item_user"`
		Item        struct {
			Type    string `json:"type"`
			Channel string `json:"channel"`
			TS      string `json:"ts"`
		} `json:"item"`
	} `json:"event"`
}

func readEvent(payload []byte) (happening, error) {
	var p eventPayload
	if err := json.Unmarshal(payload, &p); err != nil {
		return happening{}, err
	}
	if p.ID == "" {
		return happening{}, fmt.Errorf("event_id is missing")
	}
	h := happening{key: "event:" + p.ID}
	e := p.Event
	switch e.Type {
	case "subteam_members_changed", "subteam_updated", "subteam_created":
		h.groupsChanged = true
	case "user_change":
		h.userChanged = p.user()
	case "app_home_opened":
		if e.Tab == "home" {
			h.home = p.user()
		}
	case "app_mention":
		if e.ChannelType != "im" && !isDirect(e.Channel) { // there the message itself comes
			h.asked = p.said()
			if h.asked != nil && h.asked.Where.Thread == "" {
				h.asked.Where.Thread = e.TS // the answer stands below the question
			}
		}
	case "reaction_added":
		if e.Reaction == pushpin && e.Item.Type == "message" && p.user() != p.self() {
			h.pinned = &handlers.Pin{By: catalog.SlackID{Team: p.Team, User: p.user()}, Author: catalog.SlackID{Team: p.Team, User: e.ItemUser},
				Channel: e.Item.Channel, TS: e.Item.TS}
		}
	case "message":
		if e.ChannelType == "im" {
			h.asked = p.said()
		}
	}
	if h.asked != nil && p.Shared != nil {
		h.asked.Where.Private, h.sharedKnown = *p.Shared, true
	}
	return h, nil
}

// said is what a person wrote to the bot; nil when it was a bot, or no new message.
func (p eventPayload) said() *handlers.Incoming {
	e, user := p.Event, p.user()
	plainMessage := e.Subtype == "" || e.Subtype == "file_share" || e.Subtype == "thread_broadcast"
	if user == "" || e.BotID != "" || user == p.self() || !plainMessage {
		return nil
	}
	team := p.Team
	for _, t := range []string{e.UserTeam, e.SourceTeam, e.Team} {
		if t != "" {
			team = t
			break
		}
	}
	return &handlers.Incoming{
		From: catalog.SlackID{Team: team, User: user}, Text: typed(e.Text, p.self()),
		Where: card.Address{Team: p.Team, Channel: e.Channel, Thread: e.Thread},
	}
}

// self is the bot's own account.
func (p eventPayload) self() string {
	for _, a := range p.Authorizations {
		if a.IsBot {
			return a.User
		}
	}
	return ""
}

func (p eventPayload) user() string {
	var id string
	if json.Unmarshal(p.Event.User, &id) == nil {
		return id
	}
	var whole struct {
		ID string `json:"id"`
	}
	if json.Unmarshal(p.Event.User, &whole) == nil {
		return whole.ID
	}
	return ""
}

func readClick(payload []byte) (happening, error) {
	var p struct {
		Type        string `json:"type"`
		ResponseURL string `json:"response_url"`
		Trigger     string `json:"trigger_id"`
		Team        struct {
			ID string `json:"id"`
		} `json:"team"`
		User struct {
			ID   string `json:"id"`
			Team string `json:"team_id"`
		} `json:"user"`
		Channel struct {
			ID string `json:"id"`
		} `json:"channel"`
		Container struct {
			Channel   string `json:"channel_id"`
			Message   string `json:"message_ts"`
			Thread    string `json:"thread_ts"`
			Ephemeral bool   `json:"is_ephemeral"`
		} `json:"container"`
		Message struct {
			TS     string `json:"ts"`
			Thread string `json:"thread_ts"`
		} `json:"message"`
		Actions []struct {
			ID    string `json:"action_id"`
			TS    string `json:"action_ts"`
			Type  string `json:"type"`
			Value string `json:"value"`
		} `json:"actions"`
	}
	if err := json.Unmarshal(payload, &p); err != nil {
		return happening{}, err
	}
	switch p.Type {
	case "view_submission":
		return readForm(payload)
	case "shortcut", "message_action":
		return readShortcut(payload)
	case "block_actions":
	default:
		return happening{}, nil // nothing else is offered in this version
	}
	if len(p.Actions) == 0 || p.User.ID == "" {
		return happening{}, fmt.Errorf("actions or user is missing")
	}
	a := p.Actions[0]
	if a.Type != "button" {
		return happening{}, nil
	}
	value, seen, _ := strings.Cut(a.Value, "|")
	in := &handlers.Incoming{
		From: catalog.SlackID{Team: first(p.User.Team, p.Team.ID), User: p.User.ID},
		Text: strings.TrimSpace(verbOf(a.ID) + " " + value),
		Seen: seen, Trigger: p.Trigger,
		Where: card.Address{Team: p.Team.ID, Channel: first(p.Channel.ID, p.Container.Channel), ResponseURL: p.ResponseURL},
	}
	message := first(p.Message.TS, p.Container.Message)
	in.Where.Thread = first(p.Message.Thread, p.Container.Thread)
	if !p.Container.Ephemeral { // a whispered message takes no thread and no edit
		in.Where.Message = message
		in.Where.Thread = first(in.Where.Thread, message)
	}
	key := strings.Join([]string{"click", p.User.ID, a.TS, a.ID, message}, ":")
	return happening{key: key, asked: in, click: true}, nil
}

func first(options ...string) string {
	for _, s := range options {
		if s != "" {
			return s
		}
	}
	return ""
}

var (
	anyMention = regexp.MustCompile(`<@[UW][A-Z0-9]+(?:\|[^<>]*)?>`)
	channelRef = regexp.MustCompile(`<#[A-Z0-9]+\|([^<>]*)>`)
	linkRef    = regexp.MustCompile(`<(?:https?://|mailto:)[^<>|]*\|([^<>]*)>|<((?:https?://|mailto:)[^<>|]*)>`)
)

// typed is what a person meant to write: without the mention of self and all before it, links as they were typed, entities undone.
func typed(text, self string) string {
	if self != "" {
		for _, at := range anyMention.FindAllStringIndex(text, -1) {
			if strings.HasPrefix(text[at[0]:at[1]], "<@"+self+">") || strings.HasPrefix(text[at[0]:at[1]], "<@"+self+"|") {
				text = text[at[1]:]
				break
			}
		}
	}
	text = channelRef.ReplaceAllString(text, "#$1")
	text = linkRef.ReplaceAllString(text, "$1$2")
	return strings.TrimSpace(unescape(text))
}
