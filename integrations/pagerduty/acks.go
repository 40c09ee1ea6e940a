package pagerduty

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/svcdown/svcdown/incident"
)

// agent is who did something at PagerDuty: a person, or a machine such as the service that ends its pages by itself.
// https://developer.pagerduty.com/docs/webhooks/webhook-payload-structure/
type agent struct {
	Type    string `json:"type"`
	Summary string `json:"summary"`
}

// person names a person, and says false for a machine or nobody.
func (a agent) person() (string, bool) {
	if a.Type != "user_reference" && a.Type != "user" {
		return "", false
	}
	return or(a.Summary, "somebody"), true
}

// TakenBy says who took a page at PagerDuty, by acknowledging or by ending it there; "" while no person has: a page that a machine ended was
// taken by nobody. The name is text of another system.
// https://developer.pagerduty.com/api-reference/9d0b4b12e36f9-list-incidents
func (a *Account) TakenBy(ctx context.Context, page incident.Page) (string, error) {
	q := url.Values{"incident_key": {dedupKey(page)}, "statuses[]": {"acknowledged", "resolved"}, "limit": {"1"}}
	var answer struct {
		Incidents []struct {
			Acknowledgements []struct {
				At           time.Time `json:"at"`
				Acknowledger agent     `json:"acknowledger"`
			} `json:"acknowledgements"`
			LastChangeBy agent `json:"last_status_change_by"`
		} `json:"incidents"`
	}
	if err := a.api.Do(ctx, http.MethodGet, a.url+"/incidents?"+q.Encode(), nil, &answer); err != nil {
		return "", fmt.Errorf("ask whether somebody took %s: %w", page.Incident, err)
	}
	if len(answer.Incidents) == 0 {
		return "", nil
	}
	one := answer.Incidents[0]
	for _, ack := range one.Acknowledgements {
		if name, ok := ack.Acknowledger.person(); ok {
			return name, nil
		}
	}
	name, _ := one.LastChangeBy.person()
	return name, nil
}
