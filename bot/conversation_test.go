package bot_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/slacksim"
)

var opsAddress = card.Address{Kind: "slack", Team: team, Channel: ops, User: alice}

func texts(messages []slacksim.Message) []string {
	var out []string
	for _, m := range messages {
		out = append(out, m.Text)
	}
	return out
}

func TestSayPostsOnceWhateverGoesWrong(t *testing.T) {
	t.Parallel()
	post := "chat.postMessage"
	for name, c := range map[string]struct {
		faults []slacksim.Fault
		thread bool
	}{
		"when all is well":                        {},
		"when the answer is lost":                 {faults: []slacksim.Fault{{Method: post, Kind: slacksim.FaultLostAnswer}}},
		"when two answers are lost":               {faults: []slacksim.Fault{{Method: post, Kind: slacksim.FaultLostAnswer}, {Method: "conversations.history", Kind: slacksim.FaultLostAnswer}}},
		"when the answer is lost in a thread":     {faults: []slacksim.Fault{{Method: post, Kind: slacksim.FaultLostAnswer}}, thread: true},
		"when Slack breaks before it posts":       {faults: []slacksim.Fault{{Method: post, Kind: slacksim.FaultHTTP500, Times: 2}}},
		"when Slack says that it broke":           {faults: []slacksim.Fault{{Method: post, Kind: slacksim.FaultError, Error: "internal_error"}}},
		"when Slack says to wait":                 {faults: []slacksim.Fault{{Method: post, Kind: slacksim.FaultRateLimit, Times: 1, RetryAfter: 1}}},
		"when the answer carries no content type": {faults: []slacksim.Fault{{Method: post, Kind: slacksim.FaultNoContentType}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{offline: true})
			at := opsAddress
			if c.thread {
				at.Thread = b.say(t, "alice", "ops", "", "it is slow")
			}
			for _, f := range c.faults {
				b.fault(t, f)
			}
			got, err := b.At(at).Say(b.ctx, "", simple(card.OK, redact.Const("all well")))
			if err != nil {
				t.Fatalf("say: %v", err)
			}
			ours := b.ours("ops")
			if len(ours) != 1 || ours[0].TS != got.Message || ours[0].ThreadTS != at.Thread {
				t.Errorf("there are %d messages: %q; the address is %+v", len(ours), texts(ours), got)
			}
		})
	}
}

func TestAKeySaysTheSameThingOnceAlsoAfterACrash(t *testing.T) {
	t.Parallel()
	b := setup(t, options{offline: true})
	c := simple(card.Waiting, redact.Const("who agrees?"))
	first, err := b.At(opsAddress).Say(b.ctx, "approval:R-1", c)
	if err != nil {
		t.Fatal(err)
	}
	second, err := b.At(opsAddress).Say(b.ctx, "approval:R-1", c)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("addresses (-first +second):\n%s", diff)
	}
	if _, err = b.At(opsAddress).Say(b.ctx, "approval:R-2", c); err != nil {
		t.Fatal(err)
	}
	if got := len(b.ours("ops")); got != 2 {
		t.Errorf("%d messages for two keys", got)
	}
}

func TestInAPublicChannelThatTheBotIsNotInItAnswersAllTheSame(t *testing.T) {
	t.Parallel()
	b := setup(t, options{offline: true})
	at := card.Address{Kind: "slack", Team: team, Channel: general, User: alice}
	got, err := b.At(at).Say(b.ctx, "key", simple(card.OK, redact.Const("all well")))
	if err != nil || got.Message == "" {
		t.Fatalf("address %+v, error %v", got, err)
	}
	if err := b.At(got).Upload(b.ctx, card.File{Name: "pod.log", Title: redact.Const("log"), Content: redact.Const("line 1\nline 2\n")}); err != nil {
		t.Fatal(err)
	}
	ours := b.ours("general")
	if len(ours) != 2 || len(ours[1].Files) != 1 || ours[1].ThreadTS != got.Message {
		t.Errorf("messages %+v", ours)
	}
}

func TestWhereTheBotCannotPostTheAskerIsAnsweredAloneWithWhatToDo(t *testing.T) {
	t.Parallel()
	yes := true
	for name, change := range map[string]slacksim.ChannelChange{
		"in a private channel":   {Name: "secret", IsPrivate: &yes, AddMembers: []string{"alice"}},
		"in an archived channel": {ID: ops, IsArchived: &yes},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{})
			where := "ops"
			if change.Name != "" {
				where = change.Name
			} else {
				b.say(t, "alice", "ops", "", "/svcdown status backend")
			}
			if _, err := b.slack.ChangeChannel(change); err != nil {
				t.Fatal(err)
			}
			if change.Name != "" {
				b.say(t, "alice", where, "", "/svcdown status backend")
			}
			in := b.next(t)
			got, err := b.At(in.Where).Say(b.ctx, "", simple(card.Fail, redact.Const("2 of 3 pods crash")))
			if err != nil {
				t.Fatal(err)
			}
			if got.Message != "" {
				t.Errorf("the address %+v names a message that nobody can edit", got)
			}
			m := b.message(t, "2 of 3 pods crash")
			direct := strings.HasPrefix(m.Channel, "D")
			if change.Name != "" && (m.EphemeralTo != alice || !strings.Contains(blocksText(m), "/invite @svcdown")) {
				t.Errorf("message to %q: %s", m.EphemeralTo, blocksText(m))
			}
			if change.Name == "" && !direct {
				t.Errorf("answered in %s", m.Channel)
			}
			if err := b.At(got).Update(b.ctx, got, simple(card.OK, redact.Const("all well again"))); err != nil {
				t.Fatal(err)
			}
			b.message(t, "all well again")
		})
	}
}

func TestInASharedChannelOnlyTheAskerGetsTheAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	b.say(t, "alice", "vendor-shared", "", "/svcdown status backend")
	in := b.next(t)
	if !in.Where.Private {
		t.Fatal("the channel is not taken as private")
	}
	at, err := b.At(in.Where).Say(b.ctx, "", simple(card.Running, redact.Const("checking")))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.At(at).Update(b.ctx, at, simple(card.Fail, redact.Const("2 of 3 pods crash"))); err != nil {
		t.Fatal(err)
	}
	thread := at
	thread.Thread = at.Message
	if err := b.At(thread).Upload(b.ctx, card.File{Name: "x.log", Title: redact.Const("log"), Content: redact.Const("x")}); err != nil {
		t.Fatal(err)
	}
	if err := b.At(in.Where).Upload(b.ctx, card.File{Name: "y.log", Title: redact.Const("log"), Content: redact.Const("y")}); err != nil {
		t.Fatal(err)
	}
	if err := b.At(in.Where).Whisper(b.ctx, simple(card.Warn, redact.Const("not for you"))); err != nil {
		t.Fatal(err)
	}
	for _, m := range b.slack.Messages("vendor-shared") {
		if m.BotID != "" && m.EphemeralTo != alice {
			t.Errorf("everybody in the shared channel reads %q", m.Text)
		}
	}
	if m := b.message(t, "2 of 3 pods crash"); !strings.HasPrefix(m.Channel, "D") {
		t.Errorf("the card stands in %s", m.Channel)
	}
	b.message(t, "People of another company read this channel")
}

func TestARefusalInAThreadGoesByDirectMessageToo(t *testing.T) {
	t.Parallel()
	for state, text := range map[card.State]string{card.Warn: "⚠️ you may not", card.Fail: "🔴 you may not", card.Refused: "🚫 you may not"} {
		t.Run(string(state), func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{offline: true})
			at := opsAddress
			at.Thread = b.say(t, "alice", "ops", "", "it is slow")
			if err := b.At(at).Whisper(b.ctx, simple(state, redact.Const("you may not"))); err != nil {
				t.Fatal(err)
			}
			var alone, direct int
			for _, ch := range []string{"ops", b.message(t, "you may not").Channel} {
				for _, m := range b.slack.Messages(ch) {
					switch {
					case m.Text != text:
					case m.Ephemeral && m.EphemeralTo == alice && m.ThreadTS == at.Thread:
						alone++
					case strings.HasPrefix(m.Channel, "D"):
						direct++
					default:
						t.Errorf("seen by others: %+v", m)
					}
				}
			}
			if alone != 1 || direct != 1 {
				t.Errorf("%d times in the thread, %d times by direct message", alone, direct)
			}
		})
	}
}

func TestAWhisperAfterAClickAtChannelLevelStandsThere(t *testing.T) {
	t.Parallel()
	b := setup(t, options{offline: true})
	at := opsAddress
	at.Message = b.say(t, "alice", "ops", "", "a card")
	at.Thread = at.Message
	if err := b.At(at).Whisper(b.ctx, simple(card.Warn, redact.Const("you may not"))); err != nil {
		t.Fatal(err)
	}
	if m := b.message(t, "you may not"); !m.Ephemeral || m.ThreadTS != "" {
		t.Errorf("whispered %+v", m)
	}
}

func TestEditsAreCoalescedAndTheEndStateArrives(t *testing.T) {
	t.Parallel()
	b := setup(t, options{offline: true})
	at, err := b.At(opsAddress).Say(b.ctx, "", simple(card.Running, redact.Const("checking")))
	if err != nil {
		t.Fatal(err)
	}
	b.fault(t, slacksim.Fault{Method: "chat.update", Kind: slacksim.FaultDelay, DelayMS: 100})
	for i := range 50 {
		if err := b.At(at).Update(b.ctx, at, simple(card.Running, redact.F("%d checks are back", i))); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.At(at).Update(b.ctx, at, simple(card.OK, redact.Const("all well"))); err != nil {
		t.Fatal(err)
	}
	if got := b.ours("ops")[0].Text; got != "✅ all well" {
		t.Errorf("in the end the card says %q", got)
	}
	if n := len(b.slack.Calls("chat.update")); n > 3 {
		t.Errorf("%d edits for one card", n)
	}
}

func TestTheEndStateArrivesThoughSlackBreaks(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]slacksim.Fault{
		"by losing the answer": {Kind: slacksim.FaultLostAnswer},
		"by a 500":             {Kind: slacksim.FaultHTTP500, Times: 2},
		"by saying wait":       {Kind: slacksim.FaultRateLimit, RetryAfter: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{offline: true})
			at, err := b.At(opsAddress).Say(b.ctx, "", simple(card.Running, redact.Const("restarting")))
			if err != nil {
				t.Fatal(err)
			}
			f.Method = "chat.update"
			b.fault(t, f)
			if err := b.At(at).Update(b.ctx, at, simple(card.OK, redact.Const("verified"))); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]string{"✅ verified"}, texts(b.ours("ops"))); diff != "" {
				t.Errorf("messages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestManyWhoEditTheSameCardAllHearThatItIsThere(t *testing.T) {
	t.Parallel()
	b := setup(t, options{offline: true})
	at, err := b.At(opsAddress).Say(b.ctx, "", simple(card.Waiting, redact.Const("who agrees?")))
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() {
			if err := b.At(at).Update(b.ctx, at, simple(card.Waiting, redact.F("%d have agreed", i))); err != nil {
				t.Errorf("update %d: %v", i, err)
			}
		})
	}
	wg.Wait()
	if got := b.ours("ops"); len(got) != 1 || !strings.Contains(got[0].Text, "have agreed") {
		t.Errorf("messages %q", texts(got))
	}
}

func TestACardThatSomebodyDeletedIsSaidAnew(t *testing.T) {
	t.Parallel()
	b := setup(t, options{offline: true})
	at := opsAddress
	at.Message = "1700000000.000001"
	if err := b.At(at).Update(b.ctx, at, simple(card.OK, redact.Const("verified"))); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"✅ verified"}, texts(b.ours("ops"))); diff != "" {
		t.Errorf("messages (-want +got):\n%s", diff)
	}
}

func TestOurOwnPacingKeepsBelowSlacksLimits(t *testing.T) {
	t.Parallel()
	b := setup(t, options{offline: true, slack: func(c *slacksim.Config) { c.NoRateLimits = false }})
	for i := range 6 {
		if _, err := b.At(opsAddress).Say(b.ctx, "", simple(card.OK, redact.F("message %d", i))); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range b.slack.Calls("chat.postMessage") {
		if c.Status == 429 {
			t.Error("Slack had to slow us down")
		}
	}
	if got := len(b.ours("ops")); got != 6 {
		t.Errorf("%d messages", got)
	}
}

func TestDirectTalksToOnePerson(t *testing.T) {
	t.Parallel()
	b := setup(t, options{offline: true})
	talk, err := b.Direct(b.ctx, catalog.SlackID{Team: team, User: alice})
	if err != nil {
		t.Fatal(err)
	}
	at, err := talk.Say(b.ctx, "reminder:R-1", simple(card.Waiting, redact.Const("somebody waits for you")))
	if err != nil || !strings.HasPrefix(at.Channel, "D") {
		t.Fatalf("address %+v, error %v", at, err)
	}
}

func TestADeliveryThatCannotSucceedIsATypedError(t *testing.T) {
	t.Parallel()
	b := setup(t, options{offline: true})
	start := time.Now()
	_, err := b.At(card.Address{Channel: "C0NOWHERE1"}).Say(b.ctx, "", simple(card.OK, redact.Const("hello")))
	if err == nil || time.Since(start) > 10*time.Second {
		t.Errorf("error %v after %s", err, time.Since(start))
	}
}

// blocksText is all of a message's blocks, as text.
func blocksText(m slacksim.Message) string { return fmt.Sprint(m.Blocks) }
