package bot_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/svcdown/svcdown/bot"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/slacksim"
)

func TestASlackThatDoesNotAnswerKeepsOnlyTheFirstWaiting(t *testing.T) {
	t.Parallel()
	c := newClock()
	kept := &snapshots{members: map[string][]catalog.SlackID{seniors: ids("U0CAROL001")}, asOf: c.now().Add(-20 * time.Minute)}
	b := setup(t, options{offline: true, bot: func(cfg *bot.Config) { cfg.Now, cfg.Snapshots = c.now, kept }})
	b.fault(t, slacksim.Fault{Method: "*", Kind: slacksim.FaultDelay, DelayMS: 60_000, Times: 1000})
	asked := func() (n float64) { // by the bot's own count: the local Slack writes a call down when it answers
		for name, value := range b.figures(t) {
			if strings.HasPrefix(name, "svcdown_slack_calls_total") {
				n += value
			}
		}
		return n
	}
	groups := func() {
		t.Helper()
		got, _, err := b.Directory().Groups(b.ctx, []string{seniors}, 0)
		if err != nil || len(got[seniors]) != 1 || got[seniors][0].User != "U0CAROL001" {
			t.Errorf("the groups are not those of the snapshot: %v, %v", got, err)
		}
	}
	// Ten who come while nobody knows yet that Slack is away wait for one question, and are judged by the snapshot.
	begin := time.Now()
	var waiting sync.WaitGroup
	for range 10 {
		waiting.Go(groups)
	}
	waiting.Wait()
	if took := time.Since(begin); took > 8*time.Second {
		t.Errorf("ten at once waited %s, want about three seconds", took)
	}
	before := asked()
	if before == 0 {
		t.Fatal("nothing was asked")
	}
	begin = time.Now()
	for range 5 {
		groups()
		if _, err := b.Directory().Account(b.ctx, catalog.SlackID{Team: team, User: "U0BOB00001"}); err == nil {
			t.Error("an account that nobody looked up was confirmed")
		}
		if shared, told := b.Directory().Shared(b.ctx, ops); !shared || told {
			t.Error("a channel of which nothing is known counts as ours alone")
		}
	}
	if n := asked() - before; n != 0 {
		t.Errorf("Slack was asked %v more times", n)
	}
	if took := time.Since(begin); took > time.Second {
		t.Errorf("they waited %s for a Slack that is known to be away", took)
	}

	c.pass(2 * time.Second) // time for one question, which is given up soon
	b.Directory().Shared(b.ctx, ops)
	b.Directory().Shared(b.ctx, ops)
	if n := asked() - before; n != 1 {
		t.Errorf("after the pause Slack was asked %v times, want once", n)
	}
	b.slack.ClearFaults()
	c.pass(4 * time.Second)
	if shared, told := b.Directory().Shared(b.ctx, ops); shared || !told {
		t.Error("Slack is back and is not believed")
	}
	got, asOf, err := b.Directory().Groups(b.ctx, []string{seniors}, 0)
	if err != nil || len(got[seniors]) != 1 || got[seniors][0].User != "U0BOB00001" || !asOf.Equal(c.now()) {
		t.Errorf("Slack is back, and the groups are %v of %s, %v", got, asOf, err)
	}
}

func TestManyWhoTypeAtOnceInAChannelAskOnceWhetherItIsShared(t *testing.T) {
	t.Parallel()
	b := setup(t, options{offline: true})
	b.fault(t, slacksim.Fault{Method: "conversations.info", Kind: slacksim.FaultDelay, DelayMS: 200})
	var asking sync.WaitGroup
	for range 40 {
		asking.Go(func() {
			if shared, _ := b.Directory().Shared(b.ctx, ops); shared {
				t.Error("our own channel counts as shared")
			}
		})
	}
	asking.Wait()
	if n := len(b.slack.Calls("conversations.info")); n > 2 { // whoever came after the answer and before it was kept
		t.Errorf("Slack was asked %d times", n)
	}
}
