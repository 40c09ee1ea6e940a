package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"
)

// FrontProxyName is the only client name that may hand on a user's identity to
// an aggregated API server.
const FrontProxyName = "front-proxy-client"

// Files are the paths of what Write wrote, PEM all.
type Files struct {
	CA, ServingCert, ServingKey                    string
	FrontProxyCA, FrontProxyCert, FrontProxyKey    string
	ServiceAccountPublicKey, ServiceAccountPrivate string
}

// Write makes two new certificate authorities, a serving certificate for the
// loopback names, a front-proxy client certificate and a service-account key
// pair, and stores them in dir, readable by the owner alone. The authorities'
// keys are never written: nothing can be signed afterwards.
func Write(dir string, now time.Time) (Files, error) {
	f := Files{
		CA:                      filepath.Join(dir, "ca.crt"),
		ServingCert:             filepath.Join(dir, "serving.crt"),
		ServingKey:              filepath.Join(dir, "serving.key"),
		FrontProxyCA:            filepath.Join(dir, "front-proxy-ca.crt"),
		FrontProxyCert:          filepath.Join(dir, "front-proxy.crt"),
		FrontProxyKey:           filepath.Join(dir, "front-proxy.key"),
		ServiceAccountPublicKey: filepath.Join(dir, "service-account.pub"),
		ServiceAccountPrivate:   filepath.Join(dir, "service-account.key"),
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Files{}, fmt.Errorf("make certificates: %w", err)
	}
	cluster, err := newAuthority("svcdown-sandbox", now)
	if err != nil {
		return Files{}, err
	}
	proxy, err := newAuthority("svcdown-sandbox-front-proxy", now)
	if err != nil {
		return Files{}, err
	}
	serving, servingKey, err := cluster.issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: "svcdown-sandbox-serving"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		DNSNames: []string{
			"localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
			"metrics-server.kube-system.svc",
		},
	})
	if err != nil {
		return Files{}, err
	}
	client, clientKey, err := proxy.issue(&x509.Certificate{
		Subject:     pkix.Name{CommonName: FrontProxyName},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	})
	if err != nil {
		return Files{}, err
	}
	account, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Files{}, fmt.Errorf("make the service-account key: %w", err)
	}
	accountKey, err := privatePEM(account)
	if err != nil {
		return Files{}, err
	}
	accountPublic, err := x509.MarshalPKIXPublicKey(&account.PublicKey)
	if err != nil {
		return Files{}, fmt.Errorf("make the service-account key: %w", err)
	}
	for path, content := range map[string][]byte{
		f.CA:                      certPEM(cluster.cert.Raw),
		f.ServingCert:             serving,
		f.ServingKey:              servingKey,
		f.FrontProxyCA:            certPEM(proxy.cert.Raw),
		f.FrontProxyCert:          client,
		f.FrontProxyKey:           clientKey,
		f.ServiceAccountPublicKey: pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: accountPublic}),
		f.ServiceAccountPrivate:   accountKey,
	} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			return Files{}, fmt.Errorf("make certificates: %w", err)
		}
	}
	return f, nil
}

// authority signs certificates; it lives in memory only.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(name string, now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make authority %s: %w", name, err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		Subject:      pkix.Name{CommonName: name},
		// An hour back, so that a clock set back a little does not reject it.
		NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		IsCA:     true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		return nil, fmt.Errorf("make authority %s: %w", name, err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("make authority %s: %w", name, err)
	}
	return &authority{cert: cert, key: key}, nil
}

// issue signs the template for a new key and returns certificate and key as PEM.
func (a *authority) issue(template *x509.Certificate) (cert, key []byte, err error) {
	name := template.Subject.CommonName
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, fmt.Errorf("issue %s: %w", name, err)
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return nil, nil, fmt.Errorf("issue %s: %w", name, err)
	}
	template.SerialNumber = serial
	template.NotBefore, template.NotAfter = a.cert.NotBefore, a.cert.NotAfter
	template.KeyUsage = x509.KeyUsageDigitalSignature
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &private.PublicKey, a.key)
	if err != nil {
		return nil, nil, fmt.Errorf("issue %s: %w", name, err)
	}
	key, err = privatePEM(private)
	if err != nil {
		return nil, nil, fmt.Errorf("issue %s: %w", name, err)
	}
	return certPEM(der), key, nil
}

func certPEM(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func privatePEM(key *ecdsa.PrivateKey) ([]byte, error) {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("encode key: %w", err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), nil
}
