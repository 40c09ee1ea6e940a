package mail

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"net/smtp"
	"net/textproto"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/svcdown/svcdown/redact"
)

// sendTime bounds one message, from the connection to the server's word that it has it.
const sendTime = 30 * time.Second

// Mailer sends through one server. It is safe for concurrent use; each message has a connection of its own.
type Mailer struct {
	host, port string
	implicit   bool // TLS from the first byte
	plain      bool // no TLS at all: only within one computer
	auth       smtp.Auth
	secret     string
	from       netmail.Address
	roots      *x509.CertPool
	now        func() time.Time
}

// New makes a Mailer for a server: smtp://USER:PASSWORD@HOST:587 speaks STARTTLS and refuses a server that does not, smtps://HOST:465 speaks
// TLS at once, and smtp to a loopback address may do without. roots are the authorities that TLS trusts, nil for the system's. The error never
// quotes the address.
func New(server, from string, roots *x509.CertPool, now func() time.Time) (*Mailer, error) {
	const want = "write smtp://USER:PASSWORD@HOST:587 or smtps://USER:PASSWORD@HOST:465"
	u, err := url.Parse(server)
	if err != nil || (u.Scheme != "smtp" && u.Scheme != "smtps") || u.Hostname() == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" {
		return nil, errors.New("SMTP_URL is no address of a mail server; " + want)
	}
	sender, err := netmail.ParseAddress(from)
	if err != nil || !oneLine(from) {
		return nil, fmt.Errorf("mail.from %q is no address; write svcdown <svcdown@example.org>", from)
	}
	m := &Mailer{host: u.Hostname(), port: u.Port(), implicit: u.Scheme == "smtps", from: *sender, roots: roots, now: now}
	if m.port == "" {
		m.port = map[bool]string{true: "465", false: "587"}[m.implicit]
	}
	ip := net.ParseIP(m.host)
	m.plain = !m.implicit && (m.host == "localhost" || ip != nil && ip.IsLoopback())
	if u.User != nil {
		m.secret, _ = u.User.Password()
		m.auth = smtp.PlainAuth("", u.User.Username(), m.secret, m.host)
	}
	return m, nil
}

// Message is one plain message to one person.
type Message struct {
	// Key makes the same message recognisable: it becomes the Message-ID, by which mail programs show a repetition once.
	Key     string
	To      string
	Subject redact.Text
	Body    redact.Text
}

// Send hands a message to the server. An error says that the server has not taken it, or that nobody can tell; one with Lasting() true, that it never
// will.
func (m *Mailer) Send(ctx context.Context, msg Message) error {
	to, err := netmail.ParseAddress(msg.To)
	if err != nil || !oneLine(msg.To) {
		return fmt.Errorf("send mail: %q is no address", msg.To)
	}
	raw, err := m.compose(msg, *to)
	if err != nil {
		return fmt.Errorf("send mail to %s: %w", to.Address, err)
	}
	if err := m.deliver(ctx, to.Address, raw); err != nil {
		var answer *finalAnswer
		return &notTaken{to: to.Address, why: m.clean(err), lasting: errors.As(err, &answer) && answer.Code >= 500}
	}
	return nil
}

// notTaken says that the server has not taken a message, or that nobody can tell.
type notTaken struct {
	to      string
	why     redact.Text
	lasting bool
}

func (e *notTaken) Error() string { return fmt.Sprintf("send mail to %s: %s", e.to, e.why) }

// Lasting reports that the server refused this address, or this message to it, for good: trying again cures nothing.
func (e *notTaken) Lasting() bool { return e.lasting }

// finalAnswer is what the server said of this address, or of this message to it. 5xx is its last word, 4xx asks to come again
// (https://www.rfc-editor.org/rfc/rfc5321#section-4.2.1). What it says before that is of us, and for an operator to mend.
type finalAnswer textproto.Error

func (a *finalAnswer) Error() string { return (*textproto.Error)(a).Error() }

func final(err error) error {
	if answer, ok := errors.AsType[*textproto.Error](err); ok {
		return (*finalAnswer)(answer)
	}
	return err
}

func (m *Mailer) deliver(ctx context.Context, to string, raw []byte) error {
	ctx, cancel := context.WithTimeout(ctx, sendTime)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(m.host, m.port))
	if err != nil {
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Now()) }) // the protocol knows no context
	defer stop()
	settings := &tls.Config{ServerName: m.host, RootCAs: m.roots, MinVersion: tls.VersionTLS12}
	if m.implicit {
		conn = tls.Client(conn, settings)
	}
	c, err := smtp.NewClient(conn, m.host)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.Hello("svcdown"); err != nil {
		return err
	}
	if !m.implicit {
		switch offered, _ := c.Extension("STARTTLS"); {
		case offered:
			if err := c.StartTLS(settings); err != nil {
				return err
			}
		case !m.plain:
			return errors.New("the server offers no STARTTLS, and nothing is sent in the clear")
		}
	}
	if m.auth != nil {
		if err := c.Auth(m.auth); err != nil {
			return err
		}
	}
	if err := c.Mail(m.from.Address); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return final(err)
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	if _, err := w.Write(raw); err != nil {
		return err
	}
	if err := w.Close(); err != nil {
		return final(err)
	}
	_ = c.Quit() // the server has it
	return nil
}

// compose writes the message as RFC 5322 has it. Everything in the header is either ours or encoded, so that no text can begin a line there.
func (m *Mailer) compose(msg Message, to netmail.Address) ([]byte, error) {
	var b bytes.Buffer
	sum := sha256.Sum256([]byte(msg.Key + "\n" + to.Address))
	_, domain, _ := strings.Cut(m.from.Address, "@")
	for _, h := range [][2]string{
		{"From", m.from.String()},
		{"To", to.String()},
		{"Subject", mime.QEncoding.Encode("utf-8", flat(msg.Subject.Short(200)))},
		{"Date", m.now().Format(time.RFC1123Z)},
		{"Message-ID", "<" + hex.EncodeToString(sum[:16]) + "@" + domain + ">"},
		{"Auto-Submitted", "auto-generated"}, // RFC 3834: no out-of-office answer
		{"MIME-Version", "1.0"},
		{"Content-Type", "text/plain; charset=utf-8"},
		{"Content-Transfer-Encoding", "quoted-printable"},
	} {
		if strings.ContainsAny(h[1], "\r\n") && h[0] != "Subject" { // a long encoded subject is folded
			return nil, fmt.Errorf("the header %s would have two lines", h[0])
		}
		fmt.Fprintf(&b, "%s: %s\r\n", h[0], h[1])
	}
	b.WriteString("\r\n")
	q := quotedprintable.NewWriter(&b)
	if _, err := q.Write([]byte(strings.ReplaceAll(msg.Body.String(), "\n", "\r\n"))); err != nil {
		return nil, err
	}
	if err := q.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// flat makes one line of text of others.
func flat(t redact.Text) string {
	return strings.Join(strings.FieldsFunc(t.String(), func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
}

func oneLine(s string) bool { return !strings.ContainsFunc(s, unicode.IsControl) }

// clean words what went wrong; servers quote what they were sent.
func (m *Mailer) clean(err error) redact.Text {
	text := err.Error()
	if m.secret != "" {
		text = strings.ReplaceAll(text, m.secret, redact.Mark)
	}
	return redact.F("%s", text)
}
