package catalog

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Alerts says what the alerts of the monitoring mean here. Without it an alert belongs to the service that its label "service" names.
type Alerts struct {
	// Rules are asked in order; each of Service, Severity, Runbook and GroupBy comes from the first rule that fits.
	Rules []AlertRule `yaml:"rules"`
	// ServiceLabels are the labels whose value names a service or an alias, where the rule does not; default "service".
	ServiceLabels []string `yaml:"serviceLabels"`
	// Severities are values of the label "severity", where the rule says none; default critical 1, error 2, warning 3, info 4.
	Severities []AlertSeverity `yaml:"severities"`
	// Alertmanager is the address of the Alertmanager at which silences are made, "" for none.
	Alertmanager string `yaml:"alertmanager"`
}

// AlertRule says what the alerts mean that all its matchers fit.
type AlertRule struct {
	// Match are matchers as Alertmanager writes them: name="value", name!="value", name=~"regex", name!~"regex". A regular expression fits
	// the whole value; a label that is not there has the value "". https://prometheus.io/docs/alerting/latest/configuration/#matcher
	Match    []string `yaml:"match"`
	Service  string   `yaml:"service"`  // "" takes it from the labels
	Severity int      `yaml:"severity"` // 1 (worst) to 4; 0 takes it from the labels
	Runbook  string   `yaml:"runbook"`
	// GroupBy are labels that, beside the service, tell incidents apart. Empty means one incident for the service.
	GroupBy []string `yaml:"groupBy"`
}

// AlertSeverity gives one value of the label "severity" its number.
type AlertSeverity struct {
	Label    string `yaml:"label"`
	Severity int    `yaml:"severity"`
}

// Meaning is what an alert's labels say.
type Meaning struct {
	// Service is a name of the catalogue, "" when none of it is meant.
	Service string
	// Named is what the labels call the service when the catalogue does not know it: text of others.
	Named    string
	Severity int // 1 to 4
	Runbook  string
	// Group is the same for alerts that belong into one incident, of at most 200 bytes; "" leaves it to the service, or to the alert's name
	// where none is known.
	Group string
}

// The bounds and defaults of what alerts mean.
const (
	DefaultAlertSeverity = 3
	maxGroup             = 200
)

var defaultSeverities = []AlertSeverity{{"critical", 1}, {"page", 1}, {"error", 2}, {"major", 2}, {"warning", 3}, {"minor", 3}, {"info", 4}, {"none", 4}}

// Sorting is the rules of a catalogue, ready to be asked. It is safe for concurrent use.
type Sorting struct {
	catalog *Catalog
	rules   []sortingRule
}

type sortingRule struct {
	AlertRule
	match []matcher
}

type matcher struct {
	label, value string
	is           *regexp.Regexp // nil: the value itself
	not          bool
}

// Sorting makes the rules of c ready.
func (c *Catalog) Sorting() *Sorting {
	s := &Sorting{catalog: c}
	for _, r := range c.Alerts.Rules {
		ready := sortingRule{AlertRule: r}
		for _, text := range r.Match {
			if m, why := readMatcher(text); why == "" { // Parse refused all others
				ready.match = append(ready.match, m)
			}
		}
		if len(ready.match) == len(r.Match) {
			s.rules = append(s.rules, ready)
		}
	}
	return s
}

// Meaning says what an alert with these labels means. It never fails: what nothing is known about has Service "".
func (s *Sorting) Meaning(labels map[string]string) Meaning {
	var m Meaning
	var groupBy []string
	for _, r := range s.rules {
		if slices.ContainsFunc(r.match, func(m matcher) bool { return !m.fits(labels) }) {
			continue
		}
		m.Service, m.Severity, m.Runbook = cmp.Or(m.Service, r.Service), cmp.Or(m.Severity, r.Severity), cmp.Or(m.Runbook, r.Runbook)
		if len(groupBy) == 0 {
			groupBy = r.GroupBy
		}
	}
	if svc, ok := s.catalog.Service(m.Service); ok {
		m.Service = svc.Name
	} else {
		m.Service, m.Named = s.named(labels)
	}
	if m.Severity == 0 {
		m.Severity = s.severity(labels["severity"])
	}
	if m.Service == "" && m.Named != "" {
		m.Group = "unknown " + m.Named
	}
	if len(groupBy) > 0 {
		m.Group = cmp.Or(m.Service, m.Group, labels["alertname"])
		for _, l := range groupBy {
			m.Group += " " + l + "=" + labels[l]
		}
	}
	m.Group = strings.ToValidUTF8(m.Group[:min(len(m.Group), maxGroup)], "")
	return m
}

// named finds the service that a label names; the first label that names anything is what it is called otherwise.
func (s *Sorting) named(labels map[string]string) (service, called string) {
	names := s.catalog.Alerts.ServiceLabels
	if len(names) == 0 {
		names = []string{"service"}
	}
	for _, l := range names {
		if svc, ok := s.catalog.Service(labels[l]); ok {
			return svc.Name, ""
		}
		called = cmp.Or(called, labels[l])
	}
	return "", called
}

func (s *Sorting) severity(label string) int {
	for _, all := range [][]AlertSeverity{s.catalog.Alerts.Severities, defaultSeverities} {
		for _, v := range all {
			if strings.EqualFold(v.Label, label) {
				return v.Severity
			}
		}
	}
	return DefaultAlertSeverity
}

func (m matcher) fits(labels map[string]string) bool {
	v := labels[m.label]
	if m.is != nil {
		return m.is.MatchString(v) != m.not
	}
	return (v == m.value) != m.not
}

var matcherForm = regexp.MustCompile(`^\s*([a-zA-Z_][a-zA-Z0-9_]*)\s*(=~|!~|!=|=)\s*(.*?)\s*$`)

// readMatcher reads name="value" and its like; why says what is wrong with it.
func readMatcher(text string) (m matcher, why string) {
	parts := matcherForm.FindStringSubmatch(text)
	if parts == nil {
		return matcher{}, "it has no label, or none of =, !=, =~, !~"
	}
	value := parts[3]
	if strings.HasPrefix(value, `"`) {
		unquoted, err := strconv.Unquote(value)
		if err != nil {
			return matcher{}, "its value is not quoted to the end"
		}
		value = unquoted
	}
	m = matcher{label: parts[1], value: value, not: parts[2][0] == '!'}
	if strings.HasSuffix(parts[2], "~") {
		is, err := regexp.Compile("^(?s:" + value + ")$")
		if err != nil {
			return matcher{}, "its regular expression is none: " + err.Error()
		}
		m.is = is
	}
	return m, ""
}

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

func (d *document) checkAlerts(c *Catalog) {
	const labelFix = "use letters, digits and _, and do not begin with a digit"
	services := namesOf(c.Services, func(s Service) string { return s.Name })
	for i, r := range c.Alerts.Rules {
		path := fmt.Sprintf("alerts.rules[%d]", i)
		d.needList(path+".match", len(r.Match), `write "match: ['alertname=\"ServiceDown\"']"; a rule without one would fit every alert`)
		for j, text := range r.Match {
			at := fmt.Sprintf("%s.match[%d]", path, j)
			if _, why := readMatcher(text); why != "" {
				d.refuse(at, fmt.Sprintf("%s: %q is no matcher: %s", at, clip(text), clip(why)), `write it as Alertmanager does: 'team="shop"' or 'alertname=~"Service.*"'`)
			}
		}
		if r.Service != "" {
			d.known(path+".service", "service", r.Service, services)
		}
		d.checkSeverity(path+".severity", r.Severity, true)
		d.optional(path+".runbook", r.Runbook, typed, "the name of a runbook", nameFix)
		for j, l := range r.GroupBy {
			d.need(fmt.Sprintf("%s.groupBy[%d]", path, j), l, labelName, "a label", labelFix)
		}
		if r.Service == "" && r.Severity == 0 && r.Runbook == "" && len(r.GroupBy) == 0 && !d.reported(path) {
			d.refuse(path, path+" says nothing about the alerts that it fits", "give it a service, a severity, a runbook or groupBy, or delete it")
		}
	}
	for i, l := range c.Alerts.ServiceLabels {
		d.need(fmt.Sprintf("alerts.serviceLabels[%d]", i), l, labelName, "a label", labelFix)
	}
	if c.Alerts.Alertmanager != "" {
		d.checkURL("alerts.alertmanager", c.Alerts.Alertmanager)
	}
	seen := d.unique()
	for i, s := range c.Alerts.Severities {
		path := fmt.Sprintf("alerts.severities[%d]", i)
		if d.need(path+".label", s.Label, anything, "a value", "write the value of the label severity, such as critical") {
			seen(path+".label", s.Label)
		}
		d.checkSeverity(path+".severity", s.Severity, false)
	}
}

var anything = regexp.MustCompile(`.`)

func (d *document) checkSeverity(path string, n int, absent bool) {
	if n == 0 && absent || d.reported(path) || n >= 1 && n <= 4 {
		return
	}
	d.refuse(path, fmt.Sprintf("%s must be from 1 (worst) to 4, not %d", path, n), "write 1, 2, 3 or 4")
}
