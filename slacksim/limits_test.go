package slacksim_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/slacksim"
)

func limited(c *slacksim.Config) { c.NoRateLimits = false }

func TestOneMessageASecondPerChannelAfterAShortBurst(t *testing.T) {
	t.Parallel()
	c := &clock{}
	b := setup(t, at(c), limited)
	post := func(channel string) *http.Response {
		answer, _ := b.post(b.at.API+"chat.postMessage", b.cfg.App.BotToken, object{"channel": channel, "text": "x"})
		return answer
	}
	for i := range 4 {
		if got := post(opsID); got.StatusCode != 200 {
			t.Fatalf("message %d of the burst: %s", i+1, got.Status)
		}
	}
	got := post(opsID)
	if got.StatusCode != http.StatusTooManyRequests || got.Header.Get("Retry-After") != "1" {
		t.Errorf("after the burst: %s, Retry-After %q", got.Status, got.Header.Get("Retry-After"))
	}
	if got := post("C0INCIDENT"); got.StatusCode != 200 {
		t.Errorf("another channel: %s", got.Status)
	}
	c.pass(time.Second)
	if got := post(opsID); got.StatusCode != 200 {
		t.Errorf("a second later: %s", got.Status)
	}
	if got := post(opsID); got.StatusCode != http.StatusTooManyRequests {
		t.Errorf("in the same second: %s", got.Status)
	}
	if n := len(b.Messages("ops")); n != 5 {
		t.Errorf("got %d messages, want 5: a limited call does nothing", n)
	}
}

func TestEachTierLimitsItsMethods(t *testing.T) {
	t.Parallel()
	for method, perMinute := range map[string]int{"usergroups.list": 20, "conversations.history": 50, "users.info": 100, "auth.test": 300} {
		t.Run(method, func(t *testing.T) {
			t.Parallel()
			c := &clock{}
			b := setup(t, at(c), limited)
			args := facts()[method].args
			for k, v := range args {
				if v == "CHANNEL" {
					args[k] = opsID
				}
			}
			call := func() *http.Response {
				answer, _ := b.post(b.at.API+method, b.cfg.App.BotToken, args)
				return answer
			}
			for i := range perMinute {
				if got := call(); got.StatusCode != 200 {
					t.Fatalf("call %d: %s", i+1, got.Status)
				}
			}
			if got := call(); got.StatusCode != http.StatusTooManyRequests || got.Header.Get("Retry-After") == "" {
				t.Errorf("call %d: %s", perMinute+1, got.Status)
			}
			c.pass(time.Minute)
			if got := call(); got.StatusCode != 200 {
				t.Errorf("a minute later: %s", got.Status)
			}
		})
	}
}

func TestFaultsHitAsArranged(t *testing.T) {
	t.Parallel()
	b := setup(t)
	arrange := func(f slacksim.Fault) {
		t.Helper()
		if err := b.Fault(f); err != nil {
			t.Fatal(err)
		}
	}
	post := func(text string) (*http.Response, object) {
		return b.post(b.at.API+"chat.postMessage", b.cfg.App.BotToken, object{"channel": opsID, "text": text})
	}
	posted := func(text string) int {
		n := 0
		for _, m := range b.Messages("ops") {
			if m.Text == text {
				n++
			}
		}
		return n
	}

	arrange(slacksim.Fault{Method: "chat.postMessage", Kind: slacksim.FaultRateLimit, Times: 2, RetryAfter: 7})
	for range 2 {
		if answer, _ := post("limited"); answer.StatusCode != 429 || answer.Header.Get("Retry-After") != "7" {
			t.Errorf("got %s %v", answer.Status, answer.Header)
		}
	}
	if answer, _ := post("limited"); answer.StatusCode != 200 || posted("limited") != 1 {
		t.Errorf("the third call: %s, posted %d times", answer.Status, posted("limited"))
	}

	arrange(slacksim.Fault{Method: "*", Kind: slacksim.FaultError, Error: "fatal_error"})
	if _, out := post("refused"); out["error"] != "fatal_error" || posted("refused") != 0 {
		t.Errorf("got %v, posted %d times", out, posted("refused"))
	}

	arrange(slacksim.Fault{Method: "chat.postMessage", Kind: slacksim.FaultHTTP500})
	if answer, out := post("broken"); answer.StatusCode != 500 || out["raw"] == nil || posted("broken") != 0 {
		t.Errorf("got %s %v", answer.Status, out)
	}

	arrange(slacksim.Fault{Method: "chat.postMessage", Kind: slacksim.FaultNoContentType})
	if answer, _ := post("bare"); answer.Header.Get("Content-Type") != "" || posted("bare") != 1 {
		t.Errorf("got Content-Type %q, posted %d times", answer.Header.Get("Content-Type"), posted("bare"))
	}

	arrange(slacksim.Fault{Method: "chat.postMessage", Kind: slacksim.FaultDelay, DelayMS: 50})
	start := time.Now()
	if answer, _ := post("slow"); answer.StatusCode != 200 || time.Since(start) < 50*time.Millisecond {
		t.Errorf("got %s after %s", answer.Status, time.Since(start))
	}

	arrange(slacksim.Fault{Method: "chat.postMessage", Kind: slacksim.FaultLostAnswer})
	raw, _ := json.Marshal(object{"channel": opsID, "text": "lost"})
	r, err := http.NewRequestWithContext(b.ctx, http.MethodPost, b.at.API+"chat.postMessage", strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+b.cfg.App.BotToken)
	if answer, err := http.DefaultClient.Do(r); err == nil || posted("lost") != 1 {
		t.Errorf("got %v, %v; want no answer and one message, got %d", answer, err, posted("lost"))
	}

	calls := b.Calls("chat.postMessage")
	if got := calls[len(calls)-1]; got.Fault != slacksim.FaultLostAnswer || got.Args["text"] != "lost" || got.Error() != "" {
		t.Errorf("got the call recorded as %+v", got)
	}

	arrange(slacksim.Fault{Method: "chat.postMessage", Kind: slacksim.FaultHTTP500, Times: 100})
	b.ClearFaults()
	if answer, _ := post("healed"); answer.StatusCode != 200 {
		t.Errorf("after ClearFaults: %s", answer.Status)
	}
	for _, f := range []slacksim.Fault{{Method: "*", Kind: "meteor"}, {Method: "chat.nothing", Kind: slacksim.FaultDelay}, {Method: "*", Kind: slacksim.FaultError}} {
		if err := b.Fault(f); err == nil {
			t.Errorf("%+v was arranged", f)
		}
	}
}

func TestEveryMethodHasItsTier(t *testing.T) {
	t.Parallel()
	tiers := map[int]string{
		20: "bookmarks.add bookmarks.edit bookmarks.remove canvases.create conversations.archive conversations.canvases.create " +
			"conversations.create conversations.list conversations.rename conversations.setPurpose conversations.setTopic " +
			"conversations.unarchive pins.add pins.list pins.remove reactions.list reactions.remove usergroups.list usergroups.users.list users.list",
		50: "apps.connections.open bookmarks.list bots.info canvases.edit chat.delete chat.update conversations.history " +
			"conversations.info conversations.invite conversations.join conversations.open conversations.replies reactions.add " +
			"reactions.get files.list team.info users.conversations users.lookupByEmail",
		100: "api.test chat.postEphemeral conversations.members files.completeUploadExternal files.getUploadURLExternal files.info " +
			"users.info views.open views.publish views.push views.update",
		300: "auth.test chat.getPermalink chat.postMessage",
	}
	want := map[string]int{}
	for perMinute, methods := range tiers {
		for name := range strings.FieldsSeq(methods) {
			want[name] = perMinute
		}
	}
	got := map[string]int{}
	for _, name := range slacksim.MethodNames() {
		got[name] = slacksim.PerMinute(name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
