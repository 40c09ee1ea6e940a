package k8sops

import (
	"net/netip"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/svcdown/svcdown/redact"
)

// answer is what can be told of a connection from the policies' words.
type answer int

const (
	no answer = iota
	perhaps
	yes
)

// ruling is an answer, with the policies that it comes from.
type ruling struct {
	answer answer
	by     redact.Text
}

// port of a container.
type port struct {
	number   int32
	name     string // of the container's port, "" for none
	protocol corev1.Protocol
}

// targetOf is where a port of a Service leads in its pods.
func targetOf(sp corev1.ServicePort, pod *corev1.Pod) port {
	p := port{number: sp.Port, protocol: sp.Protocol}
	if p.protocol == "" {
		p.protocol = corev1.ProtocolTCP
	}
	if sp.TargetPort.Type == intstr.Int && sp.TargetPort.IntVal > 0 {
		p.number = sp.TargetPort.IntVal
	}
	for _, k := range pod.Spec.Containers {
		for _, c := range k.Ports {
			if sp.TargetPort.Type == intstr.String && c.Name == sp.TargetPort.StrVal {
				p.number = c.ContainerPort
			}
		}
	}
	for _, k := range pod.Spec.Containers {
		for _, c := range k.Ports {
			if c.ContainerPort == p.number {
				p.name = c.Name
			}
		}
	}
	return p
}

func selectingPolicies(all []*networkingv1.NetworkPolicy, pod *corev1.Pod) []*networkingv1.NetworkPolicy {
	var out []*networkingv1.NetworkPolicy
	for _, p := range all {
		if matches(&p.Spec.PodSelector, pod.Labels) {
			out = append(out, p)
		}
	}
	return out
}

func matches(s *metav1.LabelSelector, set map[string]string) bool {
	selector, err := metav1.LabelSelectorAsSelector(s)
	return err == nil && selector.Matches(labels.Set(set))
}

// governs reports whether the policy restricts that direction. Without policyTypes it is ingress, and egress when there are rules for it.
func governs(p *networkingv1.NetworkPolicy, t networkingv1.PolicyType) bool {
	if len(p.Spec.PolicyTypes) == 0 {
		return t == networkingv1.PolicyTypeIngress || len(p.Spec.Egress) > 0
	}
	return slices.Contains(p.Spec.PolicyTypes, t)
}

// egress says whether the policies of from's namespace let it out to a port of to.
func egress(all []*networkingv1.NetworkPolicy, from, to party, at port) ruling {
	return rule(selectingPolicies(all, from.pod), networkingv1.PolicyTypeEgress, func(p *networkingv1.NetworkPolicy) answer {
		best := no
		for _, r := range p.Spec.Egress {
			best = max(best, min(allowsPort(r.Ports, at), allowsPeer(r.To, p.Namespace, to)))
		}
		return best
	})
}

// ingress says whether the policies of to's namespace let from in on a port.
func ingress(all []*networkingv1.NetworkPolicy, from, to party, at port) ruling {
	return rule(selectingPolicies(all, to.pod), networkingv1.PolicyTypeIngress, func(p *networkingv1.NetworkPolicy) answer {
		best := no
		for _, r := range p.Spec.Ingress {
			best = max(best, min(allowsPort(r.Ports, at), allowsPeer(r.From, p.Namespace, from)))
		}
		return best
	})
}

// rule asks every policy that governs a direction: one that allows is enough, and without any everything is allowed.
func rule(selecting []*networkingv1.NetworkPolicy, t networkingv1.PolicyType, ask func(*networkingv1.NetworkPolicy) answer) ruling {
	out, governed := ruling{answer: no}, false
	var names []redact.Text
	for _, p := range selecting {
		if !governs(p, t) {
			continue
		}
		governed = true
		names = append(names, redact.Clean(p.Name))
		out.answer = max(out.answer, ask(p))
	}
	if !governed {
		return ruling{answer: yes}
	}
	out.by = redact.F("%s of %s", map[networkingv1.PolicyType]string{networkingv1.PolicyTypeEgress: "egress", networkingv1.PolicyTypeIngress: "ingress"}[t], redact.Join(", ", names...))
	return out
}

func allowsPort(ports []networkingv1.NetworkPolicyPort, at port) answer {
	if len(ports) == 0 {
		return yes
	}
	for _, p := range ports {
		protocol := corev1.ProtocolTCP
		if p.Protocol != nil {
			protocol = *p.Protocol
		}
		switch {
		case protocol != at.protocol:
		case p.Port == nil:
			return yes
		case p.Port.Type == intstr.String && p.Port.StrVal == at.name && at.name != "":
			return yes
		case p.Port.Type == intstr.Int && p.EndPort == nil && p.Port.IntVal == at.number:
			return yes
		case p.Port.Type == intstr.Int && p.EndPort != nil && p.Port.IntVal <= at.number && at.number <= *p.EndPort:
			return yes
		}
	}
	return no
}

func allowsPeer(peers []networkingv1.NetworkPolicyPeer, home string, other party) answer {
	if len(peers) == 0 {
		return yes
	}
	best := no
	for _, p := range peers {
		best = max(best, isPeer(p, home, other))
	}
	return best
}

func isPeer(p networkingv1.NetworkPolicyPeer, home string, other party) answer {
	if p.IPBlock != nil {
		return inBlock(p.IPBlock, other.pod.Status.PodIPs)
	}
	in := no
	switch {
	case p.NamespaceSelector == nil && other.space.name == home:
		in = yes
	case p.NamespaceSelector != nil && matches(p.NamespaceSelector, other.space.labels):
		in = yes
	case p.NamespaceSelector != nil && !other.space.known:
		in = perhaps // it may carry labels that we may not read
	}
	if p.PodSelector != nil && !matches(p.PodSelector, other.pod.Labels) {
		return no
	}
	return in
}

func inBlock(b *networkingv1.IPBlock, ips []corev1.PodIP) answer {
	if len(ips) == 0 {
		return perhaps
	}
	for _, ip := range ips {
		if within(b.CIDR, ip.IP) && !slices.ContainsFunc(b.Except, func(e string) bool { return within(e, ip.IP) }) {
			return yes
		}
	}
	return no
}

func within(cidr, ip string) bool {
	p, err := netip.ParsePrefix(cidr)
	a, err2 := netip.ParseAddr(ip)
	return err == nil && err2 == nil && p.Contains(a)
}

// dns says whether the policies let the pods ask the cluster's DNS: pods with the label that every distribution gives them, in kube-system.
// DNS behind an address (a cache on the node) cannot be told from here.
func (n network) dns(selecting []*networkingv1.NetworkPolicy) ruling {
	server := party{
		space: space{name: metav1.NamespaceSystem, labels: map[string]string{corev1.LabelMetadataName: metav1.NamespaceSystem}},
		pod:   &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{"k8s-app": "kube-dns"}}},
	}
	return rule(selecting, networkingv1.PolicyTypeEgress, func(p *networkingv1.NetworkPolicy) answer {
		best := no
		for _, r := range p.Spec.Egress {
			ports := max(allowsPort(r.Ports, port{number: 53, name: "dns", protocol: corev1.ProtocolUDP}), allowsPort(r.Ports, port{number: 53, name: "dns-tcp", protocol: corev1.ProtocolTCP}))
			best = max(best, min(ports, allowsPeer(r.To, p.Namespace, server)))
		}
		return best
	})
}

// saysIn words what policies let in.
func saysIn(all []*networkingv1.NetworkPolicy) redact.Text {
	return says(all, networkingv1.PolicyTypeIngress, func(p *networkingv1.NetworkPolicy) (out []redact.Text) {
		for _, r := range p.Spec.Ingress {
			out = append(out, redact.Join(" on ", peersText(r.From), portsText(r.Ports)))
		}
		return out
	})
}

// saysOut words what policies let out.
func saysOut(all []*networkingv1.NetworkPolicy) redact.Text {
	return says(all, networkingv1.PolicyTypeEgress, func(p *networkingv1.NetworkPolicy) (out []redact.Text) {
		for _, r := range p.Spec.Egress {
			out = append(out, redact.Join(" on ", peersText(r.To), portsText(r.Ports)))
		}
		return out
	})
}

// shuts names the policy by which pods that these policies select take no traffic at all; "" when some rule lets something in.
func shuts(selecting []*networkingv1.NetworkPolicy) string {
	by := ""
	for _, p := range selecting {
		if !governs(p, networkingv1.PolicyTypeIngress) {
			continue
		}
		if len(p.Spec.Ingress) > 0 {
			return ""
		}
		by = p.Name
	}
	return by
}

func says(all []*networkingv1.NetworkPolicy, t networkingv1.PolicyType, rules func(*networkingv1.NetworkPolicy) []redact.Text) redact.Text {
	governed := false
	var parts []redact.Text
	for _, p := range all {
		if governs(p, t) {
			governed = true
			parts = append(parts, rules(p)...)
		}
	}
	switch {
	case !governed:
		return redact.Const("everything")
	case len(parts) == 0:
		return redact.Const("nothing")
	}
	return redact.Join("; ", parts...).Short(240)
}

func peersText(peers []networkingv1.NetworkPolicyPeer) redact.Text {
	if len(peers) == 0 {
		return redact.Const("everybody")
	}
	var out []redact.Text
	for _, p := range peers {
		switch {
		case p.IPBlock != nil:
			out = append(out, redact.Clean(p.IPBlock.CIDR))
		case p.NamespaceSelector != nil && p.PodSelector != nil:
			out = append(out, redact.F("pods %s of namespaces %s", selectorText(p.PodSelector), selectorText(p.NamespaceSelector)))
		case p.NamespaceSelector != nil:
			out = append(out, redact.F("namespaces %s", selectorText(p.NamespaceSelector)))
		default:
			out = append(out, redact.F("pods %s", selectorText(p.PodSelector)))
		}
	}
	return redact.Join(", ", out...)
}

func selectorText(s *metav1.LabelSelector) string {
	if s == nil || len(s.MatchLabels)+len(s.MatchExpressions) == 0 {
		return "(all)"
	}
	return metav1.FormatLabelSelector(s)
}

func portsText(ports []networkingv1.NetworkPolicyPort) redact.Text {
	var out []redact.Text
	for _, p := range ports {
		switch {
		case p.Port == nil:
			out = append(out, redact.Const("every port"))
		case p.EndPort != nil:
			out = append(out, redact.F("%s-%d", p.Port.String(), *p.EndPort))
		default:
			out = append(out, redact.Clean(p.Port.String()))
		}
	}
	return redact.Join(", ", out...)
}
