package slacksim_test

import (
	"bytes"
	"maps"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/slacksim"
)

func TestEveryMethodOfTheTableIsWalked(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(slices.Sorted(maps.Keys(facts())), slacksim.MethodNames()); diff != "" {
		t.Error(diff)
	}
	for name, f := range facts() {
		if diff := cmp.Diff(strings.Fields(f.required), slacksim.RequiredArgs(name), cmp.Transformer("empty", func(s []string) []string { return append([]string{}, s...) })); diff != "" {
			t.Errorf("%s: required arguments: %s", name, diff)
		}
	}
}

// stage fills in the stand-ins of a fact's arguments for a channel that the app made, so that the call can work.
func (b *bundle) stage(args object, channel string) object {
	b.t.Helper()
	posted := b.must("chat.postMessage", object{"channel": channel, "text": "posted"})["ts"]
	out := object{}
	for k, v := range args {
		switch v {
		case "CHANNEL":
			v = channel
		case postedTS:
			v = posted
		case "PINNED":
			v = posted
			b.must("pins.add", object{"channel": channel, "timestamp": posted})
		case "REACTED":
			v = posted
			b.must("reactions.add", object{"channel": channel, "timestamp": posted, "name": "tada"})
		case "BOOKMARK":
			made := b.must("bookmarks.add", object{"channel_id": channel, "title": "t", "type": "link", "link": "https://example.com"})
			v = made["bookmark"].(object)["id"]
		case "CANVAS":
			v = b.must("canvases.create", object{"title": "t"})["canvas_id"]
		case "TRIGGER":
			v = b.TriggerOf(aliceID)
		case "VIEW":
			made := b.must("views.open", object{"trigger_id": b.TriggerOf(aliceID), "view": object{"type": "modal", "title": plain("t"), "blocks": []any{}}})
			v = made["view"].(object)["id"]
		case "FILE":
			v = b.upload("a.log", "log")
			b.must("files.completeUploadExternal", object{"files": []any{object{"id": v}}})
		}
		if k == "files" {
			v = []any{object{"id": b.upload("a.log", "log")}}
		}
		out[k] = v
	}
	return out
}

// room makes a public channel by the app, with alice in it.
func (b *bundle) room(name string) string {
	b.t.Helper()
	id := b.must("conversations.create", object{"name": name})["channel"].(object)["id"].(string)
	b.must("conversations.invite", object{"channel": id, "users": aliceID})
	return id
}

// upload puts a file's bytes up, without completing it.
func (b *bundle) upload(name, content string) string {
	b.t.Helper()
	asked := b.must("files.getUploadURLExternal", object{"filename": name, "length": len(content)})
	if answer := b.put(asked["upload_url"].(string), content); answer.StatusCode != 200 {
		b.t.Fatalf("upload: %s", answer.Status)
	}
	return asked["file_id"].(string)
}

func TestEveryMethodChecksTokenArgumentsAndScope(t *testing.T) {
	t.Parallel()
	for name, f := range facts() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, func(c *slacksim.Config) {
				c.Users = append(c.Users, slacksim.User{ID: "U0FRANK001", Name: "frank", RealName: "Frank"})
			})
			made, another := b.room("made-by-the-app"), b.room("another")

			if name != "views.push" && name != "conversations.unarchive" { // they need a modal, an archive: see their own tests
				if out := b.call(name, b.stage(f.args, made)); out["ok"] != true {
					t.Errorf("the call that should work: %v", out)
				}
			}

			good, wrong := b.cfg.App.BotToken, b.cfg.App.AppToken
			if name == "apps.connections.open" {
				good, wrong = wrong, good
			}
			for token, want := range map[string]string{"": "not_authed", "xoxb-guessed": "invalid_auth", wrong: "not_allowed_token_type"} {
				if _, out := b.post(b.at.API+name, token, f.args); out["error"] != want {
					t.Errorf("token %q: got %v, want %s", token, out, want)
				}
			}

			for _, missing := range strings.Fields(f.required) {
				args := maps.Clone(f.args)
				delete(args, missing)
				_, out := b.post(b.at.API+name, good, args)
				want := []any{"[ERROR] missing required field: " + missing}
				if diff := cmp.Diff(object{"error": "invalid_arguments", "messages": want}, object{"error": out["error"], "messages": messages(out)}); diff != "" {
					t.Errorf("without %s: %s", missing, diff)
				}
			}

			args := maps.Clone(f.args)
			args["chanel"] = "C1"
			_, out := b.post(b.at.API+name, good, args)
			if out["error"] != "invalid_arguments" || !slices.Contains(messages(out), any("[ERROR] unknown argument: chanel")) {
				t.Errorf("with a misspelt argument: %v", out)
			}

			if f.scope == "" {
				return
			}
			staged := b.stage(f.args, another)
			b.SetScopes(slices.DeleteFunc(slices.Clone(b.cfg.App.Scopes), func(s string) bool { return s == f.scope }))
			out = b.call(name, staged)
			needed, _ := out["needed"].(string)
			provided, _ := out["provided"].(string)
			if out["error"] != "missing_scope" || !slices.Contains(strings.Split(needed, ","), f.scope) || slices.Contains(strings.Split(provided, ","), f.scope) {
				t.Errorf("without scope %s: %v", f.scope, out)
			}
		})
	}
}

func messages(out object) []any {
	meta, _ := out["response_metadata"].(object)
	list, _ := meta["messages"].([]any)
	return list
}

func TestEveryMethodOnAChannelChecksMembership(t *testing.T) {
	t.Parallel()
	for name, f := range facts() {
		argument := "channel"
		if f.args["channel_id"] != nil {
			argument = "channel_id"
		}
		if f.args[argument] == nil {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			yes := true
			b := setup(t, func(c *slacksim.Config) {
				c.Users = append(c.Users, slacksim.User{ID: "U0FRANK001", Name: "frank", RealName: "Frank"})
				c.Channels = append(c.Channels, slacksim.Channel{ID: "C0SECRET01", Name: "secret", IsPrivate: true, Members: []string{"alice"}})
			})
			expect := func(what, channel, want string, args object) {
				t.Helper()
				args = maps.Clone(args)
				args[argument] = channel
				out := b.call(name, args)
				if got, _ := out["error"].(string); got != want {
					t.Errorf("%s: got %v, want error %q", what, out, want)
				}
			}

			left := b.room("left")
			staged := b.stage(f.args, left)
			if _, err := b.ChangeChannel(slacksim.ChannelChange{ID: left, RemoveMembers: []string{"svcdown"}}); err != nil {
				t.Fatal(err)
			}
			expect("a public channel the app is not in", left, f.outside, staged)

			expect("a private channel the app is not in", "C0SECRET01", "channel_not_found", b.stage(f.args, b.room("other")))
			expect("no such channel", "C0NOWHERE1", "channel_not_found", b.stage(f.args, b.room("another")))

			archived := b.room("archived")
			staged = b.stage(f.args, archived)
			if _, err := b.ChangeChannel(slacksim.ChannelChange{ID: archived, IsArchived: &yes}); err != nil {
				t.Fatal(err)
			}
			expect("an archived channel", archived, f.archived, staged)

			if f.private != "" {
				hidden := b.must("conversations.create", object{"name": "hidden", "is_private": true})["channel"].(object)["id"].(string)
				staged = b.stage(f.args, hidden)
				b.SetScopes(slices.DeleteFunc(slices.Clone(b.cfg.App.Scopes), func(s string) bool { return s == f.private }))
				expect("a private channel without "+f.private, hidden, "missing_scope", staged)
			}
		})
	}
}

func TestCallsMayComeAsAFormInPartsAsJSONOrAsQuery(t *testing.T) {
	t.Parallel()
	b := setup(t)
	values := url.Values{"token": {b.cfg.App.BotToken}, "channel": {opsID}, "text": {"as a form"}, "unfurl_links": {"false"}, "blocks": {`[{"type":"divider"}]`}}
	if out := b.form("chat.postMessage", values); out["ok"] != true {
		t.Errorf("form: %v", out)
	}
	if out := b.get(b.at.API + "chat.postMessage?" + values.Encode()); out["ok"] != true {
		t.Errorf("query: %v", out)
	}
	b.must("chat.postMessage", object{"channel": opsID, "text": "as JSON", "unfurl_links": false, "blocks": []any{object{"type": "divider"}}})
	var body bytes.Buffer
	parts := multipart.NewWriter(&body)
	for name, v := range values {
		if err := parts.WriteField(name, v[0]); err != nil {
			t.Fatal(err)
		}
	}
	if err := parts.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(b.ctx, http.MethodPost, b.at.API+"chat.postMessage", &body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", parts.FormDataContentType())
	answer, err := http.DefaultClient.Do(r)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("multipart: %v, %v", answer, err)
	}
	_ = answer.Body.Close()
	if got := len(b.Messages("ops")); got != 4 {
		t.Errorf("got %d messages, want 4", got)
	}
	if out := b.form("chat.postMessage", url.Values{"token": {b.cfg.App.BotToken}, "channel": {opsID, opsID}, "text": {"x"}}); out["error"] != "invalid_array_arg" {
		t.Errorf("an argument twice: %v", out)
	}
	if out := b.form("chat.postMassage", values); out["error"] != "unknown_method" {
		t.Errorf("a method that is none: %v", out)
	}
}
