package k8sops

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/plan"
)

// live is a workload as the API server has it now, with the very JSON: a precondition must be what the server sees, and our types would drop
// fields of a newer server.
type live struct {
	workload
	raw    json.RawMessage
	target plan.Target
}

// live reads the service's workload for a plan: always from the API, never from a standing watch.
func (c *Cluster) live(ctx context.Context, op string, svc catalog.Service) (live, error) {
	l, err := c.liveObject(ctx, svc.Namespace, svc.Workload.Kind, svc.Workload.Name)
	if err != nil {
		return live{}, apiError(op, objectOf(svc), err)
	}
	return l, nil
}

func (c *Cluster) liveObject(ctx context.Context, namespace, kind, name string) (live, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	resource, err := resourceOf(kind)
	if err != nil {
		return live{}, err
	}
	raw, err := c.resources[resource].client.Get().Namespace(namespace).Resource(resource).Name(name).
		SetHeader("Accept", runtime.ContentTypeJSON).MaxRetries(0).Do(ctx).Raw()
	if err != nil {
		return live{}, err
	}
	return c.liveFrom(raw, resource)
}

func (c *Cluster) liveFrom(raw []byte, resource string) (live, error) {
	into := c.resources[resource].object.DeepCopyObject()
	if err := json.Unmarshal(raw, into); err != nil {
		return live{}, fmt.Errorf("read the API server's answer: %w", err)
	}
	w, err := workloadOf(into)
	if err != nil {
		return live{}, err
	}
	return live{workload: w, raw: raw, target: plan.Target{
		Cluster: c.name, Namespace: w.meta.Namespace, APIVersion: "apps/v1", Kind: w.kind, Name: w.meta.Name, UID: string(w.meta.UID),
	}}, nil
}

// field returns the JSON at a path of object keys, nil when it is absent.
func field(raw json.RawMessage, path ...string) json.RawMessage {
	for _, key := range path {
		var object map[string]json.RawMessage
		if json.Unmarshal(raw, &object) != nil {
			return nil
		}
		raw = object[key]
	}
	return raw
}

// without returns raw with the key at path taken out; raw itself when it is not there.
func without(raw json.RawMessage, path ...string) (json.RawMessage, error) {
	var object map[string]json.RawMessage
	if err := json.Unmarshal(raw, &object); err != nil {
		return nil, err
	}
	inner, ok := object[path[0]]
	if !ok {
		return raw, nil
	}
	if len(path) == 1 {
		delete(object, path[0])
	} else {
		rest, err := without(inner, path[1:]...)
		if err != nil {
			return nil, err
		}
		object[path[0]] = rest
	}
	return json.Marshal(object)
}

// pointer makes an RFC 6901 pointer of path elements.
func pointer(path ...string) string {
	var b strings.Builder
	for _, p := range path {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(p))
	}
	return b.String()
}
