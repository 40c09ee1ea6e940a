package steps_test

import (
	"testing"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
)

func TestAnswersOfProgramsAreFactsForTheDiagnosis(t *testing.T) {
	t.Parallel()
	replica := "application_name\tclient_addr\tstate\tsent_lsn\treplay_lsn\treplay_lag"
	const curled = "\nsvcdown-transfer: "
	for name, tt := range map[string]struct {
		command string
		answers []k8sops.ExecResult
		want    finding.Kind
	}{
		"a database that answers":            {"psql -h postgres-primary-service -c 'SELECT 1'", said("?column?\n1", "", 0), finding.DBAnswers},
		"one that refuses":                   {"psql -h postgres-primary-service -c 'SELECT 1'", said("", "Connection refused\n\tIs the server running on that host?", 2), finding.DBRefusing},
		"one that is starting":               {"psql -c 'SELECT 1'", said("", "FATAL:  the database system is starting up", 2), finding.DBRefusing},
		"one that is full of clients":        {"psql -c 'SELECT 1'", said("", "FATAL:  sorry, too many clients already", 2), finding.DBConnections},
		"one without space":                  {"psql -c 'SELECT 1'", said("", "FATAL:  could not write: No space left on device", 2), finding.DiskFull},
		"one whose name is not known":        {"psql -h postgres-primary-service -c 'SELECT 1'", said("", `could not translate host name "x" to address`, 2), finding.DNSFailing},
		"one that asks for a password":       {"psql -c 'SELECT 1'", said("", "psql: error: fe_sendauth: no password supplied", 2), ""},
		"one that lacks the database":        {"psql -c 'SELECT 1'", said("", `FATAL:  database "x" does not exist`, 2), finding.DBAnswers},
		"pg_isready":                         {"pg_isready", said("accepting connections", "", 0), finding.DBAnswers},
		"pg_isready without a response":      {"pg_isready", said("no response", "", 2), finding.DBRefusing},
		"pg_isready that was asked wrongly":  {"pg_isready", said("", "pg_isready: error: x", 3), ""},
		"a replica in sync":                  {"psql -c 'SELECT * FROM pg_stat_replication'", said(replica+"\nr1\t\tstreaming\t1/0\t1/0\t", "", 0), finding.ReplicasInSync},
		"a replica that is late":             {"psql -c 'SELECT * FROM pg_stat_replication'", said(replica+"\nr1\t\tcatchup\t1/0\t1/0\t00:11:42", "", 0), finding.ReplicationLag},
		"no replica, which may be meant":     {"psql -c 'SELECT * FROM pg_stat_replication'", said(replica, "", 0), finding.DBAnswers},
		"Redis that answers":                 {"redis-cli ping", said("PONG\n", "", 0), finding.RedisAnswers},
		"Redis that loads":                   {"redis-cli ping", said("LOADING Redis is loading the dataset in memory\n", "", 0), finding.RedisDown},
		"Redis that is gone":                 {"redis-cli -h redis-master-service ping", said("", "Could not connect to Redis at redis-master-service:6379: Connection refused", 1), finding.RedisDown},
		"Redis without a disk":               {"redis-cli ping", said("MISCONF Redis is configured to save RDB snapshots", "", 0), finding.DiskFull},
		"Redis with a password":              {"redis-cli ping", said("NOAUTH Authentication required.\n", "", 0), ""},
		"Redis with memory left":             {"redis-cli info memory", append(said("used_memory:10\nmaxmemory:100\nmaxmemory_policy:noeviction", "", 0), said("evicted_keys:0", "", 0)...), finding.RedisRoom},
		"Redis without":                      {"redis-cli info memory", append(said("used_memory:99\nmaxmemory:100\nmaxmemory_policy:noeviction", "", 0), said("evicted_keys:0", "", 0)...), finding.RedisMemory},
		"settings say nothing":               {"redis-cli config get '*'", said("maxmemory\n0", "", 0), ""},
		"a disk with room":                   {"df -h /data", said("h\n/dev/x 100 41 59 41% /data", "", 0), finding.DiskRoom},
		"a full one beside an empty one":     {"df -h", said("h\n/dev/y 100 3 97 3% /\n/dev/x 100 100 0 100% /data", "", 0), finding.DiskFull},
		"another service that answers":       {"curl -I http://backend-service:3000/health", said("HTTP/1.1 200 OK"+curled+"200 0 0 0 0 0.01", "", 0), finding.HostReached},
		"another service that refuses":       {"curl -I http://backend-service:3000/health", said(curled+"000 0 0 0 0 0", "curl: (7) Failed to connect", 7), finding.Unreachable},
		"another service with an error":      {"curl http://backend-service:3000/health", said("{}"+curled+"503 0 0 0 0 0.01", "", 0), finding.DependencyDown},
		"its own port is told by its probes": {"curl -I http://localhost:3001/", said(curled+"503 0 0 0 0 0.01", "", 0), ""},
		"a name that does not resolve":       {"nslookup nope", said("", "** server can't find nope: NXDOMAIN", 1), finding.DNSFailing},
		"a port that is open":                {"nc -zv redis-master-service 6379", said("", "succeeded!", 0), finding.HostReached},
		"a port that is closed":              {"nc -zv redis-master-service 6379", said("", "Connection refused", 1), finding.Unreachable},
		"a variable":                         {"printenv", said("A", "", 0), ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := inside(&container{answers: tt.answers}).Run(t.Context(), backend, bound(t, in+tt.command)).Finding
			switch {
			case tt.want == "" && len(got.Signals) == 0:
			case len(got.Signals) != 1 || got.Signals[0].Kind != tt.want || got.Signals[0].Object == "" || got.Signals[0].Detail.Empty():
				t.Errorf("got %+v of %s %q, want %q", got.Signals, got.Status, got.Line, tt.want)
			}
		})
	}
}
