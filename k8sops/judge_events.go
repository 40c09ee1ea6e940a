package k8sops

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// mostEvents is how many events one answer holds, the newest.
const mostEvents = 2000

// readEvents reads events, each namespace whole: they have no watch cache, and only a whole list can be put in order.
func (in inquiry) readEvents(ctx context.Context, namespaces []string, labels, fields string) ([]*corev1.Event, error) {
	var all []*corev1.Event
	for _, ns := range namespaces {
		f, err := readLive[*corev1.Event](ctx, in.c, scope{resource: "events", namespace: ns, label: labels, field: fields})
		if err != nil {
			return nil, err
		}
		all = append(all, f.items...)
	}
	return all, nil
}

// newestLast orders events by when they were last seen: kubectl's --sort-by=.lastTimestamp puts a series in the wrong place.
func newestLast(all []*corev1.Event) {
	slices.SortStableFunc(all, func(a, b *corev1.Event) int { return eventTime(a).Compare(eventTime(b)) })
}

func (in inquiry) lookAtEvents(ctx context.Context, g Get, namespaces []string) (objects, finding.Finding) {
	o := objects{mapping: knownKinds["events"]}
	all, err := in.readEvents(ctx, namespaces, g.Labels, g.Fields)
	if err != nil {
		o.unread = true
		return o, unread(in.at.Service, err)
	}
	f := in.judgeEventList(ctx, all)
	byTime := strings.Contains(g.SortBy, "lastTimestamp") || strings.Contains(g.SortBy, "eventTime")
	if len(all) > mostEvents || byTime {
		if len(all) > mostEvents {
			f.Line = redact.F("%s (the newest %d of %d events are in the output)", f.Line, mostEvents, len(all))
			o.truncated = true
		}
		newestLast(all)
		all = all[max(0, len(all)-mostEvents):]
	}
	o.columns = []column{{name: "Last Seen"}, {name: "Type"}, {name: "Reason"}, {name: "Object"}, {name: "Subobject", wide: true}, {name: "Source", wide: true},
		{name: "Message"}, {name: "First Seen", wide: true}, {name: "Count", wide: true}, {name: "Name", wide: true}}
	whole := g.Output != "" && g.Output != "wide" || g.SortBy != "" && !byTime
	for _, e := range all {
		o.rows = append(o.rows, o.eventRow(e, whole, in.c.o.Now()))
	}
	if g.SortBy != "" && !byTime {
		if err := o.sortBy(g.SortBy); err != nil {
			return o, unread(in.at.Service, err)
		}
	}
	return o, f
}

// eventRow prints an event as the API server does (k8s.io/kubernetes v1.37, pkg/printers/internalversion).
func (o objects) eventRow(e *corev1.Event, whole bool, now time.Time) row {
	first := since(e.FirstTimestamp.Time, now)
	if e.FirstTimestamp.IsZero() {
		first = since(e.EventTime.Time, now)
	}
	last := since(e.LastTimestamp.Time, now)
	if e.LastTimestamp.IsZero() {
		last = first
	}
	count := e.Count
	if e.Series != nil {
		last, count = since(e.Series.LastObservedTime.Time, now), e.Series.Count
	} else if count == 0 {
		count = 1
	}
	target := strings.ToLower(e.InvolvedObject.Kind)
	if e.InvolvedObject.Name != "" {
		target += "/" + e.InvolvedObject.Name
	}
	r := row{namespace: e.Namespace, name: e.Name, labels: e.Labels, cells: []any{
		last, e.Type, e.Reason, target, e.InvolvedObject.FieldPath, eventSource(e), strings.TrimSpace(e.Message), first, count, e.Name}}
	if whole {
		e.TypeMeta = metav1.TypeMeta{Kind: "Event", APIVersion: "v1"}
		if raw, err := json.Marshal(e); err == nil {
			r.raw, r.object = raw, concealed(o.mapping, raw)
		}
	}
	return r
}

func since(t, now time.Time) string {
	if t.IsZero() {
		return "<unknown>"
	}
	return duration.HumanDuration(now.Sub(t))
}

func eventSource(e *corev1.Event) string {
	component, host := e.Source.Component, e.Source.Host
	if component == "" {
		component, host = e.ReportingController, e.ReportingInstance
	}
	if host == "" {
		return component
	}
	return fmt.Sprintf("%s, %s", component, host)
}

// concernedBy is what belongs to the service, so that its events can be told from those of others.
func (in inquiry) concernedBy(ctx context.Context) (concerned, bool) {
	m := in.mine(ctx)
	if !m.known {
		return concerned{}, false
	}
	pods := begin(func() (found[*corev1.Pod], error) { return in.c.podsOf(ctx, m.workload) })
	about := concerned{objects: map[object]bool{{m.kind, m.meta.Name}: true, {"Service", in.at.Service.KubernetesService}: true}}
	if m.kind == "Deployment" {
		sets, _ := in.c.replicaSetsOf(ctx, m.workload) // without them the others' events still count
		mine, _ := pods.get(ctx)
		about.add(m.workload, sets, mine.items)
		return about, true
	}
	mine, _ := pods.get(ctx)
	about.add(m.workload, nil, mine.items)
	return about, true
}

// judgeEventList counts the warnings of the last 15 minutes and names the worst; those of the service's own objects come first.
func (in inquiry) judgeEventList(ctx context.Context, all []*corev1.Event) finding.Finding {
	now := in.c.o.Now()
	groups := groupEvents(warningsOf(all), concerned{everything: true})
	f := finding.Finding{Status: finding.OK, Line: redact.F("%d events, no warning among them", len(all))}
	if len(all) == 0 {
		f.Line = redact.Const("no events")
	}
	if len(groups) == 0 {
		return f
	}
	kinds, times := 0, 0
	for _, g := range groups {
		if now.Sub(g.last) <= current {
			kinds, times = kinds+1, times+g.times
		}
	}
	f.Evidence = []finding.Evidence{warningTable(groups, now)}
	if kinds == 0 {
		f.Line = redact.F("no warning events since %s, the last was %s on %s", clock(groups[0].last, now), groups[0].reason, on(groups[0]))
		return f
	}
	f.Status = finding.Warn
	worst := groups[0]
	if about, ok := in.concernedBy(ctx); ok {
		f.Signals = judgeEvents(warningsOf(all), about, now).Signals
		if i := slices.IndexFunc(groups, func(g eventGroup) bool { return now.Sub(g.last) <= current && about.hasPath(g.newest) }); i >= 0 {
			worst = groups[i]
		}
	}
	f.Line = redact.F("%d warnings of %d kinds in the last 15 minutes; %s %d× on %s, last at %s: %s",
		times, kinds, worst.reason, worst.times, on(worst), clock(worst.last, now), redact.Clean(worst.message).Short(160))
	return f
}

func (c concerned) hasPath(ref string) bool {
	kind, name, _ := strings.Cut(ref, "/")
	return c.has(kind, name)
}

// Events is kubectl events: newest last, of everything in a namespace or of one object.
type Events struct {
	Namespace     string
	AllNamespaces bool
	For           string // KIND/NAME, "" for everything
	Types         string // "Warning", "Normal", both with a comma; "" for both
	NoHeaders     bool
}

func (e Events) read(ctx context.Context, in inquiry) (finding.Report, error) {
	namespaces, err := in.namespaces(e.Namespace, e.AllNamespaces)
	if err != nil {
		return finding.Report{}, err
	}
	fields := ""
	if e.For != "" {
		kind, name, ok := strings.Cut(e.For, "/")
		if !ok {
			return finding.Report{}, &Error{Kind: Invalid, Op: "read events", Message: redact.F("--for takes KIND/NAME, not %q.", e.For)}
		}
		m, err := in.mapping(ctx, pluralOf(kind))
		if err != nil {
			return finding.Report{}, err
		}
		fields = "involvedObject.kind=" + m.kind + ",involvedObject.name=" + name
	}
	all, err := in.readEvents(ctx, namespaces, "", fields)
	if err != nil {
		return finding.Report{}, err
	}
	if e.Types != "" {
		types := strings.Split(strings.ToLower(e.Types), ",")
		all = slices.DeleteFunc(all, func(v *corev1.Event) bool { return !slices.Contains(types, strings.ToLower(v.Type)) })
	}
	newestLast(all)
	out := finding.Report{Finding: in.judgeEventList(ctx, all)}
	out.Finding.Check = "events"
	out.Truncated = len(all) > mostEvents
	var lines [][]string
	if !e.NoHeaders && len(all) > 0 {
		lines = append(lines, []string{"LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"})
		if e.AllNamespaces {
			lines[0] = append([]string{"NAMESPACE"}, lines[0]...)
		}
	}
	o := objects{mapping: knownKinds["events"]}
	for _, v := range all[max(0, len(all)-mostEvents):] {
		cells := o.eventRow(v, false, in.c.o.Now()).cells
		line := []string{cellText(seen(v, in.c.o.Now())), cellText(v.Type), cellText(v.Reason), cellText(v.InvolvedObject.Kind + "/" + v.InvolvedObject.Name), cellText(cells[6])}
		if e.AllNamespaces {
			line = append([]string{v.Namespace}, line...)
		}
		lines = append(lines, line)
	}
	raw, cut := printed(aligned(lines), true)
	out.Raw, out.Truncated = raw, out.Truncated || cut
	return out, nil
}

// seen is kubectl's own "12s (x5 over 3m)".
func seen(e *corev1.Event, now time.Time) string {
	first := e.FirstTimestamp.Time
	if first.IsZero() {
		first = e.EventTime.Time
	}
	switch {
	case e.Series != nil:
		return fmt.Sprintf("%s (x%d over %s)", since(e.Series.LastObservedTime.Time, now), e.Series.Count, since(first, now))
	case e.Count > 1:
		return fmt.Sprintf("%s (x%d over %s)", since(e.LastTimestamp.Time, now), e.Count, since(first, now))
	default:
		return since(first, now)
	}
}

// pluralOf is the plural of a kind as people write it before a slash.
func pluralOf(kind string) string {
	kind = strings.ToLower(kind)
	if full, ok := shortKinds[kind]; ok {
		return full
	}
	for plural, m := range knownKinds {
		if strings.ToLower(m.kind) == kind || plural == kind {
			return plural
		}
	}
	return kind
}

var shortKinds = map[string]string{
	"po": "pods", "svc": "services", "ep": "endpoints", "ev": "events", "cm": "configmaps", "sa": "serviceaccounts", "pvc": "persistentvolumeclaims",
	"pv": "persistentvolumes", "rc": "replicationcontrollers", "quota": "resourcequotas", "limits": "limitranges", "no": "nodes", "ns": "namespaces",
	"deploy": "deployments", "sts": "statefulsets", "ds": "daemonsets", "rs": "replicasets", "cj": "cronjobs", "hpa": "horizontalpodautoscalers",
	"pdb": "poddisruptionbudgets", "netpol": "networkpolicies", "ing": "ingresses", "sc": "storageclasses", "pc": "priorityclasses", "crd": "customresourcedefinitions",
}
