package k8sops

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

func readySince(p *corev1.Pod) time.Time {
	if c := condition(p, corev1.PodReady); c != nil {
		return c.LastTransitionTime.Time
	}
	return p.CreationTimestamp.Time
}

// podText summarises a pod; literal values of environment variables are never part of it.
func (in inquiry) podText(v podView) string {
	p, now := v.pod, in.c.o.Now()
	var b strings.Builder
	field := func(name, value string) { fmt.Fprintf(&b, "%-16s%s\n", name+":", value) }
	field("Name", p.Name)
	field("Namespace", p.Namespace)
	field("Node", cmp.Or(p.Spec.NodeName, "<none>"))
	field("Controlled by", ownerOf(p))
	field("Created", since(p.CreationTimestamp.Time, now)+" ago")
	field("Labels", labelsText(p.Labels))
	field("Status", strings.TrimSuffix(strings.Join([]string{string(p.Status.Phase), v.reason, v.detail.String()}, " "), " "))
	if p.Status.Message != "" {
		field("Message", oneLine(p.Status.Message))
	}
	field("IP", cmp.Or(p.Status.PodIP, "<none>"))
	for _, k := range p.Spec.InitContainers {
		containerText(&b, "Init container", k, statusOf(p, k.Name), now)
	}
	for _, k := range p.Spec.Containers {
		containerText(&b, "Container", k, statusOf(p, k.Name), now)
	}
	b.WriteString("Conditions:\n")
	for _, c := range p.Status.Conditions {
		fmt.Fprintf(&b, "  %s=%s %s %s\n", c.Type, c.Status, c.Reason, oneLine(c.Message))
	}
	b.WriteString("Volumes:\n")
	for _, vol := range p.Spec.Volumes {
		fmt.Fprintf(&b, "  %s: %s\n", vol.Name, volumeText(vol))
	}
	return b.String()
}

func statusOf(p *corev1.Pod, name string) *corev1.ContainerStatus {
	all := statuses(p)
	if i := slices.IndexFunc(all, func(s corev1.ContainerStatus) bool { return s.Name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}

func containerText(b *strings.Builder, what string, k corev1.Container, s *corev1.ContainerStatus, now time.Time) {
	fmt.Fprintf(b, "%s %s:\n  Image:        %s\n", what, k.Name, k.Image)
	if s != nil {
		fmt.Fprintf(b, "  State:        %s\n", stateText(s.State, now))
		if s.LastTerminationState.Terminated != nil {
			fmt.Fprintf(b, "  Last state:   %s\n", stateText(s.LastTerminationState, now))
		}
		fmt.Fprintf(b, "  Ready:        %t\n  Restarts:     %d\n", s.Ready, s.RestartCount)
	}
	for _, r := range []struct {
		name string
		list corev1.ResourceList
	}{{"Limits", k.Resources.Limits}, {"Requests", k.Resources.Requests}} {
		var parts []string
		for name, q := range r.list {
			parts = append(parts, string(name)+"="+q.String())
		}
		slices.Sort(parts)
		if len(parts) > 0 {
			fmt.Fprintf(b, "  %-14s%s\n", r.name+":", strings.Join(parts, " "))
		}
	}
	for _, probe := range []struct {
		name string
		p    *corev1.Probe
	}{{"Startup", k.StartupProbe}, {"Liveness", k.LivenessProbe}, {"Readiness", k.ReadinessProbe}} {
		if probe.p != nil {
			fmt.Fprintf(b, "  %-14s%s\n", probe.name+":", probeText(probe.p))
		}
	}
	for _, e := range k.EnvFrom {
		switch {
		case e.ConfigMapRef != nil:
			fmt.Fprintf(b, "  Environment:  every key of configmap %s\n", e.ConfigMapRef.Name)
		case e.SecretRef != nil:
			fmt.Fprintf(b, "  Environment:  every key of secret %s\n", e.SecretRef.Name)
		}
	}
	for _, e := range k.Env {
		fmt.Fprintf(b, "  Environment:  %s\n", envText(e))
	}
	for _, m := range k.VolumeMounts {
		fmt.Fprintf(b, "  Mount:        %s from %s\n", m.MountPath, m.Name)
	}
}

// envText says where a variable comes from, never what it is.
func envText(e corev1.EnvVar) string {
	f := e.ValueFrom
	switch {
	case f == nil && e.Value == "":
		return e.Name + ", empty"
	case f == nil:
		return e.Name + ", set"
	case f.ConfigMapKeyRef != nil:
		return fmt.Sprintf("%s, key %s of configmap %s", e.Name, f.ConfigMapKeyRef.Key, f.ConfigMapKeyRef.Name)
	case f.SecretKeyRef != nil:
		return fmt.Sprintf("%s, key %s of secret %s", e.Name, f.SecretKeyRef.Key, f.SecretKeyRef.Name)
	case f.FieldRef != nil:
		return fmt.Sprintf("%s, field %s", e.Name, f.FieldRef.FieldPath)
	case f.ResourceFieldRef != nil:
		return fmt.Sprintf("%s, resource %s", e.Name, f.ResourceFieldRef.Resource)
	default:
		return e.Name + ", from elsewhere"
	}
}

func stateText(s corev1.ContainerState, now time.Time) string {
	switch {
	case s.Running != nil:
		return "running for " + since(s.Running.StartedAt.Time, now)
	case s.Terminated != nil:
		t := s.Terminated
		return strings.TrimSpace(fmt.Sprintf("ended %s ago after %s, %s %s", since(t.FinishedAt.Time, now), t.FinishedAt.Sub(t.StartedAt.Time).Round(time.Second), exit(t), oneLine(t.Message)))
	case s.Waiting != nil:
		return strings.TrimSpace(fmt.Sprintf("waiting, %s %s", s.Waiting.Reason, oneLine(s.Waiting.Message)))
	default:
		return "waiting"
	}
}

func probeText(p *corev1.Probe) string {
	what := "none"
	switch {
	case p.HTTPGet != nil:
		what = fmt.Sprintf("GET :%s%s", p.HTTPGet.Port.String(), p.HTTPGet.Path)
	case p.TCPSocket != nil:
		what = "TCP " + p.TCPSocket.Port.String()
	case p.Exec != nil:
		what = "exec"
		if len(p.Exec.Command) > 0 {
			what += " " + p.Exec.Command[0] // its arguments may hold a password (redis-cli -a)
		}
	case p.GRPC != nil:
		what = fmt.Sprintf("gRPC :%d", p.GRPC.Port)
	}
	return fmt.Sprintf("%s every %ds, timeout %ds, %d failures", what, p.PeriodSeconds, p.TimeoutSeconds, p.FailureThreshold)
}

func volumeText(v corev1.Volume) string {
	switch {
	case v.PersistentVolumeClaim != nil:
		return "claim " + v.PersistentVolumeClaim.ClaimName
	case v.ConfigMap != nil:
		return "configmap " + v.ConfigMap.Name
	case v.Secret != nil:
		return "secret " + v.Secret.SecretName
	case v.EmptyDir != nil:
		return "emptyDir, lost with the pod"
	case v.HostPath != nil:
		return "host path " + v.HostPath.Path
	case v.Projected != nil:
		return "projected"
	default:
		return "other"
	}
}

func nodeText(n *corev1.Node) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Name:           %s\n", n.Name)
	_, state, _ := judgeNode(n)
	fmt.Fprintf(&b, "State:          %s\nUnschedulable:  %t\nTaints:         %s\n", state, n.Spec.Unschedulable, cmp.Or(taintsOf(n).String(), "<none>"))
	fmt.Fprintf(&b, "Labels:         %s\n", labelsText(n.Labels))
	for _, r := range []struct {
		name string
		list corev1.ResourceList
	}{{"Capacity", n.Status.Capacity}, {"Allocatable", n.Status.Allocatable}} {
		var parts []string
		for name, q := range r.list {
			parts = append(parts, string(name)+"="+q.String())
		}
		slices.Sort(parts)
		fmt.Fprintf(&b, "%-16s%s\n", r.name+":", strings.Join(parts, " "))
	}
	info := n.Status.NodeInfo
	fmt.Fprintf(&b, "System:         %s, kernel %s, %s, kubelet %s\n", info.OSImage, info.KernelVersion, info.ContainerRuntimeVersion, info.KubeletVersion)
	b.WriteString("Conditions:\n")
	for _, c := range n.Status.Conditions {
		fmt.Fprintf(&b, "  %s=%s %s %s\n", c.Type, c.Status, c.Reason, oneLine(c.Message))
	}
	return b.String()
}

// templateText summarises the pods of one revision.
func templateText(t corev1.PodTemplateSpec) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Pod template:\n  Labels:       %s\n", labelsText(t.Labels))
	for _, k := range t.Spec.InitContainers {
		containerText(&b, "Init container", k, nil, time.Time{})
	}
	for _, k := range t.Spec.Containers {
		containerText(&b, "Container", k, nil, time.Time{})
	}
	return b.String()
}
