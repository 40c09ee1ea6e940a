package alertmanager

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
)

// The bounds of one alert; what is beyond is cut, never refused. The identity of an alert does not suffer: it is the fingerprint.
const (
	maxPairs = 64
	maxName  = 200  // bytes of a label's name
	maxValue = 4096 // bytes of a label's value
)

// What is held while a body is read is bounded as well, because the smallest alert and the smallest label take fifty times their text: a body of a
// few megabytes would end the bot, and its sender would send it again.
const (
	maxAlerts = 100_000 // of one body; at 300 bytes each, which no real one is below, they are a whole body
	maxRead   = 10_000  // labels of one alert, in the order of the text; beyond, they are none
)

// pairs are labels or annotations, at most maxRead of them.
type pairs map[string]string

// UnmarshalJSON reads an object of strings; null is none.
func (p *pairs) UnmarshalJSON(raw []byte) error {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); err != nil || t == nil {
		return err
	} else if t != json.Delim('{') {
		return &json.UnmarshalTypeError{Value: "labels", Type: reflect.TypeFor[pairs](), Offset: d.InputOffset()}
	}
	*p = pairs{}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		k := name.(string) // within an object the decoder gives nothing but strings here
		var value string
		if err := d.Decode(&value); err != nil {
			if kind, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
				kind.Field = k
			}
			return err
		}
		if _, had := (*p)[k]; had || len(*p) < maxRead {
			(*p)[k] = value
		}
	}
	return nil
}

// MalformedError says that what was posted is not what the endpoint takes. Sending it again would not help.
type MalformedError struct{ What string }

func (e *MalformedError) Error() string { return e.What }

// Batch is what one call of the webhook carried.
type Batch struct {
	Alerts []incident.Alert
	// Truncated is how many alerts the sender left out (webhook_config.max_alerts); nobody will send them.
	Truncated int
	Receiver  string
}

// wireAlert is one alert of the webhook. https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
type wireAlert struct {
	Status       string    `json:"status"`
	Labels       pairs     `json:"labels"`
	Annotations  pairs     `json:"annotations"`
	StartsAt     time.Time `json:"startsAt"`
	EndsAt       time.Time `json:"endsAt"`
	GeneratorURL string    `json:"generatorURL"`
	Fingerprint  string    `json:"fingerprint"`
}

// Read reads one call of Alertmanager's webhook, payload version 4, alert by alert. meaning says what an alert's labels mean. The error is a
// [MalformedError] when the text is to blame, else the reader's.
func Read(r io.Reader, meaning func(labels map[string]string) catalog.Meaning) (Batch, error) {
	var b Batch
	var version string
	err := object(r, map[string]func(*json.Decoder) error{
		"version": func(d *json.Decoder) error { return d.Decode(&version) },
		"alerts": func(d *json.Decoder) error {
			return list(d, func(d *json.Decoder) error {
				var w wireAlert
				if err := d.Decode(&w); err != nil {
					return err
				}
				return b.add(w.alert(meaning))
			})
		},
		"truncatedAlerts": func(d *json.Decoder) error { return d.Decode(&b.Truncated) },
		"receiver":        func(d *json.Decoder) error { return d.Decode(&b.Receiver) },
	})
	if err != nil {
		return Batch{}, err
	}
	if version != "4" {
		return Batch{}, &MalformedError{fmt.Sprintf("payload version %q is not understood, only \"4\" is", cut(version, 20))}
	}
	b.Truncated = max(b.Truncated, 0)
	if b.Truncated > 0 {
		for i := range b.Alerts {
			b.Alerts[i].Annotations[incident.LeftOutAnnotation] = strconv.Itoa(b.Truncated) + " more alerts were left out by Alertmanager (webhook_config.max_alerts)"
		}
	}
	return b, nil
}

func (b *Batch) add(a incident.Alert) error {
	if len(b.Alerts) == maxAlerts {
		return &MalformedError{fmt.Sprintf("it holds more than %d alerts, so send fewer at once (Alertmanager: webhook_config.max_alerts)", maxAlerts)}
	}
	b.Alerts = append(b.Alerts, a)
	return nil
}

func (w wireAlert) alert(meaning func(map[string]string) catalog.Meaning) incident.Alert {
	a := incident.Alert{
		Fingerprint: cut(w.Fingerprint, maxName), Status: incident.Firing, Labels: bounded(w.Labels), Annotations: bounded(w.Annotations),
		StartsAt: w.StartsAt, Source: "alertmanager", URL: cut(w.GeneratorURL, maxValue),
	}
	// Any other word fires: an alert that nobody understands is better looked at than lost.
	if w.Status == "resolved" {
		a.Status, a.EndsAt = incident.Recovered, w.EndsAt
	}
	if a.Fingerprint == "" {
		a.Fingerprint = fingerprint(w.Labels)
	}
	return meant(a, meaning(w.Labels))
}

// meant writes what the labels mean into an alert.
func meant(a incident.Alert, m catalog.Meaning) incident.Alert {
	a.Service, a.Severity, a.Runbook, a.Group = m.Service, m.Severity, m.Runbook, plain(m.Group)
	return a
}

// fingerprint identifies a set of labels.
func fingerprint(labels map[string]string) string {
	h := sha256.New()
	for _, k := range slices.Sorted(maps.Keys(labels)) {
		for _, s := range []string{k, labels[k]} {
			_ = binary.Write(h, binary.BigEndian, uint64(len(s))) // a hash never fails
			_, _ = io.WriteString(h, s)
		}
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func bounded(in map[string]string) map[string]string {
	out := make(map[string]string, min(len(in), maxPairs))
	for _, k := range slices.Sorted(maps.Keys(in)) {
		if len(out) == maxPairs {
			break
		}
		out[cut(k, maxName)] = cut(in[k], maxValue)
	}
	return out
}

// cut bounds foreign text by bytes.
func cut(s string, n int) string {
	if len(s) > n {
		s = strings.ToValidUTF8(s[:n-len("…")], "") + "…"
	}
	return plain(s)
}

// plain takes out what the database refuses in text.
func plain(s string) string { return strings.ReplaceAll(s, "\x00", "\uFFFD") }

// object reads one JSON object key by key, so that a large one is never held whole. Keys without a reader are skipped.
func object(r io.Reader, keys map[string]func(*json.Decoder) error) error {
	d := json.NewDecoder(r)
	if err := delim(d, '{', "the body is no JSON object"); err != nil {
		return err
	}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return malformed(err)
		}
		read, ok := keys[t.(string)] // within an object the decoder gives nothing but strings here
		if !ok {
			read = func(d *json.Decoder) error { var skipped json.RawMessage; return d.Decode(&skipped) }
		}
		if err := read(d); err != nil {
			return malformed(err)
		}
	}
	if _, err := d.Token(); err != nil {
		return malformed(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		if err == nil {
			err = &MalformedError{"something follows the JSON object"}
		}
		return malformed(err)
	}
	return nil
}

func list(d *json.Decoder, each func(*json.Decoder) error) error {
	if err := delim(d, '[', `"alerts" is no list`); err != nil {
		return err
	}
	for d.More() {
		if err := each(d); err != nil {
			return err
		}
	}
	_, err := d.Token()
	return err
}

func delim(d *json.Decoder, want json.Delim, otherwise string) error {
	t, err := d.Token()
	if err != nil {
		return malformed(err)
	}
	if t != want {
		return &MalformedError{otherwise}
	}
	return nil
}

// malformed tells what the text is to blame for from what went wrong while it was read.
func malformed(err error) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	var when *time.ParseError
	switch {
	case errors.As(err, &syntax):
		return &MalformedError{fmt.Sprintf("the body is not JSON at byte %d", syntax.Offset)}
	case errors.As(err, &kind):
		return &MalformedError{fmt.Sprintf("field %q is of the wrong type at byte %d", cut(kind.Field, maxName), kind.Offset)}
	case errors.As(err, &when):
		return &MalformedError{"a time is not written as RFC 3339 has it"}
	case errors.Is(err, io.EOF):
		return &MalformedError{"the body is empty"}
	}
	return err
}
