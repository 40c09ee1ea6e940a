package slacksim

import (
	"encoding/json"
	"fmt"
)

// Choice is an option of a menu: its value. In JSON it may also be the whole option object.
type Choice string

// UnmarshalJSON takes "value" or {"value": "value", …}.
func (c *Choice) UnmarshalJSON(data []byte) error {
	var option struct {
		Value string `json:"value"`
	}
	if err := json.Unmarshal(data, &option); err == nil {
		*c = Choice(option.Value)
		return nil
	}
	return json.Unmarshal(data, (*string)(c))
}

// Action is a person using an element of a message, a modal or the home tab: exactly one of MessageTS and ViewID says
// where. An element's own facts (a button's value, a menu's options) are taken from what the app sent.
type Action struct {
	User      string `json:"user"`
	Channel   string `json:"channel,omitempty"`
	MessageTS string `json:"message_ts,omitempty"`
	ViewID    string `json:"view_id,omitempty"`
	BlockID   string `json:"block_id,omitempty"` // may be left out when the action ID is unique
	ActionID  string `json:"action_id"`

	Value                string   `json:"value,omitempty"` // text typed, or with Forge a button's value
	SelectedOption       Choice   `json:"selected_option,omitempty"`
	SelectedOptions      []Choice `json:"selected_options,omitempty"`
	SelectedUser         string   `json:"selected_user,omitempty"`
	SelectedUsers        []string `json:"selected_users,omitempty"`
	SelectedConversation string   `json:"selected_conversation,omitempty"`
	SelectedChannel      string   `json:"selected_channel,omitempty"`
	SelectedDate         string   `json:"selected_date,omitempty"`
	SelectedTime         string   `json:"selected_time,omitempty"`
	SelectedDateTime     int64    `json:"selected_date_time,omitempty"`

	State ViewState `json:"state"`
	// Forge sends the action as given, even when no such element is there: what a tampered client could do.
	Forge bool `json:"forge,omitempty"`
}

// Act is a person pressing a button or choosing from a menu. It is an error when they cannot see the element.
func (w *Workspace) Act(a Action) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if a.ViewID != "" {
		return w.actInView(a)
	}
	u, ch, err := w.present(a.User, a.Channel)
	if err != nil {
		return fmt.Errorf("press %s: %w", a.ActionID, err)
	}
	m := w.message(ch.ID, a.MessageTS)
	if m == nil || !m.visibleTo(u.ID) {
		return fmt.Errorf("press %s: %s sees no message %s", a.ActionID, u.Name, a.MessageTS)
	}
	if !ch.has(u.ID) && !a.Forge {
		return fmt.Errorf("press %s: %s is not in the channel", a.ActionID, u.Name)
	}
	action, err := w.action(a, m.Blocks)
	if err != nil {
		return err
	}
	state := answer{}
	for block, elements := range a.State.Values {
		state[block] = elements
	}
	w.messageAction(u, ch, m, action, state)
	w.notify()
	return nil
}

func (w *Workspace) actInView(a Action) error {
	u := w.userByName(a.User)
	v := w.views[a.ViewID]
	if u == nil || v == nil || v.user != u.ID {
		return fmt.Errorf("press %s: %s sees no view %s", a.ActionID, a.User, a.ViewID)
	}
	action, err := w.action(a, v.Blocks)
	if err != nil {
		return err
	}
	shown := *v
	shown.State.Values, _ = fill(v, a.State)
	w.views[v.ID] = &shown
	w.viewAction(u, &shown, action)
	w.notify()
	return nil
}

// action makes the entry of a block_actions payload for the element that a names.
func (w *Workspace) action(a Action, blocks []Block) (answer, error) {
	block, e := findElement(blocks, a.BlockID, a.ActionID)
	ts := w.nextTS()
	if a.Forge {
		out := answer{"type": "button", "action_id": a.ActionID, "block_id": a.BlockID, "value": a.Value, "action_ts": ts}
		if e != nil {
			out["type"], out["block_id"], out["text"] = e["type"], block, e["text"]
		}
		return out, nil
	}
	if e == nil {
		return nil, fmt.Errorf("press %s: there is no such element", a.ActionID)
	}
	out := answer{"type": e["type"], "action_id": a.ActionID, "block_id": block, "action_ts": ts}
	kind, _ := e["type"].(string)
	choose := func(value Choice) (map[string]any, error) {
		for _, o := range options(e) {
			if o["value"] == string(value) {
				return o, nil
			}
		}
		return nil, fmt.Errorf("choose %s: the menu has no option %q", a.ActionID, value)
	}
	switch key := valueKey(kind); {
	case kind == "button":
		for _, name := range []string{"text", "value", "style"} {
			if e[name] != nil {
				out[name] = e[name]
			}
		}
	case kind == "overflow" || key == "selected_option":
		option, err := choose(a.SelectedOption)
		if err != nil {
			return nil, err
		}
		out["selected_option"] = option
	case key == "selected_options":
		chosen := []any{}
		for _, value := range a.SelectedOptions {
			option, err := choose(value)
			if err != nil {
				return nil, err
			}
			chosen = append(chosen, option)
		}
		out[key] = chosen
	default:
		out[key] = map[string]any{
			"value": a.Value, "selected_user": a.SelectedUser, "selected_users": a.SelectedUsers, "selected_conversation": a.SelectedConversation,
			"selected_channel": a.SelectedChannel, "selected_date": a.SelectedDate, "selected_time": a.SelectedTime, "selected_date_time": a.SelectedDateTime,
		}[key]
	}
	return out, nil
}

// findElement finds an interactive element by action ID and, when it is given, block ID.
func findElement(blocks []Block, blockID, actionID string) (string, map[string]any) {
	for _, b := range blocks {
		id, _ := b["block_id"].(string)
		if blockID != "" && id != blockID {
			continue
		}
		for _, e := range append(items(b["elements"]), items([]any{b["accessory"], b["element"]})...) {
			if e["action_id"] == actionID {
				return id, e
			}
		}
	}
	return "", nil
}
