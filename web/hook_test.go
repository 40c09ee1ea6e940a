package web_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/web"
)

const hookToken = "h00k-t0k3n"

func hooked(t *testing.T, log io.Writer, take func(ctx context.Context, h http.Header, body io.Reader) (map[string]any, error)) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(web.Handler(web.Config{
		Desk: &desk{}, Streams: web.NewStreams(), Gather: prometheus.NewRegistry(), Log: zerolog.New(log),
		Health: func(context.Context) []web.Component { return nil },
		Hooks:  []web.Hook{{Path: "/webhooks/x", Token: hookToken, Take: take}},
	}))
	t.Cleanup(srv.Close)
	return srv
}

func postHook(t *testing.T, srv *httptest.Server, auth func(*http.Request), body io.Reader) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/webhooks/x", body)
	if err != nil {
		t.Fatal(err)
	}
	auth(req)
	res, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(said)
}

func bearer(token string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+token) }
}

func TestAHookIsOpenToWhoKnowsItsTokenOnly(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		auth func(*http.Request)
		code int
	}{
		"the bearer token":              {bearer(hookToken), 200},
		"the password":                  {func(r *http.Request) { r.SetBasicAuth("alertmanager", hookToken) }, 200},
		"nothing":                       {func(*http.Request) {}, 401},
		"another token":                 {bearer("x" + hookToken), 401},
		"an empty token":                {bearer(""), 401},
		"the token as the user":         {func(r *http.Request) { r.SetBasicAuth(hookToken, "") }, 401},
		"the token in the wrong scheme": {func(r *http.Request) { r.Header.Set("Authorization", "Token "+hookToken) }, 401},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			taken := 0
			srv := hooked(t, io.Discard, func(_ context.Context, _ http.Header, body io.Reader) (map[string]any, error) {
				taken++
				return map[string]any{"stored": 1}, nil
			})
			res, said := postHook(t, srv, tc.auth, strings.NewReader(`{}`))
			if res.StatusCode != tc.code || taken != map[int]int{200: 1, 401: 0}[tc.code] {
				t.Errorf("got %d %q, taken %d times, want %d", res.StatusCode, said, taken, tc.code)
			}
			if strings.Contains(said, hookToken) {
				t.Error("got the token in the answer")
			}
		})
	}
}

func TestNothingOfOursMakesASenderDropABatch(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		err  error
		code int
	}{
		"what is not understood":    {&handlers.Problem{Code: "malformed", Text: redact.Const("The body is no JSON.")}, 400},
		"a signature that is wrong": {&handlers.Problem{Code: "unauthorized", Text: redact.Const("Not signed.")}, 401},
		"any other refusal":         {&handlers.Problem{Code: "busy", Text: redact.Const("Busy.")}, 503},
		"a database that is away":   {errors.New("dial tcp: refused"), 503},
		"a body that breaks off":    {io.ErrUnexpectedEOF, 503},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var log strings.Builder
			srv := hooked(t, &log, func(context.Context, http.Header, io.Reader) (map[string]any, error) { return nil, tc.err })
			res, said := postHook(t, srv, bearer(hookToken), strings.NewReader(`{}`))
			if res.StatusCode != tc.code || (res.Header.Get("Retry-After") != "") != (tc.code == 503) {
				t.Errorf("got %d, Retry-After %q: %s", res.StatusCode, res.Header.Get("Retry-After"), said)
			}
			if strings.Contains(said, "dial tcp") || strings.Contains(log.String(), hookToken) {
				t.Errorf("got %q, want no inside of ours", said)
			}
		})
	}
}

// endless is a body without a known length.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

func TestABodyHasABound(t *testing.T) {
	t.Parallel()
	const bound = 32 << 20
	read := func(_ context.Context, _ http.Header, body io.Reader) (map[string]any, error) {
		n, err := io.Copy(io.Discard, body)
		return map[string]any{"read": n}, err
	}
	for name, tc := range map[string]struct {
		body io.Reader
		code int
	}{
		"as large as may be":               {strings.NewReader(strings.Repeat("x", bound)), 200},
		"one byte more, known beforehand":  {strings.NewReader(strings.Repeat("x", bound+1)), 413},
		"one byte more, known by counting": {io.LimitReader(endless{}, bound+1), 413},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := hooked(t, io.Discard, read)
			res, said := postHook(t, srv, bearer(hookToken), tc.body)
			if res.StatusCode != tc.code {
				t.Errorf("got %d %s, want %d", res.StatusCode, said, tc.code)
			}
			if tc.code == 413 && !strings.Contains(said, "32 MiB") {
				t.Errorf("got %q, want the bound and what to do", said)
			}
		})
	}
}

func TestTooMuchAtOnceIsToldToComeBack(t *testing.T) {
	t.Parallel()
	inside, leave := make(chan struct{}, 3), make(chan struct{})
	srv := hooked(t, io.Discard, func(context.Context, http.Header, io.Reader) (map[string]any, error) {
		inside <- struct{}{}
		<-leave
		return nil, nil
	})
	done := make(chan int, 2)
	for range 2 { // two of unknown length are all that there is room for
		go func() {
			res, _ := postHook(t, srv, bearer(hookToken), io.LimitReader(endless{}, 10))
			done <- res.StatusCode
		}()
	}
	<-inside
	<-inside
	res, said := postHook(t, srv, bearer(hookToken), strings.NewReader(`{}`))
	if res.StatusCode != http.StatusServiceUnavailable || res.Header.Get("Retry-After") == "" {
		t.Errorf("got %d %s, want to be told to come back", res.StatusCode, said)
	}
	close(leave)
	if a, b := <-done, <-done; a != 200 || b != 200 {
		t.Errorf("got %d and %d for those that were in", a, b)
	}
	if res, said := postHook(t, srv, bearer(hookToken), strings.NewReader(`{}`)); res.StatusCode != http.StatusOK {
		t.Errorf("got %d %s after they had left", res.StatusCode, said)
	}
}

func TestAHookThatIsNotSetUpDoesNotExist(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(web.Handler(web.Config{Desk: &desk{}, Streams: web.NewStreams(), Gather: prometheus.NewRegistry(), Log: zerolog.Nop(), Health: func(context.Context) []web.Component { return nil }}))
	t.Cleanup(srv.Close)
	if res, _ := postHook(t, srv, bearer(""), strings.NewReader(`{}`)); res.StatusCode != http.StatusNotFound {
		t.Errorf("got %d, want 404", res.StatusCode)
	}
}
