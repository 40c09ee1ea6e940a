package steps_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/realtool"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
	"github.com/svcdown/svcdown/steps"
)

// container answers every program in the same way and remembers what it was asked.
type container struct {
	steps.Cluster // only exec is asked here
	answers       []k8sops.ExecResult
	err           error
	requests      []k8sops.ExecRequest
	// external are the Services that lead out of the cluster, by NAMESPACE/NAME; unreadable says why none can be read.
	external   map[string]string
	unreadable error
}

func (c *container) ExternalName(_ context.Context, namespace, service string) (string, error) {
	return c.external[namespace+"/"+service], c.unreadable
}

func (c *container) Exec(_ context.Context, _ catalog.Service, r k8sops.ExecRequest) (k8sops.ExecResult, error) {
	c.requests = append(c.requests, r)
	if c.err != nil {
		return k8sops.ExecResult{}, c.err
	}
	return c.answers[min(len(c.requests), len(c.answers))-1], nil
}

func inside(c *container) *steps.Runner {
	redis := catalog.Service{Name: "redis", Cluster: "production", Namespace: namespace, KubernetesService: "redis-master-service"}
	postgres := catalog.Service{Name: "postgres", Cluster: "production", Namespace: namespace, KubernetesService: "postgres-primary-service"}
	elsewhere := catalog.Service{Name: "search", Cluster: "production", Namespace: "search", KubernetesService: "search-service", Health: []string{"https://search.example.org/health"}}
	cat := &catalog.Catalog{Services: []catalog.Service{backend, redis, postgres, elsewhere}, Probes: catalog.Probes{AllowedHosts: []string{"api.example.org:443", "db.example.org"}}}
	return steps.New(func(string) (steps.Cluster, error) { return c, nil }, func() *catalog.Catalog { return cat }, nil)
}

func said(stdout, stderr string, code int) []k8sops.ExecResult {
	return []k8sops.ExecResult{{Pod: "backend-1", Container: "backend", Stdout: redact.Clean(stdout), Stderr: redact.Clean(stderr), ExitCode: code, Took: 30 * time.Millisecond}}
}

const in = "kubectl exec deployment/backend-deployment -- "

func TestWhatProgramsSayIsReadIntoFindings(t *testing.T) {
	t.Parallel()
	replica := "application_name\tclient_addr\tstate\tsent_lsn\treplay_lsn\treplay_lag\n"
	activity := "pid\tusename\tapplication_name\tstate\tquery_start\txact_start\tstate_change\twait_event_type\tquery\tbackend_type\n"
	const at = "2026-11-24 15:00:"
	report := "\nsvcdown-transfer: 200 0.0012 0.0019 0.0113 0.020 0.021\n"
	tests := []struct {
		name, command string
		answers       []k8sops.ExecResult
		status        finding.Status
		line          string
	}{
		{"postgres answers", "psql -h postgres-primary-service -U postgres -c 'SELECT 1;'", said("?column?\n1", "", 0), finding.OK, "Postgres at postgres-primary-service answers 1, in 30ms"},
		{"a figure", "psql -c 'SELECT count(*) FROM orders'", said("count\n17", "", 0), finding.OK, "Postgres in backend-deployment answers: count is 17"},
		{"rows", "psql -l", said("Name\tOwner\na\tb\nc\td", "", 0), finding.OK, "answers: 2 rows"},
		{"no password", "psql -c 'SELECT 1'", said("", "psql: error: fe_sendauth: no password supplied", 2), finding.Unknown, "asks for a password"},
		{"the wrong password", "psql -c 'SELECT 1'", said("", `psql: error: FATAL:  password authentication failed for user "postgres"`, 2), finding.Unknown, "asks for a password"},
		{"refused", "psql -h postgres-primary-service -c 'SELECT 1'", said("", "connection to server at … failed: Connection refused\n\tIs the server running on that host?", 2), finding.Fail, "refuses connections"},
		{"starting", "psql -c 'SELECT 1'", said("", "FATAL:  the database system is starting up", 2), finding.Fail, "is starting up"},
		{"saturated", "psql -c 'SELECT 1'", said("", "FATAL:  sorry, too many clients already", 2), finding.Fail, "takes no more connections"},
		{"unresolved", "psql -h postgres-primary-service -c 'SELECT 1'", said("", `could not translate host name "x" to address`, 2), finding.Fail, "does not resolve"},
		{"slow", "psql -c 'SELECT 1'", said("", "ERROR:  canceling statement due to statement timeout", 3), finding.Fail, "within 5 s"},
		{"no such view", "psql -c 'SELECT * FROM pg_stat_wal'", said("", `ERROR:  relation "pg_stat_wal" does not exist`, 3), finding.Unknown, "does not answer this question"},
		{"an old psql", "psql -c 'SELECT 1'", said("", "psql: invalid option -- 'R'", 1), finding.Unknown, "does not know how it was asked"},
		{"replication", "psql -c 'SELECT * FROM pg_stat_replication'", said(replica+"r1\t10.0.0.1\tstreaming\t3/5A0001F8\t3/5A0001F8\t00:00:00.001412", "", 0), finding.OK, "1 replica: r1 streaming, 1ms behind"},
		{"a replica that is late", "psql -c 'SELECT * FROM pg_stat_replication'", said(replica+"r0\t\tstreaming\t1/0\t1/0\t\nr1\t\tcatchup\t3/5A0001F8\t3/41C00000\t00:11:42.310775", "", 0), finding.Fail, "2 replicas: r1 catchup, 11m42s behind (388 MiB); r0 streaming"},
		{"a replica that is a little late", "psql -c 'SELECT * FROM pg_stat_replication'", said(replica+"r1\t\tstreaming\t1/0\t1/0\t00:00:45", "", 0), finding.Warn, "45s behind"},
		{"a replica that is days late", "psql -c 'SELECT * FROM pg_stat_replication'", said(replica+"r1\t\tstreaming\t1/0\t1/0\t3 days 02:00:00", "", 0), finding.Fail, "3 days behind"},
		{"no replica", "psql -c 'SELECT * FROM pg_stat_replication'", said(strings.TrimSpace(replica), "", 0), finding.Warn, "no replica is connected"},
		{"activity", "psql -c 'SELECT * FROM pg_stat_activity'", said(activity+"1\tapp\tapi\tidle\t"+at+"01+00\t\t"+at+"01+00\tClient\t\tclient backend\n2\tapp\tapi\tactive\t"+at+"02.5+00\t\t"+at+"02.5+00\t\t\tclient backend\n3\t\t\t\t\t\t\t\t\tcheckpointer\n4\tme\tpsql\tactive\t"+at+"04+00\t\t"+at+"04+00\t\t\tclient backend", "", 0),
			finding.OK, "3 connections: 2 active, 1 idle; longest query 1.5s; nobody waits for a lock"},
		{"locks", "psql -c 'SELECT * FROM pg_stat_activity'", said(activity+"2\tapp\tapi\tactive\t2026-11-24 14:50:00+00\t\t"+at+"02+00\tLock\t\tclient backend\n4\tme\tpsql\tactive\t"+at+"00+00\t\t\t\t\tclient backend", "", 0),
			finding.Fail, "1 wait for a lock, the longest 10m"},
		{"an open transaction", "psql -c 'SELECT * FROM pg_stat_activity'", said(activity+"2\tapp\tapi\tidle in transaction\t"+at+"00+00\t2026-11-24 14:53:00+00\t"+at+"02+00\tClient\t\tclient backend", "", 0),
			finding.Warn, "a transaction is open and idle for 7m2s"},
		{"isready", "pg_isready", said("accepting connections", "", 0), finding.OK, "accepts connections"},
		{"isready, starting", "pg_isready", said("rejecting connections", "", 1), finding.Fail, "is starting up"},
		{"isready, gone", "pg_isready", said("no response", "", 2), finding.Fail, "does not respond"},
		{"isready, not tried", "pg_isready", said("", "pg_isready: error: x", 3), finding.Unknown, "did not try"},
		{"redis", "redis-cli ping", said("PONG\n", "", 0), finding.OK, "answers PONG in 30ms"},
		{"redis with a password", "redis-cli ping", said("NOAUTH Authentication required.\n", "", 0), finding.Unknown, "asks for a password"},
		{"redis with a password, the other way", "redis-cli ping", said("(error) NOAUTH Authentication required.\n", "", 0), finding.Unknown, "asks for a password"},
		{"redis loads", "redis-cli ping", said("LOADING Redis is loading the dataset in memory\n", "", 0), finding.Fail, "is loading"},
		{"redis cannot save", "redis-cli ping", said("MISCONF Redis is configured to save", "", 0), finding.Fail, "refuses writes"},
		{"redis is gone", "redis-cli -h redis-master-service ping", said("", "Could not connect to Redis at redis-master-service:6379: Connection refused", 1), finding.Fail, "cannot be reached"},
		{"memory", "redis-cli info memory", append(said("# Memory\r\nused_memory:100663296\r\nmaxmemory:419430400\r\nmaxmemory_policy:allkeys-lru\r\nmem_fragmentation_ratio:1.13", "", 0), said("evicted_keys:0", "", 0)...),
			finding.OK, "uses 96.0 MiB of 400 MiB (24%, allkeys-lru), fragmentation 1.13, nothing was evicted"},
		{"memory is full", "redis-cli info memory", append(said("used_memory:99\nmaxmemory:100\nmaxmemory_policy:noeviction", "", 0), said("evicted_keys:7", "", 0)...), finding.Fail, "(99%, noeviction), 7 keys evicted"},
		{"memory is fragmented", "redis-cli info memory", append(said("used_memory:100663296\nmaxmemory:0\nmem_fragmentation_ratio:2.5", "", 0), said("", "", 0)...), finding.Warn, "has no limit of its own"},
		{"settings", "redis-cli config get '*'", said("maxmemory\n419430400\nmaxmemory-policy\nallkeys-lru\nmasterauth\n[redacted]\nport\n6379", "", 0), finding.OK, "has 4 settings: maxmemory 400 MiB, maxmemory-policy allkeys-lru"},
		{"settings without a bound", "redis-cli config get maxmemory", said("maxmemory\n0", "", 0), finding.Warn, "maxmemory is not set"},
		{"curl", "curl -I https://api.example.org/health", said("HTTP/1.1 200 OK\r\n"+report, "*  expire date: "+time.Now().Add(70*24*time.Hour).UTC().Format("Jan _2 15:04:05 2006 GMT"), 0), finding.OK, "api.example.org/health answers 200 in 21ms, certificate until"},
		{"curl, old certificate", "curl -I https://api.example.org/health", said("HTTP/1.1 200 OK\r\n"+report, "*  expire date: "+time.Now().Add(3*24*time.Hour).UTC().Format("Jan _2 15:04:05 2006 GMT"), 0), finding.Warn, "(2 days)"},
		{"curl, timings", "curl -s -o /dev/null -w '%{time_total}' https://api.example.org/health", said("0.021"+report, "", 0), finding.OK, "DNS 1ms, connect 2ms, TLS 11ms, first byte 20ms, total 21ms"},
		{"curl, 503", "curl http://backend-service:3000/health", said("{}\nsvcdown-transfer: 503 0 0 0 0 0.004\n", "", 0), finding.Fail, "backend-service:3000/health answers 503 in 4ms"},
		{"curl, login", "curl http://backend-service:3000/", said("\nsvcdown-transfer: 401 0 0 0 0 0.004\n", "", 0), finding.Warn, "asks who we are"},
		{"curl, redirect", "curl http://backend-service:3000/", said("\nsvcdown-transfer: 302 0 0 0 0 0.004\n", "", 0), finding.Warn, "not followed"},
		{"curl, refused", "curl http://backend-service:3000/", said("\nsvcdown-transfer: 000 0 0 0 0 0.004\n", "curl: (7) Failed to connect", 7), finding.Fail, "refuses connections"},
		{"curl, too old", "curl http://backend-service:3000/", said("", "curl: option --proto: is unknown", 2), finding.Unknown, "does not know how it was asked"},
		{"wget", "wget -qO- http://backend-service:3000/health", said("ok", "  HTTP/1.1 200 OK\n", 0), finding.OK, "answers 200"},
		{"wget, 503", "wget -qO- http://backend-service:3000/health", said("", "HTTP request sent, awaiting response... 503\nERROR 503: x", 8), finding.Fail, "answers 503"},
		{"wget of BusyBox", "wget -qO- http://backend-service:3000/health", said("", "wget: unrecognized option '--no-config'", 1), finding.Unknown, "cannot be kept from following redirects"},
		{"df", "df -h /data", said("Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/x 51290592 21029142 30261450 41% /data", "", 0), finding.OK, "/data is 41% full (20.1 GiB of 48.9 GiB)"},
		{"df, filling", "df -h /data", said("h\n/dev/x 100 83 17 83% /data", "", 0), finding.Warn, "83% full"},
		{"df, full", "df -h", said("h\n/dev/y 100 3 97 3% /\n/dev/x 100 97 3 97% /data", "", 0), finding.Fail, "2 volumes: the fullest, /data is 97% full"},
		{"df, nothing there", "df -h /data", said("", "df: /data: No such file or directory", 1), finding.Fail, "does not exist"},
		{"df, inodes", "df -i /data", said("h\n/dev/x 1000 990 10 99% /data", "", 0), finding.Fail, "99% full of inodes (990 of 1000)"},
		{"ls", "ls -la /app/.next/", said("total 8\n-rw-r--r-- 1 root root 21 Nov 22 15:00 BUILD_ID\ndrwxr-xr-x 2 root root 4096 Nov 22 15:00 static", "", 0), finding.OK, "2 entries in /app/.next/"},
		{"ls, empty", "ls -la /app/.next/", said("total 0", "", 0), finding.Warn, "is empty"},
		{"ls, gone", "ls -la /app/.next/", said("", "ls: cannot access '/app/.next/': No such file or directory", 2), finding.Fail, "is not there"},
		{"cat", "cat /etc/hostname", said("backend-1\n", "", 0), finding.OK, "/etc/hostname: backend-1"},
		{"env", "env", said("A\nB", "", 0), finding.OK, "2 variables are set"},
		{"node", `node -e "console.log(process.env.DATABASE_URL)"`, said("postgres://app@db:5432/shop", "", 0), finding.OK, "DATABASE_URL leads to host db, port 5432, database shop, user app"},
		{"node, not set", `node -e "console.log(process.env.DATABASE_URL)"`, said("not set", "", 0), finding.Fail, "DATABASE_URL is not set"},
		{"printenv", "printenv A B", append(said("set", "", 0), said("not set", "", 1)...), finding.Fail, "A is set; B is not set"},
		{"nslookup", "nslookup redis-master-service", said("Server:\t\t10.96.0.10\nAddress:\t10.96.0.10#53\n\nName:\tx\nAddress: 10.96.0.13\n\n", "", 0), finding.OK, "redis-master-service resolves to 10.96.0.13"},
		{"nslookup, gone", "nslookup nope", said("Server:\t\t10.96.0.10\nAddress:\t10.96.0.10#53\n\n** server can't find nope: NXDOMAIN", "", 1), finding.Fail, "nope does not resolve"},
		{"dig", "dig redis-master-service", said("; <<>> DiG\n;; ANSWER SECTION:\nx. 30 IN A 10.96.0.13\n;; SERVER: 10.96.0.10#53", "", 0), finding.OK, "resolves to 10.96.0.13"},
		{"nc", "nc -zv redis-master-service 6379", said("", "succeeded!", 0), finding.OK, "redis-master-service:6379 accepts connections"},
		{"nc, refused", "nc -zv redis-master-service 6379", said("", "nc: connect to x port 6379 (tcp) failed: Connection refused", 1), finding.Fail, "does not accept connections"},
		{"ps", "ps aux", said("USER PID COMMAND\nroot 1 node …\n", "", 0), finding.OK, "1 process run"},
		{"top", "top -b -n 1", said("top - 1:2:3 up, load average: 0.42, 0.38, 0.35\nPID COMMAND\n1 x\n2 y\n", "", 0), finding.OK, "2 processes run in backend-deployment, load of the node 0.42, 0.38, 0.35"},
	}
	for _, tt := range tests {
		got := inside(&container{answers: tt.answers}).Run(t.Context(), backend, bound(t, in+tt.command)).Finding
		if got.Status != tt.status || !strings.Contains(got.Line.String(), tt.line) {
			t.Errorf("%s: %s: %q, want %s: %q", tt.name, got.Status, got.Line, tt.status, tt.line)
		}
		if (got.Status == finding.Unknown || got.Status == finding.Fail) && got.Fix.Empty() && tt.status == finding.Unknown {
			t.Errorf("%s: no fix", tt.name)
		}
	}
}

func bound(t *testing.T, command string) runbook.Step {
	t.Helper()
	step, err := runbook.Bind(stepOf(t, command), backend, nil)
	if err != nil {
		t.Fatal(err)
	}
	return step
}

func TestStepsBecomeArgumentLists(t *testing.T) {
	t.Parallel()
	tests := map[string][]string{
		"psql -h postgres-primary-service -U postgres -d shop -c 'SELECT 1;'": k8sops.PsqlArgv("postgres-primary-service", "", "postgres", "shop", "SELECT 1;"),
		"psql -l":                                k8sops.PsqlArgv("", "", "", "", `\l`),
		"pg_isready":                             {"pg_isready", "-t", "5"},
		"redis-cli -h redis-master-service ping": {"redis-cli", "-t", "5", "-h", "redis-master-service", "PING"},
		"redis-cli config get '*'":               {"redis-cli", "-t", "5", "CONFIG", "GET", "*"},
		"env":                                    {"env", "-0"},
		"printenv":                               {"env", "-0"},
		`node -p "process.env.A"`:                {"node", "-e", "console.log(process.env.A)"},
		"df -h /data":                            {"df", "-P", "-k", "/data"},
		"ls -la /app":                            {"ls", "-A", "-l", "/app"},
		"nc -zv redis-master-service 6379":       {"nc", "-z", "-v", "-w", "5", "redis-master-service", "6379"},
		"dig db.example.org":                     {"dig", "+time=2", "+tries=1", "db.example.org"},
		"wget -qO- http://backend-service:3000/": {"wget", "--no-config", "--max-redirect=0", "-T", "5", "-t", "1", "-S", "-O", "-", "http://backend-service:3000/"},
		"curl -I http://backend-service":         {"curl", "-q", "-s", "-S", "-v", "--proto", "=http,https", "--max-time", "5", "-I", "-w", `\nsvcdown-transfer: %{http_code} %{time_namelookup} %{time_connect} %{time_appconnect} %{time_starttransfer} %{time_total}\n`, "http://backend-service"},
	}
	for command, want := range tests {
		c := &container{answers: said("", "", 0)}
		inside(c).Run(t.Context(), backend, bound(t, in+command))
		if len(c.requests) != 1 {
			t.Errorf("%s: %d programs were run", command, len(c.requests))
			continue
		}
		if diff := cmp.Diff(want, c.requests[0].Argv); diff != "" {
			t.Errorf("%s (-want +got):\n%s", command, diff)
		}
		if r := c.requests[0]; r.Namespace != namespace || r.Kind != "deployments" || r.Name != "backend-deployment" {
			t.Errorf("%s: asked in %s/%s in %s", command, r.Kind, r.Name, r.Namespace)
		}
	}
}

// Passwords of the container's environment go to whom psql and redis-cli connect: hosts are held to the catalogue.
func TestOnlyKnownHostsAreConnectedTo(t *testing.T) {
	t.Parallel()
	allowed := []string{
		"curl http://backend-service:3000/health", "curl http://backend-service." + namespace + ".svc.cluster.local:3000/", "curl http://localhost:3001/", "curl http://127.0.0.1:9/",
		"curl https://api.example.org/x", "psql -h db.example.org -c 'SELECT 1'", "redis-cli -h redis-master-service ping", "curl https://search.example.org/other",
		"curl http://search-service.search/", "nc -z redis-master-service 6379", "nslookup anything.example.net", "pg_isready", "psql -c 'SELECT 1'",
	}
	for _, command := range allowed {
		c := &container{answers: said("", "", 0)}
		inside(c).Run(t.Context(), backend, bound(t, in+command))
		if len(c.requests) == 0 {
			t.Errorf("%s was not asked", command)
		}
	}
	for _, command := range []string{
		"curl https://evil.example.net/", "curl http://search-service/", "curl http://api.example.org:8080/", "curl http://10.96.0.1/",
		"wget -qO- http://evil.example.net/", "psql -h evil.example.net -c 'SELECT 1'", "pg_isready -h evil.example.net", "redis-cli -h evil.example.net ping",
		"nc -z evil.example.net 443", "nslookup redis-master-service evil.example.net", "dig @evil.example.net redis-master-service", "redis-cli -h backend-service.evil ping",
	} {
		c := &container{answers: said("", "", 0)}
		got := inside(c).Run(t.Context(), backend, bound(t, in+command)).Finding
		if len(c.requests) > 0 || got.Status != finding.Unknown || got.Fix.Empty() || !strings.Contains(got.Line.String(), "was not asked") {
			t.Errorf("%s was asked %d times: %s: %s", command, len(c.requests), got.Status, got.Line)
		}
	}
}

func TestAServiceThatLeadsAwayIsNotConnectedTo(t *testing.T) {
	t.Parallel()
	const redis = namespace + "/redis-master-service"
	for name, tc := range map[string]struct {
		external   map[string]string
		unreadable error
		refusal    string
	}{
		"to nowhere outside":                  {nil, nil, ""},
		"to an allowed host":                  {map[string]string{redis: "db.example.org"}, nil, ""},
		"to a stranger":                       {map[string]string{redis: "evil.example.net"}, nil, "it leads to evil.example.net"},
		"to the cloud's metadata by its name": {map[string]string{redis: "metadata.google.internal"}, nil, "it leads to metadata.google.internal"},
		"to an address as a name":             {map[string]string{redis: "169.254.169.254.nip.io"}, nil, "it leads to 169.254.169.254.nip.io"},
		"to the container itself":             {map[string]string{redis: "localhost"}, nil, "it leads to localhost"},
		"to another Service that leads away":  {map[string]string{redis: "search-service.search.svc.cluster.local", "search/search-service": "evil.example.net"}, nil, "Service search-service was not asked: it leads to evil.example.net"},
		"to where nobody can tell":            {nil, errors.New("forbidden"), "cannot be told: forbidden"},
	} {
		for _, command := range []string{"redis-cli -h redis-master-service ping", "nc -z redis-master-service." + namespace + ".svc 6379", "curl http://redis-master-service:6379/"} {
			c := &container{answers: said("", "", 0), external: tc.external, unreadable: tc.unreadable}
			got := inside(c).Run(t.Context(), backend, bound(t, in+command)).Finding
			if refused := tc.refusal != ""; refused == (len(c.requests) > 0) || refused && (got.Status != finding.Unknown || got.Fix.Empty() || !strings.Contains(got.Line.String(), tc.refusal)) {
				t.Errorf("%s, %s: asked %d times: %s: %s", name, command, len(c.requests), got.Status, got.Line)
			}
		}
	}
}

func TestWhyThereIsNoAnswerIsUnknownWithAFix(t *testing.T) {
	t.Parallel()
	tests := []struct {
		kind k8sops.Kind
		line string
		fix  string
	}{
		{k8sops.NoProgram, "has no psql", "Add psql to the image"},
		{k8sops.Forbidden, "may not run psql", "exec.enabled"},
		{k8sops.NotRunning, "Could not ask deployment/backend-deployment", "previous log"},
		{k8sops.NotFound, "Could not ask", "Correct the runbook"},
		{k8sops.Conflict, "Could not ask", "Ask again"},
		{k8sops.Timeout, "gave no answer", "Ask again"},
		{k8sops.Invalid, "could not be run", "Run it by hand: kubectl exec"},
		{k8sops.Internal, "could not be run", "Run it by hand: kubectl exec"},
	}
	for _, tt := range tests {
		c := &container{err: &k8sops.Error{Kind: tt.kind, Op: "run psql", Message: redact.Const("So it is.")}}
		got := inside(c).Run(t.Context(), backend, bound(t, in+"psql -c 'SELECT 1'")).Finding
		if got.Status != finding.Unknown || !strings.Contains(got.Line.String(), tt.line) || !strings.Contains(got.Fix.String(), tt.fix) || got.Check != "exec psql" {
			t.Errorf("%s: %s: %q, fix %q", tt.kind, got.Status, got.Line, got.Fix)
		}
	}
}

func TestAnOldRedisCLIIsAskedWithoutWhatItDoesNotKnow(t *testing.T) {
	t.Parallel()
	c := &container{answers: append(said("", "Unrecognized option or bad number of args for: '-t'", 1), said("PONG", "", 0)...)}
	got := inside(c).Run(t.Context(), backend, bound(t, in+"redis-cli ping")).Finding
	if got.Status != finding.OK || len(c.requests) != 2 || !cmp.Equal(c.requests[1].Argv, []string{"redis-cli", "PING"}) {
		t.Errorf("%s: %s, asked %+v", got.Status, got.Line, c.requests)
	}
}

func TestRawIsWhatTheProgramPrintsThroughItsPipes(t *testing.T) {
	t.Parallel()
	table := said("pid\tstate\n1\tidle\n22\tactive", "", 0)
	tests := []struct {
		name, command string
		answers       []k8sops.ExecResult
		raw           string
	}{
		{"a table", "psql -c 'SELECT pid, state FROM pg_stat_activity'", table, " pid | state\n-----+--------\n 1   | idle\n 22  | active\n(2 rows)\n"},
		{"a table through grep and awk", "psql -c 'SELECT pid, state FROM pg_stat_activity' | grep active | awk '{print $1}'", table, "22\n"},
		{"curl without what we asked besides", "curl -I http://backend-service/", said("HTTP/1.1 200 OK\r\nServer: x\r\n\r\n\nsvcdown-transfer: 200 0 0 0 0 0\n", "* Connected\n> HEAD / HTTP/1.1", 0), "HTTP/1.1 200 OK\nServer: x\n\n"},
		{"df through tail", "df -h /data | tail -1", said("head\n/dev/x 100 3 97 3% /data\n", "", 0), "/dev/x 100 3 97 3% /data\n"},
	}
	for _, tt := range tests {
		if got := inside(&container{answers: tt.answers}).Run(t.Context(), backend, bound(t, in+tt.command)).Raw.String(); got != tt.raw {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.raw)
		}
	}
}

// here runs argument lists on this computer with the real programs.
type here struct{ steps.Cluster }

func (here) Exec(ctx context.Context, _ catalog.Service, r k8sops.ExecRequest) (k8sops.ExecResult, error) {
	start := time.Now()
	ended, err := realtool.Run(ctx, nil, "", r.Argv...)
	if err != nil {
		return k8sops.ExecResult{}, fmt.Errorf("(apt-get install curl wget) %w", err)
	}
	return k8sops.ExecResult{Stdout: redact.Clean(ended.Stdout), Stderr: redact.Clean(ended.Stderr), ExitCode: ended.Code, Took: time.Since(start)}, nil
}

func TestTheRealCurlAndWgetAreRead(t *testing.T) {
	t.Parallel()
	answers := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/broken":
			w.WriteHeader(503)
		case "/away":
			http.Redirect(w, r, "http://169.254.169.254/latest/meta-data/", http.StatusFound)
		default:
			fmt.Fprint(w, `{"status":"ok"}`)
		}
	})
	plain, secure := httptest.NewServer(answers), httptest.NewTLSServer(answers)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	gone := httptest.NewServer(answers)
	gone.Close()
	until := "certificate until " + secure.Certificate().NotAfter.UTC().Format("2006-01-02")
	r := steps.New(func(string) (steps.Cluster, error) { return here{}, nil },
		func() *catalog.Catalog { return &catalog.Catalog{Services: []catalog.Service{backend}} }, nil)
	tests := []struct {
		command string
		status  finding.Status
		line    string
		raw     string
	}{
		{"curl -I " + plain.URL + "/health", finding.OK, "answers 200 in", "HTTP/1.1 200 OK"},
		{"curl -s " + plain.URL + "/health | jq -r .status", finding.OK, "answers 200 in", "ok"},
		{"curl -k -I " + secure.URL + "/health", finding.OK, until, "200"},
		{`curl -k -w '%{http_code}\n' -o /dev/null -s ` + secure.URL + "/health", finding.OK, "first byte", "200"},
		{"curl " + secure.URL + "/health", finding.Fail, "certificate is not trusted", "curl: (60)"},
		{"curl -f " + plain.URL + "/broken", finding.Fail, "answers 503", ""},
		{"curl " + plain.URL + "/away", finding.Warn, "not followed", ""},
		{"curl " + gone.URL, finding.Fail, "refuses connections", "curl: (7)"},
		{"wget -qO- " + plain.URL + "/health", finding.OK, "answers 200", `{"status":"ok"}`},
		{"wget -qO- " + plain.URL + "/broken", finding.Fail, "answers 503", ""},
		{"wget -qO- " + plain.URL + "/away", finding.Warn, "not followed", ""},
	}
	for _, tt := range tests {
		got := r.Run(t.Context(), backend, bound(t, in+tt.command))
		if got.Finding.Status != tt.status || !strings.Contains(got.Finding.Line.String(), tt.line) || !strings.Contains(got.Raw.String(), tt.raw) || strings.Contains(got.Raw.String(), "svcdown-transfer") {
			t.Errorf("%s: %s: %q, raw %q", tt.command, got.Finding.Status, got.Finding.Line, got.Raw)
		}
	}
}
