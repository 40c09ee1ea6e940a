package probe

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"slices"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// Certificate makes a TLS handshake with the host of a health URL of the catalogue, for at most 5 s, and tells the certificate that it shows,
// also when it is not accepted. Nothing is sent after the handshake. ok is false when rawURL speaks no TLS.
func (p *Prober) Certificate(ctx context.Context, rawURL string) (c finding.Certificate, ok bool) {
	u, err := url.Parse(rawURL)
	if err != nil || u.Scheme != "https" {
		return finding.Certificate{}, false
	}
	c.Host = u.Hostname()
	if !slices.Contains(p.urls, rawURL) {
		c.Unread, c.Fix = redact.Const("it was not asked: it is no health URL of the catalogue"), redact.Const("Add it under the service's health in svcdown.yaml.")
		return c, true
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	conn, err := (&tls.Dialer{
		NetDialer: &net.Dialer{Timeout: timeout, Control: guardAddress(p.probes)},
		Config:    &tls.Config{RootCAs: p.roots, Time: p.now, MinVersion: tls.VersionTLS12, ServerName: c.Host},
	}).DialContext(ctx, "tcp", net.JoinHostPort(c.Host, port))
	if err != nil {
		return p.unaccepted(c, err), true
	}
	defer conn.Close()
	if t, yes := conn.(*tls.Conn); yes {
		if shown := t.ConnectionState().PeerCertificates; len(shown) > 0 {
			c.Until = shown[0].NotAfter
		}
	}
	return c, true
}

// unaccepted tells a certificate that was shown and refused from none at all.
func (p *Prober) unaccepted(c finding.Certificate, err error) finding.Certificate {
	var bad *tls.CertificateVerificationError
	if errors.As(err, &bad) && len(bad.UnverifiedCertificates) > 0 {
		c.Until = bad.UnverifiedCertificates[0].NotAfter
		c.Problem = redact.F("%v", bad.Err)
		return c
	}
	var refused *refusedError
	if errors.As(err, &refused) {
		c.Unread, c.Fix = redact.F("it was not asked: %s", refused.what), redact.F("%s", refused.fix)
		return c
	}
	c.Unread, c.Fix = redact.F("no handshake: %v", err), redact.Const("Look at whether the address answers; `status` tells more.")
	return c
}
