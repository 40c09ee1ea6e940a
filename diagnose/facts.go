package diagnose

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// facts are what a case's findings say, by kind, the strongest of each kind first.
type facts struct {
	svc     catalog.Service
	by      map[finding.Kind][]finding.Signal
	changes []finding.Change
	// past is what logs told of and is over by now: evidence, and no cause.
	past []memory
}

func collect(c Case) facts {
	f := facts{svc: c.Service, by: map[finding.Kind][]finding.Signal{}, changes: c.Changes}
	for _, x := range c.Findings {
		for _, s := range x.Signals {
			f.by[s.Kind] = append(f.by[s.Kind], s)
		}
		if k, ok := well[x.Check]; ok && x.Status == finding.OK && len(x.Signals) == 0 {
			f.by[k] = append(f.by[k], finding.Signal{Kind: k, Detail: x.Line})
		}
	}
	var logged []finding.Signal
	for _, x := range c.Steps {
		for _, s := range x.Signals {
			switch {
			case !fromSteps[s.Kind]:
			case strings.HasPrefix(x.Check, "logs") && s.Kind != finding.LogErrors:
				logged = append(logged, s)
			default:
				f.by[s.Kind] = append(f.by[s.Kind], s)
			}
		}
	}
	f.past = f.weigh(logged, c.Below)
	f.probed()
	for k := range f.by {
		slices.SortStableFunc(f.by[k], func(a, b finding.Signal) int { return cmp.Or(b.Count-a.Count, near(b)-near(a)) })
	}
	return f
}

// near is 1 for what an object says of itself, 0 for what others see of a host.
func near(s finding.Signal) int {
	if strings.Contains(s.Object, "/") {
		return 1
	}
	return 0
}

// probed reads what the readiness probe of a database or a cache answered: it asks the very thing, and is there where no program may be run inside
// the pods.
func (f facts) probed() {
	p, failing := f.first(finding.ProbeFailing)
	if !failing || !f.has(finding.NotReady) {
		return
	}
	says := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(p.Detail.String(), w) })
	}
	switch {
	case f.inside("database") && says("no response", "rejecting connections", "Connection refused") && !f.has(finding.DBRefusing, finding.DBAnswers):
		f.by[finding.DBRefusing] = append(f.by[finding.DBRefusing], p)
	case f.inside("redis", "cache") && says("LOADING", "Could not connect", "Connection refused") && !f.has(finding.RedisDown, finding.RedisAnswers):
		f.by[finding.RedisDown] = append(f.by[finding.RedisDown], p)
	}
}

// well are the facts that a status check that is ok stands for.
var well = map[string]finding.Kind{"pods": finding.PodsReady, "nodes": finding.NodesReady, "endpoints": finding.EndpointsUp, "health": finding.HealthAnswers}

// fromSteps are the facts that are taken from a runbook's steps. What these say of pods and nodes may be about those of others.
var fromSteps = map[finding.Kind]bool{
	finding.DBRefusing: true, finding.DBConnections: true, finding.DBSlow: true, finding.DiskFull: true, finding.ReplicationLag: true,
	finding.ReplicaMissing: true, finding.RedisDown: true, finding.RedisMemory: true, finding.DependencyDown: true, finding.Unreachable: true,
	finding.DNSFailing: true, finding.NetworkPolicyBlocks: true, finding.ConfigMissing: true, finding.SecretMissing: true, finding.PVCUnbound: true,
	finding.NoResources: true, finding.Untolerated: true, finding.TLSExpiring: true, finding.LogErrors: true, finding.HealthFailing: true,
	finding.DBAnswers: true, finding.DiskRoom: true, finding.ReplicasInSync: true, finding.RedisAnswers: true, finding.RedisRoom: true,
	finding.HostReached: true, finding.NetworkOpen: true, finding.VolumesBound: true, finding.HealthAnswers: true,
}

func (f facts) first(k finding.Kind) (finding.Signal, bool) {
	if len(f.by[k]) == 0 {
		return finding.Signal{}, false
	}
	return f.by[k][0], true
}

func (f facts) has(kinds ...finding.Kind) bool {
	return slices.ContainsFunc(kinds, func(k finding.Kind) bool { return len(f.by[k]) > 0 })
}

// rolled returns the rollout that a trouble came with: pods of its revision, or, where revisions have no number (StatefulSet, DaemonSet), one that
// began within soon after it.
func (f facts) rolled(trouble finding.Signal) (finding.Signal, bool) {
	r, ok := f.first(finding.RecentRollout)
	switch {
	case !ok:
		return r, false
	case trouble.Revision != 0 || r.Revision != 0:
		return r, trouble.Revision != 0 && trouble.Revision == r.Revision
	case trouble.Since.IsZero() || r.Since.IsZero():
		return r, false
	}
	after := trouble.Since.Sub(r.Since)
	return r, after > -slack && after < soon
}

const (
	// slack is what clocks and whole seconds blur.
	slack = 5 * time.Second
	// soon is how long after a change trouble is told together with it.
	soon = 15 * time.Minute
)

// Anew is the verb that makes a service's pods anew, with the pod that it is about where it is about one: a StatefulSet replaces none of its
// pods while one of them is not ready, so that a restart of it would only wait.
func Anew(svc catalog.Service, findings []finding.Finding) (verb, pod string) {
	h := collect(Case{Service: svc, Findings: findings}).anew(finding.Hypothesis{Verb: string(catalog.Restart)})
	return h.Verb, h.Pod
}

func (f facts) anew(h finding.Hypothesis) finding.Hypothesis {
	if h.Verb != string(catalog.Restart) || f.svc.Workload.Kind != "StatefulSet" {
		return h
	}
	for _, k := range []finding.Kind{finding.NotReady, finding.CrashLoop, finding.OOMKilled, finding.NeverReady} {
		if s, ok := f.first(k); ok && strings.HasPrefix(s.Object, "Pod/") {
			h.Verb, h.Pod = string(catalog.DeletePod), strings.TrimPrefix(s.Object, "Pod/")
			h.Do = redact.F("%s; by deleting the pod, as Kubernetes replaces no pod of a StatefulSet while one is not ready", h.Do)
			return h
		}
	}
	return h
}

// change returns the newest change of a kind within soon before a moment, or the newest at all when the moment is not known.
func (f facts) change(kind finding.ChangeKind, before time.Time) (finding.Change, bool) {
	for _, c := range f.changes {
		if c.Kind == kind && (before.IsZero() || c.When.Before(before.Add(slack)) && before.Sub(c.When) < soon) {
			return c, true
		}
	}
	return finding.Change{}, false
}

// Told says a change as evidence.
func Told(c finding.Change) redact.Text {
	return redact.F("%s: %s", Headline(c), c.What.Short(longLine))
}

// longLine is how much of a change stands in a line of evidence.
const longLine = 200

// speaks says a fact of the good kind as evidence.
func speaks(s finding.Signal) redact.Text {
	words := map[finding.Kind]redact.Text{
		finding.PodsReady: redact.Const("all its pods are ready"), finding.NodesReady: redact.Const("all nodes under its pods are ready"),
		finding.EndpointsUp: redact.Const("ready endpoints stand behind its Service"), finding.DBAnswers: redact.Const("the database answers"),
		finding.DiskRoom: redact.Const("the disk has room"), finding.ReplicasInSync: redact.Const("the replicas are in sync"),
		finding.RedisAnswers: redact.Const("Redis answers"), finding.RedisRoom: redact.Const("Redis has memory left"),
		finding.HostReached: redact.Const("what it calls can be reached from its pods"), finding.NetworkOpen: redact.Const("no NetworkPolicy stands in the way"),
		finding.VolumesBound: redact.Const("its volumes are bound"), finding.HealthAnswers: redact.Const("its health URL answers"),
	}
	if w, ok := words[s.Kind]; ok {
		return w
	}
	return redact.F("%s", string(s.Kind))
}

// RuledOut says what was looked at and found well: the causes that nobody has to look for any more.
func RuledOut(c Case) []redact.Text {
	f := collect(c)
	bad := map[finding.Kind][]finding.Kind{
		finding.DBAnswers: {finding.DBRefusing, finding.DBConnections}, finding.RedisAnswers: {finding.RedisDown}, finding.DiskRoom: {finding.DiskFull},
		finding.NetworkOpen: {finding.NetworkPolicyBlocks}, finding.HostReached: {finding.Unreachable, finding.DNSFailing}, finding.RedisRoom: {finding.RedisMemory},
		finding.NodesReady: {finding.NodeDown, finding.NodePressure}, finding.VolumesBound: {finding.PVCUnbound}, finding.ReplicasInSync: {finding.ReplicationLag, finding.ReplicaMissing},
		finding.PodsReady: nil, finding.EndpointsUp: {finding.NoEndpoints, finding.SelectorMismatch}, finding.HealthAnswers: {finding.HealthFailing},
	}
	var out []redact.Text
	for _, k := range []finding.Kind{finding.PodsReady, finding.EndpointsUp, finding.HealthAnswers, finding.NodesReady, finding.DBAnswers, finding.DiskRoom,
		finding.ReplicasInSync, finding.RedisAnswers, finding.RedisRoom, finding.HostReached, finding.NetworkOpen, finding.VolumesBound} {
		if s, ok := f.first(k); ok && !f.has(bad[k]...) {
			out = append(out, speaks(s))
		}
	}
	return out
}
