package k8sops

import (
	"context"
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// Describe is kubectl describe as a short summary of our own: what helps in an outage, and the names of environment variables without any value.
// Of several pods the five worst are shown.
type Describe struct {
	Kinds, Names   []string
	Namespace      string
	AllNamespaces  bool
	Labels, Fields string
}

// mostDescribed is how many objects of one kind are described.
const mostDescribed = 10

func (d Describe) read(ctx context.Context, in inquiry) (finding.Report, error) {
	g := Get{Kinds: d.Kinds, Names: d.Names, Namespace: d.Namespace, AllNamespaces: d.AllNamespaces, Labels: d.Labels, Fields: d.Fields}
	kinds, err := in.mappings(ctx, d.Kinds)
	if err != nil {
		return finding.Report{}, err
	}
	var findings []finding.Finding
	var text []string
	out := finding.Report{}
	for _, m := range kinds {
		var namespaces []string
		if m.namespaced {
			if namespaces, err = in.namespaces(d.Namespace, d.AllNamespaces); err != nil {
				return finding.Report{}, err
			}
		}
		o, f := in.look(ctx, g, m, namespaces)
		if m.resource == "pods" && len(o.rows) > 0 {
			f = in.describedPods(ctx, o, f)
		}
		findings = append(findings, f)
		text = append(text, in.describe(ctx, o)...)
		out.Truncated = out.Truncated || len(o.rows) > mostDescribed
	}
	out.Finding = together(findings...)
	out.Finding.Check = "describe " + strings.Join(d.Kinds, ",")
	raw, cut := printed(strings.Join(text, "\n\n"), false)
	out.Raw, out.Truncated = raw, out.Truncated || cut
	return out, nil
}

// describe writes the summaries of the objects, the worst pods first.
func (in inquiry) describe(ctx context.Context, o objects) []string {
	var out []string
	switch o.group + "/" + o.resource {
	case "/pods":
		views := viewPods(decoded[corev1.Pod](o), in.c.o.Now())
		for _, v := range views[:min(len(views), worst)] {
			out = append(out, in.podText(v)+in.eventsText(ctx, v.pod.Namespace, "Pod", v.pod.Name))
		}
		return out
	case "/nodes":
		nodes := decoded[corev1.Node](o)
		slices.SortStableFunc(nodes, func(a, b *corev1.Node) int {
			_, _, x := judgeNode(a)
			_, _, y := judgeNode(b)
			if x.Worse(y) {
				return -1
			}
			if y.Worse(x) {
				return 1
			}
			return 0
		})
		for _, n := range nodes[:min(len(nodes), mostDescribed)] {
			out = append(out, nodeText(n))
		}
		return out
	}
	for _, r := range o.rows[:min(len(o.rows), mostDescribed)] {
		out = append(out, o.objectText(r)+in.eventsText(ctx, r.namespace, o.kind, r.name))
	}
	return out
}

// describedPods says of the worst pod why it is not ready and how its container ended last.
func (in inquiry) describedPods(ctx context.Context, o objects, f finding.Finding) finding.Finding {
	views := viewPods(decoded[corev1.Pod](o), in.c.o.Now())
	if len(views) == 0 {
		return f
	}
	v, now := views[0], in.c.o.Now()
	p := v.pod
	why := redact.Join(": ", redact.Clean(v.reason), v.detail.Short(200))
	switch {
	case v.gone:
		f.Line = redact.F("pod %s is %s", p.Name, why)
	case v.kind == "" && v.ready:
		f.Line = redact.F("pod %s is ready on node %s since %s", p.Name, p.Spec.NodeName, clock(readySince(p), now))
	default:
		f.Line = redact.F("pod %s is not ready", p.Name)
		if !v.since.IsZero() {
			f.Line = redact.F("%s since %s", f.Line, clock(v.since, now))
		}
		f.Line = redact.F("%s: %s", f.Line, why)
		if c := condition(p, corev1.PodReady); v.kind == finding.NotReady && c != nil && c.Message != "" {
			f.Line = redact.F("%s (%s)", f.Line, oneLine(c.Message)).Short(300)
		}
		f.Line = redact.Join("; ", f.Line, in.lastWarning(ctx, p))
	}
	if last := lastEnd(p); last != nil {
		f.Line = redact.F("%s; last ended at %s with %s, %d restarts", f.Line, clock(last.FinishedAt.Time, now), exit(last), v.restarts)
	}
	if len(views) > 1 {
		f.Line = redact.F("%s (the worst of %d pods)", f.Line, len(views))
	}
	return f
}

// lastWarning is the newest current warning about a pod: the probe's answer, the scheduler's reason, the volume that does not come.
func (in inquiry) lastWarning(ctx context.Context, p *corev1.Pod) redact.Text {
	now := in.c.o.Now()
	events, err := readLive[*corev1.Event](ctx, in.c, scope{resource: "events", namespace: p.Namespace, field: "type=Warning,involvedObject.name=" + p.Name})
	if err != nil {
		return redact.Text{} // the finding stands without it
	}
	groups := groupEvents(warningsOf(events.items), concerned{everything: true})
	if len(groups) == 0 || now.Sub(groups[0].last) > current {
		return redact.Text{}
	}
	return redact.F("%s %d×: %s", groups[0].reason, groups[0].times, redact.Clean(groups[0].message).Short(200))
}

func lastEnd(p *corev1.Pod) *corev1.ContainerStateTerminated {
	var last *corev1.ContainerStateTerminated
	for _, s := range statuses(p) {
		for _, t := range []*corev1.ContainerStateTerminated{s.LastTerminationState.Terminated, s.State.Terminated} {
			if t != nil && t.ExitCode != 0 && (last == nil || t.FinishedAt.After(last.FinishedAt.Time)) {
				last = t
			}
		}
	}
	return last
}

func (in inquiry) eventsText(ctx context.Context, namespace, kind, name string) string {
	if namespace == "" {
		return "" // those of cluster-wide objects are in a namespace that svcdown does not read
	}
	found, err := readLive[*corev1.Event](ctx, in.c, scope{resource: "events", namespace: namespace, field: "involvedObject.kind=" + kind + ",involvedObject.name=" + name})
	switch {
	case err != nil:
		return "Events:         " + unread(in.at.Service, err).Line.String() + "\n"
	case len(found.items) == 0:
		return "Events:         <none>\n"
	}
	newestLast(found.items)
	lines := [][]string{{"  Last", "Type", "Reason", "Message"}}
	for _, e := range found.items[max(0, len(found.items)-evidenceRows):] {
		lines = append(lines, []string{"  " + seen(e, in.c.o.Now()), e.Type, e.Reason, cellText(strings.TrimSpace(e.Message))})
	}
	return "Events:\n" + aligned(lines)
}

// objectText summarises an object of any kind: who it is, its conditions, its spec and status.
func (o objects) objectText(r row) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Name:           %s\n", r.name)
	if r.namespace != "" {
		fmt.Fprintf(&b, "Namespace:      %s\n", r.namespace)
	}
	fmt.Fprintf(&b, "Kind:           %s\nLabels:         %s\n", o.kind, labelsText(r.labels))
	for _, part := range []string{"spec", "data", "status"} {
		v, there := r.object[part]
		if !there {
			continue
		}
		text, err := yaml.Marshal(v)
		if err != nil {
			continue
		}
		if len(text) > 4<<10 {
			text = append([]byte(strings.ToValidUTF8(string(text[:4<<10]), "")), "\n…\n"...)
		}
		fmt.Fprintf(&b, "%s:\n", strings.ToUpper(part[:1])+part[1:])
		for line := range strings.SplitSeq(strings.TrimSuffix(string(text), "\n"), "\n") {
			fmt.Fprintf(&b, "  %s\n", line)
		}
	}
	return b.String()
}
