package handlers_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/incident"
)

func TestAnIncidentIsShownWholeAndNothingTwice(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.catalog.Services[0].Links = []catalog.Link{{Title: "Grafana", URL: "https://grafana.example.com"}}
	i := b.opened(t)
	b.climbs(t, i.ID)
	for range 3 {
		b.shown(t, i.ID)
	}
	if len(b.rooms.made) != 1 || b.rooms.pins != 1 || len(b.rooms.topics) != 1 || len(b.rooms.links) != 1 {
		t.Errorf("%d channels, %d pins, %d topics, %d links", len(b.rooms.made), b.rooms.pins, len(b.rooms.topics), len(b.rooms.links))
	}
	if diff := cmp.Diff([]string{"UALICE", "UCAROL", "UBOB"}, b.rooms.invited); diff != "" {
		t.Errorf("invited (-want +got):\n%s", diff)
	}
	posts := map[string]int{}
	for _, m := range b.chat.all() {
		if m.op == "say" {
			posts[m.at.Channel+" "+m.card.Title.String()]++
		}
	}
	want := map[string]int{"CINC " + i.ID + " · backend · severity 2": 1, "CROOM1 " + i.ID + " · backend · severity 2": 1, "CROOM1 " + i.ID + " · level 1": 1}
	if diff := cmp.Diff(want, posts); diff != "" {
		t.Errorf("posted (-want +got):\n%s", diff)
	}
}

func TestAnIncidentIsAnnouncedOnceSlackSaysWhoReads(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.directory.unsaid = true
	b.says(t, "alice", "incident open backend")
	all, err := b.store.Incidents(t.Context(), false, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.ShowIncident(t.Context(), all[0].ID); err == nil {
		t.Error("an announcement that could be made nowhere is not tried again")
	}
	if places, err := b.store.IncidentCards(t.Context(), all[0].ID); err != nil || places["announcement"] != (card.Address{}) {
		t.Errorf("it is announced at %+v, %v", places["announcement"], err)
	}
	b.directory.unsaid = false
	b.shown(t, all[0].ID)
	if places, err := b.store.IncidentCards(t.Context(), all[0].ID); err != nil || places["announcement"].Channel != "CINC" {
		t.Errorf("it is announced at %+v, %v", places["announcement"], err)
	}
}

// never is an error that trying again does not cure.
type never struct{}

func (never) Error() string { return "user_disabled" }

func (never) Lasting() bool { return true }

func TestWhatSlackNeverDoesHoldsUpNothing(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.Pager = nil
	b.chat.mute, b.chat.muted = []string{"UALICE"}, never{}
	i := b.opened(t)
	b.climbs(t, i.ID)
	if got := b.chat.in("DUBOB"); len(got) != 1 {
		t.Errorf("bob was told %q", got)
	}
}

func TestAWorkspaceWithoutChannelsWorksBelowTheAnnouncement(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.rooms.err = fmt.Errorf("restricted_action: %w", handlers.ErrNoRoom)
	i := b.opened(t)
	b.climbs(t, i.ID)
	if err := b.Look(t.Context(), i.ID); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(b.chat.in("CINC"), "\n")
	if missing := lacks(got, "OPEN: checkout fails", "Level 1 is called"); missing != nil {
		t.Errorf("the incidents channel lacks %q:\n%s", missing, got)
	}
	if i := b.get(t, i.ID); i.Verdict.Empty() {
		t.Error("the checks have no verdict")
	}
}

func TestANameThatPeopleTookIsLeftToThem(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.rooms.taken = []string{"inc-20261123-backend-down", "inc-20261123-backend-down-2"}
	if i := b.opened(t); i.RoomName != "inc-20261123-backend-down-3" {
		t.Errorf("the channel is %s", i.RoomName)
	}
}

func TestTheChannelIsArchivedAfterItsTime(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	b.inRoom(t, i, "alice", "resolve")
	b.inRoom(t, i, "alice", "close")
	b.climbs(t, i.ID)
	if len(b.rooms.gone) > 0 {
		t.Errorf("archived at once: %v", b.rooms.gone)
	}
	b.wait(time.Hour + time.Second)
	b.climbs(t, i.ID)
	b.climbs(t, i.ID)
	if !cmp.Equal(b.rooms.gone, []string{i.Room}) {
		t.Errorf("archived %v", b.rooms.gone)
	}
	if got := b.inRoom(t, i, "alice", "reopen"); len(got) != 1 || !strings.Contains(got[0], "archived") {
		t.Errorf("reopening says %q", got)
	}
}

var update = flag.Bool("update", false, "write the golden files anew")

func TestCardsOfAnIncident(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	b.Pager = nil
	i := b.opened(t)
	b.climbs(t, i.ID)
	if _, err := b.TakeAlerts(t.Context(), []incident.Alert{{Fingerprint: "1", Status: incident.Firing, Service: "backend", Source: "alertmanager", Labels: map[string]string{"alertname": "ServiceDown"}}}); err != nil {
		t.Fatal(err)
	}
	b.inRoom(t, i, "bob", "assign commander me")
	b.shown(t, i.ID)
	newest := map[string]card.Card{}
	for _, m := range b.chat.all() {
		switch {
		case m.at.Channel == "CINC":
			newest["announcement"] = m.card
		case m.at.Channel == i.Room && strings.HasSuffix(m.card.Title.String(), "severity 2"):
			newest["header"] = m.card
		case m.at.Channel == i.Room && strings.HasSuffix(m.card.Title.String(), "level 1"):
			newest["level"] = m.card
		}
	}
	for _, name := range []string{"announcement", "header", "level"} {
		got, err := json.MarshalIndent(newest[name], "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got = append(bytes.ReplaceAll(got, []byte(i.ID), []byte("I-7K3MQX")), '\n')
		file := filepath.Join("testdata", "incident_"+name+".golden")
		if *update {
			if err := os.WriteFile(file, got, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(file)
		if err != nil {
			t.Fatalf("%v; write it with: go test ./handlers -update", err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got; go test ./handlers -update):\n%s", file, diff)
		}
	}
}
