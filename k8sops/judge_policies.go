package k8sops

import (
	"context"
	"slices"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// judgePolicies says which NetworkPolicies select the service's pods, what they let in and out, and whether they cut the service off from what it
// depends on, from DNS, or from those who depend on it. It reads the policies' words: whether the cluster's network enforces them, or more than
// them, it cannot know.
func (in inquiry) judgePolicies(ctx context.Context, o objects, namespaces []string) (finding.Finding, error) {
	n := network{in: in, ctx: ctx, policies: map[string][]*networkingv1.NetworkPolicy{}, spaces: map[string]space{}}
	self, err := n.party(in.at.Service)
	if err != nil {
		return finding.Finding{}, err
	}
	f, err := n.judge(self)
	if err != nil {
		return finding.Finding{}, err
	}
	f.Evidence = append(f.Evidence, evidenceOf(o, redact.Const("Network policies"))...)
	if len(f.Evidence) > 0 && !slices.Contains(namespaces, in.at.Service.Namespace) {
		f.Line = redact.F("%s (judged for %s in namespace %s)", f.Line, in.at.Service.Name, in.at.Service.Namespace)
	}
	return f, nil
}

func (n network) judge(self party) (finding.Finding, error) {
	all, err := n.of(self.space.name)
	if err != nil {
		return finding.Finding{}, err
	}
	selecting := selectingPolicies(all, self.pod)
	f := finding.Finding{Status: finding.OK}
	open := finding.Signal{Kind: finding.NetworkOpen, Object: "Service/" + self.name}
	if len(selecting) == 0 {
		f.Line = redact.F("no network policy selects the pods of %s: nothing is blocked", self.name)
	} else {
		f.Line = redact.F("%d of %d network policies select the pods of %s; in: %s; out: %s", len(selecting), len(all), self.name,
			saysIn(selecting), saysOut(selecting))
	}
	var blocked, unsure []redact.Text
	note := func(r ruling, object string, what redact.Text) {
		switch r.answer {
		case no:
			blocked = append(blocked, redact.F("%s (%s)", what, r.by))
			f.Signals = append(f.Signals, finding.Signal{Kind: finding.NetworkPolicyBlocks, Object: object, Detail: redact.F("%s: %s", what, r.by)})
		case perhaps:
			unsure = append(unsure, what)
		}
	}
	if by := shuts(selecting); by != "" && len(self.ports) > 0 {
		note(ruling{answer: no, by: redact.F("ingress of %s", by)}, "Service/"+self.name, redact.F("%s can be reached by nobody", self.name))
	}
	note(n.dns(selecting), "Service/"+self.name, redact.F("%s cannot ask DNS", self.name))
	for _, dep := range n.partners(n.in.at.Service.DependsOn) {
		r, err := n.between(self, dep)
		if err != nil {
			unsure = append(unsure, redact.F("%s to %s (%s)", self.name, dep.Name, unread(dep, err).Line))
			continue
		}
		note(r, "Service/"+dep.Name, redact.F("%s cannot reach %s", self.name, dep.Name))
	}
	for _, s := range n.in.services() {
		if !slices.Contains(s.DependsOn, n.in.at.Service.Name) {
			continue
		}
		from, err := n.party(s)
		if err != nil {
			continue // its own runbook says so
		}
		r, err := n.reach(from, self)
		if err != nil {
			continue
		}
		note(r, "Service/"+self.name, redact.F("%s cannot reach %s", s.Name, self.name))
	}
	t := &finding.Table{Columns: texts("Policy", "Lets in", "Lets out")}
	for _, p := range selecting[:min(len(selecting), evidenceRows)] {
		one := []*networkingv1.NetworkPolicy{p}
		t.Rows = append(t.Rows, []redact.Text{redact.Clean(p.Name), saysIn(one), saysOut(one)})
	}
	if len(selecting) > 0 {
		f.Evidence = []finding.Evidence{{Title: redact.F("Policies that select the pods of %s", self.name), Table: t}}
	}
	switch {
	case len(blocked) > 0:
		f.Status = finding.Fail
		f.Line = redact.F("network policies cut off: %s", redact.Join("; ", blocked[:min(len(blocked), 4)]...))
		f.Fix = redact.Const("Correct the policy that is named, or roll back its last change; a restart does not help.")
	case len(unsure) > 0:
		f.Status = finding.Unknown
		f.Line = redact.F("%s; it cannot be told from the policies whether they block: %s", f.Line, redact.Join("; ", unsure[:min(len(unsure), 4)]...))
		f.Fix = redact.Const("Try it from inside a pod (curl, nc -z or nslookup by kubectl exec).")
	default:
		f.Signals = []finding.Signal{open}
	}
	return f, nil
}

// partners are the catalogue's services with these names, of this cluster.
func (n network) partners(names []string) []catalog.Service {
	var out []catalog.Service
	for _, s := range n.in.services() {
		if slices.Contains(names, s.Name) {
			out = append(out, s)
		}
	}
	return out
}

func (n network) between(from party, dep catalog.Service) (ruling, error) {
	to, err := n.party(dep)
	if err != nil {
		return ruling{}, err
	}
	return n.reach(from, to)
}

// reach says whether the policies of both sides let one service reach the ports of another.
func (n network) reach(from, to party) (ruling, error) {
	mine, err := n.of(from.space.name)
	if err != nil {
		return ruling{}, err
	}
	theirs, err := n.of(to.space.name)
	if err != nil {
		return ruling{}, err
	}
	out := ruling{answer: yes}
	for _, port := range to.ports {
		for _, r := range []ruling{egress(mine, from, to, port), ingress(theirs, from, to, port)} {
			if r.answer == no {
				return r, nil
			}
			if r.answer == perhaps {
				out = r
			}
		}
	}
	return out, nil
}

// party is one end of a connection: a service with one of its pods.
type party struct {
	name  string
	space space
	pod   *corev1.Pod // a live one, else one as the template makes it
	// ports are those that its Kubernetes Service leads to.
	ports []port
}

// space is a namespace with its labels. Other labels than the name that every one has are only known where they may be read.
type space struct {
	name   string
	labels map[string]string
	known  bool
}

// network reads what the judgement needs, each thing once.
type network struct {
	in       inquiry
	ctx      context.Context
	policies map[string][]*networkingv1.NetworkPolicy
	spaces   map[string]space
}

func (n network) of(namespace string) ([]*networkingv1.NetworkPolicy, error) {
	if all, ok := n.policies[namespace]; ok {
		return all, nil
	}
	if _, err := n.in.namespace(namespace); err != nil {
		return nil, err
	}
	o, err := n.in.list(n.ctx, knownKinds["networkpolicies"], []string{namespace}, nil, "", "")
	if err != nil {
		return nil, err
	}
	n.policies[namespace] = decoded[networkingv1.NetworkPolicy](o)
	return n.policies[namespace], nil
}

func (n network) party(svc catalog.Service) (party, error) {
	w, err := n.in.c.workload(n.ctx, svc)
	if err != nil {
		return party{}, err
	}
	p := party{name: svc.Name, space: n.space(svc.Namespace), pod: &corev1.Pod{ObjectMeta: w.template.ObjectMeta, Spec: w.template.Spec}}
	if pods, err := n.in.c.podsOf(n.ctx, w); err == nil && len(pods.items) > 0 {
		p.pod = pods.items[0]
	}
	if svc.KubernetesService == "" {
		return p, nil
	}
	services, err := readLive[*corev1.Service](n.ctx, n.in.c, serviceScope(svc))
	if err != nil {
		return party{}, err
	}
	for _, s := range services.items {
		for _, sp := range s.Spec.Ports {
			p.ports = append(p.ports, targetOf(sp, p.pod))
		}
	}
	return p, nil
}

func (n network) space(name string) space {
	if s, ok := n.spaces[name]; ok {
		return s
	}
	s := space{name: name, labels: map[string]string{corev1.LabelMetadataName: name}}
	o, err := n.in.list(n.ctx, knownKinds["namespaces"], nil, []string{name}, "", "")
	if err == nil && len(o.rows) == 1 {
		s.known = true
		for k, v := range o.rows[0].labels {
			s.labels[k] = v
		}
	}
	n.spaces[name] = s
	return s
}
