package handlers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
)

// said is everything that was said since, with where.
func (b *testBundle) since(n int) (all string, channels []string) {
	var text strings.Builder
	for _, m := range b.chat.all()[n:] {
		fmt.Fprintln(&text, m.op, m.at.Channel, told(m.card), m.file.Content)
		channels = append(channels, m.op+" "+m.at.Channel)
	}
	return text.String(), channels
}

// secluded is a checklist in the private channel GWAR, of which alice and bob are members, with one step run.
func secluded(t *testing.T) *desk {
	t.Helper()
	b := inside(t)
	b.directory.private = map[string][]catalog.SlackID{"GWAR": {slack("alice"), slack("bob")}}
	b.incoming(t, handlers.Incoming{From: slack("alice"), Text: "runbook service-down backend", Where: card.Address{Kind: "slack", Team: team, Channel: "GWAR", User: slack("alice").User}})
	for id := range b.lists.stored {
		b.id = id
	}
	b.incoming(t, handlers.Incoming{From: slack("alice"), Text: "step " + b.id + " 2 run", Where: card.Address{Kind: "slack", Team: team, Channel: "GWAR", User: slack("alice").User}})
	if len(b.checks.ran) != 1 {
		t.Fatalf("ran %q", b.checks.ran)
	}
	return b
}

func TestAPrivateChannelsChecklistIsKeptAmongItsMembers(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"step ID 2 output", "step ID 1 run", "step ID all run", "step ID 5 done", "step ID 4 post", "step ID all fill", "runbook ID"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			b := secluded(t)
			b.catalog.Roles[0].People = append(b.catalog.Roles[0].People, "carol")
			text := strings.Replace(op, "ID", b.id, 1)
			// carol may work on runbooks, and is not in the channel.
			for _, in := range []handlers.Incoming{
				{From: slack("carol"), Where: card.Address{Kind: "slack", Team: team, Channel: "COPS", User: slack("carol").User}},
				{From: slack("carol"), Where: card.Address{Kind: "slack", Team: team, Channel: "DCAROL", User: slack("carol").User}},
				{Kubernetes: "carol@example.com", Where: card.Address{Kind: "terminal"}},
			} {
				in.Text = text
				before := len(b.chat.all())
				c := b.incoming(t, in)
				if all, _ := b.since(before); c.State != card.Refused || lacks(c.Verdict.String(), "where you do not read", "nothing was done") != nil || strings.Contains(all, "raw of") || strings.Contains(all, "seen") {
					t.Errorf("in %s%s carol was told:\n%s", in.Where.Kind, in.Where.Channel, all)
				}
			}
			if len(b.checks.ran) != 1 || len(b.chat.in("CINC")) > 0 {
				t.Errorf("ran %q, posted %q", b.checks.ran, b.chat.in("CINC"))
			}
		})
	}
}

func TestAMemberReadsAPrivateChecklistElsewhereAlone(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"2 output", "1 run"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			b := secluded(t)
			before := len(b.chat.all())
			b.says(t, "bob", "step "+b.id+" "+op)
			all, channels := b.since(before)
			if strings.Contains(strings.Join(channels, "\n"), "COPS") {
				t.Errorf("said where everybody reads: %q", channels)
			}
			if !strings.Contains(all, "DUBOB") {
				t.Errorf("bob was not answered:\n%s", all)
			}
		})
	}
	t.Run("moved to where others read it is not", func(t *testing.T) {
		t.Parallel()
		b := secluded(t)
		if c := b.says(t, "bob", "runbook "+b.id); c.State != card.Refused || lacks(c.Verdict.String(), "stays there") != nil {
			t.Errorf("told %q", c.Verdict)
		}
	})
}

func TestAPublicChecklistIsReadEverywhere(t *testing.T) {
	t.Parallel()
	b := inside(t)
	b.opens(t, "alice")
	b.says(t, "alice", "step "+b.id+" 2 run")
	before := len(b.chat.all())
	b.incoming(t, handlers.Incoming{From: slack("dora"), Text: "step " + b.id + " 2 output", Where: card.Address{Kind: "slack", Team: team, Channel: "CELSE", User: slack("dora").User}})
	if all, _ := b.since(before); lacks(all, "upload CELSE", "raw of exec env") != nil {
		t.Errorf("said:\n%s", all)
	}
}

func TestWhatAPrivateIncidentHasStaysThere(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.catalog.Incidents.Severity = 1
	i := b.opened(t)
	b.directory.private = map[string][]catalog.SlackID{i.Room: {slack("alice"), slack("carol")}}
	b.Outside = map[catalog.Action]handlers.Outside{catalog.Publish: nil}
	b.Firing = nil
	for _, text := range []string{"update " + i.ID + " identified we know", "ack " + i.ID, "assign " + i.ID + " commander me", "page " + i.ID + " bob"} {
		for _, said := range b.at(t, "COPS", "dora", text) {
			if !strings.Contains(said, "is private, and you were not brought in") {
				t.Errorf("%s tells dora: %s", text, said)
			}
		}
	}
	before := len(b.chat.all())
	b.at(t, "COPS", "carol", "postmortem "+i.ID)
	if all, channels := b.since(before); strings.Contains(strings.Join(channels, "\n"), "COPS") || lacks(all, "upload DUCAROL", "checkout fails") != nil {
		t.Errorf("the postmortem went to:\n%s", all)
	}
	before = len(b.chat.all())
	b.inRoom(t, i, "alice", "postmortem")
	if _, channels := b.since(before); strings.Join(slices.Compact(channels), "\n") != "upload "+i.Room {
		t.Errorf("in its own channel it went to %q", channels)
	}
}
