package alertmanager_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/integrations/alertmanager"
	"github.com/svcdown/svcdown/integrations/alertmanager/amtest"
)

func start(t *testing.T, config string) *amtest.Server {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	am, stop, err := amtest.Start(ctx, t.TempDir(), config)
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		cancel()
		if t.Failed() {
			t.Log(am.Log())
		}
	})
	return am
}

// push gives Alertmanager alerts as Prometheus does.
func push(t *testing.T, am *amtest.Server, alerts ...map[string]any) {
	t.Helper()
	raw, err := json.Marshal(alerts)
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, am.URL+"/api/v2/alerts", strings.NewReader(string(raw)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(res.Body)
		t.Fatalf("push: %d %s", res.StatusCode, said)
	}
}

// What a real Alertmanager posts is read.
func TestARealAlertmanager(t *testing.T) {
	t.Parallel()
	const token = "am-t0k3n"
	batches := make(chan alertmanager.Batch, 20)
	bot := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			t.Errorf("got Authorization %q", r.Header.Get("Authorization"))
		}
		b, err := alertmanager.Read(r.Body, shop().Meaning)
		if err != nil {
			t.Errorf("read what Alertmanager posted: %v", err)
		}
		batches <- b
	}))
	t.Cleanup(bot.Close)
	am := start(t, amtest.Webhook(bot.URL, token))
	labels := map[string]string{"alertname": "ServiceDown", "service": "api", "severity": "critical", "evil": "<!channel> *x*\n`"}
	now := time.Now().UTC().Truncate(time.Second)
	push(t, am, map[string]any{"labels": labels, "annotations": map[string]string{"summary": "down"}, "startsAt": now, "generatorURL": "http://prometheus.example/g"})
	fired := receive(t, batches)
	if len(fired.Alerts) != 1 || fired.Alerts[0].Fingerprint == "" || fired.Alerts[0].Service != "backend" || fired.Alerts[0].Severity != 1 || fired.Alerts[0].Status != incident.Firing {
		t.Fatalf("got %+v", fired)
	}
	if diff := cmp.Diff(labels, fired.Alerts[0].Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	push(t, am, map[string]any{"labels": labels, "startsAt": now, "endsAt": time.Now().UTC()})
	over := receive(t, batches)
	if len(over.Alerts) != 1 || over.Alerts[0].Status != incident.Recovered || over.Alerts[0].Fingerprint != fired.Alerts[0].Fingerprint || over.Alerts[0].EndsAt.IsZero() {
		t.Fatalf("got %+v, want the same alert at its end", over)
	}
}

func receive(t *testing.T, from <-chan alertmanager.Batch) alertmanager.Batch {
	t.Helper()
	select {
	case b := <-from:
		return b
	case <-time.After(30 * time.Second):
		t.Fatal("Alertmanager posted nothing")
		return alertmanager.Batch{}
	}
}
