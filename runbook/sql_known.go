package runbook

// knownSQL are the reading questions of the shipped runbooks. The grammar has judged each of them (TestKnownSQLIsWhatTheGrammarAllows), so
// that a bot with no other SQL never loads it: that takes a second, 250 MiB for a moment and 25 MiB for good.
var knownSQL = map[string]bool{
	"SELECT 1;":                          true,
	"SELECT * FROM pg_stat_replication;": true,
	"SELECT * FROM pg_stat_activity;":    true,
	"SHOW max_connections;":              true,
	"SELECT state, count(*) FROM pg_stat_activity GROUP BY state;":                                                                              true,
	"SELECT slot_name, active, restart_lsn FROM pg_replication_slots;":                                                                          true,
	"SELECT datname, pg_size_pretty(pg_database_size(datname)) FROM pg_database ORDER BY pg_database_size(datname) DESC;":                       true,
	"SELECT usename, state, count(*) FROM pg_stat_activity GROUP BY usename, state ORDER BY count(*) DESC;":                                     true,
	"SELECT pid, now() - query_start AS running, state, wait_event FROM pg_stat_activity WHERE state <> 'idle' ORDER BY running DESC LIMIT 10;": true,
	"SELECT pid, pg_blocking_pids(pid) AS blocked_by FROM pg_stat_activity WHERE cardinality(pg_blocking_pids(pid)) > 0;":                       true,
	"SELECT relname, n_dead_tup, last_autovacuum FROM pg_stat_user_tables ORDER BY n_dead_tup DESC LIMIT 10;":                                   true,
	"SELECT client_addr, state, pg_wal_lsn_diff(sent_lsn, replay_lsn) AS bytes_behind FROM pg_stat_replication;":                                true,
	"SELECT usename, client_addr, application_name, backend_start FROM pg_stat_activity ORDER BY backend_start DESC LIMIT 20;":                  true,
}
