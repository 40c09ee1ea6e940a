package probe_test

import (
	"context"
	"crypto/x509"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/integrations/probe"
)

func prober(roots *x509.CertPool, now func() time.Time, urls ...string) *probe.Prober {
	return probe.New(&catalog.Catalog{
		Services: []catalog.Service{{Name: "backend", Health: urls}},
		Probes:   catalog.Probes{AllowLoopback: true},
	}, roots, now)
}

func expect(t *testing.T, f finding.Finding, status finding.Status, parts ...string) {
	t.Helper()
	if f.Check != "health" || f.Status != status {
		t.Errorf("check %q is %s (%s), want health %s", f.Check, f.Status, f.Line, status)
	}
	for _, p := range parts {
		if !strings.Contains(f.Line.String(), p) {
			t.Errorf("line %q does not say %q", f.Line, p)
		}
	}
	if f.Status == finding.Unknown && f.Fix.Empty() {
		t.Errorf("unknown without a fix: %s", f.Line)
	}
	if f.Status == finding.Fail && (len(f.Signals) != 1 || f.Signals[0].Kind != finding.HealthFailing) {
		t.Errorf("a failure without its signal: %+v", f.Signals)
	}
}

func serve(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		answer http.HandlerFunc
		status finding.Status
		says   string
	}{
		"200 is well":          {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }, finding.OK, "answers 200 in "},
		"204 is well":          {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) }, finding.OK, "answers 204"},
		"503 is a failure":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) }, finding.Fail, "answers 503"},
		"404 is a failure":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(404) }, finding.Fail, "answers 404"},
		"a hang-up":            {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, finding.Fail, "unreachable"},
		"an endless answer":    {func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, strings.Repeat("x", 1<<20)) }, finding.OK, "answers 200"},
		"a redirect in circle": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, finding.Fail, "more than 3 redirects"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, tc.answer)
			expect(t, prober(nil, time.Now, s.URL+"/health").Probe(t.Context(), s.URL+"/health"), tc.status, tc.says)
		})
	}
}

func TestAFailingAnswerIsShownWithoutItsSecrets(t *testing.T) {
	t.Parallel()
	s := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(500)
		fmt.Fprint(w, `{"db":"postgres://app:hunter2@db/x refused"}`)
	})
	f := prober(nil, time.Now, s.URL).Probe(t.Context(), s.URL)
	expect(t, f, finding.Fail, "500")
	if len(f.Evidence) != 1 || !strings.Contains(f.Evidence[0].Code.String(), "@db/x refused") || strings.Contains(f.Evidence[0].Code.String(), "hunter2") {
		t.Errorf("evidence: %+v", f.Evidence)
	}
}

func TestNothingListensAndNoSuchName(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := "http://" + l.Addr().String() + "/health"
	l.Close()
	expect(t, prober(nil, time.Now, closed).Probe(t.Context(), closed), finding.Fail, "unreachable", "refused")
	nameless := "http://nowhere.invalid/health"
	expect(t, prober(nil, time.Now, nameless).Probe(t.Context(), nameless), finding.Fail, "nowhere.invalid")
}

func TestOnlyURLsOfTheCatalogueAreAsked(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	s := serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	p := prober(nil, time.Now, s.URL+"/health")
	for _, u := range []string{s.URL + "/other", s.URL + "/health?x=1", s.URL, "", "::", "file:///etc/passwd"} {
		expect(t, p.Probe(t.Context(), u), finding.Unknown, "no health URL of the catalogue")
	}
	if asked.Load() != 0 {
		t.Errorf("%d requests went out", asked.Load())
	}
}

func TestRedirectsStayInTheCatalogue(t *testing.T) {
	t.Parallel()
	var asked atomic.Int32
	other := serve(t, func(http.ResponseWriter, *http.Request) { asked.Add(1) })
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL+"/x", http.StatusFound)
		case "/metadata":
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		case "/here":
			http.Redirect(w, r, "/final", http.StatusFound)
		}
	})
	p := prober(nil, time.Now, s.URL+"/away", s.URL+"/here", s.URL+"/metadata")
	expect(t, p.Probe(t.Context(), s.URL+"/away"), finding.Unknown, "it redirects to "+other.URL)
	expect(t, p.Probe(t.Context(), s.URL+"/metadata"), finding.Unknown, "169.254.169.254")
	expect(t, p.Probe(t.Context(), s.URL+"/here"), finding.OK, "200")
	if asked.Load() != 0 {
		t.Errorf("%d requests left the catalogue", asked.Load())
	}
	both := prober(nil, time.Now, s.URL+"/away", other.URL+"/health")
	expect(t, both.Probe(t.Context(), s.URL+"/away"), finding.OK, "200")
}

func TestAddressesAreCheckedWhereTheConnectionIsMade(t *testing.T) {
	t.Parallel()
	s := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a loopback server was asked without leave") })
	byName := strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	cases := map[string]struct {
		url   string
		allow catalog.Probes
		says  string
	}{
		"loopback":                              {s.URL, catalog.Probes{AllowPrivate: true}, "loopback"},
		"loopback behind a name":                {byName, catalog.Probes{AllowPrivate: true}, "loopback"},
		"loopback as IPv4 in IPv6":              {"http://[::ffff:127.0.0.1]:9/", catalog.Probes{}, "loopback"},
		"private":                               {"http://10.1.2.3:9/", catalog.Probes{AllowLoopback: true}, "private"},
		"shared":                                {"http://100.64.1.1:9/", catalog.Probes{AllowLoopback: true}, "private"},
		"unique local":                          {"http://[fd12::1]:9/", catalog.Probes{}, "private"},
		"metadata, all allowed":                 {"http://169.254.169.254/", catalog.Probes{AllowLoopback: true, AllowPrivate: true}, "link-local"},
		"metadata of AWS over IPv6":             {"http://[fd00:ec2::254]/", catalog.Probes{AllowLoopback: true, AllowPrivate: true}, "metadata"},
		"metadata of Alibaba":                   {"http://100.100.100.200/", catalog.Probes{AllowLoopback: true, AllowPrivate: true}, "metadata"},
		"the host of Azure's machines":          {"http://168.63.129.16/", catalog.Probes{AllowLoopback: true, AllowPrivate: true}, "metadata"},
		"metadata of Google over IPv6":          {"http://[fd20:ce::254]/", catalog.Probes{AllowLoopback: true, AllowPrivate: true}, "metadata"},
		"credentials of pods on AWS":            {"http://[fd00:ec2::23]/", catalog.Probes{AllowLoopback: true, AllowPrivate: true}, "metadata"},
		"metadata of Scaleway over IPv6":        {"http://[fd00:42::42]/", catalog.Probes{AllowLoopback: true, AllowPrivate: true}, "metadata"},
		"metadata as IPv4 at the end":           {"http://[::169.254.169.254]/", catalog.Probes{AllowLoopback: true, AllowPrivate: true}, "link-local"},
		"metadata through a NAT64 of one's own": {"http://[64:ff9b:1::a9fe:a9fe]/", catalog.Probes{AllowLoopback: true, AllowPrivate: true}, "translated"},
		"metadata through NAT64":                {"http://[64:ff9b::a9fe:a9fe]/", catalog.Probes{AllowLoopback: true, AllowPrivate: true}, "link-local"},
		"metadata through 6to4":                 {"http://[2002:a9fe:a9fe::1]/", catalog.Probes{AllowLoopback: true, AllowPrivate: true}, "link-local"},
		"link-local over IPv6":                  {"http://[fe80::1]:9/", catalog.Probes{AllowLoopback: true, AllowPrivate: true}, "link-local"},
		"unspecified, which means loopback":     {"http://0.0.0.0:9/", catalog.Probes{AllowLoopback: true, AllowPrivate: true}, "unspecified"},
		"unspecified over IPv6":                 {"http://[::]:9/", catalog.Probes{AllowLoopback: true, AllowPrivate: true}, "unspecified"},
		"IPv4 written as one decimal number":    {"http://2130706433:9/", catalog.Probes{}, ""},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := probe.New(&catalog.Catalog{Services: []catalog.Service{{Health: []string{tc.url}}}, Probes: tc.allow}, nil, time.Now)
			f := p.Probe(t.Context(), tc.url)
			if tc.says == "" { // whether the system resolves it or not, it must not be ok
				if f.Status == finding.OK {
					t.Errorf("it was asked: %s", f.Line)
				}
				return
			}
			expect(t, f, finding.Unknown, "was not asked", tc.says)
		})
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") }))
	t.Cleanup(s.Close)
	trusted := x509.NewCertPool()
	trusted.AddCert(s.Certificate())
	end := s.Certificate().NotAfter
	byName := strings.Replace(s.URL, "127.0.0.1", "localhost", 1)
	plain := serve(t, func(http.ResponseWriter, *http.Request) {})
	at := func(when time.Time) func() time.Time { return func() time.Time { return when } }

	cases := map[string]struct {
		url    string
		roots  *x509.CertPool
		now    time.Time
		status finding.Status
		says   string
	}{
		"a good certificate says its end":    {s.URL, trusted, end.Add(-100 * 24 * time.Hour), finding.OK, "certificate until " + end.UTC().Format("2006-01-02") + " (100 days)"},
		"one that ends soon is a warning":    {s.URL, trusted, end.Add(-3 * 24 * time.Hour), finding.Warn, "(3 days)"},
		"one that ended is a failure":        {s.URL, trusted, end.Add(time.Hour), finding.Fail, "only valid from"},
		"an authority that nobody knows":     {s.URL, x509.NewCertPool(), end.Add(-100 * 24 * time.Hour), finding.Fail, "unknown authority"},
		"a certificate of somebody else":     {byName, trusted, end.Add(-100 * 24 * time.Hour), finding.Fail, "another name"},
		"plain HTTP where TLS was expected":  {strings.Replace(plain.URL, "http:", "https:", 1), trusted, end, finding.Fail, ""},
		"TLS where plain HTTP was expected.": {strings.Replace(s.URL, "https:", "http:", 1), trusted, end, finding.Fail, "400"},
	}
	for name, tc := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			expect(t, prober(tc.roots, at(tc.now), tc.url).Probe(t.Context(), tc.url), tc.status, tc.says)
		})
	}
}

func TestAServerThatNeverAnswersEndsInTime(t *testing.T) {
	t.Parallel()
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	start := time.Now()
	expect(t, prober(nil, time.Now, s.URL).Probe(t.Context(), s.URL), finding.Fail, "no answer within 5s")
	if took := time.Since(start); took > 8*time.Second {
		t.Errorf("took %s", took)
	}
}

func TestACallerThatLeavesGetsUnknown(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := serve(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	expect(t, prober(nil, time.Now, s.URL).Probe(ctx, s.URL), finding.Unknown, "stopped")
}

func TestARunbookAsksAllowedHostsOnly(t *testing.T) {
	t.Parallel()
	var seen atomic.Value
	other := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("a host that is not allowed was asked") })
	s := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.Method + " " + r.URL.String())
		switch r.URL.Path {
		case "/away":
			http.Redirect(w, r, other.URL+"/x", http.StatusFound)
		case "/here":
			http.Redirect(w, r, "/final", http.StatusFound)
		case "/login":
			w.WriteHeader(401)
		case "/broken":
			w.WriteHeader(502)
		default:
			w.Header().Set("Set-Cookie", "session=Zm9vYmFyYmF6cXV4")
			fmt.Fprint(w, "postgres://app:hunter2@db/x is fine")
		}
	})
	host := strings.TrimPrefix(s.URL, "http://")
	p := probe.New(&catalog.Catalog{Probes: catalog.Probes{AllowLoopback: true, AllowedHosts: []string{host}}}, nil, time.Now)
	tests := []struct {
		name, url    string
		head, follow bool
		status       finding.Status
		line, raw    string
		asked        string
	}{
		{"a GET shows the body without its secrets", s.URL + "/a?b=c", false, false, finding.OK, "answers 200", "is fine", "GET /a?b=c"},
		{"a HEAD shows the headers", s.URL + "/h", true, false, finding.OK, "answers 200", "HTTP/1.1 200 OK", "HEAD /h"},
		{"a redirect is told and not followed", s.URL + "/away", false, false, finding.Warn, "a redirect to " + other.URL, "", "GET /away"},
		{"a redirect is followed to allowed hosts", s.URL + "/here", false, true, finding.OK, "answers 200", "is fine", "GET /final"},
		{"a redirect elsewhere is not followed though asked to", s.URL + "/away", false, true, finding.Unknown, "redirects to", "", "GET /away"},
		{"a login is no outage", s.URL + "/login", false, false, finding.Warn, "asks who we are", "", "GET /login"},
		{"a 502 is one", s.URL + "/broken", true, false, finding.Fail, "answers 502", "502", "HEAD /broken"},
		{"a host that nobody allowed", other.URL, false, false, finding.Unknown, "was not asked", "", ""},
		{"the metadata service", "http://169.254.169.254/", false, false, finding.Unknown, "was not asked", "", ""},
		{"another scheme", "file:///etc/passwd", false, false, finding.Unknown, "was not asked", "", ""},
	}
	for _, tt := range tests {
		seen.Store("")
		got := p.Ask(t.Context(), tt.url, tt.head, tt.follow)
		f := got.Finding
		if f.Check != "http" || f.Status != tt.status || !strings.Contains(f.Line.String(), tt.line) || !strings.Contains(got.Raw.String(), tt.raw) || seen.Load() != tt.asked {
			t.Errorf("%s: %s: %s, raw %q, asked %q", tt.name, f.Status, f.Line, got.Raw, seen.Load())
		}
		if f.Status == finding.Unknown && f.Fix.Empty() {
			t.Errorf("%s: no fix", tt.name)
		}
		for _, secret := range []string{"hunter2", "Zm9vYmFyYmF6cXV4"} {
			if strings.Contains(got.Raw.String(), secret) {
				t.Errorf("%s: a secret is in %q", tt.name, got.Raw)
			}
		}
	}
	ok := p.Ask(t.Context(), s.URL+"/t", false, false).Finding
	if len(ok.Evidence) != 1 || ok.Evidence[0].Table == nil || len(ok.Evidence[0].Table.Rows) != 3 { // connect, first byte, total: no DNS, no TLS
		t.Errorf("timing: %+v", ok.Evidence)
	}
	// An allowed host does not make its address allowed.
	strict := probe.New(&catalog.Catalog{Probes: catalog.Probes{AllowedHosts: []string{host, "169.254.169.254"}}}, nil, time.Now)
	for _, u := range []string{s.URL + "/loopback", "http://169.254.169.254/latest/meta-data/"} {
		seen.Store("")
		if f := strict.Ask(t.Context(), u, false, true).Finding; f.Status != finding.Unknown || seen.Load() != "" {
			t.Errorf("%s: %s: %s", u, f.Status, f.Line)
		}
	}
}
