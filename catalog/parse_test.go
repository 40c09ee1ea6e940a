package catalog_test

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
)

var update = flag.Bool("update", false, "write what the code says now to the golden files")

func TestEveryBadFileIsRefusedWithLineAndRemedy(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/bad/*.yaml")
	if err != nil || len(files) < 40 {
		t.Fatalf("the rejected configurations are not there: %d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".yaml"), func(t *testing.T) {
			t.Parallel()
			data, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			c, err := catalog.Parse("svcdown.yaml", data)
			if c != nil {
				t.Errorf("a refused file still gave a catalogue: %+v", c)
			}
			var problems catalog.ConfigErrors
			if !errors.As(err, &problems) || len(problems) == 0 {
				t.Fatalf("want ConfigErrors, got %v", err)
			}
			for i, p := range problems {
				if p.Line < 1 || p.What == "" || p.Fix == "" || p.File != "svcdown.yaml" {
					t.Errorf("problem without file, line, reason or remedy: %+v", p)
				}
				if i > 0 && p.Line < problems[i-1].Line {
					t.Errorf("problems are not in the order of lines: %v", problems)
				}
			}
			golden := strings.TrimSuffix(file, ".yaml") + ".error"
			if *update {
				if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, readErr := os.ReadFile(golden)
			if readErr != nil {
				t.Fatal(readErr)
			}
			if diff := cmp.Diff(string(want), err.Error()+"\n"); diff != "" {
				t.Errorf("message (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLoadGoodFiles(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"testdata/good/smallest.yaml", "testdata/good/groups.yaml", "../svcdown.example.yaml"} {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			c, err := catalog.Load(file)
			if err != nil {
				t.Fatalf("a good file was refused:\n%v", err)
			}
			for _, s := range c.Services {
				if s.Workload.Kind == "" || s.Cluster == "" {
					t.Errorf("service came back incomplete: %+v", s)
				}
			}
		})
	}
}

func TestLoadOfAMissingFileSaysWhich(t *testing.T) {
	t.Parallel()
	_, err := catalog.Load("testdata/nowhere.yaml")
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "nowhere.yaml") {
		t.Fatalf("got %v", err)
	}
}

func TestParseFillsEveryFieldAndDefault(t *testing.T) {
	t.Parallel()
	got, err := catalog.Load("testdata/good/groups.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := &catalog.Catalog{
		Slack:    catalog.Slack{Team: "T01"},
		Channels: catalog.Channels{Ops: "C01"},
		Clusters: []catalog.Cluster{{Name: "eu", Kubeconfig: "/etc/svcdown/eu"}, {Name: "us", Context: "us-prod"}},
		Services: []catalog.Service{
			{Name: "backend", Aliases: []string{"api", "core"}, Cluster: "eu", Namespace: "prod", Workload: catalog.Workload{Kind: "Deployment", Name: "backend.v2"}, Health: []string{"http://10.0.0.7:8080/healthz?full=1"}},
			{Name: "backend-us", Cluster: "us", Namespace: "prod", Workload: catalog.Workload{Kind: "DaemonSet", Name: "backend"}, DependsOn: []string{"backend"}},
		},
		People: []catalog.Person{
			{Name: "ada", Slack: []catalog.SlackID{{Team: "T01", User: "U01"}, {Team: "T02", User: "W01"}}, Kubernetes: []string{"oidc:ada"}},
			{Name: "ben", Kubernetes: []string{"ben"}},
		},
		Roles: []catalog.Role{
			{Name: "on-call", People: []string{"ada"}, SlackGroups: []string{"S01", "S02"}},
			{Name: "lead", People: []string{"ben"}, SlackGroups: []string{"S02"}},
			{Name: "nobody"},
		},
		Policies: []catalog.Policy{
			{
				Name: "eu", Actions: []catalog.Action{catalog.Restart, catalog.Undo}, Services: []string{"backend"}, MayAsk: []string{"on-call"},
				Approvals: catalog.Approvals{All: []catalog.Requirement{{Count: 3, Roles: []string{"on-call"}}, {Count: 1, Roles: []string{"lead"}}}},
				Expires:   90 * time.Minute, RemindAfter: 2 * time.Minute, MaxReplicas: 100,
				BreakGlass: &catalog.BreakGlass{Roles: []string{"lead"}, After: 90 * time.Second},
			},
			{
				Name: "rest", Actions: []catalog.Action{"*"}, Services: []string{"*"},
				Approvals: catalog.Approvals{All: []catalog.Requirement{{Count: 1, Roles: []string{"lead"}}}},
				Expires:   time.Minute, RemindAfter: 30 * time.Second, MaxReplicas: 7,
			},
		},
		Incidents: catalog.Incidents{Severity: 2, ArchiveAfter: 24 * time.Hour, Flapping: 15 * time.Minute},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("catalogue (-want +got):\n%s", diff)
	}
}

func TestApprovalsNoneIsOnlyEverExplicit(t *testing.T) {
	t.Parallel()
	c, err := catalog.Load("testdata/good/smallest.yaml")
	if err != nil {
		t.Fatal(err)
	}
	want := catalog.Policy{
		Name: "open", Actions: []catalog.Action{"*"}, Services: []string{"*"}, Approvals: catalog.Approvals{None: true},
		Expires: 15 * time.Minute, RemindAfter: 2 * time.Minute, MaxReplicas: 100,
	}
	if diff := cmp.Diff([]catalog.Policy{want}, c.Policies); diff != "" {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
}

func TestHugeFileIsRefusedUnread(t *testing.T) {
	t.Parallel()
	_, err := catalog.Parse("big.yaml", []byte(strings.Repeat("# padding\n", 200_000)))
	if err == nil || !strings.Contains(err.Error(), "bytes, more than") {
		t.Fatalf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/*/*.yaml")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, "../svcdown.example.yaml") {
		data, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := catalog.Parse("fuzz.yaml", data)
		if (c == nil) == (err == nil) {
			t.Fatalf("want a catalogue or an error, got %v and %v", c, err)
		}
		var problems catalog.ConfigErrors
		if err != nil && !errors.As(err, &problems) {
			t.Fatalf("want ConfigErrors, got %T: %v", err, err)
		}
		if c == nil {
			return
		}
		for _, p := range c.Policies {
			if p.Approvals.None == (len(p.Approvals.All) > 0) || p.Expires <= 0 {
				t.Fatalf("a policy got through that does not say who approves, or never expires: %+v", p)
			}
		}
		for _, s := range c.Services {
			if found, ok := c.Service(s.Name); !ok || found.Name != s.Name {
				t.Fatalf("service %q is not found by its own name", s.Name)
			}
		}
	})
}
