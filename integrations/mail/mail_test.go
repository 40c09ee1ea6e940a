package mail_test

import (
	"bufio"
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"math/big"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/integrations/mail"
	"github.com/svcdown/svcdown/redact"
)

const password = "p4ssw0rd-canary"

// server is a small mail server on loopback that speaks STARTTLS and asks for a password.
type server struct {
	listener net.Listener
	tls      *tls.Config
	roots    *x509.CertPool
	noTLS    bool
	locked   bool   // no password is right
	refuse   string // a recipient it does not take
	answer   string // why not
	last     string // what it says of a whole letter

	mu       sync.Mutex
	messages []string
	wrong    []string
}

func newServer(t *testing.T) *server {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	s := &server{roots: x509.NewCertPool(), tls: &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}}
	s.roots.AddCert(cert)
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.listener.Close() })
	go func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			go s.talk(conn)
		}
	}()
	return s
}

func (s *server) url() string { return "smtp://bot:" + password + "@" + s.listener.Addr().String() }

func (s *server) talk(conn net.Conn) {
	defer conn.Close()
	secure, known := false, false
	r := bufio.NewReader(conn)
	say := func(format string, args ...any) { fmt.Fprintf(conn, format+"\r\n", args...) }
	bad := func(what string) { s.mu.Lock(); s.wrong = append(s.wrong, what); s.mu.Unlock() }
	say("220 here")
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		switch word, rest, _ := strings.Cut(line, " "); strings.ToUpper(word) {
		case "EHLO":
			say("250-here")
			if !secure && !s.noTLS {
				say("250-STARTTLS")
			}
			say("250 AUTH PLAIN")
		case "STARTTLS":
			say("220 go on")
			upgraded := tls.Server(conn, s.tls)
			conn, r, secure = upgraded, bufio.NewReader(upgraded), true
		case "AUTH":
			_, given, _ := strings.Cut(rest, " ")
			raw, _ := base64.StdEncoding.DecodeString(given)
			if known = string(raw) == "\x00bot\x00"+password && !s.locked; !known {
				say("535 you sent %s", raw)
				continue
			}
			say("235 welcome")
		case "MAIL":
			if !known {
				bad("mail without a password")
			}
			say("250 ok")
		case "RCPT":
			if s.refuse != "" && strings.Contains(rest, s.refuse) {
				say("%s", cmp.Or(s.answer, "550 no such person, but I know "+password))
				continue
			}
			say("250 ok")
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for {
				line, err := r.ReadString('\n')
				if err != nil {
					return
				}
				if line == ".\r\n" {
					break
				}
				if !strings.HasSuffix(line, "\r\n") || len(line) > 1000 {
					bad(fmt.Sprintf("a line of %d bytes or without CRLF", len(line)))
				}
				text.WriteString(strings.TrimPrefix(line, ".")) // RFC 5321, 4.5.2
			}
			if s.last != "" {
				say("%s", s.last)
				continue
			}
			s.mu.Lock()
			s.messages = append(s.messages, text.String())
			s.mu.Unlock()
			say("250 taken")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

func (s *server) got() (messages, wrong []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages), slices.Clone(s.wrong)
}

func mailer(t *testing.T, s *server, url string) *mail.Mailer {
	t.Helper()
	m, err := mail.New(url, "svcdown <bot@example.org>", s.roots, func() time.Time { return time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC) })
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestAMessageArrivesWhole(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	err := mailer(t, s, s.url()).Send(t.Context(), mail.Message{Key: "k", To: "alice@example.org",
		Subject: redact.Const("Backend ist down: ä\r\nBcc: everybody@example.org\r\n\r\nevil"), Body: redact.Const("0 of 3 pods\n.\n.dotted\nlänger")})
	if err != nil {
		t.Fatal(err)
	}
	got, wrong := s.got()
	if len(got) != 1 || len(wrong) > 0 {
		t.Fatalf("got %d messages, %v", len(got), wrong)
	}
	msg, err := netmail.ReadMessage(strings.NewReader(got[0]))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(msg.Header.Get("Subject"))
	if err != nil || subject != "Backend ist down: ä Bcc: everybody@example.org evil" {
		t.Errorf("got subject %q, %v", subject, err)
	}
	if msg.Header.Get("Bcc") != "" || len(msg.Header) != 9 {
		t.Errorf("got the headers %v, want ours and nothing that a text put there", msg.Header)
	}
	body, err := io.ReadAll(quotedprintable.NewReader(msg.Body))
	if want := "0 of 3 pods\r\n.\r\n.dotted\r\nlänger\r\n"; err != nil || string(body) != want {
		t.Errorf("got body %q, %v", body, err)
	}
}

func TestNothingIsSentInTheClear(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	distrustful, err := mail.New(s.url(), "bot@example.org", x509.NewCertPool(), time.Now)
	if err != nil {
		t.Fatal(err)
	}
	if err := distrustful.Send(t.Context(), mail.Message{To: "alice@example.org"}); err == nil || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v, want a certificate of nobody's refused", err)
	}
	s.noTLS = true
	afar := mail.Afar(mailer(t, s, s.url()))
	if err := afar.Send(t.Context(), mail.Message{To: "alice@example.org"}); err == nil || !strings.Contains(err.Error(), "STARTTLS") {
		t.Errorf("got %v, want no mail without TLS", err)
	}
	if err := mailer(t, s, s.url()).Send(t.Context(), mail.Message{To: "alice@example.org"}); err != nil {
		t.Errorf("got %v, want plain speech within one computer", err)
	}
	if got, _ := s.got(); len(got) != 1 {
		t.Errorf("got %d messages", len(got))
	}
}

func TestErrorsHoldNoPassword(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.refuse = "nobody@"
	wrong := mailer(t, s, strings.Replace(s.url(), password, "other-"+password, 1))
	for name, err := range map[string]error{
		"the wrong password":    wrong.Send(t.Context(), mail.Message{To: "alice@example.org"}),
		"an unknown recipient":  mailer(t, s, s.url()).Send(t.Context(), mail.Message{To: "nobody@example.org"}),
		"a recipient with tail": mailer(t, s, s.url()).Send(t.Context(), mail.Message{To: "a@example.org\r\nRCPT TO:<b@example.org>"}),
	} {
		if err == nil || strings.Contains(err.Error(), password) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for _, url := range []string{"smtp://bot:" + password + "@", "http://bot:" + password + "@host", "smtp://bot:" + password + "@host:99999999/x", "::" + password} {
		if _, err := mail.New(url, "bot@example.org", nil, time.Now); err == nil || strings.Contains(err.Error(), password) {
			t.Errorf("got %v", err)
		}
	}
	if _, err := mail.New(s.url(), "nobody", nil, time.Now); err == nil {
		t.Error("got a sender without an address taken")
	}
}

// lasts reports whether an error says that trying again cures nothing.
func lasts(err error) bool {
	var l interface{ Lasting() bool }
	return errors.As(err, &l) && l.Lasting()
}

func TestOnlyTheServersLastWordOfAnAddressIsLasting(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		server func(*server)
		want   bool
	}{
		"no such person":                 {func(s *server) { s.refuse = "bob@" }, true},
		"come again":                     {func(s *server) { s.refuse, s.answer = "bob@", "450 greylisted" }, false},
		"a letter that it does not want": {func(s *server) { s.last = "554 no" }, true},
		"a letter for later":             {func(s *server) { s.last = "452 full" }, false},
		"it lets us not in":              {func(s *server) { s.locked = true }, false},
		"it is away":                     {func(s *server) { s.listener.Close() }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			tc.server(s)
			if err := mailer(t, s, s.url()).Send(t.Context(), mail.Message{To: "bob@example.org"}); err == nil || lasts(err) != tc.want {
				t.Errorf("got %v, lasting %v", err, lasts(err))
			}
		})
	}
}

// ledger keeps what the store would.
type ledger struct{ keys []string }

func (l *ledger) Remember(_ context.Context, id, way, key string) error {
	l.keys = append(l.keys, key)
	return nil
}
func (l *ledger) Remembered(context.Context, string, string) ([]string, error) { return l.keys, nil }

func TestAPageReachesEverybodyOnce(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.refuse = "bob@"
	l := &ledger{}
	p := mail.NewPager(mailer(t, s, s.url()), l, false)
	page := incident.Page{Key: "I-7K3MQX/1/1", Incident: "I-7K3MQX", Service: "backend", Severity: 1, Level: 1,
		Title: redact.Const("backend is down"), What: redact.Const("0 of 3 pods are ready: OOMKilled"), Link: "https://slack.example/C1",
		People: []catalog.Person{{Name: "alice", Email: "alice@example.org"}, {Name: "bob", Email: "bob@example.org"}, {Name: "carol"}, {Name: "dora", Email: "dora@example.org"}}}
	if err := p.Page(t.Context(), page); !lasts(err) || !strings.Contains(err.Error(), "bob@") {
		t.Errorf("got %v, want to hear of the one who will never be reached", err)
	}
	s.answer = "450 greylisted"
	if err := p.Page(t.Context(), page); err == nil || lasts(err) {
		t.Errorf("got %v, want it tried again for the one who may be reached", err)
	}
	if err := mail.NewPager(mailer(t, s, s.url()), l, true).Page(t.Context(), incident.Page{Key: "k", People: []catalog.Person{{Name: "carol"}}}); !lasts(err) || !strings.Contains(err.Error(), "carol") {
		t.Errorf("got %v, want to hear of the one without an address where nothing else wakes them", err)
	}
	s.refuse = ""
	for range 2 {
		if err := p.Page(t.Context(), page); err != nil {
			t.Error(err)
		}
	}
	got, wrong := s.got()
	if len(got) != 3 || len(wrong) > 0 {
		t.Fatalf("got %d messages, want one for each who has an address; %v", len(got), wrong)
	}
	if !strings.Contains(got[0], "OOMKilled") || !strings.Contains(got[0], "svcdown ack I-7K3MQX") {
		t.Errorf("got %q, want the verdict and what to do", got[0])
	}
}
