package k8sops

import (
	"context"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// scaling tells who set the number of replicas, and from what to what where an event still says it.
func (k changed) scaling(ctx context.Context) ([]finding.Change, error) {
	if k.w.kind == "DaemonSet" {
		return nil, nil // its number is that of the nodes
	}
	about, err := k.eventsOf(ctx, k.w.kind, k.w.meta.Name)
	return k.judgeScaling(about), err
}

// judgeScaling joins who owns the number of replicas with the events that tell how it moved. An entry of the scale subresource has no time.
func (k changed) judgeScaling(events []*corev1.Event) []finding.Change {
	var out []finding.Change
	plain := plainScalings(events)
	for _, e := range k.w.meta.ManagedFields {
		if e.FieldsV1 == nil || e.Subresource == "status" || field(e.FieldsV1.GetRawBytes(), "f:spec", "f:replicas") == nil || e.Manager == autoscaler {
			continue
		}
		last, known := move{}, false
		for _, m := range plain {
			at := e.Time == nil || e.Time.IsZero() || !m.when.Before(e.Time.Time.Add(-time.Second)) && m.when.Before(e.Time.Time.Add(apart))
			if at && m.when.After(last.when) {
				last, known = m, true
			}
		}
		if known && k.recent(last.when) {
			out = append(out, finding.Change{When: last.when, Kind: finding.ChangeScale, Object: k.object(), Who: e.Manager, What: redact.F("replicas %s", last.what)})
		}
	}
	return out
}

// autoscaler is the field manager of the controllers, among them the one that scales by HPAs, whose own events tell more.
const autoscaler = "kube-controller-manager"

// move is one move of the number of replicas.
type move struct {
	set  string
	when time.Time
	what redact.Text
}

// apart is how far two moves stand from each other that do not belong together.
const apart = 5 * time.Second

// plainScalings are the moves of one ReplicaSet alone: in a rollout two move at about the same moment, and a new one begins at 0.
func plainScalings(events []*corev1.Event) []move {
	var all, plain []move
	for _, e := range events {
		_, rest, ok := strings.Cut(e.Message, "replica set ")
		if e.Reason != "ScalingReplicaSet" || !ok {
			continue
		}
		set, _, _ := strings.Cut(rest, " ")
		m := move{set: set, when: eventTime(e)}
		if _, fromTo, ok := strings.Cut(rest, " from "); ok {
			m.what = redact.F("from %s", fromTo)
		}
		all = append(all, m)
	}
	for _, m := range all {
		lone := !slices.ContainsFunc(all, func(o move) bool { return o.set != m.set && o.when.Sub(m.when).Abs() < apart })
		if lone && !m.what.Empty() && !strings.HasPrefix(m.what.String(), "from 0 ") {
			plain = append(plain, m)
		}
	}
	return plain
}

// autoscalers tells the moves and the edits of the HPAs on the workload.
func (k changed) autoscalers(ctx context.Context) ([]finding.Change, error) {
	on, err := k.c.autoscalersOf(ctx, k.svc)
	if err != nil {
		return nil, err
	}
	var out []finding.Change
	for _, h := range on {
		object := "HorizontalPodAutoscaler/" + h.Name
		out = append(out, k.written(finding.ChangeScale, object, h.ObjectMeta)...)
		events, err := k.eventsOf(ctx, "HorizontalPodAutoscaler", h.Name)
		if err != nil {
			return out, err
		}
		for _, e := range events {
			if at := eventTime(e); e.Reason == "SuccessfulRescale" && k.recent(at) {
				out = append(out, finding.Change{When: at, Kind: finding.ChangeScale, Object: object, Who: "autoscaler", What: redact.F("%s", oneLine(e.Message)).Short(160)})
			}
		}
	}
	return out, nil
}

// eventsOf reads all events about one object, those of type Normal as well, which no standing watch holds.
func (k changed) eventsOf(ctx context.Context, kind, name string) ([]*corev1.Event, error) {
	f, err := readLive[*corev1.Event](ctx, k.c, scope{resource: "events", namespace: k.svc.Namespace,
		field: "involvedObject.kind=" + kind + ",involvedObject.name=" + name})
	return f.items, err
}
