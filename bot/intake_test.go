package bot_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/svcdown/svcdown/bot"
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
