package standin

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// report answers the questions of the usual database runbooks that have clauses, from the same state as the views; ok is false for any other.
// This server knows no SQL beyond them.
func (s *session) report(sql string) (answer table, ok bool) {
	views := s.call.View.statistics()
	activity, full := views["pg_stat_activity"], s.call.View.DatabaseDisk >= 100
	column := func(name string) int { return slices.Index(activity.columns, name) }
	switch strings.ToLower(sql) {
	case "select datname, pg_size_pretty(pg_database_size(datname)) from pg_database order by pg_database_size(datname) desc":
		size := "12 GB"
		if full {
			size = "41 GB"
		}
		return table{columns: []string{"datname", "pg_size_pretty"}, rows: [][]string{{"web3marketplace", size}, {"postgres", "7525 kB"}, {"template1", "7393 kB"}, {"template0", "7361 kB"}}}, true
	case "select usename, state, count(*) from pg_stat_activity group by usename, state order by count(*) desc":
		return activity.counted("usename", "state"), true
	case "select state, count(*) from pg_stat_activity group by state":
		return activity.counted("state"), true
	case "select pid, now() - query_start as running, state, wait_event from pg_stat_activity where state <> 'idle' order by running desc limit 10":
		out := table{columns: []string{"pid", "running", "state", "wait_event"}}
		for _, row := range activity.rows {
			if state := row[column("state")]; state != "" && state != "idle" {
				out.rows = append(out.rows, []string{row[column("pid")], since(row[column("query_start")]), state, row[column("wait_event")]})
			}
		}
		slices.SortFunc(out.rows, func(a, b []string) int { return cmp.Compare(b[1], a[1]) })
		out.rows = out.rows[:min(10, len(out.rows))]
		return out, true
	case "select pid, pg_blocking_pids(pid) as blocked_by from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0":
		return table{columns: []string{"pid", "blocked_by"}}, true
	case "select relname, n_dead_tup, last_autovacuum from pg_stat_user_tables order by n_dead_tup desc limit 10":
		return table{columns: []string{"relname", "n_dead_tup", "last_autovacuum"}, rows: [][]string{{"orders", "1204", ""}, {"listings", "311", ""}, {"wallets", "42", ""}}}, true
	case "select client_addr, state, pg_wal_lsn_diff(sent_lsn, replay_lsn) as bytes_behind from pg_stat_replication":
		state, behind := "streaming", "0"
		if full {
			state, behind = "catchup", "406849016"
		}
		return table{columns: []string{"client_addr", "state", "bytes_behind"}, rows: [][]string{{"10.20.4.17", state, behind}}}, true
	case "select slot_name, active, restart_lsn from pg_replication_slots":
		return table{columns: []string{"slot_name", "active", "restart_lsn"}, rows: [][]string{{"postgres_replica_1", "t", "3/5A0001F8"}}}, true
	case "select usename, client_addr, application_name, backend_start from pg_stat_activity order by backend_start desc limit 20":
		out := table{columns: []string{"usename", "client_addr", "application_name", "backend_start"}}
		for _, row := range activity.rows {
			out.rows = append(out.rows, []string{row[column("usename")], row[column("client_addr")], row[column("application_name")], row[column("backend_start")]})
		}
		slices.SortStableFunc(out.rows, func(a, b []string) int { return cmp.Compare(b[3], a[3]) })
		out.rows = out.rows[:min(20, len(out.rows))]
		return out, true
	}
	return table{}, false
}

// counted is SELECT by…, count(*) GROUP BY by… ORDER BY count(*) DESC.
func (t table) counted(by ...string) table {
	out := table{columns: append(slices.Clone(by), "count")}
	times := map[string]int{}
	var keys [][]string
	for _, row := range t.rows {
		var key []string
		for _, name := range by {
			key = append(key, row[slices.Index(t.columns, name)])
		}
		if times[strings.Join(key, "\x00")]++; times[strings.Join(key, "\x00")] == 1 {
			keys = append(keys, key)
		}
	}
	for _, key := range keys {
		out.rows = append(out.rows, append(key, fmt.Sprint(times[strings.Join(key, "\x00")])))
	}
	slices.SortStableFunc(out.rows, func(a, b []string) int { return cmp.Compare(number(b[len(by)]), number(a[len(by)])) })
	return out
}

// since is now() - at as Postgres prints an interval.
func since(at string) string {
	then, err := time.Parse("2006-01-02 15:04:05.000000+00", at)
	if err != nil {
		return ""
	}
	d := time.Since(then)
	return fmt.Sprintf("%02d:%02d:%09.6f", int(d.Hours()), int(d.Minutes())%60, d.Seconds()-float64(int(d.Minutes())*60))
}
