package condition

import (
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// The modes in which a service breaks.
const (
	CrashLoop    = "crashloop"
	OOM          = "oom"
	ImagePull    = "imagepull"
	NotReady     = "notready"
	NoEndpoints  = "no-endpoints"
	StuckRollout = "stuck-rollout"
	Pending      = "pending"
	NodeDown     = "node-down"
	DBRefusing   = "db-refusing"
	RedisDown    = "redis-down"
	DiskFull     = "disk-full"
)

// The variants of modes that show in more than one way.
const (
	Refused   = "refused"   // db-refusing, redis-down: nothing listens
	Starting  = "starting"  // db-refusing: it answers that it is not ready yet
	Saturated = "saturated" // db-refusing: every connection is taken
	Loading   = "loading"   // redis-down: it is reading its dump
	Panics    = "panics"    // disk-full: the process dies of it
	ReadOnly  = "read-only" // disk-full: it lives and cannot write
	Answers   = "answers"   // notready: the probe is answered with 503
	Hangs     = "hangs"     // notready: the probe is not answered
)

// Condition is one thing that is wrong with one service, and what it takes to
// put it right. What it is tied to says what cures it: to pods, any new pod; to
// an image, any other image; to neither, only Heal.
type Condition struct {
	Service string    `json:"service"`
	Mode    string    `json:"mode"`
	Variant string    `json:"variant,omitempty"`
	Seed    int64     `json:"seed"`
	Since   time.Time `json:"since"`

	Pods  []types.UID `json:"pods,omitempty"`
	Image string      `json:"image,omitempty"`
	Node  string      `json:"node,omitempty"`

	ExitCode    int32         `json:"exitCode,omitempty"`
	Restarts    int32         `json:"restarts,omitempty"` // reached fast; after that the usual back-off
	RunFor      time.Duration `json:"runFor,omitempty"`   // how long a container lives before it dies
	LastWords   []string      `json:"lastWords,omitempty"`
	UsedPercent int           `json:"usedPercent,omitempty"` // of the volume

	// Before is what Heal puts back.
	Before *Before `json:"before,omitempty"`
}

// Before is what a condition replaced in the cluster.
type Before struct {
	Template *corev1.PodTemplateSpec `json:"template,omitempty"`
	Selector map[string]string       `json:"selector,omitempty"`
}

// Holds says whether the condition applies to this pod.
func (c Condition) Holds(pod *corev1.Pod, service string) bool {
	if c.Service != service {
		return false
	}
	if len(c.Pods) > 0 {
		return slices.Contains(c.Pods, pod.UID)
	}
	if c.Image != "" {
		return len(pod.Spec.Containers) > 0 && pod.Spec.Containers[0].Image == c.Image
	}
	return true
}

// BadRollout says whether the condition came with a new pod template.
func (c Condition) BadRollout() bool { return c.Before != nil && c.Before.Template != nil }

// State is all that is broken in one world.
type State struct {
	Namespace  string      `json:"namespace"`
	Conditions []Condition `json:"conditions"`
}

// Find returns the first condition of a mode on a service.
func (s State) Find(service, mode string) (Condition, bool) {
	for _, c := range s.Conditions {
		if c.Service == service && c.Mode == mode {
			return c, true
		}
	}
	return Condition{}, false
}

// LostNodes are the names of the nodes that are down.
func (s State) LostNodes() map[string]bool {
	lost := map[string]bool{}
	for _, c := range s.Conditions {
		if c.Node != "" {
			lost[c.Node] = true
		}
	}
	return lost
}
