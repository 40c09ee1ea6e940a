package store_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/store"
)

// nameless is an alert of no service; every second one has a group of its sender's.
func nameless(n int, s incident.AlertStatus) incident.Alert {
	a := incident.Alert{Fingerprint: fmt.Sprintf("f%04d", n), Status: s, Source: "alertmanager", Labels: map[string]string{"alertname": fmt.Sprintf("Made up %04d", n)}}
	if n%2 == 1 {
		a.Group = fmt.Sprintf("unknown s%04d", n)
	}
	return a
}

func TestTwoBotsOpenFewIncidentsForAlertsOfNoServiceAndLoseNone(t *testing.T) {
	t.Parallel()
	b := setup(t)
	bots := []*store.Store{b.Store, open(t, b.url, b.clock.now)}
	services := []string{"backend", "frontend", "postgres"}
	const names, perBatch = 1000, 50
	rules := b.rules()
	// Both replicas of a sender deliver everything, in opposite orders, each batch with an alert of a service.
	deliver := func(status incident.AlertStatus) (sum incident.Receipt) {
		var batches [][]incident.Alert
		for n := 0; n < names; n += perBatch {
			batch := []incident.Alert{alertOf(services[n/perBatch%len(services)], n, status)}
			for k := range perBatch {
				batch = append(batch, nameless(n+k, status))
			}
			batches = append(batches, batch)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		for n, bot := range bots {
			mine := slices.Clone(batches)
			if n == 1 {
				slices.Reverse(mine)
			}
			wg.Go(func() {
				for _, batch := range mine {
					r, err := bot.TakeAlerts(t.Context(), incident.Gather(batch), rules)
					if err != nil {
						t.Errorf("batch: %v", err)
						return
					}
					mu.Lock()
					sum.Firing += r.Firing
					sum.Recovered += r.Recovered
					sum.New += r.New
					sum.Strays += r.Strays
					sum.Opened = append(sum.Opened, r.Opened...)
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		return sum
	}
	const known = names + names/perBatch
	fired := deliver(incident.Firing)
	if fired.Firing != 2*known || fired.New != known || fired.Strays != 0 {
		t.Errorf("receipts: %d alerts, %d new, %d strays; want %d, %d, 0", fired.Firing, fired.New, fired.Strays, 2*known, known)
	}
	if want := incident.MaxOfNoService + 1 + len(services); len(fired.Opened) != want {
		t.Errorf("%d incidents were opened, want %d: %v", len(fired.Opened), want, fired.Opened)
	}
	ended := deliver(incident.Recovered)
	if ended.Recovered != 2*known || ended.Strays != 0 || len(ended.Opened) != 0 {
		t.Errorf("receipts of recoveries: %d alerts, %d strays, opened %v; want %d, 0, none", ended.Recovered, ended.Strays, ended.Opened, 2*known)
	}
	all, err := b.Incidents(t.Context(), true, 2*names)
	if err != nil {
		t.Fatal(err)
	}
	perService := map[string]int{}
	var total incident.Count
	for _, i := range all {
		perService[i.Service]++
		n, err := b.AlertsOf(t.Context(), i.ID)
		if err != nil {
			t.Fatal(err)
		}
		total.Known, total.Firing, total.Received = total.Known+n.Known, total.Firing+n.Firing, total.Received+n.Received
		if i.Key == incident.OverflowKey && (n.Known != names-incident.MaxOfNoService || !strings.Contains(i.StandsForText().String(), "and others")) {
			t.Errorf("the common incident has %+v and stands for %s", n, i.StandsForText())
		}
	}
	if diff := cmp.Diff(map[string]int{"": incident.MaxOfNoService + 1, "backend": 1, "frontend": 1, "postgres": 1}, perService); diff != "" {
		t.Errorf("incidents by service (-want +got):\n%s", diff)
	}
	if want := (incident.Count{Known: known, Received: 4 * known}); total != want {
		t.Errorf("accounted for: %+v, want %+v", total, want)
	}
}

func TestAnAlertStaysWhereItIsCountedUntilThatIsOver(t *testing.T) {
	t.Parallel()
	b := setup(t)
	rules := b.rules()
	take := func(alerts ...incident.Alert) incident.Receipt {
		t.Helper()
		r, err := b.TakeAlerts(t.Context(), incident.Gather(alerts), rules)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	resolve := func(id string) {
		t.Helper()
		if _, err := b.ChangeIncident(t.Context(), id, "alice", func(i *incident.Incident) ([]incident.Event, error) {
			e, err := i.Move(incident.Resolved, "alice", redact.Text{}, b.clock.now())
			return []incident.Event{e}, err
		}); err != nil {
			t.Fatal(err)
		}
	}
	var own []string
	for n := range incident.MaxOfNoService {
		own = append(own, take(nameless(n, incident.Firing)).Opened...)
	}
	if len(own) != incident.MaxOfNoService {
		t.Fatalf("the first %d alerts opened %v", incident.MaxOfNoService, own)
	}
	common := take(nameless(20, incident.Firing)).Opened[0]
	for _, c := range []struct {
		what  string
		alert incident.Alert
	}{{"another alert", nameless(21, incident.Firing)}, {"what was counted there", nameless(20, incident.Firing)}, {"its recovery", nameless(20, incident.Recovered)}} {
		if r := take(c.alert); !cmp.Equal(r.Touched, []string{common}) || r.Strays != 0 {
			t.Errorf("%s: %+v, want it at %s", c.what, r, common)
		}
	}
	if r := take(nameless(3, incident.Firing)); !cmp.Equal(r.Touched, []string{own[3]}) {
		t.Errorf("an alert with an incident: %+v, want it at %s", r, own[3])
	}
	if r := take(nameless(22, incident.Recovered)); r.Strays != 1 || len(r.Touched) != 0 {
		t.Errorf("a recovery of what never fired: %+v, want a stray", r)
	}
	if r := take(alertOf("backend", 1, incident.Firing)); len(r.Opened) != 1 {
		t.Errorf("a service: %+v, want an incident of its own", r)
	}

	resolve(own[0])
	freed := take(nameless(23, incident.Firing))
	if len(freed.Opened) != 1 {
		t.Errorf("after one was resolved: %+v, want room for one", freed)
	}
	if r := take(nameless(24, incident.Firing)); !cmp.Equal(r.Touched, []string{common}) {
		t.Errorf("and for no second: %+v", r)
	}
	mustSQL(t, b.url, "update incidents set opened_at = opened_at - interval '11 minutes'")
	if r := take(nameless(25, incident.Firing)); len(r.Opened) != 1 {
		t.Errorf("after the window: %+v, want an incident", r)
	}
	if r := take(nameless(20, incident.Firing)); !cmp.Equal(r.Touched, []string{common}) {
		t.Errorf("what is counted at the common incident: %+v, want it to stay", r)
	}

	resolve(common)
	b.clock.move(14 * time.Minute)
	if r := take(nameless(20, incident.Firing)); !cmp.Equal(r.Reopened, []string{common}) {
		t.Errorf("soon after it was resolved: %+v, want it reopened", r)
	}
	resolve(common)
	b.clock.move(16 * time.Minute)
	if r := take(nameless(20, incident.Recovered)); !cmp.Equal(r.Touched, []string{common}) || r.Strays != 0 {
		t.Errorf("a late recovery: %+v, want it at %s", r, common)
	}
	if r := take(nameless(20, incident.Firing)); len(r.Opened) != 1 || r.Opened[0] == common {
		t.Errorf("long after: %+v, want an incident of its own", r)
	}
	events, err := b.Timeline(t.Context(), common)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"Opened with severity 2: More alerts than incidents can be opened for", "Made up 0020 firing. Firing now: 1 of 1", "Made up 0024 firing"} {
		if !slices.ContainsFunc(texts(events), func(s string) bool { return strings.Contains(s, want) }) {
			t.Errorf("the timeline lacks %q: %q", want, texts(events))
		}
	}
}
