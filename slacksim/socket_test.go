package slacksim_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/slacksim"
)

func quick(c *slacksim.Config) {
	c.AckDeadline = 100 * time.Millisecond
	c.EventRetries = []time.Duration{0, 0, 0}
}

func TestATicketIsGoodOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	address := b.must("apps.connections.open", object{})["url"].(string)
	first, _, err := websocket.Dial(b.ctx, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = first.CloseNow() }()
	if _, answer, err := websocket.Dial(b.ctx, address, nil); err == nil || answer.StatusCode != 401 {
		t.Errorf("a used ticket: got %v %v, want 401", answer, err)
	}
	if _, answer, err := websocket.Dial(b.ctx, strings.Replace(address, "ticket=", "ticket=x", 1), nil); err == nil || answer.StatusCode != 401 {
		t.Errorf("a guessed ticket: got %v %v, want 401", answer, err)
	}
}

func TestTenSocketsAndNoMore(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for i := range 10 {
		if got := b.dial().hello["num_connections"]; got != float64(i+1) {
			t.Errorf("got %v connections in hello %d", got, i+1)
		}
	}
	eleventh := b.dial()
	if eleventh.hello["type"] != "disconnect" || eleventh.hello["reason"] != "too_many_websockets" {
		t.Errorf("the eleventh socket got %v", eleventh.hello)
	}
}

func TestPayloadsAreSpreadOverTheSockets(t *testing.T) {
	t.Parallel()
	b := setup(t)
	apps := []*socket{b.dial(), b.dial()}
	for i := range 4 {
		b.say("alice", "ops", fmt.Sprint("/svcdown ", i))
	}
	for _, app := range apps {
		for range 2 {
			app.ack(app.next("slash_commands"), nil)
		}
	}
	s, err := b.WaitSockets(b.ctx, func(s slacksim.SocketState) bool { return len(s.Acks) == 4 })
	if err != nil {
		t.Fatal(err)
	}
	perSocket := map[int]int{}
	for _, a := range s.Acks {
		perSocket[a.Connection]++
	}
	if diff := cmp.Diff(map[int]int{1: 2, 2: 2}, perSocket); diff != "" {
		t.Error(diff)
	}
}

func TestWithoutASocketThePersonIsTold(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.say("alice", "ops", "/svcdown status")
	if m := b.message("/svcdown failed"); !strings.Contains(m.Text, "dispatch_failed") || m.EphemeralTo != aliceID {
		t.Errorf("got %+v", m)
	}
}

func TestWithoutAnAckThePersonIsToldAndALateAckIsNoted(t *testing.T) {
	t.Parallel()
	b := setup(t, quick)
	app := b.dial()
	b.say("alice", "ops", "/svcdown status")
	command := app.next("slash_commands")
	if m := b.message("/svcdown failed"); !strings.Contains(m.Text, "the app did not respond") || m.EphemeralTo != aliceID {
		t.Errorf("got %+v", m)
	}
	app.ack(command, object{"text": "too late"})
	s, err := b.WaitSockets(b.ctx, func(s slacksim.SocketState) bool { return len(s.Acks) == 1 })
	if err != nil {
		t.Fatal(err)
	}
	if !s.Acks[0].Late || s.Acks[0].LatencyMS < 100 {
		t.Errorf("got %+v, want a late ack after the deadline", s.Acks[0])
	}
	for _, m := range b.Messages("ops") {
		if m.Text == "too late" {
			t.Error("the message of a late ack was shown")
		}
	}
}

func TestAnAckMayCarryTheAnswer(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app := b.dial()
	b.say("alice", "ops", "/svcdown help")
	command := app.next("slash_commands")
	if command["accepts_response_payload"] != true {
		t.Errorf("got %v", command)
	}
	app.ack(command, object{"text": "for all", "response_type": "in_channel"})
	if m := b.message("for all"); m.Ephemeral || m.User != "U0SVCDOWN1" {
		t.Errorf("got %+v", m)
	}
	b.say("alice", "ops", "/svcdown help")
	app.ack(app.next("slash_commands"), object{}) // what the Node clients send: no message
}

func TestAnUnackedEventComesAgainUnderANewEnvelope(t *testing.T) {
	t.Parallel()
	b := setup(t, quick)
	app := b.dial()
	b.say("alice", "ops", "hello")
	first := app.frame()
	second := app.frame()
	if first["envelope_id"] == second["envelope_id"] || second["retry_attempt"] != 1.0 || second["retry_reason"] != "timeout" {
		t.Errorf("got first %v, second %v", first, second)
	}
	id := func(f object) any { return f["payload"].(object)["event_id"] }
	if id(first) != id(second) || id(first) == nil {
		t.Errorf("the event_id changed from %v to %v", id(first), id(second))
	}
	app.ack(second, nil)
}

func TestAKilledSocketsEnvelopesGoToAnother(t *testing.T) {
	t.Parallel()
	b := setup(t)
	apps := map[int]*socket{1: b.dial(), 2: b.dial()}
	b.say("alice", "ops", "/svcdown restart backend")
	taken := make(chan object, 2)
	for _, app := range apps { // one of the two gets it, and again the other one after that
		go func() {
			_, data, err := app.ws.Read(b.ctx)
			if err == nil {
				taken <- decode(data)
			}
		}()
	}
	first := <-taken
	for id := range apps {
		s := b.SocketState()
		if s.Unacked != 1 {
			t.Fatalf("got %+v, want one envelope on its way", s)
		}
		if err := b.Socket(slacksim.SocketOp{Op: slacksim.SocketKill, Connection: id}); err != nil {
			t.Fatal(err)
		}
		if _, err := b.WaitSockets(b.ctx, func(s slacksim.SocketState) bool {
			return !slices.ContainsFunc(s.Connections, func(c slacksim.Connection) bool { return c.ID == id })
		}); err != nil {
			t.Fatal(err)
		}
	}
	again := b.dial() // nobody is left: the next one to come gets it
	f := again.next("slash_commands")
	if f["envelope_id"] != first["envelope_id"] || f["retry_attempt"].(float64) < 1 {
		t.Errorf("got %v, want envelope %v again", f, first["envelope_id"])
	}
	again.ack(f, nil)
}

func TestALongFrameClosesTheSocket(t *testing.T) {
	t.Parallel()
	b := setup(t)
	app := b.dial()
	frame := []byte(`{"envelope_id":"x","payload":{"text":"` + strings.Repeat("x", 21<<10) + `"}}`)
	if err := app.ws.Write(b.ctx, websocket.MessageText, frame); err != nil {
		t.Fatal(err)
	}
	_, _, err := app.ws.Read(b.ctx)
	if websocket.CloseStatus(err) != websocket.StatusMessageTooBig {
		t.Errorf("got %v, want close status 1009", err)
	}
}

func TestASocketIsPinged(t *testing.T) {
	t.Parallel()
	b := setup(t, func(c *slacksim.Config) { c.PingEvery = 10 * time.Millisecond })
	opened := b.must("apps.connections.open", object{})
	pinged := make(chan struct{}, 100)
	ws, _, err := websocket.Dial(b.ctx, opened["url"].(string), &websocket.DialOptions{
		OnPingReceived: func(context.Context, []byte) bool { pinged <- struct{}{}; return true },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.CloseNow() }()
	go func() {
		for { // only a reader answers pings
			if _, _, err := ws.Read(b.ctx); err != nil {
				return
			}
		}
	}()
	for range 3 {
		select {
		case <-pinged:
		case <-b.ctx.Done():
			t.Fatal("no ping came")
		}
	}
}
