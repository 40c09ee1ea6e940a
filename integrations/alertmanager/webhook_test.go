package alertmanager_test

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/integrations/alertmanager"
)

func shop() *catalog.Sorting {
	return (&catalog.Catalog{Services: []catalog.Service{{Name: "backend", Aliases: []string{"api"}}}}).Sorting()
}

// payload is what Alertmanager 0.25 posts, with an alert that fires, one that is over and two that it left out.
const payload = `{"receiver":"bot","status":"firing","alerts":[
{"status":"firing","labels":{"alertname":"ServiceDown","service":"api","severity":"critical","pod":"backend-1"},"annotations":{"summary":"down"},
 "startsAt":"2026-11-24T12:00:00.5Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"http://prometheus/graph","fingerprint":"c0ffee0000000001"},
{"status":"resolved","labels":{"alertname":"Slow","service":"nobody"},"annotations":{},
 "startsAt":"2026-11-24T11:00:00Z","endsAt":"2026-11-24T12:00:00Z","generatorURL":"","fingerprint":"c0ffee0000000002"}],
"groupLabels":{"alertname":"ServiceDown"},"commonLabels":{},"commonAnnotations":{},"externalURL":"http://am:9093",
"version":"4","groupKey":"{}:{alertname=\"ServiceDown\"}","truncatedAlerts":2,"somethingNew":{"a":[1,2]}}`

func TestAWebhookIsReadWhole(t *testing.T) {
	t.Parallel()
	got, err := alertmanager.Read(iotest.OneByteReader(strings.NewReader(payload)), shop().Meaning)
	if err != nil {
		t.Fatal(err)
	}
	const left = "2 more alerts were left out by Alertmanager (webhook_config.max_alerts)"
	want := alertmanager.Batch{Receiver: "bot", Truncated: 2, Alerts: []incident.Alert{
		{
			Fingerprint: "c0ffee0000000001", Status: incident.Firing, Source: "alertmanager", URL: "http://prometheus/graph",
			Labels:      map[string]string{"alertname": "ServiceDown", "service": "api", "severity": "critical", "pod": "backend-1"},
			Annotations: map[string]string{"summary": "down", "truncated": left},
			StartsAt:    time.Date(2026, 11, 24, 12, 0, 0, 5e8, time.UTC), Service: "backend", Severity: 1,
		},
		{
			Fingerprint: "c0ffee0000000002", Status: incident.Recovered, Source: "alertmanager",
			Labels: map[string]string{"alertname": "Slow", "service": "nobody"}, Annotations: map[string]string{"truncated": left},
			StartsAt: time.Date(2026, 11, 24, 11, 0, 0, 0, time.UTC), EndsAt: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
			Severity: 3, Group: "unknown nobody",
		},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("batch (-want +got):\n%s", diff)
	}
}

func TestWhatIsNoWebhookIsSaidToBeNone(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, says string }{
		"nothing":                 {"", "empty"},
		"a list":                  {"[]", "no JSON object"},
		"no JSON":                 {`{"alerts":[}`, "not JSON"},
		"another version":         {`{"version":"5","alerts":[]}`, `version "5"`},
		"no version":              {`{"alerts":[]}`, `version ""`},
		"alerts that are no list": {`{"version":"4","alerts":{}}`, "no list"},
		"labels that are no text": {`{"version":"4","alerts":[{"labels":{"a":1}}]}`, "wrong type"},
		"a time that is none":     {`{"version":"4","alerts":[{"startsAt":"today"}]}`, "RFC 3339"},
		"two objects":             {`{"version":"4","alerts":[]}{}`, "follows"},
	} {
		_, err := alertmanager.Read(strings.NewReader(tc.body), shop().Meaning)
		var bad *alertmanager.MalformedError
		if !errors.As(err, &bad) || !strings.Contains(bad.What, tc.says) {
			t.Errorf("%s: got %v, want a malformed body: %s", name, err, tc.says)
		}
	}
	broken := errors.New("connection reset")
	for name, body := range map[string]io.Reader{
		"a connection that breaks": io.MultiReader(strings.NewReader(`{"alerts":[`), iotest.ErrReader(broken)),
		"a body that ends early":   strings.NewReader(payload[:len(payload)/2]),
	} {
		_, err := alertmanager.Read(body, shop().Meaning)
		var bad *alertmanager.MalformedError
		if err == nil || errors.As(err, &bad) {
			t.Errorf("%s: got %v, want an error that makes the sender try again", name, err)
		}
	}
}

func TestAlertsAreBoundedAndNeverLost(t *testing.T) {
	t.Parallel()
	var labels []string
	for i := range 200 {
		labels = append(labels, fmt.Sprintf(`"l%03d":%q`, i, strings.Repeat("ü", 9000)))
	}
	body := fmt.Sprintf(`{"version":"4","truncatedAlerts":-3,"alerts":[{"labels":{%s}},{"labels":{%s}},{"labels":{"a":"b\u0000"},"status":"weird"},{}]}`, strings.Join(labels, ","), strings.Join(labels, ","))
	b, err := alertmanager.Read(strings.NewReader(body), shop().Meaning)
	if err != nil || len(b.Alerts) != 4 || b.Truncated != 0 {
		t.Fatalf("got %d alerts, %d left out, %v", len(b.Alerts), b.Truncated, err)
	}
	for _, a := range b.Alerts {
		if len(a.Labels) > 64 || a.Fingerprint == "" || a.Status != incident.Firing {
			t.Errorf("got %d labels, fingerprint %q, %s", len(a.Labels), a.Fingerprint, a.Status)
		}
		for _, v := range a.Labels {
			if len(v) > 4096 || strings.ContainsRune(v, 0) {
				t.Errorf("got a value of %d bytes", len(v))
			}
		}
	}
	if b.Alerts[0].Fingerprint != b.Alerts[1].Fingerprint || b.Alerts[1].Fingerprint == b.Alerts[2].Fingerprint {
		t.Error("the same labels have the same fingerprint, others another")
	}
}

// The smallest alerts and labels take many times their text, so that a body within its bound would not fit into the bot.
func TestWhatIsHeldOfABodyIsBounded(t *testing.T) {
	t.Parallel()
	const most, mostLabels = 100_000, 10_000
	held := 0
	meaning := func(labels map[string]string) catalog.Meaning {
		held = max(held, len(labels))
		return catalog.Meaning{}
	}
	var labels strings.Builder
	for i := range 2 * mostLabels {
		fmt.Fprintf(&labels, `"l%d":"x",`, i)
	}
	one := `{"title":"x","labels":{` + labels.String() + `"l0":"last"}}`
	for name, read := range map[string]func(io.Reader, func(map[string]string) catalog.Meaning) (alertmanager.Batch, error){
		"Alertmanager": func(r io.Reader, m func(map[string]string) catalog.Meaning) (alertmanager.Batch, error) {
			return alertmanager.Read(io.MultiReader(strings.NewReader(`{"version":"4",`), r), m)
		},
		"our own form": func(r io.Reader, m func(map[string]string) catalog.Meaning) (alertmanager.Batch, error) {
			return alertmanager.ReadGeneric(io.MultiReader(strings.NewReader(`{`), r), m)
		},
	} {
		held = 0
		b, err := read(strings.NewReader(`"alerts":[`+one+`]}`), meaning)
		if err != nil || len(b.Alerts) != 1 || b.Alerts[0].Labels["l0"] != "last" || held > mostLabels+1 {
			t.Errorf("%s: %d alerts, %d labels were held, %v", name, len(b.Alerts), held, err)
		}
		var bad *alertmanager.MalformedError
		if b, err := read(strings.NewReader(`"alerts":[`+strings.Repeat(`{"title":"x"},`, most)+`{"title":"x"}]}`), meaning); !errors.As(err, &bad) || !strings.Contains(err.Error(), "100000 alerts") {
			t.Errorf("%s: %d alerts were held, %v", name, len(b.Alerts), err)
		}
		if b, err := read(strings.NewReader(`"alerts":[`+strings.Repeat(`{"title":"x"},`, most-1)+`{"title":"x"}]}`), meaning); err != nil || len(b.Alerts) != most {
			t.Errorf("%s: as many as may be: %d, %v", name, len(b.Alerts), err)
		}
	}
}

func TestALabelOfTheWrongTypeIsNamed(t *testing.T) {
	t.Parallel()
	if _, err := alertmanager.Read(strings.NewReader(`{"version":"4","alerts":[{"labels":{"a":"b","team":1}}]}`), shop().Meaning); err == nil || !strings.Contains(err.Error(), `"labels.team" is of the wrong type`) {
		t.Errorf("said %v", err)
	}
}

func TestOurOwnFormIsStrict(t *testing.T) {
	t.Parallel()
	got, err := alertmanager.ReadGeneric(strings.NewReader(`{"alerts":[
		{"id":"check-7","title":"Checkout is down","service":"api","severity":"critical","description":"503 since noon","url":"https://mon/7","startsAt":"2026-11-24T12:00:00Z","labels":{"region":"eu"}},
		{"title":"Slow","status":"resolved","endsAt":"2026-11-24T13:00:00Z"},
		{"title":"Slow"}]}`), shop().Meaning)
	if err != nil {
		t.Fatal(err)
	}
	want := incident.Alert{
		Fingerprint: "generic:check-7", Status: incident.Firing, Source: "generic", URL: "https://mon/7", StartsAt: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC),
		Labels:      map[string]string{"alertname": "Checkout is down", "service": "api", "severity": "critical", "region": "eu"},
		Annotations: map[string]string{"description": "503 since noon"}, Service: "backend", Severity: 1,
	}
	if diff := cmp.Diff(want, got.Alerts[0]); diff != "" {
		t.Errorf("alert (-want +got):\n%s", diff)
	}
	if a, b := got.Alerts[1], got.Alerts[2]; a.Fingerprint != b.Fingerprint || a.Status != incident.Recovered || a.EndsAt.IsZero() {
		t.Errorf("an alert without an ID is known by its labels: %+v, %+v", a, b)
	}
	for name, tc := range map[string]struct{ body, says string }{
		"no alerts":           {`{}`, `no "alerts"`},
		"no title":            {`{"alerts":[{"service":"api"}]}`, `alerts[0] has no "title"`},
		"an unknown field":    {`{"alerts":[{"title":"x"},{"title":"x","colour":"red"}]}`, `alerts[1] has an unknown field "colour"`},
		"an unknown status":   {`{"alerts":[{"title":"x","status":"open"}]}`, `"open"`},
		"a label of a number": {`{"alerts":[{"title":"x","labels":{"a":1}}]}`, "wrong type"},
	} {
		_, err := alertmanager.ReadGeneric(strings.NewReader(tc.body), shop().Meaning)
		var bad *alertmanager.MalformedError
		if !errors.As(err, &bad) || !strings.Contains(bad.What, tc.says) {
			t.Errorf("%s: got %v, want %s", name, err, tc.says)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(payload)
	f.Add(`{"alerts":[{"title":"x"}]}`)
	f.Add(`{"version":"4","alerts":null}`)
	f.Fuzz(func(t *testing.T, body string) {
		for _, read := range []func(io.Reader, func(map[string]string) catalog.Meaning) (alertmanager.Batch, error){alertmanager.Read, alertmanager.ReadGeneric} {
			b, err := read(strings.NewReader(body), shop().Meaning)
			if err != nil {
				continue
			}
			for _, a := range b.Alerts {
				if a.Fingerprint == "" || a.Status == "" || a.Severity < 1 || a.Severity > 4 || len(a.Group) > 210 {
					t.Errorf("got an alert that nobody can place: %+v", a)
				}
			}
		}
	})
}
