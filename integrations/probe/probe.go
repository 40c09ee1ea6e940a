package probe

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// The bounds of one probe.
const (
	timeout      = 5 * time.Second
	slow         = 2 * time.Second // answers later than this are worth a warning
	maxBody      = 64 << 10
	maxRedirects = 3
	expiresSoon  = 14 * 24 * time.Hour
)

// Prober asks the health URLs of one catalogue, and for [Prober.Ask] also its allowed hosts. It is safe for concurrent use.
type Prober struct {
	urls   []string
	places []string // scheme://host that redirects may lead to
	probes catalog.Probes
	client *http.Client
	roots  *x509.CertPool
	now    func() time.Time
}

// New makes a Prober for c. roots are the authorities that TLS trusts, nil for those of the system.
func New(c *catalog.Catalog, roots *x509.CertPool, now func() time.Time) *Prober {
	p := &Prober{now: now, roots: roots, probes: c.Probes}
	for _, s := range c.Services {
		for _, raw := range s.Health {
			if u, err := url.Parse(raw); err == nil {
				p.urls = append(p.urls, raw)
				p.places = append(p.places, place(u))
			}
		}
	}
	dialer := &net.Dialer{Timeout: timeout, Control: guardAddress(c.Probes)}
	p.client = &http.Client{
		CheckRedirect: p.follow,
		Transport: &http.Transport{
			Proxy:                  nil, // a proxy would connect in our stead, past the check of addresses
			DialContext:            dialer.DialContext,
			TLSClientConfig:        &tls.Config{RootCAs: roots, Time: now, MinVersion: tls.VersionTLS12},
			DisableKeepAlives:      true, // every probe connects anew, as a new client would
			MaxResponseHeaderBytes: maxBody,
			ForceAttemptHTTP2:      true,
		},
	}
	return p
}

// Probe asks rawURL once, for at most 5 s, 64 KiB and three redirects to hosts of the catalogue. Any 2xx answer is ok, or a warning when it
// is slow or its certificate ends within 14 days; any other answer, or none, is a failure. A URL or an address that is not allowed, and
// a caller that went away, are unknown.
func (p *Prober) Probe(ctx context.Context, rawURL string) finding.Finding {
	start := time.Now() // measured on the monotonic clock, whatever the clock for certificates says
	f := p.ask(ctx, rawURL)
	f.Check, f.Took = "health", time.Since(start)
	return f
}

func (p *Prober) ask(caller context.Context, rawURL string) finding.Finding {
	u, err := url.Parse(rawURL)
	if err != nil || !slices.Contains(p.urls, rawURL) {
		return unknown(redact.F("%s was not asked: it is no health URL of the catalogue", rawURL), redact.Const("Add it under the service's health in svcdown.yaml."))
	}
	shown := redact.F("%s", u.Host+u.EscapedPath())
	ctx, cancel := context.WithTimeout(caller, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, rawURL, nil)
	if err != nil {
		return unknown(redact.F("%s was not asked: %v", shown, err), redact.Const("Correct the address in svcdown.yaml."))
	}
	req.Header.Set("User-Agent", "svcdown-probe")
	start := time.Now()
	resp, err := p.client.Do(req)
	took := time.Since(start).Round(time.Millisecond)
	if err != nil {
		return p.unanswered(caller, shown, err, took)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return p.unanswered(caller, shown, fmt.Errorf("the answer broke off: %w", err), time.Since(start).Round(time.Millisecond))
	}
	return p.answered(shown, resp, body, took)
}

func (p *Prober) answered(shown redact.Text, resp *http.Response, body []byte, took time.Duration) finding.Finding {
	line := redact.F("%s answers %d in %s", shown, resp.StatusCode, took)
	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		f := failing(shown, line, redact.F("status %d", resp.StatusCode))
		if text := redact.Clean(string(body)); !text.Empty() {
			f.Evidence = []finding.Evidence{{Title: redact.Const("Answer"), Code: text.Short(1500)}}
		}
		return f
	}
	f := finding.Finding{Status: finding.OK, Line: line}
	if took > slow {
		f.Status = finding.Warn
		f.Line = redact.F("%s, slower than %s", f.Line, slow)
	}
	if resp.TLS != nil && len(resp.TLS.PeerCertificates) > 0 {
		end := resp.TLS.PeerCertificates[0].NotAfter
		left := end.Sub(p.now())
		f.Line = redact.F("%s, certificate until %s (%d days)", f.Line, end.UTC().Format("2006-01-02"), int(left.Hours()/24))
		if left < expiresSoon {
			f.Status = finding.Warn
			f.Fix = redact.Const("Renew the certificate.")
		}
	}
	return f
}

func (p *Prober) unanswered(caller context.Context, shown redact.Text, err error, took time.Duration) finding.Finding {
	var refused *refusedError
	var expired x509.CertificateInvalidError
	var host x509.HostnameError
	var authority x509.UnknownAuthorityError
	var dns *net.DNSError
	var record tls.RecordHeaderError
	switch {
	case caller.Err() != nil:
		return unknown(redact.F("%s: the probe was stopped after %s", shown, took), redact.Const("Ask again."))
	case errors.As(err, &refused):
		return unknown(redact.F("%s was not asked: %s", shown, refused.what), redact.F("%s", refused.fix))
	case errors.As(err, &expired) && expired.Reason == x509.Expired:
		return failing(shown, redact.F("%s: the certificate is only valid from %s to %s", shown, expired.Cert.NotBefore.UTC().Format("2006-01-02"), expired.Cert.NotAfter.UTC().Format("2006-01-02")), redact.Const("certificate expired"))
	case errors.As(err, &host):
		return failing(shown, redact.F("%s: the certificate is for another name (%s)", shown, fmt.Sprint(host.Certificate.DNSNames)), redact.Const("certificate for another name"))
	case errors.As(err, &authority):
		return failing(shown, redact.F("%s: the certificate is from an unknown authority", shown), redact.Const("unknown certificate authority"))
	case errors.As(err, &record):
		return failing(shown, redact.F("%s: no TLS is spoken there", shown), redact.Const("no TLS"))
	case errors.As(err, &dns):
		return failing(shown, redact.F("%s: the name %s does not resolve", shown, dns.Name), redact.Const("name does not resolve"))
	case errors.Is(err, context.DeadlineExceeded):
		return failing(shown, redact.F("%s: no answer within %s", shown, timeout), redact.Const("timeout"))
	}
	var of *url.Error // names the URL once more
	if errors.As(err, &of) {
		err = of.Err
	}
	return failing(shown, redact.F("%s is unreachable: %v", shown, err), redact.F("%v", err))
}

func failing(shown, line, detail redact.Text) finding.Finding {
	return finding.Finding{Status: finding.Fail, Line: line, Signals: []finding.Signal{{Kind: finding.HealthFailing, Object: "URL/" + shown.String(), Detail: detail}}}
}

func unknown(line, fix redact.Text) finding.Finding {
	return finding.Finding{Status: finding.Unknown, Line: line, Fix: fix}
}

// follow is asked before each redirect.
func (p *Prober) follow(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("more than %d redirects", maxRedirects)
	}
	if !slices.Contains(p.places, place(req.URL)) && !p.probes.Allows(req.URL) {
		return &refusedError{"it redirects to " + place(req.URL) + ", which is in no health URL of the catalogue", "Give the final address as the health URL in svcdown.yaml."}
	}
	return nil
}

func place(u *url.URL) string { return u.Scheme + "://" + u.Host }
