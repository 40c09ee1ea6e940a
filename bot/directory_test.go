package bot_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/bot"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/slacksim"
)

const seniors, oncall = "S0SENIORS1", "S0ONCALL01"

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Now()} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// snapshots keeps one snapshot in memory.
type snapshots struct {
	mu      sync.Mutex
	members map[string][]catalog.SlackID
	asOf    time.Time
	broken  bool
}

func (s *snapshots) SaveGroups(_ context.Context, members map[string][]catalog.SlackID, asOf time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.members, s.asOf = members, asOf
	return nil
}

func (s *snapshots) LoadGroups(context.Context) (map[string][]catalog.SlackID, time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken {
		return nil, time.Time{}, errors.New("connection refused")
	}
	return s.members, s.asOf, nil
}

func ids(users ...string) []catalog.SlackID {
	var out []catalog.SlackID
	for _, u := range users {
		out = append(out, catalog.SlackID{Team: team, User: u})
	}
	return out
}

func TestGroupsAreThoseOfSlackAndARemovalCountsAtOnce(t *testing.T) {
	t.Parallel()
	c := newClock()
	b := setup(t, options{bot: func(cfg *bot.Config) { cfg.Now = c.now }})
	got, asOf, err := b.Directory().Groups(b.ctx, []string{seniors, oncall, "S0NOBODY01"}, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string][]catalog.SlackID{seniors: ids("U0BOB00001"), oncall: ids(alice), "S0NOBODY01": nil}
	if diff := cmp.Diff(want, got); diff != "" || !asOf.Equal(c.now()) {
		t.Errorf("as of %s (-want +got):\n%s", asOf, diff)
	}
	if _, err := b.slack.ChangeUsergroup(slacksim.Usergroup{ID: seniors, Users: []string{"carol"}}); err != nil {
		t.Fatal(err)
	}
	// no time passes: the event alone makes it count
	b.until(t, func() bool {
		got, _, err := b.Directory().Groups(b.ctx, []string{seniors}, 5*time.Second)
		return err == nil && cmp.Equal(ids("U0CAROL001"), got[seniors])
	})
}

func TestARemovalWhoseEventIsLostCountsWithinSeconds(t *testing.T) {
	t.Parallel()
	c := newClock()
	b := setup(t, options{offline: true, bot: func(cfg *bot.Config) { cfg.Now = c.now }})
	ask := func() string {
		got, _, err := b.Directory().Groups(b.ctx, []string{seniors}, 5*time.Second)
		if err != nil {
			t.Fatal(err)
		}
		return got[seniors][0].User
	}
	if got := ask(); got != "U0BOB00001" {
		t.Fatalf("%s is the senior", got)
	}
	if _, err := b.slack.ChangeUsergroup(slacksim.Usergroup{ID: seniors, Users: []string{"carol"}}); err != nil {
		t.Fatal(err)
	}
	c.pass(4 * time.Second)
	if ask() != "U0BOB00001" {
		t.Error("asked Slack again within seconds")
	}
	c.pass(2 * time.Second)
	if ask() != "U0CAROL001" {
		t.Error("a removal six seconds ago does not count")
	}
}

func TestWhileSlackIsAwayTheSnapshotAnswersWithItsAge(t *testing.T) {
	t.Parallel()
	c := newClock()
	kept := &snapshots{members: map[string][]catalog.SlackID{seniors: ids("U0CAROL001")}, asOf: c.now().Add(-20 * time.Minute)}
	b := setup(t, options{offline: true, bot: func(cfg *bot.Config) { cfg.Now, cfg.Snapshots = c.now, kept }})
	b.fault(t, slacksim.Fault{Method: "usergroups.list", Kind: slacksim.FaultError, Error: "org_login_required"})
	got, asOf, err := b.Directory().Groups(b.ctx, []string{seniors}, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ids("U0CAROL001"), got[seniors]); diff != "" || !asOf.Equal(kept.asOf) {
		t.Errorf("as of %s, want %s (-want +got):\n%s", asOf, kept.asOf, diff)
	}
	c.pass(3 * time.Second) // Slack is back
	got, asOf, err = b.Directory().Groups(b.ctx, []string{seniors}, 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(ids("U0BOB00001"), got[seniors]); diff != "" || !asOf.Equal(c.now()) {
		t.Errorf("as of %s (-want +got):\n%s", asOf, diff)
	}
	if _, asOf, err = kept.LoadGroups(b.ctx); err != nil || !asOf.Equal(c.now()) {
		t.Errorf("the snapshot is of %s, error %v", asOf, err)
	}
}

func TestWithoutSlackAndSnapshotThereIsNoAnswer(t *testing.T) {
	t.Parallel()
	for name, kept := range map[string]bot.Snapshots{"none is kept": nil, "there is none yet": &snapshots{}, "the database is away": &snapshots{broken: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{offline: true, bot: func(cfg *bot.Config) { cfg.Snapshots = kept }})
			b.fault(t, slacksim.Fault{Method: "usergroups.list", Kind: slacksim.FaultError, Error: "missing_scope"})
			if got, _, err := b.Directory().Groups(b.ctx, []string{seniors}, 5*time.Second); err == nil {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestAccountsAreWhatSlackSaysTheyAre(t *testing.T) {
	t.Parallel()
	b := setup(t, options{offline: true})
	if _, err := b.slack.ChangeUser(slacksim.UserChange{User: slacksim.User{ID: "U0CAROL001"}, Delete: true}); err != nil {
		t.Fatal(err)
	}
	stranger := slacksim.User{ID: "U0STRANGE1", TeamID: "T0VENDOR01", Name: "sam"}
	if _, err := b.slack.ChangeUser(slacksim.UserChange{User: stranger}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		id   catalog.SlackID
		want handlers.Account
	}{
		"a member":                 {catalog.SlackID{Team: team, User: alice}, handlers.Account{}},
		"a guest":                  {catalog.SlackID{Team: team, User: "U0DAVE0001"}, handlers.Account{Guest: true}},
		"a bot":                    {catalog.SlackID{Team: team, User: "U0SVCDOWN1"}, handlers.Account{Bot: true}},
		"a deactivated member":     {catalog.SlackID{Team: team, User: "U0CAROL001"}, handlers.Account{Deleted: true}},
		"of another company":       {catalog.SlackID{Team: "T0VENDOR01", User: "U0ERIN0001"}, handlers.Account{}},
		"of a company not met yet": {catalog.SlackID{Team: "T0OTHER001", User: alice}, handlers.Account{}},
		"nobody Slack knows":       {catalog.SlackID{Team: team, User: "U0NOBODY01"}, handlers.Account{Deleted: true}},
		"a stranger as one of us":  {catalog.SlackID{Team: team, User: "U0STRANGE1"}, handlers.Account{Deleted: true}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := b.Directory().Account(b.ctx, c.id)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("account (-want +got):\n%s", diff)
			}
		})
	}
}

func TestADeactivationCountsAtOnceAndAnOutageDoesNotHideAnAccount(t *testing.T) {
	t.Parallel()
	c := newClock()
	b := setup(t, options{bot: func(cfg *bot.Config) { cfg.Now = c.now }})
	id := catalog.SlackID{Team: team, User: "U0BOB00001"}
	if _, err := b.Directory().Account(b.ctx, id); err != nil {
		t.Fatal(err)
	}
	c.pass(time.Minute)
	b.fault(t, slacksim.Fault{Method: "users.info", Kind: slacksim.FaultError, Error: "access_denied"})
	if _, err := b.Directory().Account(b.ctx, id); err != nil {
		t.Errorf("Slack is away for a moment: %v", err)
	}
	c.pass(2 * time.Hour)
	b.fault(t, slacksim.Fault{Method: "users.info", Kind: slacksim.FaultError, Error: "access_denied"})
	if _, err := b.Directory().Account(b.ctx, id); err == nil {
		t.Error("what Slack said two hours ago counts")
	}
	if _, err := b.Directory().Account(b.ctx, id); err != nil {
		t.Fatal(err)
	}
	if _, err := b.slack.ChangeUser(slacksim.UserChange{User: slacksim.User{ID: id.User}, Delete: true}); err != nil {
		t.Fatal(err)
	}
	b.until(t, func() bool {
		a, err := b.Directory().Account(b.ctx, id)
		return err == nil && a.Deleted
	})
}

func TestWhoReadsAChannel(t *testing.T) {
	t.Parallel()
	yes := true
	b := setup(t, options{offline: true})
	private, err := b.slack.ChangeChannel(slacksim.ChannelChange{Name: "war-room", IsPrivate: &yes, AddMembers: []string{"bob", "svcdown"}})
	if err != nil {
		t.Fatal(err)
	}
	hidden, err := b.slack.ChangeChannel(slacksim.ChannelChange{Name: "not-ours", IsPrivate: &yes, AddMembers: []string{"bob"}})
	if err != nil {
		t.Fatal(err)
	}
	bob, carol := catalog.SlackID{Team: team, User: "U0BOB00001"}, catalog.SlackID{Team: team, User: "U0CAROL001"}
	type answer struct{ May, Private bool }
	for name, c := range map[string]struct {
		channel string
		id      catalog.SlackID
		want    answer
	}{
		"everybody reads a public one":                     {ops, carol, answer{true, false}},
		"a member reads a private one":                     {private, bob, answer{true, true}},
		"whoever is no member does not":                    {private, carol, answer{false, true}},
		"the same user ID of another workspace is nobody":  {private, catalog.SlackID{Team: "T9", User: bob.User}, answer{false, true}},
		"nobody is no member":                              {private, catalog.SlackID{}, answer{false, true}},
		"one that we do not see is private and unreadable": {hidden, bob, answer{false, true}},
		"direct messages are":                              {"D0123", bob, answer{false, true}},
		"no channel is":                                    {"", bob, answer{false, true}},
	} {
		if may, private := b.Directory().Reads(b.ctx, c.channel, c.id); (answer{may, private}) != c.want {
			t.Errorf("%s: may read %v, private %v", name, may, private)
		}
	}
	if _, err := b.slack.ChangeChannel(slacksim.ChannelChange{ID: private, RemoveMembers: []string{"bob"}}); err != nil {
		t.Fatal(err)
	}
	if may, _ := b.Directory().Reads(b.ctx, private, bob); may {
		t.Error("whoever was taken out a moment ago still reads it")
	}
	b.fault(t, slacksim.Fault{Method: "conversations.info", Kind: slacksim.FaultError, Error: "access_denied"})
	if may, private := b.Directory().Reads(b.ctx, ops, bob); may || !private {
		t.Error("while Slack does not say, a channel counts as public")
	}
}
