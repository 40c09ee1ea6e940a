package k8sops

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// PodLogs is kubectl logs. Of a workload it reads the pod that is worst off where kubectl takes any one, of a selector the five worst, and of
// a pod the container that is wrong where none is named and none is the default.
type PodLogs struct {
	Namespace string
	// Kind is the plural of what Name is: pods, or something that has pods. Both are "" when Labels choose.
	Kind, Name, Labels           string
	Container                    string
	AllContainers, AllPods       bool
	Previous, Prefix, Timestamps bool
	Tail                         int // lines from the end; 0 or less for all that there is room for
	Since                        time.Duration
	SinceTime                    time.Time
}

// theLog is one container's log, its lines with their times.
type theLog struct {
	view      podView
	container string
	lines     []logLine
	truncated bool
	err       error
}

type logLine struct {
	at   time.Time // zero when the line carries none
	text string
}

func (l PodLogs) read(ctx context.Context, in inquiry) (finding.Report, error) {
	ns, err := in.namespace(l.Namespace)
	if err != nil {
		return finding.Report{}, err
	}
	pods, err := in.podsOf(ctx, ns, l.Kind, l.Name, l.Labels)
	if err != nil {
		return finding.Report{}, err
	}
	subject := redact.F("%s/%s", strings.TrimSuffix(l.Kind, "s"), l.Name)
	if l.Name == "" {
		subject = redact.F("pods with %s", l.Labels)
	}
	out := finding.Report{Finding: finding.Finding{Check: "logs"}}
	if len(pods) == 0 {
		out.Finding.Status, out.Finding.Line = finding.Fail, redact.F("%s has no pods, so there is no log", subject)
		return out, nil
	}
	views := l.choose(viewPods(pods, in.c.o.Now()))
	if l.Previous && len(views) == 0 {
		out.Finding.Status, out.Finding.Line = finding.OK, redact.F("no container of %s has been restarted, so there is no log of a previous one", subject)
		return out, nil
	}
	logs, err := in.readLogs(ctx, ns, l, views)
	if err != nil {
		return out, err
	}
	out.Finding = in.judgeLogs(subject, l.Previous, logs)
	var b strings.Builder
	for _, log := range logs {
		out.Truncated = out.Truncated || log.truncated
		for _, line := range log.lines {
			if l.Prefix || len(logs) > 1 {
				b.WriteString("[pod/" + log.view.pod.Name + "/" + log.container + "] ")
			}
			if l.Timestamps && !line.at.IsZero() {
				b.WriteString(line.at.UTC().Format(time.RFC3339Nano) + " ")
			}
			b.WriteString(line.text + "\n")
		}
	}
	raw, cut := printed(b.String(), true)
	out.Raw, out.Truncated = raw, out.Truncated || cut
	return out, nil
}

// choose says which of the pods, worst first, are read.
func (l PodLogs) choose(views []podView) []podView {
	if l.Previous {
		views = slices.DeleteFunc(views, func(v podView) bool {
			return !slices.ContainsFunc(statuses(v.pod), func(s corev1.ContainerStatus) bool {
				return s.LastTerminationState.Terminated != nil || s.RestartCount > 0
			})
		})
	}
	n := worst
	if l.Labels == "" && !l.AllPods {
		n = 1
	}
	return views[:min(len(views), n)]
}

// readLogs reads all at once; what one container refuses does not hold up the others.
func (in inquiry) readLogs(ctx context.Context, ns string, l PodLogs, views []podView) ([]theLog, error) {
	var reads []*future[theLog]
	for _, v := range views {
		names := containersOf(v.pod)
		if !l.AllContainers {
			name, err := chooseContainer("read logs", v, l.Container)
			if err != nil {
				return nil, err
			}
			names = []string{name}
		}
		for _, name := range names {
			reads = append(reads, begin(func() (theLog, error) { return in.readOneLog(ctx, ns, l, v, name), nil }))
		}
	}
	var logs []theLog
	for _, r := range reads {
		log, err := r.get(ctx)
		if err != nil {
			return nil, apiError("read logs", "namespace "+ns, err)
		}
		logs = append(logs, log)
	}
	return logs, nil
}

func (in inquiry) readOneLog(ctx context.Context, ns string, l PodLogs, v podView, container string) theLog {
	out := theLog{view: v, container: container}
	tail := int64(mostTail)
	if l.Tail > 0 {
		tail = min(int64(l.Tail), mostTail)
	}
	o := corev1.PodLogOptions{Container: container, Previous: l.Previous, TailLines: &tail, Timestamps: true}
	if l.Since > 0 {
		seconds := int64((l.Since + time.Second - 1) / time.Second)
		o.SinceSeconds = &seconds
	} else if !l.SinceTime.IsZero() {
		t := metav1.NewTime(l.SinceTime)
		o.SinceTime = &t
	}
	raw, truncated, err := in.c.readLog(ctx, ns, v.pod.Name, o)
	if err != nil {
		out.err = logError("read logs", LogResult{Pod: v.pod.Name, Container: container}, l.Previous, err)
		return out
	}
	text := strings.TrimSuffix(strings.ToValidUTF8(string(raw), "\uFFFD"), "\n")
	if text == "" {
		return out
	}
	for line := range strings.SplitSeq(text, "\n") {
		out.lines = append(out.lines, cutTime(line))
	}
	out.truncated = truncated || len(out.lines) == mostTail && l.Tail <= 0
	return out
}

// cutTime takes the kubelet's time from the front of a line.
func cutTime(line string) logLine {
	stamp, text, ok := strings.Cut(line, " ")
	if !ok {
		stamp, text = line, ""
	}
	at, err := time.Parse(time.RFC3339Nano, stamp)
	if err != nil {
		return logLine{text: line}
	}
	return logLine{at: at, text: text}
}

// podsOf finds the pods of an object, or those that a selector names, of whatever service they are.
func (in inquiry) podsOf(ctx context.Context, ns, kind, name, selector string) ([]*corev1.Pod, error) {
	switch {
	case name == "":
		f, err := readLive[*corev1.Pod](ctx, in.c, scope{resource: "pods", namespace: ns, label: selector})
		return f.items, err
	case kind == "pods" || kind == "":
		f, err := readLive[*corev1.Pod](ctx, in.c, scope{resource: "pods", namespace: ns, field: "metadata.name=" + name})
		if err == nil && len(f.items) == 0 {
			return nil, &Error{Kind: NotFound, Op: "read pod", Object: "pod/" + name, Message: redact.F("Pod %s does not exist in namespace %s; it may have been replaced.", name, ns)}
		}
		return f.items, err
	}
	m, err := in.mapping(ctx, kind)
	if err != nil {
		return nil, err
	}
	o, err := in.list(ctx, m, []string{ns}, []string{name}, "", "")
	if err != nil {
		return nil, err
	}
	if len(o.rows) == 0 {
		return nil, &Error{Kind: NotFound, Op: "read " + kind, Object: m.display() + "/" + name, Message: redact.F("%s %s does not exist in namespace %s.", m.display(), name, ns)}
	}
	if all := workloadsIn(o); len(all) == 1 {
		f, err := in.c.podsOf(ctx, all[0])
		return f.items, err
	}
	s, err := selectorIn(o.rows[0].raw)
	if err != nil {
		return nil, &Error{Kind: Unsupported, Op: "read " + kind, Object: m.display() + "/" + name, Err: err, Message: redact.F("%s %s has no pods of its own.", m.display(), name)}
	}
	f, err := readLive[*corev1.Pod](ctx, in.c, scope{resource: "pods", namespace: ns, label: s.String()})
	return f.items, err
}

// selectorIn reads spec.selector in either of its two forms; one that selects everything is an error.
func selectorIn(raw []byte) (labels.Selector, error) {
	var o struct {
		Spec struct {
			Selector json.RawMessage `json:"selector"`
		} `json:"spec"`
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return nil, err
	}
	var plain map[string]string
	if json.Unmarshal(o.Spec.Selector, &plain) == nil && len(plain) > 0 {
		return labels.SelectorFromSet(plain), nil
	}
	var full metav1.LabelSelector
	if err := json.Unmarshal(o.Spec.Selector, &full); err != nil {
		return nil, err
	}
	if len(full.MatchLabels)+len(full.MatchExpressions) == 0 {
		return nil, &Error{Kind: Unsupported, Op: "read selector", Message: redact.Const("It has no selector.")}
	}
	return metav1.LabelSelectorAsSelector(&full)
}
