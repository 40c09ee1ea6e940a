package harden

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// object is a whole new object about the workload.
func object(p finding.Protection, apiVersion, kind, name string, spec fields) Remedy {
	return Remedy{body: fields{{"apiVersion", apiVersion}, {"kind", kind}, {"metadata", fields{{"name", name}, {"namespace", p.Namespace}}}, {"spec", spec}}}
}

func selector(s finding.Selector) fields {
	var out fields
	if len(s.Labels) > 0 {
		labels := fields{}
		for _, k := range slices.Sorted(maps.Keys(s.Labels)) {
			labels = append(labels, field{k, s.Labels[k]})
		}
		out = append(out, field{"matchLabels", labels})
	}
	if len(s.Expressions) > 0 {
		var all list
		for _, e := range s.Expressions {
			f := fields{{"key", e.Key}, {"operator", e.Operator}}
			if len(e.Values) > 0 {
				values := list{}
				for _, v := range e.Values {
					values = append(values, v)
				}
				f = append(f, field{"values", values})
			}
			all = append(all, f)
		}
		out = append(out, field{"matchExpressions", all})
	}
	return out
}

func budget(c Case) (Item, bool) {
	p := c.Protection
	switch {
	case p.Kind == "DaemonSet":
		return apart(redact.Const("node drains leave DaemonSets alone"))
	case !p.Budgets.Known():
		return unread(p.Budgets)
	}
	on := p.Budgets.Value
	single := fewest(p) <= 1
	switch {
	case len(on) == 0 && single:
		return apart(redact.Const("with one replica a PodDisruptionBudget could only block node drains"))
	case len(on) == 0:
		return item(finding.Fail, redact.Const("no PodDisruptionBudget: a node drain or an upgrade may take all pods at once"), redact.Const("Let one go at a time."),
			object(p, "policy/v1", "PodDisruptionBudget", p.Name, fields{{"maxUnavailable", 1}, {"unhealthyPodEvictionPolicy", "AlwaysAllow"}, {"selector", selector(p.Selector)}}))
	case len(on) > 1:
		var names []string
		for _, b := range on {
			names = append(names, b.Name)
		}
		return item(finding.Fail, redact.F("%d PodDisruptionBudgets select the same pods (%s): the API server then evicts none of them", len(on), strings.Join(names, ", ")),
			redact.Const("Keep one of them; which, only people know."))
	}
	b := on[0]
	switch {
	case b.Spare > 0:
		return well(redact.F("%s lets %d of %d pods go at a time", b.Name, b.Spare, p.Replicas))
	case single && stateful(c):
		return well(redact.F("%s lets the only pod not go: a node drain waits for a person", b.Name))
	case single:
		return item(finding.Warn, redact.F("%s lets the only pod not go: node drains and upgrades hang", b.Name), redact.Const("Run 2 replicas first; the budget then lets one go."))
	}
	to := 1
	if b.Field == "minAvailable" {
		to = fewest(p) - 1
	}
	return item(finding.Warn, redact.F("%s lets no pod go even while all are well: node drains and upgrades hang", b.Name), redact.Const("Let one go at a time."),
		Remedy{Target: "pdb/" + b.Name, body: fields{{"spec", fields{{b.Field, to}}}}})
}

// The labels of nodes over which pods are spread.
const (
	hostname = "kubernetes.io/hostname"
	zone     = "topology.kubernetes.io/zone"
)

func spread(c Case) (Item, bool) {
	p := c.Protection
	switch {
	case p.Kind == "DaemonSet":
		return apart(redact.Const("a DaemonSet has one pod on each node"))
	case fewest(p) <= 1:
		return apart(redact.Const("one replica cannot be spread"))
	}
	ruled := map[string]bool{}
	for _, s := range p.Spread {
		ruled[s.Key] = true
	}
	var missing list
	for _, key := range []string{hostname, zone} {
		if ruled[key] || key == zone && p.Ground.Known() && p.Ground.Value.Zones < 2 {
			continue
		}
		if key == hostname && hard(p, hostname) {
			continue
		}
		missing = append(missing, fields{{"maxSkew", 1}, {"topologyKey", key}, {"whenUnsatisfiable", "ScheduleAnyway"}, {"labelSelector", selector(p.Selector)}})
	}
	nodes, zones := map[string]int{}, map[string]int{}
	for _, at := range p.Pods.Value {
		nodes[at.Node]++
		if at.Zone != "" {
			zones[at.Zone]++
		}
	}
	where := redact.Text{}
	if len(p.Pods.Value) > 0 {
		where = redact.F("now on %s", counted(len(nodes), "node"))
		if len(zones) > 0 {
			where = redact.F("%s in %s", where, counted(len(zones), "zone"))
		}
	}
	together := len(p.Pods.Value) > 1 && len(nodes) == 1 && p.Ground.Value.Nodes > 1
	var fixes []Remedy
	if len(missing) > 0 {
		fixes = append(fixes, podPatch(p, field{"topologySpreadConstraints", missing}))
	}
	fix := redact.Const("Spread them over nodes and zones; ScheduleAnyway keeps no pod from starting.")
	switch {
	case together && len(missing) == 0:
		return item(finding.Warn, redact.F("all %d pods are on one node, although a rule keeps them apart", len(p.Pods.Value)),
			redact.F("Have they been there since before the rule, or had the other nodes no room? Ask for a restart: restart %s.", c.Service.Name))
	case together:
		return item(finding.Fail, redact.F("all %d pods are on one node, and nothing keeps them apart: a lost node is an outage", len(p.Pods.Value)), fix, fixes...)
	case len(missing) == 0:
		return well(redact.Join("; ", redact.Const("rules spread the pods over nodes and zones"), where))
	case len(ruled) == 0:
		return item(finding.Warn, redact.Join("; ", redact.Const("no rule keeps the pods apart"), where), fix, fixes...)
	default:
		return item(finding.Warn, redact.Join("; ", redact.F("no rule spreads the pods over %s", lacking(missing)), where), fix, fixes...)
	}
}

func hard(p finding.Protection, key string) bool {
	return slices.ContainsFunc(p.Spread, func(s finding.SpreadRule) bool { return s.Key == key && s.Hard })
}

func lacking(missing list) string {
	var out []string
	for _, m := range missing {
		for _, f := range m.(fields) {
			if f.key == "topologyKey" {
				out = append(out, map[any]string{hostname: "nodes", zone: "zones"}[f.value])
			}
		}
	}
	return strings.Join(out, " and ")
}

func counted(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func autoscaler(c Case) (Item, bool) {
	p := c.Protection
	switch {
	case p.Kind != "Deployment" || stateful(c):
		return apart(redact.F("a %s is not scaled by load", strings.ToLower(p.Kind)))
	case !p.Autoscalers.Known():
		return unread(p.Autoscalers)
	case len(p.Autoscalers.Value) == 0:
		least := max(2, p.Replicas)
		return item(finding.Warn, redact.Const("no autoscaler: more load than usual has to wait for a person"), redact.Const("It counts CPU in shares of the request, so the requests come first."),
			object(p, "autoscaling/v2", "HorizontalPodAutoscaler", p.Name, fields{
				{"scaleTargetRef", fields{{"apiVersion", "apps/v1"}, {"kind", p.Kind}, {"name", p.Name}}},
				{"minReplicas", least}, {"maxReplicas", 2 * least},
				{"metrics", list{fields{{"type", "Resource"}, {"resource", fields{{"name", "cpu"}, {"target", fields{{"type", "Utilization"}, {"averageUtilization", 70}}}}}}}},
			}))
	}
	a := p.Autoscalers.Value[0]
	more := Remedy{Target: "hpa/" + a.Name, body: fields{{"spec", fields{{"maxReplicas", 2 * max(a.Max, a.Min, 1)}}}}}
	switch {
	case !a.Stuck.Empty():
		return item(finding.Fail, redact.F("the autoscaler %s cannot scale: %s", a.Name, a.Stuck), redact.Const("Look at the metrics API and at the containers' requests."))
	case a.Min >= a.Max:
		return item(finding.Warn, redact.F("the autoscaler %s has no room: at least and at most %d", a.Name, a.Max), redact.Const("Raise maxReplicas, as far as what it depends on bears it."), more)
	case a.Current >= a.Max:
		return item(finding.Warn, redact.F("the autoscaler %s is at its maximum of %d", a.Name, a.Max), redact.Const("Raise maxReplicas, as far as what it depends on bears it."), more)
	default:
		return well(redact.F("%s scales it from %d to %d, now %d", a.Name, a.Min, a.Max, a.Current))
	}
}
