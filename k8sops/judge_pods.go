package k8sops

import (
	"context"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// mine is the service's workload with its pods; known is false when the workload cannot be read.
type mine struct {
	workload
	known bool
}

func (in inquiry) mine(ctx context.Context) mine {
	w, err := in.c.workload(ctx, in.at.Service)
	return mine{w, err == nil}
}

// of are those of the pods that belong to the service.
func (m mine) of(pods []*corev1.Pod) []*corev1.Pod {
	if !m.known {
		return nil
	}
	var out []*corev1.Pod
	for _, p := range own(found[*corev1.Pod]{items: slices.Clone(pods)}, m.workload).items {
		if p.Namespace == m.meta.Namespace && m.selector.Matches(labels.Set(p.Labels)) {
			out = append(out, p)
		}
	}
	return out
}

// judgePodList judges the pods that a command finds, which may be of many services; signals are only made of the service's own.
func (in inquiry) judgePodList(ctx context.Context, g Get, o objects, namespaces []string) (finding.Finding, error) {
	pods := decoded[corev1.Pod](o)
	m := in.mine(ctx)
	if len(pods) == 0 {
		return nothingMatches(g, m, namespaces), nil
	}
	if len(g.Names) > 0 || g.Fields != "" {
		m.desired = 0 // a part of the pods was asked for: how many there should be says nothing
	}
	f := judgeThesePods(pods, in.c, m)
	f.Signals = podSignals(pods, in.c, m)
	return f, nil
}

func judgeThesePods(pods []*corev1.Pod, c *Cluster, m mine) finding.Finding {
	now := c.o.Now()
	w := workload{}
	if ours := m.of(pods); len(ours) == len(pods) {
		w = m.workload
	}
	views := viewPods(pods, now)
	f := judgePods(w, views, nil, false, now)
	if w.kind == "" && !slices.ContainsFunc(views, func(v podView) bool { return !v.gone }) {
		f = finding.Finding{Status: finding.OK, Line: redact.F("%d %s, all ended or ending", len(pods), podWord(len(pods))), Evidence: []finding.Evidence{podTable(views, now)}}
	}
	restarts := int32(0)
	for _, v := range views {
		restarts += v.restarts
	}
	if first := views[0]; first.kind != "" && w.kind == "" {
		f.Line = redact.F("%s (%s)", f.Line, ownerOf(first.pod))
	} else if f.Status == finding.OK && restarts > 0 {
		f.Line = redact.F("%s, %d restarts in all", f.Line, restarts)
	}
	return f
}

func podWord(n int) redact.Text { return pods(n) }

// podSignals are the facts about the service's own pods among these.
func podSignals(pods []*corev1.Pod, c *Cluster, m mine) []finding.Signal {
	ours := m.of(pods)
	if len(ours) == 0 {
		return nil
	}
	f := judgePods(m.workload, viewPods(ours, c.o.Now()), nil, false, c.o.Now())
	for _, s := range f.Signals {
		if s.Kind == finding.Pending {
			f.Signals = append(f.Signals, unplaced(s)...)
		}
	}
	if f.Status == finding.OK && m.desired > 0 && len(ours) >= int(m.desired) {
		return append(f.Signals, finding.Signal{Kind: finding.PodsReady, Object: m.kind + "/" + m.meta.Name, Count: len(ours), Of: len(ours)})
	}
	return f.Signals
}

// unplaced says what the scheduler lacks, by its own words.
func unplaced(pending finding.Signal) []finding.Signal {
	var out []finding.Signal
	for _, reason := range []struct {
		word string
		kind finding.Kind
	}{{"Insufficient ", finding.NoResources}, {"untolerated taint", finding.Untolerated}, {"unbound immediate PersistentVolumeClaims", finding.PVCUnbound}} {
		if strings.Contains(pending.Detail.String(), reason.word) {
			s := pending
			s.Kind = reason.kind
			out = append(out, s)
		}
	}
	return out
}

// ownerOf names what made a pod, as people call it: the Deployment instead of its ReplicaSet.
func ownerOf(p *corev1.Pod) string {
	ref := metav1.GetControllerOf(p)
	if ref == nil {
		return "pod " + p.Name
	}
	if ref.Kind == "ReplicaSet" {
		if i := strings.LastIndexByte(ref.Name, '-'); i > 0 && p.Labels["pod-template-hash"] == ref.Name[i+1:] {
			return "deployment/" + ref.Name[:i]
		}
	}
	return strings.ToLower(ref.Kind) + "/" + ref.Name
}

func nothingMatches(g Get, m mine, namespaces []string) finding.Finding {
	place := redact.F("namespace %s", strings.Join(namespaces, ", "))
	f := finding.Finding{Status: finding.Fail, Line: redact.F("no pod exists in %s", place)}
	if g.Labels == "" && g.Fields == "" {
		if m.known && m.desired == 0 {
			f.Status, f.Line = finding.Warn, redact.F("no pod exists in %s: %s is scaled to zero", place, m.ref())
		}
		return f
	}
	f.Line = redact.F("no pod in %s matches %s", place, strings.TrimSpace(g.Labels+" "+g.Fields))
	if g.Fields != "" && g.Labels == "" {
		f.Status = finding.OK // a field selector looks for what should not be there: status.phase!=Running
		return f
	}
	if s, err := labels.Parse(g.Labels); err == nil && m.known {
		if s.Matches(labels.Set(m.template.Labels)) {
			return withNoPods(f, m.workload)
		}
		f.Fix = redact.F("The pods of %s carry %s: correct the selector in the runbook.", m.ref(), labels.Set(m.template.Labels))
		f.Status = finding.Unknown
	}
	return f
}

func withNoPods(f finding.Finding, w workload) finding.Finding {
	none := noPods(w, f)
	none.Line = redact.F("%s: %s", f.Line, none.Line)
	return none
}
