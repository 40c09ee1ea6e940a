package statuspage_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/integrations/statuspage"
	"github.com/svcdown/svcdown/integrations/statuspage/sptest"
)

const token = "sp-token-canary"

// provider is the seam that both ways to a page fill.
type provider interface {
	Publish(ctx context.Context, u statuspage.Update) error
	Has(ctx context.Context, incidentID, key string) (bool, error)
}

var (
	_ provider = (*statuspage.Page)(nil)
	_ provider = (*statuspage.Webhook)(nil)
)

func setup(t *testing.T) (*sptest.Server, *statuspage.Page) {
	t.Helper()
	sp := sptest.New("page1", token, "cmp-api", "cmp-web")
	t.Cleanup(sp.Close)
	return sp, statuspage.New(sp.URL, "page1", token, time.Now)
}

func update(key, state string) statuspage.Update {
	status := "major_outage"
	if state == "resolved" {
		status = "operational"
	}
	return statuspage.Update{Key: key, Incident: "I-7K3MQX", State: state, Title: "Checkout is down", Body: "We are on it (" + state + ").", Impact: "major",
		Components: []statuspage.Component{{ID: "cmp-api", Status: status}}}
}

func TestAnIncidentOfThePageFromItsBeginningToItsEnd(t *testing.T) {
	t.Parallel()
	sp, page := setup(t)
	for i := range 130 { // those of others, more than the page lists at once
		other := update("R-x", "resolved")
		other.Incident = fmt.Sprint("I-OTHER", i)
		if err := page.Publish(t.Context(), other); err != nil {
			t.Fatal(err)
		}
	}
	for _, u := range []statuspage.Update{update("R-1", "investigating"), update("R-2", "identified"), update("R-3", "monitoring"), update("R-4", "resolved")} {
		if has, err := page.Has(t.Context(), u.Incident, u.Key); has || err != nil {
			t.Fatalf("got %v, %v before %s was told", has, err, u.Key)
		}
		if u.State == "resolved" && sp.Component("cmp-api") != "major_outage" {
			t.Errorf("got the component %s, want a major outage until the end", sp.Component("cmp-api"))
		}
		for range 2 {
			if err := page.Publish(t.Context(), u); err != nil {
				t.Fatal(err)
			}
		}
		if has, err := page.Has(t.Context(), u.Incident, u.Key); !has || err != nil {
			t.Errorf("got %v, %v after %s was told", has, err, u.Key)
		}
	}
	list := sp.Incidents()
	if len(list) != 131 || len(sp.Problems()) > 0 {
		t.Fatalf("got %d incidents; Statuspage would refuse: %v", len(list), sp.Problems())
	}
	got := list[0]
	want := []string{"We are on it (investigating).", "We are on it (identified).", "We are on it (monitoring).", "We are on it (resolved)."}
	if diff := cmp.Diff(want, got.Bodies); diff != "" {
		t.Errorf("what customers read (-want +got):\n%s", diff)
	}
	if got.Name != "Checkout is down" || got.Status != "resolved" || got.Impact != "major" || sp.Component("cmp-api") != "operational" {
		t.Errorf("got %+v, component %s", got, sp.Component("cmp-api"))
	}
}

func TestALostAnswerTellsNothingTwice(t *testing.T) {
	t.Parallel()
	sp, page := setup(t)
	sp.Next(func(w http.ResponseWriter) { fmt.Fprint(w, "[]") }, nil) // the look, and the creation whose answer is lost
	if err := page.Publish(t.Context(), update("R-1", "investigating")); err == nil {
		t.Fatal("a lost answer is an error")
	}
	if err := page.Publish(t.Context(), update("R-1", "investigating")); err != nil {
		t.Fatal(err)
	}
	if list := sp.Incidents(); len(list) != 1 || len(list[0].Bodies) != 1 {
		t.Errorf("got %+v, want it told once", list)
	}
}

func TestWhatThePageAnswersIsUnderstood(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code  int
		after string
		again bool
		wait  time.Duration
	}{
		"a token that is not good":       {401, "", false, 0},
		"no such page":                   {404, "", false, 0},
		"what it does not understand":    {422, "", false, 0},
		"too many calls":                 {429, "61", true, 61 * time.Second},
		"too many calls, in its own way": {420, "", true, 0},
		"broken":                         {500, "", true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sp, page := setup(t)
			sp.Next(sptest.Answer(tc.code, tc.after))
			err := page.Publish(t.Context(), update("R-1", "investigating"))
			again, after := statuspage.Retry(err)
			if err == nil || again != tc.again || after != tc.wait || !strings.Contains(err.Error(), fmt.Sprint(tc.code)) {
				t.Errorf("got %v, again %v after %s", err, again, after)
			}
		})
	}
	sp, _ := setup(t)
	err := statuspage.New(sp.URL, "page1", token+"-wrong", time.Now).Publish(t.Context(), update("R-1", "investigating"))
	if err == nil || strings.Contains(err.Error(), token) || !strings.Contains(err.Error(), "authenticate") {
		t.Errorf("got %v, want a refusal without the token in it", err)
	}
	if err := statuspage.New(sp.URL, "page2", token, time.Now).Publish(t.Context(), update("R-1", "investigating")); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("got %v, want no such page", err)
	}
	bad := update("R-1", "investigating")
	bad.Components[0].ID = "cmp-nowhere"
	if err := statuspage.New(sp.URL, "page1", token, time.Now).Publish(t.Context(), bad); err == nil || !strings.Contains(err.Error(), "cmp-nowhere") {
		t.Errorf("got %v, want the page's own word", err)
	}
}

func TestComponentsAreListed(t *testing.T) {
	t.Parallel()
	_, page := setup(t)
	got, err := page.Components(t.Context())
	if diff := cmp.Diff(map[string]string{"cmp-api": "Component cmp-api", "cmp-web": "Component cmp-web"}, got); diff != "" || err != nil {
		t.Errorf("components (-want +got):\n%s%v", diff, err)
	}
}

func TestAnyOtherPageVerifiesOurSignature(t *testing.T) {
	t.Parallel()
	const secret = "wh-secret-canary"
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	var got []map[string]any
	answer := http.StatusOK
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		mac := hmac.New(sha256.New, []byte(secret))
		fmt.Fprintf(mac, "%d.%s", now.Unix(), body)
		if r.Header.Get("X-Svcdown-Signature") != "v1="+hex.EncodeToString(mac.Sum(nil)) || r.Header.Get("X-Svcdown-Timestamp") != fmt.Sprint(now.Unix()) {
			t.Errorf("got signature %q", r.Header.Get("X-Svcdown-Signature"))
		}
		var m map[string]any
		if err := json.Unmarshal(body, &m); err != nil {
			t.Error(err)
		}
		got = append(got, m)
		w.WriteHeader(answer)
		fmt.Fprintf(w, "you signed with %s", secret)
	}))
	t.Cleanup(srv.Close)
	hook := statuspage.NewWebhook(srv.URL, secret, func() time.Time { return now })
	if err := hook.Publish(t.Context(), update("R-1", "identified")); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{"key": "R-1", "incident": "I-7K3MQX", "state": "identified", "title": "Checkout is down", "body": "We are on it (identified).", "impact": "major",
		"components": []any{map[string]any{"id": "cmp-api", "status": "major_outage"}}, "at": "0001-01-01T00:00:00Z"}
	if diff := cmp.Diff(want, got[0]); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	answer = http.StatusServiceUnavailable
	if err := hook.Publish(t.Context(), update("R-2", "resolved")); err == nil || strings.Contains(err.Error(), secret) {
		t.Errorf("got %v, want an error without the secret", err)
	}
	if _, err := hook.Has(t.Context(), "I-7K3MQX", "R-1"); !errors.Is(err, statuspage.ErrCannotTell) {
		t.Errorf("got %v", err)
	}
}
