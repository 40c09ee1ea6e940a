package k8sops

import (
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// workloadsIn reads Deployments, StatefulSets or DaemonSets.
func workloadsIn(o objects) []workload {
	var objs []runtime.Object
	switch o.resource {
	case "deployments":
		for _, d := range decoded[appsv1.Deployment](o) {
			objs = append(objs, d)
		}
	case "statefulsets":
		for _, s := range decoded[appsv1.StatefulSet](o) {
			objs = append(objs, s)
		}
	case "daemonsets":
		for _, d := range decoded[appsv1.DaemonSet](o) {
			objs = append(objs, d)
		}
	}
	var out []workload
	for _, obj := range objs {
		if w, err := workloadOf(obj); err == nil {
			out = append(out, w)
		}
	}
	return out
}

func (in inquiry) judgeWorkloads(o objects) finding.Finding {
	all := workloadsIn(o)
	if len(all) == 0 {
		return finding.Finding{Status: finding.OK, Line: redact.F("no %s", o.resource)}
	}
	var findings []finding.Finding
	for _, w := range all {
		f := finding.Finding{Status: finding.OK, Line: redact.F("%s: %d of %d pods available", w.ref(), w.available, w.desired)}
		state := judgeRollout(w)
		switch {
		case state.Failed:
			f.Status, f.Line = finding.Fail, redact.F("%s is stuck: %s", w.ref(), state.Line)
		case w.desired == 0:
			f.Status, f.Line = finding.Warn, redact.F("%s is scaled to zero", w.ref())
		case w.available == 0:
			f.Status = finding.Fail
		case w.available < w.desired:
			f.Status = finding.Warn
		case w.paused:
			f.Status, f.Line = finding.Warn, redact.F("%s; its rollout is paused", f.Line)
		case !state.Done:
			f.Status, f.Line = finding.Warn, redact.F("%s; %s", f.Line, state.Line)
		}
		if svc := in.at.Service; w.meta.Namespace == svc.Namespace && w.kind == svc.Workload.Kind && w.meta.Name == svc.Workload.Name {
			f.Signals = slices.DeleteFunc(judgeChange(w, nil, in.c.o.Now()).Signals, func(s finding.Signal) bool {
				return s.Kind == finding.RecentRollout // what it brought stands in its ReplicaSets, which are not read here
			})
			if w.desired == 0 {
				f.Signals = append(f.Signals, finding.Signal{Kind: finding.ScaledToZero, Object: w.kind + "/" + w.meta.Name})
			}
		}
		findings = append(findings, f)
	}
	out := summed(findings)
	out.Evidence = evidenceOf(o, redact.F("%s", o.resource))
	return out
}

func (in inquiry) judgeAutoscalers(o objects) finding.Finding {
	all := decoded[autoscalingv2.HorizontalPodAutoscaler](o)
	if len(all) == 0 {
		return finding.Finding{Status: finding.OK, Line: redact.Const("no autoscaler")}
	}
	f := judgeHPA(all)
	svc := in.at.Service
	var ours []*autoscalingv2.HorizontalPodAutoscaler
	for _, h := range all {
		if h.Namespace == svc.Namespace && h.Spec.ScaleTargetRef.Kind == svc.Workload.Kind && h.Spec.ScaleTargetRef.Name == svc.Workload.Name {
			ours = append(ours, h)
		}
	}
	f.Signals = judgeHPA(ours).Signals
	f.Evidence = evidenceOf(o, redact.Const("Autoscalers"))
	return f
}
