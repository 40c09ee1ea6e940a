package bot_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/bot"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/slacksim"
)

const room = "inc-20261123-backend-down"

func person(user string) catalog.SlackID { return catalog.SlackID{Team: team, User: user} }

func TestARoomIsMadeOnceWhateverGoesWrong(t *testing.T) {
	t.Parallel()
	for name, faults := range map[string][]slacksim.Fault{
		"when all is well":           nil,
		"when the answer is lost":    {{Method: "conversations.create", Kind: slacksim.FaultLostAnswer}},
		"when Slack says to wait":    {{Method: "conversations.create", Kind: slacksim.FaultRateLimit}},
		"when the lookup fails once": {{Method: "conversations.create", Kind: slacksim.FaultLostAnswer}, {Method: "users.conversations", Kind: slacksim.FaultHTTP500}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{offline: true})
			for _, f := range faults {
				b.fault(t, f)
			}
			first, err := b.OpenRoom(b.ctx, room, false)
			if err != nil {
				t.Fatal(err)
			}
			// An earlier life of the bot made it and never said so.
			second, err := b.OpenRoom(b.ctx, room, false)
			if err != nil || second != first {
				t.Errorf("made %s, then %s, %v", first, second, err)
			}
			if calls := b.slack.Calls("conversations.list"); len(calls) > 0 {
				t.Error("the whole workspace was listed")
			}
		})
	}
}

func TestARoomOfOthersIsNotOurs(t *testing.T) {
	t.Parallel()
	for name, members := range map[string][]string{"that the bot is not in": {"alice"}, "that the bot was invited to": {"alice", "svcdown"}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t, options{offline: true})
			if _, err := b.slack.ChangeChannel(slacksim.ChannelChange{Name: room, AddMembers: members}); err != nil {
				t.Fatal(err)
			}
			if id, err := b.OpenRoom(b.ctx, room, false); !errors.Is(err, handlers.ErrRoomTaken) {
				t.Errorf("got %s, %v", id, err)
			}
		})
	}
}

func TestWhereChannelsAreNotAllowedThatIsSaid(t *testing.T) {
	t.Parallel()
	b := setup(t, options{offline: true})
	b.fault(t, slacksim.Fault{Method: "conversations.create", Kind: slacksim.FaultError, Error: "restricted_action"})
	if _, err := b.OpenRoom(b.ctx, room, false); !errors.Is(err, handlers.ErrNoRoom) {
		t.Errorf("got %v", err)
	}
}

func TestInvitingBringsInWhoCanCome(t *testing.T) {
	t.Parallel()
	b := setup(t, options{offline: true})
	id, err := b.OpenRoom(b.ctx, room, true)
	if err != nil || !strings.HasPrefix(id, "C") {
		t.Fatalf("%s, %v", id, err)
	}
	people := []catalog.SlackID{person(alice), person("U0DAVE0001"), person("U0NOBODY01"), {Team: "T0VENDOR01", User: "U0ERIN0001"}, person("U0BOB00001")}
	err = b.Invite(b.ctx, id, people)
	if err == nil || !strings.Contains(err.Error(), "U0DAVE0001") || !strings.Contains(err.Error(), "U0NOBODY01") {
		t.Errorf("who could not come is not named: %v", err)
	}
	if err := b.Invite(b.ctx, id, []catalog.SlackID{person(alice)}); err != nil {
		t.Errorf("who is there already is no failure: %v", err)
	}
	for _, user := range []string{"alice", "bob"} {
		if _, err := b.slack.Say(user, id, "", "here"); err != nil {
			t.Errorf("%s is not in the channel: %v", user, err)
		}
	}
}

func TestARoomIsFurnishedOnce(t *testing.T) {
	t.Parallel()
	b := setup(t, options{offline: true})
	id, err := b.OpenRoom(b.ctx, room, false)
	if err != nil {
		t.Fatal(err)
	}
	at, err := b.At(card.Address{Kind: "slack", Team: team, Channel: id}).Say(b.ctx, "header", simple(card.Fail, redact.Const("OPEN")))
	if err != nil {
		t.Fatal(err)
	}
	f := handlers.Furniture{Topic: "I-1 · <!channel> " + strings.Repeat("é", 300), Links: []catalog.Link{{Title: "Grafana", URL: "https://grafana.example.com"}}, Pin: at}
	for range 2 {
		if err := b.Furnish(b.ctx, id, f); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(b.slack.Calls("bookmarks.add")); n != 1 {
		t.Errorf("%d bookmarks were added", n)
	}
	calls := b.slack.Calls("conversations.setTopic")
	if topic, _ := calls[0].Args["topic"].(string); strings.Contains(topic, "<") || len([]rune(topic)) > 250 {
		t.Errorf("the topic is %q", topic)
	}
	for range 2 {
		if err := b.Archive(b.ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	var d *bot.DeliveryError
	if err := b.Invite(b.ctx, id, []catalog.SlackID{person(alice)}); !errors.As(err, &d) || !d.Lasting() {
		t.Errorf("inviting into an archived channel: %v", err)
	}
}

// pins hands on what was marked.
type pins struct{ taken chan handlers.Pin }

func (p pins) TakePin(_ context.Context, pin handlers.Pin) error {
	p.taken <- pin
	return nil
}

func TestAPushpinIsReadAndHandedOver(t *testing.T) {
	t.Parallel()
	p := pins{make(chan handlers.Pin, 4)}
	b := setup(t, options{bot: func(c *bot.Config) { c.Pins = p }})
	top := b.say(t, "alice", "ops", "", "it began at 14:02")
	reply := b.say(t, "bob", "ops", top, "only the EU & nobody else")
	for _, mark := range []struct{ user, ts, name string }{{"bob", top, "eyes"}, {"bob", top, "pushpin"}, {"alice", reply, "pushpin"}} {
		if err := b.slack.React(mark.user, "ops", mark.ts, mark.name, false); err != nil {
			t.Fatal(err)
		}
	}
	var got []handlers.Pin
	for range 2 {
		select {
		case pin := <-p.taken:
			got = append(got, pin)
		case <-b.ctx.Done():
			t.Fatal("no pin came")
		}
	}
	want := map[string]handlers.Pin{
		top:   {By: person("U0BOB00001"), Author: person(alice), Channel: ops, TS: top, Text: "it began at 14:02"},
		reply: {By: person(alice), Author: person("U0BOB00001"), Channel: ops, TS: reply, Text: "only the EU & nobody else"},
	}
	for _, pin := range got {
		if diff := cmp.Diff(want[pin.TS], pin); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

func TestShortcutsAskForAForm(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	ts := b.say(t, "bob", "ops", "", "checkout is slow & \"timeouts\"")
	if err := b.slack.Shortcut("alice", "incident_from_message", "ops", ts); err != nil {
		t.Fatal(err)
	}
	in := b.next(t)
	if in.Text != "incident form checkout is slow & \"timeouts\"" || in.From != person(alice) || in.Where.Channel != ops || in.Trigger == "" {
		t.Errorf("got %+v", in)
	}
	if err := b.slack.Shortcut("alice", "incident_open", "", ""); err != nil {
		t.Fatal(err)
	}
	if in := b.next(t); in.Text != "incident form" || in.Where.Channel != "" || in.Where.User != alice {
		t.Errorf("got %+v", in)
	}
}

func TestAMessageIsAskedIntoTheRunbookAsItStands(t *testing.T) {
	t.Parallel()
	b := setup(t, options{})
	ts := b.say(t, "bob", "ops", "", "look at the \"tag\" & use --tail")
	if err := b.slack.Shortcut("alice", "message_to_runbook", "ops", ts); err != nil {
		t.Fatal(err)
	}
	in := b.next(t)
	if in.Text != "lesson from-form" || in.Values["what"] != "look at the \"tag\" & use --tail" || in.From != person(alice) || in.Where.Channel != ops || in.Key == "" {
		t.Errorf("got %+v", in)
	}
}

// homes is what stands on the home tab of anybody.
type homes struct{}

func (homes) Home(_ context.Context, id catalog.SlackID) card.Card {
	return simple(card.Fail, redact.F("Open: 1 incident, for %s", id.User))
}

func TestTheHomeTabShowsWhatWaitsForThePerson(t *testing.T) {
	t.Parallel()
	b := setup(t, options{bot: func(c *bot.Config) { c.Homes = homes{} }})
	if err := b.slack.OpenHome("alice"); err != nil {
		t.Fatal(err)
	}
	_, err := b.slack.WaitCall(b.ctx, func(c slacksim.Call) bool {
		view := fmt.Sprint(c.Args["view"])
		return c.Method == "views.publish" && strings.Contains(view, "Open: 1 incident, for "+alice) && strings.Contains(view, "/svcdown status SERVICE")
	})
	if err != nil {
		t.Fatal(err)
	}
}
