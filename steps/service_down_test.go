package steps_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8stest"
	"github.com/svcdown/svcdown/runbook"
)

var update = flag.Bool("update", false, "write docs/runbook-commands.md anew")

const table = "../docs/runbook-commands.md"

// outage breaks a world in one way, for the commands by their number in the runbook whose answers it must change.
type outage struct {
	name     string
	inflict  func(*testing.T, *k8stest.World)
	commands []int
}

func breaking(service, mode, seed string) func(*testing.T, *k8stest.World) {
	return func(t *testing.T, w *k8stest.World) {
		t.Helper()
		w.Run(t, "break", service, mode, "--seed", seed, "--namespace", w.Namespace)
	}
}

// outages fit the commands of runbooks/service-down.md: every check is in exactly one of them.
func outages() []outage {
	return []outage{
		{"backend crashloop", breaking("backend", "crashloop", "1"), []int{1, 2, 4, 5, 9, 10, 35}},
		{"a hosts entry that a test left behind", func(t *testing.T, w *k8stest.World) {
			t.Helper()
			w.Kubectl(t, "patch", "deployment/backend-deployment", "-p", `{"spec":{"template":{"spec":{"hostAliases":[{"ip":"127.0.0.1","hostnames":["api.external-service.com"]}]}}}}`)
		}, []int{17}},
		{"a release that lost DATABASE_URL", func(t *testing.T, w *k8stest.World) {
			t.Helper()
			w.Kubectl(t, "set", "env", "deployment/backend-deployment", "DATABASE_URL-")
		}, []int{18}},
		{"a memory limit that is too small", func(t *testing.T, w *k8stest.World) {
			t.Helper()
			w.Kubectl(t, "set", "resources", "deployment/backend-deployment", "--requests=memory=190Mi", "--limits=memory=190Mi")
		}, []int{6}},
		{"backend no-endpoints", breaking("backend", "no-endpoints", "1"), []int{3, 23, 36, 39}},
		{"backend node-down", breaking("backend", "node-down", "1"), []int{11}},
		{"frontend notready", breaking("frontend", "notready", "1"), []int{24, 37}},
		{"an empty volume over the build", func(t *testing.T, w *k8stest.World) {
			t.Helper()
			w.Kubectl(t, "patch", "deployment/frontend-deployment", "-p", `{"spec":{"template":{"spec":{"volumes":[{"name":"build","emptyDir":{}}],"containers":[{"name":"frontend","volumeMounts":[{"name":"build","mountPath":"/app/.next"}]}]}}}}`)
		}, []int{22}},
		{"postgres-primary db-refusing", breaking("postgres-primary", "db-refusing", "3"), []int{14, 25}},
		{"postgres-primary disk-full", breaking("postgres-primary", "disk-full", "3"), []int{15, 26, 27, 40}},
		{"redis-master redis-down", breaking("redis-master", "redis-down", "3"), []int{16, 29, 30, 31}},
		{"a claim without a volume", func(t *testing.T, w *k8stest.World) {
			t.Helper()
			w.Apply(t, `{"apiVersion":"v1","kind":"PersistentVolumeClaim","metadata":{"name":"exports"},"spec":{"accessModes":["ReadWriteOnce"],"storageClassName":"gp3","resources":{"requests":{"storage":"900Gi"}}}}`)
		}, []int{12}},
		{"the policy that lets traffic in is gone", func(t *testing.T, w *k8stest.World) {
			t.Helper()
			w.Kubectl(t, "delete", "networkpolicy", "allow-to-backend")
		}, []int{13}},
		{"the ConfigMap is gone", func(t *testing.T, w *k8stest.World) {
			t.Helper()
			w.Kubectl(t, "delete", "configmap", "web3-marketplace-config")
		}, []int{19}},
		{"the Secret is gone, and pods start anew", func(t *testing.T, w *k8stest.World) {
			t.Helper()
			w.Kubectl(t, "delete", "secret", "web3-marketplace-secrets")
			w.Kubectl(t, "rollout", "restart", "deployment/backend-deployment")
		}, []int{20}},
	}
}

// settles is how long a broken world is given until its commands fail; some only ever warn.
const settles = 12 * time.Second

// onlyTheLine are the commands whose status need not change: there are warnings in a new world, too.
var onlyTheLine = map[int]bool{2: true}

// elsewhere are the stories of e2e/testdata that carry out what is no check.
var elsewhere = map[int]string{
	7: "restart_approved.txtar", 8: "scale_undo.txtar", 21: "set_env_returns.txtar", 28: "delete_pod.txtar", 32: "delete_pod.txtar",
	33: "runbook_checklist.txtar", 34: "silence_and_update.txtar", 38: "load_test.txtar",
}

// command is one of the forty, with what was seen of it.
type command struct {
	number          int
	source, class   string
	outage          string
	healthy, broken finding.Finding
}

// TestEveryCommandOfTheServiceDownRunbook runs every check of the runbook against a real API server, in a healthy world and in one that is
// broken in a way that the command is there to find: the first must be answered, and the answers must differ.
func TestEveryCommandOfTheServiceDownRunbook(t *testing.T) {
	t.Parallel()
	all := commands(t)
	var mu sync.Mutex
	for _, o := range outages() {
		t.Run(o.name, func(t *testing.T) {
			w := k8stest.NewWorld(t)
			l := liveIn(t, w)
			steps := stepsOf(t, w.Namespace)
			healthy := map[int]finding.Finding{}
			for _, n := range o.commands {
				// metrics-server has figures some twenty seconds after the pods.
				healthy[n] = l.until(t, steps[n-1], func(f finding.Finding, _ time.Duration) bool { return f.Status != finding.Unknown })
			}
			o.inflict(t, w)
			for _, n := range o.commands {
				// What is broken shows step by step: the end of it is waited for a little, where there is one.
				broken := l.until(t, steps[n-1], func(f finding.Finding, waited time.Duration) bool {
					if f.Status == finding.Unknown {
						return false // what cannot be asked, while pods come and go, has found nothing
					}
					ended := f.Status != healthy[n].Status && f.Status == finding.Fail
					if f.Status == healthy[n].Status {
						return onlyTheLine[n] && waited > settles && plain(f) != plain(healthy[n])
					}
					return ended || waited > settles
				})
				mu.Lock()
				all[n-1].outage, all[n-1].healthy, all[n-1].broken = o.name, healthy[n], broken
				mu.Unlock()
			}
		})
	}
	for _, c := range all {
		if c.class == runbook.Check.String() && c.outage == "" {
			t.Errorf("command %d, %s, was run in no world", c.number, c.source)
		}
	}
	if t.Failed() {
		return
	}
	compare(t, all)
}

func commands(t *testing.T) []command {
	t.Helper()
	var all []command
	for i, s := range stepsOf(t, "web3-marketplace-prod") {
		all = append(all, command{number: i + 1, source: s.Source, class: s.Class.String()})
	}
	if len(all) != 40 {
		t.Fatalf("the runbook has %d commands", len(all))
	}
	return all
}

// until runs a step until its finding is as wanted, and fails after a while.
func (l inWorld) until(t *testing.T, step runbook.Step, wanted func(f finding.Finding, waited time.Duration) bool) finding.Finding {
	t.Helper()
	start := time.Now()
	ctx, cancel := context.WithTimeout(t.Context(), 90*time.Second)
	defer cancel()
	tick := time.NewTicker(500 * time.Millisecond)
	defer tick.Stop()
	for {
		f := l.once(t, step)
		if wanted(f, time.Since(start)) {
			return f
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Errorf("line %d, %s: still %s: %s", step.Line, step.Source, f.Status, f.Line)
			return f
		}
	}
}

// once binds a step as the bot does and runs it; of several pods the worst off comes first.
func (l inWorld) once(t *testing.T, step runbook.Step) finding.Finding {
	t.Helper()
	svc := l.service(t, "backend")
	for section, name := range map[string]string{"Frontend": "frontend", "Database": "postgres-primary", "Redis": "redis-master"} {
		if strings.HasPrefix(step.Section, section+" Service Down") {
			svc = l.service(t, name)
		}
	}
	bound, missing, err := l.runner.Bind(t.Context(), svc, step, nil)
	if err != nil || len(missing) > 0 || len(bound) == 0 {
		t.Errorf("line %d, %s: bound %d times, %v is missing, %v", step.Line, step.Source, len(bound), missing, err)
		return finding.Finding{}
	}
	out := l.runner.Run(t.Context(), svc, bound[0])
	if out.Finding.Status == finding.Unknown && out.Finding.Fix.Empty() {
		t.Errorf("line %d, %s: unknown without a fix: %s", step.Line, step.Source, out.Finding.Line)
	}
	return out.Finding
}

// What differs from run to run: moments, durations, addresses, and what Kubernetes adds to names.
var passing = []struct {
	what *regexp.Regexp
	as   string
}{
	{regexp.MustCompile(`world-\d+`), "web3-marketplace-prod"},
	{regexp.MustCompile(`\b(backend|frontend)-deployment-[a-z0-9]{6,10}(-[a-z0-9]{5})?\b`), "$1-deployment-…"},
	{regexp.MustCompile(`\d{4}-\d\d-\d\d(T[0-9:.]+Z)?`), "DATE"},
	{regexp.MustCompile(`\d\d:\d\d(:\d\d)?`), "TIME"},
	{regexp.MustCompile(`\b\d+\.\d+\.\d+\.\d+(:\d+)?\b`), "ADDRESS"},
	{regexp.MustCompile(`\b(\d+h)?(\d+m)?\d+(\.\d+)?(s|ms|µs)\b|\b\d+ (seconds?|minutes?|hours?|days?)( ago)?\b|\b\d+[mhd]\b`), "N"},
}

func plain(f finding.Finding) string {
	line := f.Line.String()
	for _, p := range passing {
		line = p.what.ReplaceAllString(line, p.as)
	}
	return line
}

func compare(t *testing.T, all []command) {
	t.Helper()
	var b strings.Builder
	b.WriteString("# The commands of the Service Down runbook, and what they answer\n\n" +
		"Every check of [service-down.md](../runbooks/service-down.md), run by `steps.TestEveryCommandOfTheServiceDownRunbook` against the sandbox's API server:\n" +
		"in a healthy world, and in one that is broken as named (`sandbox break SERVICE MODE`, or by hand). The test fails when an answer of the healthy world\n" +
		"or of the broken one is unknown, when the two do not differ, and when a row but for its answers is not as below. `go test ./steps -run Every -update` writes the page.\n" +
		"N, DATE, TIME, ADDRESS and … stand for what differs from run to run. Actions and messages are carried out in the stories of `e2e/testdata`.\n\n" +
		"| # | command | class | test | healthy | broken by | broken |\n|---|---|---|---|---|---|---|\n")
	cell := func(f finding.Finding) string {
		return fmt.Sprintf("**%s** %s", f.Status, strings.ReplaceAll(plain(f), "|", `\|`))
	}
	for _, c := range all {
		healthy, broken, by := "", "", "`"+elsewhere[c.number]+"`"
		if c.outage != "" {
			by = "`…/" + strings.ReplaceAll(c.outage, " ", "_") + "`"
			healthy, broken = cell(c.healthy), cell(c.broken)
		}
		fmt.Fprintf(&b, "| %d | `%s` | %s | %s | %s | %s | %s |\n", c.number, strings.ReplaceAll(c.source, "|", `\|`), c.class, by, healthy, c.outage, broken)
	}
	if *update {
		if err := os.WriteFile(table, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(rowsWithoutLines(string(want)), rowsWithoutLines(b.String())); diff != "" {
		t.Errorf("run it with -update and read what changed (-%s +now):\n%s", table, diff)
	}
}

var told = regexp.MustCompile(`\*\*(\w+)\*\* [^|]*`)

func rowsWithoutLines(page string) []string {
	var rows []string
	for line := range strings.SplitSeq(strings.ReplaceAll(page, `\|`, "/"), "\n") {
		if strings.HasPrefix(line, "| ") {
			rows = append(rows, told.ReplaceAllString(line, "… "))
		}
	}
	return rows
}
