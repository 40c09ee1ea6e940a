package app

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/web"
)

const (
	alertToken = "alert-t0k3n-canary"
	pdSecret   = "pd-secret-canary"
)

// took keeps what the ways in hand to the desk.
type took struct {
	parts []int
	last  incident.Alert
	acked []string
	err   error
}

func (d *took) TakeAlerts(_ context.Context, alerts []incident.Alert) (incident.Receipt, error) {
	if d.err != nil && len(d.parts) == 1 { // the second part fails
		return incident.Receipt{}, d.err
	}
	d.parts = append(d.parts, len(alerts))
	d.last = alerts[len(alerts)-1]
	return incident.Receipt{Firing: len(alerts)}, nil
}

func (d *took) AckFromPager(_ context.Context, id, by string, _ func(incident.Page) bool) error {
	if d.err != nil {
		return d.err
	}
	d.acked = append(d.acked, id+" "+by)
	return nil
}

func inlets(t *testing.T, o Outside, d *took, log io.Writer) *httptest.Server {
	t.Helper()
	s := Settings{Catalog: &catalog.Catalog{Services: []catalog.Service{{Name: "backend"}}}, Outside: o}
	ways, err := hooks(s, d, prometheus.NewRegistry(), zerolog.New(log))
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(web.Handler(web.Config{Streams: web.NewStreams(), Gather: prometheus.NewRegistry(), Hooks: ways, Log: zerolog.New(log)}))
	t.Cleanup(srv.Close)
	return srv
}

func postTo(t *testing.T, srv *httptest.Server, path, body string, header ...string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(said)
}

func batch(n int) string {
	alerts := make([]string, n)
	for i := range alerts {
		alerts[i] = fmt.Sprintf(`{"status":"firing","labels":{"alertname":"Down","service":"backend","pod":"p%d"},"fingerprint":"%016x"}`, i, i)
	}
	return fmt.Sprintf(`{"version":"4","truncatedAlerts":3,"receiver":"bot","alerts":[%s]}`, strings.Join(alerts, ","))
}

func TestAlertsAreStoredBeforeTheyAreTaken(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	d := &took{}
	srv := inlets(t, Outside{AlertToken: alertToken}, d, &log)
	code, said := postTo(t, srv, "/webhooks/alertmanager", batch(1201), "Authorization", "Bearer "+alertToken)
	if diff := cmp.Diff([]int{500, 500, 201}, d.parts); code != 200 || diff != "" {
		t.Errorf("got %d %s, parts (-want +got):\n%s", code, said, diff)
	}
	if !strings.Contains(said, `"stored":1201`) || !strings.Contains(said, `"leftOutBySender":3`) || !strings.Contains(log.String(), `"left_out":3`) {
		t.Errorf("got %s and the log %s, want the three that Alertmanager left out told", said, log.String())
	}
	if d.last.Service != "backend" || d.last.Source != "alertmanager" {
		t.Errorf("got %+v", d.last)
	}
	d.parts = nil
	if code, said := postTo(t, srv, "/webhooks/generic", `{"alerts":[{"title":"Down","service":"nobody"}]}`, "Authorization", "Bearer "+alertToken); code != 200 || d.last.Source != "generic" {
		t.Errorf("got %d %s", code, said)
	}
	d.parts, d.err = nil, approval.ErrUnavailable
	if code, said := postTo(t, srv, "/webhooks/alertmanager", batch(501), "Authorization", "Bearer "+alertToken); code != 503 {
		t.Errorf("got %d %s while the second part cannot be stored, want to hear of it again", code, said)
	}
	if code, said := postTo(t, srv, "/webhooks/alertmanager", `{"version":"3"}`, "Authorization", "Bearer "+alertToken); code != 400 || !strings.Contains(said, "docs/alerts.md") {
		t.Errorf("got %d %s", code, said)
	}
	if strings.Contains(log.String(), alertToken) {
		t.Error("got the token in the log")
	}
}

func TestAWayInWithoutItsSecretDoesNotExist(t *testing.T) {
	t.Parallel()
	srv := inlets(t, Outside{}, &took{}, io.Discard)
	for _, path := range []string{"/webhooks/alertmanager", "/webhooks/generic", "/webhooks/pagerduty"} {
		if code, _ := postTo(t, srv, path, batch(1), "Authorization", "Bearer "); code != http.StatusNotFound {
			t.Errorf("%s: got %d, want 404", path, code)
		}
	}
}

func TestAnAckAtPagerDutyCounts(t *testing.T) {
	t.Parallel()
	says := func(kind, key, agent string) (body, signature string) {
		body = fmt.Sprintf(`{"event":{"id":"01","event_type":%q,"agent":{"type":%q,"summary":"Alice\n *Okafor*"},"data":{"incident_key":%q}}}`, kind, agent, key)
		mac := hmac.New(sha256.New, []byte(pdSecret))
		mac.Write([]byte(body))
		return body, "v1=" + hex.EncodeToString(mac.Sum(nil))
	}
	const ours = "svcdown:I-7K3MQX:1:abc"
	for name, tc := range map[string]struct {
		kind, key string
		forge     bool
		err       error
		code      int
		acked     []string
	}{
		"acknowledged there":            {"incident.acknowledged", ours, false, nil, 200, []string{"I-7K3MQX Alice *Okafor* at PagerDuty"}},
		"ended there":                   {"incident.resolved", ours, false, nil, 200, []string{"I-7K3MQX Alice *Okafor* at PagerDuty"}},
		"ended by the service itself":   {"incident.resolved", ours, false, nil, 200, nil},
		"not signed":                    {"incident.acknowledged", ours, true, nil, 401, nil},
		"somebody else's incident":      {"incident.acknowledged", "other", false, nil, 200, nil},
		"another event":                 {"incident.annotated", ours, false, nil, 200, nil},
		"an incident that is not there": {"incident.acknowledged", ours, false, approval.ErrNotFound, 200, nil},
		"the database is away":          {"incident.acknowledged", ours, false, approval.ErrUnavailable, 503, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := &took{err: tc.err}
			srv := inlets(t, Outside{PagerDutyWebhooks: pdSecret}, d, io.Discard)
			agent := "user_reference"
			if name == "ended by the service itself" {
				agent = "service_reference"
			}
			body, signature := says(tc.kind, tc.key, agent)
			if tc.forge {
				signature = "v1=00"
			}
			code, said := postTo(t, srv, "/webhooks/pagerduty", body, "X-PagerDuty-Signature", signature)
			if diff := cmp.Diff(tc.acked, d.acked); code != tc.code || diff != "" || strings.Contains(said, pdSecret) {
				t.Errorf("got %d %s, acknowledged (-want +got):\n%s", code, said, diff)
			}
		})
	}
}

// waker is a way to wake people that may fail.
type waker struct {
	err   error
	calls []string
}

func (w *waker) Page(_ context.Context, p incident.Page) error {
	w.calls = append(w.calls, "page "+p.Key)
	return w.err
}

func (w *waker) Acknowledge(_ context.Context, id, _ string) error {
	w.calls = append(w.calls, "ack "+id)
	return w.err
}

func (w *waker) Resolve(_ context.Context, id string) error {
	w.calls = append(w.calls, "resolve "+id)
	return w.err
}

func TestAPagerThatFailsHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	broken, good := &waker{err: errors.New("broken")}, &waker{}
	all := pagers{broken, good}
	for _, err := range []error{all.Page(t.Context(), incident.Page{Key: "k"}), all.Acknowledge(t.Context(), "I-1", "alice"), all.Resolve(t.Context(), "I-1")} {
		if !errors.Is(err, broken.err) {
			t.Errorf("got %v, want to hear that one way failed", err)
		}
	}
	if diff := cmp.Diff([]string{"page k", "ack I-1", "resolve I-1"}, good.calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

// forGood is an error that trying again does not cure.
type forGood struct{}

func (forGood) Error() string { return "no such mailbox" }
func (forGood) Lasting() bool { return true }

func TestAPageIsTriedAgainWhileAnyWayMayStillGetIt(t *testing.T) {
	t.Parallel()
	mailbox, broken := &waker{err: forGood{}}, &waker{err: errors.New("broken")}
	lasts := func(err error) bool {
		var l interface{ Lasting() bool }
		return errors.As(err, &l) && l.Lasting()
	}
	if err := (pagers{mailbox, broken}).Page(t.Context(), incident.Page{}); err == nil || lasts(err) {
		t.Errorf("got %v while one way is broken for a moment", err)
	}
	if err := (pagers{mailbox, &waker{}}).Page(t.Context(), incident.Page{}); !lasts(err) {
		t.Errorf("got %v, want to hear of who will never be reached", err)
	}
}

func TestWrongSecretsOfOutsideSystemsAreNamedWithoutTheirValue(t *testing.T) {
	t.Parallel()
	const canary = "hunter2-canary"
	none, err := openPagers(Settings{Catalog: &catalog.Catalog{}}, &storage{})
	if none != nil || err != nil {
		t.Errorf("got %v, %v, want no pager where none is set up", none, err)
	}
	for _, o := range []Outside{{PagerDutyKeys: []string{canary}}, {SMTP: "http://bot:" + canary + "@host"}} {
		_, err := openPagers(Settings{Catalog: &catalog.Catalog{Mail: catalog.Mail{From: "a@b.org"}}, Outside: o}, &storage{})
		if err == nil || strings.Contains(err.Error(), canary) {
			t.Errorf("got %v", err)
		}
	}
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte("a, b\nc\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"PAGERDUTY_ROUTING_KEYS_FILE": file, "SMTP_URL": "smtp://bot:" + canary + "@host", "SLACK_APP_TOKEN": "x", "SLACK_BOT_TOKEN": "x"}
	s, err := Load("../catalog/testdata/good/smallest.yaml", func(k string) string { return env[k] })
	if diff := cmp.Diff([]string{"a", "b", "c"}, s.Outside.PagerDutyKeys); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	if err == nil || strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), "mail: {from:") {
		t.Errorf("got %v, want to hear that nobody writes", err)
	}
}

var _ handlers.Pager = pagers{}

func TestStakeholdersWithoutAMailServerAreRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	smallest, err := os.ReadFile("../catalog/testdata/good/smallest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "svcdown.yaml")
	text := string(smallest) + "\nmail: {from: svcdown@example.org}\nstakeholders: [{name: support, services: [\"*\"], mails: [support@example.org]}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	env := map[string]string{"SLACK_APP_TOKEN": "x", "SLACK_BOT_TOKEN": "x"}
	if _, err := Load(file, func(k string) string { return env[k] }); err == nil || !strings.Contains(err.Error(), "SMTP_URL is not set") {
		t.Errorf("got %v, want to hear that there is no mail server", err)
	}
	env["SMTP_URL"] = "smtp://host"
	if _, err := Load(file, func(k string) string { return env[k] }); err != nil {
		t.Errorf("with a mail server: %v", err)
	}
}
