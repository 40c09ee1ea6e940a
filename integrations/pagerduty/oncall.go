package pagerduty

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/integrations/call"
)

// DefaultAPI is where the REST API answers in the United States; accounts in Europe have api.eu.pagerduty.com.
const DefaultAPI = "https://api.pagerduty.com"

// Account reads what PagerDuty knows, through the REST API v2. It changes nothing there, so that a read-only key is enough. It is safe for
// concurrent use. https://developer.pagerduty.com/docs/rest-api-v2/authentication/
type Account struct {
	api *call.System
	url string
}

// NewAccount makes an Account for a key of the REST API; address is "" for [DefaultAPI].
func NewAccount(address, token string, now func() time.Time) (*Account, error) {
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("the key of PagerDuty's REST API is none (Integrations, API Access Keys)")
	}
	h := http.Header{"Accept": {"application/vnd.pagerduty+json;version=2"}, "Authorization": {"Token token=" + token}}
	return &Account{api: call.New("PagerDuty", h, []string{token}, now), url: strings.TrimRight(or(address, DefaultAPI), "/")}, nil
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
	q := url.Values{"include[]": {"users"}, "earliest": {"true"}, "limit": {"100"}}
	if r.Schedule != "" {
		q.Set("schedule_ids[]", r.Schedule)
	} else {
		q.Set("escalation_policy_ids[]", r.Policy)
	}
	var answer struct {
		OnCalls []struct {
			Level int        `json:"escalation_level"`
			End   *time.Time `json:"end"`
			User  struct {
				Name    string `json:"name"`
				Summary string `json:"summary"`
				Email   string `json:"email"`
			} `json:"user"`
		} `json:"oncalls"`
	}
	if err := a.api.Do(ctx, http.MethodGet, a.url+"/oncalls?"+q.Encode(), nil, &answer); err != nil {
		return nil, fmt.Errorf("ask for %s: %w", or(r.Schedule, r.Policy+" level "+strconv.Itoa(r.Level)), err)
	}
	var out []OnCall
	for _, o := range answer.OnCalls {
		if r.Schedule == "" && o.Level != r.Level {
			continue
		}
		c := OnCall{Name: or(o.User.Name, o.User.Summary), Email: o.User.Email}
		if o.End != nil {
			c.Until = *o.End
		}
		// One schedule may stand on several levels of a policy.
		if !slices.ContainsFunc(out, func(had OnCall) bool { return had.Name == c.Name && had.Email == c.Email }) {
			out = append(out, c)
		}
	}
	return out, nil
}
