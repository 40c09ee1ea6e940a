package statuspage

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/svcdown/svcdown/integrations/call"
)

// Webhook tells updates to any address that verifies our signature: the way to a page that svcdown does not know.
type Webhook struct {
	system  *call.System
	address string
	secret  []byte
	now     func() time.Time
}

// NewWebhook makes a Webhook.
func NewWebhook(address, secret string, now func() time.Time) *Webhook {
	return &Webhook{system: call.New("The status page's webhook", nil, []string{secret}, now), address: address, secret: []byte(secret), now: now}
}

// Publish posts u as JSON. The header X-Svcdown-Signature is v1= and the hexadecimal HMAC-SHA256 over X-Svcdown-Timestamp, a dot and the body.
// The receiver takes a key that it has for done: a retry comes with the same one.
func (w *Webhook) Publish(ctx context.Context, u Update) error {
	body, err := json.Marshal(struct {
		Key        string      `json:"key"`
		Incident   string      `json:"incident"`
		State      string      `json:"state"`
		Title      string      `json:"title"`
		Body       string      `json:"body"`
		Impact     string      `json:"impact,omitempty"`
		Components []Component `json:"components,omitempty"`
		At         time.Time   `json:"at"`
	}{u.Key, u.Incident, u.State, u.Title, u.Body, u.Impact, u.Components, u.At})
	if err != nil {
		return fmt.Errorf("publish %s: %w", u.Key, err)
	}
	at := strconv.FormatInt(w.now().Unix(), 10)
	mac := hmac.New(sha256.New, w.secret)
	mac.Write([]byte(at + "."))
	mac.Write(body)
	h := http.Header{"X-Svcdown-Timestamp": {at}, "X-Svcdown-Signature": {"v1=" + hex.EncodeToString(mac.Sum(nil))}}
	if err := w.system.Send(ctx, http.MethodPost, w.address, body, h, nil); err != nil {
		return fmt.Errorf("publish %s: %w", u.Key, err)
	}
	return nil
}

// Has cannot tell.
func (w *Webhook) Has(context.Context, string, string) (bool, error) { return false, ErrCannotTell }
