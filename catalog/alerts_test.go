package catalog_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
)

func TestAlertsAreSortedByTheirLabels(t *testing.T) {
	t.Parallel()
	c := &catalog.Catalog{
		Services: []catalog.Service{{Name: "backend", Aliases: []string{"api"}}, {Name: "redis"}},
		Alerts: catalog.Alerts{
			ServiceLabels: []string{"service", "app"},
			Severities:    []catalog.AlertSeverity{{Label: "sev0", Severity: 1}, {Label: "warning", Severity: 2}},
			Rules: []catalog.AlertRule{
				{Match: []string{`alertname="RedisDown"`}, Service: "redis", Severity: 1, Runbook: "service-down"},
				{Match: []string{`region=~"eu-.+"`, `team!="test"`}, GroupBy: []string{"region"}},
				{Match: []string{`alertname!~"Info.*"`, `env=`}, Runbook: "high-error-rate"},
			},
		},
	}
	type labels map[string]string
	for name, tc := range map[string]struct {
		labels labels
		want   catalog.Meaning
	}{
		"a rule names the service":                      {labels{"alertname": "RedisDown", "service": "backend", "env": "x"}, catalog.Meaning{Service: "redis", Severity: 1, Runbook: "service-down"}},
		"a label names it by its alias, in any case":    {labels{"alertname": "Slow", "service": "API"}, catalog.Meaning{Service: "backend", Severity: 3, Runbook: "high-error-rate"}},
		"the second label stands in for the first":      {labels{"alertname": "InfoX", "service": "nobody", "app": "redis"}, catalog.Meaning{Service: "redis", Severity: 3}},
		"severities of the file before those of ours":   {labels{"alertname": "InfoX", "service": "redis", "severity": "Warning"}, catalog.Meaning{Service: "redis", Severity: 2}},
		"a severity that only we know":                  {labels{"alertname": "InfoX", "service": "redis", "severity": "critical"}, catalog.Meaning{Service: "redis", Severity: 1}},
		"a group of its own for each region":            {labels{"alertname": "InfoX", "service": "redis", "region": "eu-1"}, catalog.Meaning{Service: "redis", Severity: 3, Group: "redis region=eu-1"}},
		"a regular expression fits the whole value":     {labels{"alertname": "InfoX", "service": "redis", "region": "xeu-1"}, catalog.Meaning{Service: "redis", Severity: 3}},
		"a negative matcher that does not fit":          {labels{"alertname": "InfoX", "service": "redis", "region": "eu-1", "team": "test"}, catalog.Meaning{Service: "redis", Severity: 3}},
		"an unknown service keeps its name apart":       {labels{"alertname": "InfoX", "service": "<!channel> `x`"}, catalog.Meaning{Named: "<!channel> `x`", Severity: 3, Group: "unknown <!channel> `x`"}},
		"no service at all is grouped by the alert":     {labels{"alertname": "InfoX"}, catalog.Meaning{Severity: 3}},
		"no labels at all":                              {labels{}, catalog.Meaning{Severity: 3, Runbook: "high-error-rate"}},
		"an absent label has the empty value in a rule": {labels{"alertname": "X", "service": "redis", "env": "prod"}, catalog.Meaning{Service: "redis", Severity: 3}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(tc.want, c.Sorting().Meaning(tc.labels)); diff != "" {
				t.Errorf("meaning (-want +got):\n%s", diff)
			}
		})
	}
}

func TestALongNameMakesNoLongGroup(t *testing.T) {
	t.Parallel()
	m := (&catalog.Catalog{}).Sorting().Meaning(map[string]string{"service": strings.Repeat("ä", 5000)})
	if len(m.Group) > 200 || !strings.HasPrefix(m.Group, "unknown ä") {
		t.Errorf("got a group of %d bytes: %.40q", len(m.Group), m.Group)
	}
}

func TestTheWatchOfHealthURLsHasDefaults(t *testing.T) {
	t.Parallel()
	const file = `slack: {team: T01}
clusters: [{name: eu}]
services:
  - {name: backend, cluster: eu, namespace: prod, workload: {kind: Deployment, name: backend}}
policies:
  - {name: open, actions: ["*"], services: ["*"], approvals: none}
probes: {watch: `
	for name, tc := range map[string]struct {
		written string
		want    catalog.ProbeWatch
	}{
		"nothing said":            {"{of: 5}", catalog.ProbeWatch{Every: catalog.DefaultProbeEvery, Failures: 3, Of: 5}},
		"two of two":              {"{every: 10s, of: 2}", catalog.ProbeWatch{Every: 10e9, Failures: 2, Of: 2}},
		"more failures than five": {"{failures: 7}", catalog.ProbeWatch{Every: catalog.DefaultProbeEvery, Failures: 7, Of: 7}},
	} {
		c, err := catalog.Parse("svcdown.yaml", []byte(file+tc.written+"}\n"))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(&tc.want, c.Probes.Watch); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
