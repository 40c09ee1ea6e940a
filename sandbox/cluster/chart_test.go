package cluster_test

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/yaml"
)

// Were the sandbox's bot allowed more than an installed one, every story could
// pass here and fail there.
func TestTheBotMayDoWhatTheChartAllows(t *testing.T) {
	t.Parallel()
	chart := rules(t, "../../helm/svcdown/templates/rbac.yaml")
	cases := []struct {
		name, kind, path string
	}{
		{"across the cluster", "ClusterRole", "manifests/bot.yaml"},
		{"in a namespace", "Role", "manifests/world.yaml"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			want, got := chart[c.kind], rules(t, c.path)[c.kind]
			if len(want) == 0 {
				t.Fatalf("the chart has no rules of kind %s", c.kind)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("bring %s in line with the chart (-chart +sandbox):\n%s", c.path, diff)
			}
		})
	}
}

var (
	// directive is a line that is template alone: with all of them away, every
	// conditional part of the chart is there.
	directive = regexp.MustCompile(`(?m)^\s*\{\{.*\}\}\s*$\n?`)
	value     = regexp.MustCompile(`\{\{.*?\}\}`)
)

// rules returns the rules of the roles in a template, by kind of role.
func rules(t *testing.T, path string) map[string][]rbacv1.PolicyRule {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text := value.ReplaceAllString(directive.ReplaceAllString(string(content), ""), "value")
	out := map[string][]rbacv1.PolicyRule{}
	for doc := range strings.SplitSeq(text, "\n---\n") {
		var object struct {
			Kind  string              `json:"kind"`
			Rules []rbacv1.PolicyRule `json:"rules"`
		}
		// What is no role may be beyond this reading: a label block, for one.
		if !regexp.MustCompile(`(?m)^kind: (Cluster)?Role$`).MatchString(doc) {
			continue
		}
		doc = regexp.MustCompile(`(?m)^  labels:.*$\n?`).ReplaceAllString(doc, "")
		if err := yaml.Unmarshal([]byte(doc), &object); err != nil {
			t.Fatalf("%s: %v\n%s", path, err, doc)
		}
		out[object.Kind] = append(out[object.Kind], object.Rules...)
	}
	return out
}
