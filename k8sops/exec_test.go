package k8sops

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	utilexec "k8s.io/client-go/util/exec"

	"github.com/svcdown/svcdown/redact"
)

func TestOnlyTheClosedListRunsInsideContainers(t *testing.T) {
	t.Parallel()
	curl := func(more ...string) []string {
		return append([]string{"curl", "-q", "-s", "-S", "--proto", "=http,https"}, more...)
	}
	psql := func(change func([]string) []string) []string {
		return change(PsqlArgv("db", "5432", "app", "shop", "SELECT 1"))
	}
	refused := map[string][]string{
		"nothing":                                {},
		"no name":                                {""},
		"sh":                                     {"sh", "-c", "id"},
		"bash":                                   {"bash", "-c", "id"},
		"a shell by its path":                    {"/bin/sh", "-c", "id"},
		"busybox":                                {"busybox", "sh"},
		"a listed program by a path":             {"/tmp/df", "-P"},
		"env starts another program":             {"env", "sh", "-c", "id"},
		"env sets a variable":                    {"env", "-0", "A=b"},
		"env without zero bytes":                 {"env"},
		"find":                                   {"find", "/", "-delete"},
		"python":                                 {"python3", "-c", "1"},
		"timeout starts another program":         {"timeout", "1", "sh"},
		"node runs anything":                     {"node", "-e", "require('child_process')"},
		"node prints and does more":              {"node", "-e", "console.log(process.env.A);1"},
		"node reads a file":                      {"node", "x.js"},
		"printenv of everything":                 {"printenv"},
		"printenv of two":                        {"printenv", "A", "B"},
		"cat of a password file":                 {"cat", "/etc/shadow"},
		"cat of a service account":               {"cat", "/var/run/secrets/kubernetes.io/serviceaccount/token"},
		"cat of an environment":                  {"cat", "/proc/1/environ"},
		"cat of a root of a process":             {"cat", "/proc/1/root/etc/hosts"},
		"cat of memory":                          {"cat", "/proc/1/mem"},
		"cat through dots":                       {"cat", "/etc/../etc/shadow"},
		"cat of its input":                       {"cat"},
		"df with an option that nobody knows":    {"df", "--output=source"},
		"nc that sends":                          {"nc", "db", "5432"},
		"nc that listens":                        {"nc", "-z", "-l", "80"},
		"ps with environments":                   {"ps", "eww"},
		"top that waits for keys":                {"top"},
		"redis: a stored value":                  {"redis-cli", "GET", "session"},
		"redis: keys":                            {"redis-cli", "KEYS", "*"},
		"redis: a change":                        {"redis-cli", "FLUSHALL"},
		"redis: a changed setting":               {"redis-cli", "CONFIG", "SET", "requirepass", ""},
		"redis: a script":                        {"redis-cli", "--eval", "x.lua"},
		"redis: a password on the command line":  {"redis-cli", "-a", "x", "PING"},
		"redis: nothing to say":                  {"redis-cli", "-h", "redis"},
		"curl that reads its config":             {"curl", "-s", "--proto", "=http,https", "http://a/"},
		"curl that speaks anything":              {"curl", "-q", "http://a/"},
		"curl that posts":                        curl("-d", "x", "http://a/"),
		"curl that deletes":                      curl("-X", "DELETE", "http://a/"),
		"curl that uploads":                      curl("-T", "/etc/passwd", "http://a/"),
		"curl that writes a file":                curl("-o", "/tmp/x", "http://a/"),
		"curl that writes a file by its format":  curl("-w", "%output{/tmp/x}", "http://a/"),
		"curl that reads a file as its format":   curl("-w", "@/etc/passwd", "http://a/"),
		"curl that follows redirects":            curl("-L", "http://a/"),
		"curl that reads a config":               curl("-K", "/tmp/x", "http://a/"),
		"curl to a file":                         curl("file:///etc/passwd"),
		"curl to metadata":                       curl("http://169.254.169.254/latest/meta-data/"),
		"curl to two places":                     curl("http://a/", "http://b/"),
		"curl with a password":                   curl("http://u:p@a/"),
		"curl that expands":                      curl("http://a/{b,c}"),
		"wget that follows redirects":            {"wget", "--no-config", "-O", "-", "http://a/"},
		"wget that writes":                       {"wget", "--no-config", "--max-redirect=0", "http://a/"},
		"wget that posts":                        {"wget", "--no-config", "--max-redirect=0", "-O", "-", "--post-file=/etc/passwd", "http://a/"},
		"psql without the transaction":           {"psql", "-X", "-w", "-c", "SELECT 1"},
		"psql that reads a file":                 psql(func(a []string) []string { return append(a, "-f", "x.sql") }),
		"psql with a fifth question":             psql(func(a []string) []string { return append(a, "-c", "DROP TABLE x") }),
		"psql that ends the transaction itself":  psql(func(a []string) []string { a[len(a)-3] = "COMMIT; DROP TABLE x"; return a }),
		"psql that runs a program":               psql(func(a []string) []string { a[len(a)-3] = `\! id`; return a }),
		"psql that writes a file":                psql(func(a []string) []string { a[len(a)-3] = `\o /tmp/x`; return a }),
		"psql that may write":                    psql(func(a []string) []string { a[slices.Index(a, "BEGIN READ ONLY")] = "BEGIN"; return a }),
		"psql that commits":                      psql(func(a []string) []string { a[len(a)-1] = "COMMIT"; return a }),
		"psql without its time limit":            psql(func(a []string) []string { a[slices.Index(a, psqlLimit)] = "SELECT 1"; return a }),
		"psql with a file of variables":          psql(func(a []string) []string { a[1] = "-q"; return a }),
		"psql that ends a session":               psql(func(a []string) []string { a[len(a)-3] = "SELECT pg_terminate_backend(1)"; return a }),
		"psql that reads a file of the server":   psql(func(a []string) []string { a[len(a)-3] = `SELECT "pg_read_file"('/etc/passwd')`; return a }),
		"psql that shows passwords":              psql(func(a []string) []string { a[len(a)-3] = "TABLE pg_shadow"; return a }),
		"pg_isready to where a string says":      {"pg_isready", "-t", "5", "-d", "host=169.254.169.254"},
		"pg_isready to an address":               {"pg_isready", "-d", "postgres://x@169.254.169.254/"},
		"pg_isready with an option as a value":   {"pg_isready", "-U", "-d"},
		"psql to where a connection string says": psql(func(a []string) []string { a[slices.Index(a, "-d")+1] = "host=evil dbname=x"; return a }),
		"psql to a URL":                          psql(func(a []string) []string { a[slices.Index(a, "-d")+1] = "postgres://evil/x"; return a }),
		"psql on another socket":                 psql(func(a []string) []string { a[slices.Index(a, "-h")+1] = "/tmp/x"; return a }),
		"psql that hides a quote in dollars":     psql(func(a []string) []string { a[len(a)-3] = "SELECT $$'$$; COMMIT; DROP TABLE x; SELECT $$'$$"; return a }),
		"psql that hides a quote in a comment":   psql(func(a []string) []string { a[len(a)-3] = "SELECT 1 --'\n; COMMIT; DROP TABLE x --'"; return a }),
		"psql that hides it in a block comment": psql(func(a []string) []string {
			a[len(a)-3] = "SELECT 1 /*'*/; COMMIT; DROP TABLE x; SELECT 1 /*'*/"
			return a
		}),
		"psql that copies to a program":      psql(func(a []string) []string { a[len(a)-3] = "COPY (SELECT 1) TO PROGRAM 'id'"; return a }),
		"psql that runs a block":             psql(func(a []string) []string { a[len(a)-3] = "DO 'BEGIN END'"; return a }),
		"curl that sends a file as headers":  curl("-H", "@/etc/passwd", "http://a/"),
		"curl whose second format is a file": curl("-w", "x", "-w", "@/etc/passwd", "http://a/"),
		"wget that empties a file":           {"wget", "--no-config", "--max-redirect=0", "--spider", "-O", "/data/x", "http://a/"},
		"cat through a process's directory":  {"cat", "/proc/1/cwd/secret"},
		"cat through an open file":           {"cat", "/proc/self/fd/7"},
		"a zero byte":                        {"df", "-P", "/a\x00b"},
		"an empty argument":                  {"df", ""},
	}
	for name, argv := range refused {
		if _, err := permitted(argv); KindOf(err) != Invalid || !strings.Contains(err.Error(), "nothing was run") {
			t.Errorf("%s: %q was not refused: %v", name, argv, err)
		}
	}
	allowed := map[string][]string{
		"psql":                   PsqlArgv("db", "5432", "app", "shop", "SELECT 1;"),
		"psql without a host":    PsqlArgv("", "", "", "", "SELECT * FROM pg_stat_activity"),
		"psql with a ; in quote": PsqlArgv("", "", "", "", "SELECT ';'"),
		"psql in lines":          PsqlArgv("", "", "", "", "WITH a AS (\n SELECT now() - query_start AS d FROM pg_stat_activity)\nSELECT d->>'x', 4 / 2, 'it''s -- $1' FROM a;"),
		"psql explains":          PsqlArgv("", "", "", "", "explain select 1"),
		"psql lists":             PsqlArgv("", "", "", "", `\l`),
		"redis":                  {"redis-cli", "-t", "5", "-h", "redis", "config", "get", "*"},
		"curl":                   curl("-I", "--max-time", "8", "-w", "%{http_code}", "https://[2001:db8::1]/health"),
		"wget":                   {"wget", "--no-config", "--max-redirect=0", "-O", "-", "-T", "5", "http://a/"},
		"cat":                    {"cat", "/etc/resolv.conf", "/proc/meminfo", "/sys/fs/cgroup/memory.max", "/proc/1/limits"},
		"df":                     {"df", "-P", "-k", "/data"},
		"dig":                    {"dig", "@10.0.0.10", "db", "A", "+time=2"},
	}
	for name, argv := range allowed {
		if _, err := permitted(argv); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestWhatOfOutputMayLeave(t *testing.T) {
	t.Parallel()
	activity := PsqlArgv("", "", "", "", "SELECT pid, left(query, 20) FROM pg_stat_activity")
	tests := []struct {
		name      string
		argv      []string
		out, want string
	}{
		{"an environment whose values have lines", []string{"env", "-0"}, "B=1\x00A=-----BEGIN KEY-----\nMIIEvQ=\nFOO=bar\x00NO\x00", "A\nB"},
		{"a value with a password that holds @ and /", []string{"printenv", "X"}, "postgres://app:p@ss/w@rd@db.example.org:5432/shop?sslmode=require\n", "postgres://app@db.example.org:5432/shop"},
		{"a JDBC address", []string{"printenv", "X"}, "jdbc:postgresql://db:5432/shop?user=app&password=hunter2\n", "postgresql://db:5432/shop"},
		{"a libpq string", []string{"printenv", "X"}, "host=db port=5432 dbname=shop user=app password=hunter2\n", "postgres://app@db:5432/shop"},
		{"several hosts", []string{"printenv", "X"}, "mongodb+srv://u:p@a.example.org:1,b.example.org:2/shop\n", "mongodb+srv://u@a.example.org:1,b.example.org:2/shop"},
		{"a webhook's path is its secret", []string{"printenv", "X"}, "https://hooks.slack.com/services/T000/B000/XXXXXXXX\n", "https://hooks.slack.com"},
		{"a user of another scheme is a token", []string{"printenv", "X"}, "https://ghp_0123456789@github.com/x\n", "https://github.com"},
		{"anything else", []string{"printenv", "X"}, "hunter2\n", "set"},
		{"nothing", []string{"printenv", "X"}, "", "not set"},
		{"blank", []string{"printenv", "X"}, " \n", "empty"},
		{"undefined", []string{"node", "-e", "console.log(process.env.X)"}, "undefined\n", "not set"},
		{"cells with tabs and lines", PsqlArgv("", "", "", "", "SELECT 1"), "a\x1fb\x1e1\t2\x1f3\n4\n", "a\tb\n1 2\t3 4"},
		{"a title in front", PsqlArgv("", "", "", "", `\l`), "List of databases\x1eName\x1fOwner\x1eshop\x1fapp\n", "Name\tOwner\nshop\tapp"},
		{"no rows", PsqlArgv("", "", "", "", "SELECT 1"), "a\x1fb\n", "a\tb"},
		{"queries under their own name", PsqlArgv("", "", "", "", "SELECT * FROM pg_stat_activity"), "pid\x1fquery\x1e7\x1fUPDATE x SET y='hunter2'\n", "pid\tquery\n7\t[not shown]"},
		{"queries under another name", activity, "pid\x1fleft\x1e7\x1f x WHERE y='hunter2'\n", "pid\tleft\n7\t[not shown]"},
		{"states beside queries stay", activity, "pid\x1fstate\x1e7\x1fidle in transaction\n", "pid\tstate\n7\tidle in transaction"},
		{"settings of Redis", []string{"redis-cli", "config", "get", "*"}, "requirepass\nhunter2\nmasterauth\n\nport\n6379", "requirepass\n[redacted]\nmasterauth\n\nport\n6379"},
		{"command lines of processes", []string{"ps", "-ef"}, "UID   PID  PPID  CMD\nroot    1     0  node server.js --token hunter2\nroot   12     1  sh\n", "UID   PID  PPID  CMD\nroot    1     0  node …\nroot   12     1  sh\n"},
	}
	for _, tt := range tests {
		p, err := permitted(tt.argv)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if got := p.keep(tt.argv, tt.out); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAnAnswerOfAnotherContainerIsNone(t *testing.T) {
	t.Parallel()
	pod := func(uid, container string) *corev1.Pod {
		return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{UID: types.UID(uid)}, Status: corev1.PodStatus{
			ContainerStatuses: []corev1.ContainerStatus{{Name: "app", ContainerID: container}}}}
	}
	tests := []struct {
		name string
		now  *corev1.Pod
		err  error
		kind Kind
	}{
		{"the same", pod("1", "a"), nil, ""},
		{"restarted", pod("1", "b"), nil, Conflict},
		{"another pod of the name", pod("2", "a"), nil, Conflict},
		{"gone", nil, apierrors.NewNotFound(schema.GroupResource{Resource: "pods"}, "x"), Conflict},
		{"nobody can tell", nil, context.DeadlineExceeded, Timeout},
	}
	for _, tt := range tests {
		err := (&Cluster{}).stillThere(execTarget{pod: "x", container: "app", uid: "1", containerID: "a", read: func() (*corev1.Pod, error) { return tt.now, tt.err }})
		if KindOf(err) != tt.kind || (tt.kind == "") != (err == nil) {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

func TestExitCodesAreReadFromEveryRuntime(t *testing.T) {
	t.Parallel()
	tests := []struct {
		text, stderr string
		code         int
		kind         Kind
	}{
		{"command terminated with exit code 3", "", 3, ""},
		{"Internal error occurred: error executing command in container: exit status 22", "", 22, ""},
		{`Internal error occurred: OCI runtime exec failed: exec failed: unable to start container process: exec: "psql": executable file not found in $PATH: unknown`, "", 0, NoProgram},
		{`error executing command in container: exec: "/x": stat /x: no such file or directory`, "", 0, NoProgram},
		{"command terminated with exit code 127", "OCI runtime exec failed: exec: \"psql\": executable file not found in $PATH", 127, NoProgram},
		{"command terminated with exit code 127", "what the program itself says", 127, ""},
		{`unable to upgrade connection: container not found ("app")`, "", 0, NotRunning},
		{`unable to upgrade connection: pods "x" is forbidden: ValidatingAdmissionPolicy 'svcdown-exec' with binding 'svcdown-exec' denied request: no shell`, "", 0, Forbidden},
		{"something that nobody has seen", "", 0, Internal},
	}
	for _, tt := range tests {
		r := ExecResult{Stderr: redact.Clean(tt.stderr)}
		err := r.ended(t.Context(), execTarget{}, "psql", execTime, errors.New(tt.text))
		if r.ExitCode != tt.code || KindOf(err) != tt.kind || (tt.kind == "") != (err == nil) {
			t.Errorf("%s: code %d, %v", tt.text, r.ExitCode, err)
		}
	}
	r := ExecResult{}
	if err := r.ended(t.Context(), execTarget{}, "psql", execTime, utilexec.CodeExitError{Code: 7}); err != nil || r.ExitCode != 7 {
		t.Errorf("a code in the stream's own protocol: %d, %v", r.ExitCode, err)
	}
}
