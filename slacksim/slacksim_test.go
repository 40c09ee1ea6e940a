package slacksim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/svcdown/svcdown/slacksim"
)

type object = map[string]any

// bundle is a started workspace and the ways into it.
type bundle struct {
	*slacksim.Workspace
	t   *testing.T
	ctx context.Context
	at  slacksim.Addresses
	cfg slacksim.Config
}

// setup starts the demo's workspace, without rate limits unless change switches them on again.
func setup(t *testing.T, change ...func(*slacksim.Config)) *bundle {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	t.Cleanup(cancel)
	cfg := slacksim.Marketplace()
	cfg.NoRateLimits = true
	for _, c := range change {
		c(&cfg)
	}
	w, err := slacksim.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	at, err := w.Start(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Close(); err != nil {
			t.Error(err)
		}
	})
	return &bundle{Workspace: w, t: t, ctx: ctx, at: at, cfg: cfg}
}

// must calls a method as the bot and wants it to succeed.
func (b *bundle) must(method string, args object) object {
	b.t.Helper()
	out := b.call(method, args)
	if out["ok"] != true {
		b.t.Fatalf("%s %v: %v", method, args, out)
	}
	return out
}

// refused calls a method as the bot and wants exactly this error.
func (b *bundle) refused(want, method string, args object) object {
	b.t.Helper()
	out := b.call(method, args)
	if out["error"] != want {
		b.t.Fatalf("%s %v: got %v, want error %s", method, args, out, want)
	}
	return out
}

func (b *bundle) call(method string, args object) object {
	b.t.Helper()
	token := b.cfg.App.BotToken
	if method == "apps.connections.open" {
		token = b.cfg.App.AppToken
	}
	_, out := b.post(b.at.API+method, token, args)
	return out
}

// post sends JSON and reads JSON.
func (b *bundle) post(address, token string, body any) (*http.Response, object) {
	b.t.Helper()
	raw, err := json.Marshal(body)
	if err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(b.ctx, http.MethodPost, address, bytes.NewReader(raw))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return b.do(r)
}

func (b *bundle) form(method string, values url.Values) object {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.ctx, http.MethodPost, b.at.API+method, strings.NewReader(values.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	_, out := b.do(r)
	return out
}

func (b *bundle) get(address string) object {
	b.t.Helper()
	r, err := http.NewRequestWithContext(b.ctx, http.MethodGet, address, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	_, out := b.do(r)
	return out
}

func (b *bundle) do(r *http.Request) (*http.Response, object) {
	b.t.Helper()
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	out := object{}
	if err := json.Unmarshal(raw, &out); err != nil {
		out["raw"] = string(raw)
	}
	return answer, out
}

// message waits for the newest message that has text in it.
func (b *bundle) message(text string) slacksim.Message {
	b.t.Helper()
	m, err := b.WaitMessage(b.ctx, func(m slacksim.Message) bool { return strings.Contains(m.Text, text) })
	if err != nil {
		b.t.Fatalf("no message with %q: %v", text, err)
	}
	return m
}

func (b *bundle) say(user, channel, text string) string {
	b.t.Helper()
	ts, err := b.Say(user, channel, "", text)
	if err != nil {
		b.t.Fatal(err)
	}
	return ts
}

// socket is an app's end of a Socket Mode connection.
type socket struct {
	b     *bundle
	ws    *websocket.Conn
	hello object
}

// dial opens a socket and takes its hello.
func (b *bundle) dial() *socket {
	b.t.Helper()
	opened := b.must("apps.connections.open", object{})
	ws, _, err := websocket.Dial(b.ctx, opened["url"].(string), nil)
	if err != nil {
		b.t.Fatal(err)
	}
	ws.SetReadLimit(-1)
	s := &socket{b: b, ws: ws}
	b.t.Cleanup(func() { _ = ws.CloseNow() })
	s.hello = s.frame()
	return s
}

func (s *socket) frame() object {
	s.b.t.Helper()
	_, data, err := s.ws.Read(s.b.ctx)
	if err != nil {
		s.b.t.Fatal(err)
	}
	var out object
	if err := json.Unmarshal(data, &out); err != nil {
		s.b.t.Fatal(err)
	}
	return out
}

// next reads until an envelope of the kind comes, acking all others.
func (s *socket) next(kind string) object {
	s.b.t.Helper()
	for {
		f := s.frame()
		if f["type"] == kind {
			return f
		}
		s.ack(f, nil)
	}
}

// event reads until an event of the type comes and acks it.
func (s *socket) event(kind string) object {
	s.b.t.Helper()
	for {
		f := s.next("events_api")
		s.ack(f, nil)
		if e := f["payload"].(object)["event"].(object); e["type"] == kind {
			return f["payload"].(object)
		}
	}
}

func (s *socket) ack(envelope object, payload any) {
	s.b.t.Helper()
	out := object{"envelope_id": envelope["envelope_id"]}
	if payload != nil {
		out["payload"] = payload
	}
	raw, err := json.Marshal(out)
	if err != nil {
		s.b.t.Fatal(err)
	}
	if err := s.ws.Write(s.b.ctx, websocket.MessageText, raw); err != nil {
		s.b.t.Fatal(err)
	}
}

func button(id, value string) object {
	return object{"type": "button", "action_id": id, "value": value, "text": object{"type": "plain_text", "text": id}}
}

func actions(elements ...any) []any {
	return []any{object{"type": "actions", "block_id": "b1", "elements": elements}}
}

// put sends a file's bytes as Slack clients do: one multipart field.
func (b *bundle) put(address, content string) *http.Response {
	b.t.Helper()
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	part, err := form.CreateFormFile("file", "upload")
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := part.Write([]byte(content)); err != nil {
		b.t.Fatal(err)
	}
	if err := form.Close(); err != nil {
		b.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(b.ctx, http.MethodPost, address, &body)
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Content-Type", form.FormDataContentType())
	answer, _ := b.do(r)
	return answer
}

func decode(data []byte) object {
	var out object
	if err := json.Unmarshal(data, &out); err != nil {
		return object{"unreadable": string(data)}
	}
	return out
}
