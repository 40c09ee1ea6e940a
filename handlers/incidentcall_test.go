package handlers_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/incident"
)

func TestASlackThatHangsKeepsNobodyAsleep(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.rooms.hang = make(chan struct{})
	woken := make(chan struct{})
	b.pager.woken = woken
	b.says(t, "alice", "incident open backend")
	all, err := b.store.Incidents(t.Context(), false, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Escalate(t.Context(), all[0].ID); err != nil {
		t.Fatal(err)
	}
	b.judge(t, all[0].ID)
	shown := make(chan error, 1)
	go func() { shown <- b.ShowIncident(t.Context(), all[0].ID) }()
	select {
	case <-woken:
	case <-time.After(10 * time.Second):
		t.Error("nobody was paged while Slack hangs")
	}
	close(b.rooms.hang)
	if err := <-shown; err != nil {
		t.Error(err)
	}
}

func TestTheFirstPageWaitsForTheTriageAndNoLongerThanItsTime(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name    string
		do      func(*incidents, *testing.T, string)
		pages   int
		verdict string
	}{
		{"it carries what the triage says", func(b *incidents, t *testing.T, id string) { b.judge(t, id) }, 1, "no pod is ready"},
		{"it goes out without it when that takes too long", func(*incidents, *testing.T, string) {}, 1, ""},
		{"it does not go out when somebody takes the incident meanwhile", func(b *incidents, t *testing.T, id string) {
			if err := b.AckFromPager(t.Context(), id, "bob", anyPage); err != nil {
				t.Fatal(err)
			}
		}, 0, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			b := setupIncidents(t)
			b.says(t, "alice", "incident open backend")
			all, err := b.store.Incidents(t.Context(), false, 1)
			if err != nil {
				t.Fatal(err)
			}
			id := all[0].ID
			if err := b.Escalate(t.Context(), id); err != nil {
				t.Fatal(err)
			}
			shown, asked := make(chan error, 1), make(chan struct{})
			b.rooms.asked = asked
			began := time.Now()
			go func() { shown <- b.ShowIncident(t.Context(), id) }()
			<-asked // it is under way
			if got := b.pager.keys(); got != nil {
				t.Errorf("paged %q at once, without the triage", got)
			}
			tc.do(b, t, id)
			if err := <-shown; err != nil {
				t.Fatal(err)
			}
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("it took %s", took)
			}
			b.pager.mu.Lock()
			defer b.pager.mu.Unlock()
			if len(b.pager.pages) != tc.pages || tc.pages > 0 && b.pager.pages[0].What.String() != tc.verdict {
				t.Errorf("paged %+v, want %d with %q", b.pager.pages, tc.pages, tc.verdict)
			}
		})
	}
}

func TestWithoutAPagerDirectMessagesAreThePage(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.Pager = nil
	i := b.opened(t)
	b.climbs(t, i.ID)
	b.climbs(t, i.ID)
	for _, user := range []string{"DUALICE", "DUBOB"} {
		if got := b.chat.in(user); len(got) != 1 || !strings.Contains(got[0], "Level 1 is called (oncall)") {
			t.Errorf("%s was told %q", user, got)
		}
	}
}

func TestPeopleAreCalledThoughTheChannelCannotBeMadeYet(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.Pager = nil
	b.rooms.err = errors.New("Slack is slow today")
	b.says(t, "alice", "incident open backend")
	all, err := b.store.Incidents(t.Context(), false, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Escalate(t.Context(), all[0].ID); err != nil {
		t.Fatal(err)
	}
	if err := b.ShowIncident(t.Context(), all[0].ID); err == nil {
		t.Error("a channel that could not be made is not tried again")
	}
	if got := b.chat.in("DUBOB"); len(got) != 1 {
		t.Errorf("bob was told %q", got)
	}
	b.rooms.err = nil
	b.shown(t, all[0].ID)
	if got := b.chat.in("DUBOB"); len(got) != 1 || b.get(t, all[0].ID).Room == "" {
		t.Errorf("bob was told %q, in %q", got, b.get(t, all[0].ID).Room)
	}
}

func TestAWaitingApprovalOfAnOpenIncidentIsPagedAfterItsReminder(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	r := b.proposed(t)
	remind := func() {
		t.Helper()
		var later *approval.Later
		if err := b.Remind(t.Context(), r.ID); err != nil && !errors.As(err, &later) {
			t.Fatal(err)
		}
	}
	remind()
	remind()
	if got := b.pager.keys(); len(got) > 0 {
		t.Errorf("paged without an incident: %q", got)
	}
	i := b.opened(t)
	b.inRoom(t, i, "alice", "resolve anyway")
	remind()
	if got := b.pager.keys(); b.get(t, i.ID).State != incident.Resolved || len(got) > 0 {
		t.Errorf("it is %s, and paged for it: %q", b.get(t, i.ID).State, got)
	}
	b.inRoom(t, i, "alice", "reopen")
	remind()
	remind()
	if got := b.pager.keys(); len(got) != 2 || !strings.HasSuffix(strings.Join(slices.Sorted(slices.Values(got)), ""), " carol") {
		t.Errorf("paged %q, want bob and carol, once each", got)
	}
	events, err := b.store.Timeline(t.Context(), i.ID)
	if err != nil || !slices.ContainsFunc(events, func(e incident.Event) bool { return e.Kind == incident.KindPage }) {
		t.Errorf("the timeline does not say so: %v, %v", events, err)
	}
}
