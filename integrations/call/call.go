package call

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/redact"
)

// The bounds of one call.
const (
	timeout   = 10 * time.Second
	maxAnswer = 4 << 20
	maxShown  = 300 // runes of an answer that are shown to people
	maxWait   = 15 * time.Minute
	slowDown  = 420 // what Statuspage says for 429
	agent     = "svcdown"
)

// System is one outside system. It is safe for concurrent use.
type System struct {
	// Name is what people call it: "PagerDuty".
	Name string
	// Header is sent with every call, credentials among it.
	Header http.Header
	// Secrets never stand in an error, whatever the other side answers. Credentials in Header need not be named again.
	Secrets []string
	client  *http.Client
	now     func() time.Time
}

// New makes a System. It goes through the proxy of the environment. It follows no redirect: credentials go where the operator sent them.
func New(name string, header http.Header, secrets []string, now func() time.Time) *System {
	for _, values := range header {
		for _, v := range values {
			if _, credential, ok := strings.Cut(v, "token="); ok {
				secrets = append(secrets, credential)
			}
			if _, credential, ok := strings.Cut(v, " "); ok {
				secrets = append(secrets, credential)
			}
		}
	}
	return &System{Name: name, Header: header, Secrets: secrets, now: now, client: &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Error is a call that did not do what was asked.
type Error struct {
	System string
	// Status is the answer's, 0 when there was none.
	Status int
	// Sent is false when the call certainly never arrived; true means that it may have been carried out unless Status says otherwise.
	Sent bool
	// Again is true when the same call may do better later; After says how long the other side asks to wait, 0 when it does not.
	Again bool
	After time.Duration
	Text  redact.Text // in words, without secrets
}

func (e *Error) Error() string { return e.System + ": " + e.Text.String() }

// Do sends in as JSON (nil for nothing) and reads the answer into out (nil to leave it). The error is an [Error], or the context's.
func (s *System) Do(ctx context.Context, method, address string, in, out any) error {
	var body []byte
	if in != nil {
		raw, err := json.Marshal(in)
		if err != nil {
			return s.fail(0, false, false, 0, redact.F("the question cannot be written: %v", err))
		}
		body = raw
	}
	return s.Send(ctx, method, address, body, nil, out)
}

// Send is [System.Do] for a body that is written already, with headers for this call alone.
func (s *System) Send(ctx context.Context, method, address string, body []byte, header http.Header, out any) error {
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return s.fail(0, false, false, 0, redact.Const("its address is not valid"))
	}
	req.Header.Set("Accept", "application/json")
	for _, from := range []http.Header{s.Header, header} {
		for k, v := range from {
			req.Header[k] = v
		}
	}
	req.Header.Set("User-Agent", agent)
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	answer, status, err := s.exchange(req)
	if err != nil {
		return err
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return s.unreadable(status)
	}
	return nil
}

// exchange makes the call and reads the whole answer, which is one of 2xx.
func (s *System) exchange(req *http.Request) (answer []byte, status int, err error) {
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, 0, s.unanswered(req.Context(), req.URL.Host, err)
	}
	defer resp.Body.Close()
	status = resp.StatusCode
	answer, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if status < 200 || status > 299 {
		again := status == http.StatusTooManyRequests || status == slowDown || status == http.StatusRequestTimeout || status >= 500
		return nil, status, s.fail(status, true, again, s.after(resp.Header), redact.F("it answers %d %s%s", status, http.StatusText(status), s.shown(answer)))
	}
	if err != nil {
		return nil, status, s.fail(status, true, true, 0, redact.Const("its answer broke off"))
	}
	return answer, status, nil
}

func (s *System) unreadable(status int) error {
	return s.fail(status, true, false, 0, redact.F("it answers %d with something that is not its JSON", status))
}

func (s *System) unanswered(ctx context.Context, host string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", s.Name, ctx.Err())
	}
	var of *url.Error // names the whole URL, and what stands in its query
	if errors.As(err, &of) {
		err = of.Err
	}
	return s.fail(0, !neverSent(err), true, 0, redact.F("%s does not answer: %s", host, s.clean(err.Error())))
}

// neverSent is true when there was no connection that could have carried the call.
func neverSent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

func (s *System) fail(status int, sent, again bool, after time.Duration, text redact.Text) error {
	return &Error{System: s.Name, Status: status, Sent: sent, Again: again, After: after, Text: text}
}

// shown is the beginning of an answer for people: it often says what is wrong, and may quote what we sent.
func (s *System) shown(answer []byte) string {
	line := strings.Join(strings.Fields(s.clean(string(answer)).String()), " ")
	if line == "" {
		return ""
	}
	return ": " + redact.Clean(line).Short(maxShown).String()
}

func (s *System) clean(text string) redact.Text {
	for _, secret := range s.Secrets {
		if len(secret) > 3 {
			text = strings.ReplaceAll(text, secret, redact.Mark)
			text = strings.ReplaceAll(text, url.QueryEscape(secret), redact.Mark)
		}
	}
	return redact.Clean(text)
}

// after reads Retry-After: seconds or a date. https://www.rfc-editor.org/rfc/rfc9110#field.retry-after
func (s *System) after(h http.Header) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	if n, err := strconv.Atoi(v); err == nil {
		return min(max(time.Duration(n)*time.Second, 0), maxWait)
	}
	if at, err := http.ParseTime(v); err == nil {
		return min(max(at.Sub(s.now()), 0), maxWait)
	}
	return 0
}
