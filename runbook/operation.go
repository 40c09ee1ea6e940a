package runbook

// Operation is what a command does, typed: what runs it never sees the command's text. Its name and arguments are all that counts; the names
// are those below.
//
// Reads of the cluster: get, describe, logs, top, events, wait, rollout status, rollout history, auth can-i, auth whoami, api-resources,
// api-versions, explain, version, cluster-info, health (get --raw of a health endpoint), secret references (which keys the workload
// refers to and the kubelet's verdict; never a value, whatever output was asked for).
//
// Reads inside a container: exec psql, exec pg_isready, exec redis-cli, exec curl, exec wget, exec df, exec ls, exec cat, exec env (names
// only), exec printenv (whether it is set), exec node (one environment variable, as host, port, database and user), exec nslookup,
// exec dig, exec nc, exec ps, exec top.
//
// Other reads: http probe (asked from where the bot runs). Changes: rollout restart, rollout undo, rollout pause, rollout resume, scale,
// set env, set image, set resources, delete, apply, patch, annotate, label, cordon, uncordon, drain, taint. Messages: slack message,
// statuspage incident.
type Operation struct {
	Name string
	// Kind is the plural resource that it is about ("pods"), several joined by commas, "" for none.
	Kind string
	// Namespaced operations need a namespace: the one written, or the service's.
	Namespaced bool
	Args       []Arg
	// Filters are what the output is piped into; they run in this process over text.
	Filters []Filter
}

// Arg is one typed argument. A name may occur more than once (several pods).
type Arg struct {
	Name  string
	Type  Type
	Value Word
}

// Type says what a value must look like once it is bound.
type Type string

// The types of values.
const (
	Flag        Type = "flag" // present or not; no value
	Pod         Type = "pod"
	Deployment  Type = "deployment"
	StatefulSet Type = "statefulset"
	DaemonSet   Type = "daemonset"
	Service     Type = "service"
	Node        Type = "node"
	Object      Type = "name" // any other object's name
	Namespace   Type = "namespace"
	Integer     Type = "integer"
	Duration    Type = "duration"
	Quantity    Type = "quantity"
	Host        Type = "host"
	URL         Type = "url"
	Selector    Type = "selector"
	Pair        Type = "pair"  // KEY=VALUE or KEY-
	Label       Type = "label" // a short word that may hold / and :
	Plain       Type = "word"  // a short word: a container, a database, a user
	Text        Type = "text"
	Path        Type = "path"
	Fixed       Type = "fixed" // stands in the document; a placeholder is not possible here
)

// anything is checked by the program's reader itself and never becomes an argument.
const anything Type = "anything"

// String is the operation as lint shows it: "get pods".
func (o Operation) String() string {
	if o.Kind == "" {
		return o.Name
	}
	return o.Name + " " + o.Kind
}

// Get returns the first argument called name as written or bound, "" when there is none.
func (o Operation) Get(name string) string {
	for _, a := range o.Args {
		if a.Name == name {
			return a.Value.String()
		}
	}
	return ""
}

// Has reports whether there is an argument called name.
func (o Operation) Has(name string) bool {
	for _, a := range o.Args {
		if a.Name == name {
			return true
		}
	}
	return false
}

// All returns every argument called name, in the order written.
func (o Operation) All(name string) []string {
	var out []string
	for _, a := range o.Args {
		if a.Name == name {
			out = append(out, a.Value.String())
		}
	}
	return out
}

func (o *Operation) add(name string, t Type, w Word) {
	o.Args = append(o.Args, Arg{Name: name, Type: t, Value: w})
}
