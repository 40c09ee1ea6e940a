package k8sops

import (
	"bytes"
	"context"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
)

// LogRequest says which log; the zero value means the pod that is worst off, its telling container, the last 50 lines.
type LogRequest struct {
	Pod, Container string
	Previous       bool
	Tail           int
	// Within keeps of the tail only what was written so long before its last line; 0 keeps all.
	Within time.Duration
}

// LogResult is the end of one container's log.
type LogResult struct {
	Pod, Container string
	Text           redact.Text
	// Truncated: the log was longer than what may travel; Text is its newest part.
	Truncated bool
	Lines     int
	// Pods are the service's pods, the worst off first.
	Pods []string
}

const (
	defaultTail = 50
	mostTail    = 5000
	// readBytes is the server's own bound. It counts from the first line of the tail, so that only what is over it loses its newest lines.
	readBytes = 4 << 20
	// keepBytes is what a result holds at most.
	keepBytes = 1 << 20
)

// Logs reads the end of a container's log; secrets that redact knows are taken out. Init and ephemeral containers can be named too.
func (c *Cluster) Logs(ctx context.Context, svc catalog.Service, r LogRequest) (LogResult, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	op := "read logs of " + svc.Name
	w, err := c.workload(ctx, svc)
	if err != nil {
		return LogResult{}, err
	}
	pods, err := c.podsOf(ctx, w)
	if err != nil {
		return LogResult{}, err
	}
	views := viewPods(pods.items, c.o.Now())
	out := LogResult{}
	for _, v := range views {
		out.Pods = append(out.Pods, v.pod.Name)
	}
	view, err := choosePod(op, svc, views, r.Pod, out.Pods)
	if err != nil {
		return out, err
	}
	out.Pod = view.pod.Name
	out.Container, err = chooseContainer(op, view, r.Container)
	if err != nil {
		return out, err
	}
	tail := int64(r.Tail)
	if tail <= 0 {
		tail = defaultTail
	}
	tail = min(tail, mostTail)
	raw, truncated, err := c.readLog(ctx, svc.Namespace, out.Pod, corev1.PodLogOptions{Container: out.Container, Previous: r.Previous, TailLines: &tail, Timestamps: r.Within > 0})
	if err != nil {
		return out, logError(op, out, r.Previous, err)
	}
	out.Truncated = truncated
	if r.Within > 0 {
		raw = newestOf(raw, r.Within)
	}
	raw = bytes.TrimRight(raw, "\n")
	out.Text = redact.Clean(strings.ToValidUTF8(string(raw), "\uFFFD"))
	if len(raw) > 0 {
		out.Lines = bytes.Count(raw, []byte("\n")) + 1
	}
	return out, nil
}

// newestOf keeps the lines that were written within a span before the last one, and takes the kubelet's times from all. What has no time stays.
func newestOf(raw []byte, span time.Duration) []byte {
	var lines []logLine
	var newest time.Time
	for line := range strings.Lines(string(raw)) {
		l := cutTime(line)
		lines = append(lines, l)
		if l.at.After(newest) {
			newest = l.at
		}
	}
	var kept bytes.Buffer
	for _, l := range lines {
		if l.at.IsZero() || newest.Sub(l.at) <= span {
			kept.WriteString(l.text)
		}
	}
	return kept.Bytes()
}

// readLog reads the newest part of one container's log, bounded in bytes.
func (c *Cluster) readLog(ctx context.Context, namespace, pod string, o corev1.PodLogOptions) (raw []byte, truncated bool, err error) {
	limit := int64(readBytes)
	o.LimitBytes = &limit
	stream, err := c.client.CoreV1().Pods(namespace).GetLogs(pod, &o).MaxRetries(0).Stream(ctx)
	if err != nil {
		return nil, false, err
	}
	defer stream.Close()
	if raw, err = io.ReadAll(io.LimitReader(stream, readBytes)); err != nil {
		return nil, false, err
	}
	truncated = len(raw) >= readBytes
	if len(raw) > keepBytes {
		truncated = true
		raw = raw[len(raw)-keepBytes:]
		if i := bytes.IndexByte(raw, '\n'); i >= 0 {
			raw = raw[i+1:] // no half line
		}
	}
	return raw, truncated, nil
}

func choosePod(op string, svc catalog.Service, views []podView, name string, names []string) (podView, error) {
	if len(views) == 0 {
		return podView{}, &Error{Kind: NotFound, Op: op, Object: objectOf(svc), Message: redact.Const("It has no pods, so there is no log.")}
	}
	if name == "" {
		return views[0], nil
	}
	for _, v := range views {
		if v.pod.Name == name {
			return v, nil
		}
	}
	return podView{}, &Error{Kind: NotFound, Op: op, Object: "pod/" + name,
		Message: redact.F("It is none of this service's pods. There are: %s.", strings.Join(names[:min(len(names), 10)], ", "))}
}

// defaultContainer is the annotation by which a pod names the container that matters.
const defaultContainer = "kubectl.kubernetes.io/default-container"

// chooseContainer takes the container asked for, else the one that is wrong, else the pod's default, else the first.
func chooseContainer(op string, v podView, name string) (string, error) {
	all := containersOf(v.pod)
	switch {
	case name != "" && slices.Contains(all, name):
		return name, nil
	case name != "":
		return "", &Error{Kind: NotFound, Op: op, Object: "pod/" + v.pod.Name,
			Message: redact.F("It has no container %q. There are: %s.", name, strings.Join(all, ", "))}
	case v.container != "":
		return v.container, nil
	case slices.Contains(all, v.pod.Annotations[defaultContainer]):
		return v.pod.Annotations[defaultContainer], nil
	case len(v.pod.Spec.Containers) == 0: // the API accepts no such pod; its answer may be odd all the same
		return "", &Error{Kind: NotFound, Op: op, Object: "pod/" + v.pod.Name, Message: redact.Const("It has no container.")}
	default:
		return v.pod.Spec.Containers[0].Name, nil
	}
}

func containersOf(p *corev1.Pod) []string {
	var names []string
	for _, k := range slices.Concat(p.Spec.InitContainers, p.Spec.Containers) {
		names = append(names, k.Name)
	}
	for _, k := range p.Spec.EphemeralContainers {
		names = append(names, k.Name)
	}
	return names
}

func logError(op string, r LogResult, previous bool, err error) error {
	object := "pod/" + r.Pod + " container " + r.Container
	switch {
	case apierrors.IsBadRequest(err) && previous:
		return &Error{Kind: NotFound, Op: op, Object: object, Err: err,
			Message: redact.Const("There is no previous log: the container has not been restarted, or its node has dropped it. Ask without --previous.")}
	case apierrors.IsBadRequest(err):
		return &Error{Kind: NotFound, Op: op, Object: object, Err: err, Message: redact.F("There is no log yet: %s.", err)}
	}
	return apiError(op, object, err)
}
