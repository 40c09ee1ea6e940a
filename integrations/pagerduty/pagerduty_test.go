package pagerduty_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/integrations/call"
	"github.com/svcdown/svcdown/integrations/pagerduty"
	"github.com/svcdown/svcdown/integrations/pagerduty/pdtest"
	"github.com/svcdown/svcdown/redact"
)

const (
	first  = "0123456789abcdef0123456789abcde1"
	second = "0123456789abcdef0123456789abcde2"
)

// ledger keeps what the store would.
type ledger struct {
	mu   sync.Mutex
	keys map[string][]string
	down bool
}

func (l *ledger) Remember(_ context.Context, id, way, key string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.down {
		return errors.New("the database does not answer")
	}
	if !slices.Contains(l.keys[id+way], key) {
		l.keys[id+way] = append(l.keys[id+way], key)
	}
	return nil
}

func (l *ledger) Remembered(_ context.Context, id, way string) ([]string, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.keys[id+way], nil
}

func setup(t *testing.T) (*pdtest.Server, *ledger, func() *pagerduty.Pager) {
	t.Helper()
	pd := pdtest.New()
	t.Cleanup(pd.Close)
	l := &ledger{keys: map[string][]string{}}
	return pd, l, func() *pagerduty.Pager {
		p, err := pagerduty.New(pagerduty.Config{Events: pd.URL, RoutingKeys: []string{first, second}, Ledger: l, Now: time.Now})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
}

func page(level, round int) incident.Page {
	return incident.Page{
		Key: fmt.Sprintf("I-7K3MQX/%d/%d", round, level), Incident: "I-7K3MQX", Service: "backend", Severity: 1, Level: level,
		People: []catalog.Person{{Name: "alice"}}, Title: redact.Const("backend is down"), What: redact.Const("0 of 3 pods are ready\nmore"), Link: "https://slack.example/C1",
	}
}

func TestALevelIsPagedOnceHoweverOftenItIsTold(t *testing.T) {
	t.Parallel()
	pd, _, pager := setup(t)
	pd.LoseAnswer()
	if err := pager().Page(t.Context(), page(1, 1)); err == nil {
		t.Fatal("a lost answer is an error, so that the job asks again")
	}
	var both sync.WaitGroup
	for range 2 { // the retry, and another replica
		both.Go(func() {
			if err := pager().Page(t.Context(), page(1, 1)); err != nil {
				t.Error(err)
			}
		})
	}
	both.Wait()
	if err := pager().Page(t.Context(), page(2, 1)); err != nil {
		t.Fatal(err)
	}
	got := pd.Alerts()
	if len(got) != 2 || got[0].Notified != 1 || got[1].Notified != 1 || got[0].RoutingKey != first || got[1].RoutingKey != second {
		t.Fatalf("got %+v, want each level once, each through its own key", got)
	}
	if got[0].Summary != "backend is down: 0 of 3 pods are ready" || got[0].Severity != "critical" {
		t.Errorf("got %+v, want the verdict on the lock screen", got[0])
	}
	if p := pd.Problems(); len(p) > 0 {
		t.Errorf("PagerDuty would refuse: %v", p)
	}
}

func TestAPageThatEndedAtPagerDutyIsNotSentAnew(t *testing.T) {
	t.Parallel()
	pd, _, pager := setup(t)
	for range 2 { // the second time because a mail could not be sent meanwhile
		if err := pager().Page(t.Context(), page(1, 1)); err != nil {
			t.Fatal(err)
		}
		pd.Take("resolved", "Bob Meyer")
	}
	if got := pd.Alerts(); len(got) != 1 || got[0].Notified != 1 || got[0].Status != "resolved" {
		t.Errorf("got %+v, want one page that called once", got)
	}
}

func TestAnAckOrTheEndReachesEveryPage(t *testing.T) {
	t.Parallel()
	pd, _, pager := setup(t)
	for _, p := range []incident.Page{page(1, 1), page(2, 1), page(1, 2), page(9, 2)} {
		if err := pager().Page(t.Context(), p); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		do   func() error
		want string
	}{
		{func() error { return pager().Acknowledge(t.Context(), "I-7K3MQX", "alice") }, "acknowledged"},
		{func() error { return pager().Acknowledge(t.Context(), "I-7K3MQX", "alice") }, "acknowledged"},
		{func() error { return pager().Resolve(t.Context(), "I-OTHER1") }, "acknowledged"},
		{func() error { return pager().Resolve(t.Context(), "I-7K3MQX") }, "resolved"},
	} {
		if err := step.do(); err != nil {
			t.Fatal(err)
		}
		for _, a := range pd.Alerts() {
			if a.Status != step.want || a.Notified != 1 {
				t.Errorf("got %+v, want it %s, and nobody called again", a, step.want)
			}
		}
	}
	if p := pd.Problems(); len(p) > 0 || len(pd.Alerts()) != 4 {
		t.Errorf("got %d alerts; PagerDuty would refuse: %v", len(pd.Alerts()), p)
	}
}

func TestWhatPagerDutyAnswersIsUnderstood(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code  int
		after string
		again bool
		wait  time.Duration
	}{
		"too many events": {429, "30", true, 30 * time.Second},
		"broken":          {503, "", true, 0},
		"refused":         {400, "", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pd, _, pager := setup(t)
			pd.Next(func(w http.ResponseWriter) {
				w.Header().Set("Retry-After", tc.after)
				w.WriteHeader(tc.code)
				fmt.Fprintf(w, `{"status":"x","errors":["bad key %s"]}`, first)
			})
			err := pager().Page(t.Context(), page(1, 1))
			var e *call.Error
			if !errors.As(err, &e) || e.Status != tc.code || e.Again != tc.again || e.After != tc.wait {
				t.Fatalf("got %+v", err)
			}
			if strings.Contains(err.Error(), first) {
				t.Errorf("got the routing key in %q", err)
			}
		})
	}
}

func TestAnEventThatPagerDutyAcceptedIsSentWhateverItSays(t *testing.T) {
	t.Parallel()
	pd, _, pager := setup(t)
	pd.Next(func(w http.ResponseWriter) {
		w.WriteHeader(http.StatusAccepted)
		fmt.Fprint(w, "<html>")
	})
	if err := pager().Page(t.Context(), page(1, 1)); err != nil {
		t.Error(err)
	}
}

func TestWhatCannotBeRememberedIsNotSent(t *testing.T) {
	t.Parallel()
	pd, l, pager := setup(t)
	l.down = true
	if err := pager().Page(t.Context(), page(1, 1)); err == nil || pd.Requests() != 0 {
		t.Errorf("got %v and %d requests, want an error that the job repeats", err, pd.Requests())
	}
}

func TestARoutingKeyIsCheckedAndNeverQuoted(t *testing.T) {
	t.Parallel()
	for _, keys := range [][]string{nil, {"short-secret"}, {first, second + "x"}} {
		_, err := pagerduty.New(pagerduty.Config{RoutingKeys: keys, Now: time.Now})
		if err == nil {
			t.Errorf("%d keys were taken", len(keys))
			continue
		}
		for _, k := range keys {
			if strings.Contains(err.Error(), k) {
				t.Errorf("got the key in %q", err)
			}
		}
	}
}

func TestAWebhookCountsOnlyWhenItIsSigned(t *testing.T) {
	t.Parallel()
	pd, _, pager := setup(t)
	if err := pager().Page(t.Context(), page(1, 1)); err != nil {
		t.Fatal(err)
	}
	key := pd.Alerts()[0].Key
	const secret = "webhook-secret"
	body := fmt.Sprintf(`{"event":{"id":"01ABC","event_type":"incident.acknowledged","resource_type":"incident","occurred_at":"2026-11-24T12:00:00.123Z","agent":{"id":"PUSER","type":"user_reference","summary":"Alice <!channel>"},"client":null,"data":{"id":"PINC","type":"incident","status":"acknowledged","incident_key":%q}}}`, key)
	sign := func(secret, body string) string {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write([]byte(body))
		return "v1=" + hex.EncodeToString(mac.Sum(nil))
	}
	want := pagerduty.Word{ID: "01ABC", Type: pagerduty.Acknowledged, Incident: "I-7K3MQX", By: "Alice <!channel>", At: time.Date(2026, 11, 24, 12, 0, 0, 123e6, time.UTC), Key: key}
	for name, tc := range map[string]struct {
		secret, header, body string
		err                  error
	}{
		"signed":                      {secret, sign(secret, body), body, nil},
		"signed with two secrets":     {secret, sign("old", body) + "," + sign(secret, body), body, nil},
		"not signed":                  {secret, "", body, pagerduty.ErrSignature},
		"signed with another":         {secret, sign("old", body), body, pagerduty.ErrSignature},
		"another body":                {secret, sign(secret, body), body + " ", pagerduty.ErrSignature},
		"a scheme of another version": {secret, strings.Replace(sign(secret, body), "v1=", "v2=", 1), body, pagerduty.ErrSignature},
		"no secret is set up":         {"", sign("", body), body, pagerduty.ErrSignature},
		"signed, but no webhook":      {secret, sign(secret, "{}"), "{}", pagerduty.ErrBody},
	} {
		got, err := pagerduty.ReadWebhook(tc.secret, http.Header{"X-Pagerduty-Signature": {tc.header}}, []byte(tc.body))
		if !errors.Is(err, tc.err) {
			t.Errorf("%s: got %v, want %v", name, err, tc.err)
		}
		if err == nil {
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
	}
	foreign := strings.Replace(body, key, "somebody-elses", 1)
	if w, err := pagerduty.ReadWebhook(secret, http.Header{"X-Pagerduty-Signature": {sign(secret, foreign)}}, []byte(foreign)); err != nil || w.Incident != "" {
		t.Errorf("got %+v, %v, want a word about nothing of ours", w, err)
	}
	machine := strings.Replace(body, "user_reference", "service_reference", 1)
	w, err := pagerduty.ReadWebhook(secret, http.Header{"X-Pagerduty-Signature": {sign(secret, machine)}}, []byte(machine))
	if err != nil || w.By != "" {
		t.Errorf("got %+v, %v, want the word of no person", w, err)
	}
	if !w.Of(page(1, 1)) || w.Of(page(1, 2)) {
		t.Error("the word is not of its own page alone")
	}
}
