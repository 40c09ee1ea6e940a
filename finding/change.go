package finding

import (
	"time"

	"github.com/svcdown/svcdown/redact"
)

// Change is one thing that somebody or something changed around a service, or that happened to what it runs on.
type Change struct {
	When time.Time  `json:"when"`
	Kind ChangeKind `json:"kind"`
	// Object is what was changed, as KIND/NAME.
	Object string `json:"object"`
	// Revision is the rollout's number, 0 when there is none.
	Revision int64 `json:"revision,omitempty"`
	// Who wrote it: a field manager of Kubernetes, a component, or a person; "" when that is not known.
	Who string `json:"who,omitempty"`
	// What was changed, without any value of an environment variable, a ConfigMap or a Secret: "image backend 2.7.3 → 2.8.0; env added: FLAG".
	What redact.Text `json:"what"`
}

// ChangeKind says what sort of change it is.
type ChangeKind string

// The kinds of changes.
const (
	ChangeRollout ChangeKind = "rollout" // another pod template
	ChangeRestart ChangeKind = "restart" // the same template, pods made anew
	ChangeConfig  ChangeKind = "config"  // a ConfigMap that the pods read
	ChangeNetwork ChangeKind = "network" // the Service, or a NetworkPolicy that selects the pods
	ChangeScale   ChangeKind = "scale"   // replicas, by a person, a pipeline or an autoscaler
	ChangeNode    ChangeKind = "node"    // a node on which these pods may run
	ChangeRequest ChangeKind = "request" // one of svcdown's own requests
)

// Changes is what changed around a service in a span of time, newest first.
type Changes struct {
	List []Change `json:"list,omitempty"`
	// GitOps names the controller that owns the workload and would put its own state back, "" when there is none.
	GitOps string `json:"gitOps,omitempty"`
	// Unread says what could not be looked at, and why: what changed there is not known.
	Unread []redact.Text `json:"unread,omitempty"`
}
