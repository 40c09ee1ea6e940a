package handlers_test

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/checklist"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/incident"
	"github.com/svcdown/svcdown/redact"
)

// insideBook has a step of each kind that somebody without a role may or may not have.
const insideBook = "# Inside\n\n## Immediate\n\n```bash\n# Pods\nkubectl get pods\n# Inside of it\nkubectl exec deployment/<deployment-name> -- env\n# Inside of the database\nkubectl exec db-0 -- psql -h db -U postgres -c \"SELECT * FROM pg_stat_activity;\"\n" +
	"# Tell people\ncurl -X POST -H 'Content-type: application/json' --data '{\"text\":\"we look\"}' $SLACK_WEBHOOK_URL\n# By hand\nkubectl edit deployment/<deployment-name>\n# A node\nkubectl describe node <node-name>\n```\n\n" +
	"## After\n\n### Service Restoration Verification\n\n```bash\nkubectl exec deployment/<deployment-name> -- df -h\nkubectl get endpoints <service-name>\n```\n"

// inside is a desk whose runbook looks into containers, with a database of its own below backend. dora has no role.
func inside(t *testing.T) *desk {
	t.Helper()
	b := &desk{testBundle: setup(t), checks: &answers{found: map[string]finding.Status{}}, forms: &forms{}}
	b.lists = newLists(b.rows)
	b.Config.Checks, b.Config.Forms, b.Config.Checklists, b.Config.Reports, b.Config.Followed = b.checks, b.forms, b.lists, b.lists, b.lists
	b.Config.Runbooks = library(t, map[string]string{"service-down.md": insideBook}, "")
	b.catalog.Channels.Incidents = "CINC"
	b.catalog.Services[0].DependsOn = []string{"db"}
	b.catalog.Services[0].Health = []string{"https://backend.example.com/health"}
	b.catalog.Services = append(b.catalog.Services, catalog.Service{Name: "db", Kind: "database", Cluster: "prod", Namespace: "shop", Workload: catalog.Workload{Kind: "StatefulSet", Name: "db"}})
	return b
}

func (b *desk) opens(t *testing.T, who string) {
	t.Helper()
	if c := b.says(t, who, "runbook service-down backend"); c.State == card.Refused {
		t.Fatalf("not opened: %s", c.Verdict)
	}
	for id := range b.lists.stored {
		b.id = id
	}
}

// wentInside are the programs that ran in containers.
func (b *desk) wentInside() []string {
	return slices.DeleteFunc(sorted(b.checks.ran), func(s string) bool { return !strings.HasPrefix(s, "exec ") })
}

func TestLookingIntoContainersTakesARole(t *testing.T) {
	t.Parallel()
	for _, verb := range []string{"triage backend", "check backend db", "check backend config", "check backend deps", "verify backend", "preflight service-down backend --set node-name=n1", "perf backend --count 2"} {
		t.Run(verb, func(t *testing.T) {
			t.Parallel()
			b := inside(t)
			b.says(t, "dora", verb)
			if got := b.wentInside(); len(got) > 0 {
				t.Errorf("for dora, who holds no role, there ran %q", got)
			}
			var all strings.Builder
			for _, m := range b.chat.all() {
				for _, p := range m.card.Parts {
					for _, f := range p.Findings {
						all.WriteString(f.Line.String() + "\n")
					}
				}
				all.WriteString(m.card.Verdict.String() + "\n" + m.file.Content.String() + "\n")
			}
			if missing := lacks(all.String(), "may not look into containers of", "takes the role oncall"); missing != nil {
				t.Errorf("dora is not told that %q:\n%s", missing, all.String())
			}
			b.says(t, "alice", verb)
			if len(b.wentInside()) == 0 {
				t.Error("for alice, who holds the role, nothing ran in a container")
			}
		})
	}
}

func TestWhatWasNotLookedAtProvesNothing(t *testing.T) {
	t.Parallel()
	b := inside(t)
	b.says(t, "dora", "verify backend")
	c, _ := b.answer(t)
	if c.State != card.Warn || lacks(c.Verdict.String(), "not proven to be restored") != nil {
		t.Errorf("%s %q", c.State, c.Verdict)
	}
	if diff := cmp.Diff([]string{"get endpoints backend"}, b.checks.ran); diff != "" {
		t.Errorf("what the API answers is for everybody of the catalogue (-want +ran):\n%s", diff)
	}
}

func TestWorkingOnAChecklistTakesARole(t *testing.T) {
	t.Parallel()
	for op, may := range map[string]bool{
		"1 run": true, "2 run": false, "3 run": false, "4 post": false, "5 done": false, "5 skip": false, "5 reopen": false,
		"6 run --set node-name=n1": false, "all fill --set node-name=n1": false, "1 run --set node-name=n1": false, "5 ask --set node-name=n1": false,
	} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			b := inside(t)
			b.opens(t, "dora")
			c := b.says(t, "dora", "step "+b.id+" "+op)
			switch {
			case may && (c.State == card.Refused || len(b.checks.ran) != 1):
				t.Errorf("dora was told %q, ran %q", c.Verdict, b.checks.ran)
			case !may && (c.State != card.Refused || lacks(c.Verdict.String(), "takes the role oncall", "Nothing was done") != nil):
				t.Errorf("dora was told %s %q", c.State, c.Verdict)
			case !may && (len(b.list(t).Steps) > 0 || len(b.list(t).Values) > 0 || len(b.checks.ran) > 0 || len(b.chat.in("CINC")) > 0):
				t.Errorf("it was done: %+v, ran %q, said %q", b.list(t), b.checks.ran, b.chat.in("CINC"))
			}
		})
	}
}

func TestRunAllRunsWhatTheAskerMay(t *testing.T) {
	t.Parallel()
	b := inside(t)
	b.opens(t, "dora")
	c := b.says(t, "dora", "step "+b.id+" all run")
	if diff := cmp.Diff([]string{"get endpoints backend", "get pods "}, sorted(b.checks.ran)); diff != "" {
		t.Error(diff)
	}
	if lacks(c.Verdict.String(), "ran", "Not looked into containers (3 checks)", "takes the role oncall") != nil {
		t.Errorf("dora was told %q", c.Verdict)
	}
	for _, n := range []int{2, 3} {
		if s := b.list(t).Steps[n]; s.State != checklist.Open {
			t.Errorf("step %d is %s for those who may", n, s.State)
		}
	}
	b.says(t, "alice", "step "+b.id+" all run")
	if len(b.wentInside()) != 3 {
		t.Errorf("alice ran %q", b.wentInside())
	}
}

func TestAPodIsItsOwnServicesToLookInto(t *testing.T) {
	t.Parallel()
	b := inside(t)
	// Of the database, seniors decide; alice is on call for the rest.
	b.catalog.Policies = append([]catalog.Policy{{Name: "databases", Actions: []catalog.Action{"*"}, Services: []string{"db"}, MayAsk: []string{"senior"}}}, b.catalog.Policies...)
	b.opens(t, "alice")
	c := b.says(t, "alice", "step "+b.id+" 3 run")
	if c.State != card.Refused || lacks(c.Verdict.String(), "containers of db", "takes the role senior") != nil || len(b.checks.ran) > 0 {
		t.Errorf("alice was told %q, ran %q", c.Verdict, b.checks.ran)
	}
	b.says(t, "alice", "step "+b.id+" 2 run")
	b.says(t, "bob", "step "+b.id+" 3 run") // holds both
	if diff := cmp.Diff([]string{"exec env deployments backend-deployment", "exec psql pods db-0"}, b.wentInside()); diff != "" {
		t.Error(diff)
	}
}

func TestAPolicyMayNameWhoWorksOnRunbooks(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mayWork  []string
		who      string
		refusal  string
		wentWell bool
	}{
		"left out means who may ask":         {nil, "alice", "", true},
		"a narrower list":                    {[]string{"senior"}, "alice", "takes the role senior", false},
		"who is on it":                       {[]string{"senior"}, "carol", "", true},
		"an empty list means nobody":         {[]string{}, "bob", "takes the role nobody", false},
		"a guest though he holds the role":   {nil, "guest bob", "guest account", false},
		"an account of another workspace":    {nil, "foreign alice", "another workspace", false},
		"somebody who is in no catalogue":    {nil, "mallory", "I do not know you", false},
		"group memberships of two hours ago": {[]string{"grouped"}, "dora", "Slack has not said who is in which group", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := inside(t)
			b.catalog.Policies[0].MayWork = c.mayWork
			b.catalog.Roles = append(b.catalog.Roles, catalog.Role{Name: "grouped", SlackGroups: []string{"S1"}})
			b.directory.groups, b.directory.asOf = map[string][]catalog.SlackID{"S1": {slack("dora")}}, b.now().Add(-2*time.Hour)
			b.opens(t, "alice")
			in := handlers.Incoming{From: slack(c.who), Text: "step " + b.id + " 2 run", Where: card.Address{Kind: "slack", Team: team, Channel: "COPS", User: "U1"}}
			switch kind, who, _ := strings.Cut(c.who, " "); kind {
			case "guest":
				in.From = slack(who)
				b.directory.accounts[in.From] = handlers.Account{Guest: true}
			case "foreign":
				in.From = catalog.SlackID{Team: "T9", User: slack(who).User}
			}
			got := b.incoming(t, in)
			if c.wentWell != (len(b.checks.ran) == 1) || !strings.Contains(got.Verdict.String(), c.refusal) {
				t.Errorf("told %q, ran %q", got.Verdict, b.checks.ran)
			}
		})
	}
}

func TestOpeningAnIncidentIsNoWayAroundARole(t *testing.T) {
	t.Parallel()
	for who, inside := range map[string]bool{"dora": false, "alice": true} {
		t.Run(who, func(t *testing.T) {
			t.Parallel()
			b := setupIncidents(t)
			checks := &answers{found: map[string]finding.Status{}}
			b.Config.Checks = checks
			b.Config.Runbooks = library(t, map[string]string{"service-down.md": insideBook}, "")
			b.says(t, who, "incident open backend checkout fails")
			all, err := b.store.Incidents(t.Context(), false, 10)
			if err != nil || len(all) != 1 {
				t.Fatalf("%d incidents: %v", len(all), err)
			}
			b.shown(t, all[0].ID)
			if err := b.Look(t.Context(), all[0].ID); err != nil {
				t.Fatal(err)
			}
			if got := strings.Contains(strings.Join(checks.ran, "\n"), "exec "); got != inside {
				t.Errorf("ran %q", checks.ran)
			}
		})
	}
}

func TestReopeningAnIncidentIsNoWayAroundARole(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		source, reopens string
		gone            bool
		inside          bool
	}{
		"an alert opens it":                                      {source: "alertmanager", inside: true},
		"the health watch opens it":                              {source: "probe", inside: true},
		"somebody without a role reopens what an alert opened":   {source: "alertmanager", reopens: "dora"},
		"somebody with a role reopens what an alert opened":      {source: "alertmanager", reopens: "alice", inside: true},
		"an alert reopens what somebody without a role opened":   {source: "dora", reopens: "generic", inside: true},
		"somebody opened it who is in the catalogue no more":     {source: "mallory"},
		"it was reopened before it was stored who did it":        {source: "alertmanager", reopens: "dora", gone: true},
		"somebody who is in the catalogue no more reopened it":   {source: "alertmanager", reopens: "mallory"},
		"somebody without a role reopens what a person had open": {source: "alice", reopens: "dora"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setupIncidents(t)
			checks := &answers{found: map[string]finding.Status{}}
			b.Config.Checks = checks
			b.Config.Runbooks = library(t, map[string]string{"service-down.md": insideBook}, "")
			i, first := incident.New("I-AGAIN2", incident.KeyOf("backend"), "backend", redact.Const("down"), 2, c.source, b.now())
			if _, _, err := b.store.OpenIncident(t.Context(), "", i, first, card.Address{}); err != nil {
				t.Fatal(err)
			}
			b.shown(t, i.ID)
			if c.reopens != "" {
				if _, err := b.store.ChangeIncident(t.Context(), i.ID, "alice", func(i *incident.Incident) ([]incident.Event, error) {
					i.State = incident.Resolved
					e, err := i.Reopen(c.reopens, redact.Text{}, b.now())
					if c.gone {
						i.ReopenedBy = ""
					}
					return []incident.Event{e}, err
				}); err != nil {
					t.Fatal(err)
				}
			}
			if err := b.Look(t.Context(), i.ID); err != nil {
				t.Fatal(err)
			}
			if len(checks.ran) == 0 {
				t.Error("nothing ran at all")
			}
			if got := strings.Contains(strings.Join(checks.ran, "\n"), "exec "); got != c.inside {
				t.Errorf("ran %q", checks.ran)
			}
		})
	}
}

// TestRunStepIsTheOnlyWayToTheChecks keeps a new verb from forgetting who may.
func TestRunStepIsTheOnlyWayToTheChecks(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "Checks.Run("); n > 0 && !strings.HasSuffix(f, "_test.go") {
			found = append(found, f)
		}
	}
	if diff := cmp.Diff([]string{"mayrun.go"}, found); diff != "" {
		t.Errorf("checks are run past Desk.runStep:\n%s", diff)
	}
}
