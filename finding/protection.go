package finding

import (
	"time"

	"github.com/svcdown/svcdown/redact"
)

// Protection is what stands between a service and its next outage, as the cluster has it at this moment. It holds names, numbers and times
// only: no value of an environment variable, a ConfigMap or a Secret, and no command line.
type Protection struct {
	// Kind, Name and Namespace are those of the workload.
	Kind, Name, Namespace string
	// Replicas is how many are wanted; of a DaemonSet, on how many nodes it should run.
	Replicas   int
	Selector   Selector
	Containers []Container
	// Spread are the rules that keep the pods apart.
	Spread []SpreadRule
	// GitOps names the controller that owns the workload and would put its own state back, "" when there is none.
	GitOps string

	Pods        Part[[]Place]
	Ground      Part[Ground]
	Autoscalers Part[[]Autoscaler]
	Budgets     Part[[]Budget]
	Policies    Part[[]NetworkPolicy] // those that select the pods
	Ingresses   Part[[]Ingress]       // those that lead to the Kubernetes Service
	Backups     Part[[]CronJob]       // those of the namespace that look like backups
	Alerts      Part[Alerts]
	// Ports are where the Kubernetes Service leads in the pods, empty without one; Open says that it can be reached from outside of the cluster.
	Ports Part[[]Port]
	Open  bool
}

// Part is one part of what was looked at, or why it could not be.
type Part[T any] struct {
	Value T
	// Unread says why it is not known, and Fix what would let it be; both are empty when it is known.
	Unread, Fix redact.Text
}

// Known reports whether the part was read.
func (p Part[T]) Known() bool { return p.Unread.Empty() }

// Selector is what finds the pods.
type Selector struct {
	Labels      map[string]string
	Expressions []Expression
}

// Expression is one requirement of a selector.
type Expression struct {
	Key, Operator string
	Values        []string
}

// Container is one container of the pod template.
type Container struct {
	Name, Image string
	Ports       []Port
	// CPURequest is in thousandths of a core, the others in bytes, 0 for none; what the namespace's LimitRange fills in counts.
	CPURequest, MemoryRequest, MemoryLimit int64
	// CPUUsed and MemoryUsed are the most that one of its pods uses now, 0 when not known.
	CPUUsed, MemoryUsed int64
	Readiness, Liveness bool
	// Digest is that of the image which all running pods have, "" when they differ or it is not known.
	Digest string
	// Password is the key of a Secret that the variable POSTGRES_PASSWORD comes from, zero when it does not.
	Password KeyRef
}

// KeyRef names a key of a Secret, never its value.
type KeyRef struct{ Secret, Key string }

// Port is a port of a container; Name may be "".
type Port struct {
	Name   string
	Number int
}

// SpreadRule keeps pods of one workload apart; Hard when a pod rather waits than breaks it.
type SpreadRule struct {
	Key  string // a label of nodes: kubernetes.io/hostname, topology.kubernetes.io/zone
	Hard bool
}

// Place is where a pod runs; Zone is "" where nodes have none or were not read.
type Place struct{ Pod, Node, Zone string }

// Ground is how many nodes and zones the cluster has.
type Ground struct{ Nodes, Zones int }

// Autoscaler is a HorizontalPodAutoscaler on the workload.
type Autoscaler struct {
	Name              string
	Min, Max, Current int
	// Stuck says why it cannot scale, empty when it can.
	Stuck redact.Text
}

// Budget is a PodDisruptionBudget that selects the pods.
type Budget struct {
	Name string
	// Field is the one that it sets, minAvailable or maxUnavailable, and Spare how many pods it lets go while all are well.
	Field string
	Spare int
}

// NetworkPolicy says which directions a policy restricts; Open when it lets everything in.
type NetworkPolicy struct {
	Name                  string
	Ingress, Egress, Open bool
}

// Ingress leads to the service under its hosts.
type Ingress struct {
	Name  string
	Hosts []string
	TLS   bool
}

// CronJob is one that looks like a backup; Hint says by what.
type CronJob struct {
	Name, Schedule, Hint string
	Suspended            bool
	// Made, LastRun and LastSuccess are zero when never.
	Made, LastRun, LastSuccess time.Time
}

// Alerts are the alert rules of the namespace.
type Alerts struct {
	// Watching are the names of those that speak of the service, Others how many do not.
	Watching []string
	Others   int
}

// Certificate is the one that a server shows at a TLS handshake.
type Certificate struct {
	Host  string
	Until time.Time // zero when none was shown
	// Problem is why it is not accepted, empty when it is. Unread is why nobody can tell, with its Fix.
	Problem, Unread, Fix redact.Text
}
