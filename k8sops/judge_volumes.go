package k8sops

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// ownVolumes leaves out the PersistentVolumes that claims of other namespaces hold: whose they are is not the catalogue's business.
func (in inquiry) ownVolumes(o *objects) {
	namespaces, _ := in.namespaces("", true) // all of them is never an error
	o.rows = slices.DeleteFunc(o.rows, func(r row) bool {
		var v corev1.PersistentVolume
		return json.Unmarshal(r.raw, &v) != nil || v.Spec.ClaimRef != nil && !slices.Contains(namespaces, v.Spec.ClaimRef.Namespace)
	})
}

// judgeVolumes judges PersistentVolumes: those of the catalogue's namespaces, and those that nobody holds. How full a volume is stands nowhere
// in the API; df in the container tells it.
func judgeVolumes(o objects) finding.Finding {
	var bad []redact.Text
	counts := map[corev1.PersistentVolumePhase]int{}
	total := 0
	for _, v := range decoded[corev1.PersistentVolume](o) {
		claim := v.Spec.ClaimRef
		total++
		counts[v.Status.Phase]++
		of := redact.Text{}
		if claim != nil {
			of = redact.F(" (of %s)", claim.Name)
		}
		switch v.Status.Phase {
		case corev1.VolumeReleased:
			bad = append(bad, redact.F("volume %s%s is released: its claim is gone, its content is kept", v.Name, of))
		case corev1.VolumeFailed:
			bad = append(bad, redact.F("volume %s%s has failed: %s", v.Name, of, oneLine(v.Status.Message)).Short(200))
		}
	}
	f := finding.Finding{Status: finding.OK, Line: redact.F("%d volumes: %d bound, %d free", total, counts[corev1.VolumeBound], counts[corev1.VolumeAvailable]),
		Evidence: evidenceOf(o, redact.Const("Volumes"))}
	if len(bad) > 0 {
		f.Status = finding.Warn
		f.Line = redact.F("%d of %d volumes need a look: %s", len(bad), total, redact.Join("; ", bad[:min(len(bad), 3)]...))
	}
	return f
}

// judgeClaims judges PersistentVolumeClaims, and says of those that are not bound whether a pod of the service waits for them.
func (in inquiry) judgeClaims(ctx context.Context, o objects) (finding.Finding, error) {
	m := in.mine(ctx)
	uses := map[string]string{} // namespace/claim → pod of the service
	if m.known {
		pods, err := in.c.podsOf(ctx, m.workload)
		if err != nil {
			return finding.Finding{}, err
		}
		for _, p := range pods.items {
			for _, v := range p.Spec.Volumes {
				if v.PersistentVolumeClaim != nil {
					uses[p.Namespace+"/"+v.PersistentVolumeClaim.ClaimName] = p.Name
				}
			}
		}
	}
	return judgeClaimList(o, decoded[corev1.PersistentVolumeClaim](o), uses), nil
}

func judgeClaimList(o objects, claims []*corev1.PersistentVolumeClaim, uses map[string]string) finding.Finding {
	f := finding.Finding{Status: finding.OK, Evidence: evidenceOf(o, redact.Const("Volume claims"))}
	var bad []redact.Text
	mounted := 0
	for _, c := range claims {
		pod, used := uses[c.Namespace+"/"+c.Name]
		if used {
			mounted++
		}
		var line redact.Text
		switch {
		case c.Status.Phase == corev1.ClaimLost:
			line = redact.F("claim %s has lost its volume", c.Name)
		case c.Status.Phase != corev1.ClaimBound:
			line = redact.F("claim %s is not bound", c.Name)
		case c.DeletionTimestamp != nil:
			line = redact.F("claim %s is being deleted", c.Name)
		default:
			for _, k := range c.Status.Conditions {
				if k.Status == corev1.ConditionTrue && strings.Contains(string(k.Type), "Resiz") {
					f.Line = redact.F("claim %s is being resized", c.Name)
				}
			}
			continue
		}
		if used {
			f.Status = finding.Fail
			line = redact.F("%s, and pod %s waits for it", line, pod)
			f.Signals = append(f.Signals, finding.Signal{Kind: finding.PVCUnbound, Object: "PersistentVolumeClaim/" + c.Name, Detail: line})
		} else if f.Status == finding.OK {
			f.Status = finding.Warn
		}
		bad = append(bad, line)
	}
	switch {
	case len(bad) > 0:
		f.Line = redact.Join("; ", bad[:min(len(bad), 4)]...)
		f.Fix = redact.Const("Describe the claim: its events say what the provisioner lacks.")
	case len(claims) == 0:
		f.Line = redact.Const("no volume claims")
	default:
		f.Line = redact.Join("; ", redact.F("all %d claims are bound", len(claims)), f.Line)
		if mounted > 0 {
			f.Signals = append(f.Signals, finding.Signal{Kind: finding.VolumesBound, Count: mounted, Of: mounted})
		}
	}
	return f
}
