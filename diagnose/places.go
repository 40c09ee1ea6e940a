package diagnose

import (
	"strings"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// places are the rules about where pods run and how they are reached.
var places = []rule{
	{string(finding.ScaledToZero), scaledToZero, nil},
	{string(finding.NodeDown), nodeDown, nil},
	{string(finding.NodePressure), nodePressure, []finding.Kind{finding.PodsReady}},
	{string(finding.QuotaExceeded), quota, nil},
	{string(finding.Pending), pending, []finding.Kind{finding.VolumesBound}},
	{string(finding.SelectorMismatch), selectorMismatch, nil},
}

func scaledToZero(f facts) (finding.Hypothesis, bool) {
	z, ok := f.first(finding.ScaledToZero)
	if !ok {
		return finding.Hypothesis{}, false
	}
	h := finding.Hypothesis{Score: 96, Cause: redact.F("it is scaled to zero%s", since(z)), Verb: string(catalog.Scale), Do: redact.Const("scale it up")}
	if c, ok := f.change(finding.ChangeScale, z.Since); ok {
		h.For = append(h.For, Told(c))
	}
	return h, true
}

func nodeDown(f facts) (finding.Hypothesis, bool) {
	n, ok := f.first(finding.NodeDown)
	if !ok {
		return finding.Hypothesis{}, false
	}
	all := f.by[finding.NodeDown]
	h := finding.Hypothesis{Score: 94, Do: redact.Const("pods move by themselves after about five minutes; a StatefulSet's pod waits for its node")}
	if len(all) == 1 {
		h.Cause = redact.F("node %s is down%s%s", strings.TrimPrefix(n.Object, "Node/"), since(n), detail(n))
	} else {
		h.Cause = redact.F("%d nodes are down%s%s", len(all), since(n), detail(n))
	}
	if f.svc.Workload.Kind == "Deployment" {
		h.Verb, h.Do = string(catalog.Restart), redact.Const("a restart makes the pods anew on other nodes at once; by themselves they move after about five minutes")
	}
	for _, s := range all {
		h.For = append(h.For, redact.F("%d of %d pods are on %s", s.Count, s.Of, s.Object))
	}
	for _, c := range f.changes {
		if c.Kind == finding.ChangeNode && c.Object == n.Object {
			h.For = append(h.For, Told(c))
			break
		}
	}
	return h, true
}

func nodePressure(f facts) (finding.Hypothesis, bool) {
	n, ok := f.first(finding.NodePressure)
	if !ok {
		return finding.Hypothesis{}, false
	}
	h := finding.Hypothesis{Score: 66, Cause: redact.F("%s, under %s, is under pressure%s", n.Object, some(n), detail(n)), Do: redact.Const("give the node room: move pods away, or find what fills it")}
	if f.has(finding.Evicted) {
		h.Score = 88
		h.For = append(h.For, redact.Const("pods were evicted"))
	}
	return h, true
}

func some(s finding.Signal) redact.Text {
	if s.Of > 0 {
		return redact.F("%d of %d pods", s.Count, s.Of)
	}
	return redact.Const("its pods")
}

func quota(f facts) (finding.Hypothesis, bool) {
	s, ok := f.first(finding.QuotaExceeded)
	if !ok {
		return finding.Hypothesis{}, false
	}
	return finding.Hypothesis{Score: 90, Cause: redact.F("the namespace's quota lets no new pod start%s", detail(s)), Do: redact.Const("raise the quota, or scale something else down")}, true
}

func pending(f facts) (finding.Hypothesis, bool) {
	s, ok := f.first(finding.Pending)
	if !ok {
		return finding.Hypothesis{}, false
	}
	h := finding.Hypothesis{Score: 89, Cause: redact.F("%s%s%s", pods(s, "cannot be scheduled", "cannot be scheduled"), since(s), refusal(s.Detail))}
	switch said := strings.ToLower(s.Detail.String()); {
	case strings.Contains(said, "persistentvolumeclaim") || f.has(finding.PVCUnbound):
		h.Do = redact.Const("its volume claim is not bound: look at the claim's events, the storage class and the zone")
	case strings.Contains(said, "insufficient") || f.has(finding.NoResources):
		h.Do = redact.Const("no node has what it requests: lower the request or give the cluster room")
	case strings.Contains(said, "taint") || f.has(finding.Untolerated):
		h.Do = redact.Const("the nodes' taints keep it away: add a toleration, or nodes without the taint")
	case strings.Contains(said, "selector") || strings.Contains(said, "affinity"):
		h.Do = redact.Const("no node matches its node selector or affinity: correct these, or label a node")
	case s.Detail.Empty():
		h.Score, h.Cause = 64, redact.F("%s%s", pods(s, "is not started", "are not started"), since(s))
		h.Do = redact.Const("see the pod's events: it may wait for a volume, an image or a node")
	default:
		h.Do = redact.Const("see the pod's events for what it waits for")
	}
	return f.withRollback(h, s), true
}

// refusal is the scheduler's reason without the nodes that were never meant: "0/24 nodes are available: 20 node(s) didn't match Pod's node
// affinity/selector, 4 Insufficient memory. preemption: …" becomes "4 Insufficient memory".
func refusal(said redact.Text) redact.Text {
	text, _, _ := strings.Cut(said.String(), ". preemption")
	_, list, ok := strings.Cut(text, "nodes are available: ")
	if !ok {
		list = text
	}
	var telling, rest []string
	for _, part := range strings.Split(strings.TrimSuffix(list, "."), ", ") {
		if strings.Contains(part, "node affinity/selector") {
			rest = append(rest, part)
		} else {
			telling = append(telling, part)
		}
	}
	if len(telling) == 0 {
		telling = rest
	}
	return detail(finding.Signal{Detail: redact.Clean(strings.Join(telling, ", "))})
}

func selectorMismatch(f facts) (finding.Hypothesis, bool) {
	m, ok := f.first(finding.SelectorMismatch)
	if !ok {
		return finding.Hypothesis{}, false
	}
	h := finding.Hypothesis{Score: 92, Cause: redact.F("the Service selects none of the pods%s", detail(m)), Do: redact.Const("correct the Service's selector or the pods' labels; a restart does not help")}
	if s, ok := f.first(finding.PodsReady); ok {
		h.For = append(h.For, speaks(s))
	}
	if c, ok := f.change(finding.ChangeNetwork, m.Since); ok {
		h.For = append(h.For, Told(c))
	}
	return h, true
}
