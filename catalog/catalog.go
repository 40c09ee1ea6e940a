package catalog

import "time"

// Catalog is one valid svcdown.yaml. It is immutable after [Parse] and safe for concurrent use.
type Catalog struct {
	Clusters []Cluster `yaml:"clusters"`
	Services []Service `yaml:"services"`
	People   []Person  `yaml:"people"`
	Roles    []Role    `yaml:"roles"`
	Policies []Policy  `yaml:"policies"`
	Channels Channels  `yaml:"channels"`
	Slack    Slack     `yaml:"slack"`
	Probes   Probes    `yaml:"probes"`
	// Manifests says what `apply` may take; without a directory it takes nothing.
	Manifests Manifests `yaml:"manifests"`
	Runbooks  Runbooks  `yaml:"runbooks"`

	Incidents Incidents  `yaml:"incidents"`
	Rotations []Rotation `yaml:"oncall"`
	Ladders   []Ladder   `yaml:"escalation"`
	Contacts  []Contact  `yaml:"contacts"`
	Alerts    Alerts     `yaml:"alerts"`

	PagerDuty PagerDuty `yaml:"pagerDuty"`
	Mail      Mail      `yaml:"mail"`

	StatusPage StatusPage `yaml:"statusPage"`
	// Stakeholders are told what customers are told.
	Stakeholders []Stakeholders `yaml:"stakeholders"`
}

// Runbooks says where a team's own runbooks are, beside the shipped ones.
type Runbooks struct {
	// Dir is a folder of Markdown files or a mounted ConfigMap, "" for none; a relative path is relative to where the bot was started.
	Dir string `yaml:"dir"`
}

// What a policy means where it is silent.
const (
	DefaultExpires     = 15 * time.Minute
	DefaultRemindAfter = 2 * time.Minute
	DefaultMaxReplicas = 100
)

// Probes says which addresses, besides public ones, the health URLs may lead to, and whom else a runbook may ask. Link-local and metadata
// addresses never are allowed.
type Probes struct {
	AllowLoopback bool `yaml:"allowLoopback"` // 127.0.0.0/8, ::1
	AllowPrivate  bool `yaml:"allowPrivate"`  // RFC 1918, RFC 4193, 100.64.0.0/10: what health URLs inside a cluster resolve to
	// AllowedHosts are asked by steps of runbooks besides the services themselves: HOST for any port, HOST:PORT for one.
	AllowedHosts []string `yaml:"allowedHosts"`
	// Watch asks every health URL again and again and opens an incident by itself; nil asks only when somebody does.
	Watch *ProbeWatch `yaml:"watch"`
}

// Slack says which workspace is ours; a person of any other team is foreign.
type Slack struct {
	Team string `yaml:"team"` // T… ID
}

// Channels are Slack channel IDs for what has no channel of its own.
type Channels struct {
	Ops       string `yaml:"ops"`       // loud things: break-glass, a bot that cannot do its work
	Incidents string `yaml:"incidents"` // announcements
}

// Cluster is one Kubernetes API. With neither Kubeconfig nor Context the usual rules apply (KUBECONFIG, ~/.kube/config, in-cluster).
type Cluster struct {
	Name       string `yaml:"name"`
	Kubeconfig string `yaml:"kubeconfig"`
	Context    string `yaml:"context"`
}

// Service is what people name when they type.
type Service struct {
	Name      string   `yaml:"name"`
	Aliases   []string `yaml:"aliases"`
	Kind      string   `yaml:"kind"` // backend, frontend, database, redis: which section of a runbook applies
	Cluster   string   `yaml:"cluster"`
	Namespace string   `yaml:"namespace"`
	Workload  Workload `yaml:"workload"`
	// KubernetesService is the Service object whose endpoints are watched; "" means the service has none.
	KubernetesService string `yaml:"kubernetesService"`
	// Health are URLs that answer 2xx when the service is well, asked from where the bot runs.
	Health    []string `yaml:"health"`
	Owners    []string `yaml:"owners"` // people
	Channel   string   `yaml:"channel"`
	Database  bool     `yaml:"databasePrimary"` // a database primary: stricter policies may name it
	DependsOn []string `yaml:"dependsOn"`
	// StatusComponents are the IDs of what stands for the service on the status page.
	StatusComponents []string `yaml:"statusComponents"`
	Links            []Link   `yaml:"links"` // at the top of its incidents' channels
	// Settable are the environment variables that set-env may set; nil means LOG_LEVEL only. An env write can change everything that a
	// program does, and their values stand on cards and in the database.
	Settable []string `yaml:"settable"`
	// SecretKeys are Secrets of the namespace whose key names, and never values, may be read and compared with what the workload refers to.
	SecretKeys []string `yaml:"secretKeys"`
}

// Manifests says which reviewed files may be applied.
type Manifests struct {
	Dir   string   `yaml:"dir"`   // where the bot finds them; nothing outside is read
	Kinds []string `yaml:"kinds"` // of ManifestKinds; none means Job
	// Images are the repositories that a manifest's containers may come from, such as grafana/k6; none means any.
	Images []string `yaml:"images"`
}

// Workload is the controller behind a service.
type Workload struct {
	Kind string `yaml:"kind"` // Deployment, StatefulSet or DaemonSet
	Name string `yaml:"name"`
}

// Person is one human, however they come in. Self-approval and distinct approvers are judged on the person.
type Person struct {
	Name       string    `yaml:"name"` // short and unique: "alice"
	FullName   string    `yaml:"fullName"`
	Slack      []SlackID `yaml:"slack"`
	Kubernetes []string  `yaml:"kubernetes"` // usernames as TokenReview gives them
	Email      string    `yaml:"email"`
}

// SlackID is a Slack account. A user ID alone identifies nobody: other workspaces have IDs of their own.
type SlackID struct {
	Team string `yaml:"team" json:"team"`
	User string `yaml:"user" json:"user"`
}

// Role names people by list, by Slack user group, or both. An empty role is nobody.
type Role struct {
	Name        string   `yaml:"name"`
	People      []string `yaml:"people"`
	SlackGroups []string `yaml:"slackGroups"` // S… IDs
}

// Action is a kind of change.
type Action string

// The actions of this version. Undo takes back one recorded change; Rollback returns a Deployment to its last good revision.
const (
	Restart  Action = "restart"
	Scale    Action = "scale"
	Rollback Action = "rollback"
	Undo     Action = "undo"
	// SetEnv sets one environment variable for a while; DeletePod deletes one pod of a StatefulSet; Apply runs a reviewed manifest.
	SetEnv    Action = "set-env"
	DeletePod Action = "delete-pod"
	Apply     Action = "apply"
	// Silence keeps alerts quiet for a while; Publish tells customers on the status page.
	Silence Action = "silence"
	Publish Action = "publish"
)

// Actions lists every action.
func Actions() []Action {
	return []Action{Restart, Scale, Rollback, Undo, SetEnv, DeletePod, Apply, Silence, Publish}
}

// Policy says who may ask for actions on services and who must agree. The first policy that matches both wins; no match refuses.
type Policy struct {
	Name     string   `yaml:"name"`
	Actions  []Action `yaml:"actions"`  // empty matches none; "*" every action
	Services []string `yaml:"services"` // empty matches none; "*" every service
	MayAsk   []string `yaml:"mayAsk"`   // roles; empty means nobody
	// MayWork are the roles that may work on runbooks: look into containers, tick steps, post messages. Nil means those of MayAsk, a written
	// empty list nobody. Reading through the API is for everybody of the catalogue.
	MayWork []string `yaml:"mayWork"`
	// Approvals must all be met, by distinct people, none of them the requester. An empty list means the action needs no second
	// person and must be written as `approvals: none`.
	Approvals Approvals `yaml:"approvals"`
	// Expires ends a request nobody decided; default 15 minutes.
	Expires time.Duration `yaml:"expires"`
	// RemindAfter is when the next eligible person is reminded; default 2 minutes.
	RemindAfter time.Duration `yaml:"remindAfter"`
	BreakGlass  *BreakGlass   `yaml:"breakGlass"`
	// MaxReplicas bounds scale; 0 means 100.
	MaxReplicas int `yaml:"maxReplicas"`
}

// Approvals is the list of requirements of a policy; None is the explicit empty list.
type Approvals struct {
	None bool
	All  []Requirement
}

// Requirement asks for Count people who hold one of Roles.
type Requirement struct {
	Count int      `yaml:"count" json:"count"`
	Roles []string `yaml:"roles" json:"roles"`
}

// BreakGlass lets Roles act without approval once nobody has answered for After.
type BreakGlass struct {
	Roles []string      `yaml:"roles"`
	After time.Duration `yaml:"after"`
}
