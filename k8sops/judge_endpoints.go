package k8sops

import (
	"context"
	"maps"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// judgeEndpointList judges by EndpointSlices, also when the command asks for the Endpoints of old: those hold no more than a thousand addresses.
func (in inquiry) judgeEndpointList(ctx context.Context, g Get, o objects, namespaces []string) (finding.Finding, error) {
	wanted := g.Names
	if o.resource == "endpointslices" {
		wanted = nil
		for _, r := range o.rows {
			if name := r.labels[discoveryv1.LabelServiceName]; name != "" && !slices.Contains(wanted, name) {
				wanted = append(wanted, name)
			}
		}
	} else if len(wanted) == 0 {
		for _, r := range o.rows {
			wanted = append(wanted, r.name)
		}
	}
	if len(wanted) == 0 {
		return counted(g, o, namespaces), nil
	}
	label := discoveryv1.LabelServiceName
	if len(g.Names) > 0 {
		label += " in (" + strings.Join(wanted, ",") + ")"
	}
	by := map[string][]*discoveryv1.EndpointSlice{}
	for _, ns := range namespaces {
		slices, err := readLive[*discoveryv1.EndpointSlice](ctx, in.c, scope{resource: "endpointslices", namespace: ns, label: label})
		if err != nil {
			return finding.Finding{}, err
		}
		for _, s := range slices.items {
			by[ns+"/"+s.Labels[discoveryv1.LabelServiceName]] = append(by[ns+"/"+s.Labels[discoveryv1.LabelServiceName]], s)
		}
	}
	var all []finding.Finding
	for _, ns := range namespaces {
		for _, name := range wanted {
			if len(namespaces) > 1 && by[ns+"/"+name] == nil {
				continue
			}
			f, err := in.judgeOneService(ctx, ns, name, by[ns+"/"+name])
			if err != nil {
				return finding.Finding{}, err
			}
			all = append(all, f)
		}
	}
	return summed(all), nil
}

func (in inquiry) judgeOneService(ctx context.Context, ns, name string, slices []*discoveryv1.EndpointSlice) (finding.Finding, error) {
	svc := in.at.Service
	if ns != svc.Namespace || name != svc.KubernetesService {
		return judgeForeignEndpoints(name, slices), nil
	}
	services, err := readLive[*corev1.Service](ctx, in.c, serviceScope(svc))
	if err != nil {
		return finding.Finding{}, err
	}
	object := "Service/" + name
	if len(services.items) == 0 {
		return finding.Finding{Status: finding.Fail, Line: redact.F("service/%s does not exist", name),
			Signals: []finding.Signal{{Kind: finding.NoEndpoints, Object: object, Detail: redact.Const("the Service does not exist")}}}, nil
	}
	w, err := in.c.workload(ctx, svc)
	if err != nil {
		return finding.Finding{}, err
	}
	f := judgeEndpoints(services.items[0], slices, w)
	if ready, all, _ := countEndpoints(slices); f.Status == finding.OK && ready > 0 {
		f.Signals = append(f.Signals, finding.Signal{Kind: finding.EndpointsUp, Object: object, Count: ready, Of: all})
	}
	return f, nil
}

// judgeForeignEndpoints judges a Service that is not the runbook's: no signal comes of it.
func judgeForeignEndpoints(name string, slices []*discoveryv1.EndpointSlice) finding.Finding {
	ready, all, rows := countEndpoints(slices)
	f := finding.Finding{Status: finding.OK, Line: redact.F("service/%s: %d of %d endpoints ready", name, ready, all)}
	switch {
	case ready == 0:
		f.Status, f.Line = finding.Fail, redact.F("service/%s has no ready endpoint: nothing answers behind it", name)
	case ready < all:
		f.Status = finding.Warn
	}
	if len(rows) > 0 {
		f.Evidence = []finding.Evidence{{Title: redact.F("Endpoints of %s", name), Table: &finding.Table{Columns: texts("Address", "Pod", "Ready"), Rows: rows}}}
	}
	return f
}

// summed puts many findings of one kind together: the bad ones by name, the good ones by count.
func summed(all []finding.Finding) finding.Finding {
	if len(all) <= 3 {
		return together(all...)
	}
	out := together(all...)
	var lines []redact.Text
	fine := 0
	for _, f := range all {
		if f.Status == finding.OK {
			fine++
		} else {
			lines = append(lines, f.Line)
		}
	}
	if len(lines) > 3 {
		lines = append(lines[:3], redact.F("%d more", len(lines)-3))
	}
	if fine > 0 {
		lines = append(lines, redact.F("%d others are well", fine))
	}
	if fine == len(all) {
		lines = []redact.Text{redact.F("all %d are well", fine)}
	}
	out.Line = redact.Join("; ", lines...)
	if len(out.Evidence) > 3 {
		out.Evidence = out.Evidence[:3]
	}
	return out
}

// sortedKeys are the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
