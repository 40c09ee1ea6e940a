package handlers_test

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
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
