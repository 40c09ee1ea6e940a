package slacksim_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/slacksim"
)

func TestASubmissionMayPushOrClear(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app := b.dial()
	b.must("views.open", object{"trigger_id": b.TriggerOf(aliceID), "view": modal("1")})
	submit := func(reply object) {
		t.Helper()
		if err := b.SubmitView(slacksim.ViewAct{User: "alice", Op: "submit"}); err != nil {
			t.Fatal(err)
		}
		app.ack(app.next("interactive"), reply)
	}
	shown := func(title string) slacksim.View {
		t.Helper()
		v, err := b.WaitView(b.ctx, "alice", func(v slacksim.View) bool { return v.Title["text"] == title })
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	first := shown("1")
	submit(object{"response_action": "push", "view": modal("2")})
	if second := shown("2"); second.PreviousViewID != first.ID {
		t.Errorf("got %+v on top of %s", second, first.ID)
	}
	alice := b.stream(aliceID)
	submit(object{"response_action": "update", "view": modal(strings.Repeat("x", 25))})
	if e := alice("view"); e["op"] != "errors" || !strings.Contains(e["errors"].(object)[""].(string), "must be less than 25") {
		t.Errorf("a view that Slack would refuse: got %v", e)
	}
	submit(object{"response_action": "explode"})
	if e := alice("view"); e["op"] != "errors" {
		t.Errorf("an unknown response_action: got %v", e)
	}
	submit(object{"response_action": "clear"})
	if e := alice("view"); e["op"] != "close" {
		t.Errorf("got %v", e)
	}
}

func TestAViewNobodyAckedSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t, quick)
	b.must("views.open", object{"trigger_id": b.TriggerOf(aliceID), "view": modal("1")})
	b.dial()
	alice := b.stream(aliceID)
	if err := b.SubmitView(slacksim.ViewAct{User: "alice", Op: "submit"}); err != nil {
		t.Fatal(err)
	}
	if e := alice("view"); e["op"] != "errors" || !strings.Contains(e["errors"].(object)[""].(string), "did not respond") {
		t.Errorf("got %v", e)
	}
}

func TestTheHomeTabTakesActions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app := b.dial()
	b.must("views.publish", object{"user_id": aliceID, "view": object{"type": "home", "blocks": actions(button("refresh", "1"))}})
	home, err := b.WaitHome(b.ctx, "alice", func(slacksim.View) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Act(slacksim.Action{User: "bob", ViewID: home.ID, ActionID: "refresh"}); err == nil {
		t.Error("bob pressed a button of alice's home tab")
	}
	if err := b.Act(slacksim.Action{User: "alice", ViewID: home.ID, ActionID: "refresh"}); err != nil {
		t.Fatal(err)
	}
	p := app.next("interactive")["payload"].(object)
	if p["container"].(object)["type"] != "view" || p["view"].(object)["id"] != home.ID || p["response_url"] != nil {
		t.Errorf("got %v", p)
	}
}

func TestSlacksOwnFilesAreForHoldersOfTheToken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.upload("a.log", "secret")
	b.must("files.completeUploadExternal", object{"files": []any{object{"id": id}}, "channel_id": opsID})
	address := b.must("files.info", object{"file": id})["file"].(object)["url_private"].(string)
	for token, want := range map[string]int{b.cfg.App.BotToken: 200, "xoxb-guessed": 404, "": 404} {
		r, err := http.NewRequestWithContext(b.ctx, http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer "+token)
		if answer, out := b.do(r); answer.StatusCode != want || (out["raw"] == "secret") != (want == 200) {
			t.Errorf("token %q: %s %v", token, answer.Status, out)
		}
	}
}

func TestWhatIsTypedBecomesMentions(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for typed, want := range map[string]string{
		"@channel look":         "<!channel> look",
		"@oncall and @bob":      "<!subteam^S0ONCALL01> and <@U0BOB00001>",
		"mail nobody@nowhere.x": "mail nobody@nowhere.x",
		"<!here>":               "&lt;!here&gt;",
	} {
		ts := b.say("alice", "ops", typed)
		m, err := b.WaitMessage(b.ctx, func(m slacksim.Message) bool { return m.TS == ts })
		if err != nil || m.Text != want {
			t.Errorf("%q: got %q, %v", typed, m.Text, err)
		}
	}
}

func TestACallCanBeWaitedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	found := make(chan slacksim.Call, 1)
	go func() {
		call, err := b.WaitCall(b.ctx, func(c slacksim.Call) bool { return c.Method == "chat.delete" })
		if err == nil {
			found <- call
		}
	}()
	b.refused("message_not_found", "chat.delete", object{"channel": opsID, "ts": "1.000001"})
	select {
	case call := <-found:
		if diff := cmp.Diff(object{"channel": opsID, "ts": "1.000001"}, call.Args); diff != "" || call.Error() != "message_not_found" {
			t.Errorf("%s %s", call.Error(), diff)
		}
	case <-b.ctx.Done():
		t.Error("the call was not seen")
	}
}

func TestABroadcastReplyIsInTheChannelToo(t *testing.T) {
	t.Parallel()
	b := setup(t)
	head := b.must("chat.postMessage", object{"channel": opsID, "text": "head"})["ts"]
	b.must("chat.postMessage", object{"channel": opsID, "text": "for all", "thread_ts": head, "reply_broadcast": true})
	b.must("chat.postMessage", object{"channel": opsID, "text": "for the thread", "thread_ts": head})
	var texts []any
	for _, m := range b.must("conversations.history", object{"channel": opsID})["messages"].([]any) {
		texts = append(texts, m.(object)["text"])
	}
	if diff := cmp.Diff([]any{"for all", "head"}, texts); diff != "" {
		t.Error(diff)
	}
}
