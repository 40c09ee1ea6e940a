// Package incident holds what an outage is to people: its lifecycle, its alerts, its timeline, whom it wakes when, and its postmortem.
package incident
