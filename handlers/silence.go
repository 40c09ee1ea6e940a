package handlers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// FiringAlerts knows the alerts that fire and are not silenced, by their labels.
type FiringAlerts interface {
	Firing(ctx context.Context) ([]map[string]string, error)
}

// How long a silence lasts: what nobody said, and what may be asked for.
const (
	silenceTime    = 2 * time.Hour
	minSilence     = 5 * time.Minute
	maxSilenceTime = 24 * time.Hour
)

// The parameters of a silence's plan.
const (
	ParamLabels = "labels" // as JSON
	ParamFor    = "for"    // a duration
	ParamBy     = "by"
	ParamWhy    = "why"
)

// silence asks to keep a service's alerts quiet for a while: silence SERVICE|INCIDENT [2h] [WHY] [--alert NAME].
func (d *Desk) silence(ctx context.Context, req Request) error {
	const usage = "silence SERVICE|INCIDENT [2h] [WHY] [--alert NAME]"
	if d.Firing == nil {
		return noOutside(redact.Const("Alertmanager"), redact.Const("Name its address in svcdown.yaml: alerts.alertmanager."))
	}
	svc, err := d.silenced(ctx, &req, usage)
	if err != nil {
		return err
	}
	length := silenceTime
	if len(req.Args) > 0 {
		if asked, err := time.ParseDuration(req.Args[0]); err == nil {
			length, req.Args = asked, req.Args[1:]
		}
	}
	if length < minSilence || length > maxSilenceTime {
		return &Problem{Code: "limit", Text: redact.F("A silence lasts from %s to %s, not %s; nothing was done.", minSilence, maxSilenceTime, length)}
	}
	why := oneLine(strings.Join(req.Args, " "))
	if req.Flags["why"] == "" {
		req.Flags["why"] = why
	}
	firing, err := d.Firing.Firing(ctx)
	if err != nil {
		return &Problem{Code: "alertmanager", Err: err, Text: redact.F("I could not ask what fires: %v. Nothing was done.", err), Next: redact.Const("Silence it in Alertmanager itself.")}
	}
	labels, count, err := silenceLabels(d.Catalog().Sorting(), svc.Name, req.Flags["alert"], firing)
	if err != nil {
		return err
	}
	return d.ask(ctx, req, wish{action: catalog.Silence, svc: svc, plan: func(Cluster, catalog.Policy, string) (plan.Plan, error) {
		return silencePlan(svc, labels, count, length, req.Actor.Name(), oneLine(req.Flags["why"]), d.Now())
	}})
}

// silenced finds the service that is meant, by its name or by an incident.
func (d *Desk) silenced(ctx context.Context, req *Request, usage string) (catalog.Service, error) {
	if len(req.Args) == 0 || looksLikeIncident(req.Args[0]) {
		i, err := d.which(ctx, req, usage)
		if err != nil {
			return catalog.Service{}, err
		}
		svc, ok := d.Catalog().Service(i.Service)
		if !ok {
			return catalog.Service{}, &Problem{Code: "service", Text: redact.F("%s is of no service of svcdown.yaml, so no policy covers its silence and nothing was done.", i.ID), Next: redact.Const("Silence it in Alertmanager itself.")}
		}
		return svc, nil
	}
	svc, err := d.service(*req, usage)
	if err == nil {
		req.Args = req.Args[1:]
	}
	return svc, err
}

// silenceLabels finds the labels that the service's firing alerts have in common, and how many these are. A silence by them that would also keep
// an alert of something else quiet is refused.
func silenceLabels(sorting *catalog.Sorting, service, alert string, firing []map[string]string) (labels map[string]string, count int, err error) {
	ours := func(l map[string]string) bool {
		return sorting.Meaning(l).Service == service && (alert == "" || l["alertname"] == alert)
	}
	for _, l := range firing {
		if !ours(l) {
			continue
		}
		count++
		if labels == nil {
			labels = maps.Clone(l)
			continue
		}
		maps.DeleteFunc(labels, func(name, value string) bool { return l[name] != value })
	}
	if count == 0 {
		return nil, 0, &Problem{Code: "nothing", Text: redact.F("No alert of %s fires that is not silenced already, so nothing was done.", service), Next: redact.Const("An alert is silenced while it fires.")}
	}
	others := 0
	for _, l := range firing {
		if !ours(l) && covers(labels, l) {
			others++
		}
	}
	if len(labels) == 0 || others > 0 {
		return nil, 0, &Problem{Code: "too-wide", Text: redact.F("The %s of %s have so little in common that a silence would also keep %s of other things quiet, so nothing was done.", counted(count, "alert"), service, counted(others, "alert")),
			Next: redact.Const("Name one with --alert NAME.")}
	}
	return labels, count, nil
}

func covers(silence, alert map[string]string) bool {
	for name, value := range silence {
		if alert[name] != value {
			return false
		}
	}
	return true
}

func silencePlan(svc catalog.Service, labels map[string]string, count int, length time.Duration, by, why string, now time.Time) (plan.Plan, error) {
	raw, err := json.Marshal(labels)
	if err != nil {
		return plan.Plan{}, fmt.Errorf("plan a silence: %w", err)
	}
	p, err := outsidePlan(catalog.Silence, svc, "Alertmanager", "Silence", svc.Name, map[string]string{ParamLabels: string(raw), ParamFor: length.String(), ParamBy: by, ParamWhy: why}, now)
	if err != nil {
		return plan.Plan{}, err
	}
	var matchers, words []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		matchers = append(matchers, fmt.Sprintf("%s=%q", name, labels[name]))
		words = append(words, k8sops.Quoted(fmt.Sprintf("%s=%q", name, labels[name])))
	}
	p.Diff = lines(fmt.Sprintf("no notification for %s\nof alerts with %s", incident.Span(length), strings.Join(matchers, ", ")))
	p.Warnings = []redact.Text{redact.F("It keeps %s quiet that fire now, and every later one with these labels.", counted(count, "alert")), redact.Const("It ends by itself; earlier in Alertmanager.")}
	p.Command = "amtool silence add --duration=" + length.String() + " --comment=" + k8sops.Quoted(why) + " " + strings.Join(words, " ")
	return p, nil
}

// errNoPlan is the defect of a plan that was not made here.
var errNoPlan = errors.New("the plan has no parameters of this change")

// SilenceOf reads the plan of a silence.
func SilenceOf(p plan.Plan) (labels map[string]string, length time.Duration, err error) {
	if err := json.Unmarshal([]byte(p.Params[ParamLabels]), &labels); err != nil || len(labels) == 0 {
		return nil, 0, errNoPlan
	}
	length, err = time.ParseDuration(p.Params[ParamFor])
	if err != nil || length < minSilence || length > maxSilenceTime {
		return nil, 0, errNoPlan
	}
	return labels, length, nil
}
