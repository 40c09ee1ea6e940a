package handlers_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/card"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/handlers"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

const team = "T1"

// slack is the account of a person of the tests.
func slack(name string) catalog.SlackID {
	return catalog.SlackID{Team: team, User: "U" + strings.ToUpper(name)}
}

// shop is a catalogue with an on-call engineer who asks, two who approve and one person without a role.
func shop() *catalog.Catalog {
	var people []catalog.Person
	for _, name := range []string{"alice", "bob", "carol", "dora"} {
		people = append(people, catalog.Person{Name: name, Slack: []catalog.SlackID{slack(name)}, Kubernetes: []string{name + "@example.com"}})
	}
	return &catalog.Catalog{
		Slack:    catalog.Slack{Team: team},
		Channels: catalog.Channels{Ops: "COPS"},
		Clusters: []catalog.Cluster{{Name: "prod"}},
		Services: []catalog.Service{{Name: "backend", Aliases: []string{"be"}, Cluster: "prod", Namespace: "shop", Channel: "CBACK",
			Workload: catalog.Workload{Kind: "Deployment", Name: "backend-deployment"}}},
		People: people,
		Roles:  []catalog.Role{{Name: "oncall", People: []string{"alice", "bob"}}, {Name: "senior", People: []string{"bob", "carol"}}},
		Policies: []catalog.Policy{{
			Name: "prod", Actions: []catalog.Action{"*"}, Services: []string{"*"}, MayAsk: []string{"oncall"}, MaxReplicas: 10,
			Approvals: catalog.Approvals{All: []catalog.Requirement{{Count: 1, Roles: []string{"senior"}}}},
			Expires:   15 * time.Minute, RemindAfter: 2 * time.Minute,
			BreakGlass: &catalog.BreakGlass{Roles: []string{"oncall"}, After: 5 * time.Minute},
		}},
	}
}

// testBundle is a desk among fakes that keep the contracts of its interfaces, with a clock that stands still until a test moves it.
type testBundle struct {
	*handlers.Desk
	catalog   *catalog.Catalog
	rows      *rows
	cluster   *cluster
	chat      *chat
	directory *directory
	steps     *[]string

	mu    sync.Mutex
	clock time.Time
}

func setup(t *testing.T) *testBundle {
	t.Helper()
	b := &testBundle{
		catalog: shop(), clock: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), steps: &[]string{},
		chat: &chat{}, directory: &directory{accounts: map[catalog.SlackID]handlers.Account{}},
	}
	b.rows = newRows(b.now)
	b.cluster = newCluster(t)
	b.Desk = handlers.NewDesk(handlers.Config{
		Catalog:  func() *catalog.Catalog { return b.catalog },
		Clusters: func(string) (handlers.Cluster, error) { return b.cluster, nil },
		Talk:     b.chat, Directory: b.directory, Approvals: b.rows, Leases: b.rows, Cards: b.rows, Journal: b.rows, Ledger: b.rows,
		Incidents: noIncidents{}, Followed: newLists(b.rows), Limits: b.rows, Probe: b.cluster, Measure: b.rows, Log: zerolog.Nop(), Now: b.now, Settle: time.Nanosecond,
		Step: func(name string) { *b.steps = append(*b.steps, name) },
	})
	return b
}

func (b *testBundle) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = b.clock.Add(time.Microsecond) // as on a real clock, no two moments are the same
	return b.clock
}

func (b *testBundle) wait(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = b.clock.Add(d)
}

// says lets a person type text in #ops and returns the last card that the desk whispered to them, the zero Card for none.
func (b *testBundle) says(t *testing.T, name, text string) card.Card {
	t.Helper()
	return b.incoming(t, handlers.Incoming{From: slack(name), Text: text, Where: card.Address{Kind: "slack", Team: team, Channel: "COPS", User: slack(name).User}})
}

func (b *testBundle) incoming(t *testing.T, in handlers.Incoming) card.Card {
	t.Helper()
	in.Ref = "REF123"
	before := len(b.chat.all())
	b.Handle(t.Context(), in)
	var last card.Card
	for _, m := range b.chat.all()[before:] {
		if m.op == "whisper" {
			last = m.card
		}
	}
	return last
}

// proposed is a restart of backend that alice asked for.
func (b *testBundle) proposed(t *testing.T) approval.Request {
	t.Helper()
	said := b.says(t, "alice", "restart backend")
	if len(b.rows.order) == 0 {
		t.Fatalf("got no request, but %q", said.Verdict)
	}
	return b.rows.get(t, b.rows.order[len(b.rows.order)-1])
}

// approved is the same with bob's yes.
func (b *testBundle) approved(t *testing.T) approval.Request {
	t.Helper()
	r := b.proposed(t)
	b.says(t, "bob", "approve "+r.ID)
	r = b.rows.get(t, r.ID)
	if r.State != approval.Approved {
		t.Fatalf("got %s, want approved", r.State)
	}
	return r
}

// executing is a request whose execution lost its answer, and whose lease has lapsed.
func (b *testBundle) executing(t *testing.T) approval.Request {
	t.Helper()
	r := b.approved(t)
	b.cluster.execute = func() (k8sops.Result, error) { return k8sops.Result{}, nil }
	if err := b.Execute(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	b.wait(approval.LeaseTime + time.Second)
	r = b.rows.get(t, r.ID)
	if r.State != approval.Executing {
		t.Fatalf("got %s, want executing", r.State)
	}
	return r
}

// applied is a request whose change is on the object.
func (b *testBundle) applied(t *testing.T) approval.Request {
	t.Helper()
	r := b.approved(t)
	if err := b.Execute(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	r = b.rows.get(t, r.ID)
	if r.State != approval.Applied {
		t.Fatalf("got %s (%s), want applied", r.State, r.Reason)
	}
	return r
}

// cluster answers as a healthy cluster does until a test changes one of its answers. It counts the calls that change something.
type cluster struct {
	forbidden []string // what the bot's account may not do: "patch deployments", "create pods/exec"
	plan      func() (plan.Plan, error)
	replan    func(plan.Plan) (plan.Plan, error)
	mark      func() (k8sops.Result, error)
	execute   func() (k8sops.Result, error)
	void      func(context.Context) error
	landed    func() (k8sops.Landing, error)
	rollout   func() (k8sops.RolloutState, error)
	settled   func() (finding.Finding, error)
	findings  func(each func(finding.Finding)) []finding.Finding
	logs      func() (k8sops.LogResult, error)
	logged    atomic.Pointer[k8sops.LogRequest] // the last one that was asked for
	changed   func() (finding.Changes, error)
	protected func() (finding.Protection, error)
	shown     finding.Certificate

	mu    sync.Mutex
	calls int
	plans []string // what was planned, in words
}

// planned is what the desk asked plans for.
func (c *cluster) planned() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.plans)
}

func (c *cluster) planning(words ...any) (plan.Plan, error) {
	c.mu.Lock()
	c.plans = append(c.plans, strings.TrimSpace(fmt.Sprintln(words...)))
	c.mu.Unlock()
	return c.plan()
}

func operation(t *testing.T, path string, value any) plan.Operation {
	t.Helper()
	op, err := plan.Op("add", path, value)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	restart := plan.Plan{
		Action: catalog.Restart, Service: "backend", Undo: redact.Const("Restart again."), Command: "kubectl --context prod -n shop rollout restart deployment/backend-deployment",
		Target: plan.Target{Cluster: "prod", Namespace: "shop", APIVersion: "apps/v1", Kind: "Deployment", Name: "backend-deployment", UID: "u1"},
		Patch:  []plan.Operation{operation(t, "/spec/template/metadata/annotations/restartedAt", plan.Now)},
		Blast:  plan.Blast{Desired: 3, Ready: 3},
	}
	return &cluster{
		plan:      func() (plan.Plan, error) { return restart, nil },
		replan:    func(p plan.Plan) (plan.Plan, error) { return p, nil },
		mark:      func() (k8sops.Result, error) { return k8sops.Result{Outcome: k8sops.Applied}, nil },
		execute:   func() (k8sops.Result, error) { return k8sops.Result{Outcome: k8sops.Applied}, nil },
		void:      func(context.Context) error { return nil },
		landed:    func() (k8sops.Landing, error) { return k8sops.NotLanded, nil },
		rollout:   func() (k8sops.RolloutState, error) { return k8sops.RolloutState{Done: true, Desired: 3}, nil },
		settled:   func() (finding.Finding, error) { return finding.Finding{Check: "settled", Status: finding.OK}, nil },
		findings:  func(func(finding.Finding)) []finding.Finding { return checks() },
		logs:      func() (k8sops.LogResult, error) { return k8sops.LogResult{}, nil },
		changed:   func() (finding.Changes, error) { return finding.Changes{}, nil },
		protected: func() (finding.Protection, error) { return finding.Protection{}, nil },
	}
}

// checks is what a status of a healthy service sees, but for those given.
func checks(instead ...finding.Finding) []finding.Finding {
	out := []finding.Finding{{Check: "pods", Status: finding.OK}, {Check: "rollout", Status: finding.OK}, {Check: "endpoints", Status: finding.OK}}
	for _, f := range instead {
		for i := range out {
			if out[i].Check == f.Check {
				out[i] = f
			}
		}
	}
	return out
}

func (c *cluster) Status(_ context.Context, _ catalog.Service, each func(finding.Finding)) []finding.Finding {
	return c.findings(each)
}
func (c *cluster) CanI(_ context.Context, verb, group, resource, subresource, namespace string) (bool, string, error) {
	may := !slices.Contains(c.forbidden, strings.TrimSuffix(verb+" "+resource+"/"+subresource, "/"))
	return may, "", nil
}
func (c *cluster) Logs(_ context.Context, _ catalog.Service, r k8sops.LogRequest) (k8sops.LogResult, error) {
	c.logged.Store(&r)
	return c.logs()
}
func (c *cluster) Changes(context.Context, catalog.Service, time.Time) (finding.Changes, error) {
	return c.changed()
}
func (c *cluster) Protection(context.Context, catalog.Service) (finding.Protection, error) {
	return c.protected()
}
func (c *cluster) Certificate(context.Context, string) (finding.Certificate, bool) {
	return c.shown, c.shown.Host != ""
}
func (c *cluster) PlanRestart(_ context.Context, svc catalog.Service) (plan.Plan, error) {
	return c.planning("restart", svc.Name)
}
func (c *cluster) PlanScale(_ context.Context, svc catalog.Service, n int) (plan.Plan, error) {
	return c.planning("scale", svc.Name, n)
}
func (c *cluster) PlanRollback(_ context.Context, svc catalog.Service, revision int64) (plan.Plan, error) {
	return c.planning("rollback", svc.Name, revision)
}
func (c *cluster) PlanSetEnv(_ context.Context, svc catalog.Service, r k8sops.EnvRequest) (plan.Plan, error) {
	return c.planning("set-env", svc.Name, r.Key+"="+r.Value, r.Container, r.For)
}
func (c *cluster) PlanDeletePod(_ context.Context, svc catalog.Service, pod string) (plan.Plan, error) {
	return c.planning("delete-pod", svc.Name, pod)
}
func (c *cluster) PlanApply(_ context.Context, svc catalog.Service, r k8sops.ApplyRequest) (plan.Plan, error) {
	return c.planning("apply", svc.Name, r.File, string(r.Content))
}
func (c *cluster) PlanUndo(_ context.Context, svc catalog.Service, done plan.Plan, id string) (plan.Plan, error) {
	return c.planning("undo", done.Action, svc.Name, id)
}
func (c *cluster) Replan(_ context.Context, _ catalog.Service, p plan.Plan) (plan.Plan, error) {
	return c.replan(p)
}
func (c *cluster) Mark(context.Context, plan.Plan, string) (k8sops.Result, error) { return c.mark() }
func (c *cluster) Execute(context.Context, plan.Plan, string) (k8sops.Result, error) {
	c.mu.Lock()
	c.calls++
	c.mu.Unlock()
	return c.execute()
}
func (c *cluster) Void(ctx context.Context, _ plan.Plan, _ string) error { return c.void(ctx) }
func (c *cluster) Landed(context.Context, plan.Plan, string) (k8sops.Landing, error) {
	return c.landed()
}
func (c *cluster) Follow(context.Context, catalog.Service, plan.Plan) (k8sops.RolloutState, error) {
	return c.rollout()
}
func (c *cluster) Settled(context.Context, catalog.Service, time.Time) (finding.Finding, error) {
	return c.settled()
}
func (c *cluster) Probe(context.Context, string) finding.Finding {
	return finding.Finding{Check: "health", Status: finding.OK}
}

// directory is who is who in Slack.
type directory struct {
	accounts map[catalog.SlackID]handlers.Account
	groups   map[string][]catalog.SlackID
	asOf     time.Time
	err      error
	shared   []string                     // channels that another company reads
	unsaid   bool                         // Slack does not say of any
	private  map[string][]catalog.SlackID // private channels with their members
}

func (d *directory) Groups(context.Context, []string, time.Duration) (map[string][]catalog.SlackID, time.Time, error) {
	return d.groups, d.asOf, d.err
}

func (d *directory) Shared(_ context.Context, channel string) (shared, told bool) {
	return d.unsaid || slices.Contains(d.shared, channel), !d.unsaid
}

func (d *directory) Reads(_ context.Context, channel string, id catalog.SlackID) (may, private bool) {
	members, private := d.private[channel]
	return !private || slices.Contains(members, id), private
}

func (d *directory) Account(_ context.Context, id catalog.SlackID) (handlers.Account, error) {
	return d.accounts[id], nil
}
