package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/slack-go/slack"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
)

// Slack's limits of modals (https://docs.slack.dev/reference/views/modal-views, .../block-kit/block-elements/plain-text-input-element).
const (
	maxFormTitle = 24
	maxFields    = 90
	maxLabel     = 2_000
	maxHint      = 2_000
	maxMetadata  = 3_000
	maxTyped     = 3_000
	formID       = "svcdown-form"
)

var _ handlers.Asker = (*Bot)(nil)

// formMemory is what a form carries through Slack and back: what it is for, and what its fields take. People cannot see or change it, and
// nothing is decided by it: what comes back is checked again where it is used.
type formMemory struct {
	Verb   string       `json:"verb"`
	Value  string       `json:"value"`
	Where  card.Address `json:"where"`
	Fields []formField  `json:"fields,omitempty"`
}

type formField struct {
	Name  string `json:"n"`
	Type  string `json:"t"`
	Whole bool   `json:"w,omitempty"`
}

// Open shows a form. The trigger is good for three seconds and once, so that the call does not wait for its turn.
func (b *Bot) Open(ctx context.Context, trigger string, f card.Form) (string, error) {
	view, err := modal(f)
	if err != nil {
		return "", err
	}
	var opened *slack.ViewResponse
	err = b.calls.do(ctx, request{method: "views.open", urgent: true, once: true}, func(ctx context.Context) (err error) {
		opened, err = b.api.OpenViewContext(ctx, trigger, view)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("open a form: %w", err)
	}
	return opened.ID, nil
}

// Change replaces an open form. One that was closed meanwhile is an error.
func (b *Bot) Change(ctx context.Context, id string, f card.Form) error {
	view, err := modal(f)
	if err != nil {
		return err
	}
	err = b.calls.do(ctx, request{method: "views.update", urgent: true}, func(ctx context.Context) error {
		_, err := b.api.UpdateViewContext(ctx, view, "", "", id)
		return err
	})
	if err != nil {
		return fmt.Errorf("change a form: %w", err)
	}
	return nil
}

func modal(f card.Form) (slack.ModalViewRequest, error) {
	memory := formMemory{Verb: f.Verb, Value: f.Value, Where: f.Where}
	view := slack.ModalViewRequest{Type: slack.VTModal, CallbackID: formID, Title: plainText(cut(line(f.Title.String()), maxFormTitle)), Close: plainText("Cancel")}
	if text := clean(f.Text.String()); text != "" {
		view.Blocks.BlockSet = append(view.Blocks.BlockSet, slack.NewSectionBlock(plainText(cut(text, maxSection)), nil, nil))
	}
	if len(f.Fields) > maxFields {
		return view, fmt.Errorf("a form takes %d fields, not %d", maxFields, len(f.Fields))
	}
	for _, field := range f.Fields {
		memory.Fields = append(memory.Fields, formField{Name: field.Name, Type: field.Type, Whole: field.Whole})
		input := slack.NewPlainTextInputBlockElement(nil, field.Name)
		input.MaxLength = maxTyped
		input.Multiline = field.Type == "text"
		block := slack.NewInputBlock(field.Name, plainText(cut(line(field.Label.String()), maxLabel)), nil, input)
		if hint := line(field.Hint.String()); hint != "" {
			block.Hint = plainText(cut(hint, maxHint))
		}
		view.Blocks.BlockSet = append(view.Blocks.BlockSet, block)
		view.Submit = plainText("Go on")
	}
	raw, err := json.Marshal(memory)
	if err != nil {
		return view, err
	}
	if len(raw) > maxMetadata {
		return view, errors.New("a form carries more than Slack takes")
	}
	view.PrivateMetadata = string(raw)
	return view, nil
}

// submission is a form that somebody sent.
type submission struct {
	Type string `json:"type"`
	Team struct {
		ID string `json:"id"`
	} `json:"team"`
	User struct {
		ID   string `json:"id"`
		Team string `json:"team_id"`
	} `json:"user"`
	View struct {
		ID       string `json:"id"`
		Callback string `json:"callback_id"`
		Metadata string `json:"private_metadata"`
		State    struct {
			Values map[string]map[string]struct {
				Value string `json:"value"`
			} `json:"values"`
		} `json:"state"`
	} `json:"view"`
	Trigger string `json:"trigger_id"`
}

// readForm makes a command of a form that was sent. What is not right is told in the form, in the ack.
func readForm(payload []byte) (happening, error) {
	var p submission
	if err := json.Unmarshal(payload, &p); err != nil {
		return happening{}, err
	}
	if p.View.Callback != formID {
		return happening{}, nil // nothing of ours
	}
	var memory formMemory
	if err := json.Unmarshal([]byte(p.View.Metadata), &memory); err != nil {
		return happening{}, fmt.Errorf("private_metadata: %w", err)
	}
	if p.User.ID == "" || p.View.ID == "" || memory.Verb == "" {
		return happening{}, errors.New("user, view or what it is for is missing")
	}
	fields := make([]card.Field, len(memory.Fields))
	values := map[string]string{}
	for i, f := range memory.Fields {
		fields[i] = card.Field{Name: f.Name, Type: f.Type, Whole: f.Whole}
		values[f.Name] = p.View.State.Values[f.Name][f.Name].Value
	}
	h := happening{key: "form:" + p.View.ID, click: true, asked: &handlers.Incoming{
		From: catalog.SlackID{Team: first(p.User.Team, p.Team.ID), User: p.User.ID},
		Text: memory.Verb + " " + memory.Value, Values: values, Where: memory.Where, Trigger: p.Trigger,
	}}
	if wrong := handlers.WrongValues(fields, values); len(wrong) > 0 {
		return happening{refusal: map[string]any{"response_action": "errors", "errors": wrong}}, nil
	}
	return h, nil
}
