package bot

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
)

// The shortcuts of manifest.yaml.
const (
	shortcutOpen    = "incident_open"
	shortcutMessage = "incident_from_message"
	shortcutMark    = "message_to_timeline"
	shortcutLesson  = "message_to_runbook"
)

// readShortcut is somebody opening an incident, from nowhere or from a message, or putting a message on the timeline of its channel's incident, or into
// its runbook.
func readShortcut(payload []byte) (happening, error) {
	var p struct {
		Callback    string `json:"callback_id"`
		Trigger     string `json:"trigger_id"`
		ResponseURL string `json:"response_url"`
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
		Message struct {
			Text string `json:"text"`
			User string `json:"user"`
			TS   string `json:"ts"`
		} `json:"message"`
	}
	if err := json.Unmarshal(payload, &p); err != nil {
		return happening{}, err
	}
	by := catalog.SlackID{Team: first(p.User.Team, p.Team.ID), User: p.User.ID}
	if p.Callback == shortcutMark && p.User.ID != "" && p.Trigger != "" && p.Message.TS != "" {
		return happening{key: "shortcut:" + p.Trigger, pinned: &handlers.Pin{By: by, Author: catalog.SlackID{Team: p.Team.ID, User: p.Message.User}, Channel: p.Channel.ID, TS: p.Message.TS,
			Where: card.Address{Kind: "slack", Team: p.Team.ID, Channel: p.Channel.ID, User: p.User.ID, ResponseURL: p.ResponseURL}}}, nil
	}
	if !slices.Contains([]string{shortcutOpen, shortcutMessage, shortcutLesson}, p.Callback) {
		return happening{}, nil // nothing of ours
	}
	if p.User.ID == "" || p.Trigger == "" {
		return happening{}, fmt.Errorf("user or trigger_id is missing")
	}
	const most = 1000 // the desk takes less of it
	text := cut(typed(p.Message.Text, ""), most)
	in := &handlers.Incoming{From: by, Trigger: p.Trigger, Text: strings.TrimSpace("incident form " + text),
		Where: card.Address{Team: p.Team.ID, Channel: p.Channel.ID, ResponseURL: p.ResponseURL}}
	if p.Callback == shortcutLesson { // as the form of the button does it
		in.Text, in.Values = "lesson from-form", map[string]string{"what": text}
	}
	return happening{key: "shortcut:" + p.Trigger, click: true, asked: in}, nil
}
