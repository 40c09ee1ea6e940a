package handlers_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/plan"
)

func TestARequestStandsWhereOthersCanApproveIt(t *testing.T) {
	t.Parallel()
	user := slack("alice").User
	for name, c := range map[string]struct {
		from    card.Address
		outside string
		shared  []string
		want    string
		told    bool // the asker is told, since they do not see the card
	}{
		"asked in a channel, it stands there":                        {from: card.Address{Kind: "slack", Channel: "COPS"}, want: "COPS"},
		"asked in direct messages, it stands in the service's":       {from: card.Address{Kind: "slack", Channel: "DALICE"}, want: "CBACK", told: true},
		"asked in a channel shared with others, in the service's":    {from: card.Address{Kind: "slack", Channel: "CSHARED", Private: true}, want: "CBACK", told: true},
		"asked at a terminal, in the service's":                      {from: card.Address{Kind: "terminal", Channel: "ref"}, want: "CBACK", told: true},
		"the service's is shared as well, so it stands in ops":       {from: card.Address{Kind: "terminal", Channel: "ref"}, shared: []string{"CBACK"}, want: "COPS", told: true},
		"all are shared, so it stands in none of them":               {from: card.Address{Kind: "terminal", Channel: "ref"}, shared: []string{"CBACK", "COPS"}, want: "", told: true},
		"asked where the bot is no member, in the service's as well": {from: card.Address{Kind: "slack", Channel: "CELSE"}, outside: "CELSE", want: "CBACK"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.chat.outside, b.directory.shared = []string{c.outside}, c.shared
			c.from.Team, c.from.User = team, user
			said := b.incoming(t, handlers.Incoming{From: slack("alice"), Text: "restart backend", Where: c.from})
			id := b.rows.order[0]
			if told := strings.Contains(said.Verdict.String(), id); told != c.told {
				t.Errorf("got the asker told %q, want told: %v", said.Verdict, c.told)
			}
			for range 2 { // the second announcement edits
				if err := b.Announce(t.Context(), id); err != nil {
					t.Fatal(err)
				}
			}
			for _, channel := range c.shared {
				if got := b.chat.in(channel); len(got) != 0 {
					t.Errorf("got %q in %s, which another company reads", got, channel)
				}
			}
			got := b.chat.in(c.want)
			if last := len(got) - 1; last < 0 || !strings.Contains(got[last], "asks to restart backend") || (c.want != "" && last != 1) {
				t.Errorf("got %q in %s, want the request's card, posted and edited", got, c.want)
			}
		})
	}
}

func TestAnEndIsToldOnceInTheThread(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.proposed(t)
	b.says(t, "bob", `deny `+r.ID+` not now`)
	for range 3 {
		if err := b.Announce(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
	}
	told := 0
	for _, m := range b.chat.all() {
		if m.op == "say" && m.at.Thread != "" && strings.Contains(m.card.Verdict.String(), "nothing was changed (denied by bob: not now)") {
			told++
		}
	}
	if told != 1 {
		t.Errorf("got the end told %d times, want once", told)
	}
}

func TestABrokenGlassIsLoudUntilReviewed(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.proposed(t)
	b.wait(6 * time.Minute)
	b.says(t, "alice", "break-glass "+r.ID+" nobody answers and the shop is down")
	if got := b.rows.get(t, r.ID); got.State != approval.Approved || got.Broken == nil {
		t.Fatalf("got %s, want approved by the glass", got.State)
	}
	glass := func() card.Card {
		t.Helper()
		if err := b.Announce(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		var last card.Card
		for _, m := range b.chat.all() {
			if m.at.Channel == "COPS" && strings.HasPrefix(m.card.Title.String(), "Break-glass") {
				last = m.card
			}
		}
		return last
	}
	if c := glass(); len(c.Buttons) != 1 || c.Buttons[0].Verb != "review" {
		t.Errorf("got %+v, want a card that asks for a review", c)
	}
	if said := b.says(t, "alice", "review "+r.ID); !strings.Contains(said.Verdict.String(), "Somebody else") {
		t.Errorf("got %q, want a refusal to review one's own", said.Verdict)
	}
	b.says(t, "carol", "review "+r.ID)
	if c := glass(); len(c.Buttons) != 0 || c.State != card.OK {
		t.Errorf("got %+v, want it closed", c)
	}
}

func TestRemindersGoFromOneToTheNext(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.proposed(t)
	var later *approval.Later
	for range 2 {
		if err := b.Remind(t.Context(), r.ID); !errors.As(err, &later) || later.After != 2*time.Minute {
			t.Fatalf("got %v, want to be called again after two minutes", err)
		}
	}
	if err := b.Remind(t.Context(), r.ID); err != nil {
		t.Fatalf("got %v, want the end: everybody was told", err)
	}
	for _, user := range []string{"UBOB", "UCAROL"} {
		if got := b.chat.in("D" + user); len(got) != 1 || !strings.Contains(got[0], "waits for you") {
			t.Errorf("got %q for %s, want one reminder", got, user)
		}
	}
	for _, user := range []string{"UALICE", "UDORA"} {
		if got := b.chat.in("D" + user); len(got) != 0 {
			t.Errorf("got %q for %s, who could not decide", got, user)
		}
	}
}

func TestWhoWasRemindedOfAPlanIsRemindedOfTheNext(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.cluster.replan = func(p plan.Plan) (plan.Plan, error) { p.Target.UID = "u2"; return p, nil }
	r := b.proposed(t)
	var later *approval.Later
	remind := func() {
		t.Helper()
		if err := b.Remind(t.Context(), r.ID); !errors.As(err, &later) {
			t.Fatalf("got %v, want to be called again", err)
		}
	}
	remind()
	b.says(t, "bob", "approve "+r.ID)
	if err := b.Execute(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if now := b.rows.get(t, r.ID); now.State != approval.Pending || now.Digest == r.Digest {
		t.Fatalf("got %s, want another plan that waits", now.State)
	}
	remind()
	if got := b.chat.in("DUBOB"); len(got) != 2 {
		t.Errorf("got %q, want a reminder of each plan", got)
	}
}

func TestSomebodyUnreachableDoesNotKeepTheNextFromBeingReminded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.chat.mute = []string{"UBOB"}
	r := b.proposed(t)
	var later *approval.Later
	if err := b.Remind(t.Context(), r.ID); !errors.As(err, &later) {
		t.Fatalf("got %v, want to be called again", err)
	}
	if got := b.chat.in("DUCAROL"); len(got) != 1 {
		t.Errorf("got %q for carol, want a reminder", got)
	}
}

func TestNobodyIsRemindedOfWhatIsDecided(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.approved(t)
	before := len(b.chat.all())
	if err := b.Remind(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if got := b.chat.all()[before:]; len(got) != 0 {
		t.Errorf("got %+v, want silence", got)
	}
}

// Somebody without a Slack account can agree at the terminal: they are named, and nobody tries to write to them.
func TestWhoHasTheTerminalAloneIsWaitedOn(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.catalog.People[2].Slack = nil
	b.catalog.Roles[1].People = []string{"carol"}
	r := b.proposed(t)
	said := b.says(t, "alice", "approvals")
	if got := said.Parts[0].Text.String(); !strings.Contains(got, "waiting for @carol") {
		t.Errorf("got %q, want carol named", got)
	}
	before := len(b.chat.all())
	if err := b.Remind(t.Context(), r.ID); err != nil || len(b.chat.all()) != before {
		t.Errorf("got %v and %d messages, want silence", err, len(b.chat.all())-before)
	}
}
