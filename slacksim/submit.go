package slacksim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
)

// ViewAct is what a person does with a modal: "submit" or "close".
type ViewAct struct {
	User   string    `json:"user"`
	ViewID string    `json:"view_id"` // "" means the modal on top
	Op     string    `json:"op"`
	State  ViewState `json:"state"`
}

// SubmitView fills in, submits or closes a modal. It is an error when the person has no such modal open or left out
// something required; the app then hears nothing, as at Slack.
func (w *Workspace) SubmitView(a ViewAct) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	u := w.userByName(a.User)
	if u == nil {
		return fmt.Errorf("act on a view: there is no user %q", a.User)
	}
	v := w.topModal(u.ID)
	if v == nil || a.ViewID != "" && a.ViewID != v.ID {
		return fmt.Errorf("act on a view: %s has no such modal open", u.Name)
	}
	switch a.Op {
	case "close":
		w.viewClosed(u, v)
		return nil
	case "submit":
		return w.submit(u, v, a.State)
	}
	return fmt.Errorf("act on a view: op %q is neither submit nor close", a.Op)
}

func (w *Workspace) viewClosed(u *User, v *View) {
	if v.NotifyOnClose {
		payload := w.interaction("view_closed", u)
		payload["view"], payload["is_cleared"] = v, false
		w.deliver(&delivery{kind: "interactive", payload: payload})
	}
	if v.ClearOnClose {
		w.closeModals(u.ID)
		w.notify()
		return
	}
	w.popModal(u.ID)
}

func (w *Workspace) submit(u *User, v *View, entered ViewState) error {
	if v.Submit == nil {
		return errors.New("submit the view: it has no submit button")
	}
	values, missing := fill(v, entered)
	if missing != nil {
		w.show(u.ID, "view", answer{"op": "errors", "view": v, "errors": missing})
		return fmt.Errorf("submit the view: %v", missing)
	}
	submitted := *v
	submitted.State, submitted.Errors = ViewState{Values: values}, nil
	w.views[v.ID] = &submitted
	payload := w.interaction("view_submission", u)
	payload["view"], payload["response_urls"], payload["trigger_id"] = &submitted, []any{}, w.newTrigger(u.ID, v.ID)
	w.deliver(&delivery{
		kind: "interactive", payload: payload, replies: true,
		acked: func(reply json.RawMessage) { w.submissionAnswered(u, &submitted, reply) },
		lost: func(reason string) {
			w.show(u.ID, "view", answer{"op": "errors", "view": &submitted, "errors": answer{
				"": "We had some trouble connecting. Try again? " + lostText(reason),
			}})
		},
	})
	w.notify()
	return nil
}

// fill makes the state of every input of the view out of what was entered and what was there initially. missing
// says by block ID which required inputs are empty.
func fill(v *View, entered ViewState) (values map[string]map[string]map[string]any, missing map[string]string) {
	values = map[string]map[string]map[string]any{}
	for _, b := range v.Blocks {
		block, _ := b["block_id"].(string)
		elements := items(b["elements"])
		for _, name := range []string{"element", "accessory"} {
			if e, ok := b[name].(map[string]any); ok {
				elements = append(elements, e)
			}
		}
		for _, e := range elements {
			kind, _ := e["type"].(string)
			action, _ := e["action_id"].(string)
			key := valueKey(kind)
			if key == "" {
				continue
			}
			one := map[string]any{"type": kind, key: initial(e, key)}
			maps.Copy(one, v.State.Values[block][action])
			maps.Copy(one, entered.Values[block][action])
			one["type"] = kind
			if values[block] == nil {
				values[block] = map[string]map[string]any{}
			}
			values[block][action] = one
			optional, _ := b["optional"].(bool)
			if b["type"] == "input" && !optional && empty(one[key]) {
				if missing == nil {
					missing = map[string]string{}
				}
				missing[block] = "Please complete this required field."
			}
		}
	}
	return values, missing
}

func empty(v any) bool {
	list, isList := v.([]any)
	return v == nil || v == "" || isList && len(list) == 0
}

// valueKey is the field in which an element's state keeps its value; "" for elements without state.
func valueKey(kind string) string {
	return map[string]string{
		"plain_text_input": "value", "number_input": "value", "email_text_input": "value", "url_text_input": "value",
		"rich_text_input": "rich_text_value", "static_select": "selected_option", "external_select": "selected_option",
		"users_select": "selected_user", "conversations_select": "selected_conversation", "channels_select": "selected_channel",
		"multi_static_select": "selected_options", "multi_external_select": "selected_options", "multi_users_select": "selected_users",
		"multi_conversations_select": "selected_conversations", "multi_channels_select": "selected_channels",
		"checkboxes": "selected_options", "radio_buttons": "selected_option", "datepicker": "selected_date",
		"timepicker": "selected_time", "datetimepicker": "selected_date_time", "file_input": "files",
	}[kind]
}

// initial is what the app put into the element.
func initial(e map[string]any, key string) any {
	name := map[string]string{
		"value": "initial_value", "rich_text_value": "initial_value", "selected_option": "initial_option", "selected_options": "initial_options",
		"selected_user": "initial_user", "selected_users": "initial_users", "selected_conversation": "initial_conversation",
		"selected_conversations": "initial_conversations", "selected_channel": "initial_channel", "selected_channels": "initial_channels",
		"selected_date": "initial_date", "selected_time": "initial_time", "selected_date_time": "initial_date_time",
	}[key]
	if v, ok := e[name]; ok {
		return v
	}
	if key == "selected_options" {
		return []any{}
	}
	return nil
}

// submissionAnswered does what the ack of a view_submission asks for: nothing closes this view, as at Slack.
func (w *Workspace) submissionAnswered(u *User, v *View, reply json.RawMessage) {
	var body struct {
		Action string            `json:"response_action"`
		Errors map[string]string `json:"errors"`
		View   any               `json:"view"`
	}
	if w.topModal(u.ID) == nil || w.topModal(u.ID).ID != v.ID {
		return // the person, or the app by views.open, has moved on
	}
	if reply != nil && json.Unmarshal(reply, &body) != nil {
		body.Action = "unreadable"
	}
	trouble := func(text string) {
		w.show(u.ID, "view", answer{"op": "errors", "view": v, "errors": answer{"": text}})
	}
	switch body.Action {
	case "":
		w.popModal(u.ID)
	case "clear":
		w.closeModals(u.ID)
		w.notify()
	case "errors":
		wrong := *v
		wrong.Errors = body.Errors
		w.views[v.ID] = &wrong
		w.notify()
		w.show(u.ID, "view", answer{"op": "errors", "view": v, "errors": body.Errors})
	case "update", "push":
		next, err := w.readView(body.View, "modal")
		switch {
		case err != nil:
			trouble("We had some trouble connecting. Try again? " + err.Error())
		case body.Action == "update":
			w.replaceView(v, next)
		case len(w.modals[u.ID]) >= maxViewStack:
			trouble("We had some trouble connecting. Try again? push_limit_reached")
		default:
			w.addModal(u.ID, next, "push")
		}
	default:
		trouble("We had some trouble connecting. Try again? (unknown response_action)")
	}
}
