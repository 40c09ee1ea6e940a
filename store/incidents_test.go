package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/store"
)

// rules open incidents as I-1, I-2 and so on, of the store's own clock.
func (b *testBundle) rules() incident.Rules {
	var mu sync.Mutex
	n := 0
	return incident.Rules{
		Flapping: 15 * time.Minute,
		Arm:      func(i *incident.Incident) {},
		Open: func(g incident.Gathered) (incident.Incident, incident.Event) {
			mu.Lock()
			defer mu.Unlock()
			n++
			return incident.New(fmt.Sprintf("I-%s-%d", strings.ToUpper(g.Service), n), g.Key, g.Service, g.Title, 2, g.Source, b.clock.now())
		},
	}
}

func alertOf(service string, n int, s incident.AlertStatus) incident.Alert {
	return incident.Alert{Fingerprint: fmt.Sprintf("%s-%d", service, n), Status: s, Service: service, Source: "alertmanager",
		Labels: map[string]string{"alertname": "ServiceDown", "pod": fmt.Sprint(n)}}
}

func (b *testBundle) take(t *testing.T, alerts ...incident.Alert) incident.Receipt {
	t.Helper()
	r, err := b.TakeAlerts(t.Context(), incident.Gather(alerts), b.rules())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (b *testBundle) opened(t *testing.T, service string) incident.Incident {
	t.Helper()
	i, first := incident.New("I-"+strings.ToUpper(service), incident.KeyOf(service), service, redact.Const("down"), 2, "alice", b.clock.now())
	stored, fresh, err := b.OpenIncident(t.Context(), "", i, first, card.Address{Channel: "C1"})
	if err != nil || !fresh {
		t.Fatalf("open %s: fresh %v, %v", service, fresh, err)
	}
	return stored
}

func texts(events []incident.Event) []string {
	var out []string
	for _, e := range events {
		out = append(out, e.Text.String())
	}
	return out
}

func TestAStormMakesTheRightFewIncidentsAndLosesNoAlert(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := open(t, b.url, b.clock.now)
	services := []string{"backend", "frontend", "postgres", "redis"}
	const batches, perBatch = 50, 200
	// 10,000 alerts of 2,000 fingerprints, each five times, delivered to two bots at once.
	var batchesOf [2][][]incident.Alert
	for n := range batches {
		var batch []incident.Alert
		for k := range perBatch {
			id := (n*perBatch + k) % 2000
			batch = append(batch, alertOf(services[id%len(services)], id, incident.Firing))
		}
		batchesOf[n%2] = append(batchesOf[n%2], batch)
	}
	rules := b.rules()
	var wg sync.WaitGroup
	var mu sync.Mutex
	var sum incident.Receipt
	started := time.Now()
	for k, s := range []*store.Store{b.Store, other} {
		for worker := range 2 {
			wg.Go(func() {
				for n, batch := range batchesOf[k] {
					if n%2 != worker {
						continue
					}
					r, err := s.TakeAlerts(t.Context(), incident.Gather(batch), rules)
					if err != nil {
						t.Errorf("batch: %v", err)
						return
					}
					mu.Lock()
					sum.Firing += r.Firing
					sum.New += r.New
					sum.Opened = append(sum.Opened, r.Opened...)
					mu.Unlock()
				}
			})
		}
	}
	wg.Wait()
	took := time.Since(started)
	t.Logf("10,000 alerts in %s: %.0f a second", took, 10_000/took.Seconds())
	if sum.Firing != batches*perBatch || sum.New != 2000 || len(sum.Opened) != len(services) {
		t.Errorf("receipts: %d alerts, %d new, %d incidents; want 10000, 2000, 4", sum.Firing, sum.New, len(sum.Opened))
	}
	all, err := b.Incidents(t.Context(), true, 100)
	if err != nil || len(all) != len(services) {
		t.Fatalf("%d incidents, want %d; %v", len(all), len(services), err)
	}
	received := int64(0)
	for _, i := range all {
		n, err := b.AlertsOf(t.Context(), i.ID)
		if err != nil || n.Known != 500 || n.Firing != 500 {
			t.Errorf("%s: %+v, %v", i.ID, n, err)
		}
		received += n.Received
	}
	if received != batches*perBatch {
		t.Errorf("%d deliveries are accounted for, want %d", received, batches*perBatch)
	}
}

// The audit log is one for all. Whoever holds it while it waits for an incident waits for whoever holds that incident and waits for the log.
func TestBatchesOfDifferentServicesDoNotWaitInACircle(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rules := b.rules()
	both := func(n int) []incident.Gathered {
		return incident.Gather([]incident.Alert{alertOf("backend", n, incident.Firing), alertOf("frontend", n, incident.Firing)})
	}
	if _, err := b.TakeAlerts(t.Context(), both(1), rules); err != nil {
		t.Fatal(err)
	}
	holds, waits := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(waits) })
	defer release()
	var once sync.Once
	one := rules
	one.Arm = func(*incident.Incident) { // the row of frontend is locked by now, and nothing is written
		once.Do(func() { close(holds) })
		<-waits
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		if _, err := b.TakeAlerts(t.Context(), incident.Gather([]incident.Alert{alertOf("frontend", 2, incident.Firing)}), one); err != nil {
			t.Errorf("frontend: %v", err)
		}
	})
	<-holds
	wg.Go(func() {
		if _, err := b.TakeAlerts(t.Context(), both(3), rules); err != nil {
			t.Errorf("backend and frontend: %v", err)
		}
	})
	eventually(t, "the second batch waits for frontend", 3*time.Second, func() bool {
		return count(t, b.url, "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'") > 0
	})
	release()
	wg.Wait()
}

func TestRecoveryIsMarkedAndClosesNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	r := b.take(t, alertOf("backend", 1, incident.Firing), alertOf("backend", 2, incident.Firing))
	if len(r.Opened) != 1 || r.New != 2 {
		t.Fatalf("got %+v", r)
	}
	id := r.Opened[0]
	if r := b.take(t, alertOf("backend", 1, incident.Firing)); r.New != 0 || !cmp.Equal(r.Touched, []string{id}) {
		t.Errorf("a repetition: %+v", r)
	}
	b.take(t, alertOf("backend", 1, incident.Recovered))
	b.take(t, alertOf("backend", 2, incident.Recovered))
	i, err := b.Incident(t.Context(), id)
	if err != nil || i.State != incident.Open {
		t.Errorf("the incident is %s, %v", i.State, err)
	}
	events, err := b.Timeline(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"Opened with severity 2: ServiceDown", "ServiceDown ×2 firing. Firing now: 2 of 2", "ServiceDown recovered. Firing now: 1 of 2", "ServiceDown recovered. All 2 alerts have recovered"}
	if diff := cmp.Diff(want, texts(events)); diff != "" {
		t.Errorf("timeline (-want +got):\n%s", diff)
	}
}

func TestFlappingReopensTheSameIncidentWithinItsWindowOnly(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id := b.take(t, alertOf("backend", 1, incident.Firing)).Opened[0]
	resolve := func() {
		t.Helper()
		_, err := b.ChangeIncident(t.Context(), id, "alice", func(i *incident.Incident) ([]incident.Event, error) {
			e, err := i.Move(incident.Resolved, "alice", redact.Text{}, b.clock.now())
			return []incident.Event{e}, err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	resolve()
	b.clock.move(14 * time.Minute)
	if r := b.take(t, alertOf("backend", 1, incident.Firing)); !cmp.Equal(r.Reopened, []string{id}) {
		t.Errorf("within the window: %+v", r)
	}
	resolve()
	b.clock.move(16 * time.Minute)
	if r := b.take(t, alertOf("backend", 1, incident.Recovered)); r.Strays != 0 || !cmp.Equal(r.Touched, []string{id}) {
		t.Errorf("a late recovery is its incident's: %+v", r)
	}
	if r := b.take(t, alertOf("backend", 1, incident.Firing)); len(r.Opened) != 1 || r.Opened[0] == id {
		t.Errorf("after the window: %+v", r)
	}
}

func TestAStrayRecoveryIsCountedAndOpensNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for range 2 {
		if r := b.take(t, alertOf("backend", 1, incident.Recovered)); r.Strays != 1 || len(r.Opened) != 0 {
			t.Errorf("got %+v", r)
		}
	}
	if n, err := b.Strays(t.Context()); n != 2 || err != nil {
		t.Errorf("%d strays, %v", n, err)
	}
}

func TestOneOpenIncidentForAService(t *testing.T) {
	t.Parallel()
	b := setup(t)
	first := b.opened(t, "backend")
	i, e := incident.New("I-OTHER", incident.KeyOf("Backend"), "backend", redact.Const("again"), 1, "bob", b.clock.now())
	got, fresh, err := b.OpenIncident(t.Context(), "", i, e, card.Address{})
	if err != nil || fresh || got.ID != first.ID {
		t.Errorf("the second: %s, fresh %v, %v", got.ID, fresh, err)
	}
	if r := b.take(t, alertOf("backend", 1, incident.Firing)); !cmp.Equal(r.Touched, []string{first.ID}) {
		t.Errorf("alerts join what a person opened: %+v", r)
	}
}

func TestACommandThatComesTwiceOpensOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for n := range 2 {
		i, e := incident.New(fmt.Sprintf("I-%d", n), incident.KeyOf("backend"), "backend", redact.Const("down"), 1, "bob", b.clock.now())
		got, fresh, err := b.OpenIncident(t.Context(), "command:1", i, e, card.Address{})
		if err != nil || !fresh || got.ID != "I-0" {
			t.Errorf("delivery %d: %s, fresh %v, %v", n, got.ID, fresh, err)
		}
	}
}

func TestARoomNameIsReservedByOneIncident(t *testing.T) {
	t.Parallel()
	b := setup(t)
	reserve := func(i incident.Incident) error {
		_, err := b.ChangeIncident(t.Context(), i.ID, "svcdown", func(i *incident.Incident) ([]incident.Event, error) {
			i.RoomName = "inc-20261123-backend-down"
			return nil, nil
		})
		return err
	}
	if err := reserve(b.opened(t, "backend")); err != nil {
		t.Fatal(err)
	}
	if err := reserve(b.opened(t, "frontend")); !errors.Is(err, incident.ErrTaken) {
		t.Errorf("got %v", err)
	}
}

func TestARefusedChangeStoresNothing(t *testing.T) {
	t.Parallel()
	b := setup(t)
	i := b.opened(t, "backend")
	_, err := b.ChangeIncident(t.Context(), i.ID, "alice", func(i *incident.Incident) ([]incident.Event, error) {
		i.Severity = 4
		return []incident.Event{{Kind: incident.KindNote, Text: redact.Const("never")}}, &incident.Refusal{Message: redact.Const("no")}
	})
	var refusal *incident.Refusal
	if !errors.As(err, &refusal) {
		t.Errorf("got %v", err)
	}
	got, _ := b.Incident(t.Context(), i.ID)
	events, _ := b.Timeline(t.Context(), i.ID)
	if got.Severity != 2 || len(events) != 1 {
		t.Errorf("severity %d, %d events", got.Severity, len(events))
	}
}

func TestTheTimelineIsAppendOnlyAndPutsThingsDownOnce(t *testing.T) {
	t.Parallel()
	b := setup(t)
	i := b.opened(t, "backend")
	e := incident.Event{Op: "request:R-1", At: b.clock.now(), Kind: incident.KindRequest, By: "alice", Text: redact.Const("asks")}
	for n, want := range []int{1, 0} {
		if fresh, err := b.Put(t.Context(), i.ID, []incident.Event{e}); fresh != want || err != nil {
			t.Errorf("put %d: %d fresh, %v", n, fresh, err)
		}
	}
	db, err := pgx.Connect(t.Context(), b.url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	for _, sql := range []string{"update timeline set at = now()", "delete from timeline", "truncate timeline"} {
		if _, err := db.Exec(t.Context(), sql); err == nil || !strings.Contains(err.Error(), "append-only") {
			t.Errorf("%s: %v", sql, err)
		}
	}
	if events, err := b.Timeline(t.Context(), i.ID); len(events) != 2 || err != nil {
		t.Errorf("%d events, %v", len(events), err)
	}
}

func TestAnIncidentIsShownByOneBotAtATime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	other := open(t, b.url, b.clock.now)
	var mu sync.Mutex
	at, most, runs := 0, 0, 0
	done, another := make(chan struct{}), make(chan struct{}, 10)
	body := func(ctx context.Context, id string) error {
		mu.Lock()
		at++
		runs++
		most = max(most, at)
		mine := runs
		mu.Unlock()
		if mine == 1 { // while this one is shown, the incident changes: a second job is there for the other bot
			if _, err := b.Put(ctx, id, []incident.Event{{At: b.clock.now(), Kind: incident.KindNote, Text: redact.Const("more")}}); err != nil {
				t.Error(err)
			}
			select { // long enough for the other bot to take its job
			case <-another:
			case <-time.After(3 * time.Second):
			}
		} else {
			another <- struct{}{}
		}
		mu.Lock()
		at--
		if runs >= 3 {
			select {
			case <-done:
			default:
				close(done)
			}
		}
		mu.Unlock()
		return nil
	}
	start(t, b.Store, store.Jobs{Incident: body})
	start(t, other, store.Jobs{Incident: body})
	b.opened(t, "backend")
	select {
	case <-done:
	case <-time.After(20 * time.Second):
		t.Fatalf("shown %d times", runs)
	}
	if most != 1 {
		t.Errorf("%d bots showed it at once", most)
	}
}

func TestATimerIsSetWheneverTheLadderMoves(t *testing.T) {
	t.Parallel()
	b := setup(t)
	fired := make(chan string, 10)
	start(t, b.Store, store.Jobs{Escalate: func(_ context.Context, id string) error { fired <- id; return nil }})
	i := b.opened(t, "backend")
	arm := func(at time.Time) {
		t.Helper()
		if _, err := b.ChangeIncident(t.Context(), i.ID, "svcdown", func(i *incident.Incident) ([]incident.Event, error) { i.Next = at; return nil, nil }); err != nil {
			t.Fatal(err)
		}
	}
	arm(time.Now())
	select {
	case id := <-fired:
		if id != i.ID {
			t.Errorf("fired for %s", id)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the timer did not fire")
	}
	arm(time.Time{})
	if _, err := b.ChangeIncident(t.Context(), "I-NOBODY", "svcdown", func(*incident.Incident) ([]incident.Event, error) { return nil, nil }); !errors.Is(err, approval.ErrNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestClimbingAreThoseThatNobodyHasTaken(t *testing.T) {
	t.Parallel()
	b := setup(t)
	for _, service := range []string{"untouched", "taken", "resolved", "again"} {
		i := b.opened(t, service)
		if service == "untouched" {
			continue
		}
		if _, err := b.ChangeIncident(t.Context(), i.ID, "alice", func(i *incident.Incident) ([]incident.Event, error) {
			if _, err := i.Acknowledge("alice", b.clock.now()); err != nil || service == "taken" {
				return nil, err
			}
			_, err := i.Move(incident.Resolved, "alice", redact.Text{}, b.clock.now())
			if err == nil && service == "again" {
				_, err = i.Reopen("alice", redact.Text{}, b.clock.now())
			}
			return nil, err
		}); err != nil {
			t.Fatal(err)
		}
	}
	all, err := b.Climbing(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range all {
		got = append(got, i.Service)
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{"again", "untouched"}, got); diff != "" {
		t.Errorf("being escalated (-want +got):\n%s", diff)
	}
}

func TestWhatIsDoneOnceForAnIncidentIsOneBotsAtATime(t *testing.T) {
	t.Parallel()
	b := setup(t)
	id, other := b.opened(t, "backend").ID, open(t, b.url, b.clock.now)
	claims := func(s *store.Store, role string, want, wantLater bool) {
		t.Helper()
		ours, err := s.ClaimIncidentCard(t.Context(), id, role)
		if _, later := errors.AsType[*approval.Later](err); ours != want || later != wantLater || err != nil && !later {
			t.Errorf("claiming %s: %v, %v", role, ours, err)
		}
	}
	claims(b.Store, "told:a", true, false)
	claims(other, "told:a", false, true)
	claims(other, "told:b", true, false)
	if err := b.FreeIncidentCard(t.Context(), id, "told:a"); err != nil {
		t.Fatal(err)
	}
	claims(other, "told:a", true, false)
	if err := other.SaveIncidentCard(t.Context(), id, "told:a", card.Address{}); err != nil {
		t.Fatal(err)
	}
	claims(b.Store, "told:a", false, false)
	if err := other.FreeIncidentCard(t.Context(), id, "told:a"); err != nil {
		t.Fatal(err)
	}
	claims(b.Store, "told:a", false, false)
}
