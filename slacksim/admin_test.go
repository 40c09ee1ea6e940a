package slacksim_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/slacksim"
)

func TestTheAdminSideChangesTheWorkspace(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app := b.dial()
	for _, step := range []struct {
		path string
		body object
	}{
		{"admin/users", object{"id": "U0FRANK001", "name": "frank", "real_name": "Frank Moss"}},
		{"admin/users", object{"name": "ivy", "team_id": "T0VENDOR01"}},
		{"admin/channels", object{"name": "war-room", "add_members": []any{"frank", "alice"}, "is_ext_shared": true}},
		{"admin/channels", object{"name": "war-room", "add_members": []any{"svcdown", "ivy"}}},
		{"admin/usergroups", object{"handle": "oncall", "users": []any{"frank"}}},
		{"admin/usergroups", object{"handle": "oncall", "name": "On call now"}},
		{"admin/faults", object{"method": "chat.postMessage", "kind": "error", "error": "fatal_error"}},
		{"admin/socket", object{"op": "duplicate_next"}},
	} {
		if out := b.act(step.path, step.body); out["ok"] != true {
			t.Errorf("%s %v: %v", step.path, step.body, out)
		}
	}
	if e := app.event("member_joined_channel")["event"].(object); e["user"] != "U0SVCDOWN1" {
		t.Errorf("got %v", e)
	}
	if got := b.must("usergroups.users.list", object{"usergroup": "S0ONCALL01"})["users"].([]any); len(got) != 1 || got[0] != "U0FRANK001" {
		t.Errorf("got %v on call, want frank: renaming a group leaves its people", got)
	}
	b.refused("fatal_error", "chat.postMessage", object{"channel": "war-room", "text": "x"})
	b.must("chat.postMessage", object{"channel": "war-room", "text": "x"})
	calls := b.get(b.at.Page + "api/admin/calls?method=chat.postMessage")["calls"].([]any)
	if len(calls) != 2 || calls[0].(object)["fault"] != "error" {
		t.Errorf("got %v", calls)
	}
	if got := b.get(b.at.Page + "api/admin/socket")["connections"].([]any); len(got) != 1 {
		t.Errorf("got %v", got)
	}
	for _, wrong := range []struct {
		path string
		body object
	}{
		{"admin/users", object{"name": "nobody", "delete": true}},
		{"admin/channels", object{"name": "Not A Name"}},
		{"admin/channels", object{"name": "ops", "add_members": []any{"nobody"}}},
		{"admin/usergroups", object{"handle": "oncall", "users": []any{"nobody"}}},
		{"admin/faults", object{"method": "*", "kind": "meteor"}},
		{"admin/socket", object{"op": "unplug"}},
	} {
		if out := b.act(wrong.path, wrong.body); out["ok"] != false || out["error"] == "" {
			t.Errorf("%s %v: %v", wrong.path, wrong.body, out)
		}
	}
	if out := b.act("admin/reset", object{}); out["ok"] != true || len(b.Calls("")) != 0 {
		t.Errorf("reset: %v", out)
	}
	b.refused("channel_not_found", "chat.postMessage", object{"channel": "war-room", "text": "x"})
}

func TestConfigsThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*slacksim.Config){
		"no team":                         func(c *slacksim.Config) { c.Team.ID = "" },
		"no bot user":                     func(c *slacksim.Config) { c.App.BotUserID = "" },
		"a user twice":                    func(c *slacksim.Config) { c.Users = append(c.Users, c.Users[0]) },
		"a user without a name":           func(c *slacksim.Config) { c.Users = append(c.Users, slacksim.User{ID: "U1"}) },
		"a channel twice":                 func(c *slacksim.Config) { c.Channels = append(c.Channels, c.Channels[0]) },
		"a member nobody knows":           func(c *slacksim.Config) { c.Channels[0].Members = []string{"mallory"} },
		"a group with a person not there": func(c *slacksim.Config) { c.Usergroups[0].Users = []string{"mallory"} },
		"a group without a handle":        func(c *slacksim.Config) { c.Usergroups[0].Handle = "" },
	} {
		cfg := slacksim.Marketplace()
		change(&cfg)
		if _, err := slacksim.New(cfg); err == nil {
			t.Errorf("%s: want an error", name)
		}
	}
	for _, address := range []string{"0.0.0.0:0", "192.0.2.1:0", "nonsense"} {
		cfg := slacksim.Marketplace()
		cfg.ListenPage = address
		w, err := slacksim.New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Start(t.Context()); err == nil {
			t.Errorf("it listens on %s", address)
		}
	}
}

func TestNoSlackClientLibraryIsImported(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, f := range files {
		src, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(src), `"github.com/slack`+`-go/`) {
			t.Errorf("%s imports a Slack client library: client and simulator would share its misreadings", f)
		}
	}
}
