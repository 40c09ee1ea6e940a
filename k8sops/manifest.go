package k8sops

import (
	"slices"
	"strings"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	jsonserializer "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/svcdown/svcdown/redact"
)

// jobFrom reads the one Job of a manifest, strictly: an unknown or doubled field is an error, since the API server would read something else
// than the people who reviewed it.
func jobFrom(content []byte) (*batchv1.Job, redact.Text) {
	if documents(content) != 1 {
		return nil, redact.Const("A manifest holds exactly one object, so that one approval is for one thing.")
	}
	strict := jsonserializer.NewSerializerWithOptions(jsonserializer.DefaultMetaFactory, scheme.Scheme, scheme.Scheme,
		jsonserializer.SerializerOptions{Yaml: true, Strict: true})
	into, kind, err := strict.Decode(content, nil, nil)
	if err != nil {
		return nil, redact.F("It cannot be read: %s.", err)
	}
	job, ok := into.(*batchv1.Job)
	if !ok {
		return nil, redact.F("It is a %s of %s, and only a Job of batch/v1 is applied.", kind.Kind, kind.GroupVersion())
	}
	return job, redact.Text{}
}

// documents counts the YAML documents that hold anything.
func documents(content []byte) int {
	n, filled := 0, false
	for line := range strings.Lines(string(content)) {
		switch trimmed := strings.TrimSpace(line); {
		case strings.HasPrefix(line, "---"):
			filled = false
			if rest := strings.TrimSpace(line[3:]); rest == "" || strings.HasPrefix(rest, "#") {
				continue
			}
			n, filled = n+1, true
		case trimmed == "" || strings.HasPrefix(trimmed, "#") || strings.HasPrefix(line, "..."):
		case !filled:
			n, filled = n+1, true
		}
	}
	return n
}

// unfit says why a Job is not applied, empty when it is: it must not reach the node, another identity, a Secret, or the service's own pods.
func unfit(job *batchv1.Job, namespace string, images []string, service labels.Selector) redact.Text {
	m, spec := job.ObjectMeta, job.Spec.Template.Spec
	no := redact.Const
	switch {
	case m.Namespace != "" && m.Namespace != namespace:
		return redact.F("It is for namespace %s, and the service lives in %s.", m.Namespace, namespace)
	case m.Name == "":
		return no("It has no name.")
	case len(m.OwnerReferences) > 0 || len(m.Finalizers) > 0 || m.GenerateName != "":
		return no("It has an owner, a finalizer or a generated name.")
	case job.Spec.ManualSelector != nil || job.Spec.Selector != nil:
		return no("It chooses its pods itself (selector).")
	case job.Spec.ManagedBy != nil:
		return no("It is run by a controller of its own (managedBy).")
	case service.Matches(labels.Set(job.Spec.Template.Labels)):
		return no("Its pods bear the labels of the service's own pods, and would be sent its traffic.")
	case spec.ServiceAccountName != "" && spec.ServiceAccountName != "default", spec.DeprecatedServiceAccount != "" && spec.DeprecatedServiceAccount != "default":
		return redact.F("It runs as service account %s, and only the namespace's default is allowed.", spec.ServiceAccountName+spec.DeprecatedServiceAccount)
	case spec.HostNetwork || spec.HostPID || spec.HostIPC || spec.HostUsers != nil:
		return no("It shares the node's network, processes or users.")
	case spec.NodeName != "":
		return no("It names its node and passes the scheduler by.")
	case spec.PriorityClassName != "" || spec.Priority != nil:
		return no("It has a priority, and could push the service's own pods off their nodes.")
	case len(spec.EphemeralContainers) > 0 || len(spec.ResourceClaims) > 0:
		return no("It has ephemeral containers or claims devices.")
	}
	for _, v := range spec.Volumes {
		if v.EmptyDir == nil && v.ConfigMap == nil && v.DownwardAPI == nil {
			return redact.F("Volume %s is none of emptyDir, configMap and downwardAPI: no path of the node, no Secret and nobody's data is mounted.", v.Name)
		}
	}
	for _, container := range slices.Concat(spec.InitContainers, spec.Containers) {
		if why := unfitContainer(container, images); !why.Empty() {
			return why
		}
	}
	return unfitSecurity(spec.SecurityContext)
}

func unfitContainer(c corev1.Container, images []string) redact.Text {
	if len(images) > 0 && !slices.Contains(images, repository(c.Image)) {
		return redact.F("Image %s of container %s is not of the repositories that svcdown.yaml allows: %s.", c.Image, c.Name, strings.Join(images, ", "))
	}
	if s := c.SecurityContext; s != nil {
		switch {
		case s.Privileged != nil && *s.Privileged, s.AllowPrivilegeEscalation != nil && *s.AllowPrivilegeEscalation,
			s.Capabilities != nil && len(s.Capabilities.Add) > 0, s.ProcMount != nil && *s.ProcMount != corev1.DefaultProcMount,
			s.SeccompProfile != nil && s.SeccompProfile.Type == corev1.SeccompProfileTypeUnconfined, s.AppArmorProfile != nil && s.AppArmorProfile.Type == corev1.AppArmorProfileTypeUnconfined,
			s.SELinuxOptions != nil, s.WindowsOptions != nil:
			return redact.F("Container %s asks for more rights than a container has by itself.", c.Name)
		}
	}
	if host := hookHost(c); host != "" {
		return redact.F("A probe or hook of container %s names the host %s, which the node would ask for it.", c.Name, host)
	}
	for _, p := range c.Ports {
		if p.HostPort != 0 {
			return redact.F("Container %s takes a port of the node.", c.Name)
		}
	}
	if len(c.VolumeDevices) > 0 {
		return redact.F("Container %s mounts a raw device.", c.Name)
	}
	for _, e := range c.EnvFrom {
		if e.SecretRef != nil {
			return redact.F("Container %s takes its environment from Secret %s.", c.Name, e.SecretRef.Name)
		}
	}
	for _, e := range c.Env {
		if e.ValueFrom != nil && e.ValueFrom.SecretKeyRef != nil {
			return redact.F("Container %s reads Secret %s.", c.Name, e.ValueFrom.SecretKeyRef.Name)
		}
	}
	return redact.Text{}
}

// hookHost is a host that a probe or a lifecycle hook names, "" for none: the kubelet connects to it from the node's own network
// (https://kubernetes.io/docs/concepts/security/pod-security-standards/, "Host Probes / Lifecycle Hooks").
func hookHost(c corev1.Container) string {
	var get []*corev1.HTTPGetAction
	var socket []*corev1.TCPSocketAction
	for _, p := range []*corev1.Probe{c.LivenessProbe, c.ReadinessProbe, c.StartupProbe} {
		if p != nil {
			get, socket = append(get, p.HTTPGet), append(socket, p.TCPSocket)
		}
	}
	if l := c.Lifecycle; l != nil {
		for _, h := range []*corev1.LifecycleHandler{l.PostStart, l.PreStop} {
			if h != nil {
				get, socket = append(get, h.HTTPGet), append(socket, h.TCPSocket)
			}
		}
	}
	for _, g := range get {
		if g != nil && g.Host != "" {
			return g.Host
		}
	}
	for _, s := range socket {
		if s != nil && s.Host != "" {
			return s.Host
		}
	}
	return ""
}

func unfitSecurity(s *corev1.PodSecurityContext) redact.Text {
	if s == nil {
		return redact.Text{}
	}
	if len(s.Sysctls) > 0 || s.SELinuxOptions != nil || s.WindowsOptions != nil ||
		s.SeccompProfile != nil && s.SeccompProfile.Type == corev1.SeccompProfileTypeUnconfined ||
		s.AppArmorProfile != nil && s.AppArmorProfile.Type == corev1.AppArmorProfileTypeUnconfined {
		return redact.Const("Its pods ask for more rights than a pod has by itself.")
	}
	return redact.Text{}
}

// repository is an image's name without tag and digest.
func repository(image string) string {
	image, _, _ = strings.Cut(image, "@")
	if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
		return image[:i]
	}
	return image
}
