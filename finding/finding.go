package finding

import (
	"fmt"
	"time"

	"github.com/svcdown/svcdown/redact"
)

// Status is the outcome of a check. The zero value is Unknown: a check that did not answer never counts as healthy.
type Status uint8

// The outcomes, from "could not tell" to "broken".
const (
	Unknown Status = iota
	OK
	Warn
	Fail
)

var statusNames = [...]string{"unknown", "ok", "warn", "fail"}

// String returns unknown, ok, warn or fail.
func (s Status) String() string {
	if int(s) < len(statusNames) {
		return statusNames[s]
	}
	return "unknown"
}

// MarshalText writes the name, so that stored findings survive a reordering of the constants.
func (s Status) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a name; an unknown one is an error.
func (s *Status) UnmarshalText(b []byte) error {
	for i, n := range statusNames {
		if n == string(b) {
			*s = Status(i)
			return nil
		}
	}
	return fmt.Errorf("read status: %q is none of unknown, ok, warn, fail", b)
}

// Worse reports whether s deserves more attention than o: fail, then warn, then unknown, then ok.
func (s Status) Worse(o Status) bool {
	rank := [...]int{Unknown: 1, OK: 0, Warn: 2, Fail: 3}
	return rank[s] > rank[o]
}

// Finding is what one check saw.
type Finding struct {
	// Check is the check's stable name: "pods", "rollout", "endpoints", "events", "usage", "health", "hpa", "pdb".
	Check string `json:"check"`
	// Title is what people call the check, where that is not Check: the title of a runbook's step.
	Title  redact.Text `json:"title,omitzero"`
	Status Status      `json:"status"`
	// Line is one line that a tired person understands without the evidence.
	Line redact.Text `json:"line"`
	// Fix says what to do about it; always set when Status is Unknown (why the check could not answer and what would let it).
	Fix      redact.Text `json:"fix,omitzero"`
	Evidence []Evidence  `json:"evidence,omitempty"`
	// Signals are the machine-readable facts behind Line, for diagnose.
	Signals []Signal      `json:"signals,omitempty"`
	Took    time.Duration `json:"took,omitempty"`
}

// Name is what people call the check.
func (f Finding) Name() string {
	if f.Title.Empty() {
		return f.Check
	}
	return f.Title.String()
}

// Report is what one runbook step answered: the finding that people read, and what the command would have printed.
type Report struct {
	Finding Finding `json:"finding"`
	// Raw is what the command would have printed, redacted and bounded; empty when there is nothing of use. It stays one click away.
	Raw redact.Text `json:"raw,omitzero"`
	// Truncated is true when Raw was cut at its bound.
	Truncated bool `json:"truncated,omitempty"`
}

// Evidence is what a finding rests on: a table or preformatted text (one of the two).
type Evidence struct {
	Title redact.Text `json:"title,omitzero"`
	Table *Table      `json:"table,omitempty"`
	Code  redact.Text `json:"code,omitzero"`
}

// Table is a small table; every row has len(Columns) cells.
type Table struct {
	Columns []redact.Text   `json:"columns"`
	Rows    [][]redact.Text `json:"rows"`
}

// Signal is one machine-readable fact.
type Signal struct {
	Kind Kind `json:"kind"`
	// Object is what it is about, as KIND/NAME.
	Object string `json:"object,omitempty"`
	// Count of Of objects show it (2 of 3 pods); Of is 0 when counting makes no sense.
	Count int `json:"count,omitempty"`
	Of    int `json:"of,omitempty"`
	// Since is when it began, zero when not known.
	Since time.Time `json:"since,omitzero"`
	// Detail is the part of the sentence that only the cluster knows: "exit 137 OOMKilled", an image name, an event's message.
	Detail redact.Text `json:"detail,omitzero"`
	// Revision is the rollout revision that it belongs to, 0 when none.
	Revision int64 `json:"revision,omitempty"`
}

// Kind names a fact. Checks emit them, diagnose weighs them.
type Kind string

// The facts that status checks can see.
const (
	CrashLoop        Kind = "crash-loop"
	OOMKilled        Kind = "oom-killed"
	ImagePull        Kind = "image-pull"
	ConfigError      Kind = "config-error" // CreateContainerConfigError: a missing ConfigMap, Secret or key
	NotReady         Kind = "not-ready"
	Pending          Kind = "pending"
	NodeDown         Kind = "node-down"
	NodePressure     Kind = "node-pressure"
	NoPods           Kind = "no-pods"
	NoEndpoints      Kind = "no-endpoints"
	SelectorMismatch Kind = "selector-mismatch"
	RolloutStuck     Kind = "rollout-stuck"
	RolloutRunning   Kind = "rollout-running"
	RolloutPaused    Kind = "rollout-paused"
	RecentRollout    Kind = "recent-rollout"
	ScaledToZero     Kind = "scaled-to-zero"
	HealthFailing    Kind = "health-failing"
	ProbeFailing     Kind = "probe-failing"
	HPAAtMax         Kind = "hpa-at-max"
	PDBBlocks        Kind = "pdb-blocks"
	QuotaExceeded    Kind = "quota-exceeded"
	MemoryNearLimit  Kind = "memory-near-limit"
	VolumeProblem    Kind = "volume-problem"
	Evicted          Kind = "evicted"
	NeverReady       Kind = "never-ready"    // pods that run and have not been ready since they were made
	RecentRestart    Kind = "recent-restart" // the last rollout only made the pods anew
	// EarlierRevision is where a rollback would lead: Revision, and its images as Detail. It speaks for nothing by itself.
	EarlierRevision Kind = "earlier-revision"
)

// BadRollout names the hypothesis that the last rollout brought the trouble; it rests on more than one fact.
const BadRollout = "bad-rollout"

// The facts that a runbook's own checks can see. Object names the object that was looked at; where it is about another service of the
// catalogue, Object is Service/NAME.
const (
	DBRefusing          Kind = "db-refusing"           // the database accepts no connection, or pg_isready says no
	DBConnections       Kind = "db-connections"        // out of connections, or nearly; Count of Of are in use when known
	DBSlow              Kind = "db-slow"               // queries that run or wait on a lock for long
	DiskFull            Kind = "disk-full"             // Count of Of (100) percent are used
	ReplicationLag      Kind = "replication-lag"       // a replica is behind
	ReplicaMissing      Kind = "replica-missing"       // fewer replicas stream than should
	RedisDown           Kind = "redis-down"            // Redis does not answer
	RedisMemory         Kind = "redis-memory"          // at or near maxmemory, or evicting
	DependencyDown      Kind = "dependency-down"       // something that the service depends on is down; Object says what
	Unreachable         Kind = "unreachable"           // a host cannot be reached from inside a pod: refused, timed out, no route
	DNSFailing          Kind = "dns-failing"           // a name does not resolve inside a pod
	NetworkPolicyBlocks Kind = "network-policy-blocks" // a NetworkPolicy selects the pods and lets out or in what it should not keep
	ConfigMissing       Kind = "config-missing"        // a referenced ConfigMap or key does not exist
	SecretMissing       Kind = "secret-missing"        // a referenced Secret or key does not exist, by the kubelet's word
	PVCUnbound          Kind = "pvc-unbound"           // a claim that a pod needs is not bound
	NoResources         Kind = "no-resources"          // the scheduler finds no node with enough CPU or memory
	Untolerated         Kind = "untolerated-taint"     // the scheduler finds only nodes whose taints the pod does not tolerate
	TLSExpiring         Kind = "tls-expiring"          // a certificate has expired or will soon
	LogErrors           Kind = "log-errors"            // error lines in the logs; Detail is the commonest
)

// The facts that speak against a cause. A check that looked at the thing and found it well emits them; silence proves nothing.
const (
	PodsReady      Kind = "pods-ready"   // all pods are ready
	NodesReady     Kind = "nodes-ready"  // all nodes are ready and without pressure
	EndpointsUp    Kind = "endpoints-up" // ready addresses stand behind the Service
	DBAnswers      Kind = "db-answers"   // the database answers a query or pg_isready
	DiskRoom       Kind = "disk-room"    // the volume has room
	ReplicasInSync Kind = "replicas-in-sync"
	RedisAnswers   Kind = "redis-answers"
	RedisRoom      Kind = "redis-room"   // memory well below maxmemory, no evictions
	HostReached    Kind = "host-reached" // Object is the host that answered from inside a pod
	NetworkOpen    Kind = "network-open" // no NetworkPolicy stands in the way
	VolumesBound   Kind = "volumes-bound"
	HealthAnswers  Kind = "health-answers" // the health URLs answer
)

// Hypothesis is a likely cause, with what speaks for and against it and the action that would help.
type Hypothesis struct {
	// Name is its stable name, mostly that of the [Kind] it rests on: "bad-rollout", "oom-killed". Two of one case differ in Name or Service.
	Name string `json:"name,omitempty"`
	// Service is the service in which the cause lies, and to which Verb applies; "" for the one that was asked about.
	Service string      `json:"service,omitempty"`
	Cause   redact.Text `json:"cause"`
	// Score orders hypotheses, 0 to 100.
	Score   int           `json:"score"`
	For     []redact.Text `json:"for,omitempty"`
	Against []redact.Text `json:"against,omitempty"`
	// Verb is the action to offer ("restart", "undo"), empty when no action of ours helps; Do says in words what does.
	Verb string      `json:"verb,omitempty"`
	Do   redact.Text `json:"do,omitzero"`
	// Pod is the pod that a delete-pod is about.
	Pod string `json:"pod,omitempty"`
	// Revision is where a rollback leads, as To says for people; 0 when that is not known.
	Revision int64       `json:"revision,omitempty"`
	To       redact.Text `json:"to,omitzero"`
}
