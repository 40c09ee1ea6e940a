package e2e_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/svcdown/svcdown/integrations/alertmanager/amtest"
	"github.com/svcdown/svcdown/integrations/pagerduty/pdtest"
)

// around are the systems around the bot in a story.
type around struct {
	alertmanager *amtest.Server
	pagerduty    *pdtest.Server
	health       *httptest.Server
	down         atomic.Bool // what the health address says
}

// The secrets of the systems around; a bot is given them as variables.
const (
	alertToken = "e2e-alert-t0k3n"
	pagerKey   = "0123456789abcdef0123456789abcdef"
	pagerHook  = "e2e-pagerduty-secret"
)

// cmdConfig: config LINE... adds lines to svcdown.yaml.
func cmdConfig(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	b, err := os.ReadFile(s.config)
	ts.Check(err)
	ts.Check(os.WriteFile(s.config, append(b, strings.Join(args, "\n")+"\n"...), 0o600))
}

// cmdAlertmanager: alertmanager BOT starts a real Alertmanager that posts to the bot.
func cmdAlertmanager(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	dir := filepath.Join(s.env.WorkDir, "alertmanager")
	ts.Check(os.MkdirAll(dir, 0o700))
	am, stop, err := amtest.Start(context.Background(), dir, amtest.Webhook("http://"+s.bots[args[0]].listen+"/webhooks/alertmanager", alertToken))
	ts.Check(err)
	s.env.Defer(stop)
	s.around.alertmanager = am
}

// cmdAlert: alert firing|resolved NAME=VALUE... is Prometheus telling Alertmanager of an alert.
func cmdAlert(ts *testscript.TestScript, _ bool, args []string) {
	labels := map[string]string{}
	for _, a := range args[1:] {
		name, value, _ := strings.Cut(a, "=")
		labels[name] = value
	}
	now := time.Now().UTC()
	alert := map[string]any{"labels": labels, "annotations": map[string]string{"summary": labels["alertname"] + " of " + labels["service"]}, "startsAt": now.Add(-time.Second)}
	if args[0] == "resolved" {
		alert["endsAt"] = now
	}
	raw, err := json.Marshal([]any{alert})
	ts.Check(err)
	am := of(ts).around.alertmanager
	res, err := http.Post(am.URL+"/api/v2/alerts", "application/json", strings.NewReader(string(raw)))
	ts.Check(err)
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		said, _ := io.ReadAll(res.Body)
		ts.Fatalf("Alertmanager answers %s %s\n%s", res.Status, said, am.Log())
	}
}

// cmdPagerDuty: pagerduty starts a PagerDuty and names it in svcdown.yaml; pagerduty ack BOT is somebody acknowledging the newest page there.
func cmdPagerDuty(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	if len(args) == 0 {
		pd := pdtest.New()
		s.env.Defer(pd.Close)
		s.around.pagerduty = pd
		cmdConfig(ts, false, []string{"pagerDuty: {events: " + strconv.Quote(pd.URL) + "}"})
		return
	}
	alerts := s.around.pagerduty.Alerts()
	body := fmt.Sprintf(`{"event":{"id":"01E2E","event_type":"incident.acknowledged","occurred_at":"2026-11-24T12:00:00Z","agent":{"summary":"Bob Meyer"},"data":{"incident_key":%q}}}`, alerts[len(alerts)-1].Key)
	mac := hmac.New(sha256.New, []byte(pagerHook))
	mac.Write([]byte(body))
	req, err := http.NewRequest(http.MethodPost, "http://"+s.bots[args[1]].listen+"/webhooks/pagerduty", strings.NewReader(body))
	ts.Check(err)
	req.Header.Set("X-PagerDuty-Signature", "v1="+hex.EncodeToString(mac.Sum(nil)))
	res, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	if said, _ := io.ReadAll(res.Body); res.StatusCode != http.StatusOK {
		ts.Fatalf("the bot answers PagerDuty %s %s", res.Status, said)
	}
}

// cmdPaged: paged N STATE waits until PagerDuty has N pages, all in a state, each of which called people once and broke no rule of its API.
func cmdPaged(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	pd := s.around.pagerduty
	ts.Check(until(patience, func() error {
		alerts := pd.Alerts()
		ok := strconv.Itoa(len(alerts)) == args[0]
		for _, a := range alerts {
			ok = ok && a.Status == args[1] && a.Notified == 1
		}
		if problems := pd.Problems(); !ok || len(problems) > 0 {
			return fmt.Errorf("want %s pages, %s; PagerDuty has %+v, refused %v\n%s", args[0], args[1], alerts, problems, s.logs())
		}
		return nil
	}))
}

// cmdHealth: health SERVICE starts an address for the health of a service and names it in svcdown.yaml; health down and health up are what it says.
func cmdHealth(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	switch args[0] {
	case "down", "up":
		s.around.down.Store(args[0] == "down")
		return
	}
	s.around.health = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if s.around.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	}))
	s.env.Defer(s.around.health.Close)
	b, err := os.ReadFile(s.config)
	ts.Check(err)
	name := "  - name: " + args[0] + "\n"
	if !strings.Contains(string(b), name) {
		ts.Fatalf("svcdown.yaml has no service %s", args[0])
	}
	ts.Check(os.WriteFile(s.config, []byte(strings.Replace(string(b), name, name+"    health: ["+strconv.Quote(s.around.health.URL+"/health")+"]\n", 1)), 0o600))
}
