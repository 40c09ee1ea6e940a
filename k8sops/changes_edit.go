package k8sops

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// edit is one write of somebody to what an object is meant to be.
type edit struct {
	when   time.Time
	who    string
	fields map[string]json.RawMessage // below the field that was asked for
}

// edits are the last writes of every manager to a field of an object ("data", "spec"), newest first, without the one that made the object.
func edits(m metav1.ObjectMeta, fields ...string) []edit {
	var out []edit
	for _, e := range m.ManagedFields {
		if e.FieldsV1 == nil || e.Time == nil || e.Subresource != "" {
			continue
		}
		if e.Time.Time.Sub(m.CreationTimestamp.Time) < makingOf {
			continue
		}
		for _, f := range fields {
			if raw := field(e.FieldsV1.GetRawBytes(), "f:"+f); raw != nil {
				below := map[string]json.RawMessage{}
				_ = json.Unmarshal(raw, &below) // a field without fields below it has none
				out = append(out, edit{when: e.Time.Time, who: e.Manager, fields: below})
			}
		}
	}
	slices.SortStableFunc(out, func(a, b edit) int { return b.when.Compare(a.when) })
	return out
}

// makingOf is how long after its creation a write still belongs to it: managedFields count whole seconds.
const makingOf = 2 * time.Second

// keys are the names of the fields that a manager has written and still owns.
func (e edit) keys() []string {
	var out []string
	for k := range e.fields {
		if name, ok := strings.CutPrefix(k, "f:"); ok {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// mostConfigs is how many ConfigMaps of one workload are looked at.
const mostConfigs = 20

// configs tells the edits of the ConfigMaps that the pods read. Only their metadata is asked for: the values stay in the API server.
func (k changed) configs(ctx context.Context) ([]finding.Change, error) {
	names := configMapsOf(k.w.template.Spec)
	reads := map[string]*future[metav1.ObjectMeta]{}
	for _, name := range names[:min(len(names), mostConfigs)] {
		reads[name] = begin(func() (metav1.ObjectMeta, error) { return k.c.metadata(ctx, "configmaps", k.svc.Namespace, name) })
	}
	var out []finding.Change
	var failed error
	for _, name := range slices.Sorted(maps.Keys(reads)) {
		m, err := reads[name].get(ctx)
		if KindOf(err) == NotFound {
			continue // the kubelet's verdict on the pods tells it
		}
		if err != nil {
			failed = err
			continue
		}
		if k.recent(m.CreationTimestamp.Time) {
			out = append(out, finding.Change{When: m.CreationTimestamp.Time, Kind: finding.ChangeConfig, Object: "ConfigMap/" + name, What: redact.Const("it was made")})
		}
		for _, e := range edits(m, "data", "binaryData") {
			if !k.recent(e.when) {
				continue
			}
			ch := finding.Change{When: e.when, Kind: finding.ChangeConfig, Object: "ConfigMap/" + name, Who: e.who, What: redact.Const("its data was written")}
			if keys := e.keys(); len(keys) > 0 && len(keys) <= 5 {
				ch.What = redact.F("its data was written (this writer holds the keys %s)", strings.Join(keys, ", "))
			}
			out = append(out, ch)
		}
	}
	return out, failed
}

// metadata reads an object's metadata alone.
func (c *Cluster) metadata(ctx context.Context, resource, namespace, name string) (metav1.ObjectMeta, error) {
	raw, err := c.client.CoreV1().RESTClient().Get().Namespace(namespace).Resource(resource).Name(name).
		SetHeader("Accept", "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1").MaxRetries(1).Do(ctx).Raw()
	if err != nil {
		return metav1.ObjectMeta{}, apiError("read "+resource, name+" in "+namespace, err)
	}
	var o metav1.PartialObjectMetadata
	if err := json.Unmarshal(raw, &o); err != nil {
		return metav1.ObjectMeta{}, &Error{Kind: Internal, Op: "read " + resource, Object: name, Message: redact.Const("The API server's answer is not what this version understands.")}
	}
	return o.ObjectMeta, nil
}

// configMapsOf names the ConfigMaps that a pod reads, in alphabetical order.
func configMapsOf(spec corev1.PodSpec) []string {
	names := map[string]bool{}
	for _, c := range slices.Concat(spec.InitContainers, spec.Containers) {
		for _, f := range c.EnvFrom {
			if f.ConfigMapRef != nil {
				names[f.ConfigMapRef.Name] = true
			}
		}
		for _, e := range c.Env {
			if e.ValueFrom != nil && e.ValueFrom.ConfigMapKeyRef != nil {
				names[e.ValueFrom.ConfigMapKeyRef.Name] = true
			}
		}
	}
	for _, v := range spec.Volumes {
		if v.ConfigMap != nil {
			names[v.ConfigMap.Name] = true
		}
		if v.Projected == nil {
			continue
		}
		for _, s := range v.Projected.Sources {
			if s.ConfigMap != nil {
				names[s.ConfigMap.Name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// service tells the edits of the Kubernetes Service.
func (k changed) service(ctx context.Context) ([]finding.Change, error) {
	if k.svc.KubernetesService == "" {
		return nil, nil
	}
	f, err := read[*corev1.Service](ctx, k.c, serviceScope(k.svc))
	var out []finding.Change
	for _, s := range f.items {
		out = append(out, k.written(finding.ChangeNetwork, "Service/"+s.Name, s.ObjectMeta)...)
	}
	return out, err
}

// policies tells the edits of the NetworkPolicies that select the pods.
func (k changed) policies(ctx context.Context) ([]finding.Change, error) {
	list, err := k.c.client.NetworkingV1().NetworkPolicies(k.svc.Namespace).List(ctx, metav1.ListOptions{Limit: most})
	if err != nil {
		return nil, apiError("read networkpolicies", "namespace "+k.svc.Namespace, err)
	}
	return k.policyEdits(list.Items), nil
}

func (k changed) policyEdits(all []networkingv1.NetworkPolicy) []finding.Change {
	var out []finding.Change
	for _, p := range all {
		selector, err := metav1.LabelSelectorAsSelector(&p.Spec.PodSelector)
		if err == nil && selector.Matches(labels.Set(k.w.template.Labels)) {
			out = append(out, k.written(finding.ChangeNetwork, "NetworkPolicy/"+p.Name, p.ObjectMeta)...)
		}
	}
	return out
}

// written tells when an object was made, and the writes to its spec since.
func (k changed) written(kind finding.ChangeKind, object string, m metav1.ObjectMeta) []finding.Change {
	var out []finding.Change
	if k.recent(m.CreationTimestamp.Time) {
		out = append(out, finding.Change{When: m.CreationTimestamp.Time, Kind: kind, Object: object, What: redact.Const("it was made")})
	}
	for _, e := range edits(m, "spec") {
		if !k.recent(e.when) {
			continue
		}
		ch := finding.Change{When: e.when, Kind: kind, Object: object, Who: e.who, What: redact.Const("its spec was written")}
		if keys := e.keys(); len(keys) > 0 {
			ch.What = redact.F("its %s was written", strings.Join(keys[:min(len(keys), 4)], ", "))
		}
		out = append(out, ch)
	}
	return out
}
