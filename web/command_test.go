package web_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/web"
)

// desk answers each command by whispering its text, and keeps what came in.
type desk struct {
	streams *web.Streams
	came    []handlers.Incoming
	busy    chan struct{} // when not nil, answers wait until it is closed
}

func (d *desk) Handle(ctx context.Context, in handlers.Incoming) {
	d.came = append(d.came, in)
	if d.busy != nil {
		<-d.busy
	}
	_ = d.streams.At(in.Where).Whisper(ctx, card.Card{State: card.OK, Verdict: redact.F("heard %s", in.Text)})
}

func setup(t *testing.T, identify func(cluster, token string) (string, error)) (*desk, *httptest.Server) {
	t.Helper()
	d := &desk{streams: web.NewStreams()}
	srv := httptest.NewServer(web.Handler(web.Config{
		Desk: d, Streams: d.streams, Gather: prometheus.NewRegistry(), Log: zerolog.Nop(),
		Identify: func(_ context.Context, cluster, token string) (string, error) { return identify(cluster, token) },
		Health:   func(context.Context) []web.Component { return nil },
	}))
	t.Cleanup(srv.Close)
	return d, srv
}

func post(t *testing.T, srv *httptest.Server, token, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/v1/command", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
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

func TestCommandIsHeardFromWhoIsVerifiedOnly(t *testing.T) {
	t.Parallel()
	const secret = "s3cr3t-t0k3n"
	for name, c := range map[string]struct {
		token, body string
		err         error
		code        int
		said        string
		heard       bool
	}{
		"a verified person is answered":   {secret, `{"text":"status backend"}`, nil, http.StatusOK, "heard status backend", true},
		"without a token":                 {"", `{"text":"status backend"}`, nil, http.StatusUnauthorized, "No Kubernetes token", false},
		"with a token that is not good":   {secret, `{"text":"approve R-222222"}`, errors.New("expired"), http.StatusUnauthorized, "does not confirm your Kubernetes token", false},
		"a cluster that cannot say who":   {secret, `{"text":"approve R-222222"}`, &handlers.Problem{Text: redact.Const("The cluster is away.")}, http.StatusServiceUnavailable, "The cluster is away.", false},
		"something that is no JSON":       {secret, `text=status`, nil, http.StatusBadRequest, "nothing was done", false},
		"fields of another version":       {secret, `{"text":"status","as":"root"}`, nil, http.StatusBadRequest, "nothing was done", false},
		"a body larger than a command is": {secret, `{"text":"` + strings.Repeat("x", 1<<17) + `"}`, nil, http.StatusBadRequest, "nothing was done", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, srv := setup(t, func(string, string) (string, error) { return "alice@example.com", c.err })
			code, said := post(t, srv, c.token, c.body)
			if code != c.code || !strings.Contains(said, c.said) {
				t.Errorf("got %d %q, want %d with %q", code, said, c.code, c.said)
			}
			if strings.Contains(said, secret) {
				t.Error("got the token in the answer")
			}
			if heard := len(d.came) == 1; heard != c.heard {
				t.Errorf("got the desk asked: %v, want %v", heard, c.heard)
			}
		})
	}
}

func TestEveryCommandHasAKeyOfItsOwn(t *testing.T) {
	t.Parallel()
	d, srv := setup(t, func(cluster, token string) (string, error) {
		if diff := cmp.Diff([]string{"prod", "tok"}, []string{cluster, token}); diff != "" {
			t.Errorf("verified (-want +got):\n%s", diff)
		}
		return "alice@example.com", nil
	})
	for range 2 {
		post(t, srv, "tok", `{"text":"restart backend","cluster":"prod"}`)
	}
	if len(d.came) != 2 {
		t.Fatalf("got %d commands, want two", len(d.came))
	}
	first, second := d.came[0], d.came[1]
	if first.Key == second.Key || first.Where == second.Where {
		t.Errorf("got the same key %q or place twice", first.Key)
	}
	// Keys stand in the database for ever: short ones would meet, and the second asker would get the first one's request.
	if random := strings.TrimPrefix(first.Key, "terminal:"); len(random) < 20 {
		t.Errorf("got the key %q, too short to stay the only one", first.Key)
	}
	if first.Kubernetes != "alice@example.com" || first.From.User != "" {
		t.Errorf("got %+v, want the verified username alone", first)
	}
}

// A terminal gives up on a bot that says nothing at all; one whose desk takes its time must not look like that.
func TestWhoIsVerifiedHearsAtOnceThatTheAnswerComes(t *testing.T) {
	t.Parallel()
	d, srv := setup(t, func(string, string) (string, error) { return "alice@example.com", nil })
	d.busy = make(chan struct{})
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/v1/command", strings.NewReader(`{"text":"status backend"}`))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer tok")
	client := &http.Client{Transport: &http.Transport{ResponseHeaderTimeout: 10 * time.Second}}
	t.Cleanup(client.CloseIdleConnections)
	res, err := client.Do(req)
	close(d.busy)
	if err != nil {
		t.Fatalf("no header while the desk is busy: %v", err)
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err != nil || !strings.Contains(string(said), "heard status backend") {
		t.Errorf("got %q and %v, want the answer after the header", said, err)
	}
}

func TestATerminalThatHungUpIsGone(t *testing.T) {
	t.Parallel()
	d, srv := setup(t, func(string, string) (string, error) { return "alice@example.com", nil })
	post(t, srv, "tok", `{"text":"status backend"}`)
	if err := d.streams.At(d.came[0].Where).Whisper(t.Context(), card.Card{}); !errors.Is(err, handlers.ErrGone) {
		t.Errorf("got %v, want ErrGone", err)
	}
}
