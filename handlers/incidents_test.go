package handlers_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/store"
	"github.com/svcdown/svcdown/store/pgtest"
)

// database is one real Postgres for all tests of incidents, started by the first.
var started atomic.Bool

var database = sync.OnceValues(func() (*pgtest.Server, error) { return pgtest.Start(context.Background()) })

func TestMain(m *testing.M) {
	code := m.Run()
	if err := stopDatabase(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func stopDatabase() error {
	if !started.Load() {
		return nil
	}
	server, err := database()
	if err != nil {
		return nil // the test that wanted it has said so
	}
	return server.Close()
}

// incidents is a desk over a real store, whose jobs the tests call themselves.
type incidents struct {
	*testBundle
	store *store.Store
	url   string
	rooms *rooms
	pager *pager
}

func setupIncidents(t *testing.T) *incidents {
	t.Helper()
	started.Store(true)
	server, err := database()
	if err != nil {
		t.Fatal(err)
	}
	b := &incidents{testBundle: setup(t), rooms: &rooms{made: map[string]string{}}, pager: &pager{}}
	b.catalog.Channels.Incidents = "CINC"
	b.catalog.Incidents = catalog.Incidents{Severity: 2, Private: []int{1}, ArchiveAfter: time.Hour, Flapping: 15 * time.Minute}
	b.catalog.Services[0].Owners = []string{"carol"}
	b.catalog.Ladders = []catalog.Ladder{{Name: "all", Services: []string{"*"}, Quiet: 30 * time.Minute, Levels: []catalog.Level{
		{Roles: []string{"oncall"}, Duties: []string{"Follow the runbook"}}, {After: 15 * time.Minute, Roles: []string{"senior"}},
	}}}
	b.url = server.NewDatabase(t)
	b.store, err = store.Open(t.Context(), store.Config{URL: b.url, Log: zerolog.Nop(), Now: b.now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.store.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	b.Incidents, b.Rooms, b.Pager, b.ActionItems, b.ItemReminders, b.History = b.store, b.rooms, b.pager, b.store, b.store, b.store
	return b
}

// opened is an incident of backend that alice opened, shown once.
func (b *incidents) opened(t *testing.T) incident.Incident {
	t.Helper()
	said := b.says(t, "alice", "incident open backend checkout fails")
	all, err := b.store.Incidents(t.Context(), false, 10)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d incidents after %q: %v", len(all), said.Verdict, err)
	}
	b.shown(t, all[0].ID)
	b.judge(t, all[0].ID)
	return b.get(t, all[0].ID)
}

// judge is the triage's verdict on an incident, for which its first pages wait.
func (b *incidents) judge(t *testing.T, id string) {
	t.Helper()
	if _, err := b.store.ChangeIncident(t.Context(), id, "svcdown", func(i *incident.Incident) ([]incident.Event, error) {
		i.Verdict, i.VerdictAt = redact.Const("no pod is ready"), b.now()
		return nil, nil
	}); err != nil {
		t.Fatal(err)
	}
}

func (b *incidents) get(t *testing.T, id string) incident.Incident {
	t.Helper()
	i, err := b.store.Incident(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func (b *incidents) shown(t *testing.T, id string) {
	t.Helper()
	if err := b.ShowIncident(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

func (b *incidents) climbs(t *testing.T, id string) {
	t.Helper()
	if err := b.Escalate(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	b.shown(t, id)
}

// inRoom lets somebody type in the incident's channel and returns the verdicts of all that was said to them or to everybody for it.
func (b *incidents) inRoom(t *testing.T, i incident.Incident, name, text string) []string {
	t.Helper()
	return b.at(t, i.Room, name, text)
}

func (b *incidents) at(t *testing.T, channel, name, text string) []string {
	t.Helper()
	before := len(b.chat.all())
	b.Handle(t.Context(), handlers.Incoming{From: slack(name), Text: text, Ref: "REF123",
		Where: card.Address{Kind: "slack", Team: team, Channel: channel, User: slack(name).User}})
	var out []string
	for _, m := range b.chat.all()[before:] {
		if m.op == "upload" {
			out = append(out, m.file.Content.String())
			continue
		}
		out = append(out, m.card.Verdict.String())
	}
	return out
}

// rooms are channels in memory.
type rooms struct {
	mu      sync.Mutex
	made    map[string]string // name → ID
	taken   []string
	err     error
	invited []string
	topics  []string
	links   []catalog.Link
	pins    int
	gone    []string
	hang    chan struct{} // when not nil, OpenRoom waits for it
	asked   chan struct{} // when not nil, OpenRoom closes it
}

func (r *rooms) OpenRoom(ctx context.Context, name string, private bool) (string, error) {
	if r.hang != nil {
		select {
		case <-r.hang:
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.asked != nil {
		close(r.asked)
		r.asked = nil
	}
	if r.err != nil {
		return "", r.err
	}
	if slices.Contains(r.taken, name) {
		return "", handlers.ErrRoomTaken
	}
	if _, ok := r.made[name]; !ok {
		r.made[name] = fmt.Sprintf("CROOM%d", len(r.made)+1)
		if private {
			r.made[name] = fmt.Sprintf("GROOM%d", len(r.made)+1)
		}
	}
	return r.made[name], nil
}

func (r *rooms) Invite(_ context.Context, _ string, people []catalog.SlackID) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, p := range people {
		r.invited = append(r.invited, p.User)
	}
	return nil
}

func (r *rooms) Furnish(_ context.Context, _ string, f handlers.Furniture) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if f.Topic != "" {
		r.topics = append(r.topics, f.Topic)
	}
	r.links = append(r.links, f.Links...)
	if f.Pin.Message != "" {
		r.pins++
	}
	return nil
}

func (r *rooms) Archive(_ context.Context, channel string) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = append(r.gone, channel)
	return nil
}

// pager remembers whom it woke.
type pager struct {
	mu    sync.Mutex
	err   error
	pages []incident.Page
	acked []string
	ended []string
	woken chan struct{}
}

func (p *pager) Page(_ context.Context, page incident.Page) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return p.err
	}
	p.pages = append(p.pages, page)
	if p.woken != nil {
		close(p.woken)
		p.woken = nil
	}
	return nil
}

func (p *pager) Acknowledge(_ context.Context, id, by string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.acked = append(p.acked, by)
	return nil
}

func (p *pager) Resolve(_ context.Context, id string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ended = append(p.ended, id)
	return nil
}

func (p *pager) keys() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, page := range p.pages {
		_, key, _ := strings.Cut(page.Key, ":")
		var names []string
		for _, who := range page.People {
			names = append(names, who.Name)
		}
		out = append(out, key+" "+strings.Join(names, "+"))
	}
	return out
}

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
			for _, text := range []string{"ack", "severity 4", "note hello", "resolve anyway", "escalate", "page bob", "incident open redis", "postmortem", "incident show"} {
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

func TestWhoPutsAMessageOnTheTimelineIsTold(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		by, channel, text, says string
		state                   card.State
		silent                  bool
	}{
		"a message":                        {by: "alice", text: "it began at 14:02", says: "stands on the timeline of I-", state: card.OK},
		"a message that cannot be read":    {by: "alice", says: "no text that I can read", state: card.Refused},
		"not in an incident's channel":     {by: "alice", channel: "CGENERAL", text: "x", says: "not the channel of an incident", state: card.Refused},
		"by somebody who is nobody":        {by: "stranger", text: "x", says: "I do not know you", state: card.Refused},
		"a pushpin, which is no question":  {by: "alice", text: "x", silent: true},
		"a pushpin where there is nothing": {by: "alice", channel: "CGENERAL", text: "x", silent: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupIncidents(t)
			i := b.opened(t)
			channel := i.Room
			if c.channel != "" {
				channel = c.channel
			}
			pin := handlers.Pin{By: slack(c.by), Author: slack("alice"), Channel: channel, TS: "1795478400.000100", Text: c.text}
			if !c.silent {
				pin.Where = card.Address{Kind: "slack", Team: team, Channel: pin.Channel, User: slack(c.by).User}
			}
			before := len(b.chat.all())
			if err := b.TakePin(t.Context(), pin); err != nil {
				t.Fatal(err)
			}
			said := b.chat.all()[before:]
			if c.silent {
				if len(said) != 0 {
					t.Errorf("said %+v", said)
				}
				return
			}
			if len(said) != 1 || said[0].op != "whisper" || said[0].card.State != c.state || !strings.Contains(said[0].card.Verdict.String(), c.says) {
				t.Errorf("said %+v, want %q", said, c.says)
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
	for _, text := range []string{"incident show " + i.ID, "postmortem " + i.ID, "incidents", "note " + i.ID + " hello", "resolve " + i.ID} {
		for _, said := range b.at(t, "COPS", "dora", text) {
			if strings.Contains(said, "checkout fails") {
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

func TestRequestsWriteTheTimelineOnce(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	i := b.opened(t)
	r := b.approved(t)
	for range 3 {
		if err := b.Announce(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
	}
	events, err := b.store.Timeline(t.Context(), i.ID)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range events {
		if e.Kind == incident.KindRequest || e.Kind == incident.KindApproval || e.Kind == incident.KindChange {
			got = append(got, e.By+" "+e.Text.String())
		}
	}
	want := []string{"alice asks to restart backend (" + r.ID + ")", "bob approves " + r.ID + ", which had waited 0 s"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
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

func TestAlertsOfOthersAreKeptCleanAndBounded(t *testing.T) {
	t.Parallel()
	b := setupIncidents(t)
	receipt, err := b.TakeAlerts(t.Context(), []incident.Alert{{
		Fingerprint: "f1\x00", Status: incident.Firing, Service: "be", Source: "alertmanager", Severity: 9,
		Labels:      map[string]string{"alertname": "ServiceDown\xff", "token": "ghp_abcdefghijklmnopqrstuvwxyz0123456789"},
		Annotations: map[string]string{"summary": "postgres://app:hunter2hunter2@db/shop is away", "long": strings.Repeat("x", 1<<20)},
	}})
	if err != nil || len(receipt.Opened) != 1 {
		t.Fatalf("%+v, %v", receipt, err)
	}
	i := b.get(t, receipt.Opened[0])
	if i.Service != "backend" || i.Severity != 2 || strings.Contains(i.Title.String(), "hunter2") {
		t.Errorf("got %+v", i)
	}
	db, err := pgx.Connect(t.Context(), b.url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	var kept string
	if err := db.QueryRow(t.Context(), "select alert::text from incident_alerts").Scan(&kept); err != nil {
		t.Fatal(err)
	}
	if len(kept) > 10_000 || strings.Contains(kept, "hunter2") || strings.Contains(kept, "ghp_abc") {
		t.Errorf("%d bytes are kept: %.500s", len(kept), kept)
	}
	if receipt, err := b.TakeAlerts(t.Context(), nil); err != nil || !cmp.Equal(receipt, incident.Receipt{}) {
		t.Errorf("no alerts: %+v, %v", receipt, err)
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
