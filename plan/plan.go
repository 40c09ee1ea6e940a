package plan

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
)

// Target is the one live object that a Plan changes.
type Target struct {
	Cluster    string `json:"cluster"`
	Namespace  string `json:"namespace"`
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Name       string `json:"name"`
	UID        string `json:"uid"`
}

// String names the target as people do: CLUSTER/NAMESPACE KIND/NAME.
func (t Target) String() string {
	return fmt.Sprintf("%s/%s %s/%s", t.Cluster, t.Namespace, t.Kind, t.Name)
}

// Key identifies the object for leases: it stays the same when the object is replaced by one with another UID.
func (t Target) Key() string {
	return t.Cluster + "/" + t.Namespace + "/" + t.Kind + "/" + t.Name
}

// Operation is one RFC 6902 JSON Patch operation. Its value never leaves the process: a pod template may hold credentials, and Plans are
// stored. What is stored and digested is the value's SHA-256; the execution makes the plan again from the live object and compares.
type Operation struct {
	Op   string `json:"op"`
	Path string `json:"path"`
	// Value is nil in a Plan that was read back from storage.
	Value json.RawMessage `json:"-"`
	// Sum is the hexadecimal SHA-256 of the value's canonical JSON (sorted keys, numbers as written), "" for a remove.
	Sum string `json:"sum,omitempty"`
}

// Op makes an operation. A value that is exactly the string [Now] or [ApprovalID] is filled in when the plan is executed, so that
// time does not move the digest. It errors when value is not representable as JSON.
func Op(op, path string, value any) (Operation, error) {
	raw, err := json.Marshal(value)
	if err != nil {
		return Operation{}, fmt.Errorf("make patch operation %s %s: %w", op, path, err)
	}
	canonical, err := canonicalJSON(raw)
	if err != nil {
		return Operation{}, fmt.Errorf("make patch operation %s %s: %w", op, path, err)
	}
	sum := sha256.Sum256(canonical)
	return Operation{Op: op, Path: path, Value: raw, Sum: hex.EncodeToString(sum[:])}, nil
}

func canonicalJSON(raw []byte) ([]byte, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}
	return json.Marshal(v) // maps are written with sorted keys
}

// The values that are filled in at execution.
const (
	Now        = "{{now}}"
	ApprovalID = "{{approval}}"
)

// Plan is one action bound to one live object. It is made by k8sops from the live object and a server-side dry run, shown to the
// approvers, and re-made and compared just before it is executed. A Plan is a value; nothing of it changes after it was made.
type Plan struct {
	Action  catalog.Action `json:"action"`
	Service string         `json:"service"`
	Target  Target         `json:"target"`
	// Subresource is "" or "scale".
	Subresource string `json:"subresource,omitempty"`
	// Preconditions are RFC 6902 test operations on the fields that the plan depends on; the server checks them inside the one call.
	Preconditions []Operation `json:"preconditions"`
	// Patch is what changes, without preconditions and without our own marks.
	Patch []Operation `json:"patch"`
	// Diff is what the server's dry run says will change, as unified lines with - and +.
	Diff  redact.Text `json:"diff"`
	Blast Blast       `json:"blast"`
	// To says in words what the target will be, "" where the action says it: "revision 2 (backend 2.8.0)".
	To       redact.Text   `json:"to,omitzero"`
	Undo     redact.Text   `json:"undo"` // how this is undone, in words; "" when it cannot be undone
	Warnings []redact.Text `json:"warnings,omitempty"`
	// Command is the kubectl command that does the same by hand, with context, namespace and object.
	Command string `json:"command"`
	// Generation of the object when the plan was made: a reason to re-plan, never part of the digest.
	Generation int64     `json:"generation"`
	MadeAt     time.Time `json:"madeAt"`
	// Before is what the change replaces: enough to plan its undo, never a template's content.
	Before Before `json:"before,omitzero"`
	// Reverts is the approval whose change this plan takes back, "" for none.
	Reverts string `json:"reverts,omitempty"`
	// Approvers is how many people must agree at least, whatever less the policy asks for; 0 leaves it to the policy. Part of the digest, so
	// that nothing which forgets it can carry the plan out.
	Approvers int `json:"approvers,omitempty"`
	// Returns is how long after it was carried out the change is taken back by itself, 0 for never. Whoever approves the plan agrees to both, so
	// it is part of the digest.
	Returns time.Duration `json:"returns,omitempty"`
	// Params are the action's typed arguments ("replicas": "5"), needed to make the plan again.
	Params map[string]string `json:"params,omitempty"`
}

// Before is what an executed change replaced.
type Before struct {
	// Replicas is the count that a scale replaced.
	Replicas *int32 `json:"replicas,omitempty"`
	// Revision is the rollout revision that was current, 0 when the kind has none.
	Revision int64 `json:"revision,omitempty"`
	// Env are the settable variables that a set-env replaced. They are no secrets: the catalogue names which variables these may be.
	Env []Variable `json:"env,omitempty"`
}

// Variable is one environment variable of one container as it was.
type Variable struct {
	Container string `json:"container"`
	Key       string `json:"key"`
	// Was is its value, nil when it was not set.
	Was *string `json:"was,omitempty"`
}

// Digest identifies what would be done to what: action, target with UID, preconditions, patch, the least number of approvers and when it
// returns by itself. Time, diff text, blast radius and
// warnings are no part of it. Approvals are bound to it.
func (p Plan) Digest() string {
	b, err := json.Marshal(struct {
		Domain        string
		Action        catalog.Action
		Target        Target
		Subresource   string
		Preconditions []Operation
		Patch         []Operation
		Approvers     int           `json:",omitempty"`
		Returns       time.Duration `json:",omitempty"`
	}{"svcdown plan v1", p.Action, p.Target, p.Subresource, p.Preconditions, p.Patch, p.Approvers, p.Returns})
	if err != nil {
		// Strings and numbers always marshal; should that change, the result must equal no other plan's digest.
		return "invalid: " + err.Error()
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// Empty reports whether the plan would change nothing; such a plan is refused, never counted as success.
func (p Plan) Empty() bool { return len(p.Patch) == 0 }

// Remove and Create make the patch of a plan that concerns a whole object: RFC 6901's pointer "" is the document itself.
func Remove() []Operation { return []Operation{{Op: "remove", Path: ""}} }

// Create makes the patch that brings object into being; see [Remove].
func Create(object any) ([]Operation, error) {
	op, err := Op("add", "", object)
	return []Operation{op}, err
}

// Removes reports whether the plan deletes its target.
func (p Plan) Removes() bool {
	return len(p.Patch) == 1 && p.Patch[0].Path == "" && p.Patch[0].Op == "remove"
}

// Creates reports whether the plan brings its target into being, which has no UID until then.
func (p Plan) Creates() bool {
	return len(p.Patch) == 1 && p.Patch[0].Path == "" && p.Patch[0].Op == "add"
}

// Blast is what a plan can hurt, counted from the live cluster when the plan was made.
type Blast struct {
	Desired int `json:"desired"`
	Ready   int `json:"ready"`
	// LastHealthy is true when the change touches the only healthy replica.
	LastHealthy bool `json:"lastHealthy,omitempty"`
	// PDBBlocked names the PodDisruptionBudgets that allow no disruption now.
	PDBBlocked []string `json:"pdbBlocked,omitempty"`
	// HPA names the HorizontalPodAutoscaler on the target and its bounds ("frontend 2–10, now 4"), "" for none.
	HPA string `json:"hpa,omitempty"`
	// EmptyDir names the emptyDir volumes whose content dies with the pods.
	EmptyDir []string `json:"emptyDir,omitempty"`
	// GitOps names the controller that owns the object and may revert the change, "" for none.
	GitOps string `json:"gitOps,omitempty"`
	// LastSave says when a store in memory last wrote itself to disk ("14:02, 3 min ago"), "" where there is no such thing.
	LastSave string `json:"lastSave,omitempty"`
}

// WorseThan reports whether b hurts more than the blast radius the approvers saw, and why: the last healthy replica, a service that was
// whole and is not any more, a newly blocking PodDisruptionBudget, newly lost data, a new GitOps owner. In a service that was broken
// when they agreed, pods come and go; that alone voids nothing.
func (b Blast) WorseThan(seen Blast) (reason string, worse bool) {
	switch {
	case b.LastHealthy && !seen.LastHealthy:
		return "it would now touch the last healthy replica", true
	case b.Ready > 0 && b.Ready < seen.Ready && b.Ready < b.Desired && seen.Ready >= seen.Desired:
		return fmt.Sprintf("%d of %d replicas are ready now, all were when it was proposed", b.Ready, b.Desired), true
	case extra(b.PDBBlocked, seen.PDBBlocked) != "":
		return "PodDisruptionBudget " + extra(b.PDBBlocked, seen.PDBBlocked) + " now allows no disruption", true
	case extra(b.EmptyDir, seen.EmptyDir) != "":
		return "volume " + extra(b.EmptyDir, seen.EmptyDir) + " would now lose its content", true
	case b.GitOps != seen.GitOps && b.GitOps != "":
		return b.GitOps + " now owns the object and may revert the change", true
	}
	return "", false
}

func extra(now, before []string) string {
	had := make(map[string]bool, len(before))
	for _, s := range before {
		had[s] = true
	}
	for _, s := range now {
		if !had[s] {
			return s
		}
	}
	return ""
}
