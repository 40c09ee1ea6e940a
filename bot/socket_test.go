package bot_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/svcdown/svcdown/bot"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/slacksim"
)

// answering is a desk that says a card where it was asked.
func answering(b *bundle, in handlers.Incoming) {
	at, err := b.At(in.Where).Say(b.ctx, "", card.Card{
		Title: redact.Const("backend"), State: card.Fail, Verdict: redact.F("answer to %s", in.Text),
		Buttons: []card.Button{{Label: redact.Const("Approve"), Verb: "approve", Value: "R-ABCDEF|sha256:1"}},
	})
	if err != nil || at.Channel == "" {
		b.desk.handled <- handlers.Incoming{Text: "say: " + err.Error()}
	}
}

func TestASlashCommandIsAckedAndAnsweredWithACard(t *testing.T) {
	t.Parallel()
	b := setup(t, options{handle: answering})

	b.say(t, "alice", "ops", "", "/svcdown status backend")
	got := b.next(t)
	want := handlers.Incoming{
		From: catalog.SlackID{Team: team, User: alice}, Text: "status backend",
		Where: card.Address{Kind: "slack", Team: team, Channel: ops, User: alice},
	}
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(handlers.Incoming{}, "Key", "Ref", "Where.ResponseURL", "Trigger")); diff != "" {
		t.Errorf("incoming (-want +got):\n%s", diff)
	}
	if !strings.HasPrefix(got.Key, "command:") || len(got.Ref) != 6 || got.Where.ResponseURL == "" {
		t.Errorf("key %q, ref %q, response_url %q", got.Key, got.Ref, got.Where.ResponseURL)
	}
	m := b.message(t, "answer to status backend")
	if m.Channel != ops || m.ThreadTS != "" || m.Ephemeral {
		t.Errorf("the card stands in %s, thread %q, ephemeral %v", m.Channel, m.ThreadTS, m.Ephemeral)
	}
	if s, err := b.slack.WaitSockets(b.ctx, func(s slacksim.SocketState) bool { return len(s.Acks) > 0 }); err != nil || s.Acks[0].Late {
		t.Errorf("acks %+v: %v", s.Acks, err)
	}
	if keys := b.inbox.keys(); len(keys) != 0 {
		t.Errorf("a reading command was stored before the ack: %v", keys)
	}
}

func TestAChangingCommandIsStoredBeforeItIsAcked(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	b.say(t, "alice", "ops", "", "/svcdown restart backend")
	in := b.next(t)
	if diff := cmp.Diff([]string{in.Key}, b.inbox.keys()); diff != "" {
		t.Errorf("inbox (-want +got):\n%s", diff)
	}
}

func TestWhenTheInboxIsAwayAChangingCommandIsHandledAllTheSame(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	b.inbox.goAway()
	b.trouble(t, slacksim.SocketOp{Op: slacksim.SocketDuplicateNext})
	b.say(t, "alice", "ops", "", "/svcdown restart backend")
	if in := b.next(t); in.Text != "restart backend" {
		t.Errorf("handled %q", in.Text)
	}
	b.nothingMore(t)
}

// nothingMore makes sure that an earlier delivery did not reach the desk twice: it sends a later one and expects that next.
func (b *bundle) nothingMore(t *testing.T) {
	t.Helper()
	b.say(t, "bob", "ops", "", "/svcdown whoami")
	if in := b.next(t); in.Text != "whoami" {
		t.Errorf("%q was handled once more", in.Text)
	}
}

func TestARedeliveryIsHandledOnce(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ op, text string }{
		"a reading command with the same envelope ID":       {slacksim.SocketDuplicateNext, "/svcdown status backend"},
		"a reading command with a new envelope ID":          {slacksim.SocketDuplicateNextNewID, "/svcdown status backend"},
		"a changing command with the same envelope ID":      {slacksim.SocketDuplicateNext, "/svcdown restart backend"},
		"a changing command with a new envelope ID":         {slacksim.SocketDuplicateNextNewID, "/svcdown restart backend"},
		"a mention with a new envelope ID":                  {slacksim.SocketDuplicateNextNewID, "@svcdown status backend"},
		"a command whose ack is lost":                       {slacksim.SocketDropAck, "/svcdown status backend"},
		"a changing command whose ack is lost":              {slacksim.SocketDropAck, "/svcdown restart backend"},
		"a changing mention that is stored, with a new one": {slacksim.SocketDuplicateNextNewID, "@svcdown restart backend"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{slack: func(c *slacksim.Config) {
				c.AckDeadline = 200 * time.Millisecond
				c.App.Events = []string{"app_mention"}
			}})
			b.trouble(t, slacksim.SocketOp{Op: c.op})
			b.say(t, "alice", "ops", "", c.text)
			b.next(t)
			deliveries := 2
			if _, err := b.slack.WaitSockets(b.ctx, func(s slacksim.SocketState) bool { return s.Unacked == 0 && len(s.Acks) >= deliveries-1 }); err != nil {
				t.Fatal(err)
			}
			b.nothingMore(t)
		})
	}
}

func TestAMentionIsAnsweredInTheThread(t *testing.T) {
	t.Parallel()
	b := setup(t, options{handle: answering})
	ts := b.say(t, "alice", "ops", "", "good morning @svcdown status backend &amp; more")
	in := b.next(t)
	if in.Where.Thread != ts || !strings.HasPrefix(in.Text, "status backend") {
		t.Errorf("thread %q, text %q", in.Where.Thread, in.Text)
	}
	if m := b.message(t, "answer to status"); m.ThreadTS != ts {
		t.Errorf("answered in thread %q, not %q", m.ThreadTS, ts)
	}
	b.say(t, "bob", "ops", ts, "@svcdown logs backend")
	if in := b.next(t); in.Where.Thread != ts || in.Text != "logs backend" {
		t.Errorf("in the thread: thread %q, text %q", in.Where.Thread, in.Text)
	}
}

func TestADirectMessageIsACommand(t *testing.T) {
	t.Parallel()
	b := setup(t, options{handle: answering})
	b.say(t, "alice", "svcdown", "", "status backend")
	in := b.next(t)
	if in.Text != "status backend" || !strings.HasPrefix(in.Where.Channel, "D") || in.Where.Private {
		t.Errorf("text %q in %+v", in.Text, in.Where)
	}
	b.message(t, "answer to status backend")
	b.nothingMore(t) // the bot's own answer in the direct messages is no command
}

func TestAClickCarriesTheVerbTheIDAndThePlanThatWasSeen(t *testing.T) {
	t.Parallel()
	b := setup(t, options{handle: func(b *bundle, in handlers.Incoming) {
		if in.Seen == "" {
			answering(b, in)
		}
	}})
	b.say(t, "alice", "ops", "", "/svcdown status backend")
	b.next(t)
	m := b.message(t, "answer to")
	if err := b.slack.Act(slacksim.Action{User: "bob", Channel: "ops", MessageTS: m.TS, ActionID: "approve#0"}); err != nil {
		t.Fatal(err)
	}
	in := b.next(t)
	want := handlers.Incoming{
		Key: in.Key, Ref: in.Ref, Trigger: in.Trigger, From: catalog.SlackID{Team: team, User: "U0BOB00001"}, Text: "approve R-ABCDEF", Seen: "sha256:1",
		Where: card.Address{Kind: "slack", Team: team, Channel: ops, Thread: m.TS, Message: m.TS, User: "U0BOB00001", ResponseURL: in.Where.ResponseURL},
	}
	if diff := cmp.Diff(want, in); diff != "" {
		t.Errorf("click (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{in.Key}, b.inbox.keys()); diff != "" {
		t.Errorf("inbox (-want +got):\n%s", diff)
	}
}

func TestAClickOfAnotherCompanyCarriesTheirTeam(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	at, err := b.At(card.Address{Channel: vendor}).Say(b.ctx, "", card.Card{
		Verdict: redact.Const("a card"), Buttons: []card.Button{{Label: redact.Const("Approve"), Verb: "approve", Value: "R-1"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.slack.Act(slacksim.Action{User: "erin", Channel: "vendor-shared", MessageTS: at.Message, ActionID: "approve#0"}); err != nil {
		t.Fatal(err)
	}
	in := b.next(t)
	if diff := cmp.Diff(catalog.SlackID{Team: "T0VENDOR01", User: "U0ERIN0001"}, in.From); diff != "" {
		t.Errorf("from (-want +got):\n%s", diff)
	}
	if !in.Where.Private {
		t.Error("a channel that another company reads is not private")
	}
}

func TestSocketsComeBack(t *testing.T) {
	t.Parallel()
	for name, op := range map[string]string{
		"after the connection was cut":    slacksim.SocketKill,
		"after Slack asked for a refresh": slacksim.SocketRefresh,
		"after it went silent":            slacksim.SocketHalfOpen,
		"after the link was disabled":     slacksim.SocketLinkDisabled,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{handle: answering, bot: func(c *bot.Config) {
				if op == slacksim.SocketHalfOpen {
					c.PingTimeout = time.Second // the pings come every 50 ms
				}
			}})
			before, err := b.slack.WaitSockets(b.ctx, func(slacksim.SocketState) bool { return true })
			if err != nil {
				t.Fatal(err)
			}
			old := before.Connections[0].ID
			b.trouble(t, slacksim.SocketOp{Op: op, Connection: old})
			if op != slacksim.SocketHalfOpen { // the other connection takes it
				b.say(t, "alice", "ops", "", "/svcdown status backend")
				b.next(t)
			}
			_, err = b.slack.WaitSockets(b.ctx, func(s slacksim.SocketState) bool {
				live := 0
				for _, c := range s.Connections {
					if c.ID != old && !c.HalfOpen && !c.Leaving {
						live++
					}
				}
				return live == 2
			})
			if err != nil {
				t.Fatalf("no second connection came back: %v", err)
			}
			b.until(t, func() bool { return b.Health().Sockets == 2 })
			b.say(t, "alice", "ops", "", "/svcdown whoami")
			b.next(t)
			if b.Health().LastEvent.IsZero() {
				t.Error("health does not know when Slack last sent something")
			}
		})
	}
}

func TestWhenSlackIsAwayTheBotStaysUpAndSaysSo(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	b.fault(t, slacksim.Fault{Method: "apps.connections.open", Kind: slacksim.FaultHTTP500, Times: 6})
	b.trouble(t, slacksim.SocketOp{Op: slacksim.SocketKill})
	b.until(t, func() bool { h := b.Health(); return h.Sockets < 2 && strings.Contains(h.Problem, "500") })
	b.awaitSockets(t, 2)
	if got := b.Health().Problem; got != "" {
		t.Errorf("problem %q after the connections came back", got)
	}
}

func TestTokensThatSlackRefusesEndTheRunWithAWordToTheOperator(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{
		"invalid": "invalid_auth", "revoked": "token_revoked", "uninstalled": "account_inactive", "of another kind": "not_allowed_token_type",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{offline: true})
			b.fault(t, slacksim.Fault{Method: "apps.connections.open", Kind: slacksim.FaultError, Error: code, Times: 2})
			err := b.Run(b.ctx)
			if err == nil || !strings.Contains(err.Error(), code) || !strings.Contains(err.Error(), "set") && !strings.Contains(err.Error(), "SLACK_APP_TOKEN") {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestNewRefusesTokensOfTheWrongKind(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		cfg  bot.Config
		want string
	}{
		"a bot token as app token":  {bot.Config{AppToken: "xoxb-1", BotToken: "xoxb-1"}, "SLACK_APP_TOKEN must begin with xapp-"},
		"an app token as bot token": {bot.Config{AppToken: "xapp-1", BotToken: "xapp-1"}, "SLACK_BOT_TOKEN must begin with xoxb-"},
		"no team":                   {bot.Config{AppToken: "xapp-1", BotToken: "xoxb-1"}, "slack.team"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := bot.New(c.cfg)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %q in it", err, c.want)
			}
		})
	}
}

func TestTheHomeTabSaysWhatTheBotDoes(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	if err := b.slack.OpenHome("alice"); err != nil {
		t.Fatal(err)
	}
	_, err := b.slack.WaitHome(b.ctx, "alice", func(v slacksim.View) bool { return len(v.Blocks) > 3 })
	if err != nil {
		t.Fatal(err)
	}
}
