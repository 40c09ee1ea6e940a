package slacksim_test

import (
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/slacksim"
)

// fact is what Slack's Web API reference says of one method, written down once more and apart from the table under test.
type fact struct {
	args     object // a call that works
	required string
	scope    string // "" means that any bot token will do
	private  string // the scope for private channels where it is another one
	outside  string // the error in a public channel that the app is not in; "" means it works there
	archived string // the error in an archived channel; "" means it works there
}

const (
	opsID    = "C0OPS00001" // the app is in it
	aliceID  = "U0ALICE001"
	postedTS = "POSTED" // stands for a message of the app's in the channel
)

// facts holds every method of the simulator. CHANNEL stands for the channel that the case is about.
func facts() map[string]fact {
	view := object{"type": "modal", "title": plain("Restart"), "blocks": []any{}}
	home := object{"type": "home", "blocks": []any{}}
	ch := func(more ...any) object {
		out := object{"channel": "CHANNEL"}
		for i := 0; i < len(more); i += 2 {
			out[more[i].(string)] = more[i+1]
		}
		return out
	}
	mark := func(more ...any) object {
		out := ch(more...)
		out["channel_id"] = out["channel"]
		delete(out, "channel")
		return out
	}
	return map[string]fact{
		"api.test":              {args: object{}},
		"auth.test":             {args: object{}},
		"apps.connections.open": {args: object{}},

		"chat.postMessage":   {args: ch("text", "hi"), required: "channel", scope: "chat:write", archived: "is_archived"},
		"chat.postEphemeral": {args: ch("user", aliceID, "text", "hi"), required: "channel user", scope: "chat:write", outside: "not_in_channel", archived: "is_archived"},
		"chat.update":        {args: ch("ts", postedTS, "text", "hi"), required: "channel ts", scope: "chat:write", archived: "is_inactive"},
		"chat.delete":        {args: ch("ts", postedTS), required: "channel ts", scope: "chat:write"},
		"chat.getPermalink":  {args: ch("message_ts", postedTS), required: "channel message_ts"},

		"conversations.create":     {args: object{"name": "inc-1"}, required: "name", scope: "channels:manage"},
		"conversations.info":       {args: ch(), required: "channel", scope: "channels:read", private: "groups:read"},
		"conversations.list":       {args: object{}, scope: "channels:read"},
		"conversations.members":    {args: ch(), required: "channel", scope: "channels:read", private: "groups:read"},
		"conversations.invite":     {args: ch("users", "U0FRANK001"), required: "channel users", scope: "channels:manage", private: "groups:write", outside: "not_in_channel", archived: "is_archived"},
		"conversations.join":       {args: ch(), required: "channel", scope: "channels:join", archived: "is_archived"},
		"conversations.open":       {args: object{"users": aliceID}, scope: "im:write"},
		"conversations.rename":     {args: ch("name", "renamed"), required: "channel name", scope: "channels:manage", private: "groups:write", outside: "not_in_channel", archived: "is_archived"},
		"conversations.setTopic":   {args: ch("topic", "t"), required: "channel topic", scope: "channels:manage", private: "groups:write", outside: "not_in_channel", archived: "is_archived"},
		"conversations.setPurpose": {args: ch("purpose", "p"), required: "channel purpose", scope: "channels:manage", private: "groups:write", outside: "not_in_channel", archived: "is_archived"},
		"conversations.archive":    {args: ch(), required: "channel", scope: "channels:manage", private: "groups:write", outside: "not_in_channel", archived: "already_archived"},
		"conversations.unarchive":  {args: ch(), required: "channel", scope: "channels:manage", private: "groups:write", outside: "not_archived"},
		"conversations.history":    {args: ch(), required: "channel", scope: "channels:history", private: "groups:history", outside: "not_in_channel"},
		"conversations.replies":    {args: ch("ts", postedTS), required: "channel ts", scope: "channels:history", private: "groups:history", outside: "not_in_channel"},
		"users.conversations":      {args: object{}, scope: "channels:read"},

		"views.open":    {args: object{"trigger_id": "TRIGGER", "view": view}, required: "trigger_id view"},
		"views.push":    {args: object{"trigger_id": "TRIGGER", "view": view}, required: "trigger_id view"},
		"views.update":  {args: object{"view_id": "VIEW", "view": view}, required: "view"},
		"views.publish": {args: object{"user_id": aliceID, "view": home}, required: "user_id view"},

		"files.getUploadURLExternal":   {args: object{"filename": "a.log", "length": 3}, required: "filename length", scope: "files:write"},
		"files.completeUploadExternal": {args: mark("files", []any{object{"id": "FILE"}}), required: "files", scope: "files:write", outside: "not_in_channel", archived: "is_archived"},
		"files.info":                   {args: object{"file": "FILE"}, required: "file", scope: "files:read"},

		"canvases.create":               {args: object{"title": "t"}, scope: "canvases:write"},
		"canvases.edit":                 {args: object{"canvas_id": "CANVAS", "changes": []any{object{"operation": "replace", "document_content": object{"type": "markdown", "markdown": "x"}}}}, required: "canvas_id changes", scope: "canvases:write"},
		"conversations.canvases.create": {args: mark("title", "t"), required: "channel_id", scope: "canvases:write", outside: "not_in_channel"},

		"pins.add":    {args: ch("timestamp", postedTS), required: "channel", scope: "pins:write", outside: "not_in_channel", archived: "is_archived"},
		"pins.remove": {args: ch("timestamp", "PINNED"), required: "channel", scope: "pins:write", outside: "not_in_channel", archived: "is_archived"},
		"pins.list":   {args: ch(), required: "channel", scope: "pins:read", outside: "not_in_channel"},

		"bookmarks.add":    {args: mark("title", "t", "type", "link", "link", "https://example.com"), required: "channel_id title type", scope: "bookmarks:write", outside: "permission_denied"},
		"bookmarks.edit":   {args: mark("bookmark_id", "BOOKMARK", "title", "u"), required: "bookmark_id channel_id", scope: "bookmarks:write", outside: "permission_denied"},
		"bookmarks.remove": {args: mark("bookmark_id", "BOOKMARK"), required: "bookmark_id channel_id", scope: "bookmarks:write", outside: "permission_denied"},
		"bookmarks.list":   {args: mark(), required: "channel_id", scope: "bookmarks:read", outside: "permission_denied"},

		"reactions.add":    {args: ch("timestamp", postedTS, "name", "eyes"), required: "channel name timestamp", scope: "reactions:write", outside: "not_in_channel", archived: "is_archived"},
		"reactions.remove": {args: ch("timestamp", "REACTED", "name", "tada"), required: "name", scope: "reactions:write", outside: "not_in_channel", archived: "is_archived"},
		"reactions.get":    {args: ch("timestamp", postedTS), scope: "reactions:read", outside: "channel_not_found"},

		"usergroups.list":       {args: object{}, scope: "usergroups:read"},
		"usergroups.users.list": {args: object{"usergroup": "S0ONCALL01"}, required: "usergroup", scope: "usergroups:read"},
		"users.info":            {args: object{"user": aliceID}, required: "user", scope: "users:read"},
		"users.list":            {args: object{}, scope: "users:read"},
		"users.lookupByEmail":   {args: object{"email": "alice@example.com"}, required: "email", scope: "users:read.email"},
		"bots.info":             {args: object{"bot": "B0SVCDOWN1"}, scope: "users:read"},
		"team.info":             {args: object{}, scope: "team:read"},
	}
}

func plain(text string) object { return object{"type": "plain_text", "text": text} }

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

func TestCallsMayComeAsAFormAsJSONOrAsQuery(t *testing.T) {
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
	if got := len(b.Messages("ops")); got != 3 {
		t.Errorf("got %d messages, want 3", got)
	}
	if out := b.form("chat.postMessage", url.Values{"token": {b.cfg.App.BotToken}, "channel": {opsID, opsID}, "text": {"x"}}); out["error"] != "invalid_array_arg" {
		t.Errorf("an argument twice: %v", out)
	}
	if out := b.form("chat.postMassage", values); out["error"] != "unknown_method" {
		t.Errorf("a method that is none: %v", out)
	}
}
