// Package pagerduty wakes people through PagerDuty.
package pagerduty
