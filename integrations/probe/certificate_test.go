package probe_test

import (
	"crypto/x509"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/integrations/probe"
)

func TestTheCertificateIsReadAtTheHandshakeAndNothingIsSent(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	s.Config.ErrorLog = nil
	s.StartTLS()
	t.Cleanup(s.Close)
	trusted := x509.NewCertPool()
	trusted.AddCert(s.Certificate())
	end := s.Certificate().NotAfter
	for name, c := range map[string]struct {
		roots   *x509.CertPool
		now     time.Time
		problem string // a part of it, "" for none
	}{
		"accepted":          {trusted, time.Now(), ""},
		"of nobody we know": {x509.NewCertPool(), time.Now(), "unknown authority"},
		"over":              {trusted, end.Add(time.Hour), "expired"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, ok := prober(c.roots, func() time.Time { return c.now }, s.URL).Certificate(t.Context(), s.URL)
			if !ok || got.Host != "127.0.0.1" || !got.Until.Equal(end) || !got.Unread.Empty() {
				t.Errorf("%+v, want the end %s", got, end)
			}
			if (c.problem == "") != got.Problem.Empty() || !strings.Contains(got.Problem.String(), c.problem) {
				t.Errorf("problem %q, want %q", got.Problem, c.problem)
			}
		})
	}
	t.Cleanup(func() {
		if asked.Load() != 0 {
			t.Errorf("%d requests were sent", asked.Load())
		}
	})
}

func TestWhoseCertificateIsNotAskedFor(t *testing.T) {
	t.Parallel()
	if _, ok := prober(nil, time.Now, "http://127.0.0.1/health").Certificate(t.Context(), "http://127.0.0.1/health"); ok {
		t.Error("http has a certificate")
	}
	if got, ok := prober(nil, time.Now, "https://127.0.0.1/health").Certificate(t.Context(), "https://127.0.0.1/other"); !ok || !strings.Contains(got.Unread.String(), "no health URL of the catalogue") {
		t.Errorf("another address: %+v", got)
	}
	const metadata = "https://169.254.169.254/health"
	if got, ok := prober(nil, time.Now, metadata).Certificate(t.Context(), metadata); !ok || !strings.Contains(got.Unread.String(), "link-local") || got.Fix.Empty() {
		t.Errorf("a metadata address: %+v", got)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "https://" + l.Addr().String() + "/health"
	l.Close()
	if got, ok := probe.New(&catalog.Catalog{Services: []catalog.Service{{Health: []string{closed}}}, Probes: catalog.Probes{AllowLoopback: true}}, nil, time.Now).Certificate(t.Context(), closed); !ok || !strings.Contains(got.Unread.String(), "no handshake") || !got.Until.IsZero() {
		t.Errorf("nobody there: %+v", got)
	}
}
