package pagerduty

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/svcdown/svcdown/incident"
)

// TakenBy says who took a page at PagerDuty, by acknowledging or by ending it there; "" while nobody has. The name is text of another system.
// https://developer.pagerduty.com/api-reference/9d0b4b12e36f9-list-incidents
func (a *Account) TakenBy(ctx context.Context, page incident.Page) (string, error) {
	q := url.Values{"incident_key": {dedupKey(page)}, "statuses[]": {"acknowledged", "resolved"}, "limit": {"1"}}
	type agent struct {
		Summary string `json:"summary"`
	}
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
	if len(one.Acknowledgements) > 0 {
		return or(one.Acknowledgements[0].Acknowledger.Summary, "somebody"), nil
	}
	return or(one.LastChangeBy.Summary, "somebody"), nil
}
