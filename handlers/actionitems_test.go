package handlers_test

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

func (b *incidents) items(t *testing.T, f incident.ItemFilter) []incident.ActionItem {
	t.Helper()
	items, err := b.store.Items(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	return items
}

// told are the direct messages of the bot to somebody, by their verdicts.
func (b *incidents) told(name string) (out []string) {
	for _, m := range b.chat.all() {
		if m.op == "say" && m.at.Channel == "D"+slack(name).User {
			out = append(out, m.card.Verdict.String())
		}
	}
	return out
}

func TestAnActionItemIsWrittenDownOnceListedAndDone(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	for range 2 { // the delivery comes twice
		b.Handle(t.Context(), handlers.Incoming{Key: "command:1", From: slack("alice"), Text: "action add alert when the disk is 80 % full --soon @bob 2026-12-01", Ref: "R",
			Where: card.Address{Kind: "slack", Team: team, Channel: i.Room, User: "UALICE"}})
	}
	items := b.items(t, incident.ItemFilter{})
	if len(items) != 1 || items[0].Text.String() != "alert when the disk is 80 % full --soon" || items[0].Owner != "bob" || items[0].Due != "2026-12-01" || items[0].By != "alice" {
		t.Fatalf("written down: %+v", items)
	}
	if got := b.at(t, "COPS", "alice", "action "+i.ID+" add 2 2026-11-24 carol"); len(got) != 1 || !strings.Contains(got[0], "carol does it until 2026-11-24: 2") {
		t.Errorf("said %q", got)
	}
	for text, want := range map[string]string{
		"action add fix it @bob":               "The last word is the day",
		"action add fix it @bob tomorrow":      "The last word is the day",
		"action add fix it @bob 2026-11-22":    "2026-11-22 is over",
		"action add fix it @bob 2206-11-22":    "more than 5 years away",
		"action add fix it @nobody 2026-12-01": "I know nobody called",
		"action add  @bob 2026-12-01":          "An action item says what, who and until when",
		"action done":                          "Which one?",
		"action done 99 9":                     "exactly one number",
		"action done 999":                      "There is no action item 999",
		"action done one":                      "Which one?",
		"action":                               "I did not understand that",
		"action from-form":                     "The last word is the day",
	} {
		if got := b.inRoom(t, i, "alice", text); len(got) != 1 || !strings.Contains(got[0], want) {
			t.Errorf("%s: said %q, want %q", text, got, want)
		}
	}
	if home := b.Home(t.Context(), slack("bob")); !strings.Contains(cardText(home), "alert when the disk") {
		t.Errorf("bob's home tab: %s", cardText(home))
	}
	b.at(t, "COPS", "bob", "actions")
	if got := b.chatAt(t, "COPS", "bob", "actions"); !strings.Contains(cardText(got), "alert when the disk") || strings.Contains(cardText(got), ". 2\n") {
		t.Errorf("bob's items: %s", cardText(got))
	}
	if got := b.inRoom(t, i, "bob", "action done 1"); len(got) != 1 || !strings.Contains(got[0], "Done, says bob") {
		t.Errorf("said %q", got)
	}
	if got := b.inRoom(t, i, "bob", "action done 1"); len(got) != 1 || !strings.Contains(got[0], "is done already") {
		t.Errorf("said %q", got)
	}
	b.inRoom(t, i, "alice", "resolve")
	b.shown(t, i.ID)
	file := ""
	for _, m := range b.chat.all() {
		if m.op == "upload" && strings.HasSuffix(m.file.Name, ".md") {
			file = m.file.Content.String()
		}
	}
	if lack := lacks(file, "| 1. alert when the disk is 80 % full --soon | bob | done 2026-11-23 by bob |", " for carol until 2026-11-24: 2"); lack != nil {
		t.Errorf("the postmortem lacks %q:\n%s", lack, file)
	}
}

// cardText is all that a card says in its parts.
func cardText(c card.Card) string {
	var out []string
	for _, p := range c.Parts {
		out = append(out, p.Text.String())
		if p.Item != nil {
			out = append(out, p.Item.Line.String(), p.Item.More.String())
		}
	}
	return strings.Join(out, "\n")
}

func TestTheOwnerIsRemindedOnceOfEach(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	b.inRoom(t, i, "alice", "action add fix it @bob 2026-12-01")
	b.inRoom(t, i, "alice", "action add fix that @bob 2026-12-02")
	var all sync.WaitGroup
	remind := func(id int64, r incident.Reminder) {
		for range 3 { // two bots at the same moment, and one more after a crash
			all.Go(func() {
				for { // as the store does
					err := b.RemindItem(t.Context(), id, r, "")
					if err == nil {
						return
					}
					if _, later := errors.AsType[*approval.Later](err); !later {
						t.Error(err)
						return
					}
				}
			})
		}
		all.Wait()
	}
	b.wait(7 * 24 * time.Hour) // 2026-11-30
	remind(1, incident.RemindBefore)
	if diff := cmp.Diff([]string{"Due on 2026-12-01: fix it"}, b.told("bob")); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	b.wait(2 * 24 * time.Hour) // 2026-12-02
	remind(1, incident.RemindOverdue)
	b.inRoom(t, i, "bob", "action done 2")
	remind(2, incident.RemindOverdue)
	if diff := cmp.Diff([]string{"Due on 2026-12-01: fix it", "Overdue since 2026-12-01: fix it"}, b.told("bob")); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
	if got := b.chatAt(t, "COPS", "alice", "actions all"); !strings.Contains(got.Verdict.String(), "Open: 1 action item, overdue: 1") {
		t.Errorf("said %q", got.Verdict)
	}
}

func TestOfAPrivateIncidentOnlyTheOwnerReadsAnActionItem(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.catalog.Incidents.Severity = 1 // private here
	i := b.opened(t)
	b.inRoom(t, i, "alice", "action add hush hush @bob 2026-12-01")
	for _, text := range []string{"actions all", "actions " + i.ID, "action done 1", "action edit 1 @dora 2026-12-02", "action " + i.ID + " add x @dora 2026-12-01", "lesson " + i.ID + " hush"} {
		if got := b.chatAt(t, "COPS", "dora", text); strings.Contains(got.Verdict.String()+cardText(got), "hush hush") {
			t.Errorf("%s tells dora: %s", text, cardText(got))
		}
	}
	if items := b.items(t, incident.ItemFilter{}); len(items) != 1 || !items[0].Done.IsZero() || items[0].Owner != "bob" || items[0].Due != "2026-12-01" {
		t.Errorf("dora changed %+v", items)
	}
	if got := b.chatAt(t, "COPS", "bob", "actions"); !strings.Contains(cardText(got), "hush hush") {
		t.Errorf("bob, who owes it, is told %s", cardText(got))
	}
}

func TestAnActionItemIsChangedByWhoeverReadsIt(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	b.inRoom(t, i, "alice", "action add fix it @bob 2026-12-01")
	for _, tc := range []struct{ text, want string }{
		{"action edit 1 @carol", "carol does it until 2026-12-01: fix it"},
		{"action edit 1 2026-12-24", "carol does it until 2026-12-24: fix it"},
		{"action edit 1 alert on the tag 2026-12-25 @bob", "bob does it until 2026-12-25: alert on the tag"},
		{"action " + i.ID + " edit 1 alert on 2 tags", "bob does it until 2026-12-25: alert on 2 tags"},
		{"action edit 1 @bob", "is like that already"},
		{"action edit 1", "Which one, and what is different about it?"},
		{"action edit one @bob", "Which one?"},
		{"action edit 7 @bob", "There is no action item 7"},
		{"action edit 1 later @nobody", "I know nobody called"},
		{"action edit 1 2026-11-22", "2026-11-22 is over"},
	} {
		if got := b.inRoom(t, i, "alice", tc.text); len(got) != 1 || !strings.Contains(got[0], tc.want) {
			t.Errorf("%s: said %q, want %q", tc.text, got, tc.want)
		}
	}
	items := b.items(t, incident.ItemFilter{})
	if len(items) != 1 || items[0].Text.String() != "alert on 2 tags" || items[0].Owner != "bob" || items[0].Due != "2026-12-25" {
		t.Errorf("it is now %+v", items)
	}
	events, err := b.store.Timeline(t.Context(), i.ID)
	if err != nil {
		t.Fatal(err)
	}
	var told []string
	for _, e := range events {
		if e.Kind == incident.KindItem {
			told = append(told, e.By+": "+e.Text.String())
		}
	}
	want := []string{"alice: Action item 1 for bob until 2026-12-01: fix it", "alice: Action item 1 is now for carol instead of bob", "alice: Action item 1 is now until 2026-12-24 instead of 2026-12-01",
		"alice: Action item 1 is now for bob instead of carol, until 2026-12-25 instead of 2026-12-24, “alert on the tag”", "alice: Action item 1 is now “alert on 2 tags”"}
	if diff := cmp.Diff(want, told); diff != "" {
		t.Errorf("on the timeline (-want +got):\n%s", diff)
	}
	b.inRoom(t, i, "bob", "action done 1")
	if got := b.inRoom(t, i, "alice", "action edit 1 @carol"); len(got) != 1 || !strings.Contains(got[0], "is done already") {
		t.Errorf("said %q", got)
	}
}

func TestATimerOfADayThatIsNotItsDayAnyMoreRemindsNobody(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	b.inRoom(t, i, "alice", "action add fix it @bob 2026-12-01")
	b.inRoom(t, i, "alice", "action edit 1 @carol 2026-12-24")
	b.wait(7 * 24 * time.Hour)
	remind := func(due string) int {
		if err := b.RemindItem(t.Context(), 1, incident.RemindBefore, due); err != nil {
			t.Fatal(err)
		}
		return len(b.told("carol")) + len(b.told("bob"))
	}
	if n := remind("2026-12-01"); n != 0 {
		t.Errorf("the old timer told %q", append(b.told("carol"), b.told("bob")...))
	}
	if remind("2026-12-24"); !slices.Equal(b.told("carol"), []string{"Due on 2026-12-24: fix it"}) || len(b.told("bob")) != 0 {
		t.Errorf("told carol %q and bob %q", b.told("carol"), b.told("bob"))
	}
}

func TestWhatIsPrivateHidesNothingOfWhatIsNot(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.catalog.Incidents.Severity = 1 // private here
	i := b.opened(t)
	for range 600 { // due before the other
		if _, err := b.store.AddItem(t.Context(), "", incident.ActionItem{Incident: i.ID, Text: redact.Const("hush hush"), Owner: "alice", By: "alice", At: b.now(), Due: "2026-11-24"}, nil,
			func(a incident.ActionItem) incident.Event { return incident.Event{At: a.At, Kind: incident.KindItem} }); err != nil {
			t.Fatal(err)
		}
	}
	open := b.past(t, "I-AAAAAA", "redis", "slow", 3, 0, 0)
	b.at(t, "COPS", "alice", "action "+open.ID+" add watch it @bob 2026-12-01")
	if got := b.chatAt(t, "COPS", "dora", "actions all"); got.Verdict.String() != "Open: 1 action item, overdue: 0." || !strings.Contains(cardText(got), "watch it") || strings.Contains(cardText(got), "hush") {
		t.Errorf("dora is told %q: %s", got.Verdict, cardText(got))
	}
	b.wait(48 * time.Hour)
	b.at(t, "COPS", "carol", "report 30d")
	all := b.chat.all()
	if got := cardText(all[len(all)-4].card); !strings.Contains(got, "Action items: 601 open, 600 overdue.") {
		t.Errorf("the report says %s", got)
	}
}
