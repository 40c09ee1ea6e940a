package k8sops

import (
	"context"
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	discoveryv2 "k8s.io/api/apidiscovery/v2"
	"k8s.io/apimachinery/pkg/api/validate/content"

	"github.com/svcdown/svcdown/redact"
)

// mapping says where the API server has a kind of object.
type mapping struct {
	group, version, resource, kind string
	namespaced                     bool
}

// url is the path of the objects in a namespace ("" for the whole cluster), or of one of them.
func (m mapping) url(namespace, name string) string {
	var b strings.Builder
	if m.group == "" {
		b.WriteString("/api/" + m.version)
	} else {
		b.WriteString("/apis/" + m.group + "/" + m.version)
	}
	if m.namespaced && namespace != "" {
		b.WriteString("/namespaces/" + namespace)
	}
	b.WriteString("/" + m.resource)
	if name != "" {
		b.WriteString("/" + name)
	}
	return b.String()
}

// display is how kubectl prefixes names of this kind: pod, deployment.apps.
func (m mapping) display() string {
	if m.group == "" {
		return strings.ToLower(m.kind)
	}
	return strings.ToLower(m.kind) + "." + m.group
}

func (m mapping) apiVersion() string {
	if m.group == "" {
		return m.version
	}
	return m.group + "/" + m.version
}

// knownKinds are those that every cluster serves, by their plural; others are looked up. Secrets are not among them on purpose.
var knownKinds = func() map[string]mapping {
	all := map[string]mapping{}
	for _, row := range []struct {
		group, version string
		namespaced     bool
		kinds          string // Kind=plural
	}{
		{"", "v1", true, "Pod=pods Service=services Endpoints=endpoints Event=events ConfigMap=configmaps ServiceAccount=serviceaccounts " +
			"PersistentVolumeClaim=persistentvolumeclaims ReplicationController=replicationcontrollers ResourceQuota=resourcequotas LimitRange=limitranges"},
		{"", "v1", false, "Node=nodes Namespace=namespaces PersistentVolume=persistentvolumes ComponentStatus=componentstatuses"},
		{"apps", "v1", true, "Deployment=deployments StatefulSet=statefulsets DaemonSet=daemonsets ReplicaSet=replicasets ControllerRevision=controllerrevisions"},
		{"batch", "v1", true, "Job=jobs CronJob=cronjobs"},
		{"autoscaling", "v2", true, "HorizontalPodAutoscaler=horizontalpodautoscalers"},
		{"policy", "v1", true, "PodDisruptionBudget=poddisruptionbudgets"},
		{"discovery.k8s.io", "v1", true, "EndpointSlice=endpointslices"},
		{"networking.k8s.io", "v1", true, "NetworkPolicy=networkpolicies Ingress=ingresses"},
		{"networking.k8s.io", "v1", false, "IngressClass=ingressclasses"},
		{"storage.k8s.io", "v1", false, "StorageClass=storageclasses VolumeAttachment=volumeattachments"},
		{"coordination.k8s.io", "v1", true, "Lease=leases"},
		{"rbac.authorization.k8s.io", "v1", true, "Role=roles RoleBinding=rolebindings"},
		{"rbac.authorization.k8s.io", "v1", false, "ClusterRole=clusterroles ClusterRoleBinding=clusterrolebindings"},
		{"scheduling.k8s.io", "v1", false, "PriorityClass=priorityclasses"},
		{"apiextensions.k8s.io", "v1", false, "CustomResourceDefinition=customresourcedefinitions"},
		{"apiregistration.k8s.io", "v1", false, "APIService=apiservices"},
		{"admissionregistration.k8s.io", "v1", false, "ValidatingWebhookConfiguration=validatingwebhookconfigurations MutatingWebhookConfiguration=mutatingwebhookconfigurations"},
	} {
		for pair := range strings.FieldsSeq(row.kinds) {
			kind, plural, _ := strings.Cut(pair, "=")
			all[plural] = mapping{group: row.group, version: row.version, resource: plural, kind: kind, namespaced: row.namespaced}
		}
	}
	return all
}()

// everything is what kubectl means by "all", in its order.
var everything = []string{"pods", "replicationcontrollers", "services", "daemonsets", "deployments", "replicasets", "statefulsets",
	"horizontalpodautoscalers", "cronjobs", "jobs"}

// credentials are kinds whose objects may be secrets themselves: they are never read, whatever the bot's account may do.
var credentials = regexp.MustCompile(`secret|token|oauth|credential|password|vault|certificatesigningrequest`)

// mappings resolves the plurals of a command.
func (in inquiry) mappings(ctx context.Context, plurals []string) ([]mapping, error) {
	var out []mapping
	for _, p := range plurals {
		if p == "all" {
			for _, each := range everything {
				out = append(out, knownKinds[each])
			}
			continue
		}
		m, err := in.mapping(ctx, p)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, nil
}

func (in inquiry) mapping(ctx context.Context, plural string) (mapping, error) {
	plural = strings.ToLower(plural)
	if credentials.MatchString(plural) {
		return mapping{}, &Error{Kind: OutOfBounds, Op: "read " + plural, Message: redact.F("Objects of kind %s may hold secrets; svcdown never reads them.", plural)}
	}
	if m, ok := knownKinds[plural]; ok {
		return m, nil
	}
	all, err := in.c.served(ctx)
	if err != nil {
		return mapping{}, err
	}
	resource, group, _ := strings.Cut(plural, ".")
	for _, s := range all {
		named := resource == s.resource || resource == strings.ToLower(s.kind) || resource == s.singular || slices.Contains(s.short, resource)
		if !named || group != "" && group != s.group && !strings.HasPrefix(s.group, group+".") {
			continue
		}
		if credentials.MatchString(strings.ToLower(s.kind)) || credentials.MatchString(s.resource) {
			return mapping{}, &Error{Kind: OutOfBounds, Op: "read " + plural, Message: redact.F("Objects of kind %s may hold secrets; svcdown never reads them.", s.kind)}
		}
		return s.mapping, nil
	}
	return mapping{}, &Error{Kind: Unsupported, Op: "read " + plural, Message: redact.F("The cluster does not have a resource type %q.", plural)}
}

// served is one kind of object that the cluster has.
type served struct {
	mapping
	singular string
	short    []string
	verbs    []string
	versions []string // of its group, the preferred one first
}

const discoveryType = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"

// served asks what kinds the cluster has; two small requests. An aggregated API that is away is left out.
func (c *Cluster) served(ctx context.Context) ([]served, error) {
	var out []served
	for _, root := range []string{"/api", "/apis"} {
		body, err := c.fetch(ctx, "read the kinds of objects", c.name, root, nil, discoveryType)
		if err != nil {
			return nil, err
		}
		var list discoveryv2.APIGroupDiscoveryList
		if err := json.Unmarshal(body, &list); err != nil {
			return nil, &Error{Kind: Internal, Op: "read the kinds of objects", Err: err, Message: redact.Const("The API server's list of kinds cannot be read.")}
		}
		for _, g := range list.Items {
			out = append(out, servedBy(g)...)
		}
	}
	return out, nil
}

func servedBy(g discoveryv2.APIGroupDiscovery) []served {
	var out []served
	var versions []string
	for _, v := range g.Versions {
		versions = append(versions, v.Version)
	}
	seen := map[string]bool{}
	for _, v := range g.Versions { // the preferred version stands first
		for _, r := range v.Resources {
			if seen[r.Resource] || r.ResponseKind == nil || content.IsPathSegmentName(r.Resource) != nil || content.IsPathSegmentName(v.Version) != nil {
				continue
			}
			seen[r.Resource] = true
			out = append(out, served{
				mapping:  mapping{group: g.Name, version: v.Version, resource: r.Resource, kind: r.ResponseKind.Kind, namespaced: r.Scope == discoveryv2.ScopeNamespace},
				singular: r.SingularResource, short: r.ShortNames, verbs: r.Verbs, versions: versions,
			})
		}
	}
	if len(out) == 0 && len(versions) > 0 {
		out = append(out, served{mapping: mapping{group: g.Name}, versions: versions})
	}
	return out
}
