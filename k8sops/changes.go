package k8sops

import (
	"context"
	"errors"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// Changes returns what changed around a service since a moment, newest first: rollouts and restarts, ConfigMaps that its pods read, its
// Service and the NetworkPolicies on its pods, replicas and autoscalers, nodes on which it may run. No value of an environment variable, a
// ConfigMap or a Secret is read into it; who changed what is taken from the objects' managedFields
// (https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management), which keep the last write of each manager only, so that an
// earlier one of the same manager may be missing. What cannot be read is in Unread; the error says that the workload itself cannot be.
func (c *Cluster) Changes(ctx context.Context, svc catalog.Service, since time.Time) (finding.Changes, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.CheckTimeout)
	defer cancel()
	w, err := c.workload(ctx, svc)
	if err != nil {
		return finding.Changes{}, err
	}
	k := changed{c: c, svc: svc, w: w, since: since}
	sources := []struct {
		what redact.Text
		look *future[[]finding.Change]
	}{
		{redact.Const("rollouts"), k.begin(ctx, changed.rollouts)},
		{redact.Const("ConfigMaps"), k.begin(ctx, changed.configs)},
		{redact.Const("the Service"), k.begin(ctx, changed.service)},
		{redact.Const("NetworkPolicies"), k.begin(ctx, changed.policies)},
		{redact.Const("scaling"), k.begin(ctx, changed.scaling)},
		{redact.Const("autoscalers"), k.begin(ctx, changed.autoscalers)},
		{redact.Const("nodes"), k.begin(ctx, changed.nodes)},
	}
	out := finding.Changes{GitOps: gitOps(w.meta)}
	for _, s := range sources {
		list, err := s.look.get(ctx)
		out.List = append(out.List, list...)
		if err != nil {
			out.Unread = append(out.Unread, redact.F("%s: %s", s.what, reason(err)))
		}
	}
	slices.SortStableFunc(out.List, func(a, b finding.Change) int { return b.When.Compare(a.When) })
	return out, nil
}

// reason is what a person reads of an error.
func reason(err error) redact.Text {
	var own *Error
	if errors.As(err, &own) {
		return own.Message
	}
	_, message := classify(err)
	return message
}

// changed looks for changes of one service.
type changed struct {
	c     *Cluster
	svc   catalog.Service
	w     workload
	since time.Time
}

func (k changed) begin(ctx context.Context, look func(changed, context.Context) ([]finding.Change, error)) *future[[]finding.Change] {
	return begin(func() ([]finding.Change, error) { return look(k, ctx) })
}

// object names the workload.
func (k changed) object() string { return k.w.kind + "/" + k.w.meta.Name }

// recent reports whether a moment is in the span.
func (k changed) recent(t time.Time) bool { return !t.IsZero() && !t.Before(k.since) }

// nodes tells what happened to the nodes on which these pods may run.
func (k changed) nodes(ctx context.Context) ([]finding.Change, error) {
	s := scope{resource: "nodes", label: metav1.FormatLabelSelector(&metav1.LabelSelector{MatchLabels: k.w.template.Spec.NodeSelector})}
	if len(k.w.template.Spec.NodeSelector) == 0 {
		s.label = ""
	}
	f, err := readLive[*corev1.Node](ctx, k.c, s)
	var out []finding.Change
	for _, n := range f.items {
		out = append(out, k.node(n)...)
	}
	return out, err
}

func (k changed) node(n *corev1.Node) []finding.Change {
	var out []finding.Change
	say := func(when time.Time, what redact.Text) {
		if k.recent(when) {
			out = append(out, finding.Change{When: when, Kind: finding.ChangeNode, Object: "Node/" + n.Name, What: what})
		}
	}
	born := n.CreationTimestamp.Time
	if k.recent(born) {
		say(born, redact.Const("the node joined"))
		born = born.Add(joining)
	}
	for _, c := range n.Status.Conditions {
		when := c.LastTransitionTime.Time
		switch {
		case when.Before(born): // it comes up
		case c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue:
			say(when, redact.Const("the node is ready again"))
		case c.Type == corev1.NodeReady:
			_, state, _ := judgeNode(n)
			say(when, redact.F("the node %s", state))
		case c.Status == corev1.ConditionTrue:
			say(when, redact.F("the node reports %s", string(c.Type)))
		}
	}
	for _, t := range n.Spec.Taints {
		if t.Key == corev1.TaintNodeUnschedulable && t.TimeAdded != nil {
			say(t.TimeAdded.Time, redact.Const("the node was cordoned"))
		}
	}
	return out
}

// joining is how long a new node takes to become ready, which is no news of its own.
const joining = 2 * time.Minute
