package slacksim_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/slacksim"
)

// act posts to the people's side.
func (b *bundle) act(path string, body object) object {
	b.t.Helper()
	_, out := b.post(b.at.Page+"api/"+path, "", body)
	return out
}

// stream opens a person's events; the returned function reads until one of the name comes.
func (b *bundle) stream(user string) func(name string) object {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.ctx, http.MethodGet, b.at.Page+"api/events?user="+user, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = answer.Body.Close() })
	lines := bufio.NewScanner(answer.Body)
	lines.Buffer(nil, 1<<20)
	return func(name string) object {
		b.t.Helper()
		for lines.Scan() {
			if lines.Text() != "event: "+name {
				continue
			}
			lines.Scan()
			return decode([]byte(strings.TrimPrefix(lines.Text(), "data: ")))
		}
		b.t.Fatalf("no %s event: %v", name, lines.Err())
		return nil
	}
}

func TestEachPersonSeesTheirOwnWorkspace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	channels := func(user string) []any {
		var names []any
		for _, c := range b.get(b.at.Page + "api/state?user=" + user)["channels"].([]any) {
			names = append(names, c.(object)["name"])
		}
		return names
	}
	for user, want := range map[string][]any{
		"U0ALICE001": {"ops", "incidents", "general", "vendor-shared", "svcdown"},
		"U0DAVE0001": {"ops", "svcdown"},
		"U0ERIN0001": {"vendor-shared", "svcdown"},
	} {
		if diff := cmp.Diff(want, channels(user)); diff != "" {
			t.Errorf("%s: %s", user, diff)
		}
	}
	state := b.get(b.at.Page + "api/state?user=alice")
	if state["team"].(object)["name"] != "Web3 Marketplace" || len(state["users"].([]any)) != 6 || len(state["commands"].([]any)) != 1 {
		t.Errorf("got %v", state)
	}
	if out := b.get(b.at.Page + "api/state?user=mallory"); out["ok"] != false {
		t.Errorf("got %v", out)
	}
	if out := b.get(b.at.Page + "api/messages?user=erin&channel=" + opsID); out["ok"] != false {
		t.Errorf("erin reads a channel she does not see: %v", out)
	}
}

func TestThePageIsServed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, path := range []string{"", "page/"} {
		if out := b.get(b.at.Page + path); !strings.Contains(strings.ToLower(out["raw"].(string)), "<!doctype html>") {
			t.Errorf("%q: got %v", path, out)
		}
	}
}

func TestOtherWebSitesCannotActHere(t *testing.T) {
	t.Parallel()
	b := setup(t)
	request := func(change func(*http.Request)) int {
		r, err := http.NewRequestWithContext(b.ctx, http.MethodPost, b.at.Page+"api/act/message", strings.NewReader(`{"user":"alice","channel":"ops","text":"x"}`))
		if err != nil {
			t.Fatal(err)
		}
		change(r)
		answer, _ := b.do(r)
		return answer.StatusCode
	}
	if got := request(func(r *http.Request) { r.Host = "evil.example" }); got != http.StatusForbidden {
		t.Errorf("a foreign name for this host: got %d", got)
	}
	if got := request(func(r *http.Request) { r.Header.Set("Origin", "https://evil.example") }); got != http.StatusForbidden {
		t.Errorf("a foreign origin: got %d", got)
	}
	if got := request(func(*http.Request) {}); got != http.StatusOK {
		t.Errorf("a plain client: got %d", got)
	}
}

func TestAStoryThroughThePagesAPI(t *testing.T) {
	t.Parallel()
	b := setup(t)
	alice, bob := b.stream("U0ALICE001"), b.stream("U0BOB00001")
	if got := alice("presence")["connections"]; got != 0.0 {
		t.Errorf("got %v connections before the app is there", got)
	}
	app := b.dial()
	if got := alice("presence")["connections"]; got != 1.0 {
		t.Errorf("got %v connections", got)
	}
	out := b.act("act/message", object{"user": aliceID, "channel": opsID, "text": "hello @bob"})
	if out["ok"] != true || bob("message")["message"].(object)["text"] != "hello <@U0BOB00001>" {
		t.Errorf("got %v", out)
	}
	thread := b.act("act/message", object{"user": "U0BOB00001", "channel": opsID, "text": "hi", "thread_ts": out["ts"]})
	if m := alice("message_changed")["message"].(object); thread["ok"] != true || m["reply_count"] != 1.0 {
		t.Errorf("got %v, %v", thread, m)
	}
	refused := b.act("act/message", object{"user": aliceID, "channel": opsID, "text": "/svcdown status", "thread_ts": out["ts"]})
	if refused["ok"] != false || !strings.Contains(refused["error"].(string), "not supported in threads") {
		t.Errorf("a command in a thread: %v", refused)
	}
	refused = b.act("act/message", object{"user": aliceID, "channel": opsID, "text": "/nothing"})
	if refused["ok"] != false || !strings.Contains(refused["error"].(string), "not a valid command") || alice("notice")["text"] == nil {
		t.Errorf("an unknown command: %v", refused)
	}
	if out := b.act("act/message", object{"user": aliceID, "channel": opsID, "text": "/svcdown status"}); out["ok"] != true {
		t.Errorf("a command: %v", out)
	}
	app.ack(app.next("slash_commands"), nil)

	posted := b.must("chat.postMessage", object{"channel": opsID, "text": "card", "blocks": actions(button("go", "17"), menu("one"))})
	press := func(body object) object {
		body["user"], body["channel"], body["message_ts"] = "U0BOB00001", opsID, posted["ts"]
		return b.act("act/action", body)
	}
	if out := press(object{"action_id": "m", "block_id": "b1", "selected_option": object{"value": "one", "text": plain("forged")}}); out["ok"] != true {
		t.Errorf("choose: %v", out)
	}
	choice := app.next("interactive")
	app.ack(choice, nil)
	if got := choice["payload"].(object)["actions"].([]any)[0].(object)["selected_option"].(object)["text"].(object)["text"]; got != "x" {
		t.Errorf("got option text %v, want the app's own", got)
	}
	if out := press(object{"action_id": "m", "selected_option": "two"}); out["ok"] != false {
		t.Errorf("an option that the menu does not have: %v", out)
	}
	if out := press(object{"action_id": "nothing"}); out["ok"] != false {
		t.Errorf("a button that is not there: %v", out)
	}
	if out := press(object{"action_id": "nothing", "value": "99", "forge": true}); out["ok"] != true {
		t.Errorf("a forged button: %v", out)
	}
	forged := app.next("interactive")["payload"].(object)["actions"].([]any)[0].(object)
	if forged["action_id"] != "nothing" || forged["value"] != "99" {
		t.Errorf("got %v", forged)
	}

	log := base64.StdEncoding.EncodeToString([]byte("boom"))
	out = b.act("act/message", object{"user": aliceID, "channel": opsID, "text": "", "files": []any{object{"name": "crash.log", "content": log}}})
	if m := b.Messages("ops"); out["ok"] != true || m[len(m)-1].Files[0].Preview != "boom" {
		t.Errorf("a file: %v", out)
	}
	if out := b.act("act/reaction", object{"user": aliceID, "channel": opsID, "ts": posted["ts"], "name": "eyes"}); out["ok"] != true {
		t.Errorf("reaction: %v", out)
	}
	if out := b.act("act/pin", object{"user": aliceID, "channel": opsID, "ts": posted["ts"]}); out["ok"] != true {
		t.Errorf("pin: %v", out)
	}
	if out := b.act("act/shortcut", object{"user": aliceID, "callback_id": "incident_from_message", "channel": opsID, "message_ts": posted["ts"]}); out["ok"] != true {
		t.Errorf("shortcut: %v", out)
	}
	if p := app.next("interactive")["payload"].(object); p["type"] != "message_action" || p["message"].(object)["text"] != "card" {
		t.Errorf("got %v", p)
	}
	if out := b.act("act/message", object{"user": aliceID, "chanel": opsID}); out["ok"] != false {
		t.Errorf("a misspelt field: %v", out)
	}
}

func TestOnlyTheirOwnEphemeralMessagesReachAPerson(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bob := b.stream("U0BOB00001")
	b.must("chat.postEphemeral", object{"channel": opsID, "user": aliceID, "text": "for alice alone"})
	b.must("chat.postMessage", object{"channel": opsID, "text": "for all"})
	if got := bob("message")["message"].(object)["text"]; got != "for all" {
		t.Errorf("bob got %v", got)
	}
	for user, want := range map[string]int{"alice": 2, "bob": 1} {
		if got := b.get(b.at.Page + "api/messages?user=" + user + "&channel=" + opsID)["messages"].([]any); len(got) != want {
			t.Errorf("%s sees %d messages, want %d", user, len(got), want)
		}
	}
}

func TestUnreadMessagesAreCountedUntilTheyAreRead(t *testing.T) {
	t.Parallel()
	b := setup(t)
	unread := func() any {
		return b.get(b.at.Page + "api/state?user=alice")["channels"].([]any)[0].(object)["unread"]
	}
	b.must("chat.postMessage", object{"channel": opsID, "text": "1"})
	b.say("bob", "ops", "2")
	if got := unread(); got != 2.0 {
		t.Errorf("got %v unread, want 2", got)
	}
	b.get(b.at.Page + "api/messages?user=alice&channel=" + opsID)
	if got := unread(); got != 0.0 {
		t.Errorf("got %v unread after reading", got)
	}
}

func TestInviteBringsTheAppIntoAChannel(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.refused("not_in_channel", "conversations.history", object{"channel": "C0GENERAL1"})
	b.say("alice", "general", "/invite @svcdown")
	b.must("conversations.history", object{"channel": "C0GENERAL1"})
}

func TestWaitingEndsWithItsContext(t *testing.T) {
	t.Parallel()
	b := setup(t)
	ctx, cancel := context.WithTimeout(b.ctx, 10*time.Millisecond)
	defer cancel()
	if m, err := b.WaitMessage(ctx, func(slacksim.Message) bool { return true }); err == nil {
		t.Errorf("got %+v out of an empty workspace", m)
	}
}
