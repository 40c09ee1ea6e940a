package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/svcdown/svcdown/integrations/call"
)

// DefaultAPI is where the REST API answers in the United States; accounts in Europe have api.eu.pagerduty.com.
const DefaultAPI = "https://api.pagerduty.com"

// Account reads what PagerDuty knows, through the REST API v2. It changes nothing there, so that a read-only key is enough. It is safe for
// concurrent use. https://developer.pagerduty.com/docs/rest-api-v2/authentication/
type Account struct {
	api        *call.System
	url, token string
}

// NewAccount makes an Account for a key of the REST API; address is "" for [DefaultAPI].
func NewAccount(address, token string, now func() time.Time) (*Account, error) {
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the key of PagerDuty's REST API is none (Integrations, API Access Keys)")
	}
	return &Account{api: call.New("PagerDuty", nil, []string{token}, now), url: strings.TrimRight(or(address, DefaultAPI), "/"), token: token}, nil
}

// client makes one call; its errors are those of the Through.
func (a *Account) client() (*pd.Client, *call.Through) {
	through := a.api.Through()
	c := pd.NewClient(a.token, pd.WithAPIEndpoint(a.url))
	c.HTTPClient = through
	return c, through
}

// Rota names who takes turns: a schedule, or one level of an escalation policy.
type Rota struct {
	Schedule string
	Policy   string
	Level    int // of Policy, from 1
}

// OnCall is somebody whom PagerDuty would call. Everything in it is text of another system.
type OnCall struct {
	Name, Email string
	// Until is the end of the shift, zero when it has none.
	Until time.Time
}

// OnCalls lists who is on call now, each once. https://developer.pagerduty.com/api-reference/3a6b910f11050-list-all-of-the-on-calls
func (a *Account) OnCalls(ctx context.Context, r Rota) ([]OnCall, error) {
	ask := pd.ListOnCallOptions{Includes: []string{"users"}, Earliest: true, Limit: 100}
	if r.Schedule != "" {
		ask.ScheduleIDs = []string{r.Schedule}
	} else {
		ask.EscalationPolicyIDs = []string{r.Policy}
	}
	client, through := a.client()
	answer, err := client.ListOnCallsWithContext(ctx, ask)
	if err := through.Err(err); err != nil {
		return nil, fmt.Errorf("ask for %s: %w", or(r.Schedule, r.Policy+" level "+strconv.Itoa(r.Level)), err)
	}
	var out []OnCall
	for _, o := range answer.OnCalls {
		if r.Schedule == "" && o.EscalationLevel != uint(r.Level) {
			continue
		}
		c := OnCall{Name: or(o.User.Name, o.User.Summary), Email: o.User.Email}
		if end, err := time.Parse(time.RFC3339, o.End); err == nil { // null for a shift without an end
			c.Until = end
		}
		// One schedule may stand on several levels of a policy.
		if !slices.ContainsFunc(out, func(had OnCall) bool { return had.Name == c.Name && had.Email == c.Email }) {
			out = append(out, c)
		}
	}
	return out, nil
}
