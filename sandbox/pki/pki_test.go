package pki_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/svcdown/svcdown/sandbox/pki"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	now := time.Now()
	files, err := pki.Write(dir, now)
	if err != nil {
		t.Fatal(err)
	}
	cluster, proxy := pool(t, files.CA), pool(t, files.FrontProxyCA)
	cases := []struct {
		name  string
		cert  string
		opts  x509.VerifyOptions
		valid bool
	}{
		{"the serving certificate is good for the loopback address", files.ServingCert,
			x509.VerifyOptions{Roots: cluster, DNSName: "127.0.0.1"}, true},
		{"the serving certificate is good for metrics-server's Service", files.ServingCert,
			x509.VerifyOptions{Roots: cluster, DNSName: "metrics-server.kube-system.svc"}, true},
		{"the serving certificate is not good for another host", files.ServingCert,
			x509.VerifyOptions{Roots: cluster, DNSName: "example.com"}, false},
		{"the serving certificate has expired after two years", files.ServingCert,
			x509.VerifyOptions{Roots: cluster, CurrentTime: now.AddDate(2, 0, 0)}, false},
		{"the front proxy may be a client", files.FrontProxyCert,
			x509.VerifyOptions{Roots: proxy, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, true},
		{"the front proxy may not serve", files.FrontProxyCert,
			x509.VerifyOptions{Roots: proxy}, false},
		{"the cluster's authority does not vouch for the front proxy", files.FrontProxyCert,
			x509.VerifyOptions{Roots: cluster, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := parse(t, c.cert).Verify(c.opts)
			if got := err == nil; got != c.valid {
				t.Errorf("valid: got %v (%v), want %v", got, err, c.valid)
			}
		})
	}
}

func TestWriteKeepsKeysToTheOwner(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "pki")
	files, err := pki.Write(dir, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 8 {
		t.Errorf("got %d files, want 8: no authority's key may be among them", len(entries))
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		if got, want := info.Mode().Perm(), fs.FileMode(0o600); got != want {
			t.Errorf("%s: got mode %v, want %v", entry.Name(), got, want)
		}
	}
	for _, pair := range [][2]string{{files.ServingCert, files.ServingKey}, {files.FrontProxyCert, files.FrontProxyKey}} {
		if _, err := tls.LoadX509KeyPair(pair[0], pair[1]); err != nil {
			t.Errorf("%s: %v", pair[0], err)
		}
	}
}

func parse(t *testing.T, path string) *x509.Certificate {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	block, _ := pem.Decode(content)
	if block == nil {
		t.Fatalf("%s holds no PEM block", path)
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func pool(t *testing.T, path string) *x509.CertPool {
	t.Helper()
	roots := x509.NewCertPool()
	roots.AddCert(parse(t, path))
	return roots
}
