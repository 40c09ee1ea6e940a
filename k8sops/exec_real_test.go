package k8sops

import (
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/svcdown/svcdown/realtool"
	"github.com/svcdown/svcdown/store/postgres"
)

// run does here what a container runtime does with an argument list, with the real program.
func run(t *testing.T, environment []string, argv ...string) (kept, problem string, code int) {
	t.Helper()
	p, err := permitted(argv)
	if err != nil {
		t.Error(err)
		return "", "", -1
	}
	kept, problem, code = runAnyway(t, environment, argv...)
	return p.keep(argv, kept), problem, code
}

// runAnyway also runs what the bot would not send, to see what stands behind its own wall.
func runAnyway(t *testing.T, environment []string, argv ...string) (output, problem string, code int) {
	t.Helper()
	r, err := realtool.Run(t.Context(), environment, "", argv...)
	if err != nil {
		t.Fatalf("(apt-get install postgresql coreutils procps) %v", err)
	}
	return r.Stdout, r.Stderr, r.Code
}

// The sandbox plays its programs. Here the argument lists meet the real ones.
func TestArgumentListsAreUnderstoodByTheRealPrograms(t *testing.T) {
	t.Parallel()
	dir, err := os.MkdirTemp("", "svcdown-exec-")
	if err != nil {
		t.Fatal(err)
	}
	server, err := postgres.Start(t.Context(), postgres.Options{Dir: dir, Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
		_ = os.RemoveAll(dir) // what is left of it is in the folder for temporary things
	})
	u, err := url.Parse(server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	environment := []string{"PGHOST=" + u.Query().Get("host"), "SECRET=line one\nFAKE=line two", "DATABASE_URL=postgres://app:hunter2@db:5432/shop"}
	psql := func(sql string) []string { return PsqlArgv("", "5432", u.Query().Get("user"), "postgres", sql) }
	tests := []struct {
		name    string
		argv    []string
		code    int
		begins  string // of what may leave
		says    string // of stderr
		without string
	}{
		{"a question", psql("SELECT 1 AS one, 'a b' AS two;"), 0, "one\ttwo\n1\ta b", "", ""},
		{"sessions without their queries", psql("SELECT pid, state, query FROM pg_stat_activity WHERE state = 'active'"), 0, "pid\tstate\tquery\n", "", "SELECT"},
		{"every session", psql("SELECT * FROM pg_stat_activity"), 0, "datid\tdatname\tpid\t", "", "FROM pg_stat"},
		{"replication", psql("SELECT * FROM pg_stat_replication"), 0, "pid\tusesysid\tusename\t", "", ""},
		{"databases", psql(`\l`), 0, "Name\tOwner\t", "", ""},
		{"the transaction only reads", psql("SHOW transaction_read_only"), 0, "transaction_read_only\non", "", ""},
		{"the server ends what takes long", psql("SHOW statement_timeout"), 0, "statement_timeout\n5s", "", ""},
		{"an error is told", psql("SELECT 1/0"), 1, "", "division by zero", ""},
		{"nobody is there", PsqlArgv("127.0.0.1", "1", "", "", "SELECT 1"), 2, "", "Connection refused", ""},
		{"the server is ready", []string{"pg_isready", "-t", "5", "-p", "5432"}, 0, "", "", ""},
		{"names of the environment", []string{"env", "-0"}, 0, "", "", "hunter2"},
		{"a value with lines gives one name", []string{"env", "-0"}, 0, "", "", "FAKE"},
		{"one variable", []string{"printenv", "DATABASE_URL"}, 0, "postgres://app@db:5432/shop", "", "hunter2"},
		{"a variable that is not there", []string{"printenv", "SVCDOWN_NOPE"}, 1, "not set", "", ""},
		{"a disk", []string{"df", "-P", "-k", "/"}, 0, "Filesystem", "", ""},
		{"inodes", []string{"df", "-P", "-i", "/"}, 0, "Filesystem", "", ""},
		{"a folder", []string{"ls", "-A", "-l", "/"}, 0, "total", "", ""},
		{"processes", []string{"ps", "aux"}, 0, "USER", "", "-k " + dir},
	}
	for _, tt := range tests {
		kept, problem, code := run(t, environment, tt.argv...)
		if code != tt.code || !strings.HasPrefix(kept, tt.begins) || !strings.Contains(problem, tt.says) || tt.without != "" && strings.Contains(kept, tt.without) {
			t.Errorf("%s: code %d, kept %q, stderr %q", tt.name, code, kept, problem)
		}
	}
	change := psql("CREATE TABLE x (y int)")
	if _, err := permitted(change); err == nil {
		t.Error("a change would be sent")
	}
	if _, problem, code := runAnyway(t, environment, change...); code != 1 || !strings.Contains(problem, "read-only transaction") {
		t.Errorf("the server answers a change with code %d, stderr %q", code, problem)
	}
}
