package kubelet

import (
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"maps"
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

// surroundings gathers what one pod's next step depends on.
func (k *Kubelet) surroundings(pod *corev1.Pod, s marketplace.Service, p *picture, pods []*corev1.Pod) Surroundings {
	around := Surroundings{Service: s, HostIP: hostIP(pod.Spec.NodeName), NodeLost: p.state.LostNodes()[pod.Spec.NodeName]}
	for _, c := range p.state.Conditions {
		if c.Holds(pod, s.Name) {
			around.Conditions = append(around.Conditions, c)
		}
	}
	around.Debug = slices.ContainsFunc(pod.Spec.Containers[0].Env, func(e corev1.EnvVar) bool {
		return e.Name == "LOG_LEVEL" && e.Value == "debug"
	})
	if pod.Status.PodIP == "" {
		around.PodIP = freeIP(string(pod.UID), pods)
		return around
	}
	around.PodIP = pod.Status.PodIP
	if len(pod.Status.ContainerStatuses) > 0 && pod.Status.ContainerStatuses[0].State.Waiting != nil {
		if _, err := k.environment(pod); err != nil {
			around.Misconfigured = err.Error()
		}
	}
	return around
}

// freeIP picks a pod's address from 10.128.0.0/10, by its UID so that it does not
// depend on the order in which pods are seen.
func freeIP(uid string, pods []*corev1.Pod) string {
	taken := map[string]bool{}
	for _, pod := range pods {
		taken[pod.Status.PodIP] = true
	}
	h := fnv.New32a()
	h.Write([]byte(uid))
	for n := h.Sum32(); ; n++ {
		var raw [4]byte
		binary.BigEndian.PutUint32(raw[:], 10<<24|128<<16|n&0x3fffff)
		ip := netip.AddrFrom4(raw).String()
		if !taken[ip] {
			return ip
		}
	}
}

// hostIP is the address a pod reports for its node; the node's own is loopback,
// for that is where its kubelet listens.
func hostIP(node string) string {
	h := fnv.New32a()
	h.Write([]byte(node))
	return fmt.Sprintf("10.0.%d.%d", 1+h.Sum32()>>8&0x3, 10+h.Sum32()%200)
}

// environment is a container's environment as NAME=value, sorted. Its error is
// the kubelet's CreateContainerConfigError message.
func (k *Kubelet) environment(pod *corev1.Pod) ([]string, error) {
	c := pod.Spec.Containers[0]
	values := map[string]string{
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOSTNAME": pod.Name, "HOME": "/root",
		"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443",
	}
	for _, from := range c.EnvFrom {
		if ref := from.ConfigMapRef; ref != nil {
			m, err := k.factory.Core().V1().ConfigMaps().Lister().ConfigMaps(pod.Namespace).Get(ref.Name)
			if err != nil {
				return nil, missing("configmap", ref.Name, err)
			}
			maps.Copy(values, m.Data)
		}
	}
	for _, e := range c.Env {
		value, err := k.value(pod, e)
		if err != nil {
			return nil, err
		}
		values[e.Name] = value
	}
	var out []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		out = append(out, name+"="+values[name])
	}
	return out, nil
}

func (k *Kubelet) value(pod *corev1.Pod, e corev1.EnvVar) (string, error) {
	if e.ValueFrom == nil {
		return e.Value, nil
	}
	if ref := e.ValueFrom.ConfigMapKeyRef; ref != nil {
		m, err := k.factory.Core().V1().ConfigMaps().Lister().ConfigMaps(pod.Namespace).Get(ref.Name)
		if err != nil {
			return "", missing("configmap", ref.Name, err)
		}
		if value, ok := m.Data[ref.Key]; ok {
			return value, nil
		}
		return "", fmt.Errorf("couldn't find key %s in ConfigMap %s/%s", ref.Key, pod.Namespace, ref.Name)
	}
	if ref := e.ValueFrom.SecretKeyRef; ref != nil {
		s, err := k.factory.Core().V1().Secrets().Lister().Secrets(pod.Namespace).Get(ref.Name)
		if err != nil {
			return "", missing("secret", ref.Name, err)
		}
		if value, ok := s.Data[ref.Key]; ok {
			return string(value), nil
		}
		return "", fmt.Errorf("couldn't find key %s in Secret %s/%s", ref.Key, pod.Namespace, ref.Name)
	}
	if ref := e.ValueFrom.FieldRef; ref != nil {
		switch ref.FieldPath {
		case "metadata.name":
			return pod.Name, nil
		case "metadata.namespace":
			return pod.Namespace, nil
		case "status.podIP":
			return pod.Status.PodIP, nil
		}
	}
	return "", nil
}

func missing(kind, name string, err error) error {
	if apierrors.IsNotFound(err) {
		return fmt.Errorf("%s %q not found", kind, name)
	}
	return err
}

// find is the pod of this world with that name, from the kubelet's own cache.
func (k *Kubelet) find(namespace, name string) (*corev1.Pod, error) {
	if namespace != k.namespace {
		return nil, fmt.Errorf("pod %q is not of this node", name)
	}
	pod, err := k.factory.Core().V1().Pods().Lister().Pods(namespace).Get(name)
	if err != nil {
		return nil, fmt.Errorf("pod %q not found", name)
	}
	return pod, nil
}
