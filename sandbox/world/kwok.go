package world

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"sigs.k8s.io/kwok/kustomize/metrics/resource"
	"sigs.k8s.io/kwok/kustomize/metrics/usage"
	nodefast "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
	"sigs.k8s.io/yaml"

	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

// WriteKwokConfig writes dir/kwok.yaml, which kwok reads when it starts. kwok
// keeps the nodes' leases and plays every pod that is not of a world, with its
// own stages; the pods of worlds are left to their kubelets. There is no exec in
// it, for kwok runs a command on the machine itself.
func WriteKwokConfig(dir string, _ Options) error {
	plain := filepath.Join(dir, "plain-pod.log")
	line := time.Now().UTC().Format("2006-01-02T15:04:05.000000000Z") + " stdout F ready\n"
	if err := os.WriteFile(plain, []byte(line), 0o644); err != nil {
		return fmt.Errorf("write the log of pods outside of the world: %w", err)
	}
	// A node is initialised once: one that is lost later must stay lost.
	docs, err := selectBy(`.status.phase`, "NotIn", []string{"Running"}, nodefast.DefaultNodeInit)
	if err != nil {
		return err
	}
	notOurs := fmt.Sprintf(`.metadata.labels[%q]`, marketplace.ServiceLabel)
	pods, err := selectBy(notOurs, "DoesNotExist", nil, podfast.DefaultPodReady, podfast.DefaultPodComplete, podfast.DefaultPodDelete)
	if err != nil {
		return err
	}
	docs = append(docs, pods...)
	docs = append(docs, resource.DefaultMetricsResource, usage.DefaultUsageFromAnnotation, fmt.Sprintf(`apiVersion: kwok.x-k8s.io/v1alpha1
kind: ClusterLogs
metadata:
  name: pods-outside-of-the-world
spec:
  logs:
  - logsFile: %q
    previousLogsFile: %q
`, plain, plain))
	if err := os.WriteFile(filepath.Join(dir, "kwok.yaml"), []byte(strings.Join(docs, "\n---\n")), 0o600); err != nil {
		return fmt.Errorf("write kwok's configuration: %w", err)
	}
	return nil
}

// selectBy narrows stages by one more expression. For nodes it replaces the
// selector: kwok's own takes any node that is not ready.
func selectBy(key, operator string, values []string, stages ...string) ([]string, error) {
	expression := map[string]any{"key": key, "operator": operator}
	if values != nil {
		expression["values"] = values
	}
	var docs []string
	for _, stage := range stages {
		var object struct {
			APIVersion string         `json:"apiVersion"`
			Kind       string         `json:"kind"`
			Metadata   map[string]any `json:"metadata"`
			Spec       map[string]any `json:"spec"`
		}
		if err := yaml.UnmarshalStrict([]byte(stage), &object); err != nil {
			return nil, fmt.Errorf("read a stage of kwok: %w", err)
		}
		selector, ok := object.Spec["selector"].(map[string]any)
		if !ok {
			return nil, fmt.Errorf("stage %v of kwok has no selector", object.Metadata["name"])
		}
		expressions, _ := selector["matchExpressions"].([]any)
		if ref, _ := object.Spec["resourceRef"].(map[string]any); ref["kind"] == "Node" {
			expressions = nil
		}
		selector["matchExpressions"] = append(expressions, expression)
		doc, err := yaml.Marshal(object)
		if err != nil {
			return nil, fmt.Errorf("write a stage of kwok: %w", err)
		}
		docs = append(docs, string(doc))
	}
	return docs, nil
}
