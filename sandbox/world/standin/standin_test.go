package standin_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/svcdown/svcdown/sandbox/world/condition"
	"github.com/svcdown/svcdown/sandbox/world/marketplace"
	"github.com/svcdown/svcdown/sandbox/world/standin"
)

// inside is a well world as seen from a container of a kind.
func inside(kind marketplace.Kind, change ...func(*standin.View)) standin.View {
	v := standin.View{Namespace: "shop", Pod: "pod-1", PodIP: "10.130.0.9", Kind: kind, DatabaseDisk: 41, CacheDisk: 12, Serving: true, Health: 200}
	for i, s := range marketplace.Services() {
		v.Peers = append(v.Peers, standin.Peer{Name: s.KubeService, IP: "10.96.0.1" + string(rune('0'+i)), Port: int(s.Port), Up: true, Kind: s.Kind})
	}
	for _, c := range change {
		c(&v)
	}
	return v
}

func down(kind marketplace.Kind) func(*standin.View) {
	return func(v *standin.View) {
		for i := range v.Peers {
			if v.Peers[i].Kind == kind {
				v.Peers[i].Up = false
			}
		}
	}
}

func database(variant string) func(*standin.View) {
	return func(v *standin.View) { v.Database = variant }
}

func run(t *testing.T, v standin.View, command ...string) (out, errOut string, code int) {
	t.Helper()
	program, ok := standin.Lookup(command[0])
	if !ok {
		t.Fatalf("there is no stand-in %s", command[0])
	}
	var stdout, stderr bytes.Buffer
	code = program(standin.Call{
		Args: command[1:], View: v, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr,
		Env: []string{"DATABASE_URL=postgres://db", "LOG_LEVEL=info", standin.ViewVariable + "={}"},
	})
	return stdout.String(), stderr.String(), code
}

func TestProgramsAnswerAsTheRealOnes(t *testing.T) {
	t.Parallel()
	backend, frontend, postgres, redis := inside(marketplace.Backend), inside(marketplace.Frontend), inside(marketplace.Database), inside(marketplace.Cache)
	full := func(v *standin.View) { v.DatabaseDisk, v.CacheDisk = 100, 100 }
	for name, c := range map[string]struct {
		view    standin.View
		command []string
		out     string // contained in stdout
		errOut  string // contained in stderr
		code    int
	}{
		"psql selects over the network":           {backend, []string{"psql", "-h", "postgres-primary-service", "-U", "postgres", "-d", "web3marketplace", "-c", "SELECT 1;"}, " ?column? \n----------\n        1\n(1 row)\n", "", 0},
		"psql takes letters written together":     {postgres, []string{"psql", "-XwqtAU", "postgres", "-cSELECT 1"}, "1\n", "", 0},
		"psql runs several -c in one session":     {postgres, []string{"psql", "-U", "postgres", "-c", "BEGIN READ ONLY", "-c", "SET LOCAL statement_timeout='5s'", "-c", "SHOW transaction_read_only", "-c", "ROLLBACK"}, "BEGIN\nSET\n transaction_read_only \n-----------------------\n on\n(1 row)\n\nROLLBACK\n", "", 0},
		"psql refuses to write when read-only":    {postgres, []string{"psql", "-U", "postgres", "-v", "ON_ERROR_STOP=1", "-c", "BEGIN READ ONLY", "-c", "DELETE FROM orders", "-c", "SELECT 1"}, "BEGIN\n", "ERROR:  cannot execute DELETE in a read-only transaction\n", 1},
		"psql goes on after an error by default":  {postgres, []string{"psql", "-q", "-U", "postgres", "-c", "SELECT * FROM nothing", "-c", "SELECT 2"}, "        2\n", `relation "nothing" does not exist`, 0},
		"psql knows the replication view":         {postgres, []string{"psql", "-U", "postgres", "--csv", "-c", "SELECT state, sync_state FROM pg_stat_replication"}, "state,sync_state\nstreaming,async\n", "", 0},
		"psql separates records as told":          {postgres, []string{"psql", "-qAU", "postgres", "-F", "|", "-R", ";", "-P", "footer=off", "-c", "SELECT state, sync_state FROM pg_stat_replication"}, "state|sync_state;streaming|async\n", "", 0},
		"psql counts by state":                    {postgres, []string{"psql", "-U", "postgres", "--csv", "-c", "SELECT state, count(*) FROM pg_stat_activity GROUP BY state;"}, "state,count\nidle,10\n,6\nactive,1\n", "", 0},
		"psql orders what the usual runbook asks": {postgres, []string{"psql", "-U", "postgres", "--csv", "-c", "SELECT usename, client_addr, application_name, backend_start FROM pg_stat_activity ORDER BY backend_start DESC LIMIT 20;"}, "usename,client_addr,application_name,backend_start\npostgres,", "", 0},
		"psql names what it cannot do":            {postgres, []string{"psql", "-U", "postgres", "-c", "SELECT pid FROM pg_stat_activity ORDER BY pid"}, "", "feature not supported", 1},
		"psql will not pretend to filter":         {postgres, []string{"psql", "-U", "postgres", "-c", "SELECT pid FROM pg_stat_activity WHERE state = 'active'"}, "", "ERROR:  ", 1},
		"psql does not know the option":           {backend, []string{"psql", "--frobnicate"}, "", "psql: unrecognized option '--frobnicate'\npsql: hint: Try \"psql --help\" for more information.\n", 1},
		"psql misses an argument":                 {backend, []string{"psql", "-c"}, "", "psql: option requires an argument -- 'c'", 1},
		"psql cannot resolve the host":            {backend, []string{"psql", "-h", "nowhere", "-c", "SELECT 1"}, "", `could not translate host name "nowhere" to address: Name or service not known`, 2},
		"psql is refused":                         {inside(marketplace.Backend, down(marketplace.Database)), []string{"psql", "-h", "postgres-primary-service", "-U", "postgres", "-c", "SELECT 1"}, "", "port 5432 failed: Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?", 2},
		"psql finds all connections taken":        {inside(marketplace.Backend, database(condition.Saturated)), []string{"psql", "-h", "postgres-primary-service", "-U", "postgres", "-c", "SELECT 1"}, "", "FATAL:  sorry, too many clients already", 2},
		"psql has no server in its own pod":       {backend, []string{"psql", "-c", "SELECT 1"}, "", `connection to server on socket "/var/run/postgresql/.s.PGSQL.5432" failed: No such file or directory`, 2},
		"psql does not know the role":             {postgres, []string{"psql", "-c", "SELECT 1"}, "", `FATAL:  role "root" does not exist`, 2},
		"psql cannot write to a full disk":        {inside(marketplace.Database, full), []string{"psql", "-U", "postgres", "-c", "INSERT INTO orders VALUES (1)"}, "", "No space left on device\nHINT:  Check free disk space.", 1},
		"pg_isready accepts":                      {postgres, []string{"pg_isready", "-U", "postgres"}, "/var/run/postgresql:5432 - accepting connections\n", "", 0},
		"pg_isready is rejected at start":         {inside(marketplace.Database, database(condition.Starting)), []string{"pg_isready"}, "rejecting connections", "", 1},
		"pg_isready gets no response":             {inside(marketplace.Database, database(condition.Refused)), []string{"pg_isready"}, "no response", "", 2},
		"pg_isready counts saturation as life":    {inside(marketplace.Database, database(condition.Saturated)), []string{"pg_isready"}, "accepting connections", "", 0},
		"pg_isready does not know the option":     {postgres, []string{"pg_isready", "-Z"}, "", "pg_isready: invalid option -- 'Z'", 3},
		"redis-cli pings":                         {redis, []string{"redis-cli", "ping"}, "PONG\n", "", 0},
		"redis-cli pings from elsewhere":          {backend, []string{"redis-cli", "-h", "redis-master-service", "ping"}, "PONG\n", "", 0},
		"redis-cli shows one section":             {redis, []string{"redis-cli", "info", "memory"}, "# Memory\r\nused_memory:", "", 0},
		"redis-cli matches settings":              {redis, []string{"redis-cli", "config", "get", "max*"}, "maxclients\n10000\nmaxmemory\n419430400\nmaxmemory-policy\nallkeys-lru\n", "", 0},
		"redis-cli finds nobody":                  {inside(marketplace.Cache, func(v *standin.View) { v.Cache = condition.Refused }), []string{"redis-cli", "ping"}, "", "Could not connect to Redis at 127.0.0.1:6379: Connection refused", 1},
		"redis-cli hears that it loads":           {inside(marketplace.Cache, func(v *standin.View) { v.Cache = condition.Loading }), []string{"redis-cli", "ping"}, "LOADING Redis is loading the dataset in memory", "", 0},
		"redis-cli hears of the full disk":        {inside(marketplace.Cache, full), []string{"redis-cli", "ping"}, "MISCONF Redis is configured to save RDB snapshots", "", 0},
		"redis-cli does not know the option":      {redis, []string{"redis-cli", "--frobnicate", "ping"}, "", "Unrecognized option or bad number of args for: '--frobnicate'", 1},
		"redis knows no such command":             {redis, []string{"redis-cli", "frob", "x"}, "ERR unknown command 'frob', with args beginning with: 'x' ", "", 0},
		"curl shows headers":                      {frontend, []string{"curl", "-I", "http://backend-service:3000/health"}, "HTTP/1.1 200 OK\r\n", "", 0},
		"curl writes out":                         {backend, []string{"curl", "-s", "-o", "/dev/null", "-w", `%{http_code}\n`, "https://api.external-service.com/health"}, "200\n", "", 0},
		"curl fails on an error status":           {inside(marketplace.Backend, down(marketplace.Backend)), []string{"curl", "-fsS", "https://api.web3marketplace.com/health"}, "", "curl: (22) The requested URL returned error: 503", 22},
		"curl is refused":                         {inside(marketplace.Frontend, down(marketplace.Backend)), []string{"curl", "http://backend-service:3000/"}, "", "curl: (7) Failed to connect to backend-service port 3000", 7},
		"curl cannot resolve":                     {backend, []string{"curl", "http://nowhere.example/"}, "", "curl: (6) Could not resolve host: nowhere.example", 6},
		"curl runs out of time":                   {inside(marketplace.Frontend, func(v *standin.View) { v.Delay = time.Hour }), []string{"curl", "-m", "0.05", "http://backend-service:3000/health"}, "", "curl: (28) Operation timed out after 50 milliseconds", 28},
		"curl tells of TLS":                       {backend, []string{"curl", "-sSv", "https://api.external-service.com/health"}, `{"status":"ok"}`, "*  expire date: ", 0},
		"curl does not know the option":           {backend, []string{"curl", "--frobnicate", "x"}, "", "curl: option --frobnicate: is unknown\ncurl: try 'curl --help' or 'curl --manual' for more information\n", 2},
		"curl misses the format file":             {backend, []string{"curl", "-w", "@curl-format.txt", "http://x"}, "", "curl: Failed to open curl-format.txt", 26},
		"curl writes no file":                     {backend, []string{"curl", "-o", "/tmp/x", "https://web3marketplace.com/"}, "", "curl: (23)", 23},
		"wget prints the page":                    {frontend, []string{"wget", "-qO-", "http://backend-service:3000/health"}, `{"status":"ok"}`, "", 0},
		"wget of GNU keeps from redirects":        {frontend, []string{"wget", "--no-config", "--max-redirect=0", "-qO-", "http://backend-service:3000/health"}, `{"status":"ok"}`, "", 0},
		"wget of BusyBox cannot":                  {redis, []string{"wget", "--no-config", "-qO-", "http://backend-service:3000/health"}, "", "wget: unrecognized option '--no-config'", 2},
		"wget does not know the option":           {frontend, []string{"wget", "--frobnicate"}, "", "wget: unrecognized option '--frobnicate'", 2},
		"node prints the environment":             {backend, []string{"node", "-e", "console.log(process.env.DATABASE_URL)"}, "postgres://db\n", "", 0},
		"node prints what is not there":           {backend, []string{"node", "-p", "process.env['NOPE']"}, "undefined\n", "", 0},
		"node does not know the option":           {backend, []string{"node", "--frobnicate"}, "", "node: bad option: --frobnicate", 9},
		"node runs nothing else":                  {backend, []string{"node", "-e", "require('child_process').execSync('id')"}, "", "SyntaxError", 1},
		"df shows a volume":                       {postgres, []string{"df", "-h", "/var/lib/postgresql/data"}, "/dev/nvme1n1     49G   21G   29G  41% /var/lib/postgresql/data\n", "", 0},
		"df shows a full volume":                  {inside(marketplace.Database, full), []string{"df", "-h", "/var/lib/postgresql/data"}, " 100% /var/lib/postgresql/data\n", "", 0},
		"df is portable":                          {postgres, []string{"df", "-P", "-k", "/var/lib/postgresql/data"}, "1024-blocks       Used  Available Capacity Mounted on\n", "", 0},
		"df does not know the option":             {postgres, []string{"df", "--frobnicate"}, "", "df: unrecognized option '--frobnicate'\nTry 'df --help' for more information.\n", 1},
		"df does not know the path":               {postgres, []string{"df", "/nope"}, "", "df: /nope: No such file or directory", 1},
		"ls lists the build":                      {frontend, []string{"ls", "-la", "/app/.next/"}, "BUILD_ID\n", "", 0},
		"ls finds nothing under an empty volume":  {inside(marketplace.Frontend, func(v *standin.View) { v.Emptied = []string{"/app/.next"} }), []string{"ls", "/app/.next/"}, "", "", 0},
		"curl follows the hosts file":             {inside(marketplace.Backend, func(v *standin.View) { v.Hosts = map[string]string{"api.external-service.com": "127.0.0.1"} }), []string{"curl", "-sS", "https://api.external-service.com/health"}, "", "curl: (7) ", 7},
		"ls does not know the path":               {backend, []string{"ls", "/app/.next/"}, "", "ls: cannot access '/app/.next/': No such file or directory", 2},
		"ls does not know the option":             {backend, []string{"ls", "-Z9"}, "", "ls: invalid option -- 'Z'", 2},
		"cat reads a file":                        {backend, []string{"cat", "/etc/resolv.conf"}, "nameserver 10.96.0.10\n", "", 0},
		"cat does not find a file":                {backend, []string{"cat", "/etc/shadow"}, "", "cat: /etc/shadow: No such file or directory", 1},
		"env hides how it knows the world":        {backend, []string{"env"}, "DATABASE_URL=postgres://db\nLOG_LEVEL=info\n", "", 0},
		"env runs a program":                      {backend, []string{"env", "LOG_LEVEL=debug", "printenv", "LOG_LEVEL"}, "debug\n", "", 0},
		"printenv misses a variable":              {backend, []string{"printenv", "NOPE"}, "", "", 1},
		"nslookup finds a service":                {backend, []string{"nslookup", "redis-master-service"}, "Name:\tredis-master-service.shop.svc.cluster.local\n", "", 0},
		"nslookup finds nothing":                  {backend, []string{"nslookup", "nope"}, "** server can't find nope: NXDOMAIN", "", 1},
		"nc connects":                             {backend, []string{"nc", "-zv", "-w", "2", "redis-master-service", "6379"}, "", "succeeded!", 0},
		"nc is refused":                           {inside(marketplace.Backend, down(marketplace.Cache)), []string{"nc", "-zv", "redis-master-service", "6379"}, "", "port 6379 (tcp) failed: Connection refused", 1},
		"ps lists processes":                      {backend, []string{"ps", "aux"}, "node dist/main.js", "", 0},
		"ps does not know the option":             {backend, []string{"ps", "--frobnicate"}, "", "error: unsupported option", 1},
		"top runs in batch mode":                  {backend, []string{"top", "-b", "-n1"}, "Tasks:", "", 0},
		"top needs a terminal otherwise":          {backend, []string{"top"}, "", "top: failed tty get", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, errOut, code := run(t, c.view, c.command...)
			if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errOut, c.errOut) {
				t.Errorf("%q\n got code %d\nstdout %q\nstderr %q\nwant code %d\nstdout %q\nstderr %q", c.command, code, out, errOut, c.code, c.out, c.errOut)
			}
			if c.out == "" && out != "" && code != 0 {
				t.Errorf("%q failed and yet printed %q", c.command, out)
			}
		})
	}
}

func TestEveryProgramRefusesAnUnknownOption(t *testing.T) {
	t.Parallel()
	for _, name := range standin.Names() {
		out, errOut, code := run(t, inside(marketplace.Backend), name, "--no-such-option", "x")
		if code == 0 || errOut == "" || out != "" {
			t.Errorf("%s --no-such-option: code %d, stdout %q, stderr %q; want a complaint and nothing else", name, code, out, errOut)
		}
	}
}

func TestNoProgramShowsTheView(t *testing.T) {
	t.Parallel()
	for _, command := range [][]string{{"env"}, {"env", "-0"}, {"printenv"}, {"printenv", standin.ViewVariable}, {"node", "-p", "process.env." + standin.ViewVariable}} {
		out, _, _ := run(t, inside(marketplace.Backend), command...)
		if strings.Contains(out, standin.ViewVariable) || strings.Contains(out, "{}") {
			t.Errorf("%q prints %q", command, out)
		}
	}
}

func TestParseViewSaysWhatIsMissing(t *testing.T) {
	t.Parallel()
	if _, err := standin.ParseView(""); err == nil || !strings.Contains(err.Error(), "run through exec") {
		t.Errorf("no view: %v", err)
	}
	if _, err := standin.ParseView("{"); err == nil {
		t.Error("half a view was taken for one")
	}
	got, err := standin.ParseView(`{"namespace":"shop","kind":"cache","health":503}`)
	if diff := cmp.Diff(standin.View{Namespace: "shop", Kind: marketplace.Cache, Health: 503}, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func FuzzPrograms(f *testing.F) {
	f.Add(uint8(11), "-cSELECT 1\x00-U\x00postgres")
	f.Add(uint8(1), "-sw\x00%{http_code}\x00http://localhost:3000/health")
	f.Add(uint8(12), "-h\x00redis-master-service\x00config\x00get\x00[")
	f.Fuzz(func(t *testing.T, which uint8, joined string) {
		names := standin.Names()
		name := names[int(which)%len(names)]
		program, _ := standin.Lookup(name)
		var out bytes.Buffer
		code := program(standin.Call{Args: strings.Split(joined, "\x00"), View: inside(marketplace.Backend), Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out})
		if code < 0 || code > 255 {
			t.Errorf("%s %q: exit code %d", name, joined, code)
		}
	})
}
