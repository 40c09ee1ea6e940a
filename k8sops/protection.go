package k8sops

import (
	"context"
	"errors"
	"slices"
	"strings"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// Protection reads what stands between a service and its next outage, all of it at once and within Options.CheckTimeout. What cannot be read is
// an unread part that says why and which permission would let it; only when the workload itself cannot be read is there an error. It reads no
// Secret.
func (c *Cluster) Protection(ctx context.Context, svc catalog.Service) (finding.Protection, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.CheckTimeout)
	defer cancel()
	s := c.snapshot(ctx, svc)
	policies := begin(func() (*networkingv1.NetworkPolicyList, error) {
		l, err := c.client.NetworkingV1().NetworkPolicies(svc.Namespace).List(ctx, metav1.ListOptions{Limit: most})
		return l, apiError("read networkpolicies", "namespace "+svc.Namespace, err)
	})
	ingresses := begin(func() (*networkingv1.IngressList, error) {
		l, err := c.client.NetworkingV1().Ingresses(svc.Namespace).List(ctx, metav1.ListOptions{Limit: most})
		return l, apiError("read ingresses", "namespace "+svc.Namespace, err)
	})
	limits := begin(func() (*corev1.LimitRangeList, error) {
		l, err := c.client.CoreV1().LimitRanges(svc.Namespace).List(ctx, metav1.ListOptions{Limit: most})
		return l, apiError("read limitranges", "namespace "+svc.Namespace, err)
	})
	backups := begin(func() ([]finding.CronJob, error) { return c.backups(ctx, svc) })
	alerts := begin(func() (finding.Alerts, error) { return c.alertRules(ctx, svc) })
	nodes := begin(func() (found[*corev1.Node], error) { return read[*corev1.Node](ctx, c, scope{resource: "nodes"}) })

	w, err := s.workload.get(ctx)
	if err != nil {
		return finding.Protection{}, apiError("read "+svc.Name, objectOf(svc), err)
	}
	p := finding.Protection{
		Kind: w.kind, Name: w.meta.Name, Namespace: w.meta.Namespace, Replicas: int(w.desired), Selector: selectorOf(w.selector),
		Spread: spreadOf(w.template), GitOps: gitOps(w.meta),
	}
	ground, groundErr := nodes.get(ctx)
	zones := zonesOf(ground.items)
	p.Ground = part(svc, "list nodes", finding.Ground{Nodes: len(ground.items), Zones: distinct(zones)}, groundErr)
	pods, podsErr := s.pods.get(ctx)
	p.Pods = part(svc, "list pods", placesOf(pods.items, zones), podsErr)
	ranges, _ := limits.get(ctx) // what it would fill in is a courtesy: without it the template alone counts
	usage, _ := s.usage.get(ctx) // figures for the YAML, which does without
	p.Containers = protectedContainers(w.template.Spec, ranges, usage, pods.items)
	hpas, err := s.hpas.get(ctx)
	p.Autoscalers = part(svc, "list horizontalpodautoscalers.autoscaling", scalersOf(hpas), err)
	budgets, err := s.pdbs.get(ctx)
	p.Budgets = part(svc, "list poddisruptionbudgets.policy", sparesOf(budgetsOf(budgets, w)), err)
	selecting, err := policies.get(ctx)
	p.Policies = part(svc, "list networkpolicies.networking.k8s.io", restrictionsOf(selecting, w), err)
	found, err := ingresses.get(ctx)
	p.Ingresses = part(svc, "list ingresses.networking.k8s.io", leadingTo(found, svc), err)
	jobs, err := backups.get(ctx)
	p.Backups = part(svc, "list cronjobs.batch", jobs, err)
	rules, err := alerts.get(ctx)
	p.Alerts = part(svc, "list prometheusrules.monitoring.coreos.com", rules, err)
	if err != nil && KindOf(err) == NotFound {
		p.Alerts.Unread = redact.Const("not installed: the cluster has no PrometheusRule objects (Prometheus Operator)")
		p.Alerts.Fix = redact.Const("Where alert rules are kept elsewhere, look there; svcdown sees objects of the cluster only.")
	}
	p.Ports, p.Open = c.portsOf(ctx, s, w)
	return p, nil
}

// part is what was read, or why it could not be; need is the permission that it takes, as "list cronjobs.batch".
func part[T any](svc catalog.Service, need string, value T, err error) finding.Part[T] {
	if err == nil {
		return finding.Part[T]{Value: value}
	}
	f := unknown(svc, err)
	out := finding.Part[T]{Unread: f.Line, Fix: f.Fix}
	kind, _ := classify(err)
	var own *Error
	if errors.As(err, &own) {
		kind = own.Kind
	}
	if kind == Forbidden {
		verb, what, _ := strings.Cut(need, " ")
		resource, group, _ := strings.Cut(what, ".")
		where := redact.F("in namespace %s", svc.Namespace)
		if resource == "nodes" {
			where = redact.Const("across the cluster")
		}
		out.Unread = redact.F("could not be read: svcdown's account may not %s %s", verb, what)
		out.Fix = redact.F("Add to its role %s: {apiGroups: [%q], resources: [%s], verbs: [%s]}; the chart's RBAC does.", where, group, resource, verb)
	}
	return out
}

func selectorOf(s labels.Selector) finding.Selector {
	out := finding.Selector{Labels: map[string]string{}}
	requirements, _ := s.Requirements()
	for _, r := range requirements {
		if set, one := s.RequiresExactMatch(r.Key()); one {
			out.Labels[r.Key()] = set
			continue
		}
		operator, ok := map[string]string{"in": "In", "notin": "NotIn", "exists": "Exists", "!": "DoesNotExist"}[string(r.Operator())]
		if ok {
			out.Expressions = append(out.Expressions, finding.Expression{Key: r.Key(), Operator: operator, Values: r.Values().List()})
		}
	}
	return out
}

// spreadOf are the rules of a pod template that keep its own pods apart.
func spreadOf(t corev1.PodTemplateSpec) []finding.SpreadRule {
	var out []finding.SpreadRule
	for _, s := range t.Spec.TopologySpreadConstraints {
		if s.LabelSelector != nil && matches(s.LabelSelector, t.Labels) {
			out = append(out, finding.SpreadRule{Key: s.TopologyKey, Hard: s.WhenUnsatisfiable == corev1.DoNotSchedule})
		}
	}
	if t.Spec.Affinity == nil || t.Spec.Affinity.PodAntiAffinity == nil {
		return out
	}
	for _, a := range t.Spec.Affinity.PodAntiAffinity.RequiredDuringSchedulingIgnoredDuringExecution {
		if a.LabelSelector != nil && matches(a.LabelSelector, t.Labels) {
			out = append(out, finding.SpreadRule{Key: a.TopologyKey, Hard: true})
		}
	}
	for _, a := range t.Spec.Affinity.PodAntiAffinity.PreferredDuringSchedulingIgnoredDuringExecution {
		if s := a.PodAffinityTerm.LabelSelector; s != nil && matches(s, t.Labels) {
			out = append(out, finding.SpreadRule{Key: a.PodAffinityTerm.TopologyKey})
		}
	}
	return out
}

func zonesOf(nodes []*corev1.Node) map[string]string {
	zones := map[string]string{}
	for _, n := range nodes {
		zones[n.Name] = n.Labels[corev1.LabelTopologyZone]
	}
	return zones
}

func distinct(of map[string]string) int {
	seen := map[string]bool{}
	for _, v := range of {
		if v != "" {
			seen[v] = true
		}
	}
	return len(seen)
}

// placesOf are the pods that run on a node and are not about to go.
func placesOf(pods []*corev1.Pod, zones map[string]string) []finding.Place {
	var out []finding.Place
	for _, p := range pods {
		if p.Spec.NodeName != "" && p.DeletionTimestamp == nil && p.Status.Phase == corev1.PodRunning {
			out = append(out, finding.Place{Pod: p.Name, Node: p.Spec.NodeName, Zone: zones[p.Spec.NodeName]})
		}
	}
	return out
}

func scalersOf(on []*autoscalingv2.HorizontalPodAutoscaler) []finding.Autoscaler {
	var out []finding.Autoscaler
	for _, h := range on {
		a := finding.Autoscaler{Name: h.Name, Min: int(count(h.Spec.MinReplicas)), Max: int(h.Spec.MaxReplicas), Current: int(h.Status.CurrentReplicas)}
		for _, c := range h.Status.Conditions {
			if c.Type == autoscalingv2.ScalingActive && c.Status == corev1.ConditionFalse && c.Reason != "ScalingDisabled" {
				a.Stuck = redact.F("%s", oneLine(c.Message)).Short(200)
			}
		}
		out = append(out, a)
	}
	return out
}

// sparesOf says how many pods each budget lets go while all are well. Percentages are rounded up, as the disruption controller does.
func sparesOf(on []*policyv1.PodDisruptionBudget) []finding.Budget {
	var out []finding.Budget
	for _, b := range on {
		all := int(b.Status.ExpectedPods)
		f := finding.Budget{Name: b.Name, Field: "minAvailable"}
		switch {
		case b.Spec.MaxUnavailable != nil:
			f.Field = "maxUnavailable"
			f.Spare, _ = intstr.GetScaledValueFromIntOrPercent(b.Spec.MaxUnavailable, all, true)
		case b.Spec.MinAvailable != nil:
			needed, _ := intstr.GetScaledValueFromIntOrPercent(b.Spec.MinAvailable, all, true)
			f.Spare = max(0, all-needed)
		}
		out = append(out, f)
	}
	return out
}

func restrictionsOf(all *networkingv1.NetworkPolicyList, w workload) []finding.NetworkPolicy {
	var out []finding.NetworkPolicy
	if all == nil {
		return nil
	}
	for i := range all.Items {
		p := &all.Items[i]
		if !matches(&p.Spec.PodSelector, w.template.Labels) {
			continue
		}
		in := governs(p, networkingv1.PolicyTypeIngress)
		out = append(out, finding.NetworkPolicy{
			Name: p.Name, Ingress: in, Egress: governs(p, networkingv1.PolicyTypeEgress),
			Open: in && slices.ContainsFunc(p.Spec.Ingress, func(r networkingv1.NetworkPolicyIngressRule) bool { return len(r.From) == 0 && len(r.Ports) == 0 }),
		})
	}
	return out
}

// leadingTo are the Ingresses with a rule, or a default, for the service's Kubernetes Service.
func leadingTo(all *networkingv1.IngressList, svc catalog.Service) []finding.Ingress {
	var out []finding.Ingress
	if all == nil || svc.KubernetesService == "" {
		return nil
	}
	ours := func(b *networkingv1.IngressBackend) bool {
		return b != nil && b.Service != nil && b.Service.Name == svc.KubernetesService
	}
	for _, i := range all.Items {
		f, hit := finding.Ingress{Name: i.Name, TLS: len(i.Spec.TLS) > 0}, ours(i.Spec.DefaultBackend)
		for _, r := range i.Spec.Rules {
			if r.HTTP == nil || !slices.ContainsFunc(r.HTTP.Paths, func(p networkingv1.HTTPIngressPath) bool { return ours(&p.Backend) }) {
				continue
			}
			hit = true
			if r.Host != "" && !slices.Contains(f.Hosts, r.Host) {
				f.Hosts = append(f.Hosts, r.Host)
			}
		}
		if hit {
			out = append(out, f)
		}
	}
	return out
}

// portsOf is where the Kubernetes Service leads, and whether it can be reached from outside of the cluster by itself.
func (c *Cluster) portsOf(ctx context.Context, s *snapshot, w workload) (finding.Part[[]finding.Port], bool) {
	if s.service == nil {
		return finding.Part[[]finding.Port]{}, false
	}
	service, err := s.service.get(ctx)
	if err != nil || service == nil {
		return part(s.svc, "list services", []finding.Port(nil), err), false
	}
	var out []finding.Port
	pod := &corev1.Pod{ObjectMeta: w.template.ObjectMeta, Spec: w.template.Spec}
	for _, sp := range service.Spec.Ports {
		if t := targetOf(sp, pod); t.protocol == corev1.ProtocolTCP {
			out = append(out, finding.Port{Name: t.name, Number: int(t.number)})
		}
	}
	return finding.Part[[]finding.Port]{Value: out}, service.Spec.Type == corev1.ServiceTypeNodePort || service.Spec.Type == corev1.ServiceTypeLoadBalancer
}
