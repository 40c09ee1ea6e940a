package catalog_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/catalog"
)

func TestSettableVariables(t *testing.T) {
	t.Parallel()
	base, err := os.ReadFile("../svcdown.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		line string // in the service backend
		want []string
		says string
	}{
		"nothing written":      {"", []string{"LOG_LEVEL"}, ""},
		"none":                 {"settable: []", []string{}, ""},
		"others":               {"settable: [LOG_LEVEL, FEATURE_SLOW_QUERIES]", []string{"LOG_LEVEL", "FEATURE_SLOW_QUERIES"}, ""},
		"a password":           {"settable: [DATABASE_PASSWORD]", nil, "looks like a credential"},
		"an API key":           {"settable: [STRIPE_KEY]", nil, "looks like a credential"},
		"a database's address": {"settable: [DATABASE_URL]", nil, "looks like a credential"},
		"another program":      {"settable: [LD_PRELOAD]", nil, "another program"},
		"options of a runtime": {"settable: [NODE_OPTIONS]", nil, "another program"},
		"no name at all":       {"settable: [\"a b\"]", nil, "not the name of an environment variable"},
	} {
		text := string(base)
		if c.line != "" {
			text = strings.Replace(text, "    aliases: [api]\n", "    aliases: [api]\n    "+c.line+"\n", 1)
		}
		cat, err := catalog.Parse("svcdown.yaml", []byte(text))
		if c.says != "" {
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: got %v", name, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		svc, _ := cat.Service("backend")
		if got := svc.SettableKeys(); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %q", name, got)
		}
		if svc.MaySet("DATABASE_URL") {
			t.Errorf("%s: DATABASE_URL may be set", name)
		}
	}
}

func TestManifestsAreCheckedWithTheFile(t *testing.T) {
	t.Parallel()
	base, err := os.ReadFile("../svcdown.example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for lines, says := range map[string]string{
		"manifests: {dir: /m}":                                  "",
		"manifests: {dir: /m, kinds: [Job], images: [a.b/c:1]}": "not a repository",
		"manifests: {dir: /m, kinds: [Pod]}":                    `unknown kind "Pod"`,
		"manifests: {kinds: [Job]}":                             "manifests.dir is missing",
		"manifests: {dir: /m, images: [\"localhost:5000/k6\"]}": "",
	} {
		_, err := catalog.Parse("svcdown.yaml", append([]byte(lines+"\n"), base...))
		if (err == nil) != (says == "") || err != nil && !strings.Contains(err.Error(), says) {
			t.Errorf("%s: got %v", lines, err)
		}
	}
}
