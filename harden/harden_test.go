package harden_test

import (
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/harden"
	"github.com/svcdown/svcdown/redact"
)

var at = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const mebi = 1 << 20

func known[T any](v T) finding.Part[T] { return finding.Part[T]{Value: v} }

// sound is a service that lacks nothing; change makes it worse.
func sound(change ...func(*harden.Case)) harden.Case {
	c := harden.Case{
		Service: catalog.Service{Name: "backend", Kind: "backend", KubernetesService: "backend-service", Health: []string{"https://api.example.com/health"}},
		Protection: finding.Protection{
			Kind: "Deployment", Name: "backend-deployment", Namespace: "shop", Replicas: 3, Selector: finding.Selector{Labels: map[string]string{"app": "backend"}},
			Containers: []finding.Container{{
				Name: "backend", Image: "registry/backend:2@sha256:" + strings.Repeat("a", 64), Ports: []finding.Port{{Name: "main", Number: 3000}}, CPURequest: 250, MemoryRequest: 256 * mebi,
				MemoryLimit: 512 * mebi, Readiness: true, Liveness: true,
			}},
			Spread:      []finding.SpreadRule{{Key: "kubernetes.io/hostname"}, {Key: "topology.kubernetes.io/zone", Hard: true}},
			Pods:        known([]finding.Place{{Pod: "a", Node: "n1", Zone: "z1"}, {Pod: "b", Node: "n2", Zone: "z2"}, {Pod: "c", Node: "n3", Zone: "z1"}}),
			Ground:      known(finding.Ground{Nodes: 3, Zones: 2}),
			Autoscalers: known([]finding.Autoscaler{{Name: "backend-hpa", Min: 2, Max: 6, Current: 3}}),
			Budgets:     known([]finding.Budget{{Name: "backend-pdb", Field: "minAvailable", Spare: 1}}),
			Policies:    known([]finding.NetworkPolicy{{Name: "deny", Ingress: true, Egress: true}}),
			Alerts:      known(finding.Alerts{Watching: []string{"BackendDown"}}),
			Ports:       known([]finding.Port{{Name: "main", Number: 3000}}),
		},
		Certificates: []finding.Certificate{{Host: "api.example.com", Until: at.Add(60 * 24 * time.Hour)}},
		Watched:      true, Now: at,
	}
	for _, f := range change {
		f(&c)
	}
	return c
}

func container(f func(*finding.Container)) func(*harden.Case) {
	return func(c *harden.Case) { f(&c.Protection.Containers[0]) }
}

func database(c *harden.Case) {
	c.Service.Kind, c.Service.Name, c.Protection.Kind, c.Protection.Name, c.Protection.Replicas = "database", "postgres", "StatefulSet", "postgres-primary", 1
	c.Protection.Autoscalers = known([]finding.Autoscaler(nil))
	c.Protection.Backups = known([]finding.CronJob{{Name: "nightly-backup", LastRun: at.Add(-9 * time.Hour), LastSuccess: at.Add(-9 * time.Hour), Made: at.Add(-1000 * time.Hour)}})
}

func job(change func(*finding.CronJob)) func(*harden.Case) {
	return func(c *harden.Case) { database(c); change(&c.Protection.Backups.Value[0]) }
}

func find(t *testing.T, r harden.Report, check string) harden.Item {
	t.Helper()
	for _, i := range r.Items {
		if i.Finding.Check == check {
			return i
		}
	}
	t.Fatalf("nothing was said of %s; left out: %v", check, r.Apart)
	return harden.Item{}
}

func TestAServiceThatLacksNothingScoresAHundred(t *testing.T) {
	t.Parallel()
	r := harden.Judge(sound())
	if r.Score != 100 || len(r.Gaps()) != 0 || len(r.Files("x", "kubectl")) != 0 {
		t.Errorf("scores %d with gaps %+v", r.Score, r.Gaps())
	}
	if r := harden.Judge(sound(database)); r.Score >= 100 || len(r.Gaps()) != 1 || r.Gaps()[0].Finding.Check != "replicas" || len(r.Gaps()[0].Remedies) != 0 {
		t.Errorf("a single primary scores %d with %+v", r.Score, r.Gaps())
	}
}

func TestWhatIsJudged(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*harden.Case)
		check  string
		status finding.Status
		line   string // a part of it
		yaml   string // a part of its first remedy, "" for none
	}{
		"one replica of a Deployment":         {func(c *harden.Case) { c.Protection.Replicas = 1; c.Protection.Autoscalers.Value = nil }, "replicas", finding.Fail, "one lost pod or node is an outage", "spec:\n  replicas: 2"},
		"an autoscaler that goes down to one": {func(c *harden.Case) { c.Protection.Autoscalers.Value[0].Min = 1 }, "replicas", finding.Fail, "lets it go down to 1", "minReplicas: 2"},
		"scaled to zero":                      {func(c *harden.Case) { c.Protection.Replicas = 0; c.Protection.Autoscalers.Value = nil }, "replicas", finding.Fail, "nothing runs", ""},
		"one replica of a database":           {database, "replicas", finding.Warn, "when its node goes", ""},
		"no readiness probe":                  {container(func(k *finding.Container) { k.Readiness = false }), "probes", finding.Fail, "no readiness probe: backend", "port: 3000"},
		"no liveness probe":                   {container(func(k *finding.Container) { k.Liveness = false }), "probes", finding.Warn, "a process that hangs stays", "livenessProbe:"},
		"no liveness probe on a database":     {func(c *harden.Case) { database(c); c.Protection.Containers[0].Liveness = false }, "probes", finding.OK, "", ""},
		"no probes on Postgres": {func(c *harden.Case) {
			database(c)
			k := &c.Protection.Containers[0]
			k.Readiness, k.Image = false, "postgres:16"
		}, "probes", finding.Fail, "", `command: [pg_isready, "-h", "127.0.0.1"]`},
		"no probes and no port": {func(c *harden.Case) {
			k := &c.Protection.Containers[0]
			k.Readiness, k.Ports, c.Protection.Ports = false, nil, finding.Part[[]finding.Port]{}
		}, "probes", finding.Fail, "", ""},
		"a port that only the Service knows": {container(func(k *finding.Container) { k.Readiness, k.Ports = false, nil }), "probes", finding.Fail, "", "port: 3000"},
		"a sidecar without ports": {func(c *harden.Case) {
			c.Protection.Containers = append(c.Protection.Containers, finding.Container{Name: "shipper", Image: c.Protection.Containers[0].Image, CPURequest: 1, MemoryRequest: 1, MemoryLimit: 1})
		}, "probes", finding.OK, "", ""},
		"no memory request":              {container(func(k *finding.Container) { k.MemoryRequest, k.MemoryUsed = 0, 300*mebi }), "resources", finding.Fail, "evicted first: backend", `memory: "384Mi"`},
		"no memory limit":                {container(func(k *finding.Container) { k.MemoryLimit, k.MemoryUsed = 0, 300*mebi }), "resources", finding.Warn, "a leak takes the node along", `memory: "600Mi"`},
		"no memory limit and no figures": {container(func(k *finding.Container) { k.MemoryLimit = 0 }), "resources", finding.Warn, "a leak", ""},
		"no CPU request":                 {container(func(k *finding.Container) { k.CPURequest, k.CPUUsed = 0, 201 }), "resources", finding.Warn, "starves", `cpu: "260m"`},
		"no budget":                      {func(c *harden.Case) { c.Protection.Budgets.Value = nil }, "pdb", finding.Fail, "no PodDisruptionBudget", "maxUnavailable: 1"},
		"a budget that lets nobody go":   {func(c *harden.Case) { c.Protection.Budgets.Value[0].Spare = 0 }, "pdb", finding.Warn, "drains and upgrades hang", "minAvailable: 1"},
		"two budgets on the same pods": {func(c *harden.Case) {
			c.Protection.Budgets.Value = append(c.Protection.Budgets.Value, finding.Budget{Name: "other", Spare: 1})
		}, "pdb", finding.Fail, "evicts none", ""},
		"a budget on a database's only pod": {func(c *harden.Case) { database(c); c.Protection.Budgets.Value[0].Spare = 0 }, "pdb", finding.OK, "waits for a person", ""},
		"nothing spreads":                   {func(c *harden.Case) { c.Protection.Spread = nil }, "spread", finding.Warn, "no rule keeps the pods apart; now on 3 nodes in 2 zones", "topologyKey: topology.kubernetes.io/zone"},
		"spread over nodes only":            {func(c *harden.Case) { c.Protection.Spread = c.Protection.Spread[:1] }, "spread", finding.Warn, "no rule spreads the pods over zones", "maxSkew: 1"},
		"one zone in the cluster": {func(c *harden.Case) {
			c.Protection.Spread = c.Protection.Spread[:1]
			c.Protection.Ground.Value.Zones = 1
		}, "spread", finding.OK, "", ""},
		"all on one node": {func(c *harden.Case) {
			c.Protection.Spread = nil
			for i := range c.Protection.Pods.Value {
				c.Protection.Pods.Value[i].Node = "n1"
			}
		}, "spread", finding.Fail, "all 3 pods are on one node", "topologySpreadConstraints:"},
		"no autoscaler":                 {func(c *harden.Case) { c.Protection.Autoscalers.Value = nil }, "hpa", finding.Warn, "no autoscaler", "maxReplicas: 6"},
		"an autoscaler without metrics": {func(c *harden.Case) { c.Protection.Autoscalers.Value[0].Stuck = redact.Const("no metrics") }, "hpa", finding.Fail, "cannot scale: no metrics", ""},
		"an autoscaler at its maximum":  {func(c *harden.Case) { c.Protection.Autoscalers.Value[0].Current = 6 }, "hpa", finding.Warn, "at its maximum of 6", "maxReplicas: 12"},
		"the tag latest":                {container(func(k *finding.Container) { k.Image = "registry:5000/backend:latest" }), "images", finding.Fail, "no fixed version", ""},
		"no tag at all": {container(func(k *finding.Container) {
			k.Image, k.Digest = "registry:5000/backend", "sha256:"+strings.Repeat("b", 64)
		}), "images", finding.Fail, "no fixed version", "image: \"registry:5000/backend@sha256:bb"},
		"a tag without a digest": {container(func(k *finding.Container) {
			k.Image, k.Digest = "registry/backend:2.8.0", "sha256:"+strings.Repeat("b", 64)
		}), "images", finding.Warn, "pushed anew", "image: \"registry/backend:2.8.0@sha256:bb"},
		"no network policy, reached from outside": {func(c *harden.Case) { c.Protection.Policies.Value = nil }, "network", finding.Warn, "every pod of the cluster", "  ingress:\n    - ports:\n        - protocol: TCP\n          port: 3000"},
		"no network policy, reached from inside": {func(c *harden.Case) {
			c.Protection.Policies.Value, c.Service.Health, c.Dependents = nil, nil, []catalog.Service{{Name: "web", Namespace: "front"}, {Name: "near", Namespace: "shop"}}
		}, "network", finding.Warn, "", "kubernetes.io/metadata.name: front"},
		"a network policy that is open":  {func(c *harden.Case) { c.Protection.Policies.Value[0].Open = true }, "network", finding.Warn, "deny lets everything in", ""},
		"no backup":                      {job(func(*finding.CronJob) {}), "backup", finding.OK, "nightly-backup worked 9 h ago", ""},
		"no CronJob that looks like one": {func(c *harden.Case) { database(c); c.Protection.Backups.Value = nil }, "backup", finding.Fail, "looks like a backup", ""},
		"no backup of Postgres, whose password is known by reference": {func(c *harden.Case) {
			database(c)
			c.Protection.Backups.Value = nil
			k := &c.Protection.Containers[0]
			k.Image, k.Password = "postgres:16", finding.KeyRef{Secret: "db", Key: "password"}
		}, "backup", finding.Fail, "", "kind: PersistentVolumeClaim"},
		"a suspended backup":         {job(func(j *finding.CronJob) { j.Suspended = true }), "backup", finding.Fail, "is suspended", "suspend: false"},
		"a backup that never worked": {job(func(j *finding.CronJob) { j.LastSuccess = time.Time{} }), "backup", finding.Fail, "never worked", ""},
		"a new backup":               {job(func(j *finding.CronJob) { *j = finding.CronJob{Name: "b-backup", Made: at.Add(-time.Hour)} }), "backup", finding.Warn, "not run yet", ""},
		"a backup of two days ago":   {job(func(j *finding.CronJob) { j.LastSuccess = at.Add(-50 * time.Hour) }), "backup", finding.Warn, "2 days ago", ""},
		"a backup of two weeks ago":  {job(func(j *finding.CronJob) { j.LastSuccess = at.Add(-14 * 24 * time.Hour) }), "backup", finding.Fail, "14 days ago", ""},
		"no alert":                   {func(c *harden.Case) { c.Protection.Alerts.Value = finding.Alerts{Others: 4} }, "alerts", finding.Fail, "none of the 4 alert rules", "alert: ServiceDown"},
		"no Prometheus Operator": {func(c *harden.Case) {
			c.Protection.Alerts = finding.Part[finding.Alerts]{Unread: redact.Const("not installed")}
		}, "alerts", finding.Unknown, "not installed", ""},
		"a certificate for two weeks":    {func(c *harden.Case) { c.Certificates[0].Until = at.Add(14 * 24 * time.Hour) }, "certificate", finding.Warn, "ends in 14 days", ""},
		"a certificate for three days":   {func(c *harden.Case) { c.Certificates[0].Until = at.Add(72 * time.Hour) }, "certificate", finding.Fail, "ends in 3 days", ""},
		"a certificate that has ended":   {func(c *harden.Case) { c.Certificates[0].Until = at.Add(-72 * time.Hour) }, "certificate", finding.Fail, "ended on 2026-11-21", ""},
		"a certificate for another name": {func(c *harden.Case) { c.Certificates[0].Problem = redact.Const("for another name") }, "certificate", finding.Fail, "not accepted", ""},
		"a certificate that nobody showed": {func(c *harden.Case) {
			c.Certificates = []finding.Certificate{{Host: "h", Unread: redact.Const("no handshake")}}
		}, "certificate", finding.Unknown, "no handshake", ""},
		"an Ingress whose host is no health URL": {func(c *harden.Case) {
			c.Certificates, c.Protection.Ingresses = nil, known([]finding.Ingress{{Name: "web", Hosts: []string{"www.example.com"}, TLS: true}})
		}, "certificate", finding.Unknown, "www.example.com is not looked at", ""},
		"no health URL":     {func(c *harden.Case) { c.Service.Health = nil }, "monitoring", finding.Warn, "no health URL", ""},
		"nobody watches it": {func(c *harden.Case) { c.Watched = false }, "monitoring", finding.Warn, "only when somebody asks", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := harden.Judge(sound(c.change))
			i := find(t, r, c.check)
			if i.Finding.Status != c.status || !strings.Contains(i.Finding.Line.String(), c.line) {
				t.Errorf("%s %q, want %s with %q", i.Finding.Status, i.Finding.Line, c.status, c.line)
			}
			yaml := ""
			if len(i.Remedies) > 0 {
				yaml = i.Remedies[0].YAML().String()
			}
			if (c.yaml == "") != (yaml == "") || !strings.Contains(yaml, c.yaml) {
				t.Errorf("remedy\n%s\nwant %q", yaml, c.yaml)
			}
			if (i.Finding.Status == finding.Fail || i.Finding.Status == finding.Warn) && i.Finding.Fix.Empty() {
				t.Errorf("%q has no fix", i.Finding.Line)
			}
		})
	}
}

func TestWhatDoesNotApplyIsLeftOutWithItsReason(t *testing.T) {
	t.Parallel()
	r := harden.Judge(sound(database))
	said := redact.Join("\n", r.Apart...).String()
	for _, want := range []string{"spread: one replica", "hpa: a statefulset is not scaled by load"} {
		if !strings.Contains(said, want) {
			t.Errorf("%q lacks %q", said, want)
		}
	}
	if said := redact.Join("\n", harden.Judge(sound()).Apart...).String(); said != "backup: it is no database" {
		t.Errorf("got %q", said)
	}
	daemon := harden.Judge(sound(func(c *harden.Case) { c.Protection.Kind = "DaemonSet"; c.Protection.Autoscalers.Value = nil }))
	if len(daemon.Gaps()) != 0 || daemon.Score != 100 {
		t.Errorf("a DaemonSet has gaps: %+v", daemon.Gaps())
	}
}

func TestTheRiskiestGapStandsFirstAndWhatIsUnknownDoesNotCount(t *testing.T) {
	t.Parallel()
	c := sound(func(c *harden.Case) {
		c.Watched = false                                                                             // 5, half lost
		c.Protection.Budgets.Value = nil                                                              // 10 lost
		c.Protection.Containers[0].Readiness = false                                                  // 15 lost
		c.Protection.Alerts = finding.Part[finding.Alerts]{Unread: redact.Const("could not be read")} // 10, not counted
	})
	r := harden.Judge(c)
	var got []string
	for _, i := range r.Items[:5] {
		got = append(got, i.Finding.Check)
	}
	if want := "probes pdb monitoring alerts replicas"; strings.Join(got, " ") != want {
		t.Errorf("got %v, want %s", got, want)
	}
	// Of 130 in all, 115 without the backup and 105 without the alerts count; 27.5 of it are lost.
	if r.Score != 73 || r.Told != 10 {
		t.Errorf("scores %d over %d", r.Score, r.Told)
	}
	if r := harden.Judge(harden.Case{Now: at}); r.Score < 0 || r.Score > 100 {
		t.Errorf("of nothing it scores %d", r.Score)
	}
}

func TestTheFilesHoldOnePatchAndTheNewObjects(t *testing.T) {
	t.Parallel()
	r := harden.Judge(sound(func(c *harden.Case) {
		k := &c.Protection.Containers[0]
		k.Readiness, k.MemoryRequest = false, 0
		c.Protection.Spread, c.Protection.Budgets.Value, c.Protection.Autoscalers.Value[0].Current = nil, nil, 6
	}))
	files := r.Files("harden-backend", "kubectl --context prod -n shop")
	if len(files) != 2 || files[0].Name != "harden-backend-objects.yaml" || files[1].Name != "harden-backend-patch.yaml" {
		t.Fatalf("got %+v", files)
	}
	for part, of := range map[string]int{
		"kubectl --context prod -n shop patch hpa/backend-hpa --type merge -p '{\"spec\":{\"maxReplicas\":12}}'": 0,
		"kind: PodDisruptionBudget\n": 0,
		"kubectl --context prod -n shop patch deployment/backend-deployment --type strategic --patch-file harden-backend-patch.yaml": 1,
		"      topologySpreadConstraints:\n": 1,
	} {
		if !strings.Contains(files[of].Content.String(), part) {
			t.Errorf("%s lacks %q:\n%s", files[of].Name, part, files[of].Content)
		}
	}
	patch := files[1].Content.String()
	if strings.Count(patch, "- name: backend") != 1 || !strings.Contains(patch, "readinessProbe:") || !strings.Contains(patch, "resources:") {
		t.Errorf("the container does not stand once with both changes:\n%s", patch)
	}
	// Without these a patch that is applied by mistake is refused.
	if strings.Contains(patch, "\nkind:") || strings.Contains(patch, "\napiVersion:") {
		t.Errorf("the patch could be applied:\n%s", patch)
	}
}

// What the cluster holds is written into YAML that somebody will apply: it must stay one scalar, and one line of comment.
func TestTextOfTheClusterStaysDataInTheYAML(t *testing.T) {
	t.Parallel()
	nasty := "x\nkind: Secret\u2028y: z\u0085w: v # \" ' {}"
	r := harden.Judge(sound(func(c *harden.Case) {
		c.Protection.Selector.Labels = map[string]string{"app": "yes", "tier": "1e3", "on": "null", nasty: nasty}
		c.Protection.Budgets.Value, c.Protection.Policies.Value = nil, nil
		c.Protection.Containers[0].Image = nasty + ":latest"
		c.Protection.Containers[0].Digest = "sha256:" + strings.Repeat("c", 64)
	}))
	for _, f := range r.Files("x", "kubectl") {
		for line := range strings.FieldsFuncSeq(f.Content.String(), func(r rune) bool { return r == '\n' || r == '\r' || r == '\u2028' || r == '\u2029' }) {
			if before, _, cut := strings.Cut(line, "\u0085"); cut && strings.HasPrefix(before, "#") || strings.HasPrefix(line, "kind: Secret") || strings.HasPrefix(line, "y: z") {
				t.Errorf("%s: %q", f.Name, line)
			}
		}
	}
	objects := r.Files("x", "kubectl")[0].Content.String()
	for _, want := range []string{`app: "yes"`, `tier: "1e3"`, `"on": "null"`} {
		if !strings.Contains(objects, want) {
			t.Errorf("lacks %s:\n%s", want, objects)
		}
	}
}
