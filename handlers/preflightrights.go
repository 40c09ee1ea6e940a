package handlers

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// right is one thing that the bot's account may or may not do.
type right struct {
	may bool
	why string
	err error
}

// rights asks the API server what our own account may do, each thing once.
type rights struct {
	cl    Permissions
	mu    sync.Mutex
	known map[string]right
}

// lacking says which permission an operation needs and the bot does not have; nothing when it has all.
func (r *rights) lacking(ctx context.Context, svc catalog.Service, op runbook.Operation) (why, fix redact.Text) {
	namespace := op.Get("namespace")
	if namespace == "" {
		namespace = svc.Namespace
	}
	for _, n := range needed(op) {
		in := namespace
		if n.cluster || op.Has("all-namespaces") {
			in = ""
		}
		got := r.ask(ctx, n, in)
		switch {
		case got.err != nil:
			return redact.F("the cluster does not say whether the bot may %s: %s", n, got.err.Error()), redact.Const("Try again when the cluster answers.")
		case !got.may:
			where := redact.F("in namespace %s", in)
			if in == "" {
				where = redact.Const("across the cluster")
			}
			return redact.F("the bot may not %s %s", n, where), redact.F("Give its account the verb %s on %s. %s", n.verb, n.what(), got.why)
		}
	}
	return redact.Text{}, redact.Text{}
}

func (r *rights) ask(ctx context.Context, n need, namespace string) right {
	key := n.String() + "\x00" + namespace
	r.mu.Lock()
	got, known := r.known[key]
	r.mu.Unlock()
	if known {
		return got
	}
	got.may, got.why, got.err = r.cl.CanI(ctx, n.verb, n.group, n.resource, n.subresource, namespace)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[key] = got
	return got
}

// need is one permission.
type need struct {
	verb, group, resource, subresource string
	cluster                            bool
}

func (n need) what() string {
	s := n.resource
	if n.subresource != "" {
		s += "/" + n.subresource
	}
	if n.group != "" {
		s += "." + n.group
	}
	return s
}

func (n need) String() string { return n.verb + " " + n.what() }

// groups are the API groups of the kinds that runbooks name; what is not among them is left to the answer of the call itself.
var groups = map[string]string{
	"pods": "", "services": "", "endpoints": "", "events": "", "configmaps": "", "persistentvolumeclaims": "", "persistentvolumes": "", "nodes": "",
	"namespaces": "", "serviceaccounts": "", "resourcequotas": "", "limitranges": "",
	"deployments": "apps", "statefulsets": "apps", "daemonsets": "apps", "replicasets": "apps",
	"networkpolicies": "networking.k8s.io", "ingresses": "networking.k8s.io", "horizontalpodautoscalers": "autoscaling",
	"poddisruptionbudgets": "policy", "endpointslices": "discovery.k8s.io", "jobs": "batch", "cronjobs": "batch", "storageclasses": "storage.k8s.io",
}

var acrossCluster = []string{"nodes", "persistentvolumes", "namespaces", "storageclasses"}

// needed are the permissions that an operation cannot do without.
func needed(op runbook.Operation) []need {
	verb := "list"
	if op.Has("name") {
		verb = "get"
	}
	var out []need
	of := func(verb, subresource string) {
		for k := range strings.SplitSeq(op.Kind, ",") {
			if group, known := groups[k]; known {
				out = append(out, need{verb: verb, group: group, resource: k, subresource: subresource, cluster: slices.Contains(acrossCluster, k)})
			}
		}
	}
	switch {
	case strings.HasPrefix(op.Name, "exec "):
		return []need{{verb: "create", resource: "pods", subresource: "exec"}}
	case op.Name == "get" || op.Name == "describe" || strings.HasPrefix(op.Name, "rollout status") || strings.HasPrefix(op.Name, "rollout history"):
		of(verb, "")
	case op.Name == "logs":
		return []need{{verb: "get", resource: "pods", subresource: "log"}}
	case op.Name == "top":
		if op.Kind == "pods" || op.Kind == "nodes" {
			return []need{{verb: "list", group: "metrics.k8s.io", resource: op.Kind, cluster: op.Kind == "nodes"}}
		}
	case op.Name == "events":
		return []need{{verb: "list", resource: "events"}}
	case op.Name == "rollout restart" || op.Name == "rollout undo" || op.Name == "scale" || op.Name == "set env":
		of("patch", "")
	case op.Name == "delete" && op.Kind == "pods":
		of("delete", "")
	}
	return out
}
