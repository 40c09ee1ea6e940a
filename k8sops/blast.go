package k8sops

import (
	"context"
	"slices"
	"strings"

	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

// measured is a blast radius with what could not be measured, as warnings.
type measured struct {
	blast    plan.Blast
	warnings []redact.Text
}

func (c *Cluster) blast(ctx context.Context, l live, d draft) measured {
	ctx, cancel := context.WithTimeout(ctx, c.o.CheckTimeout)
	defer cancel()
	budgets := begin(func() ([]*policyv1.PodDisruptionBudget, error) {
		f, err := readLive[*policyv1.PodDisruptionBudget](ctx, c, scope{resource: "poddisruptionbudgets", namespace: d.svc.Namespace})
		return budgetsOf(f.items, l.workload), err
	})
	m := measured{blast: plan.Blast{
		Desired: int(l.desired), Ready: int(l.ready), GitOps: gitOps(l.meta),
		LastHealthy: d.replaces && l.ready == 1 || d.ends && l.ready > 0,
	}}
	if d.replaces || d.ends {
		for _, v := range l.template.Spec.Volumes {
			if v.EmptyDir != nil {
				m.blast.EmptyDir = append(m.blast.EmptyDir, v.Name)
			}
		}
	}
	if hpas, err := c.autoscalersOf(ctx, d.svc); err != nil {
		m.warnings = append(m.warnings, redact.F("Whether an autoscaler is on it could not be read: %s", err))
	} else if len(hpas) > 0 {
		m.blast.HPA = hpaText(hpas[0])
	}
	if on, err := budgets.get(ctx); err != nil {
		m.warnings = append(m.warnings, redact.F("Its PodDisruptionBudgets could not be read: %s", err))
	} else {
		for _, b := range on {
			if b.Status.DisruptionsAllowed == 0 {
				m.blast.PDBBlocked = append(m.blast.PDBBlocked, b.Name)
			}
		}
		slices.Sort(m.blast.PDBBlocked)
	}
	if m.blast.GitOps != "" {
		m.warnings = append(m.warnings, redact.F("%s owns this object and may revert the change; make it lasting there.", m.blast.GitOps))
	}
	if d.ends {
		m.warnings = append(m.warnings, redact.Const("No replica will be left: the service will be down."))
	}
	return m
}

// gitOpsManagers are the field managers of controllers that write their own state back (Argo CD and Flux, by their documentation).
var gitOpsManagers = map[string]string{
	"argocd-controller": "Argo CD", "argocd-application-controller": "Argo CD", "kustomize-controller": "Flux", "helm-controller": "Flux",
}

// gitOps names the controller that may revert a change, "" when nothing on the object speaks of one.
func gitOps(m metav1.ObjectMeta) string {
	a, l := m.Annotations, m.Labels
	switch {
	case a["argocd.argoproj.io/tracking-id"] != "":
		app, _, _ := strings.Cut(a["argocd.argoproj.io/tracking-id"], ":")
		return "Argo CD application " + app
	case l["argocd.argoproj.io/instance"] != "":
		return "Argo CD application " + l["argocd.argoproj.io/instance"]
	case a["argocd.argoproj.io/instance"] != "":
		return "Argo CD application " + a["argocd.argoproj.io/instance"]
	case l["kustomize.toolkit.fluxcd.io/name"] != "":
		return "Flux Kustomization " + l["kustomize.toolkit.fluxcd.io/namespace"] + "/" + l["kustomize.toolkit.fluxcd.io/name"]
	case l["helm.toolkit.fluxcd.io/name"] != "":
		return "Flux HelmRelease " + l["helm.toolkit.fluxcd.io/namespace"] + "/" + l["helm.toolkit.fluxcd.io/name"]
	}
	if owner := metav1.GetControllerOf(&m); owner != nil {
		return owner.Kind + " " + owner.Name
	}
	for _, e := range m.ManagedFields {
		if name := gitOpsManagers[e.Manager]; name != "" {
			return name
		}
	}
	return ""
}
