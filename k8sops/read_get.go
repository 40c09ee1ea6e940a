package k8sops

import (
	"context"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// Get is kubectl get. Its judgement knows pods, events, endpoints, nodes, volumes, network policies, ConfigMaps and workloads; of other kinds it
// counts. Secrets are never read: [SecretReferences] answers for them.
type Get struct {
	// Kinds are plurals ("pods", "persistentvolumes"), "all", or plurals of custom resources, with their group behind a dot where needed.
	Kinds, Names   []string
	Namespace      string // "" is the service's
	AllNamespaces  bool   // all namespaces of the catalogue's services, not of the cluster
	Labels, Fields string // selectors
	// Output is "", wide, yaml, json, name, jsonpath=…, jsonpath-as-json=… or custom-columns=….
	Output, SortBy                  string
	NoHeaders, ShowLabels, ShowKind bool
}

func (g Get) read(ctx context.Context, in inquiry) (finding.Report, error) {
	kinds, err := in.mappings(ctx, g.Kinds)
	if err != nil {
		return finding.Report{}, err
	}
	if len(kinds) == 0 {
		return finding.Report{}, &Error{Kind: Invalid, Op: "get", Message: redact.Const("No kind of object is named.")}
	}
	namespaced := false
	for _, m := range kinds {
		namespaced = namespaced || m.namespaced
	}
	var namespaces []string
	if namespaced {
		if namespaces, err = in.namespaces(g.Namespace, g.AllNamespaces); err != nil {
			return finding.Report{}, err
		}
	}
	var found []objects
	var findings []finding.Finding
	var hidden finding.Finding
	for _, m := range kinds {
		o, f := in.look(ctx, g, m, namespaces)
		if o.unread && slices.Contains(g.Kinds, "all") {
			hidden = f // of "all" the bot may read a part; what it may not is not worth a line each
			continue
		}
		findings = append(findings, f)
		if !o.unread {
			found = append(found, o)
		}
	}
	if len(findings) == 0 {
		findings = append(findings, hidden)
	}
	cut := g.Output == "yaml" && shorten(found)
	text := ""
	if len(found) > 0 {
		if text, err = g.output(found); err != nil {
			return finding.Report{}, err
		}
	}
	out := finding.Report{Finding: summed(findings)}
	out.Finding.Check = "get " + strings.Join(g.Kinds, ",")
	out.Raw, out.Truncated = printed(text, g.Kinds[0] == "events")
	out.Truncated = out.Truncated || cut
	for _, o := range found {
		out.Truncated = out.Truncated || o.truncated
	}
	if g.AllNamespaces {
		out.Finding.Line = redact.F("%s (in the catalogue's namespaces: %s)", out.Finding.Line, strings.Join(namespaces, ", "))
	}
	return out, nil
}

// mostYAML is how much is written as YAML, which costs a second a megabyte and is shown in part only.
const mostYAML = 1 << 20

// shorten keeps the first objects, as many as are worth writing as YAML, and reports whether it left any out.
func shorten(found []objects) (cut bool) {
	left := mostYAML
	for i := range found {
		for j, r := range found[i].rows {
			if left -= len(r.raw); left < 0 && (i > 0 || j > 0) {
				found[i].rows, cut = found[i].rows[:j], true
				break
			}
		}
	}
	return cut
}

// look reads and judges one kind; what cannot be read is an Unknown finding of its own, so that the other kinds are still shown.
func (in inquiry) look(ctx context.Context, g Get, m mapping, namespaces []string) (objects, finding.Finding) {
	if m.resource == "events" && len(g.Names) == 0 {
		return in.lookAtEvents(ctx, g, namespaces)
	}
	o, err := in.list(ctx, m, namespaces, g.Names, g.Labels, g.Fields)
	if err != nil {
		return objects{mapping: m, unread: true}, unread(in.at.Service, err)
	}
	if g.SortBy != "" {
		if err := o.sortBy(g.SortBy); err != nil {
			return o, unread(in.at.Service, err)
		}
	}
	f, err := in.judge(ctx, g, o, namespaces)
	if err != nil {
		f = unread(in.at.Service, err)
	}
	if len(o.missing) > 0 {
		f = notThere(o, namespaces, f)
	}
	if o.truncated {
		f.Line = redact.F("%s (only the first %d were read)", f.Line, most)
	}
	return o, f
}

// notThere says which of the names that a command asked for do not exist.
func notThere(o objects, namespaces []string, f finding.Finding) finding.Finding {
	place := redact.Const("the cluster")
	if o.namespaced {
		place = redact.F("namespace %s", strings.Join(namespaces, ", "))
	}
	gone := finding.Finding{
		Status: finding.Fail, Line: redact.F("%s %s does not exist in %s", o.display(), strings.Join(o.missing, ", "), place),
		Fix: redact.Const("Was it deleted, or is the name in the runbook wrong?"), Signals: f.Signals, Evidence: f.Evidence,
	}
	if len(o.rows) > 0 {
		gone.Line = redact.F("%s; %s", gone.Line, f.Line)
	}
	return gone
}

// judge reads the objects into a finding.
func (in inquiry) judge(ctx context.Context, g Get, o objects, namespaces []string) (finding.Finding, error) {
	if len(o.rows) == 0 && len(o.missing) > 0 && o.resource != "configmaps" {
		return finding.Finding{}, nil
	}
	switch o.group + "/" + o.resource {
	case "/pods":
		return in.judgePodList(ctx, g, o, namespaces)
	case "/endpoints", "discovery.k8s.io/endpointslices":
		return in.judgeEndpointList(ctx, g, o, namespaces)
	case "/nodes":
		return in.judgeNodeList(ctx, o)
	case "/persistentvolumes":
		return judgeVolumes(o), nil
	case "/persistentvolumeclaims":
		return in.judgeClaims(ctx, o)
	case "networking.k8s.io/networkpolicies":
		return in.judgePolicies(ctx, o, namespaces)
	case "/configmaps":
		return in.judgeConfigMaps(ctx, g, o)
	case "apps/deployments", "apps/statefulsets", "apps/daemonsets":
		return in.judgeWorkloads(o), nil
	case "autoscaling/horizontalpodautoscalers":
		return in.judgeAutoscalers(o), nil
	}
	return counted(g, o, namespaces), nil
}

// counted is the finding of a kind that we do not judge: how many there are, and the table.
func counted(g Get, o objects, namespaces []string) finding.Finding {
	f := finding.Finding{Status: finding.OK, Line: redact.F("%d %s", len(o.rows), o.resource), Evidence: evidenceOf(o, redact.F("%s", o.resource))}
	switch {
	case len(o.rows) == 1:
		f.Line = redact.F("1 %s: %s", strings.ToLower(o.kind), o.rows[0].name)
	case len(o.rows) == 0 && g.Labels != "":
		f.Line = redact.F("no %s matches %s", strings.ToLower(o.kind), g.Labels)
	case len(o.rows) == 0 && o.namespaced:
		f.Line = redact.F("no %s in namespace %s", o.resource, strings.Join(namespaces, ", "))
	case len(o.rows) == 0:
		f.Line = redact.F("no %s in the cluster", o.resource)
	}
	return f
}
