package runbook_test

import (
	"strings"
	"testing"

	"github.com/svcdown/svcdown/runbook"
)

// checksOnly are the operations that a check may be; anything else that calls itself one is a mistake.
var checksOnly = map[string]bool{
	"get": true, "describe": true, "logs": true, "top": true, "events": true, "wait": true, "rollout status": true, "rollout history": true, "auth can-i": true, "auth whoami": true,
	"api-resources": true, "api-versions": true, "explain": true, "version": true, "cluster-info": true, "health": true, "secret references": true, "http probe": true,
	"exec psql": true, "exec pg_isready": true, "exec redis-cli": true, "exec curl": true, "exec wget": true, "exec df": true, "exec ls": true, "exec cat": true, "exec env": true,
	"exec printenv": true, "exec node": true, "exec nslookup": true, "exec dig": true, "exec nc": true, "exec ps": true, "exec top": true,
}

// changing are verbs of kubectl, statements of SQL and commands of Redis that change something.
var changing = struct{ kubectl, sql, redis []string }{
	kubectl: []string{"delete", "apply", "create", "replace", "patch", "edit", "scale", "autoscale", "rollout restart", "rollout undo", "rollout pause", "rollout resume", "set env", "set image",
		"annotate", "label", "cordon", "uncordon", "drain", "taint", "run", "cp", "expose", "debug", "certificate approve", "auth reconcile"},
	sql:   []string{"DELETE FROM t", "UPDATE t SET a = 1", "INSERT INTO t VALUES (1)", "DROP TABLE t", "TRUNCATE t", "CREATE TABLE t()", "ALTER SYSTEM SET a = 1", "VACUUM FULL t", "COPY t FROM PROGRAM 'id'", "SELECT pg_terminate_backend(1)", "SELECT 1 INTO t", "CALL p()"},
	redis: []string{"FLUSHALL", "SET a b", "DEL a", "CONFIG SET a b", "EVAL x 0", "SHUTDOWN", "DEBUG SLEEP 1", "CLIENT KILL a", "SCRIPT FLUSH", "MODULE LOAD a"},
}

func FuzzAnyDocumentIsRead(f *testing.F) {
	for _, seed := range []string{"# T\n\n```bash\nkubectl get pods\n```\n", "- a\n  - b\n    ```sh\n    $ kubectl delete pod <x>\n    out\n    ```\n", "```console\n$ a \\\n> b\n```", "\xff\xfe", "```bash {for=x approve=2}\nls\n```", "ðŸš¨ Ã© â€™", "<!-- {timeout=3s} -->\n```sh\n'\n```", "```bash\ncat <<EOF\nx\n```"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		book, err := runbook.Parse("x.md", data)
		if err != nil {
			return
		}
		last := 0
		for _, s := range book.Steps() {
			sound(t, s)
			if s.Line < last || s.Line < 1 || s.Line > 1+strings.Count(string(data), "\n")+strings.Count(string(data), "\r") {
				t.Errorf("line %d after %d", s.Line, last)
			}
			last = s.Line
		}
	})
}

func FuzzAnyCommandGetsOneClass(f *testing.F) {
	for _, seed := range append(commandLines(f, "never-checks.txt"), commandLines(f, "checks.txt")...) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, command string) { sound(t, runbook.Classify(command)) })
}

func sound(t *testing.T, s runbook.Step) {
	t.Helper()
	switch s.Class {
	case runbook.Check:
		if s.Operation == nil || !checksOnly[s.Operation.Name] {
			t.Errorf("check of %v: %q", s.Operation, s.Source)
		}
	case runbook.Action, runbook.Message:
		if s.Operation == nil || checksOnly[s.Operation.Name] {
			t.Errorf("%s of %v: %q", s.Class, s.Operation, s.Source)
		}
	default:
		if s.Operation != nil || s.Reason == "" {
			t.Errorf("%s with %v and reason %q: %q", s.Class, s.Operation, s.Reason, s.Source)
		}
	}
}

// FuzzAChangingVerbIsNeverACheck puts foreign text around commands that change something.
func FuzzAChangingVerbIsNeverACheck(f *testing.F) {
	f.Add(uint8(0), "", "pod x")
	f.Add(uint8(3), "-n shop", "get pods")
	f.Add(uint8(30), "SELECT 1; ", "")
	f.Add(uint8(40), "-h redis", "ping")
	f.Fuzz(func(t *testing.T, n uint8, before, after string) {
		verb := changing.kubectl[int(n)%len(changing.kubectl)]
		// Text in front of the verb could be the verb itself, so that only options go there.
		for _, options := range []string{"", "-n shop", "--namespace=shop", "--request-timeout 3s"} {
			never(t, "kubectl "+options+" "+verb+" "+after)
			never(t, "oc "+options+" "+verb+" "+after)
		}
		sql := changing.sql[int(n)%len(changing.sql)]
		if !strings.ContainsAny(before+after, `'"`+"`$\\-/*") { // quotes and comments could make the statement text
			never(t, `kubectl exec x -- psql -c "`+before+" "+sql+" "+after+`"`)
		}
		redis := changing.redis[int(n)%len(changing.redis)]
		never(t, "kubectl exec x -- redis-cli "+redis+" "+after)
	})
}

func never(t *testing.T, command string) {
	t.Helper()
	if s := runbook.Classify(command); s.Class == runbook.Check {
		t.Errorf("is a check (%s): %q", s.Operation, command)
	}
}
