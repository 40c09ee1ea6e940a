package slacksim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/slacksim"
)

func section(text string) object {
	return object{"type": "section", "text": object{"type": "mrkdwn", "text": text}}
}

func repeat(n int, b object) []any {
	out := make([]any, n)
	for i := range out {
		out[i] = b
	}
	return out
}

func TestBlocksAreRefusedAsSlackRefusesThem(t *testing.T) {
	t.Parallel()
	b := setup(t)
	long := strings.Repeat("x", 3001)
	cases := []struct {
		name    string
		blocks  any
		want    string // error code, "" when the blocks are good
		message string
	}{
		{"a section", []any{section("fine")}, "", ""},
		{"text at the limit", []any{section(long[:3000])}, "", ""},
		{"text over the limit", []any{section(long)}, "invalid_blocks", "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"},
		{"characters count, not bytes", []any{section(strings.Repeat("é", 3000))}, "", ""},
		{"empty text", []any{section("")}, "invalid_blocks", "/blocks/0/text/text"},
		{"a section that holds nothing", []any{object{"type": "section"}}, "invalid_blocks", "missing required field: text or fields"},
		{"a string where a text object belongs", []any{object{"type": "section", "text": "plain"}}, "invalid_blocks", "must be a text object"},
		{"a field too many", []any{object{"type": "divider", "colour": "red"}}, "invalid_blocks", "invalid additional property: colour"},
		{"a block of no known type", []any{object{"type": "banner"}}, "invalid_blocks", "unsupported type: banner"},
		{"null instead of a block", []any{nil}, "invalid_blocks", "unsupported type"},
		{"mrkdwn in a header", []any{object{"type": "header", "text": object{"type": "mrkdwn", "text": "x"}}}, "invalid_blocks", "must be plain_text"},
		{"a header of 151 characters", []any{object{"type": "header", "text": plain(long[:151])}}, "invalid_blocks", "must be less than 151"},
		{"mrkdwn on a button", []any{actionsBlock(object{"type": "button", "action_id": "a", "text": object{"type": "mrkdwn", "text": "x"}})}, "invalid_blocks", "must be plain_text"},
		{"a button without text", []any{actionsBlock(object{"type": "button", "action_id": "a"})}, "invalid_blocks", "missing required field: text"},
		{"a button's text of 76", []any{actionsBlock(object{"type": "button", "action_id": "a", "text": plain(long[:76])})}, "invalid_blocks", "must be less than 76"},
		{"a button's value of 2001", []any{actionsBlock(button("a", long[:2001]))}, "invalid_blocks", "must be less than 2001"},
		{"an unknown button style", []any{actionsBlock(object{"type": "button", "action_id": "a", "text": plain("x"), "style": "green"})}, "invalid_blocks", "must be primary or danger"},
		{"a confirm without deny", []any{actionsBlock(object{"type": "button", "action_id": "a", "text": plain("x"), "confirm": object{"title": plain("t"), "text": plain("x"), "confirm": plain("y")}})}, "invalid_blocks", "missing required field: deny"},
		{"an action_id twice", []any{actionsBlock(button("a", "1"), button("a", "2"))}, "invalid_blocks", "must be unique: a"},
		{"a block_id twice", []any{object{"type": "divider", "block_id": "d"}, object{"type": "divider", "block_id": "d"}}, "invalid_blocks", "must be unique: d"},
		{"an action_id of 256", []any{actionsBlock(button(long[:256], "1"))}, "invalid_blocks", "must be less than 256"},
		{"26 buttons in a row", []any{actionsBlock(buttons(26)...)}, "invalid_blocks", "no more than 25 items allowed"},
		{"11 elements in a context", []any{object{"type": "context", "elements": repeat(11, plain("x"))}}, "invalid_blocks", "no more than 10 items allowed"},
		{"a button in a context", []any{object{"type": "context", "elements": []any{button("a", "1")}}}, "invalid_blocks", "unsupported type: button"},
		{"11 fields", []any{object{"type": "section", "fields": repeat(11, plain("x"))}}, "invalid_blocks", "no more than 10 items allowed"},
		{"a field of 2001", []any{object{"type": "section", "fields": []any{plain(long[:2001])}}}, "invalid_blocks", "must be less than 2001"},
		{"an option's value of 151", []any{actionsBlock(menu(long[:151]))}, "invalid_blocks", "must be less than 151"},
		{"a menu without options", []any{actionsBlock(object{"type": "static_select", "action_id": "m", "options": []any{}})}, "invalid_blocks", "must have at least 1 item"},
		{"50 blocks", repeat(50, object{"type": "divider"}), "", ""},
		{"51 blocks", repeat(51, object{"type": "divider"}), "invalid_blocks", "no more than 50 items allowed"},
		{"13,200 characters over all blocks", repeat(5, section(long[:2640])), "", ""},
		{"13,205 characters over all blocks", repeat(5, section(long[:2641])), "msg_blocks_too_long", ""},
		{"an object instead of an array", object{"type": "divider"}, "invalid_blocks_format", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out := b.call("chat.postMessage", object{"channel": opsID, "text": "x", "blocks": c.blocks})
			if got, _ := out["error"].(string); got != c.want {
				t.Fatalf("got %v, want error %q", out, c.want)
			}
			if all := fmt.Sprint(messages(out)); !strings.Contains(all, c.message) {
				t.Errorf("got messages %s, want %q in them", all, c.message)
			}
		})
	}
}

func actionsBlock(elements ...any) object { return object{"type": "actions", "elements": elements} }

func buttons(n int) []any {
	var out []any
	for i := range n {
		out = append(out, button(fmt.Sprint("b", i), "1"))
	}
	return out
}

func menu(value string) object {
	return object{"type": "static_select", "action_id": "m", "options": []any{object{"text": plain("x"), "value": value}}}
}

func TestTextHasItsLimits(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.refused("no_text", "chat.postMessage", object{"channel": opsID})
	b.must("chat.postMessage", object{"channel": opsID, "text": strings.Repeat("é", 40_001)})
	if got := len([]rune(b.Messages("ops")[0].Text)); got != 40_000 {
		t.Errorf("got %d characters, want the text cut at 40000", got)
	}
	ts := b.must("chat.postMessage", object{"channel": opsID, "text": "x"})["ts"]
	b.must("chat.update", object{"channel": opsID, "ts": ts, "text": strings.Repeat("x", 4000)})
	b.refused("msg_too_long", "chat.update", object{"channel": opsID, "ts": ts, "text": strings.Repeat("x", 4001)})
	b.refused("no_text", "chat.update", object{"channel": opsID, "ts": ts})
	b.refused("message_not_found", "chat.update", object{"channel": opsID, "ts": "1.000001", "text": "x"})
	alices := b.say("alice", "ops", "mine")
	b.refused("cant_update_message", "chat.update", object{"channel": opsID, "ts": alices, "text": "x"})
	b.refused("cant_delete_message", "chat.delete", object{"channel": opsID, "ts": alices})
}

func TestMetadataComesBackFromHistoryWhenAskedFor(t *testing.T) {
	t.Parallel()
	b := setup(t)
	metadata := object{"event_type": "svcdown_card", "event_payload": object{"op_id": "op-17", "try": 2.0}}
	b.must("chat.postMessage", object{"channel": opsID, "text": "card", "metadata": metadata})
	history := func(all bool) any {
		out := b.must("conversations.history", object{"channel": opsID, "limit": 1, "include_all_metadata": all})
		return out["messages"].([]any)[0].(object)["metadata"]
	}
	if diff := cmp.Diff(any(metadata), history(true)); diff != "" {
		t.Error(diff)
	}
	if got := history(false); got != nil {
		t.Errorf("got metadata %v without asking", got)
	}
	b.refused("invalid_metadata_format", "chat.postMessage", object{"channel": opsID, "text": "x", "metadata": object{"event_type": "e"}})
}

func TestThreadsKeepTheirCounts(t *testing.T) {
	t.Parallel()
	b := setup(t)
	head := b.must("chat.postMessage", object{"channel": opsID, "text": "head"})["ts"].(string)
	reply := b.must("chat.postMessage", object{"channel": opsID, "text": "one", "thread_ts": head})["ts"].(string)
	if _, err := b.Say("alice", "ops", head, "two"); err != nil {
		t.Fatal(err)
	}
	b.refused("cannot_reply_to_message", "chat.postMessage", object{"channel": opsID, "text": "x", "thread_ts": reply})
	b.refused("thread_not_found", "chat.postMessage", object{"channel": opsID, "text": "x", "thread_ts": "1.000001"})

	top := b.must("conversations.history", object{"channel": opsID})["messages"].([]any)
	if len(top) != 1 {
		t.Fatalf("got %d top-level messages, want 1: replies are not in the channel's history", len(top))
	}
	got := top[0].(object)
	if got["reply_count"] != 2.0 || cmp.Diff([]any{"U0SVCDOWN1", aliceID}, got["reply_users"]) != "" || got["thread_ts"] != head {
		t.Errorf("got %v", got)
	}
	b.must("chat.delete", object{"channel": opsID, "ts": reply})
	thread := b.must("conversations.replies", object{"channel": opsID, "ts": head})["messages"].([]any)
	var texts []any
	for _, m := range thread {
		texts = append(texts, m.(object)["text"])
	}
	if diff := cmp.Diff([]any{"head", "two"}, texts); diff != "" {
		t.Error(diff)
	}
	if n := thread[0].(object)["reply_count"]; n != 1.0 {
		t.Errorf("got reply_count %v after a deletion, want 1", n)
	}
	b.must("chat.delete", object{"channel": opsID, "ts": head})
	if m := b.Messages("ops")[0]; m.Subtype != "tombstone" {
		t.Errorf("a deleted head of a thread leaves a tombstone, got %+v", m)
	}
}

func TestHistoryGoesPageByPage(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 5 {
		b.must("chat.postMessage", object{"channel": opsID, "text": fmt.Sprint(i)})
	}
	var got []any
	args := object{"channel": opsID, "limit": 2}
	for {
		out := b.must("conversations.history", args)
		for _, m := range out["messages"].([]any) {
			got = append(got, m.(object)["text"])
		}
		if out["has_more"] != true {
			break
		}
		args["cursor"] = out["response_metadata"].(object)["next_cursor"]
	}
	if diff := cmp.Diff([]any{"4", "3", "2", "1", "0"}, got); diff != "" {
		t.Error(diff)
	}
	third := b.Messages("ops")[2].TS
	after := b.must("conversations.history", object{"channel": opsID, "oldest": third})["messages"].([]any)
	since := b.must("conversations.history", object{"channel": opsID, "oldest": third, "inclusive": true})["messages"].([]any)
	if len(after) != 2 || len(since) != 3 {
		t.Errorf("got %d after and %d since the third message, want 2 and 3", len(after), len(since))
	}
	b.refused("invalid_cursor", "conversations.history", object{"channel": opsID, "cursor": "bogus"})
	b.refused("invalid_ts_oldest", "conversations.history", object{"channel": opsID, "oldest": "yesterday"})
}

func TestUnescapedEntitiesPing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	cases := []struct {
		name string
		args object
		want []string
	}{
		{"escaped text pings nobody", object{"text": "&lt;!channel&gt; <https://x.example|link> @channel"}, []string{}},
		{"text", object{"text": "<!channel> <@U0BOB00001> <!subteam^S0ONCALL01|@oncall>"}, []string{"S0ONCALL01", "U0BOB00001", "channel"}},
		{"mrkdwn in a section", object{"text": "x", "blocks": []any{section("log: <!here>")}}, []string{"here"}},
		{"plain text pings nobody", object{"text": "x", "blocks": []any{object{"type": "header", "text": plain("<!here>")}}}, []string{}},
		{"a context", object{"text": "x", "blocks": []any{object{"type": "context", "elements": []any{object{"type": "mrkdwn", "text": "<!everyone>"}}}}}, []string{"everyone"}},
		{"rich text", object{"text": "x", "blocks": []any{object{"type": "rich_text", "elements": []any{object{"type": "rich_text_section", "elements": []any{object{"type": "user", "user_id": aliceID}, object{"type": "broadcast", "range": "channel"}}}}}}}, []string{aliceID, "channel"}},
		{"an attachment", object{"attachments": []any{object{"text": "<@U0BOB00001>"}}}, []string{"U0BOB00001"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			c.args["channel"] = opsID
			ts := b.must("chat.postMessage", c.args)["ts"]
			m, err := b.WaitMessage(b.ctx, func(m slacksim.Message) bool { return m.TS == ts })
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, m.Pings); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestAPersonsTextIsEscapedAndTheirMentionsWork(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app := b.dial()
	b.say("alice", "ops", "@svcdown status <backend> & @bob")
	mention := app.event("app_mention")["event"].(object)
	want := "<@U0SVCDOWN1> status &lt;backend&gt; &amp; <@U0BOB00001>"
	if mention["text"] != want || mention["user"] != aliceID || mention["channel"] != opsID {
		t.Errorf("got %v, want text %q of alice in ops", mention, want)
	}
	b.say("alice", "general", "@svcdown status") // the app is not there: it hears nothing
	b.say("alice", "ops", "@svcdown last")
	if got := app.event("app_mention")["event"].(object)["channel"]; got != opsID {
		t.Errorf("the app heard of a mention in %v, where it is not a member", got)
	}
}

func FuzzBlocks(f *testing.F) {
	f.Add(`[{"type":"section","text":{"type":"mrkdwn","text":"x"}}]`)
	f.Add(`[{"type":"actions","elements":[null,{"type":"static_select","option_groups":[{"options":[null]}]}]}]`)
	f.Add(`[null,1,{"type":{}},{"type":"input","element":[]}]`)
	cfg := slacksim.Marketplace()
	f.Fuzz(func(t *testing.T, blocks string) {
		w, err := slacksim.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		code := w.PostBlocks(blocks)
		posted := len(w.Messages("ops"))
		if (code == "") != (posted == 1) {
			t.Errorf("error %q, but %d messages posted", code, posted)
		}
	})
}
