package cluster

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
	"strings"
)

// probe asks health endpoints over loopback.
type probe struct{ client *http.Client }

func newProbe(ca []byte) (*probe, error) {
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		return nil, errors.New("the sandbox's own authority is no certificate")
	}
	return &probe{client: &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots},
		// A kept connection to a restarted component would fail once more.
		DisableKeepAlives: true,
	}}}, nil
}

func (p *probe) get(ctx context.Context, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		body, _ := io.ReadAll(io.LimitReader(resp.Body, 2000))
		return fmt.Errorf("%s answered %s: %s", url, resp.Status, strings.TrimSpace(string(body)))
	}
	return nil
}

// healthServed tells whether every health URL of a file can be connected to; what
// the URL answers is the world's business.
func healthServed(ctx context.Context, path string) error {
	urls, err := healthURLs(path)
	if err != nil {
		return err
	}
	for service, address := range urls {
		u, err := url.Parse(address)
		if err != nil {
			return fmt.Errorf("health URL of %s: %w", service, err)
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", u.Host)
		if err != nil {
			return fmt.Errorf("health URL of %s: %w", service, err)
		}
		conn.Close()
	}
	return nil
}
