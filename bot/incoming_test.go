package bot

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
)

const authorized = `"authorizations":[{"user_id":"U0BOT","is_bot":true}]`

func TestTypedTextIsWhatThePersonMeant(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ text, want string }{
		"the mention is taken away":               {"<@U0BOT> status backend", "status backend"},
		"with a name in it too":                   {"<@U0BOT|svcdown> status backend", "status backend"},
		"and what stands before it":               {"good morning <@U0BOT>  status", "status"},
		"other people stay":                       {"<@U0BOT> deny R-1 ask <@U0BOB>", "deny R-1 ask <@U0BOB>"},
		"a person mentioned before stays outside": {"<@U0BOB> look: <@U0BOT> status backend", "status backend"},
		"entities are undone once":                {"<@U0BOT> deny R-1 a &lt; b &amp;lt;", "deny R-1 a < b &lt;"},
		"links are as they were typed":            {"<@U0BOT> logs <http://api.example.com|api.example.com>", "logs api.example.com"},
		"bare links too":                          {"<@U0BOT> deny R-1 see <https://x.example/a>", "deny R-1 see https://x.example/a"},
		"channels have their names":               {"<@U0BOT> status <#C1|ops>", "status #ops"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := typed(c.text, "U0BOT"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestEventsThatAreNoCommandAreIgnored(t *testing.T) {
	t.Parallel()
	for name, event := range map[string]string{
		"a message of a bot":            `{"type":"message","channel_type":"im","user":"U1","bot_id":"B1","text":"hi","channel":"D1"}`,
		"our own message":               `{"type":"message","channel_type":"im","user":"U0BOT","text":"hi","channel":"D1"}`,
		"an edit":                       `{"type":"message","channel_type":"im","subtype":"message_changed","channel":"D1"}`,
		"a join":                        `{"type":"message","channel_type":"im","subtype":"channel_join","user":"U1","channel":"D1"}`,
		"talk in a channel":             `{"type":"message","channel_type":"channel","user":"U1","text":"hi","channel":"C1"}`,
		"a mention by a bot":            `{"type":"app_mention","user":"U1","bot_id":"B1","text":"<@U0BOT> restart backend","channel":"C1"}`,
		"a mention in a direct message": `{"type":"app_mention","user":"U1","text":"<@U0BOT> status","channel":"D1"}`,
		"the messages tab":              `{"type":"app_home_opened","user":"U1","tab":"messages"}`,
		"something new":                 `{"type":"moon_landing","user":{"id":"U1"}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, err := read(kindEvent, []byte(`{"event_id":"Ev1","team_id":"T1",`+authorized+`,"event":`+event+`}`))
			if err != nil {
				t.Fatal(err)
			}
			if h.asked != nil || h.home != "" || h.groupsChanged || h.userChanged != "" {
				t.Errorf("got %+v", h)
			}
		})
	}
}

func TestThePersonIsJudgedByTheirOwnTeam(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		kind, payload string
		want          catalog.SlackID
	}{
		"a mention from another company": {kindEvent, `{"event_id":"Ev1","team_id":"T1","event":{"type":"app_mention","user":"U9","user_team":"T9","team":"T1","channel":"C1","text":"x"}}`, catalog.SlackID{Team: "T9", User: "U9"}},
		"a click from another company":   {kindInteract, `{"type":"block_actions","team":{"id":"T1"},"user":{"id":"U9","team_id":"T9"},"actions":[{"type":"button","action_id":"approve#0","value":"R-1","action_ts":"1.1"}]}`, catalog.SlackID{Team: "T9", User: "U9"}},
		"a command":                      {kindCommand, `{"team_id":"T1","user_id":"U1","trigger_id":"1.2.3","text":"status"}`, catalog.SlackID{Team: "T1", User: "U1"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, err := read(c.kind, []byte(c.payload))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, h.asked.From); diff != "" {
				t.Errorf("from (-want +got):\n%s", diff)
			}
		})
	}
}

func TestAClickOnAWhisperedCardIsAnsweredWithoutThread(t *testing.T) {
	t.Parallel()
	h, err := read(kindInteract, []byte(`{"type":"block_actions","team":{"id":"T1"},"user":{"id":"U1"},"response_url":"https://hooks.slack.com/x",
		"container":{"channel_id":"C1","message_ts":"5.5","is_ephemeral":true},"actions":[{"type":"button","action_id":"logs#1","value":"backend --previous","action_ts":"1.1"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	want := card.Address{Kind: "slack", Team: "T1", Channel: "C1", User: "U1", ResponseURL: "https://hooks.slack.com/x"}
	if diff := cmp.Diff(want, h.asked.Where); diff != "" || h.asked.Text != "logs backend --previous" {
		t.Errorf("text %q, where (-want +got):\n%s", h.asked.Text, diff)
	}
}

func TestTwoPressesOfAButtonAreTwoClicksAndOneDeliveredTwiceIsOne(t *testing.T) {
	t.Parallel()
	click := func(ts string) string {
		h, err := read(kindInteract, []byte(`{"type":"block_actions","user":{"id":"U1"},"container":{"message_ts":"5.5"},"actions":[{"type":"button","action_id":"approve#0","value":"R-1","action_ts":"`+ts+`"}]}`))
		if err != nil {
			t.Fatal(err)
		}
		return h.key
	}
	if first, again, other := click("1.1"), click("1.1"), click("1.2"); first != again || first == other {
		t.Errorf("keys %q, %q and %q", first, again, other)
	}
}

func TestPayloadsThatCannotBeReadAreErrors(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ kind, payload string }{
		"no JSON":                    {kindCommand, `status backend`},
		"a command of nobody":        {kindCommand, `{"text":"status"}`},
		"an event without ID":        {kindEvent, `{"event":{"type":"app_mention"}}`},
		"a click without action":     {kindInteract, `{"type":"block_actions","user":{"id":"U1"}}`},
		"a kind that nobody knows":   {"hello", `{}`},
		"the wrong shape altogether": {kindEvent, `[]`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if h, err := read(c.kind, []byte(c.payload)); err == nil {
				t.Errorf("got %+v", h)
			}
		})
	}
}

func TestOnlySlackIsTrustedWithAnAnswer(t *testing.T) {
	t.Parallel()
	b := &Bot{cfg: Config{APIURL: "http://127.0.0.1:4000/api/"}}
	for raw, want := range map[string]bool{
		"https://hooks.slack.com/commands/T1/2/x": true, "http://127.0.0.1:4000/respond/T1/x": true,
		"http://hooks.slack.com/x": false, "https://hooks.slack.com.evil.example/x": false, "http://169.254.169.254/latest": false,
		"http://127.0.0.1:4001/": false, "://": false,
	} {
		if err := b.trusted(raw); (err == nil) != want {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func FuzzReadNeverPanics(f *testing.F) {
	f.Add(kindCommand, `{"team_id":"T1","user_id":"U1","trigger_id":"1"}`)
	f.Add(kindEvent, `{"event_id":"E","event":{"type":"app_mention","user":"U1","text":"<@U0BOT> x"},`+authorized+`}`)
	f.Add(kindInteract, `{"type":"block_actions","user":{"id":"U"},"actions":[{"type":"button","action_id":"#","value":"|"}]}`)
	f.Fuzz(func(t *testing.T, kind, payload string) {
		h, err := read(kind, []byte(payload))
		if err == nil && h.asked != nil && (h.key == "" || h.asked.Key != h.key || h.asked.From.User == "" || strings.TrimSpace(h.asked.Ref) == "") {
			t.Errorf("got %+v", h.asked)
		}
	})
}
