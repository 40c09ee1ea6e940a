package handlers

import (
	"context"

	"github.com/svcdown/svcdown/incident"
)

// Pager wakes people through another system than Slack. Every method may be called again with the same arguments after a crash or a lost
// answer and must not wake anybody twice for it. An error is temporary: the call is repeated, and nothing else of the incident waits for it.
type Pager interface {
	// Page wakes the people of p.
	Page(ctx context.Context, p incident.Page) error
	// Acknowledge tells the pager that somebody has taken the incident, so that it stops calling.
	Acknowledge(ctx context.Context, incidentID, by string) error
	// Resolve ends every page of the incident.
	Resolve(ctx context.Context, incidentID string) error
}
