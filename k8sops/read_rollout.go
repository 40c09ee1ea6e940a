package k8sops

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	appsv1 "k8s.io/api/apps/v1"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// RolloutStatus is kubectl rollout status, as one look: it says how far the rollout is and waits for nothing.
type RolloutStatus struct {
	Namespace          string
	Kind, Name, Labels string // the plural of a workload
	Revision           int64  // what must be the newest one, 0 for any
}

func (r RolloutStatus) read(ctx context.Context, in inquiry) (finding.Report, error) {
	all, err := in.workloadsNamed(ctx, r.Namespace, r.Kind, r.Name, r.Labels)
	if err != nil {
		return finding.Report{}, err
	}
	var findings []finding.Finding
	var b strings.Builder
	for _, w := range all {
		sets, err := in.revisionsOf(ctx, w)
		if err != nil {
			return finding.Report{}, err
		}
		f := judgeChange(w, sets, in.c.o.Now())
		f.Line = redact.F("%s: %s", w.ref(), f.Line)
		if r.Revision > 0 && w.kind == "Deployment" && w.revision() != r.Revision {
			f.Status = finding.Warn
			f.Line = redact.F("%s; revision %d was asked about, %d is the newest", f.Line, r.Revision, w.revision())
		}
		if !in.isService(w) {
			f.Signals = nil
		}
		findings = append(findings, f)
		b.WriteString(kubectlStatus(w))
	}
	out := finding.Report{Finding: summed(findings)}
	out.Finding.Check = "rollout status"
	out.Raw, out.Truncated = printed(b.String(), false)
	return out, nil
}

func (in inquiry) isService(w workload) bool {
	svc := in.at.Service
	return w.meta.Namespace == svc.Namespace && w.kind == svc.Workload.Kind && w.meta.Name == svc.Workload.Name
}

// workloadsNamed reads one workload, or several by label; none is an error.
func (in inquiry) workloadsNamed(ctx context.Context, namespace, kind, name, selector string) ([]workload, error) {
	ns, err := in.namespace(namespace)
	if err != nil {
		return nil, err
	}
	m, err := in.mapping(ctx, kind)
	if err != nil {
		return nil, err
	}
	var names []string
	if name != "" {
		names = []string{name}
	}
	o, err := in.list(ctx, m, []string{ns}, names, selector, "")
	if err != nil {
		return nil, err
	}
	all := workloadsIn(o)
	switch {
	case len(o.rows) == 0:
		return nil, &Error{Kind: NotFound, Op: "read " + kind, Object: m.display() + "/" + name, Message: redact.F("%s %s does not exist in namespace %s.", m.display(), cmp.Or(name, "with "+selector), ns)}
	case len(all) == 0:
		return nil, &Error{Kind: Unsupported, Op: "read " + kind, Message: redact.F("%s have no rollout.", kind)}
	}
	return all, nil
}

func (in inquiry) revisionsOf(ctx context.Context, w workload) ([]*appsv1.ReplicaSet, error) {
	if w.kind != "Deployment" {
		return nil, nil
	}
	return in.c.replicaSetsOf(ctx, w)
}

// kubectlStatus is the line that kubectl would print at this moment (k8s.io/kubectl v0.37, pkg/polymorphichelpers/rollout_status.go).
func kubectlStatus(w workload) string {
	name := map[string]string{"Deployment": "deployment", "DaemonSet": "daemon set", "StatefulSet": "statefulset"}[w.kind]
	waiting := func(format string, args ...any) string {
		return fmt.Sprintf("Waiting for %s %q rollout to finish: %s...\n", name, w.meta.Name, fmt.Sprintf(format, args...))
	}
	switch {
	case w.onDelete:
		return "error: rollout status is only available for RollingUpdate strategy type\n"
	case w.kind == "StatefulSet" && (w.observed == 0 || w.meta.Generation > w.observed):
		return "Waiting for statefulset spec update to be observed...\n"
	case w.meta.Generation > w.observed:
		return fmt.Sprintf("Waiting for %s spec update to be observed...\n", name)
	case w.kind == "Deployment" && w.progress != nil && w.progress.Reason == "ProgressDeadlineExceeded":
		return fmt.Sprintf("error: deployment %q exceeded its progress deadline\n", w.meta.Name)
	case w.kind == "Deployment" && w.updated < w.desired:
		return waiting("%d out of %d new replicas have been updated", w.updated, w.desired)
	case w.kind == "Deployment" && w.total > w.updated:
		return waiting("%d old replicas are pending termination", w.total-w.updated)
	case w.kind == "Deployment" && w.available < w.updated:
		return waiting("%d of %d updated replicas are available", w.available, w.updated)
	case w.kind == "DaemonSet" && w.updated < w.desired:
		return waiting("%d out of %d new pods have been updated", w.updated, w.desired)
	case w.kind == "DaemonSet" && w.available < w.desired:
		return waiting("%d of %d updated pods are available", w.available, w.desired)
	case w.kind == "StatefulSet" && w.ready < w.desired:
		return fmt.Sprintf("Waiting for %d pods to be ready...\n", w.desired-w.ready)
	case w.kind == "StatefulSet" && w.rolling && w.updated < w.desired-w.partition:
		return fmt.Sprintf("Waiting for partitioned roll out to finish: %d out of %d new pods have been updated...\n", w.updated, w.desired-w.partition)
	case w.kind == "StatefulSet" && w.rolling:
		return fmt.Sprintf("partitioned roll out complete: %d new pods have been updated...\n", w.updated)
	case w.kind == "StatefulSet" && w.update != w.current:
		return fmt.Sprintf("waiting for statefulset rolling update to complete %d pods at revision %s...\n", w.updated, w.update)
	case w.kind == "StatefulSet":
		return fmt.Sprintf("statefulset rolling update complete %d pods at revision %s...\n", w.total, w.current)
	}
	return fmt.Sprintf("%s %q successfully rolled out\n", name, w.meta.Name)
}

// RolloutHistory is kubectl rollout history; of one revision it shows a summary of its pods, never a value of an environment variable.
type RolloutHistory struct {
	Namespace          string
	Kind, Name, Labels string
	Revision           int64
}

func (r RolloutHistory) read(ctx context.Context, in inquiry) (finding.Report, error) {
	all, err := in.workloadsNamed(ctx, r.Namespace, r.Kind, r.Name, r.Labels)
	if err != nil {
		return finding.Report{}, err
	}
	var findings []finding.Finding
	var b strings.Builder
	for _, w := range all {
		history, err := changed{c: in.c, svc: catalog.Service{Namespace: w.meta.Namespace}, w: w}.revisions(ctx)
		if err != nil {
			return finding.Report{}, err
		}
		f := judgeHistory(w, history, in.c.o.Now())
		m := knownKinds[strings.ToLower(w.kind)+"s"]
		if r.Revision == 0 {
			fmt.Fprintf(&b, "%s/%s \n", m.display(), w.meta.Name)
			lines := [][]string{{"REVISION", "CHANGE-CAUSE"}}
			for _, each := range slices.Backward(history) {
				lines = append(lines, []string{fmt.Sprint(each.number), cmp.Or(each.cause, "<none>")})
			}
			b.WriteString(alignedBy(0, 8, 2, lines) + "\n")
		} else {
			i := slices.IndexFunc(history, func(h revision) bool { return h.number == r.Revision })
			if i < 0 {
				return finding.Report{}, &Error{Kind: NotFound, Op: "read history", Object: w.ref(), Message: redact.F("%s has no revision %d.", w.ref(), r.Revision)}
			}
			fmt.Fprintf(&b, "%s/%s with revision #%d\n%s", m.display(), w.meta.Name, r.Revision, templateText(history[i].template))
		}
		findings = append(findings, f)
	}
	out := finding.Report{Finding: summed(findings)}
	out.Finding.Check = "rollout history"
	out.Raw, out.Truncated = printed(b.String(), false)
	return out, nil
}

// judgeHistory tells what the newest of the revisions, which stand newest first, has brought.
func judgeHistory(w workload, history []revision, now time.Time) finding.Finding {
	f := finding.Finding{Status: finding.OK}
	if len(history) == 0 {
		f.Status, f.Line = finding.Warn, redact.F("%s keeps no history: it cannot be rolled back", w.ref())
		return f
	}
	newest := history[0]
	f.Line = redact.F("%s: %d revisions, the newest is %d, made at %s", w.ref(), len(history), newest.number, clock(newest.made, now))
	if len(history) > 1 {
		if images := imageChange(history[1].template, newest.template); !images.Empty() {
			f.Line = redact.F("%s: %s", f.Line, images)
		}
	}
	t := &finding.Table{Columns: texts("Revision", "Made", "Images", "Cause")}
	for _, h := range history[:min(len(history), worst)] {
		var images []redact.Text
		for _, k := range h.template.Spec.Containers {
			images = append(images, redact.Clean(k.Image))
		}
		t.Rows = append(t.Rows, []redact.Text{redact.F("%d", h.number), clock(h.made, now), redact.Join(", ", images...).Short(120), redact.Clean(h.cause).Short(80)})
	}
	f.Evidence = []finding.Evidence{{Title: redact.Const("Revisions"), Table: t}}
	return f
}
