package steps

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// reader is what reading steps ask of a cluster.
type reader interface {
	// Read answers one typed reading request; it never fails and never changes anything.
	Read(ctx context.Context, at k8sops.Place, ask k8sops.Reading) finding.Report
}

// read asks the API server what kubectl's reading verbs ask.
func (r *Runner) read(ctx context.Context, svc catalog.Service, step runbook.Step) finding.Report {
	ask, err := reading(*step.Operation)
	if err != nil {
		return refused(redact.F("%s: %s; nothing was read.", step.Operation.Name, err))
	}
	cluster, err := r.cluster(svc.Cluster)
	if err != nil {
		return refused(redact.F("The cluster of %s is not at hand: %s.", svc.Name, err))
	}
	if t := step.Attributes.Timeout; t > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, t)
		defer cancel()
	}
	return cluster.Read(ctx, k8sops.Place{Service: svc, Services: r.catalog().Services}, ask)
}

// reading translates an operation into the request that answers it. Arguments that make no difference to a single look (--watch, --timeout) are
// left out; what cannot be translated is an error.
func reading(op runbook.Operation) (k8sops.Reading, error) {
	a := arguments{Operation: op}
	ask := a.reading()
	switch {
	case a.err != nil:
		return nil, a.err
	case ask == nil:
		return nil, fmt.Errorf("svcdown knows no such reading step")
	}
	return ask, nil
}

// arguments reads typed arguments and keeps the first error.
type arguments struct {
	runbook.Operation
	err error
}

func (a *arguments) reading() k8sops.Reading {
	ns, everywhere := a.Get("namespace"), a.Has("all-namespaces")
	switch a.Name {
	case "get":
		return k8sops.Get{
			Kinds: a.kinds(), Names: a.All("name"), Namespace: ns, AllNamespaces: everywhere, Labels: a.Get("selector"), Fields: a.Get("field-selector"),
			Output: a.Get("output"), SortBy: a.Get("sort-by"), NoHeaders: a.Has("no-headers"), ShowLabels: a.Has("show-labels"), ShowKind: a.Has("show-kind"),
		}
	case "describe":
		return k8sops.Describe{Kinds: a.kinds(), Names: a.All("name"), Namespace: ns, AllNamespaces: everywhere, Labels: a.Get("selector"), Fields: a.Get("field-selector")}
	case "logs":
		return k8sops.PodLogs{
			Namespace: ns, Kind: a.Kind, Name: a.Get("name"), Labels: a.Get("selector"), Container: a.Get("container"),
			AllContainers: a.Has("all-containers"), AllPods: a.Has("all-pods"), Previous: a.Has("previous"), Prefix: a.Has("prefix"), Timestamps: a.Has("timestamps"),
			Tail: int(a.number("tail")), Since: a.duration("since"), SinceTime: a.time("since-time"),
		}
	case "top":
		return k8sops.Top{Nodes: a.Kind == "nodes", Name: a.Get("name"), Namespace: ns, AllNamespaces: everywhere, Labels: a.Get("selector"),
			SortBy: a.Get("sort-by"), Containers: a.Has("containers"), NoHeaders: a.Has("no-headers")}
	case "events":
		return k8sops.Events{Namespace: ns, AllNamespaces: everywhere, For: a.Get("for"), Types: a.Get("types"), NoHeaders: a.Has("no-headers")}
	case "wait":
		return k8sops.Wait{Kinds: a.kinds(), Names: a.All("name"), Namespace: ns, AllNamespaces: everywhere, Labels: a.Get("selector"), Fields: a.Get("field-selector"), For: a.Get("for")}
	case "rollout status":
		return k8sops.RolloutStatus{Namespace: ns, Kind: a.Kind, Name: a.Get("name"), Labels: a.Get("selector"), Revision: a.number("revision")}
	case "rollout history":
		return k8sops.RolloutHistory{Namespace: ns, Kind: a.Kind, Name: a.Get("name"), Labels: a.Get("selector"), Revision: a.number("revision")}
	case "secret references":
		return k8sops.SecretReferences{Namespace: ns, Names: a.All("name")}
	case "health":
		return k8sops.Health{Path: a.Get("raw")}
	}
	return a.about(ns, everywhere)
}

// about are the questions about the cluster itself.
func (a *arguments) about(ns string, everywhere bool) k8sops.Reading {
	words := a.All("word")
	switch a.Name {
	case "auth can-i":
		q := k8sops.CanI{Namespace: ns, AllNamespaces: everywhere, List: a.Has("list"), Subresource: a.Get("subresource")}
		for i, into := range []*string{&q.Verb, &q.Kind, &q.Name} {
			if i < len(words) {
				*into = words[i]
			}
		}
		return q
	case "auth whoami":
		return k8sops.WhoAmI{}
	case "api-resources":
		return k8sops.APIResources{}
	case "api-versions":
		return k8sops.APIVersions{}
	case "version":
		return k8sops.Version{}
	case "cluster-info":
		return k8sops.ClusterInfo{}
	case "explain":
		return k8sops.Explain{Path: strings.Join(words, "")}
	}
	return nil
}

func (a *arguments) kinds() []string {
	if a.Kind == "" {
		return nil
	}
	return strings.Split(a.Kind, ",")
}

func (a *arguments) fail(name string, err error) {
	if a.err == nil {
		a.err = fmt.Errorf("--%s=%s: %w", name, a.Get(name), err)
	}
}

// number reads an integer; absent is 0, and so is -1, which means "all".
func (a *arguments) number(name string) int64 {
	s := a.Get(name)
	if s == "" {
		return 0
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		a.fail(name, fmt.Errorf("it is no number"))
	}
	return max(n, 0)
}

func (a *arguments) duration(name string) time.Duration {
	s := a.Get(name)
	if s == "" || s == "0" {
		return 0
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		a.fail(name, fmt.Errorf("it is no duration"))
	}
	return max(d, 0)
}

func (a *arguments) time(name string) time.Time {
	s := a.Get(name)
	if s == "" {
		return time.Time{}
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		a.fail(name, fmt.Errorf("it is no time such as 2026-11-24T12:00:00Z"))
	}
	return t
}
