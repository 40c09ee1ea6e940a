package call_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/integrations/call"
)

const secret = "Kx81hTqLw0-secret"

func system(now func() time.Time) *call.System {
	return call.New("Outside", http.Header{"Authorization": {"OAuth " + secret}}, []string{"routing-0123456789"}, now)
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestWhatAnAnswerMeans(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		code  int
		after string
		again bool
		wait  time.Duration
	}{
		"refused for good":               {400, "", false, 0},
		"no such thing":                  {404, "", false, 0},
		"too many, with seconds":         {429, "7", true, 7 * time.Second},
		"too many, with a date":          {429, "Tue, 24 Nov 2026 12:01:00 GMT", true, time.Minute},
		"too many, with nonsense":        {429, "soon", true, 0},
		"too many, with an endless wait": {429, "99999999", true, 15 * time.Minute},
		"broken on their side":           {503, "", true, 0},
		"a redirect is not followed":     {302, "", false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			calls := 0
			at := serve(t, func(w http.ResponseWriter, r *http.Request) {
				calls++
				w.Header().Set("Location", r.URL.Path)
				if tc.after != "" {
					w.Header().Set("Retry-After", tc.after)
				}
				w.WriteHeader(tc.code)
				fmt.Fprintf(w, `{"message":"you sent %s and routing-0123456789"}`, r.Header.Get("Authorization"))
			})
			err := system(func() time.Time { return now }).Do(t.Context(), http.MethodPost, at, map[string]string{"a": "b"}, nil)
			var e *call.Error
			if !errors.As(err, &e) || e.Status != tc.code || e.Again != tc.again || e.After != tc.wait || !e.Sent {
				t.Fatalf("got %+v", err)
			}
			if strings.Contains(err.Error(), secret) || strings.Contains(err.Error(), "routing-0123456789") || !strings.Contains(err.Error(), "you sent") {
				t.Errorf("got the error %q, want what they say without our secrets", err)
			}
			if calls != 1 {
				t.Errorf("got %d calls, want one", calls)
			}
		})
	}
}

func TestWhoIsNotThereNeverGotIt(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	at := "http://" + l.Addr().String() + "/?token=routing-0123456789"
	l.Close()
	err = system(time.Now).Do(t.Context(), http.MethodGet, at, nil, nil)
	var e *call.Error
	if !errors.As(err, &e) || e.Sent || !e.Again || strings.Contains(err.Error(), "routing-0123456789") {
		t.Errorf("got %+v: %v", e, err)
	}
	hangUp := serve(t, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	err = system(time.Now).Do(t.Context(), http.MethodPost, hangUp, 1, nil)
	if !errors.As(err, &e) || !e.Sent || !e.Again {
		t.Errorf("got %+v, want a call that may have arrived", err)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := system(time.Now).Do(gone, http.MethodPost, hangUp, 1, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's", err)
	}
}

func TestAnAnswerThatIsNoJSON(t *testing.T) {
	t.Parallel()
	at := serve(t, func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "<html>") })
	var out struct{}
	var e *call.Error
	if err := system(time.Now).Do(t.Context(), http.MethodGet, at, nil, &out); !errors.As(err, &e) || e.Again {
		t.Errorf("got %v", err)
	}
}

func TestALibrarysCallFailsAsOursDo(t *testing.T) {
	t.Parallel()
	// ask is what client libraries do: they word errors anew and read the answer themselves.
	ask := func(through *call.Through, address string) error {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			return err
		}
		resp, err := through.Do(req)
		if err != nil {
			return fmt.Errorf("error calling the API: %v", err)
		}
		return json.NewDecoder(resp.Body).Decode(&struct{}{})
	}
	for name, tc := range map[string]struct {
		code       int
		body       string
		want       *call.Error
		noneCalled bool
	}{
		"it answers":              {code: 200, body: "{}"},
		"it is broken":            {code: 503, body: "routing-0123456789", want: &call.Error{Status: 503, Sent: true, Again: true}},
		"it refuses":              {code: 401, body: "{}", want: &call.Error{Status: 401, Sent: true}},
		"it answers with no JSON": {code: 200, body: "<html>routing-0123456789", want: &call.Error{Status: 200, Sent: true}},
		"there is no address":     {noneCalled: true, want: &call.Error{}},
	} {
		address := "http://routing-0123456789\x7f"
		if !tc.noneCalled {
			address = serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tc.code)
				fmt.Fprint(w, tc.body)
			})
		}
		through := system(time.Now).Through()
		err := through.Err(ask(through, address))
		if tc.want == nil {
			if err != nil {
				t.Errorf("%s: got %v", name, err)
			}
			continue
		}
		var got *call.Error
		if !errors.As(err, &got) || got.Status != tc.want.Status || got.Sent != tc.want.Sent || got.Again != tc.want.Again || strings.Contains(err.Error(), "routing-0123456789") {
			t.Errorf("%s: got %#v, want %+v without a secret", name, err, tc.want)
		}
	}
}
