package mail

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// way is this pager among others in the Ledger.
const way = "mail"

// Ledger remembers what was sent.
type Ledger interface {
	// Remember notes that the page with this key went out this way; once more changes nothing.
	Remember(ctx context.Context, incidentID, way, key string) error
	// Remembered lists the keys of an incident's pages that went out this way.
	Remembered(ctx context.Context, incidentID, way string) ([]string, error)
}

// Pager writes to the people whom a page calls, with the verdict in it: it is the way out when nothing else answers. It implements what
// handlers ask of a pager.
type Pager struct {
	mailer *Mailer
	ledger Ledger
	only   bool
}

// NewPager makes a Pager. only says that there is no other: whoever has no address cannot be reached then, and [Pager.Page] says so.
func NewPager(m *Mailer, l Ledger, only bool) *Pager { return &Pager{m, l, only} }

// Page writes to everybody of the page who has an address. Who was written to is remembered, so that a repetition writes to the others only; a
// bot that dies between the server's word and the note writes twice, under one Message-ID. An error with Lasting() true says that everybody was written
// to but those whom the server refuses for good, or
// who cannot be reached.
func (p *Pager) Page(ctx context.Context, page incident.Page) error {
	sent, err := p.ledger.Remembered(ctx, page.Incident, way)
	if err != nil {
		return fmt.Errorf("page %s by mail: %w", page.Incident, err)
	}
	var failed, refused error
	for _, who := range page.People {
		key := page.Key + " " + who.Email
		if who.Email == "" && p.only {
			refused = errors.Join(refused, &notTaken{to: who.Name, why: redact.Const("svcdown.yaml has no e-mail address of theirs"), lasting: true})
		}
		if who.Email == "" || slices.Contains(sent, key) {
			continue
		}
		err := p.mailer.Send(ctx, Message{Key: page.Key, To: who.Email, Subject: redact.F("[%s] severity %d: %s", page.Incident, page.Severity, page.Title), Body: body(page)})
		if err == nil {
			err = p.ledger.Remember(ctx, page.Incident, way, key)
		}
		if no, ok := errors.AsType[*notTaken](err); ok && no.lasting {
			refused = errors.Join(refused, err)
			continue
		}
		failed = errors.Join(failed, err)
	}
	if failed != nil {
		return failed // and whoever was refused is asked for again with the others
	}
	return refused
}

func body(page incident.Page) redact.Text {
	b := redact.F("%s\n\n%s\n\nIncident %s, severity %d, level %d of the escalation.", page.Title, page.What, page.Incident, page.Severity, page.Level)
	if page.Service != "" {
		b = redact.F("%s\nService: %s", b, page.Service)
	}
	if page.Link != "" {
		b = redact.F("%s\nChannel: %s", b, page.Link)
	}
	return redact.F("%s\n\nTake it in Slack with: /svcdown ack %s\nWhen Slack is away, at a terminal: svcdown ack %s\n", b, page.Incident, page.Incident)
}

// Acknowledge does nothing: a mail cannot be taken back.
func (p *Pager) Acknowledge(context.Context, string, string) error { return nil }

// Resolve does nothing: a mail cannot be taken back.
func (p *Pager) Resolve(context.Context, string) error { return nil }
