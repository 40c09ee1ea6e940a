package app

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/store"
	"github.com/svcdown/svcdown/store/pgtest"
	"github.com/svcdown/svcdown/web"
)

// The storm: alerts of stormServices services, of which the last two are in no catalogue, from stormSenders senders at once.
const (
	stormServices = 6
	stormPods     = 250 // alerts of each service
	stormAgain    = 3   // how often each is repeated while it fires, by each of two replicas of the sender
	stormSenders  = 16
	stormBatch    = 50
)

// stormDelivered is every delivery: the repetitions, and each alert's end.
const stormDelivered = stormServices * stormPods * (2*stormAgain + 1)

// stormBodies are the calls of the webhook, in no particular order but for the ends, which come last.
func stormBodies() (firing, ended []string) {
	body := func(status string, from, service int) string {
		var alerts []string
		for n := from; n < from+stormBatch; n++ {
			alerts = append(alerts, fmt.Sprintf(`{"status":%q,"labels":{"alertname":"PodDown","service":"svc%d","severity":"critical","pod":"p%d"},"annotations":{"summary":"pod p%d of svc%d is down"},"startsAt":"2026-11-24T12:00:00Z","fingerprint":"%04x%012x"}`,
				status, service, n, n, service, service, n))
		}
		return fmt.Sprintf(`{"receiver":"bot","status":%q,"alerts":[%s],"version":"4","truncatedAlerts":0}`, status, strings.Join(alerts, ","))
	}
	for service := range stormServices {
		for from := 0; from < stormPods; from += stormBatch {
			for range 2 * stormAgain {
				firing = append(firing, body("firing", from, service))
			}
			ended = append(ended, body("resolved", from, service))
		}
	}
	return firing, ended
}

// stormBots are two bots on one database, as far as alerts are concerned.
func stormBots(tb testing.TB, url string) []*httptest.Server {
	tb.Helper()
	cat := &catalog.Catalog{Incidents: catalog.Incidents{Severity: 2, Flapping: 15 * time.Minute}}
	for n := range stormServices - 2 {
		cat.Services = append(cat.Services, catalog.Service{Name: fmt.Sprint("svc", n)})
	}
	var bots []*httptest.Server
	for range 2 {
		st, err := store.Open(tb.Context(), store.Config{URL: url, Log: zerolog.Nop(), Now: time.Now})
		if err != nil {
			tb.Fatal(err)
		}
		tb.Cleanup(func() { _ = st.Stop(context.Background()) })
		desk := handlers.NewDesk(handlers.Config{Catalog: func() *catalog.Catalog { return cat }, Incidents: st, Now: time.Now, Log: zerolog.Nop()})
		ways, err := hooks(Settings{Catalog: cat, Outside: Outside{AlertToken: alertToken}}, desk, prometheus.NewRegistry(), zerolog.Nop())
		if err != nil {
			tb.Fatal(err)
		}
		srv := httptest.NewServer(web.Handler(web.Config{Streams: web.NewStreams(), Gather: prometheus.NewRegistry(), Hooks: ways, Log: zerolog.Nop()}))
		tb.Cleanup(srv.Close)
		bots = append(bots, srv)
	}
	return bots
}

// send posts every body, again for as long as it is told to come back, and returns how often that was.
func send(tb testing.TB, bots []*httptest.Server, bodies []string) (again int) {
	tb.Helper()
	work := make(chan int)
	var mu sync.Mutex
	var senders sync.WaitGroup
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: stormSenders}}
	defer client.CloseIdleConnections()
	for range stormSenders {
		senders.Go(func() {
			for n := range work {
				for tried := 0; ; tried++ {
					req, err := http.NewRequestWithContext(tb.Context(), http.MethodPost, bots[(n+tried)%len(bots)].URL+"/webhooks/alertmanager", strings.NewReader(bodies[n]))
					if err != nil {
						tb.Error(err)
						return
					}
					req.SetBasicAuth("alertmanager", alertToken)
					res, err := client.Do(req)
					if err != nil {
						tb.Error(err)
						return
					}
					_, _ = io.Copy(io.Discard, res.Body)
					res.Body.Close()
					if res.StatusCode == http.StatusOK {
						break
					}
					if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
						tb.Errorf("got %d, want every batch taken or asked for again", res.StatusCode)
						return
					}
					mu.Lock()
					again++
					mu.Unlock()
				}
			}
		})
	}
	for n := range bodies {
		work <- n
	}
	close(work)
	senders.Wait()
	return again
}

// stormCounts is what the database has, however it got there.
type stormCounts struct {
	Incidents, Open, Fingerprints, Delivered, Strays, Firing int
}

func count(tb testing.TB, url string) (c stormCounts) {
	tb.Helper()
	conn, err := pgx.Connect(tb.Context(), url)
	if err != nil {
		tb.Fatal(err)
	}
	defer conn.Close(context.Background())
	err = conn.QueryRow(tb.Context(), `select
		(select count(*) from incidents), (select count(*) from incidents where state in ('open', 'investigating', 'identified', 'monitoring')),
		(select count(*) from incident_alerts), (select coalesce(sum(fired + ended), 0) from incident_alerts),
		(select coalesce(sum(received), 0) from stray_alerts), (select count(*) from incident_alerts where status = 'firing')`).
		Scan(&c.Incidents, &c.Open, &c.Fingerprints, &c.Delivered, &c.Strays, &c.Firing)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func stormDatabase(tb testing.TB) string {
	tb.Helper()
	server, err := pgtest.Start(context.Background())
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := server.Close(); err != nil {
			tb.Error(err)
		}
	})
	return server.NewDatabase(tb)
}

// Ten thousand alerts, from two replicas of the sender to two bots, make one incident for each service, and every delivery is counted.
func TestAStormOfAlertsIsAccountedFor(t *testing.T) {
	t.Parallel()
	url := stormDatabase(t)
	bots := stormBots(t, url)
	firing, ended := stormBodies()
	began := time.Now()
	again := send(t, bots, firing)
	again += send(t, bots, ended)
	t.Logf("%d alerts in %d calls, %d of them asked for again, in %s", stormDelivered, len(firing)+len(ended), again, time.Since(began).Round(time.Millisecond))
	want := stormCounts{Incidents: stormServices, Open: stormServices, Fingerprints: stormServices * stormPods, Delivered: stormDelivered}
	if diff := cmp.Diff(want, count(t, url)); diff != "" {
		t.Errorf("what the database has of %d alerts (-want +got):\n%s", stormDelivered, diff)
	}
}

// BenchmarkStorm tells the rate at which alerts are taken and stored, through HTTP, by two bots on one database.
func BenchmarkStorm(b *testing.B) {
	firing, ended := stormBodies()
	for b.Loop() {
		b.StopTimer()
		url := stormDatabase(b)
		bots := stormBots(b, url)
		b.StartTimer()
		began := time.Now()
		again := send(b, bots, firing) + send(b, bots, ended)
		took := time.Since(began)
		got := count(b, url)
		if got.Delivered != stormDelivered || got.Incidents != stormServices {
			b.Fatalf("sent %d, stored %+v", stormDelivered, got)
		}
		b.ReportMetric(float64(stormDelivered)/took.Seconds(), "alerts/s")
		b.ReportMetric(float64(stormDelivered), "in")
		b.ReportMetric(float64(got.Delivered), "stored")
		b.ReportMetric(float64(got.Incidents), "incidents")
		b.ReportMetric(float64(again), "again")
	}
}
