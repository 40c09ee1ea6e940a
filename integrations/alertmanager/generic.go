package alertmanager

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
)

// genericAlert is one alert of POST /webhooks/generic, as docs/alerts.md describes it.
type genericAlert struct {
	ID          string    `json:"id"`
	Status      string    `json:"status"`
	Title       string    `json:"title"`
	Service     string    `json:"service"`
	Severity    string    `json:"severity"`
	Description string    `json:"description"`
	URL         string    `json:"url"`
	StartsAt    time.Time `json:"startsAt"`
	EndsAt      time.Time `json:"endsAt"`
	Labels      pairs     `json:"labels"`
}

// ReadGeneric reads a batch in our own form. It is strict where [Read] is lenient: whoever writes a sender by hand is helped by hearing of a
// mistake. Title, service and severity count as the labels alertname, service and severity, so that the same rules sort them.
func ReadGeneric(r io.Reader, meaning func(labels map[string]string) catalog.Meaning) (Batch, error) {
	var b Batch
	given := false
	err := object(r, map[string]func(*json.Decoder) error{
		"alerts": func(d *json.Decoder) error {
			given = true
			return list(d, func(d *json.Decoder) error {
				var raw json.RawMessage
				if err := d.Decode(&raw); err != nil {
					return err
				}
				a, err := readGeneric(raw, len(b.Alerts), meaning)
				if err != nil {
					return err
				}
				return b.add(a)
			})
		},
	})
	if err != nil {
		return Batch{}, err
	}
	if !given {
		return Batch{}, &MalformedError{`there is no "alerts"`}
	}
	return b, nil
}

func readGeneric(raw []byte, i int, meaning func(map[string]string) catalog.Meaning) (incident.Alert, error) {
	var w genericAlert
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&w); err != nil {
		if unknown, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
			return incident.Alert{}, &MalformedError{fmt.Sprintf("alerts[%d] has an unknown field %s", i, cut(unknown, maxName))}
		}
		return incident.Alert{}, err
	}
	if w.Title == "" {
		return incident.Alert{}, &MalformedError{fmt.Sprintf(`alerts[%d] has no "title"`, i)}
	}
	labels := map[string]string(w.Labels)
	if labels == nil {
		labels = map[string]string{}
	}
	for name, v := range map[string]string{"alertname": w.Title, "service": w.Service, "severity": w.Severity} {
		if v != "" {
			labels[name] = v
		}
	}
	a := incident.Alert{Status: incident.Firing, Labels: bounded(labels), Annotations: map[string]string{}, StartsAt: w.StartsAt, Source: "generic", URL: cut(w.URL, maxValue)}
	if w.Description != "" {
		a.Annotations["description"] = cut(w.Description, maxValue)
	}
	switch w.Status {
	case "", "firing":
	case "resolved":
		a.Status, a.EndsAt = incident.Recovered, w.EndsAt
	default:
		return incident.Alert{}, &MalformedError{fmt.Sprintf(`alerts[%d]: status %q is neither "firing" nor "resolved"`, i, cut(w.Status, 20))}
	}
	if a.Fingerprint = "generic:" + cut(w.ID, maxName); w.ID == "" {
		a.Fingerprint = "generic:" + fingerprint(labels)
	}
	return meant(a, meaning(labels)), nil
}
