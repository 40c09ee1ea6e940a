package pagerduty

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"
	"github.com/PagerDuty/go-pagerduty/webhookv3"

	"github.com/svcdown/svcdown/incident"
)

// What PagerDuty may say of a page of ours.
const (
	Acknowledged = "incident.acknowledged"
	Resolved     = "incident.resolved"
)

// Word is what PagerDuty says of one of our incidents.
type Word struct {
	// ID is the delivery's own: PagerDuty repeats what it got no 2xx for.
	ID string
	// Type is one of PagerDuty's event types, [Acknowledged] among them.
	Type string
	// Incident is ours, "" when the word is of something that is not.
	Incident string
	// By is the person who did it, as PagerDuty names them: text of another system. "" when a machine did.
	By string
	At time.Time
	// Key is the page's own, as PagerDuty has it.
	Key string
}

// Of says whether the word is of this very page.
func (w Word) Of(page incident.Page) bool { return w.Key == dedupKey(page) }

// ErrSignature says that a webhook's body is not signed with our secret.
var ErrSignature = errors.New("the body is not signed with the secret that svcdown knows")

// ErrBody says that a signed body is not a webhook of version 3.
var ErrBody = errors.New("the body is no webhook of version 3")

// ReadWebhook verifies and reads a webhook of version 3. A body that is not signed by secret is never looked into; an empty secret verifies
// nothing. https://developer.pagerduty.com/docs/webhooks/webhook-signatures/
func ReadWebhook(secret string, header http.Header, body []byte) (Word, error) {
	// The header may carry several signatures, while a secret is being changed.
	if secret == "" || webhookv3.VerifySignature(&http.Request{Header: header, Body: io.NopCloser(bytes.NewReader(body))}, secret) != nil {
		return Word{}, ErrSignature
	}
	var in struct {
		Event struct {
			ID         string       `json:"id"`
			Type       string       `json:"event_type"`
			OccurredAt time.Time    `json:"occurred_at"`
			Agent      pd.APIObject `json:"agent"`
			Data       struct {
				IncidentKey string `json:"incident_key"`
			} `json:"data"`
		} `json:"event"`
	}
	if err := json.Unmarshal(body, &in); err != nil || in.Event.Type == "" {
		return Word{}, ErrBody
	}
	key := in.Event.Data.IncidentKey
	w := Word{ID: in.Event.ID, Type: in.Event.Type, Incident: incidentOf(key), At: in.Event.OccurredAt, Key: key}
	w.By, _ = person(in.Event.Agent)
	return w, nil
}
