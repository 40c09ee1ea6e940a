package slacksim_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/slacksim"
)

func TestChannelNamesFollowSlacksRules(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for name, want := range map[string]string{
		"inc-2026_03": "", strings.Repeat("x", 80): "",
		strings.Repeat("x", 81): "invalid_name_maxlength", "ops": "name_taken", "Inc": "invalid_name_specials",
		"inc 1": "invalid_name_specials", "--": "invalid_name_punctuation", "störung": "invalid_name_specials",
	} {
		if got, _ := b.call("conversations.create", object{"name": name})["error"].(string); got != want {
			t.Errorf("%q: got error %q, want %q", name, got, want)
		}
	}
}

func TestARoomIsMadeRenamedDescribedAndArchived(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app := b.dial()
	id := b.room("inc-1")
	b.must("conversations.rename", object{"channel": id, "name": "inc-1-db"})
	b.must("conversations.setTopic", object{"channel": id, "topic": "postgres is down"})
	b.refused("too_long", "conversations.setTopic", object{"channel": id, "topic": strings.Repeat("x", 251)})
	b.must("conversations.archive", object{"channel": id})
	b.refused("already_archived", "conversations.archive", object{"channel": id})
	got := b.must("conversations.info", object{"channel": id, "include_num_members": true})["channel"].(object)
	picked := []any{got["name"], got["topic"].(object)["value"], got["is_archived"], got["num_members"], got["is_member"]}
	if diff := cmp.Diff([]any{"inc-1-db", "postgres is down", true, 2.0, true}, picked); diff != "" {
		t.Error(diff)
	}
	b.must("conversations.unarchive", object{"channel": id})
	b.refused("not_archived", "conversations.unarchive", object{"channel": id})
	b.refused("not_authorized", "conversations.rename", object{"channel": opsID, "name": "not-ours"})
	b.refused("already_archived", "conversations.archive", object{"channel": b.archived("old")})
	if e := app.event("channel_archive")["event"].(object); e["channel"] != id {
		t.Errorf("got %v", e)
	}
}

// archived makes a channel that is archived already.
func (b *bundle) archived(name string) string {
	b.t.Helper()
	id := b.room(name)
	yes := true
	if _, err := b.ChangeChannel(slacksim.ChannelChange{ID: id, IsArchived: &yes}); err != nil {
		b.t.Fatal(err)
	}
	return id
}

func TestOnlyPostingTakesAChannelByName(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.must("chat.postMessage", object{"channel": "#ops", "text": "x"})
	b.refused("channel_not_found", "conversations.history", object{"channel": "ops"})
	b.refused("channel_not_found", "conversations.setTopic", object{"channel": "#ops", "topic": "x"})
}

func TestInvitationsAreAllOrNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.room("inc-1")
	cases := map[string]string{
		aliceID: "already_in_channel", "U404": "user_not_found", "U0SVCDOWN1": "cant_invite_self", "U0DAVE0001": "user_is_restricted",
		"U0ERIN0001": "org_user_not_in_team", "U0BOB00001,U404": "user_not_found",
	}
	for users, want := range cases {
		b.refused(want, "conversations.invite", object{"channel": id, "users": users})
	}
	members := b.must("conversations.members", object{"channel": id})["members"]
	if diff := cmp.Diff([]any{"U0SVCDOWN1", aliceID}, members); diff != "" {
		t.Errorf("a refused invitation invited somebody: %s", diff)
	}
	b.must("conversations.invite", object{"channel": id, "users": "U0BOB00001,U404", "force": true})
	var many []string
	for i := range 101 {
		many = append(many, fmt.Sprint("U", i))
	}
	b.refused("too_many_users", "conversations.invite", object{"channel": id, "users": strings.Join(many, ",")})
}

func TestADirectMessageIsOpenedWithOnePerson(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.must("conversations.open", object{"users": aliceID})["channel"].(object)["id"]
	again := b.must("conversations.open", object{"users": aliceID, "return_im": true})["channel"].(object)
	if again["id"] != id || again["is_im"] != true || again["user"] != aliceID {
		t.Errorf("got %v, want %v again", again, id)
	}
	if got := b.must("chat.postMessage", object{"channel": aliceID, "text": "psst"})["channel"]; got != id {
		t.Errorf("a message to a person's ID went to %v, want %v", got, id)
	}
	b.refused("user_not_found", "conversations.open", object{"users": "U404"})
	b.refused("users_list_not_supplied", "conversations.open", object{})
	b.refused("missing_scope", "conversations.open", object{"users": "U0ALICE001,U0BOB00001"})
	app := b.dial()
	app.event("message") // its own "psst", as at Slack
	b.say("alice", "svcdown", "status backend")
	if e := app.event("message")["event"].(object); e["channel"] != id || e["channel_type"] != "im" || e["text"] != "status backend" {
		t.Errorf("got %v", e)
	}
}

func TestListsShowWhatTheAppMaySee(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *slacksim.Config) {
		c.Channels = append(c.Channels, slacksim.Channel{ID: "C0SECRET01", Name: "secret", IsPrivate: true, Members: []string{"alice"}})
	})
	names := func(out object) []any {
		var list []any
		for _, c := range out["channels"].([]any) {
			list = append(list, c.(object)["name"])
		}
		return list
	}
	if diff := cmp.Diff([]any{"ops", "incidents", "general", "vendor-shared"}, names(b.must("conversations.list", object{"types": "public_channel,private_channel"}))); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]any{"ops", "incidents", "vendor-shared"}, names(b.must("users.conversations", object{}))); diff != "" {
		t.Error(diff)
	}
	b.refused("missing_scope", "conversations.list", object{"types": "im"}) // there is no im:read
	b.refused("invalid_types", "conversations.list", object{"types": "dm"})
}

func TestTheDirectoryTellsGuestsStrangersAndGroups(t *testing.T) {
	t.Parallel()
	b := setup(t)
	user := func(id string) object { return b.must("users.info", object{"user": id})["user"].(object) }
	if u := user("U0DAVE0001"); u["is_restricted"] != true {
		t.Errorf("dave is a guest, got %v", u)
	}
	if u := user("U0ERIN0001"); u["team_id"] != "T0VENDOR01" {
		t.Errorf("erin is of another team, got %v", u)
	}
	if u := b.must("users.lookupByEmail", object{"email": "bob@example.com"})["user"].(object); u["id"] != "U0BOB00001" {
		t.Errorf("got %v", u)
	}
	b.refused("users_not_found", "users.lookupByEmail", object{"email": "erin@vendor.example"})

	app := b.dial()
	if _, err := b.ChangeUsergroup(slacksim.Usergroup{Handle: "oncall", Users: []string{"bob", "carol"}}); err != nil {
		t.Fatal(err)
	}
	got := b.must("usergroups.users.list", object{"usergroup": "S0ONCALL01"})["users"]
	if diff := cmp.Diff([]any{"U0BOB00001", "U0CAROL001"}, got); diff != "" {
		t.Error(diff)
	}
	e := app.event("subteam_members_changed")["event"].(object)
	want := []any{"S0ONCALL01", []any{"U0BOB00001", "U0CAROL001"}, []any{aliceID}}
	if diff := cmp.Diff(want, []any{e["subteam_id"], e["added_users"], e["removed_users"]}); diff != "" {
		t.Error(diff)
	}

	if _, err := b.ChangeUser(slacksim.UserChange{User: slacksim.User{Name: "bob"}, Delete: true}); err != nil {
		t.Fatal(err)
	}
	if u := user("U0BOB00001"); u["deleted"] != true {
		t.Errorf("got %v", u)
	}
	if _, err := b.Say("bob", "ops", "", "still here?"); err == nil {
		t.Error("a deactivated person spoke")
	}
	if diff := cmp.Diff([]any{"U0CAROL001"}, b.must("usergroups.users.list", object{"usergroup": "S0ONCALL01"})["users"]); diff != "" {
		t.Errorf("a deactivated person is still in the group: %s", diff)
	}
}

func TestPeopleOfAnotherTeamComeWithTheirTeam(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app := b.dial()
	ts := b.must("chat.postMessage", object{"channel": "C0VENDOR01", "text": "card", "blocks": actions(button("approve", "1"))})["ts"].(string)
	if err := b.Act(slacksim.Action{User: "erin", Channel: "vendor-shared", MessageTS: ts, ActionID: "approve"}); err != nil {
		t.Fatal(err)
	}
	f := app.next("interactive")
	app.ack(f, nil)
	p := f["payload"].(object)
	if got := p["user"].(object)["team_id"]; got != "T0VENDOR01" {
		t.Errorf("got user.team_id %v", got)
	}
	b.say("erin", "vendor-shared", "@svcdown status backend")
	m := app.event("app_mention")
	if e := m["event"].(object); e["user_team"] != "T0VENDOR01" || m["is_ext_shared_channel"] != true {
		t.Errorf("got %v", m)
	}
	if _, err := b.Say("erin", "ops", "", "hello"); err == nil {
		t.Error("erin wrote in a channel that is not shared")
	}
}

func TestFilesGoUpInThreeSteps(t *testing.T) {
	t.Parallel()
	b := setup(t)
	content := "line 1\nline 2 <!channel>\n"
	asked := b.must("files.getUploadURLExternal", object{"filename": "backend.log", "length": len(content)})
	id, address := asked["file_id"].(string), asked["upload_url"].(string)
	if !strings.HasPrefix(address, strings.TrimSuffix(b.at.API, "api/")) {
		t.Errorf("the upload URL %s is not on the API's origin", address)
	}
	files := []any{object{"id": id, "title": "Logs of backend"}}
	b.refused("file_not_found", "files.completeUploadExternal", object{"files": files, "channel_id": opsID})
	if got := b.put(address, content+"too much"); got.StatusCode != 400 {
		t.Errorf("a file longer than announced: %s", got.Status)
	}
	if got := b.put(address, content); got.StatusCode != 200 {
		t.Errorf("upload: %s", got.Status)
	}
	if got := b.put(address, content); got.StatusCode != 404 {
		t.Errorf("a second upload: %s", got.Status)
	}
	b.refused("not_in_channel", "files.completeUploadExternal", object{"files": files, "channel_id": "C0GENERAL1"})
	head := b.must("chat.postMessage", object{"channel": opsID, "text": "head"})["ts"].(string)
	b.must("files.completeUploadExternal", object{"files": files, "channel_id": opsID, "thread_ts": head, "initial_comment": "the logs"})
	m := b.message("the logs")
	if m.ThreadTS != head || len(m.Files) != 1 || m.Files[0].Title != "Logs of backend" || m.Files[0].Preview != content {
		t.Errorf("got %+v", m)
	}
	info := b.must("files.info", object{"file": id})["file"].(object)
	share := info["shares"].(object)["public"].(object)[opsID].([]any)[0].(object)
	if diff := cmp.Diff(object{"ts": m.TS, "thread_ts": head}, object{"ts": share["ts"], "thread_ts": share["thread_ts"]}); diff != "" {
		t.Error(diff)
	}
	if out := b.get(b.at.Page + "api/files/" + id + "?user=alice"); out["raw"] != content {
		t.Errorf("alice reads %v", out)
	}
	if out := b.get(b.at.Page + "api/files/" + id + "?user=erin"); out["raw"] == content {
		t.Error("erin reads a file of a channel she is not in")
	}
}

func TestCanvasesAreWrittenAndEdited(t *testing.T) {
	t.Parallel()
	b := setup(t)
	doc := func(s string) object { return object{"type": "markdown", "markdown": s} }
	id := b.must("conversations.canvases.create", object{"channel_id": opsID, "title": "Timeline", "document_content": doc("# Start")})["canvas_id"].(string)
	b.refused("channel_canvas_already_exists", "conversations.canvases.create", object{"channel_id": opsID})
	b.must("canvases.edit", object{"canvas_id": id, "changes": []any{object{"operation": "insert_at_end", "document_content": doc("End")}}})
	b.refused("canvas_not_found", "canvases.edit", object{"canvas_id": "F404", "changes": []any{}})
	b.refused("canvas_editing_failed", "canvases.edit", object{"canvas_id": id, "changes": []any{object{"operation": "burn"}}})
	if title, text, ok := b.Canvas(id); !ok || title != "Timeline" || text != "# Start\nEnd" {
		t.Errorf("got %q, %q, %v", title, text, ok)
	}
}

func TestPinsBookmarksAndReactionsAreThereOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app := b.dial()
	ts := b.say("alice", "ops", "look")
	pin := object{"channel": opsID, "timestamp": ts}
	b.must("pins.add", pin)
	b.refused("already_pinned", "pins.add", pin)
	if got := b.must("pins.list", object{"channel": opsID})["items"].([]any); len(got) != 1 {
		t.Errorf("got pins %v", got)
	}
	b.must("pins.remove", pin)
	b.refused("no_pin", "pins.remove", pin)

	eyes := object{"channel": opsID, "timestamp": ts, "name": "eyes"}
	b.must("reactions.add", eyes)
	b.refused("already_reacted", "reactions.add", eyes)
	if err := b.React("bob", "ops", ts, "eyes", false); err != nil {
		t.Fatal(err)
	}
	want := []slacksim.Reaction{{Name: "eyes", Users: []string{"U0SVCDOWN1", "U0BOB00001"}, Count: 2}}
	if diff := cmp.Diff(want, b.Messages("ops")[0].Reactions); diff != "" {
		t.Error(diff)
	}
	for user, count := range map[string]int{"U0SVCDOWN1": 1, "U0BOB00001": 1, aliceID: 0} {
		if got := b.must("reactions.list", object{"user": user})["items"].([]any); len(got) != count {
			t.Errorf("%s reacted to %v", user, got)
		}
	}
	b.refused("user_not_found", "reactions.list", object{"user": "U0NOBODY01"})
	b.must("reactions.remove", eyes)
	b.refused("no_reaction", "reactions.remove", eyes)
	b.refused("invalid_name", "reactions.add", object{"channel": opsID, "timestamp": ts, "name": "not an emoji"})
	if e := app.event("reaction_added")["event"].(object); e["reaction"] != "eyes" || e["item"].(object)["ts"] != ts {
		t.Errorf("got %v", e)
	}

	b.refused("invalid_link", "bookmarks.add", object{"channel_id": opsID, "title": "t", "type": "link", "link": "javascript:alert(1)"})
	id := b.must("bookmarks.add", object{"channel_id": opsID, "title": "Status page", "type": "link", "link": "https://status.example"})["bookmark"].(object)["id"]
	b.must("bookmarks.edit", object{"channel_id": opsID, "bookmark_id": id, "title": "Status"})
	list := b.must("bookmarks.list", object{"channel_id": opsID})["bookmarks"].([]any)
	if len(list) != 1 || list[0].(object)["title"] != "Status" || list[0].(object)["link"] != "https://status.example" {
		t.Errorf("got %v", list)
	}
	b.must("bookmarks.remove", object{"channel_id": opsID, "bookmark_id": id})
	b.refused("not_found", "bookmarks.remove", object{"channel_id": opsID, "bookmark_id": id})
}

func TestThePreviewOfAFileEndsAtALine(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a line of a log that is not short, for sure; it goes on until it is enough for one\n", 15) + strings.Repeat("x", 3000)
	for name, c := range map[string]struct{ text, want string }{
		"a short text is there as a whole": {"one\ntwo", "one\ntwo"},
		"many lines end at the twentieth":  {strings.Repeat("x\n", 30), strings.TrimSuffix(strings.Repeat("x\n", 20), "\n")},
		"a long text ends at a line":       {long, strings.TrimSuffix(long[:15*83], "\n")},
		"a line without end is cut":        {strings.Repeat("x", 3000), strings.Repeat("x", 2000)},
	} {
		if got := slacksim.Preview(c.text); got != c.want {
			t.Errorf("%s: got %d bytes, want %d: %q", name, len(got), len(c.want), got)
		}
	}
}
