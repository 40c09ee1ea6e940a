package k8sops

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/svcdown/svcdown/plan"
)

// bare is what a plan's target looks like now, whatever its kind: its JSON as the server has it, and its metadata.
type bare struct {
	raw  json.RawMessage
	meta metav1.ObjectMeta
}

// bare reads a plan's target from the API.
func (c *Cluster) bare(ctx context.Context, t plan.Target) (bare, error) {
	ctx, cancel := context.WithTimeout(ctx, c.o.CallTimeout)
	defer cancel()
	resource, err := pathOf(t.Kind)
	if err != nil {
		return bare{}, err
	}
	raw, err := c.resources[resource].client.Get().Namespace(t.Namespace).Resource(resource).Name(t.Name).
		SetHeader("Accept", runtime.ContentTypeJSON).MaxRetries(0).Do(ctx).Raw()
	if err != nil {
		return bare{}, err
	}
	return bareFrom(raw)
}

func bareFrom(raw []byte) (bare, error) {
	var o struct {
		Metadata metav1.ObjectMeta `json:"metadata"`
	}
	if err := json.Unmarshal(raw, &o); err != nil {
		return bare{}, fmt.Errorf("read the API server's answer: %w", err)
	}
	return bare{raw: raw, meta: o.Metadata}, nil
}

// pathOf is the resource of every kind that a plan may be about.
func pathOf(kind string) (string, error) {
	switch kind {
	case "Pod":
		return "pods", nil
	case "Job":
		return "jobs", nil
	}
	return resourceOf(kind)
}

// refOf names a target as kubectl does: pod/postgres-primary-0.
func refOf(t plan.Target) string { return strings.ToLower(t.Kind) + "/" + t.Name }
