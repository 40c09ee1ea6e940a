package bot_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/slacksim"
)

// asking is a form for a number of replicas and a pod.
func asking() card.Form {
	return card.Form{Title: redact.Const("Fill in"), Text: redact.Const("<!channel> Service Down for backend"), Verb: "step", Value: "C-234567 5 ask",
		Where:  card.Address{Kind: "slack", Team: team, Channel: ops, Thread: "1.1", Message: "1.2", User: alice},
		Fields: []card.Field{{Name: "desired-count", Type: "integer", Whole: true, Label: redact.Const("desired-count"), Hint: redact.Const("<desired-count> in the runbook")}, {Name: "pod-name", Type: "pod", Whole: true, Label: redact.Const("pod-name")}}}
}

// onScreen opens a form on alice's screen, as a command of hers asks for.
func onScreen(t *testing.T, first card.Form, then ...card.Form) (*bundle, slacksim.View) {
	t.Helper()
	b := setup(t, options{handle: func(b *bundle, in handlers.Incoming) {
		if in.Values != nil {
			return
		}
		id, err := b.Open(b.ctx, in.Trigger, first)
		if err != nil {
			t.Errorf("open: %v", err)
		}
		for _, f := range then {
			if err := b.Change(b.ctx, id, f); err != nil {
				t.Errorf("change: %v", err)
			}
		}
	}})
	b.say(t, "alice", "ops", "", "/svcdown step C-234567 5 ask")
	b.next(t)
	v, err := b.slack.WaitView(b.ctx, "alice", func(v slacksim.View) bool { return v.Submit != nil })
	if err != nil {
		t.Fatal(err)
	}
	return b, v
}

func (b *bundle) submit(t *testing.T, values map[string]string) {
	t.Helper()
	state := slacksim.ViewState{Values: map[string]map[string]map[string]any{}}
	for name, v := range values {
		state.Values[name] = map[string]map[string]any{name: {"type": "plain_text_input", "value": v}}
	}
	if err := b.slack.SubmitView(slacksim.ViewAct{User: "alice", Op: "submit", State: state}); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsFilledInComesBackAsTheCommandItBelongsTo(t *testing.T) {
	t.Parallel()
	skeleton := asking()
	skeleton.Fields = nil
	b, _ := onScreen(t, skeleton, asking())
	b.submit(t, map[string]string{"desired-count": "5", "pod-name": "backend-1"})
	in := b.next(t)
	want := handlers.Incoming{Text: "step C-234567 5 ask", Values: map[string]string{"desired-count": "5", "pod-name": "backend-1"}, Where: asking().Where}
	got := handlers.Incoming{Text: in.Text, Values: in.Values, Where: in.Where}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if in.From.User != alice || in.From.Team != team || in.Trigger == "" || !strings.HasPrefix(in.Key, "form:V") {
		t.Errorf("it came from %+v, key %q", in.From, in.Key)
	}
	if keys := b.inbox.keys(); !strings.Contains(strings.Join(keys, " "), in.Key) {
		t.Errorf("what was filled in is not among what is stored: %v", keys)
	}
}

func TestWhatIsWrongIsSaidInTheFormAndGoesNoFurther(t *testing.T) {
	t.Parallel()
	b, v := onScreen(t, asking())
	b.submit(t, map[string]string{"desired-count": "many", "pod-name": "backend-1"})
	shown, err := b.slack.WaitView(b.ctx, "alice", func(v slacksim.View) bool { return len(v.Errors) > 0 })
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"desired-count": "It is not a valid integer."}, shown.Errors); diff != "" || shown.ID != v.ID {
		t.Error(diff)
	}
	if keys := b.inbox.keys(); len(keys) != 0 {
		t.Errorf("stored %v", keys)
	}
	// Mended, the same form goes through.
	b.submit(t, map[string]string{"desired-count": "5", "pod-name": "backend-1"})
	if in := b.next(t); in.Values["desired-count"] != "5" {
		t.Errorf("got %+v", in)
	}
}

func TestAFormShowsTextLiterally(t *testing.T) {
	t.Parallel()
	_, v := onScreen(t, asking())
	for _, block := range v.Blocks {
		if text, ok := block["text"].(map[string]any); ok && text["type"] != "plain_text" {
			t.Errorf("text of type %v", text["type"])
		}
	}
}

func TestAFormWhoseTriggerIsOverIsAnError(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	if _, err := b.Open(b.ctx, "1.2.3", asking()); err == nil {
		t.Error("no error")
	}
	if err := b.Change(b.ctx, "V0NOBODY01", asking()); err == nil {
		t.Error("changed a form that is not there")
	}
}
