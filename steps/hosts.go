package steps

import (
	"context"
	"net"
	"net/url"
	"slices"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/runbook"
)

// stranger is the host, with its port, that an operation inside a container would connect to without leave; "" when there is none. Allowed are
// the pod itself, the Kubernetes Services of the catalogue, the hosts of health URLs, and allowedHosts. psql and redis-cli send passwords of
// the container's environment to whom they connect, so that they are held to it as well as curl.
func (r *Runner) stranger(svc catalog.Service, op *runbook.Operation) (host, port string) {
	namespace := op.Get("namespace")
	if namespace == "" {
		namespace = svc.Namespace
	}
	for _, h := range connects(op) {
		if !r.allowed(svc.Cluster, namespace, h[0], h[1]) {
			return h[0], h[1]
		}
	}
	return "", ""
}

// connects are the hosts and ports that an operation connects to. Names that are only resolved are not among them.
func connects(op *runbook.Operation) [][2]string {
	var out [][2]string
	switch op.Name {
	case "exec nslookup", "exec dig":
	default:
		port := op.Get("port")
		if standard := map[string]string{"exec psql": "5432", "exec pg_isready": "5432", "exec redis-cli": "6379"}[op.Name]; port == "" {
			port = standard
		}
		for _, h := range op.All("host") {
			out = append(out, [2]string{h, port})
		}
	}
	for _, h := range op.All("server") {
		out = append(out, [2]string{h, "53"})
	}
	for _, raw := range op.All("url") {
		u, err := url.Parse(raw)
		if err != nil {
			return [][2]string{{raw, ""}}
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		out = append(out, [2]string{u.Hostname(), port})
	}
	return out
}

func (r *Runner) allowed(cluster, namespace, host, port string) bool {
	if local(host) {
		return true
	}
	cat := r.catalog()
	if _, ok := r.serviceNamed(cluster, namespace, host); ok {
		return true
	}
	for _, s := range cat.Services {
		for _, raw := range s.Health {
			if u, err := url.Parse(raw); err == nil && catalog.SameHost(u.Hostname(), host) {
				return true
			}
		}
	}
	return cat.Probes.AllowsHost(host, port)
}

// serviceNamed is the service of the catalogue whose Kubernetes Service a host names, as it is called in a namespace.
func (r *Runner) serviceNamed(cluster, namespace, host string) (catalog.Service, bool) {
	for _, s := range r.catalog().Services {
		if s.Cluster != cluster || s.KubernetesService == "" {
			continue
		}
		names := []string{"." + s.Namespace, "." + s.Namespace + ".svc", "." + s.Namespace + ".svc.cluster.local"}
		if s.Namespace == namespace {
			names = append(names, "")
		}
		for _, rest := range names {
			if catalog.SameHost(host, s.KubernetesService+rest) {
				return s, true
			}
		}
	}
	return catalog.Service{}, false
}

// mostNames is how many external names are followed from one Service to the next.
const mostNames = 4

// leadsAway is the name to which a Service that an operation connects to leads out of the cluster, when that name is not allowed itself; "" when
// there is none. A Service by its name alone is no more than what whoever may write Services makes of it.
func (r *Runner) leadsAway(ctx context.Context, cluster executor, svc catalog.Service, op *runbook.Operation) (service, name string, err error) {
	namespace := op.Get("namespace")
	if namespace == "" {
		namespace = svc.Namespace
	}
	for _, h := range connects(op) {
		host := h[0]
		for range mostNames {
			s, ok := r.serviceNamed(svc.Cluster, namespace, host)
			if !ok {
				break
			}
			if name, err = cluster.ExternalName(ctx, s.Namespace, s.KubernetesService); err != nil || name == "" {
				break
			}
			service, host = s.KubernetesService, name
			if !r.allowed(svc.Cluster, "", host, h[1]) || local(host) {
				return service, host, nil
			}
		}
		if err != nil {
			return host, "", err
		}
	}
	return "", "", nil
}

func local(host string) bool { return slices.Contains([]string{"localhost", "127.0.0.1", "::1"}, host) }

func hostPort(host, port string) string {
	if port == "" {
		return host
	}
	return net.JoinHostPort(host, port)
}
