package slacksim_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/slacksim"
)

// clock is a clock that only moves when told.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func at(c *clock) func(*slacksim.Config) {
	c.now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	return func(cfg *slacksim.Config) { cfg.Now = c.Now }
}

func modal(title string, blocks ...any) object {
	if blocks == nil {
		blocks = []any{}
	}
	return object{"type": "modal", "callback_id": "scale", "title": plain(title), "submit": plain("Go"), "blocks": blocks}
}

func input(block, action string, optional bool) object {
	return object{
		"type": "input", "block_id": block, "label": plain(block), "optional": optional,
		"element": object{"type": "plain_text_input", "action_id": action},
	}
}

func TestATriggerIsGoodOnceAndForThreeSeconds(t *testing.T) {
	t.Parallel()
	c := &clock{}
	b := setup(t, at(c))
	trigger := b.TriggerOf(aliceID)
	c.pass(3 * time.Second)
	b.refused("expired_trigger_id", "views.open", object{"trigger_id": trigger, "view": modal("Late")})
	trigger = b.TriggerOf(aliceID)
	c.pass(2900 * time.Millisecond)
	b.must("views.open", object{"trigger_id": trigger, "view": modal("In time")})
	b.refused("exchanged_trigger_id", "views.open", object{"trigger_id": trigger, "view": modal("Again")})
	b.refused("invalid_trigger_id", "views.open", object{"trigger_id": "1.2.3", "view": modal("Guessed")})
}

func TestViewsAreRefusedAsSlackRefusesThem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	with := func(name string, v any) object {
		view := modal("Scale")
		view[name] = v
		return view
	}
	many := make([]any, 101)
	for i := range many {
		many[i] = object{"type": "divider"}
	}
	unsent := modal("Scale", input("b", "a", false))
	delete(unsent, "submit")
	cases := []struct {
		name    string
		view    any
		message string
	}{
		{"a title of 25", with("title", plain(strings.Repeat("x", 25))), "must be less than 25 characters"},
		{"a submit of 25", with("submit", plain(strings.Repeat("x", 25))), "must be less than 25 characters"},
		{"a mrkdwn title", with("title", object{"type": "mrkdwn", "text": "x"}), "must be plain_text"},
		{"private_metadata of 3001", with("private_metadata", strings.Repeat("x", 3001)), "must be less than 3001 characters"},
		{"101 blocks", with("blocks", many), "no more than 100 items"},
		{"a field that views do not have", with("colour", "red"), "invalid additional property: colour"},
		{"a markdown block", with("blocks", []any{object{"type": "markdown", "text": "x"}}), "unsupported type: markdown"},
		{"no title", func() object { v := modal("x"); delete(v, "title"); return v }(), "missing required field: title"},
		{"an input without a submit button", unsent, "missing required field: submit"},
		{"a home tab as a modal", object{"type": "home", "blocks": []any{}}, "must be modal"},
		{"no object at all", "[]", "view is not the object"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out := b.refused("invalid_arguments", "views.open", object{"trigger_id": "x", "view": c.view})
			if all := fmt.Sprint(messages(out)); !strings.Contains(all, c.message) {
				t.Errorf("got messages %s, want %q in them", all, c.message)
			}
		})
	}
}

func TestAModalIsFilledInAndSubmitted(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app := b.dial()
	b.say("alice", "ops", "/svcdown scale")
	command := app.next("slash_commands")
	app.ack(command, nil)
	blocks := []any{input("replicas", "n", false), input("why", "text", true)}
	opened := b.must("views.open", object{"trigger_id": command["payload"].(object)["trigger_id"], "view": modal("Scale", blocks...)})
	id := opened["view"].(object)["id"].(string)

	state := func(n string) slacksim.ViewState {
		return slacksim.ViewState{Values: map[string]map[string]map[string]any{"replicas": {"n": {"value": n}}}}
	}
	act := func(op, n string) error {
		return b.SubmitView(slacksim.ViewAct{User: "alice", ViewID: id, Op: op, State: state(n)})
	}
	if err := act("submit", ""); err == nil || !strings.Contains(err.Error(), "required") {
		t.Errorf("an empty required field: got %v", err)
	}
	if err := b.SubmitView(slacksim.ViewAct{User: "bob", ViewID: id, Op: "submit"}); err == nil {
		t.Error("bob submitted alice's modal")
	}

	if err := act("submit", "five"); err != nil {
		t.Fatal(err)
	}
	f := app.next("interactive")
	p := f["payload"].(object)
	want := object{
		"replicas": object{"n": object{"type": "plain_text_input", "value": "five"}},
		"why":      object{"text": object{"type": "plain_text_input", "value": nil}},
	}
	if diff := cmp.Diff(want, p["view"].(object)["state"].(object)["values"]); diff != "" || p["type"] != "view_submission" || f["accepts_response_payload"] != true {
		t.Errorf("%v: %s", p["type"], diff)
	}
	app.ack(f, object{"response_action": "errors", "errors": object{"replicas": "a number, please"}})

	if err := act("submit", "5"); err != nil {
		t.Fatal(err)
	}
	f = app.next("interactive")
	app.ack(f, object{"response_action": "update", "view": modal("Scaling")})
	v, err := b.WaitView(b.ctx, "alice", func(v slacksim.View) bool { return v.Title["text"] == "Scaling" })
	if err != nil || v.ID != id {
		t.Fatalf("got %v %v, want the same view updated", v, err)
	}
	if err := act("submit", ""); err != nil {
		t.Fatal(err)
	}
	app.ack(app.next("interactive"), nil) // an empty ack closes it
	if _, err := b.WaitSockets(b.ctx, func(s slacksim.SocketState) bool { return s.Unacked == 0 }); err != nil {
		t.Fatal(err)
	}
	if err := act("submit", ""); err == nil {
		t.Error("the modal is still open after its submission was acked")
	}
}

func TestModalsStackThreeDeep(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app := b.dial()
	b.must("views.open", object{"trigger_id": b.TriggerOf(aliceID), "view": modal("1", actions(button("more", "x"))...)})
	press := func(title string) string {
		t.Helper()
		v, err := b.WaitView(b.ctx, "alice", func(v slacksim.View) bool { return v.Title["text"] == title })
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Act(slacksim.Action{User: "alice", ViewID: v.ID, ActionID: "more"}); err != nil {
			t.Fatal(err)
		}
		f := app.next("interactive")
		app.ack(f, nil)
		return f["payload"].(object)["trigger_id"].(string)
	}
	second := b.must("views.push", object{"trigger_id": press("1"), "view": modal("2", actions(button("more", "x"))...)})["view"].(object)
	if second["root_view_id"] != second["previous_view_id"] || second["root_view_id"] == second["id"] {
		t.Errorf("got %v", second)
	}
	b.must("views.push", object{"trigger_id": press("2"), "view": modal("3", actions(button("more", "x"))...)})
	b.refused("push_limit_reached", "views.push", object{"trigger_id": press("3"), "view": modal("4")})
	if err := b.SubmitView(slacksim.ViewAct{User: "alice", Op: "close"}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.WaitView(b.ctx, "alice", func(v slacksim.View) bool { return v.Title["text"] == "2" }); err != nil {
		t.Errorf("closing the top modal shows the one below: %v", err)
	}
	b.refused("not_found", "views.push", object{"trigger_id": b.TriggerOf(aliceID), "view": modal("from a command")})
}

func TestAClosedModalIsReportedWhenAskedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app := b.dial()
	view := modal("Watch me")
	view["notify_on_close"], view["private_metadata"] = true, "17"
	b.must("views.open", object{"trigger_id": b.TriggerOf(aliceID), "view": view})
	if err := b.SubmitView(slacksim.ViewAct{User: "alice", Op: "close"}); err != nil {
		t.Fatal(err)
	}
	p := app.next("interactive")["payload"].(object)
	if p["type"] != "view_closed" || p["view"].(object)["private_metadata"] != "17" {
		t.Errorf("got %v", p)
	}
}

func TestAStaleHashIsAConflict(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.must("views.publish", object{"user_id": aliceID, "view": object{"type": "home", "blocks": []any{}}})["view"].(object)
	second := b.must("views.publish", object{"user_id": aliceID, "hash": first["hash"], "view": object{"type": "home", "blocks": []any{section("new")}}})["view"].(object)
	if first["id"] != second["id"] {
		t.Errorf("the home tab changed its ID from %v to %v", first["id"], second["id"])
	}
	b.refused("hash_conflict", "views.publish", object{"user_id": aliceID, "hash": first["hash"], "view": object{"type": "home", "blocks": []any{}}})
	opened := b.must("views.open", object{"trigger_id": b.TriggerOf(aliceID), "view": modal("1")})["view"].(object)
	b.must("views.update", object{"view_id": opened["id"], "hash": opened["hash"], "view": modal("2")})
	b.refused("hash_conflict", "views.update", object{"view_id": opened["id"], "hash": opened["hash"], "view": modal("3")})
	b.refused("not_found", "views.update", object{"view_id": "V404", "view": modal("3")})
}

func TestOpeningTheHomeTabIsAnEvent(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app := b.dial()
	if err := b.OpenHome("carol"); err != nil {
		t.Fatal(err)
	}
	if e := app.event("app_home_opened")["event"].(object); e["user"] != "U0CAROL001" || e["tab"] != "home" {
		t.Errorf("got %v", e)
	}
}

func TestAResponseURLIsGoodForFiveUsesInThirtyMinutes(t *testing.T) {
	t.Parallel()
	c := &clock{}
	b := setup(t, at(c))
	app := b.dial()
	address := func() string {
		b.say("alice", "ops", "/svcdown status")
		f := app.next("slash_commands")
		app.ack(f, nil)
		return f["payload"].(object)["response_url"].(string)
	}
	first := address()
	for i := range 5 {
		if answer, out := b.post(first, "", object{"text": "x"}); answer.StatusCode != 200 {
			t.Fatalf("use %d: %v", i+1, out)
		}
	}
	if answer, out := b.post(first, "", object{"text": "x"}); answer.StatusCode != 404 || out["error"] != "used_url" {
		t.Errorf("sixth use: %s %v", answer.Status, out)
	}
	second := address()
	c.pass(30 * time.Minute)
	if answer, out := b.post(second, "", object{"text": "x"}); answer.StatusCode != 404 || out["error"] != "expired_url" {
		t.Errorf("after half an hour: %s %v", answer.Status, out)
	}
}

func TestAResponseURLReplacesAndDeletesTheMessageActedOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app := b.dial()
	b.must("chat.postEphemeral", object{"channel": opsID, "user": aliceID, "text": "sure?", "blocks": actions(button("yes", "1"))})
	whisper := b.message("sure?")
	press := func(user string) error {
		return b.Act(slacksim.Action{User: user, Channel: "ops", MessageTS: whisper.TS, ActionID: "yes"})
	}
	if err := press("bob"); err == nil {
		t.Error("bob pressed a button that only alice sees")
	}
	if err := press("alice"); err != nil {
		t.Fatal(err)
	}
	p := app.next("interactive")["payload"].(object)
	if p["container"].(object)["is_ephemeral"] != true || p["message"] != nil {
		t.Errorf("got %v", p)
	}
	b.post(p["response_url"].(string), "", object{"replace_original": true, "text": "done", "blocks": actions(button("yes", "1"))})
	if m := b.message("done"); m.TS != whisper.TS || !m.Ephemeral {
		t.Errorf("got %+v", m)
	}
	b.post(p["response_url"].(string), "", object{"delete_original": true})
	if got := b.Messages("ops"); len(got) != 0 {
		t.Errorf("got %+v, want it gone", got)
	}
	if _, out := b.post(p["response_url"].(string), "", object{"text": "x", "replace_orignal": true}); out["error"] != "invalid_arguments" {
		t.Errorf("a misspelt field: %v", out)
	}
}
