package svcdown_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/svcdown/svcdown/"

// house says what each folder may import of ours and from outside (by prefix), as docs/architecture.md does. "*" allows everything.
// zerolog and prometheus are allowed everywhere but in the leaves and the pure packages.
var house = map[string]struct {
	ours    []string
	outside []string
	pure    bool
}{
	"catalog":            {outside: []string{"github.com/goccy/go-yaml"}, pure: true},
	"redact":             {pure: true},
	"finding":            {ours: []string{"redact"}, pure: true},
	"plan":               {ours: []string{"catalog", "redact"}, pure: true},
	"card":               {ours: []string{"finding", "redact"}, pure: true},
	"plot":               {ours: []string{"card", "redact"}, outside: []string{"golang.org/x/image"}, pure: true},
	"approval":           {ours: []string{"catalog", "plan", "redact"}, pure: true},
	"incident":           {ours: []string{"catalog", "finding", "redact"}, pure: true},
	"diagnose":           {ours: []string{"catalog", "finding", "redact"}, pure: true},
	"harden":             {ours: []string{"catalog", "finding", "redact"}, pure: true},
	"runbook":            {ours: []string{"catalog", "finding", "plan", "redact"}, outside: []string{"github.com/yuin/goldmark", "mvdan.cc/sh", "github.com/itchyny/gojq", "github.com/pganalyze", "github.com/wasilibs", "github.com/goccy/go-yaml"}},
	"runbooks":           {pure: true},
	"checklist":          {ours: []string{"card", "redact"}, pure: true},
	"steps":              {ours: []string{"catalog", "finding", "k8sops", "redact", "runbook"}, outside: []string{"golang.org/x/sync"}},
	"k8sops":             {ours: []string{"catalog", "finding", "plan", "redact"}, outside: []string{"k8s.io/client-go", "k8s.io/streaming", "k8s.io/api", "k8s.io/apimachinery", "k8s.io/metrics", "k8s.io/klog", "k8s.io/utils", "golang.org/x/sync", "sigs.k8s.io/"}},
	"realtool":           {},
	"k8stest":            {ours: []string{"catalog"}, outside: []string{"k8s.io/", "golang.org/x/sync"}},
	"store":              {ours: []string{"approval", "catalog", "card", "checklist", "finding", "incident", "plan", "redact", "store/postgres", "store/query"}, outside: []string{"github.com/jackc/pgx", "github.com/riverqueue/river", "github.com/pressly/goose", "golang.org/x/sync"}},
	"store/query":        {outside: []string{"github.com/jackc/pgx"}},
	"store/postgres":     {},
	"store/pgtest":       {ours: []string{"store", "store/postgres"}, outside: []string{"github.com/jackc/pgx"}},
	"guard":              {outside: []string{"github.com/redis/go-redis", "github.com/go-redis/redis_rate"}},
	"integrations/probe": {ours: []string{"catalog", "finding", "redact"}},
	"handlers":           {ours: []string{"approval", "card", "catalog", "checklist", "diagnose", "finding", "harden", "incident", "k8sops", "plan", "plot", "redact", "runbook"}, outside: []string{"golang.org/x/sync"}},
	"bot":                {ours: []string{"card", "catalog", "finding", "handlers", "redact"}, outside: []string{"github.com/slack-go/slack", "golang.org/x/sync", "golang.org/x/time"}},
	"terminal":           {ours: []string{"card", "finding", "handlers", "redact"}, outside: []string{"golang.org/x/term"}},
	"web":                {ours: []string{"card", "handlers"}, outside: []string{"golang.org/x/sync"}},
	"app":                {ours: []string{"*"}, outside: []string{"*"}},
	"cmd/svcdown":        {ours: []string{"app", "terminal"}, outside: []string{"github.com/spf13/cobra"}},
	"cmd/slacksim":       {ours: []string{"slacksim"}},
	"cmd/demo":           {ours: []string{"app", "runbooks", "slacksim", "store/postgres"}},
	"slacksim":           {outside: []string{"github.com/coder/websocket"}},
	"slacksim/page_test": {},
	"e2e":                {ours: []string{"*"}, outside: []string{"*"}},
	"e2e/bench":          {ours: []string{"*"}, outside: []string{"*"}},

	"integrations/call":                {ours: []string{"redact"}},
	"integrations/alertmanager":        {ours: []string{"catalog", "incident", "integrations/call"}},
	"integrations/alertmanager/amtest": {},
	"integrations/pagerduty":           {ours: []string{"incident", "integrations/call", "redact"}, outside: []string{"github.com/PagerDuty/go-pagerduty"}},
	"integrations/pagerduty/pdtest":    {},
	"integrations/mail":                {ours: []string{"incident", "redact"}},
	"integrations/statuspage":          {ours: []string{"integrations/call"}},
	"integrations/statuspage/sptest":   {},
}

// childless are the folders that start no process, not even in their tests; what compares us with real programs asks realtool.
var childless = []string{"handlers", "k8sops", "steps", "bot", "runbook"}

// never names what a folder must not import, with the reason.
var never = []struct{ folder, prefix, reason string }{
	{"slacksim", "github.com/slack-go/slack", "the local Slack and the bot would share one misreading of the protocol"},
	{"handlers", "github.com/slack-go/slack", "handlers know nothing of Slack"},
	{"handlers", module + "store", "handlers reach storage through the interfaces they declare"},
	{"k8sops", "k8s.io/kubectl", "27 MB become 66 MB, and its helpers take no context"},
}

type pkg struct {
	ImportPath   string
	Imports      []string
	TestImports  []string
	XTestImports []string
}

func TestImportsFollowTheHousePlan(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, p := range packages(t) {
		folder := strings.TrimPrefix(p.ImportPath, module)
		if p.ImportPath+"/" == module {
			continue
		}
		seen[folder] = true
		room, ok := house[folder]
		if !ok {
			t.Errorf("%s is in no row of the house plan: add it to docs/architecture.md and to this table, or put the code in a room that is there", folder)
			continue
		}
		for _, imp := range p.Imports {
			if reason := forbidden(imp, room.ours, room.outside, room.pure); reason != "" {
				t.Errorf("%s imports %s: %s", folder, imp, reason)
			}
		}
	}
	for _, must := range []string{"bot", "handlers", "k8sops"} {
		if !seen[must] {
			t.Errorf("%s is gone", must)
		}
	}
}

func TestForbiddenImports(t *testing.T) {
	t.Parallel()
	for _, p := range packages(t) {
		folder := strings.TrimPrefix(p.ImportPath, module)
		for _, n := range never {
			if folder != n.folder {
				continue
			}
			for _, imp := range p.Imports {
				if strings.HasPrefix(imp, n.prefix) {
					t.Errorf("%s imports %s: %s", folder, imp, n.reason)
				}
			}
		}
		for _, imp := range p.Imports {
			if imp == module+"realtool" {
				t.Errorf("%s imports %s: it is for tests", folder, imp)
			}
		}
		if room, _, _ := strings.Cut(folder, "/"); slices.Contains(childless, room) {
			for _, imp := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
				if imp == "os/exec" {
					t.Errorf("%s imports %s: no shell and no child process where commands are carried out", folder, imp)
				}
			}
		}
	}
}

func forbidden(imp string, ours, outside []string, pure bool) string {
	if own, ok := strings.CutPrefix(imp, module); ok {
		if slices.Contains(ours, "*") || slices.Contains(ours, own) {
			return ""
		}
		return "the plan lets it import of ours only: " + strings.Join(ours, ", ")
	}
	if first, _, _ := strings.Cut(imp, "/"); !strings.Contains(first, ".") {
		return "" // the standard library
	}
	if !pure && (strings.HasPrefix(imp, "github.com/rs/zerolog") || strings.HasPrefix(imp, "github.com/prometheus/client_golang")) {
		return ""
	}
	for _, prefix := range outside {
		if prefix == "*" || strings.HasPrefix(imp, prefix) {
			return ""
		}
	}
	return "the plan lets it import from outside only: " + strings.Join(outside, ", ")
}

func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-e", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list the packages: %v", err)
	}
	var list []pkg
	dec := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("read go list: %v", err)
		}
		list = append(list, p)
	}
	if len(list) == 0 {
		t.Fatal("go list named no package")
	}
	return list
}
