package slacksim_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/slacksim"
)

func TestDisconnectsAreAnnounced(t *testing.T) {
	t.Parallel()
	for op, reason := range map[string]string{
		slacksim.SocketRefresh: "refresh_requested", slacksim.SocketLinkDisabled: "link_disabled", slacksim.SocketWarning: "warning",
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			app := b.dial()
			if err := b.Socket(slacksim.SocketOp{Op: op}); err != nil {
				t.Fatal(err)
			}
			if f := app.frame(); f["type"] != "disconnect" || f["reason"] != reason {
				t.Errorf("got %v", f)
			}
			if op == slacksim.SocketWarning { // it lives on for a while, but a fresh socket gets the work
				fresh := b.dial()
				b.say("alice", "ops", "/svcdown 1")
				b.say("alice", "ops", "/svcdown 2")
				fresh.ack(fresh.next("slash_commands"), nil)
				fresh.ack(fresh.next("slash_commands"), nil)
				return
			}
			if _, _, err := app.ws.Read(b.ctx); websocket.CloseStatus(err) != websocket.StatusNormalClosure {
				t.Errorf("got %v, want a normal closure", err)
			}
		})
	}
}

func TestDeliveryCanGoWrong(t *testing.T) {
	t.Parallel()
	arrange := func(b *bundle, op string) {
		b.t.Helper()
		if err := b.Socket(slacksim.SocketOp{Op: op}); err != nil {
			b.t.Fatal(err)
		}
	}
	text := func(f object) any { return f["payload"].(object)["text"] }
	t.Run("the same envelope twice", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		app := b.dial()
		arrange(b, slacksim.SocketDuplicateNext)
		b.say("alice", "ops", "/svcdown 1")
		one, two := app.frame(), app.frame()
		if one["envelope_id"] != two["envelope_id"] || text(one) != text(two) {
			t.Errorf("got %v and %v", one, two)
		}
	})
	t.Run("the same payload under two envelope IDs", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		app := b.dial()
		arrange(b, slacksim.SocketDuplicateNextNewID)
		b.say("alice", "ops", "/svcdown 1")
		one, two := app.frame(), app.frame()
		if one["envelope_id"] == two["envelope_id"] || cmp.Diff(one["payload"], two["payload"]) != "" {
			t.Errorf("got %v and %v", one, two)
		}
	})
	t.Run("one overtakes another", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		app := b.dial()
		arrange(b, slacksim.SocketReorderNext)
		b.say("alice", "ops", "/svcdown 1")
		b.say("alice", "ops", "/svcdown 2")
		if got := []any{text(app.frame()), text(app.frame())}; cmp.Diff([]any{"2", "1"}, got) != "" {
			t.Errorf("got %v, want 2 before 1", got)
		}
	})
	t.Run("a held-back envelope comes even when nothing overtakes it", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		app := b.dial()
		arrange(b, slacksim.SocketReorderNext)
		b.say("alice", "ops", "/svcdown 1")
		app.ack(app.next("slash_commands"), nil)
	})
	t.Run("a lost ack brings the envelope again", func(t *testing.T) {
		t.Parallel()
		b := setup(t, quick)
		app := b.dial()
		arrange(b, slacksim.SocketDropAck)
		b.say("alice", "ops", "/svcdown 1")
		one := app.frame()
		app.ack(one, nil)
		two := app.frame()
		app.ack(two, nil)
		if one["envelope_id"] != two["envelope_id"] {
			t.Errorf("got %v, then %v", one, two)
		}
		if _, err := b.WaitSockets(b.ctx, func(s slacksim.SocketState) bool { return len(s.Acks) == 1 && s.Unacked == 0 }); err != nil {
			t.Error(err)
		}
	})
	t.Run("a half-open socket takes payloads and gives nothing", func(t *testing.T) {
		t.Parallel()
		b := setup(t, quick, func(c *slacksim.Config) { c.PingEvery = 50 * time.Millisecond })
		app := b.dial()
		arrange(b, slacksim.SocketHalfOpen)
		b.say("alice", "ops", "/svcdown 1")
		b.message("/svcdown failed")
		ctx, cancel := context.WithTimeout(b.ctx, 5*time.Second)
		defer cancel()
		if _, data, err := app.ws.Read(ctx); err == nil || errors.Is(ctx.Err(), context.DeadlineExceeded) {
			t.Errorf("got frame %s, %v; want the socket to end in silence", data, err)
		}
	})
	t.Run("an operation that is none", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.dial()
		if err := b.Socket(slacksim.SocketOp{Op: "unplug"}); err == nil {
			t.Error("want an error")
		}
	})
}
