package runbook

import (
	"fmt"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/catalog"
)

// Values are what placeholders stand for, by their name in one spelling: "pod-name" for <pod-name>, [POD_NAME] and $POD_NAME.
type Values map[string]string

// Hole is one placeholder of a step, with the type that its place asks for.
type Hole struct {
	Name    string
	Written string
	// Type is that of the argument that the placeholder is, or is part of.
	Type Type
	// Whole is true when the placeholder is the whole argument.
	Whole bool
}

// Wrong says why v cannot fill the placeholder, in words behind "it"; "" when it can.
func (h Hole) Wrong(v string) string {
	if v == "" {
		return "is empty"
	}
	if h.Whole {
		return wrong(h.Type, v)
	}
	if h.Type != Text && !fragment.MatchString(v) {
		return "is no plain name"
	}
	return ""
}

// Holes lists the placeholders that a value has to be found for, each name once, in the order written. Manual and refused steps have none.
func (s Step) Holes() []Hole {
	if s.Operation == nil {
		return nil
	}
	var out []Hole
	add := func(w Word, t Type) {
		for _, p := range w {
			if p.Hole != "" && !slices.ContainsFunc(out, func(h Hole) bool { return h.Name == p.Hole }) {
				out = append(out, Hole{Name: p.Hole, Written: p.Written, Type: t, Whole: len(w) == 1})
			}
		}
	}
	for _, a := range s.Operation.Args {
		add(a.Value, a.Type)
	}
	for _, f := range s.Operation.Filters {
		for _, w := range f.Args {
			add(w, Plain)
		}
	}
	return out
}

// serviceNames are the placeholders for a service's name.
var serviceNames = []string{"service-name", "service", "app", "app-name", "svc", "svc-name"}

// ServiceValues are the values that the catalogue knows for a service. What depends on the moment (<pod-name>, <desired-count>) is not among
// them.
func ServiceValues(s catalog.Service) Values {
	v := Values{}
	put := func(value string, names ...string) {
		for _, n := range names {
			if value != "" {
				v[n] = value
			}
		}
	}
	put(s.Name, serviceNames...)
	put(s.Namespace, "namespace", "ns", "your-namespace", "namespace-name")
	put(s.Cluster, "cluster", "cluster-name")
	put(s.KubernetesService, "kubernetes-service", "k8s-service")
	put(s.Workload.Name, "workload", "workload-name")
	switch s.Workload.Kind {
	case "Deployment":
		put(s.Workload.Name, "deployment-name", "deployment", "deploy", "deploy-name")
	case "StatefulSet":
		put(s.Workload.Name, "statefulset-name", "statefulset", "sts", "sts-name")
	case "DaemonSet":
		put(s.Workload.Name, "daemonset-name", "daemonset", "ds", "ds-name")
	}
	return v
}

// Bind fills the placeholders of a step and returns it, ready to run; s stays as it is. A missing namespace becomes the service's, with a
// warning; where a check names a Kubernetes Service after the service, the catalogue's kubernetesService is meant. Every value is checked for the type of its place before and after it is filled in, and text is never parsed again: a value can
// be nothing but the part of the argument that it stands for. The error names everything that is missing or not valid.
func Bind(s Step, service catalog.Service, values Values) (Step, error) {
	if s.Operation == nil {
		return Step{}, fmt.Errorf("bind %q: a %s step is not run", clip(s.Source), s.Class)
	}
	op := *s.Operation
	op.Args = slices.Clone(op.Args)
	op.Filters = slices.Clone(op.Filters)
	s.Warnings = slices.Clone(s.Warnings)
	var problems []string
	for i, a := range op.Args {
		if s.Class == Check && a.Type == Service && service.KubernetesService != "" && meansService(a.Value, service, values) {
			a.Value = literal(service.KubernetesService)
		}
		filled, why := fill(a.Value, a.Type, values)
		if why != "" {
			problems = append(problems, why)
		}
		op.Args[i].Value = filled
	}
	for i, f := range op.Filters {
		f.Args = slices.Clone(f.Args)
		for j, w := range f.Args {
			filled, why := fill(w, Fixed, values)
			if why != "" {
				problems = append(problems, why)
			}
			f.Args[j] = filled
		}
		op.Filters[i] = f
	}
	if op.Namespaced && !op.Has("namespace") && !op.Has("all-namespaces") {
		if why := wrong(Namespace, service.Namespace); why != "" {
			problems = append(problems, fmt.Sprintf("the namespace %q of service %s %s", clip(service.Namespace), service.Name, why))
		}
		op.add("namespace", Namespace, literal(service.Namespace))
	}
	if len(problems) > 0 {
		return Step{}, fmt.Errorf("bind %q: %s; nothing was run", clip(s.Source), strings.Join(problems, "; "))
	}
	s.Operation = &op
	return s, nil
}

// meansService reports whether a document spells a Kubernetes Service after the name of the service it is about: <service-name>, <app>-service. What
// it is called in the cluster says the catalogue.
func meansService(w Word, service catalog.Service, values Values) bool {
	if len(w) == 0 || len(w) > 2 || w[0].Hole == "" || !slices.Contains(serviceNames, w[0].Hole) || values[w[0].Hole] != service.Name {
		return false
	}
	return len(w) == 1 || w[1].Hole == "" && (w[1].Text == "-service" || w[1].Text == "-svc")
}

func fill(w Word, t Type, values Values) (filled Word, problem string) {
	if _, whole := w.Literal(); whole {
		return w, ""
	}
	var b strings.Builder
	for _, p := range w {
		if p.Hole == "" {
			b.WriteString(p.Text)
			continue
		}
		v, ok := values[p.Hole]
		if !ok || v == "" {
			return w, "no value for " + p.Written
		}
		if (len(w) > 1 || t == Fixed) && t != Text && !fragment.MatchString(v) {
			return w, fmt.Sprintf("%s %q is no plain name", p.Written, clip(v))
		}
		b.WriteString(v)
	}
	s := b.String()
	if why := wrong(t, s); why != "" {
		return w, fmt.Sprintf("%s %q %s", w, clip(s), why)
	}
	return literal(s), ""
}
