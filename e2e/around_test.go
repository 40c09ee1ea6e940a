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
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/svcdown/svcdown/integrations/alertmanager/amtest"
	"github.com/svcdown/svcdown/integrations/pagerduty/pdtest"
	"github.com/svcdown/svcdown/integrations/statuspage/sptest"
)

// around are the systems around the bot in a story.
type around struct {
	alertmanager *amtest.Server
	pagerduty    *pdtest.Server
	statuspage   *sptest.Server
	mail         *postbox
	health       *httptest.Server
	down         atomic.Bool // what the health address says
}

// The secrets of the systems around; a bot is given them as variables.
const (
	alertToken = "e2e-alert-t0k3n"
	pagerKey   = "0123456789abcdef0123456789abcdef"
	pagerHook  = "e2e-pagerduty-secret"
	pagerToken = "e2e-pagerduty-t0k3n"

	statusToken = "e2e-statuspage-t0k3n"
)

// cmdConfig: config LINE... adds lines to svcdown.yaml; a key that is there is replaced.
func cmdConfig(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	b, err := os.ReadFile(s.config)
	ts.Check(err)
	kept := string(b)
	for _, a := range args {
		kept = withoutKey(kept, a)
	}
	ts.Check(os.WriteFile(s.config, []byte(kept+strings.Join(args, "\n")+"\n"), 0o600))
}

// withoutKey takes the top-level key that added begins with out of a catalogue, with all that is indented below it.
func withoutKey(catalogue, added string) string {
	key, _, _ := strings.Cut(added, ":")
	var kept strings.Builder
	inside := false
	for line := range strings.Lines(catalogue) {
		if !strings.HasPrefix(line, " ") && !strings.HasPrefix(line, "\t") {
			inside = strings.HasPrefix(line, key+":")
		}
		if !inside {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

// cmdAlertmanager: alertmanager BOT starts a real Alertmanager that posts to the bot; alertmanager alone, one for its silences, and names it in
// svcdown.yaml.
func cmdAlertmanager(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	dir := filepath.Join(s.env.WorkDir, "alertmanager")
	ts.Check(os.MkdirAll(dir, 0o700))
	config := "route: {receiver: nobody}\nreceivers: [{name: nobody}]\n"
	if len(args) > 0 {
		config = amtest.Webhook("http://"+s.bots[args[0]].listen+"/webhooks/alertmanager", alertToken)
	}
	am, stop, err := amtest.Start(context.Background(), dir, config)
	ts.Check(err)
	s.env.Defer(stop)
	s.around.alertmanager = am
	if len(args) == 0 {
		cmdConfig(ts, false, []string{"alerts: {alertmanager: " + strconv.Quote(am.URL) + "}"})
	}
}

// cmdSilenced: silenced N waits until Alertmanager says that N alerts are silenced.
func cmdSilenced(ts *testscript.TestScript, _ bool, args []string) {
	am := of(ts).around.alertmanager
	ts.Check(until(patience, func() error {
		res, err := http.Get(am.URL + "/api/v2/alerts?active=false&silenced=true")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		var list []any
		if err := json.NewDecoder(res.Body).Decode(&list); err != nil || strconv.Itoa(len(list)) != args[0] {
			return fmt.Errorf("Alertmanager has %d silenced alerts, want %s: %v\n%s", len(list), args[0], err, am.Log())
		}
		return nil
	}))
}

// cmdStatusPage: statuspage SERVICE starts a status page with a component for the service; statuspage fail lets its next call fail, statuspage
// down all of them; statuspage shows N
// STATE REGEXP waits until its one incident has N updates, is in the state, and the last of them matches.
func cmdStatusPage(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	switch args[0] {
	case "fail":
		s.around.statuspage.Next(sptest.Answer(http.StatusServiceUnavailable, ""))
		return
	case "down":
		for range 1000 {
			s.around.statuspage.Next(sptest.Answer(http.StatusServiceUnavailable, ""))
		}
		return
	case "shows":
		ts.Check(until(patience, func() error {
			list, problems := s.around.statuspage.Incidents(), s.around.statuspage.Problems()
			if len(list) != 1 || len(problems) > 0 || strconv.Itoa(len(list[0].Bodies)) != args[1] || list[0].Status != args[2] || !regexp.MustCompile(args[3]).MatchString(list[0].Bodies[len(list[0].Bodies)-1]) {
				return fmt.Errorf("the status page has %+v, and refused %v", list, problems)
			}
			return nil
		}))
		return
	case "empty":
		if list := s.around.statuspage.Incidents(); len(list) > 0 {
			ts.Fatalf("customers read %+v", list)
		}
		return
	}
	s.around.statuspage = sptest.New("page1", statusToken, "cmp1")
	s.env.Defer(s.around.statuspage.Close)
	cmdConfig(ts, false, []string{"statusPage: {provider: statuspage, page: page1, url: " + strconv.Quote(s.around.statuspage.URL) + "}"})
	s.describe(ts, args[0], `statusComponents: [cmp1]`)
}

// describe adds a line to a service of svcdown.yaml.
func (s *story) describe(ts *testscript.TestScript, service, line string) {
	b, err := os.ReadFile(s.config)
	ts.Check(err)
	name := "  - name: " + service + "\n"
	if !strings.Contains(string(b), name) {
		ts.Fatalf("svcdown.yaml has no service %s", service)
	}
	ts.Check(os.WriteFile(s.config, []byte(strings.Replace(string(b), name, name+"    "+line+"\n", 1)), 0o600))
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

// cmdPagerDuty: pagerduty starts a PagerDuty and names it in svcdown.yaml; pagerduty oncall SCHEDULE MAIL... says who is on call there; pagerduty down and
// pagerduty up break it; pagerduty take WHO is somebody acknowledging the newest page there, of which no webhook tells; pagerduty ack BOT is the same
// with the webhook.
func cmdPagerDuty(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	if len(args) == 0 {
		pd := pdtest.New()
		s.env.Defer(pd.Close)
		s.around.pagerduty = pd
		cmdConfig(ts, false, []string{"pagerDuty: {events: " + strconv.Quote(pd.URL) + ", api: " + strconv.Quote(pd.URL) + "}"})
		return
	}
	switch args[0] {
	case "oncall":
		s.around.pagerduty.SetOnCall(pagerToken, map[string][]string{args[1]: args[2:]})
		return
	case "take":
		s.around.pagerduty.Take("acknowledged", strings.Join(args[1:], " "))
		return
	case "down", "up":
		s.around.pagerduty.Down(args[0] == "down")
		return
	}
	alerts := s.around.pagerduty.Alerts()
	body := fmt.Sprintf(`{"event":{"id":"01E2E","event_type":"incident.acknowledged","occurred_at":"2026-11-24T12:00:00Z","agent":{"type":"user_reference","summary":"Bob Meyer"},"data":{"incident_key":%q}}}`, alerts[len(alerts)-1].Key)
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

// cmdPaged: paged N STATE... waits until PagerDuty has N pages, in these states, the last of which is that of all others, each of which called people once and broke no rule of its API.
func cmdPaged(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	pd := s.around.pagerduty
	ts.Check(until(patience, func() error {
		alerts := pd.Alerts()
		ok := strconv.Itoa(len(alerts)) == args[0]
		for n, a := range alerts {
			ok = ok && a.Status == args[min(n+1, len(args)-1)] && a.Notified == 1
		}
		if problems := pd.Problems(); !ok || len(problems) > 0 {
			return fmt.Errorf("want %s pages, %s; PagerDuty has %+v, refused %v\n%s", args[0], args[1:], alerts, problems, s.logs())
		}
		return nil
	}))
}

// cmdPages: pages N REGEXP asserts that N pages say so on the lock screen.
func cmdPages(ts *testscript.TestScript, _ bool, args []string) {
	n := 0
	alerts := of(ts).around.pagerduty.Alerts()
	for _, a := range alerts {
		if regexp.MustCompile(args[1]).MatchString(a.Summary) {
			n++
		}
	}
	if strconv.Itoa(n) != args[0] {
		ts.Fatalf("%d pages match %q, want %s: %+v", n, args[1], args[0], alerts)
	}
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
	s.describe(ts, args[0], "health: ["+strconv.Quote(s.around.health.URL+"/health")+"]")
}
