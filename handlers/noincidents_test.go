package handlers_test

import (
	"context"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/incident"
)

// noIncidents is a store without any incident, for what is not about them. What changes one is not there: a test that meets it should use the
// real store.
type noIncidents struct{ stored }

type stored = handlers.Incidents

func (noIncidents) IncidentOf(context.Context, string) (incident.Incident, error) {
	return incident.Incident{}, approval.ErrNotFound
}

func (noIncidents) IncidentIn(context.Context, string) (incident.Incident, error) {
	return incident.Incident{}, approval.ErrNotFound
}

func (noIncidents) Incidents(context.Context, bool, int) ([]incident.Incident, error) {
	return nil, nil
}
