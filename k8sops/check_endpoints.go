package k8sops

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

func checkEndpoints(ctx context.Context, s *snapshot) (finding.Finding, error) {
	if s.svc.KubernetesService == "" {
		return finding.Finding{Status: finding.OK, Line: redact.Const("the catalogue names no Kubernetes Service")}, nil
	}
	service, err := s.service.get(ctx)
	if err != nil {
		return finding.Finding{}, err
	}
	object := "Service/" + s.svc.KubernetesService
	if service == nil {
		return finding.Finding{
			Status: finding.Fail, Line: redact.F("service/%s does not exist", s.svc.KubernetesService),
			Signals: []finding.Signal{{Kind: finding.NoEndpoints, Object: object, Detail: redact.Const("the Service does not exist")}},
		}, nil
	}
	slices, err := s.slices.get(ctx)
	if err != nil {
		return finding.Finding{}, err
	}
	w, err := s.workload.get(ctx)
	if err != nil {
		return finding.Finding{}, err
	}
	return judgeEndpoints(service, slices, w), nil
}

func judgeEndpoints(service *corev1.Service, slices []*discoveryv1.EndpointSlice, w workload) finding.Finding {
	ready, all, rows := countEndpoints(slices)
	f := finding.Finding{
		Check: "endpoints", Status: finding.OK, Line: redact.F("service/%s: %d of %d endpoints ready", service.Name, ready, all),
		Evidence: []finding.Evidence{{Title: redact.Const("Endpoints"), Table: &finding.Table{Columns: texts("Address", "Pod", "Ready"), Rows: rows}}},
	}
	if len(rows) == 0 {
		f.Evidence = nil
	}
	selector := labels.SelectorFromSet(service.Spec.Selector)
	mismatch := len(service.Spec.Selector) > 0 && !selector.Matches(labels.Set(w.template.Labels))
	signal := finding.Signal{Object: "Service/" + service.Name, Count: ready, Of: all}
	switch {
	case mismatch:
		signal.Kind, signal.Detail = finding.SelectorMismatch, redact.F("selector %s, pod labels %s", selector, labels.Set(w.template.Labels))
		f.Status = finding.Fail
		f.Line = redact.F("%s: its selector %s does not match the pods of %s", f.Line, selector, w.ref())
		f.Fix = redact.F("Correct the selector of service/%s or the pod labels; a restart does not help.", service.Name)
	case ready == 0 && w.desired > 0:
		signal.Kind = finding.NoEndpoints
		f.Status = finding.Fail
		f.Line = redact.F("service/%s has no ready endpoint: nothing answers behind it", service.Name)
	case ready == 0:
		signal.Kind = finding.NoEndpoints
		f.Status = finding.Fail
		f.Line = redact.F("service/%s has no endpoint: %s is scaled to zero", service.Name, w.ref())
	case ready < all:
		f.Status = finding.Warn
		return f
	default:
		return f
	}
	f.Signals = []finding.Signal{signal}
	if mismatch && ready == 0 {
		f.Signals = append(f.Signals, finding.Signal{Kind: finding.NoEndpoints, Object: signal.Object, Of: all})
	}
	return f
}

// countEndpoints counts each backend once: a dual-stack Service has it in one slice per address family. Endpoints whose pods are ending do
// not count.
func countEndpoints(slices []*discoveryv1.EndpointSlice) (ready, all int, rows [][]redact.Text) {
	seen := map[string]bool{}
	for _, s := range slices {
		for _, e := range s.Endpoints {
			if e.Conditions.Terminating != nil && *e.Conditions.Terminating || len(e.Addresses) == 0 {
				continue
			}
			id, pod := e.Addresses[0], ""
			if e.TargetRef != nil {
				id, pod = string(e.TargetRef.UID)+e.TargetRef.Name, e.TargetRef.Name
			}
			if seen[id] {
				continue
			}
			seen[id] = true
			all++
			isReady := e.Conditions.Ready == nil || *e.Conditions.Ready // absent means ready, by the API's definition
			answer := "no"
			if isReady {
				ready++
				answer = "yes"
			}
			if len(rows) < 2*worst {
				rows = append(rows, texts(e.Addresses[0], pod, answer))
			}
		}
	}
	return ready, all, rows
}
