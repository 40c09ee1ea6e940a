package incident

import (
	"errors"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
)

// AlertStatus is what a monitoring system says of an alert.
type AlertStatus string

// The statuses of an alert.
const (
	Firing    AlertStatus = "firing"
	Recovered AlertStatus = "resolved"
)

// LeftOutAnnotation is an annotation of ours: how many alerts the sender left out of the batch.
const LeftOutAnnotation = "truncated"

// Senders are the systems that report alerts: Alertmanager, the webhook of whoever else, svcdown's own health watch.
func Senders() []string { return []string{"alertmanager", "generic", "probe"} }

// Alert is one alert as a monitoring system sent it, with what svcdown.yaml makes of its labels. The same alert comes many times: from
// replicas of the sender, as a reminder, and once more when it is over.
type Alert struct {
	// Fingerprint names the alert among all others, whatever its status: for Alertmanager the one it sends
	// (https://prometheus.io/docs/alerting/latest/configuration/#webhook_config), else a hash of its labels.
	Fingerprint string
	Status      AlertStatus
	// Labels and Annotations are text of another system: nothing of them reaches a card but through package redact.
	Labels, Annotations map[string]string
	StartsAt            time.Time
	// EndsAt is zero while the alert fires.
	EndsAt time.Time
	// Source is who sent it: one of [Senders].
	Source string
	// URL leads to the alert in its monitoring system; "" when there is none.
	URL string

	// Service is the catalogue's name of what is affected, "" when no service is known by the labels.
	Service string
	// Severity is from 1 (the worst) to 4; 0 lets the policy of svcdown.yaml decide.
	Severity int
	// Runbook is the runbook that the alert names; "" for none.
	Runbook string
	// Group is a key of the sender's own that gathers alerts into one incident; "" gathers by service, or by the alert's name where no
	// service is known.
	Group string
}

// Receipt says what became of a batch of alerts. Every alert of the batch is in exactly one of Firing and Recovered.
type Receipt struct {
	Firing, Recovered int
	// New counts the fingerprints that no open incident knew.
	New int
	// Strays counts the alerts that recovered and belong to no incident; they are recorded and change nothing.
	Strays int
	// Opened, Reopened and Touched are IDs of incidents; Touched holds the others that the batch belongs to.
	Opened, Reopened, Touched []string
}

// ErrTaken says that another incident has what was asked for: the name of a channel, or, being open, the key of the alerts.
var ErrTaken = errors.New("another incident has that already")

// Page is one call for people to wake up.
type Page struct {
	// Key is the same for every repetition of this page, and another one for every other: a pager that knows the key pages nobody again.
	Key string
	// Incident is the ID that all pages of an incident share.
	Incident string
	Service  string
	Severity int
	// Level is the rung of the ladder, from 1.
	Level int
	// People are those to wake, at least one.
	People []catalog.Person
	// Title is one line; What is what is known, the verdict first.
	Title, What redact.Text
	// Link leads to the incident's channel; "" while there is none.
	Link string
}
