package statuspage

import (
	"errors"
	"time"
)

// Update is what is told once. A provider that has it already tells it no second time.
type Update struct {
	// Key names this update among all.
	Key string
	// Incident is ours: all updates of one incident stand under one entry of the page.
	Incident string
	// State is one of [States].
	State string
	Title string // at most 255 characters are shown
	Body  string
	// Impact is one of [Impacts], "" to leave it to the page.
	Impact string
	// Components are what is affected, by the page's own IDs.
	Components []Component
	At         time.Time
}

// Component is a part of the page and how it does.
type Component struct {
	ID string `json:"id"`
	// Status is one of [Statuses].
	Status string `json:"status"`
}

// States are what an incident of the page can be in.
func States() []string { return []string{"investigating", "identified", "monitoring", "resolved"} }

// Impacts are how bad it is for customers.
func Impacts() []string { return []string{"none", "minor", "major", "critical"} }

// Statuses are how a component can do.
func Statuses() []string {
	return []string{"operational", "degraded_performance", "partial_outage", "major_outage", "under_maintenance"}
}

// ErrUntouched says that the page could not be asked what it has, and that it was told nothing, therefore.
var ErrUntouched = errors.New("nothing was told")

// ErrCannotTell says that a provider cannot be asked what it has.
var ErrCannotTell = errors.New("this status page cannot be asked whether it has an update")
