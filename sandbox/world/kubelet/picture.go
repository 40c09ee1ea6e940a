package kubelet

import (
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/svcdown/svcdown/sandbox/world/condition"
	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

// picture is a world as it is at one moment: what is broken on purpose, and what
// the API says of its Services. It is never changed once taken.
type picture struct {
	state condition.State
	ready map[string]int    // ready endpoints, by Kubernetes Service
	ips   map[string]string // cluster IPs, by Kubernetes Service
}

func takePicture(state condition.State, services []*corev1.Service, slices_ []*discoveryv1.EndpointSlice) *picture {
	p := &picture{state: state, ready: map[string]int{}, ips: map[string]string{}}
	for _, s := range services {
		p.ips[s.Name] = s.Spec.ClusterIP
	}
	lost := state.LostNodes()
	for _, slice := range slices_ {
		name := slice.Labels[discoveryv1.LabelServiceName]
		for _, e := range slice.Endpoints {
			if e.NodeName != nil && lost[*e.NodeName] {
				continue
			}
			if e.Conditions.Ready == nil || *e.Conditions.Ready {
				p.ready[name]++
			}
		}
	}
	return p
}

// up says whether a client that dials the service finds somebody.
func (p *picture) up(kind marketplace.Kind) bool {
	return p.ready[marketplace.Of(kind).KubeService] > 0
}

// variant is how a mode shows on the one service of a kind; empty when the mode
// is not on, or no longer holds any pod there is.
func (p *picture) variant(kind marketplace.Kind, mode string, pods []*corev1.Pod) string {
	service := marketplace.Of(kind).Name
	for _, c := range p.state.Conditions {
		if c.Mode != mode || c.Service != service {
			continue
		}
		if len(c.Pods) == 0 || slices.ContainsFunc(pods, func(pod *corev1.Pod) bool {
			return pod.DeletionTimestamp == nil && c.Holds(pod, service)
		}) {
			return c.Variant
		}
	}
	return ""
}

// needs says, in the words of a client library, what the backend cannot reach,
// and what it reaches and gets no use of.
func (p *picture) needs(pods []*corev1.Pod) (unreachable, complaints []string) {
	for _, kind := range []marketplace.Kind{marketplace.Database, marketplace.Cache} {
		s := marketplace.Of(kind)
		if !p.up(kind) {
			unreachable = append(unreachable, fmt.Sprintf("connect ECONNREFUSED %s:%d (%s)", p.ips[s.KubeService], s.Port, s.KubeService))
		}
	}
	if p.variant(marketplace.Database, condition.DBRefusing, pods) == condition.Saturated {
		complaints = append(complaints, "timeout exceeded when trying to connect: sorry, too many clients already")
	}
	if p.variant(marketplace.Database, condition.DiskFull, pods) == condition.ReadOnly {
		complaints = append(complaints, `insert into "orders" failed: could not extend file "base/16384/24601": No space left on device`)
	}
	if p.variant(marketplace.Cache, condition.DiskFull, pods) == condition.ReadOnly {
		complaints = append(complaints, "ReplyError: MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.")
	}
	return unreachable, complaints
}

// Forever is a delay that no client waits for.
const Forever = time.Hour

// health is what the service's health URL answers outside the cluster, and after
// how long. The ingress answers 503 at once when a Service has no endpoint; with
// a database that is saturated the request waits for a connection, and with a
// full disk it waits for writes that are tried again.
func (p *picture) health(kind marketplace.Kind, pods []*corev1.Pod) (code int, delay time.Duration) {
	if !p.up(kind) {
		return 503, 0
	}
	if kind == marketplace.Backend {
		if p.variant(marketplace.Database, condition.DBRefusing, pods) == condition.Saturated {
			return 200, Forever
		}
		if _, complaints := p.needs(pods); len(complaints) > 0 {
			return 200, 3 * time.Second
		}
	}
	return 200, 0
}
