package pagerduty

import (
	"context"
	"fmt"

	pd "github.com/PagerDuty/go-pagerduty"

	"github.com/svcdown/svcdown/incident"
)

// person names who did something at PagerDuty, and says false for a machine, such as the service that ends its pages by itself, or nobody.
// https://developer.pagerduty.com/docs/webhooks/webhook-payload-structure/
func person(agent pd.APIObject) (string, bool) {
	if agent.Type != "user_reference" && agent.Type != "user" {
		return "", false
	}
	return or(agent.Summary, "somebody"), true
}

// TakenBy says who took a page at PagerDuty, by acknowledging or by ending it there; "" while no person has: a page that a machine ended was
// taken by nobody. The name is text of another system.
// https://developer.pagerduty.com/api-reference/9d0b4b12e36f9-list-incidents
func (a *Account) TakenBy(ctx context.Context, page incident.Page) (string, error) {
	client, through := a.client()
	answer, err := client.ListIncidentsWithContext(ctx, pd.ListIncidentsOptions{IncidentKey: dedupKey(page), Statuses: []string{"acknowledged", "resolved"}, Limit: 1})
	if err := through.Err(err); err != nil {
		return "", fmt.Errorf("ask whether somebody took %s: %w", page.Incident, err)
	}
	if len(answer.Incidents) == 0 {
		return "", nil
	}
	one := answer.Incidents[0]
	for _, ack := range one.Acknowledgements {
		if name, ok := person(ack.Acknowledger); ok {
			return name, nil
		}
	}
	name, _ := person(one.LastStatusChangeBy)
	return name, nil
}
