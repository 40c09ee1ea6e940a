package handlers_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

func TestWhoIsNobodyDoesNothingToAnIncident(t *testing.T) {
	t.Parallel()
	for name, from := range map[string]func(b *incidents) catalog.SlackID{
		"a stranger":                    func(*incidents) catalog.SlackID { return catalog.SlackID{Team: team, User: "USTRANGER"} },
		"somebody of another workspace": func(*incidents) catalog.SlackID { return catalog.SlackID{Team: "T9", User: "UALICE"} },
		"a guest who is in the catalogue": func(b *incidents) catalog.SlackID {
			b.directory.accounts[slack("dora")] = handlers.Account{Guest: true}
			return slack("dora")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupIncidents(t)
			i := b.opened(t)
			id := from(b)
			for _, text := range []string{"ack", "severity 4", "note hello", "resolve anyway", "escalate", "page bob", "duty 1 1 done", "incident open redis", "postmortem", "incident show"} {
				b.Handle(t.Context(), handlers.Incoming{From: id, Text: text, Ref: "R", Where: card.Address{Kind: "slack", Team: team, Channel: i.Room, User: id.User}})
			}
			if err := b.TakePin(t.Context(), handlers.Pin{By: id, Author: slack("alice"), Channel: i.Room, TS: "1795478400.000100", Text: "x"}); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(i, b.get(t, i.ID)); diff != "" {
				t.Errorf("it changed (-before +after):\n%s", diff)
			}
		})
	}
}

func TestAPrivateIncidentIsReadByThoseWhoWereBroughtIn(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.catalog.Incidents.Severity = 1
	i := b.opened(t)
	if !i.Private || !strings.HasPrefix(i.Room, "G") {
		t.Fatalf("severity 1 has the channel %s", i.Room)
	}
	for _, text := range []string{"incident show " + i.ID, "postmortem " + i.ID, "incidents", "note " + i.ID + " hello", "resolve " + i.ID, "incident open backend", "incident open backend it is down"} {
		told := b.at(t, "COPS", "dora", text)
		if len(told) == 0 {
			t.Errorf("%s is not answered", text)
		}
		for _, said := range told {
			if strings.Contains(said, "checkout fails") || strings.Contains(said, i.RoomName) {
				t.Errorf("%s tells dora: %s", text, said)
			}
		}
	}
	if home := b.Home(t.Context(), slack("dora")); strings.Contains(fmt.Sprint(home), "checkout fails") {
		t.Errorf("the home tab tells dora: %v", home)
	}
	if got := strings.Join(b.chat.in("CINC"), ""); strings.Contains(got, "checkout fails") {
		t.Errorf("everybody reads: %s", got)
	}
	if got := b.at(t, "COPS", "dora", "incident open backend"); len(got) != 1 || lacks(got[0], i.ID, "private", "Nothing was opened") != nil {
		t.Errorf("dora, who wants to open another, is told %q", got)
	}
	if got := b.at(t, "COPS", "carol", "incident open backend"); len(got) != 1 || lacks(got[0], "checkout fails", i.RoomName) != nil {
		t.Errorf("carol, who wants to open another, is told %q", got)
	}
	if got := b.at(t, "COPS", "carol", "incident show "+i.ID); len(got) != 1 || !strings.Contains(got[0], "checkout fails") {
		t.Errorf("carol, who owns it, is told %q", got)
	}
}

func TestResolveWaitsForItsTurnLikeEveryCheck(t *testing.T) {
	t.Parallel()
	const atOnce = 32
	b := setupIncidents(t)
	i := b.opened(t)
	running, end := make(chan struct{}, atOnce), make(chan struct{})
	b.cluster.findings = func(func(finding.Finding)) []finding.Finding {
		running <- struct{}{}
		<-end
		return nil
	}
	var asking sync.WaitGroup
	for n := range atOnce {
		asking.Go(func() {
			b.Handle(t.Context(), handlers.Incoming{Ref: "REF", From: slack("alice"), Text: "status backend",
				Where: card.Address{Kind: "slack", Team: team, Channel: fmt.Sprintf("C%d", n), User: slack("alice").User}})
		})
	}
	for range atOnce {
		<-running
	}
	got := make(chan []string, 1)
	asking.Go(func() { got <- b.inRoom(t, i, "alice", "resolve") })
	select {
	case said := <-got:
		if len(said) != 1 || !strings.Contains(said[0], "Too many checks run at this moment") {
			t.Errorf("said %q", said)
		}
	case <-running:
		t.Error("it is checked as well")
	}
	close(end)
	asking.Wait()
}

func TestResolveAsksWhenTheChecksAreNotGreen(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	b.cluster.findings = func(func(finding.Finding)) []finding.Finding {
		return checks(finding.Finding{Check: "pods", Status: finding.Fail, Line: redact.Const("3 of 3 pods crash")})
	}
	if got := b.inRoom(t, i, "alice", "resolve"); len(got) != 1 || !strings.Contains(got[0], "Not resolved yet: ") {
		t.Errorf("said %q", got)
	}
	if got := b.get(t, i.ID); got.State != incident.Open {
		t.Fatalf("it is %s", got.State)
	}
	b.inRoom(t, i, "alice", "resolve "+i.ID+" anyway")
	got := b.get(t, i.ID)
	events, err := b.store.Timeline(t.Context(), i.ID)
	if err != nil || got.State != incident.Resolved || !strings.Contains(events[len(events)-1].Text.String(), "without green checks") {
		t.Errorf("it is %s, %v: %v", got.State, err, events)
	}
	if home := words(b.Home(t.Context(), slack("alice"))); !strings.Contains(home, "No incident is open") || strings.Index(home, "Recently resolved") > strings.Index(home, i.ID) || !strings.Contains(home, "Recently resolved") {
		t.Errorf("the home tab does not tell what is over from what is open:\n%s", home)
	}
	b.shown(t, i.ID)
	b.shown(t, i.ID)
	uploads := map[string]int{}
	for _, m := range b.chat.all() {
		if m.op == "upload" && m.at.Channel == i.Room {
			uploads[m.file.Name[strings.LastIndex(m.file.Name, "."):]]++
		}
	}
	if diff := cmp.Diff(map[string]int{".md": 1, ".png": 1, ".ics": 1}, uploads); diff != "" {
		t.Errorf("uploaded (-want +got):\n%s", diff)
	}
}

func TestACommandThatIsWorkedTwiceCallsOnce(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	for range 2 {
		b.Handle(t.Context(), handlers.Incoming{Key: "command:1", From: slack("alice"), Text: "escalate 2 it burns", Ref: "R",
			Where: card.Address{Kind: "slack", Team: team, Channel: i.Room, User: "UALICE"}})
	}
	b.shown(t, i.ID)
	if diff := cmp.Diff([]string{"level:1:2 bob+carol"}, b.pager.keys()); diff != "" {
		t.Errorf("paged (-want +got):\n%s", diff)
	}
	b.inRoom(t, i, "alice", "page @bob please look")
	b.shown(t, i.ID)
	if got := b.pager.keys(); len(got) != 2 || !strings.HasPrefix(got[1], "call:") || !strings.HasSuffix(got[1], " bob") {
		t.Errorf("paged %q", got)
	}
}

func TestMistypedIncidentCommandsSayWhatToWrite(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	for text, want := range map[string]string{
		"assign":              "Which role, and who?",
		"assign boss bob":     "commander, comms and ops",
		"assign ops nobody":   "I know nobody called",
		"severity 7":          "from 1, the worst, to 4",
		"note":                "A note of what?",
		"ack I-AAAAAA":        "There is no incident I-AAAAAA",
		"page":                "Whom?",
		"escalate 9":          "levels 1 to 2, not 9",
		"incident":            "incident open SERVICE",
		"incident form":       "There is no form here",
		"incident open kafka": "kafka",
		"incident open":       "incident open SERVICE",
		"close":               "resolve it before you close it",
		"reopen":              "it is open",
		"incident open be it": "is open since",
	} {
		if got := strings.Join(b.inRoom(t, i, "alice", text), "\n"); !strings.Contains(got, want) {
			t.Errorf("%q says %q, not %q", text, got, want)
		}
	}
	if got := b.at(t, "COPS", "alice", "ack"); len(got) != 1 || !strings.Contains(got[0], "Which incident?") {
		t.Errorf("elsewhere: %q", got)
	}
}
