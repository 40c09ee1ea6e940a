package handlers

import (
	"slices"
	"strings"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// aspect is one thing about a service that can be checked by itself.
type aspect struct {
	name string
	// of is the kind of service that it is about: the service itself when it is one, else those it depends on; "" for the service itself.
	of string
	// books are the runbooks whose steps are looked through, beside the one of triage.
	books []string
	// step says which reading steps belong to it.
	step func(runbook.Operation) bool
	// status names the status checks that belong to it; "*" stands for all.
	status []string
}

func aspects() []aspect {
	named := func(names ...string) func(runbook.Operation) bool {
		return func(o runbook.Operation) bool { return slices.Contains(names, o.Name) }
	}
	about := func(kinds ...string) func(runbook.Operation) bool {
		return func(o runbook.Operation) bool {
			return slices.ContainsFunc(strings.Split(o.Kind, ","), func(k string) bool { return slices.Contains(kinds, k) })
		}
	}
	either := func(fits ...func(runbook.Operation) bool) func(runbook.Operation) bool {
		return func(o runbook.Operation) bool {
			return slices.ContainsFunc(fits, func(f func(runbook.Operation) bool) bool { return f(o) })
		}
	}
	return []aspect{
		{name: "db", of: "database", books: []string{"database-issues"}, step: named("exec psql", "exec pg_isready"), status: []string{"*"}},
		{name: "redis", of: "redis", step: named("exec redis-cli"), status: []string{"*"}},
		{name: "deps", step: named("exec curl", "exec wget", "exec psql", "exec pg_isready", "exec redis-cli", "http probe"), status: []string{"health"}},
		{name: "nodes", books: []string{"network-connectivity"}, step: about("nodes"), status: []string{"nodes"}},
		{name: "storage", step: either(about("persistentvolumes", "persistentvolumeclaims", "storageclasses"), named("exec df")), status: []string{"events"}},
		{name: "network", books: []string{"network-connectivity"}, step: either(about("networkpolicies", "endpoints", "endpointslices", "ingresses", "services"), named("exec nslookup", "exec dig", "exec nc", "http probe")), status: []string{"endpoints", "health"}},
		{name: "config", step: either(about("configmaps"), named("secret references", "exec env", "exec printenv", "exec node")), status: []string{"rollout"}},
	}
}

func aspectOf(req Request) (aspect, error) {
	all := aspects()
	var names []string
	for _, a := range all {
		names = append(names, a.name)
	}
	if len(req.Args) < 2 {
		return aspect{}, &Problem{Code: "usage", Text: redact.Const("Check what? Nothing was done."), Next: redact.F("Write `check %s KIND`, KIND one of %s.", req.Args[0], strings.Join(names, ", "))}
	}
	i := slices.IndexFunc(all, func(a aspect) bool { return strings.EqualFold(a.name, req.Args[1]) })
	if i < 0 {
		return aspect{}, &Problem{Code: "usage", Text: redact.F("I cannot check %q; nothing was done.", req.Args[1]), Next: redact.F("There are: %s.", strings.Join(names, ", "))}
	}
	return all[i], nil
}

// targetsOf are the services that an aspect is about.
func (d *Desk) targetsOf(svc catalog.Service, a aspect) ([]catalog.Service, error) {
	if a.of == "" || strings.EqualFold(svc.Kind, a.of) {
		return []catalog.Service{svc}, nil
	}
	var out []catalog.Service
	for _, name := range svc.DependsOn {
		if dep, ok := d.Catalog().Service(name); ok && strings.EqualFold(dep.Kind, a.of) {
			out = append(out, dep)
		}
	}
	if len(out) == 0 {
		return nil, &Problem{Code: "no-dependency", Text: redact.F("%s is of kind %q and depends on no service of kind %q in svcdown.yaml, so nothing was checked.", svc.Name, svc.Kind, a.of),
			Next: redact.F("Name it under dependsOn of %s.", svc.Name)}
	}
	return out, nil
}
