package handlers_test

import (
	"strings"
	"testing"

	"github.com/svcdown/svcdown/card"
)

func TestATickStandsOnEveryCardOfTheLevel(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	b.climbs(t, i.ID)
	b.shown(t, i.ID)
	for text, want := range map[string]string{
		"duty 1": "Which duty of which level", "duty 1 1 maybe": "is done or taken up again", "duty one 1 done": "are numbers", "duty 1 9 done": "not a number 9",
		"duty 1 1 done now please": "I do not know what",
	} {
		if got := b.inRoom(t, i, "bob", text); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%s: said %q, want %q", text, got, want)
		}
	}
	edits := func(mark card.Mark, more string) int {
		t.Helper()
		before := len(b.chat.all())
		for range 2 {
			b.shown(t, i.ID)
		}
		edited := 0
		for _, m := range b.chat.all()[before:] {
			if m.op != "update" || !strings.Contains(m.card.Title.String(), "level 1") {
				continue
			}
			edited++
			for _, p := range m.card.Parts {
				if p.Item != nil && (p.Item.Mark != mark || p.Item.More.String() != more || len(p.Item.Buttons) != 1) {
					t.Errorf("the duty became %+v", p.Item)
				}
			}
		}
		return edited
	}
	b.inRoom(t, i, "bob", "duty 1 1 done")
	if n := b.timelineHas(t, i.ID, "Done: Follow the runbook"); n != 1 {
		t.Errorf("the timeline has the tick %d times", n)
	}
	first := edits(card.MarkDone, "bob at 12:00 UTC")
	if first < 1 {
		t.Error("no card was edited")
	}
	if got := b.inRoom(t, i, "alice", "duty 1 1 done"); len(got) != 1 || !strings.Contains(got[0], "bob did that at 12:00 UTC already") {
		t.Errorf("said %q", got)
	}
	b.inRoom(t, i, "alice", "duty 1 1 reopen")
	if again := edits(card.MarkOpen, ""); again != first {
		t.Errorf("%d cards were edited, want %d", again, first)
	}
}
