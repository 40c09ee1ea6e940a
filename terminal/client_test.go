package terminal_test

import (
	"bytes"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/terminal"
)

func TestTheEndOfACommandIsToldTruly(t *testing.T) {
	t.Parallel()
	lines := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }
	}
	for name, c := range map[string]struct {
		bot     http.HandlerFunc
		err     string // "" for none
		refused bool
		out     string
	}{
		"an answer":                      {bot: lines(`{"op":"whisper","card":{"state":"ok","verdict":"Counted."}}` + "\n"), out: "OK Counted."},
		"a refusal":                      {bot: lines(`{"op":"whisper","card":{"state":"refused","verdict":"Not you."}}` + "\n"), refused: true, out: "NOT DONE Not you."},
		"something broke in the bot":     {bot: lines(`{"op":"whisper","card":{"state":"fail","verdict":"Broke."}}` + "\n"), refused: true, out: "FAIL Broke."},
		"a service that fails was asked": {bot: lines(`{"op":"say","card":{"state":"fail","verdict":"Pods crash."}}` + "\n"), out: "FAIL Pods crash."},
		"no answer at all":               {bot: lines(""), err: "Whether it was done is not known"},
		"a connection that broke":        {bot: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, err: "Whether it was done is not known"},
		"a server that is no bot":        {bot: func(w http.ResponseWriter, _ *http.Request) { http.NotFound(w, nil) }, err: "probably not svcdown"},
		"a bot that does not know us": {bot: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(401)
			_, _ = w.Write([]byte(`{"error":"\u001b[2JLog in again."}`))
		}, err: "[2JLog in again."},
		"an answer with a moving cursor": {bot: lines(`{"op":"whisper","card":{"state":"ok","verdict":"a\u001b[2Jb","buttons":[{"verb":"x\u001b]0;","value":"y"}]}}` + "\n"), out: "OK a[2Jb\n  next: svcdown x]0; y"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := httptest.NewServer(c.bot)
			t.Cleanup(srv.Close)
			var out bytes.Buffer
			err := terminal.Client{Server: srv.URL, Token: "tok", HTTP: srv.Client(), Files: t.TempDir()}.Do(t.Context(), "approve R-222222", &out)
			switch {
			case c.refused:
				if !errors.Is(err, terminal.ErrRefused) {
					t.Errorf("got %v, want a refusal", err)
				}
			case (err != nil) != (c.err != ""), err != nil && !strings.Contains(err.Error(), c.err):
				t.Errorf("got %v, want %q", err, c.err)
			}
			if errors.Is(err, terminal.ErrUnreachable) {
				t.Errorf("got %v, although the bot was reached", err)
			}
			if !strings.Contains(out.String(), c.out) || strings.Contains(out.String()+errorText(err), "\x1b") {
				t.Errorf("got %q and %q, want %q and no control characters", out.String(), errorText(err), c.out)
			}
		})
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func TestNobodyThere(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(http.NotFoundHandler())
	srv.Close()
	err := terminal.Client{Server: srv.URL, Token: "tok", HTTP: &http.Client{}}.Do(t.Context(), "status backend", &bytes.Buffer{})
	if !errors.Is(err, terminal.ErrUnreachable) {
		t.Errorf("got %v, want ErrUnreachable", err)
	}
}

func TestABotThatHangsIsSilentAndNotUnreachable(t *testing.T) {
	t.Parallel()
	hang := make(chan struct{})
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hang }))
	t.Cleanup(srv.Close)
	t.Cleanup(func() { close(hang) })
	client := &http.Client{Transport: &http.Transport{ResponseHeaderTimeout: 20 * time.Millisecond}}
	err := terminal.Client{Server: srv.URL, Token: "tok", HTTP: client}.Do(t.Context(), "status backend", &bytes.Buffer{})
	if !errors.Is(err, terminal.ErrSilent) || errors.Is(err, terminal.ErrUnreachable) || !strings.Contains(err.Error(), "not known") {
		t.Errorf("got %v, want ErrSilent: what was sent may still be done", err)
	}
}

// sent counts what would leave this computer and lets nothing out.
type sent struct{ requests int }

func (s *sent) RoundTrip(*http.Request) (*http.Response, error) {
	s.requests++
	return nil, &net.OpError{Op: "dial", Err: errors.New("refused")}
}

func TestTheTokenNeverLeavesInTheClear(t *testing.T) {
	t.Parallel()
	for server, leaves := range map[string]bool{
		"http://127.0.0.1:8080": true, "http://localhost:8080": true, "http://[::1]:8080": true, "https://svcdown.example.com": true,
		"http://svcdown.example.com": false, "http://10.0.0.7:8080": false, "http://localhost.example.com": false, "http://127.0.0.1@evil.example": false,
		"HTTP://svcdown.example.com": false, "svcdown.example.com:8080": false, "ftp://127.0.0.1": false, "": false,
	} {
		t.Run(server, func(t *testing.T) {
			t.Parallel()
			s := &sent{}
			err := terminal.Client{Server: server, Token: "tok", HTTP: &http.Client{Transport: s}}.Do(t.Context(), "status backend", &bytes.Buffer{})
			if got := s.requests > 0; got != leaves || err == nil {
				t.Errorf("sent: %v with %v, want %v", got, err, leaves)
			}
			if !leaves && (errors.Is(err, terminal.ErrUnreachable) || !strings.Contains(errorText(err), "nothing was sent")) {
				t.Errorf("got %v, want it said that nothing was sent", err)
			}
		})
	}
}

func TestWriteFileStaysInItsFolderAndReplacesNothing(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for _, name := range []string{"a.log", "a.log", "../../b.log", "..", "/", "", ".bashrc", "x\x1b[2J\ny.log", "-rf"} {
		var out bytes.Buffer
		if err := terminal.WriteFile(folder, card.File{Name: name, Content: redact.Const("line")}, &out); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		if strings.Contains(out.String(), "\x1b") {
			t.Errorf("%q: got %q on the terminal", name, out.String())
		}
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	want := []string{"a-2.log", "a.log", "b.log", "bashrc", "rf", "svcdown-2.txt", "svcdown-3.txt", "svcdown.txt", "x[2J-y.log"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if _, err := os.Stat(filepath.Join(folder, "..", "b.log")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v for a file outside", err)
	}
}
