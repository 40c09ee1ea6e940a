package e2e_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/svcdown/svcdown/store/pgtest"
)

// cmdBreak: break SERVICE MODE [SEED]; cmdHeal: heal SERVICE.
func cmdBreak(ts *testscript.TestScript, _ bool, args []string) {
	seed := int64(1)
	if len(args) > 2 {
		n, err := strconv.ParseInt(args[2], 10, 64)
		ts.Check(err)
		seed = n
	}
	sandbox(ts, "break", args[0], args[1], "--seed", strconv.FormatInt(seed, 10), "--namespace", of(ts).namespace)
}

func cmdHeal(ts *testscript.TestScript, _ bool, args []string) {
	sandbox(ts, append([]string{"heal"}, append(args, "--namespace", of(ts).namespace)...)...)
}

func sandbox(ts *testscript.TestScript, args ...string) {
	if out, err := shared.cluster.Command(args...).CombinedOutput(); err != nil {
		ts.Fatalf("sandbox %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// cmdKubectl: kubectl ARGS... runs in the story's namespace as the administrator.
func cmdKubectl(ts *testscript.TestScript, neg bool, args []string) {
	out, err := kubectl(of(ts).namespace, args...)
	_, _ = ts.Stdout().Write(out)
	if (err != nil) != neg {
		ts.Fatalf("kubectl %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func kubectl(namespace string, args ...string) ([]byte, error) {
	cmd := exec.Command(shared.cluster.KubectlPath, append([]string{"--kubeconfig", shared.cluster.Kubeconfig, "-n", namespace}, args...)...)
	return cmd.CombinedOutput()
}

// cmdReady: ready KIND/NAME N waits until N replicas are ready.
func cmdReady(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(until(patience, func() error {
		out, err := kubectl(of(ts).namespace, "get", args[0], "-o", "jsonpath={.status.readyReplicas}")
		if err != nil {
			return err
		}
		got := strings.TrimSpace(string(out))
		if got == "" {
			got = "0"
		}
		if got != args[1] {
			return fmt.Errorf("%s has %s ready replicas, not %s", args[0], got, args[1])
		}
		return nil
	}))
}

// auditLine is the part of an API server's audit event that tells who changed what.
type auditLine struct {
	Stage          string `json:"stage"`
	Verb           string `json:"verb"`
	User           struct{ Username string }
	ObjectRef      struct{ Resource, Namespace, Name string }
	RequestURI     string
	ResponseStatus struct{ Code int }
	RequestObject  json.RawMessage
}

// cmdChanges: changes N asserts how many changes of the bot the API server took in this story's namespace, by its own audit log: the witness
// that is not ours. Dry runs and our marks alone are no changes.
func cmdChanges(ts *testscript.TestScript, _ bool, args []string) {
	countChanges(ts, args[0], "patch", "update", "delete", "create")
}

// cmdDeletes: deletes N is the same of deletions alone.
func cmdDeletes(ts *testscript.TestScript, _ bool, args []string) {
	countChanges(ts, args[0], "delete", "deletecollection")
}

func countChanges(ts *testscript.TestScript, count string, verbs ...string) {
	want, err := strconv.Atoi(count)
	ts.Check(err)
	var seen []string
	f, err := os.Open(shared.cluster.AuditLog)
	ts.Check(err)
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(make([]byte, 1<<20), 64<<20)
	for sc.Scan() {
		var l auditLine
		if json.Unmarshal(sc.Bytes(), &l) != nil || l.Stage != "ResponseComplete" || l.ObjectRef.Namespace != of(ts).namespace || l.User.Username != "svcdown-bot" {
			continue
		}
		if !slices.Contains(verbs, l.Verb) || l.ResponseStatus.Code >= 300 {
			continue
		}
		var o struct{ DryRun []string } // of a delete, whose options are its body
		_ = json.Unmarshal(l.RequestObject, &o)
		if strings.Contains(l.RequestURI, "dryRun") || len(o.DryRun) > 0 || onlyMarks(l.RequestObject) {
			continue
		}
		seen = append(seen, fmt.Sprintf("%s %s %s", l.Verb, l.RequestURI, l.RequestObject))
	}
	ts.Check(sc.Err())
	if len(seen) != want {
		ts.Fatalf("the API server took %d changes, want %d:\n%s\n%s", len(seen), want, strings.Join(seen, "\n"), of(ts).logs())
	}
}

// onlyMarks reports whether a call writes nothing but our marks: a merge patch of the void mark, held to the object by its UID; a JSON patch of
// the approval's mark, which comes before a deletion; or the placeholder that is the void mark of a Job to be.
func onlyMarks(patch json.RawMessage) bool {
	var operations []struct{ Op, Path string }
	if json.Unmarshal(patch, &operations) == nil {
		for _, o := range operations {
			if o.Op != "test" && o.Path != "/metadata/annotations" && !strings.HasPrefix(o.Path, "/metadata/annotations/svcdown.dev~1") {
				return false
			}
		}
		return true
	}
	var placeholder struct {
		Metadata struct{ Annotations map[string]string }
		Spec     struct {
			Suspend     bool
			Parallelism *int
		}
	}
	if json.Unmarshal(patch, &placeholder) == nil && placeholder.Spec.Suspend && placeholder.Spec.Parallelism != nil && *placeholder.Spec.Parallelism == 0 {
		for key := range placeholder.Metadata.Annotations {
			if strings.HasPrefix(key, "svcdown.dev/void-") {
				return true
			}
		}
	}
	var p map[string]map[string]json.RawMessage
	if json.Unmarshal(patch, &p) != nil || len(p) != 1 || len(p["metadata"]) != 2 || p["metadata"]["uid"] == nil {
		return false
	}
	var annotations map[string]string
	if json.Unmarshal(p["metadata"]["annotations"], &annotations) != nil || len(annotations) == 0 {
		return false
	}
	for key := range annotations {
		if !strings.HasPrefix(key, "svcdown.dev/void-") {
			return false
		}
	}
	return true
}

// cmdAPIServer: apiserver pause|resume|stop|start; stories that use it must not run beside others, see alone.txtar files.
func cmdAPIServer(ts *testscript.TestScript, _ bool, args []string) {
	sandbox(ts, args[0], "apiserver")
}

// cmdPostgres: postgres own gives the story an instance of its own; postgres stop|start ends and starts it; postgres tamper changes an entry of
// the audit log, as somebody who owns the database can.
func cmdPostgres(ts *testscript.TestScript, _ bool, args []string) {
	s := of(ts)
	switch args[0] {
	case "own":
		srv, err := pgtest.Start(context.Background())
		ts.Check(err)
		s.ownPG = srv
		s.env.Defer(func() { _ = srv.Close() })
		s.database, err = srv.Database(context.Background())
		ts.Check(err)
	case "tamper":
		ts.Check(s.tamper())
	case "stop":
		ts.Check(s.ownPG.Kill())
	case "start":
		ts.Check(s.ownPG.Resume(context.Background()))
	default:
		ts.Fatalf("usage: postgres own|stop|start|tamper")
	}
}

func (s *story) tamper() error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	db, err := pgx.Connect(ctx, s.database)
	if err != nil {
		return err
	}
	defer db.Close(ctx)
	_, err = db.Exec(ctx, "alter table audit disable trigger audit_append_only; update audit set entry = entry || ' '::bytea where seq = 1")
	return err
}
