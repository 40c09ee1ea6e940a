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

// The policy bounds what the bot may run inside of containers: a looser one here would let stories pass that an installed one refuses.
func TestTheExecPolicyIsTheChartsOwn(t *testing.T) {
	t.Parallel()
	read := func(path string) map[string]any {
		t.Helper()
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := value.ReplaceAllString(directive.ReplaceAllString(string(content), ""), "value")
		_, spec, found := strings.Cut(text, "\nspec:\n")
		spec, _, _ = strings.Cut(spec, "\n---\n")
		var out struct {
			Spec map[string]any `json:"spec"`
		}
		if err := yaml.Unmarshal([]byte("spec:\n"+spec), &out); err != nil || !found {
			t.Fatalf("%s: %v", path, err)
		}
		rules, _ := out.Spec["validations"].([]any)
		if len(rules) < 8 {
			t.Fatalf("%s has %d rules", path, len(rules))
		}
		out.Spec["validations"] = rules[1:] // the first names the namespaces, which differ,
		delete(out.Spec, "matchConditions") // as does the bot's name
		return out.Spec
	}
	want, got := read("../../helm/svcdown/templates/exec-policy.yaml"), read("manifests/exec-policy.yaml")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bring the sandbox's policy in line with the chart (-chart +sandbox):\n%s", diff)
	}
}
