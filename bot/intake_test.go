package bot_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/svcdown/svcdown/bot"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/slacksim"
)

func TestWhenSlackCannotSayWhetherAChannelIsSharedTheAskerIsAnsweredAlone(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	b.fault(t, slacksim.Fault{Method: "conversations.info", Kind: slacksim.FaultError, Error: "access_denied"})
	b.say(t, "alice", "ops", "", "/svcdown status backend")
	if in := b.next(t); !in.Where.Private {
		t.Error("a channel of which nothing is known counts as ours alone")
	}
	b.say(t, "alice", "ops", "", "/svcdown status backend")
	if in := b.next(t); in.Where.Private {
		t.Error("the doubt outlives Slack's answer")
	}
}

// everSeen is a guard that another replica has told everything.
type everSeen struct{ err error }

func (g everSeen) Seen(context.Context, string, time.Duration) (bool, error) { return true, g.err }

func TestWhatAnotherReplicaAnswersIsLeftToItButAChangeNeverIs(t *testing.T) {
	t.Parallel()
	b := setup(t, options{bot: func(c *bot.Config) { c.Guard = everSeen{} }})
	b.say(t, "alice", "ops", "", "/svcdown status backend")
	b.say(t, "alice", "ops", "", "/svcdown restart backend")
	if in := b.next(t); in.Text != "restart backend" {
		t.Errorf("handled %q", in.Text)
	}
}

func TestAGuardThatBreaksKeepsNobodyWaiting(t *testing.T) {
	t.Parallel()
	b := setup(t, options{bot: func(c *bot.Config) { c.Guard = everSeen{errors.New("connection refused")} }})
	b.say(t, "alice", "ops", "", "/svcdown status backend")
	if in := b.next(t); in.Text != "status backend" {
		t.Errorf("handled %q", in.Text)
	}
}

func TestWhenTooMuchWaitsTheAskerIsToldAndAcksGoOn(t *testing.T) {
	t.Parallel()
	const room, more = 64 + 256, 5 // workers, and what may wait for one
	end := make(chan struct{})
	b := setup(t, options{handle: func(*bundle, handlers.Incoming) { <-end }})
	for range room + more {
		b.say(t, "alice", "ops", "", "/svcdown status backend")
	}
	b.message(t, "Too many commands wait already; yours was not started")
	if _, err := b.slack.WaitSockets(b.ctx, func(s slacksim.SocketState) bool { return len(s.Acks) == room+more }); err != nil {
		t.Errorf("not every command was acked: %v", err)
	}
	b.until(t, func() bool { return b.figures(t)["svcdown_slack_turned_away_total busy"] == more })
	close(end)
	for range room {
		b.next(t)
	}
}
