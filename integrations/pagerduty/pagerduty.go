package pagerduty

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/integrations/call"
	"github.com/svcdown/svcdown/redact"
)

// DefaultEvents is where PagerDuty takes events in the United States; accounts in Europe have events.eu.pagerduty.com.
const DefaultEvents = "https://events.pagerduty.com"

// way is this pager among others in the Ledger, wayTook what PagerDuty has said to have.
const (
	way     = "pagerduty"
	wayTook = "pagerduty has it"
)

// Ledger remembers what was sent, so that it can be ended from here after a restart too.
type Ledger interface {
	// Remember notes that the page with this key went out this way; once more changes nothing.
	Remember(ctx context.Context, incidentID, way, key string) error
	// Remembered lists the keys of an incident's pages that went out this way, the oldest first.
	Remembered(ctx context.Context, incidentID, way string) ([]string, error)
}

// Config says which account.
type Config struct {
	// Events is the address, "" for the default.
	Events string
	// RoutingKeys are the integration keys by level of the ladder, level 1 first; the last one serves all levels above. At least one.
	RoutingKeys []string
	Ledger      Ledger
	Now         func() time.Time
}

// Pager pages through the Events API v2. It is safe for concurrent use, and implements what handlers ask of a pager.
type Pager struct {
	events *call.System
	url    string
	keys   []string
	ledger Ledger
}

// routingKey is the form of an integration key. https://developer.pagerduty.com/docs/events-api-v2/overview/
var routingKey = regexp.MustCompile(`^[A-Za-z0-9]{32}$`)

// New makes a Pager. The error never quotes a key.
func New(c Config) (*Pager, error) {
	if len(c.RoutingKeys) == 0 {
		return nil, errors.New("PagerDuty needs a routing key")
	}
	for i, k := range c.RoutingKeys {
		if !routingKey.MatchString(k) {
			return nil, fmt.Errorf("the PagerDuty routing key for level %d is none: it has 32 letters and digits (Integrations, Events API v2)", i+1)
		}
	}
	p := &Pager{
		events: call.New("PagerDuty", nil, c.RoutingKeys, c.Now), url: strings.TrimRight(or(c.Events, DefaultEvents), "/"),
		keys: c.RoutingKeys, ledger: c.Ledger,
	}
	return p, nil
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

// link is one of an event's. https://developer.pagerduty.com/docs/events-api-v2/trigger-events/
type link struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

// PagerDuty's bounds.
const (
	maxSummary = 1024
	maxDetail  = 4000
)

// Page triggers an alert. PagerDuty itself folds repetitions of the key into one, so that a retry, or a second replica, wakes nobody twice. What it has
// taken is not sent again though another way of paging still fails: after somebody ended the page there, it would call anew.
func (p *Pager) Page(ctx context.Context, page incident.Page) error {
	key := dedupKey(page)
	took, err := p.ledger.Remembered(ctx, page.Incident, wayTook)
	if err != nil {
		return fmt.Errorf("page %s: %w", page.Incident, err)
	}
	if slices.Contains(took, key) {
		return nil
	}
	// First: what is not remembered could not be ended.
	if err := p.ledger.Remember(ctx, page.Incident, way, key); err != nil {
		return fmt.Errorf("page %s: %w", page.Incident, err)
	}
	var names []string
	for _, who := range page.People {
		names = append(names, who.Name)
	}
	e := pd.V2Event{
		RoutingKey: p.key(page.Level), Action: "trigger", DedupKey: key, Client: "svcdown", ClientURL: page.Link,
		Payload: &pd.V2Payload{
			Summary: redact.Join(": ", page.Title, firstLine(page.What)).Short(maxSummary).String(), Source: or(page.Service, "svcdown"), Severity: severity(page.Severity),
			Component: page.Service, Group: page.Incident,
			Details: map[string]string{"incident": page.Incident, "level": strconv.Itoa(page.Level), "called": strings.Join(names, ", "), "known": page.What.Short(maxDetail).String()},
		},
	}
	if page.Link != "" {
		e.Links = []any{link{Href: page.Link, Text: "The incident's channel"}}
	}
	if err := p.send(ctx, "page", page.Incident, e); err != nil {
		return err
	}
	if err := p.ledger.Remember(ctx, page.Incident, wayTook, key); err != nil {
		return fmt.Errorf("page %s: %w", page.Incident, err)
	}
	return nil
}

// Acknowledge tells PagerDuty for every page of the incident that somebody is on it. Pages that have ended meanwhile stay as they are.
func (p *Pager) Acknowledge(ctx context.Context, incidentID, _ string) error {
	return p.follow(ctx, "acknowledge", incidentID)
}

// Resolve ends every page of the incident.
func (p *Pager) Resolve(ctx context.Context, incidentID string) error {
	return p.follow(ctx, "resolve", incidentID)
}

func (p *Pager) follow(ctx context.Context, action, incidentID string) error {
	keys, err := p.ledger.Remembered(ctx, incidentID, way)
	if err != nil {
		return fmt.Errorf("%s %s: %w", action, incidentID, err)
	}
	for _, key := range keys {
		err = errors.Join(err, p.send(ctx, action, incidentID, pd.V2Event{RoutingKey: p.key(levelOf(key)), Action: action, DedupKey: key}))
	}
	return err
}

func (p *Pager) send(ctx context.Context, action, incidentID string, e pd.V2Event) error {
	through := p.events.Through()
	client := pd.NewClient("", pd.WithV2EventsAPIEndpoint(p.url))
	client.HTTPClient = through
	_, err := client.ManageEventWithContext(ctx, &e)
	err = through.Err(err)
	if of := (*call.Error)(nil); errors.As(err, &of) && of.Status == http.StatusAccepted {
		return nil // it has the event; only its words could not be read
	}
	if err != nil {
		return fmt.Errorf("%s %s: %w", action, incidentID, err)
	}
	return nil
}

func (p *Pager) key(level int) string {
	return p.keys[min(max(level, 1), len(p.keys))-1]
}

// severity is PagerDuty's word for ours.
func severity(n int) string {
	switch n {
	case 1:
		return "critical"
	case 2:
		return "error"
	case 4:
		return "info"
	default:
		return "warning"
	}
}

func firstLine(t redact.Text) redact.Text { return t.Lines()[0] }

// dedupKey is svcdown:INCIDENT:LEVEL:HASH, at most 255 characters: the incident stands in it so that PagerDuty's word about it finds the way back.
func dedupKey(page incident.Page) string {
	sum := sha256.Sum256([]byte(page.Key))
	return fmt.Sprintf("svcdown:%s:%d:%s", page.Incident, page.Level, hex.EncodeToString(sum[:12]))
}

func levelOf(key string) int {
	parts := strings.Split(key, ":")
	if len(parts) != 4 {
		return 1
	}
	n, err := strconv.Atoi(parts[2])
	if err != nil {
		return 1
	}
	return n
}

// incidentOf finds our incident in a key of ours, "" in any other.
func incidentOf(key string) string {
	parts := strings.Split(key, ":")
	if len(parts) != 4 || parts[0] != "svcdown" {
		return ""
	}
	return parts[1]
}
