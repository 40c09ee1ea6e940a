package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/integrations/alertmanager"
	"github.com/svcdown/svcdown/integrations/mail"
	"github.com/svcdown/svcdown/integrations/pagerduty"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/web"
)

// Outside are the secrets of the systems around the bot; "" leaves a system out.
type Outside struct {
	AlertToken        string // who may post alerts
	PagerDutyKeys     []string
	AlertmanagerAuth  string // the Authorization header for Alertmanager's API
	StatusPageToken   string // a token of Statuspage, or the secret that signs for a webhook
	PagerDutyToken    string // a key of PagerDuty's REST API
	PagerDutyWebhooks string // the secret that signs PagerDuty's webhooks
	SMTP              string
}

// load reads the secrets of the outside systems.
func (o *Outside) load(read func(name string, to *string, required string)) {
	var keys string
	for name, to := range map[string]*string{
		"ALERT_WEBHOOK_TOKEN": &o.AlertToken, "PAGERDUTY_ROUTING_KEYS": &keys,
		"ALERTMANAGER_AUTHORIZATION": &o.AlertmanagerAuth, "STATUSPAGE_TOKEN": &o.StatusPageToken,
		"PAGERDUTY_API_TOKEN": &o.PagerDutyToken, "PAGERDUTY_WEBHOOK_SECRET": &o.PagerDutyWebhooks, "SMTP_URL": &o.SMTP,
	} {
		read(name, to, "")
	}
	o.PagerDutyKeys = strings.FieldsFunc(keys, func(r rune) bool { return r == ',' || r == ' ' || r == '\n' })
}

// pagers wakes people by every way there is; one that fails holds up no other. An error is lasting only when nothing of it is temporary.
type pagers []handlers.Pager

func (p pagers) all(do func(handlers.Pager) error) error {
	var failed, never error
	for _, one := range p {
		err := do(one)
		if l, ok := errors.AsType[interface {
			error
			Lasting() bool
		}](err); ok && l.Lasting() {
			never = errors.Join(never, err)
			continue
		}
		failed = errors.Join(failed, err)
	}
	if failed != nil {
		return failed
	}
	return never
}

func (p pagers) Page(ctx context.Context, page incident.Page) error {
	return p.all(func(one handlers.Pager) error { return one.Page(ctx, page) })
}

func (p pagers) Acknowledge(ctx context.Context, incidentID, by string) error {
	return p.all(func(one handlers.Pager) error { return one.Acknowledge(ctx, incidentID, by) })
}

func (p pagers) Resolve(ctx context.Context, incidentID string) error {
	return p.all(func(one handlers.Pager) error { return one.Resolve(ctx, incidentID) })
}

// openPagers makes the ways to wake people, nil when there is none.
func openPagers(s Settings, st *storage) (handlers.Pager, error) {
	var out pagers
	if len(s.Outside.PagerDutyKeys) > 0 {
		p, err := pagerduty.New(pagerduty.Config{
			Events: s.Catalog.PagerDuty.Events, RoutingKeys: s.Outside.PagerDutyKeys, Ledger: st, Now: time.Now,
		})
		if err != nil {
			return nil, fmt.Errorf("PAGERDUTY_ROUTING_KEYS: %w", err)
		}
		out = append(out, p)
	}
	if s.Outside.SMTP != "" {
		m, err := openMail(s)
		if err != nil {
			return nil, err
		}
		out = append(out, mail.NewPager(m, st, len(out) == 0))
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

func openMail(s Settings) (*mail.Mailer, error) {
	return mail.New(s.Outside.SMTP, s.Catalog.Mail.From, nil, time.Now)
}

// letters writes to stakeholders.
type letters struct{ mailer *mail.Mailer }

func (l letters) Write(ctx context.Context, key, to string, subject, body redact.Text) error {
	return l.mailer.Send(ctx, mail.Message{Key: key, To: to, Subject: subject, Body: body})
}

// openLetters is nil without a mail server.
func openLetters(s Settings) (handlers.Letters, error) {
	if s.Outside.SMTP == "" {
		return nil, nil
	}
	m, err := openMail(s)
	if err != nil {
		return nil, err
	}
	return letters{m}, nil
}

// healthEvery is how often the health URLs are asked, 0 for never.
func healthEvery(cat *catalog.Catalog) time.Duration {
	if cat.Probes.Watch == nil {
		return 0
	}
	return cat.Probes.Watch.Every
}

// ackEvery is how often PagerDuty is asked who took a page.
const ackEvery = 10 * time.Second

// asksPager is how often PagerDuty is asked whether somebody acknowledged there: never where it tells by itself, or cannot be asked.
func asksPager(s Settings) time.Duration {
	if s.Outside.PagerDutyWebhooks != "" || s.Outside.PagerDutyToken == "" || len(s.Outside.PagerDutyKeys) == 0 {
		return 0
	}
	return ackEvery
}

// inlet is what the ways in need of the desk.
type inlet interface {
	TakeAlerts(ctx context.Context, alerts []incident.Alert) (incident.Receipt, error)
	AckFromPager(ctx context.Context, incidentID, by string, of func(incident.Page) bool) error
}

// atOnce bounds the alerts of one transaction: a batch of thousands must not take longer than the database's answer may.
const atOnce = 500

// hooks are the ways in for other systems: each only where its secret is set.
func hooks(s Settings, desk inlet, registry prometheus.Registerer, log zerolog.Logger) ([]web.Hook, error) {
	taken := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "svcdown_alerts_total", Help: "Alerts that were stored, by source and status."}, []string{"source", "status"})
	if err := registry.Register(taken); err != nil {
		return nil, err
	}
	var out []web.Hook
	if s.Outside.AlertToken != "" {
		in := alertsIn{desk: desk, sorting: s.Catalog.Sorting(), taken: taken, log: log}
		out = append(out,
			web.Hook{Path: "/webhooks/alertmanager", Token: s.Outside.AlertToken, Take: in.take(alertmanager.Read)},
			web.Hook{Path: "/webhooks/generic", Token: s.Outside.AlertToken, Take: in.take(alertmanager.ReadGeneric)})
	}
	if s.Outside.PagerDutyWebhooks != "" {
		out = append(out, web.Hook{Path: "/webhooks/pagerduty", Take: pagerDutySays(s.Outside.PagerDutyWebhooks, desk)})
	}
	return out, nil
}

type alertsIn struct {
	desk    inlet
	sorting *catalog.Sorting
	taken   *prometheus.CounterVec
	log     zerolog.Logger
}

type reader func(io.Reader, func(map[string]string) catalog.Meaning) (alertmanager.Batch, error)

// take reads a batch and stores it, in parts when it is large. A part that is stored twice, because a later one failed, counts its alerts as
// repeated and changes nothing else.
func (in alertsIn) take(read reader) func(context.Context, http.Header, io.Reader) (map[string]any, error) {
	return func(ctx context.Context, _ http.Header, body io.Reader) (map[string]any, error) {
		batch, err := read(body, in.sorting.Meaning)
		var bad *alertmanager.MalformedError
		if errors.As(err, &bad) {
			return nil, &handlers.Problem{Code: "malformed", Text: redact.F("Nothing was stored: %s.", bad.What), Next: redact.Const("docs/alerts.md shows what is understood."), Err: err}
		}
		if err != nil {
			return nil, err
		}
		if batch.Truncated > 0 {
			in.log.Warn().Int("left_out", batch.Truncated).Int("alerts", len(batch.Alerts)).Str("receiver", redact.Clean(batch.Receiver).Short(100).String()).Msg("Alertmanager left alerts out")
		}
		for rest := batch.Alerts; len(rest) > 0; {
			part := rest[:min(len(rest), atOnce)]
			rest = rest[len(part):]
			r, err := in.desk.TakeAlerts(ctx, part)
			if err != nil {
				return nil, err
			}
			in.taken.WithLabelValues(part[0].Source, string(incident.Firing)).Add(float64(r.Firing))
			in.taken.WithLabelValues(part[0].Source, string(incident.Recovered)).Add(float64(r.Recovered))
		}
		return map[string]any{"stored": len(batch.Alerts), "leftOutBySender": batch.Truncated}, nil
	}
}

// maxWord bounds what PagerDuty says, in bytes; the signature is over the whole.
const maxWord = 1 << 20

// pagerDutySays takes PagerDuty's word that somebody acknowledged there, or ended the page: both say that somebody is at it, unless a machine did
// it: a service that ends its pages by itself, or an echo of ours.
func pagerDutySays(secret string, desk inlet) func(context.Context, http.Header, io.Reader) (map[string]any, error) {
	return func(ctx context.Context, h http.Header, body io.Reader) (map[string]any, error) {
		raw, err := io.ReadAll(io.LimitReader(body, maxWord))
		if err != nil {
			return nil, err
		}
		w, err := pagerduty.ReadWebhook(secret, h, raw)
		switch {
		case errors.Is(err, pagerduty.ErrSignature):
			return nil, &handlers.Problem{Code: "unauthorized", Text: redact.F("Nothing was done: %v.", err)}
		case err != nil:
			return nil, &handlers.Problem{Code: "malformed", Text: redact.F("Nothing was done: %v.", err)}
		case w.Incident == "" || w.Type != pagerduty.Acknowledged && w.Type != pagerduty.Resolved, w.By == "":
			return map[string]any{"done": false}, nil // somebody else's, a machine's, or nothing that changes anything here
		}
		err = desk.AckFromPager(ctx, w.Incident, handlers.AtPager(w.By), w.Of)
		if errors.Is(err, approval.ErrNotFound) {
			return map[string]any{"done": false}, nil // sending it again would not help
		}
		return map[string]any{"done": err == nil}, err
	}
}
