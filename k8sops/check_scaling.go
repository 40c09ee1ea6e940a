package k8sops

import (
	"context"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

func checkHPA(ctx context.Context, s *snapshot) (finding.Finding, error) {
	on, err := s.hpas.get(ctx)
	if err != nil {
		return finding.Finding{}, err
	}
	return judgeHPA(on), nil
}

func judgeHPA(on []*autoscalingv2.HorizontalPodAutoscaler) finding.Finding {
	f := finding.Finding{Check: "hpa", Status: finding.OK, Line: redact.Const("no autoscaler on this workload")}
	var lines []redact.Text
	for _, h := range on {
		line := redact.Clean(hpaText(h))
		for _, c := range h.Status.Conditions {
			if c.Type == autoscalingv2.ScalingActive && c.Status == corev1.ConditionFalse && c.Reason != "ScalingDisabled" {
				f.Status = finding.Warn
				line = redact.F("%s; it cannot scale: %s", line, oneLine(c.Message))
			}
		}
		if h.Status.CurrentReplicas >= h.Spec.MaxReplicas {
			f.Status = finding.Warn
			line = redact.F("%s; it is at its maximum", line)
			f.Signals = append(f.Signals, finding.Signal{
				Kind: finding.HPAAtMax, Object: "HorizontalPodAutoscaler/" + h.Name,
				Count: int(h.Status.CurrentReplicas), Of: int(h.Spec.MaxReplicas), Detail: redact.Clean(hpaText(h)),
			})
		}
		lines = append(lines, line.Short(300))
	}
	if len(lines) > 0 {
		f.Line = redact.Join("; ", lines...)
	}
	return f
}

// hpaText names an HPA with its bounds: "frontend-hpa 2–10, now 4".
func hpaText(h *autoscalingv2.HorizontalPodAutoscaler) string {
	return fmt.Sprintf("%s %d–%d, now %d", h.Name, count(h.Spec.MinReplicas), h.Spec.MaxReplicas, h.Status.CurrentReplicas)
}

func checkPDB(ctx context.Context, s *snapshot) (finding.Finding, error) {
	all, err := s.pdbs.get(ctx)
	if err != nil {
		return finding.Finding{}, err
	}
	w, err := s.workload.get(ctx)
	if err != nil {
		return finding.Finding{}, err
	}
	return judgePDB(budgetsOf(all, w)), nil
}

// budgetsOf are the PodDisruptionBudgets whose selector takes the workload's pods in.
func budgetsOf(all []*policyv1.PodDisruptionBudget, w workload) []*policyv1.PodDisruptionBudget {
	var on []*policyv1.PodDisruptionBudget
	for _, b := range all {
		selector, err := metav1.LabelSelectorAsSelector(b.Spec.Selector)
		if err == nil && selector.Matches(labels.Set(w.template.Labels)) {
			on = append(on, b)
		}
	}
	return on
}

func judgePDB(on []*policyv1.PodDisruptionBudget) finding.Finding {
	f := finding.Finding{Check: "pdb", Status: finding.OK, Line: redact.Const("no PodDisruptionBudget on these pods")}
	var lines []redact.Text
	for _, b := range on {
		s := b.Status
		lines = append(lines, redact.F("%s: %d healthy, %d needed, %d may be disrupted", b.Name, s.CurrentHealthy, s.DesiredHealthy, s.DisruptionsAllowed))
		if s.CurrentHealthy < s.DesiredHealthy {
			f.Status = finding.Warn
		}
		if s.DisruptionsAllowed == 0 {
			f.Signals = append(f.Signals, finding.Signal{
				Kind: finding.PDBBlocks, Object: "PodDisruptionBudget/" + b.Name, Count: int(s.CurrentHealthy), Of: int(s.DesiredHealthy),
			})
		}
	}
	if len(lines) > 0 {
		f.Line = redact.Join("; ", lines...)
	}
	return f
}
