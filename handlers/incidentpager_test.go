package handlers_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/incident"
)

func TestThePagerIsToldOnceOfEachLevelAndStopped(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	b.pager.err = errors.New("the pager is away")
	if err := b.Escalate(t.Context(), i.ID); err != nil {
		t.Fatal(err)
	}
	if err := b.ShowIncident(t.Context(), i.ID); err == nil {
		t.Error("a page that did not go out is not tried again")
	}
	b.pager.err = nil
	b.shown(t, i.ID)
	b.wait(15 * time.Minute)
	b.climbs(t, i.ID)
	b.climbs(t, i.ID)
	if diff := cmp.Diff([]string{"level:1:1 alice+bob", "level:1:2 bob+carol"}, b.pager.keys()); diff != "" {
		t.Errorf("paged (-want +got):\n%s", diff)
	}
	b.inRoom(t, i, "bob", "ack")
	b.shown(t, i.ID)
	b.shown(t, i.ID)
	b.inRoom(t, i, "bob", "resolve")
	b.shown(t, i.ID)
	b.shown(t, i.ID)
	if !cmp.Equal(b.pager.acked, []string{"bob"}) || !cmp.Equal(b.pager.ended, []string{i.ID}) {
		t.Errorf("acknowledged %v, ended %v", b.pager.acked, b.pager.ended)
	}
}

// anyPage is a word of whatever page there is.
func anyPage(incident.Page) bool { return true }

func TestAWordOfAnEarlierRoundsPageStopsNoLadder(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	b.climbs(t, i.ID)
	of := func(rung string) func(incident.Page) bool {
		return func(p incident.Page) bool { return p.Key == i.ID+":"+rung }
	}
	says := func(rung string, stopped bool) {
		t.Helper()
		if err := b.AckFromPager(t.Context(), i.ID, "bob", of(rung)); err != nil {
			t.Fatal(err)
		}
		if got := b.get(t, i.ID).Climb; got.Stopped != stopped {
			t.Errorf("%s: stopped %v in round %d, want %v", rung, got.Stopped, got.Round, stopped)
		}
	}
	says("level:7:1", false) // a page that there never was
	says("level:1:1", true)
	b.wait(time.Hour)
	b.climbs(t, i.ID)
	says("level:1:1", false) // told once more
	says("level:2:1", true)
}

func TestAnAckAtThePagerStopsTheLadder(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	b.climbs(t, i.ID)
	for range 2 {
		if err := b.AckFromPager(t.Context(), i.ID, "bob (PagerDuty)", anyPage); err != nil {
			t.Fatal(err)
		}
	}
	b.wait(20 * time.Minute)
	b.climbs(t, i.ID)
	if got := b.get(t, i.ID); got.State != incident.Investigating || got.Climb.Level != 1 {
		t.Errorf("it is %s on level %d", got.State, got.Climb.Level)
	}
	if err := b.AckFromPager(t.Context(), "I-NOBODY", "bob", anyPage); !errors.Is(err, approval.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

// takers says who took a page at the pager, by its key.
type takers struct {
	by    map[string]string
	err   error
	asked []string
}

func (a *takers) TakenBy(_ context.Context, p incident.Page) (string, error) {
	_, key, _ := strings.Cut(p.Key, ":")
	a.asked = append(a.asked, key)
	return a.by[key], a.err
}

func TestWhoTookAPageAtThePagerIsAskedForWhileItIsEscalated(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	if err := b.AskPager(t.Context()); err != nil {
		t.Errorf("without a pager to ask: %v", err)
	}
	acks := &takers{by: map[string]string{}}
	b.Acks = acks
	i := b.opened(t)
	b.climbs(t, i.ID)
	ask := func(stopped bool) {
		t.Helper()
		if err := b.AskPager(t.Context()); err != nil {
			t.Error(err)
		}
		if got := b.get(t, i.ID); got.Climb.Stopped != stopped {
			t.Errorf("stopped %v by %q, want %v", got.Climb.Stopped, got.Climb.StoppedBy, stopped)
		}
	}
	ask(false)
	acks.by["level:1:1"] = "Bob\n Meyer"
	ask(true)
	if got := b.get(t, i.ID).Climb.StoppedBy; got != "Bob Meyer at PagerDuty" {
		t.Errorf("taken by %q", got)
	}
	ask(true)
	// A new round has pages of its own: who took one of the first has not taken these.
	b.wait(time.Hour)
	b.climbs(t, i.ID)
	ask(false)
	if diff := cmp.Diff([]string{"level:1:1", "level:1:1", "level:2:1"}, acks.asked); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	acks.err = errors.New("PagerDuty is away")
	if err := b.AskPager(t.Context()); !errors.Is(err, acks.err) {
		t.Errorf("got %v", err)
	}
}

func TestNobodyIsWokenForWhatWasTakenMeanwhile(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	b.pager.err = errors.New("the pager is away")
	if err := b.Escalate(t.Context(), i.ID); err != nil {
		t.Fatal(err)
	}
	if err := b.ShowIncident(t.Context(), i.ID); err == nil {
		t.Error("a page that did not go out is not tried again")
	}
	b.inRoom(t, i, "bob", "ack")
	b.pager.err = nil
	b.shown(t, i.ID)
	if got := b.pager.keys(); got != nil {
		t.Errorf("paged %q, though bob had taken it", got)
	}
	// Whoever calls somebody afterwards means it.
	b.inRoom(t, i, "bob", "page carol we need you")
	b.shown(t, i.ID)
	if got := b.pager.keys(); len(got) != 1 || !strings.HasSuffix(got[0], " carol") {
		t.Errorf("paged %q, want carol", got)
	}
	events, err := b.store.Timeline(t.Context(), i.ID)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range events {
		if strings.Contains(e.Text.String(), "had not confirmed the page of alice, bob when it was taken") {
			n++
		}
	}
	if n != 1 {
		t.Errorf("the timeline tells %d times that the page did not go out: %v", n, events)
	}
}
