package k8sops

import (
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"

	"github.com/svcdown/svcdown/redact"
)

// templateDiff says what differs between two pod templates in the order in which it is suspect: images, environment, resources, probes,
// commands, references. Values of environment variables, commands and arguments are never in it.
func templateDiff(before, now corev1.PodTemplateSpec) []redact.Text {
	old := containers(before)
	var images, rest []redact.Text
	for _, name := range slices.Sorted(maps.Keys(containers(now))) {
		b, a := old[name], containers(now)[name]
		if b == nil {
			rest = append(rest, redact.F("container %s added, image %s", name, a.Image))
			continue
		}
		if b.Image != a.Image {
			from, to := tags(b.Image, a.Image)
			images = append(images, redact.F("image %s %s → %s", name, from, to))
		}
		rest = append(rest, containerDiff(name, *b, *a)...)
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if containers(now)[name] == nil {
			rest = append(rest, redact.F("container %s removed", name))
		}
	}
	return slices.Concat(images, rest, podDiff(before.Spec, now.Spec))
}

func containers(t corev1.PodTemplateSpec) map[string]*corev1.Container {
	out := map[string]*corev1.Container{}
	for _, list := range [][]corev1.Container{t.Spec.InitContainers, t.Spec.Containers} {
		for i := range list {
			out[list[i].Name] = &list[i]
		}
	}
	return out
}

func containerDiff(name string, b, a corev1.Container) []redact.Text {
	parts := envDiff(b, a)
	for _, r := range []corev1.ResourceName{corev1.ResourceMemory, corev1.ResourceCPU} {
		for _, k := range []struct {
			word    string
			was, is corev1.ResourceList
		}{{"limit", b.Resources.Limits, a.Resources.Limits}, {"request", b.Resources.Requests, a.Resources.Requests}} {
			was, is := k.was[r], k.is[r]
			if was.Cmp(is) != 0 {
				parts = append(parts, redact.F("%s %s of %s %s → %s", string(r), k.word, name, orNone(was.String()), orNone(is.String())))
			}
		}
	}
	differs := func(what redact.Text, was, is any) {
		if !equality.Semantic.DeepEqual(was, is) {
			parts = append(parts, redact.F("%s of %s changed", what, name))
		}
	}
	differs(redact.Const("readiness probe"), b.ReadinessProbe, a.ReadinessProbe)
	differs(redact.Const("liveness probe"), b.LivenessProbe, a.LivenessProbe)
	differs(redact.Const("startup probe"), b.StartupProbe, a.StartupProbe)
	differs(redact.Const("command"), b.Command, a.Command)
	differs(redact.Const("arguments"), b.Args, a.Args)
	differs(redact.Const("ports"), b.Ports, a.Ports)
	differs(redact.Const("mounts"), b.VolumeMounts, a.VolumeMounts)
	differs(redact.Const("security context"), b.SecurityContext, a.SecurityContext)
	return parts
}

func orNone(quantity string) string {
	if quantity == "0" {
		return "none"
	}
	return quantity
}

// envDiff names the environment variables that came, went or have another value now; the values stay here.
func envDiff(b, a corev1.Container) []redact.Text {
	old, now := envOf(b), envOf(a)
	var added, removed, other []string
	for _, name := range slices.Sorted(maps.Keys(now)) {
		was, known := old[name]
		switch {
		case !known:
			added = append(added, name)
		case !equality.Semantic.DeepEqual(was, now[name]):
			other = append(other, name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(old)) {
		if _, still := now[name]; !still {
			removed = append(removed, name)
		}
	}
	var parts []redact.Text
	if len(added) > 0 {
		parts = append(parts, redact.F("env added: %s", strings.Join(added, ", ")))
	}
	if len(removed) > 0 {
		parts = append(parts, redact.F("env removed: %s", strings.Join(removed, ", ")))
	}
	if len(other) > 0 {
		parts = append(parts, redact.F("env with another value: %s", strings.Join(other, ", ")))
	}
	return parts
}

// envOf are the variables by name; whole sources go by what they refer to.
func envOf(k corev1.Container) map[string]any {
	out := map[string]any{}
	for _, e := range k.Env {
		out[e.Name] = e
	}
	for _, f := range k.EnvFrom {
		switch {
		case f.ConfigMapRef != nil:
			out["all of ConfigMap "+f.ConfigMapRef.Name] = f.Prefix
		case f.SecretRef != nil:
			out["all of Secret "+f.SecretRef.Name] = f.Prefix
		}
	}
	return out
}

func podDiff(b, a corev1.PodSpec) []redact.Text {
	var parts []redact.Text
	differs := func(what redact.Text, was, is any) {
		if !equality.Semantic.DeepEqual(was, is) {
			parts = append(parts, redact.F("%s changed", what))
		}
	}
	differs(redact.Const("volumes"), b.Volumes, a.Volumes)
	differs(redact.Const("node selector"), b.NodeSelector, a.NodeSelector)
	differs(redact.Const("affinity"), b.Affinity, a.Affinity)
	differs(redact.Const("tolerations"), b.Tolerations, a.Tolerations)
	differs(redact.Const("service account"), b.ServiceAccountName, a.ServiceAccountName)
	differs(redact.Const("pull secrets"), b.ImagePullSecrets, a.ImagePullSecrets)
	differs(redact.Const("priority class"), b.PriorityClassName, a.PriorityClassName)
	differs(redact.Const("pod security context"), b.SecurityContext, a.SecurityContext)
	differs(redact.Const("host network"), b.HostNetwork, a.HostNetwork)
	return parts
}
