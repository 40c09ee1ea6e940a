package probe

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// Ask is curl of a runbook, done from here: GET, or HEAD, once, for at most 5 s and 64 KiB. It asks the health URLs of the catalogue and its
// allowedHosts and nobody else, with the address checked at every dial; a redirect is told, and followed only when follow says so, to the
// same hosts. Raw is what curl would have printed: the headers of a HEAD, the body of a GET. The evidence "Timing" holds what each part
// of the way took.
func (p *Prober) Ask(ctx context.Context, rawURL string, head, follow bool) finding.Report {
	start := time.Now()
	out := p.askAs(ctx, rawURL, head, follow)
	out.Finding.Check, out.Finding.Took = "http", time.Since(start)
	return out
}

func (p *Prober) askAs(caller context.Context, rawURL string, head, follow bool) finding.Report {
	u, err := url.Parse(rawURL)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || (!slices.Contains(p.urls, rawURL) && !p.probes.Allows(u)) {
		return finding.Report{Finding: unknown(redact.F("%s was not asked: it is no health URL of the catalogue, and its host is not in allowedHosts", rawURL),
			redact.Const("Add the host to probes.allowedHosts in svcdown.yaml."))}
	}
	shown := redact.F("%s", u.Host+u.EscapedPath())
	ctx, cancel := context.WithTimeout(caller, timeout)
	defer cancel()
	var t timing
	req, err := http.NewRequestWithContext(httptrace.WithClientTrace(ctx, t.trace()), http.MethodGet, rawURL, nil)
	if err != nil {
		return finding.Report{Finding: unknown(redact.F("%s was not asked: %v", shown, err), redact.Const("Correct the address in the runbook."))}
	}
	req.Header.Set("User-Agent", "svcdown-probe")
	if head {
		req.Method = http.MethodHead
	}
	client := *p.client
	if !follow {
		client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	}
	t.start = time.Now()
	resp, err := client.Do(req)
	took := time.Since(t.start).Round(time.Millisecond)
	if err != nil {
		return finding.Report{Finding: p.unanswered(caller, shown, err, took)}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody+1))
	if err != nil {
		return finding.Report{Finding: p.unanswered(caller, shown, fmt.Errorf("the answer broke off: %w", err), time.Since(t.start).Round(time.Millisecond))}
	}
	t.end = time.Now()
	out := finding.Report{Finding: p.told(shown, resp, body, took, follow), Truncated: len(body) > maxBody}
	body = body[:min(len(body), maxBody)]
	if out.Raw = redact.Clean(string(body)); head {
		out.Raw = headersOf(resp)
	}
	out.Finding.Evidence = append(out.Finding.Evidence, t.evidence())
	return out
}

// told is the verdict of answered, but for answers that only say how to ask.
func (p *Prober) told(shown redact.Text, resp *http.Response, body []byte, took time.Duration, follow bool) finding.Finding {
	line := redact.F("%s answers %d in %s", shown, resp.StatusCode, took)
	switch code := resp.StatusCode; {
	case code >= 300 && code < 400 && !follow:
		to := "elsewhere"
		if where, err := resp.Location(); err == nil {
			to = place(where)
		}
		return finding.Finding{Status: finding.Warn, Line: redact.F("%s: a redirect to %s, which was not followed", line, to)}
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return finding.Finding{Status: finding.Warn, Line: redact.F("%s: it is there and asks who we are", line)}
	case code == http.StatusMethodNotAllowed && resp.Request.Method == http.MethodHead:
		return finding.Finding{Status: finding.Warn, Line: redact.F("%s: it is there and takes no HEAD", line)}
	}
	return p.answered(shown, resp, body, took)
}

func headersOf(resp *http.Response) redact.Text {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", resp.Proto, resp.Status)
	names := make([]string, 0, len(resp.Header))
	for name := range resp.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		for _, v := range resp.Header[name] {
			if name == "Set-Cookie" { // a session that somebody could take over
				v = redact.Mark
			}
			fmt.Fprintf(&b, "%s: %s\n", name, v)
		}
	}
	return redact.Clean(b.String())
}

// timing is when each part of the way was done, of the last request when redirects were followed. Dials to the addresses of one name go on
// side by side and may end after the answer is there.
type timing struct {
	mu                                   sync.Mutex
	start, dns, connect, tls, first, end time.Time
}

func (t *timing) trace() *httptrace.ClientTrace {
	now := func(part *time.Time, err error) {
		t.mu.Lock()
		defer t.mu.Unlock()
		if err == nil {
			*part = time.Now()
		}
	}
	return &httptrace.ClientTrace{
		DNSDone:              func(i httptrace.DNSDoneInfo) { now(&t.dns, i.Err) },
		ConnectDone:          func(_, _ string, err error) { now(&t.connect, err) },
		TLSHandshakeDone:     func(_ tls.ConnectionState, err error) { now(&t.tls, err) },
		GotFirstResponseByte: func() { now(&t.first, nil) },
	}
}

// evidence counts as curl does: each figure is from the start on.
func (t *timing) evidence() finding.Evidence {
	t.mu.Lock()
	defer t.mu.Unlock()
	table := &finding.Table{Columns: []redact.Text{redact.Const("step"), redact.Const("after")}}
	for _, row := range []struct {
		name redact.Text
		at   time.Time
	}{
		{redact.Const("DNS"), t.dns}, {redact.Const("connect"), t.connect}, {redact.Const("TLS"), t.tls}, {redact.Const("first byte"), t.first}, {redact.Const("total"), t.end},
	} {
		if !row.at.IsZero() {
			table.Rows = append(table.Rows, []redact.Text{row.name, redact.F("%s", row.at.Sub(t.start).Round(100*time.Microsecond))})
		}
	}
	return finding.Evidence{Title: redact.Const("Timing"), Table: table}
}
