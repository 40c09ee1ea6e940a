package handlers_test

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/svcdown/svcdown/approval"
	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/plan"
	"github.com/svcdown/svcdown/redact"
)

func matches(pattern, s string) bool { return regexp.MustCompile("(?s)" + pattern).MatchString(s) }

// primary makes backend a database primary whose pod is to be deleted.
func (b *testBundle) primary(t *testing.T) {
	t.Helper()
	b.catalog.Services[0].Database = true
	p, err := b.cluster.plan()
	if err != nil {
		t.Fatal(err)
	}
	p.Action, p.Patch, p.Undo = catalog.DeletePod, plan.Remove(), redact.Text{}
	p.Target.Kind, p.Target.Name = "Pod", "backend-0"
	b.cluster.plan = func() (plan.Plan, error) { return p, nil }
}

// two asks for two people.
func (b *testBundle) two() {
	b.catalog.Policies[0].Approvals.All = []catalog.Requirement{{Count: 2, Roles: []string{"senior"}}}
}

func TestADatabasePrimarysPodTakesTwoPeopleWhateverThePolicySays(t *testing.T) {
	t.Parallel()
	for name, weak := range map[string]catalog.Approvals{
		"one approver": {All: []catalog.Requirement{{Count: 1, Roles: []string{"senior"}}}},
		"no approval":  {None: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			b.primary(t)
			b.catalog.Policies[0].Approvals = weak
			said := b.says(t, "alice", "delete-pod backend")
			if missing := lacks(said.Verdict.String(), "database primary", `policy "prod"`, "count: 2", "actions: [delete-pod]"); missing != nil || len(b.rows.order) != 0 {
				t.Errorf("got %q and %d requests", said.Verdict, len(b.rows.order))
			}
		})
	}
	t.Run("a policy that was weakened while it waited", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.primary(t)
		b.two()
		b.says(t, "alice", "delete-pod backend")
		r := b.newest(t)
		b.says(t, "bob", "approve "+r.ID)
		b.catalog.Policies[0].Approvals.All[0].Count = 1
		said := b.says(t, "carol", "approve "+r.ID)
		if got := b.rows.get(t, r.ID).State; got != approval.Pending || !matches("database primary", said.Verdict.String()) {
			t.Errorf("got %s, %q", got, said.Verdict)
		}
	})
	t.Run("a policy that was weakened before the call", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.primary(t)
		b.two()
		b.says(t, "alice", "delete-pod backend")
		r := b.newest(t)
		b.says(t, "bob", "approve "+r.ID)
		b.says(t, "carol", "approve "+r.ID)
		b.catalog.Policies[0].Approvals.All[0].Count = 1
		if err := b.Execute(t.Context(), r.ID); err != nil {
			t.Fatal(err)
		}
		if got := b.rows.get(t, r.ID); got.State != approval.NotStarted || b.cluster.calls != 0 {
			t.Errorf("got %s and %d calls", got.State, b.cluster.calls)
		}
	})
	t.Run("nobody breaks the glass alone", func(t *testing.T) {
		t.Parallel()
		b := setup(t)
		b.primary(t)
		b.two()
		b.says(t, "alice", "delete-pod backend")
		r := b.newest(t)
		b.wait(6 * time.Minute)
		b.says(t, "bob", "break-glass "+r.ID+" now")
		if got := b.rows.get(t, r.ID).State; got != approval.Pending {
			t.Errorf("got %s", got)
		}
	})
}

// deletion is an approved deletion of a pod.
func (b *testBundle) deletion(t *testing.T) approval.Request {
	t.Helper()
	b.primary(t)
	b.two()
	b.says(t, "alice", "delete-pod backend")
	r := b.newest(t)
	b.says(t, "bob", "approve "+r.ID)
	b.says(t, "carol", "approve "+r.ID)
	return b.rows.get(t, r.ID)
}

func TestADeletionIsMarkedAndRecordedBeforeItIsSent(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		mark        k8sops.Outcome
		databaseOff bool
		state       approval.State
		calls       int
	}{
		"marked and sent":                {mark: k8sops.Applied, state: approval.Applied, calls: 1},
		"the mark was refused":           {mark: k8sops.Refused, state: approval.NotStarted},
		"the mark's answer is lost":      {mark: k8sops.UnknownOutcome, state: approval.NotStarted},
		"the mark could not be recorded": {mark: k8sops.Applied, databaseOff: true, state: approval.Executing},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := b.deletion(t)
			b.cluster.mark = func() (k8sops.Result, error) {
				b.rows.setDown(c.databaseOff)
				return k8sops.Result{Outcome: c.mark, Message: redact.Const("Because.")}, nil
			}
			b.cluster.execute = func() (k8sops.Result, error) {
				if !b.rows.get(t, r.ID).Marked {
					t.Error("sent before the mark was recorded")
				}
				return k8sops.Result{Outcome: k8sops.Applied}, nil
			}
			err := b.Execute(t.Context(), r.ID)
			b.rows.setDown(false)
			if (err != nil) != c.databaseOff {
				t.Errorf("got %v", err)
			}
			if got := b.rows.get(t, r.ID); got.State != c.state || b.cluster.calls != c.calls {
				t.Errorf("got %s (%s) and %d calls, want %s and %d", got.State, got.Reason, b.cluster.calls, c.state, c.calls)
			}
		})
	}
}

func TestWhoseEndItWas(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		marked  bool
		landing k8sops.Landing
		want    approval.State
	}{
		"it ends under our mark":                      {true, k8sops.Landed, approval.Applied},
		"it is there":                                 {true, k8sops.NotLanded, approval.NotStarted},
		"it is gone, and bore our mark":               {true, k8sops.Gone, approval.Applied},
		"it is gone, and we never came to marking it": {false, k8sops.Gone, approval.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			r := b.deletion(t)
			b.cluster.execute = func() (k8sops.Result, error) { return k8sops.Result{}, nil }
			if err := b.Execute(t.Context(), r.ID); err != nil {
				t.Fatal(err)
			}
			if !c.marked {
				_, err := b.rows.Change(t.Context(), r.ID, "", func(r *approval.Request) error { r.Marked = false; return nil })
				if err != nil {
					t.Fatal(err)
				}
			}
			b.wait(approval.LeaseTime + time.Second)
			b.cluster.landed = func() (k8sops.Landing, error) { return c.landing, nil }
			if c.landing == k8sops.Gone {
				b.cluster.void = func(context.Context) error { return &k8sops.Error{Kind: k8sops.NotFound} }
			}
			if err := b.Reconcile(t.Context(), r.ID); err != nil {
				t.Fatal(err)
			}
			if got := b.rows.get(t, r.ID); got.State != c.want {
				t.Errorf("got %s (%s), want %s", got.State, got.Reason, c.want)
			}
		})
	}
}

func TestManifestsAreReadBelowTheirFolderOnly(t *testing.T) {
	t.Parallel()
	top := t.TempDir()
	dir := filepath.Join(top, "manifests")
	for name, content := range map[string]string{"manifests/load/test.yaml": "inside", "secret.yaml": "outside", "manifests/long.yaml": strings.Repeat("x", 300<<10)} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(top, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(top, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../secret.yaml", filepath.Join(dir, "link.yaml")); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file string
		off  bool
		want string // planned, or a part of the refusal
	}{
		"a file below":                  {file: "load/test.yaml", want: "apply backend load/test.yaml inside"},
		"a way out":                     {file: "../secret.yaml", want: "cannot read the manifest"},
		"a way out in the middle":       {file: "load/../../secret.yaml", want: "cannot read the manifest"},
		"an absolute path":              {file: filepath.Join(top, "secret.yaml"), want: "cannot read the manifest"},
		"a link that leads out":         {file: "link.yaml", want: "cannot read the manifest"},
		"a folder":                      {file: "load", want: "cannot read the manifest"},
		"nothing there":                 {file: "none.yaml", want: "There is no manifest"},
		"a file that is too long":       {file: "long.yaml", want: "longer than 256 KiB"},
		"where no folder is configured": {file: "load/test.yaml", off: true, want: "names no folder"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := setup(t)
			if !c.off {
				b.catalog.Manifests.Dir = dir
			}
			said := b.says(t, "alice", "apply backend "+c.file)
			if got := b.cluster.planned(); len(got) == 1 && got[0] == c.want {
				return
			} else if len(got) != 0 || !strings.Contains(said.Verdict.String(), c.want) || len(b.rows.order) != 0 {
				t.Errorf("planned %q, said %q", got, said.Verdict)
			}
		})
	}
}

// Between the approval and the call the file is another one: another plan, which nobody has agreed to.
func TestAManifestThatChangedIsNotApplied(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.catalog.Manifests.Dir = t.TempDir()
	file := filepath.Join(b.catalog.Manifests.Dir, "load.yaml")
	write := func(content string) {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("one")
	p, err := b.cluster.plan()
	if err != nil {
		t.Fatal(err)
	}
	p.Action, p.Target.Kind, p.Target.UID, p.Params = catalog.Apply, "Job", "", map[string]string{"file": "load.yaml"}
	b.cluster.plan = func() (plan.Plan, error) {
		said := b.cluster.planned()
		var err error
		p.Patch, err = plan.Create(said[len(said)-1])
		return p, err
	}
	b.says(t, "alice", "apply backend load.yaml")
	r := b.newest(t)
	b.says(t, "bob", "approve "+r.ID)
	write("two")
	if err := b.Execute(t.Context(), r.ID); err != nil {
		t.Fatal(err)
	}
	if got := b.rows.get(t, r.ID); got.State != approval.Pending || b.cluster.calls != 0 {
		t.Errorf("got %s (%s) after %d calls", got.State, got.Reason, b.cluster.calls)
	}
}
