package slacksim_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/slacksim"
)

func TestACommandIsAnsweredAndItsButtonPressed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app := b.dial()
	if app.hello["type"] != "hello" || app.hello["num_connections"] != 1.0 {
		t.Fatalf("got hello %v", app.hello)
	}

	b.say("alice", "#ops", "/svcdown restart backend")
	command := app.next("slash_commands")
	app.ack(command, nil)
	p := command["payload"].(object)
	got := []any{p["command"], p["text"], p["user_id"], p["user_name"], p["channel_id"], p["channel_name"], p["team_id"]}
	want := []any{"/svcdown", "restart backend", "U0ALICE001", "alice", "C0OPS00001", "ops", "T0MARKET01"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}

	if _, out := b.post(p["response_url"].(string), "", object{"text": "working on it"}); out["ok"] != true {
		t.Fatalf("response_url: %v", out)
	}
	if m := b.message("working on it"); !m.Ephemeral || m.EphemeralTo != "U0ALICE001" {
		t.Errorf("a response_url answers the asker alone by default, got %+v", m)
	}

	b.must("chat.postMessage", object{"channel": "C0OPS00001", "text": "Restart backend?", "blocks": actions(button("approve", "17"))})
	card := b.message("Restart backend?")
	if err := b.Act(slacksim.Action{User: "bob", Channel: "ops", MessageTS: card.TS, ActionID: "approve", Value: "forged"}); err != nil {
		t.Fatal(err)
	}
	click := app.next("interactive")
	app.ack(click, nil)
	p = click["payload"].(object)
	action := p["actions"].([]any)[0].(object)
	got = []any{p["type"], action["action_id"], action["value"], p["user"].(object)["id"], p["user"].(object)["team_id"], p["container"].(object)["message_ts"], p["message"].(object)["text"]}
	want = []any{"block_actions", "approve", "17", "U0BOB00001", "T0MARKET01", card.TS, "Restart backend?"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatal(diff)
	}

	b.must("chat.update", object{"channel": "C0OPS00001", "ts": card.TS, "text": "Approved by bob"})
	if m := b.message("Approved by bob"); m.TS != card.TS || m.Blocks != nil || m.Edited == nil {
		t.Errorf("an update without blocks takes the blocks away and marks the message as edited, got %+v", m)
	}
}
