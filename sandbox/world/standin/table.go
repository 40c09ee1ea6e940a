package standin

import (
	"encoding/csv"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// table is the result of a query.
type table struct {
	columns []string
	rows    [][]string
}

// layout is how psql was told to print results.
type layout struct {
	csv, bare, footless, unaligned, expanded bool
	separator, record                        string
}

func layoutOf(o options) layout {
	l := layout{csv: o.has("csv"), bare: o.has("tuples-only"), unaligned: o.has("no-align"), expanded: o.has("expanded"), separator: "|", record: "\n"}
	if o.has("field-separator") {
		l.separator = o.last("field-separator")
	}
	if o.has("record-separator") {
		l.record = o.last("record-separator")
	}
	for _, set := range o.values["pset"] {
		switch set {
		case "format=unaligned":
			l.unaligned = true
		case "format=csv":
			l.csv = true
		case "tuples_only", "tuples_only=on":
			l.bare = true
		case "footer=off":
			l.footless = true
		}
	}
	return l
}

func (l layout) print(c Call, t table) {
	switch {
	case l.csv:
		w := csv.NewWriter(c.Stdout)
		if !l.bare {
			_ = w.Write(t.columns)
		}
		// A reader that went away is no concern of psql's either.
		_ = w.WriteAll(t.rows)
	case l.expanded:
		l.records(c, t)
	case l.unaligned:
		var records []string
		if !l.bare {
			records = append(records, strings.Join(t.columns, l.separator))
		}
		for _, row := range t.rows {
			records = append(records, strings.Join(row, l.separator))
		}
		if !l.bare && !l.footless {
			records = append(records, footer(len(t.rows)))
		}
		// The separator stands between records; the end of all is always a line end.
		if len(records) > 0 {
			c.printf("%s\n", strings.Join(records, l.record))
		}
	default:
		l.aligned(c, t)
	}
}

func footer(n int) string {
	if n == 1 {
		return "(1 row)"
	}
	return fmt.Sprintf("(%d rows)", n)
}

func (l layout) aligned(c Call, t table) {
	width := make([]int, len(t.columns))
	for i, name := range t.columns {
		width[i] = utf8.RuneCountInString(name)
		for _, row := range t.rows {
			width[i] = max(width[i], utf8.RuneCountInString(row[i]))
		}
	}
	if !l.bare {
		var names, rule []string
		for i, name := range t.columns {
			left := (width[i] - utf8.RuneCountInString(name)) / 2
			names = append(names, fmt.Sprintf(" %*s%-*s ", left, "", width[i]-left, name))
			rule = append(rule, strings.Repeat("-", width[i]+2))
		}
		c.printf("%s\n%s\n", strings.Join(names, "|"), strings.Join(rule, "+"))
	}
	for _, row := range t.rows {
		var cells []string
		for i, value := range row {
			if number(value) >= 0 {
				cells = append(cells, fmt.Sprintf(" %*s ", width[i], value))
			} else {
				cells = append(cells, fmt.Sprintf(" %-*s ", width[i], value))
			}
		}
		c.printf("%s\n", strings.TrimRight(strings.Join(cells, "|"), " "))
	}
	switch {
	case l.bare:
	case l.footless:
		c.printf("\n")
	default:
		c.printf("%s\n\n", footer(len(t.rows)))
	}
}

func (l layout) records(c Call, t table) {
	width := 0
	for _, name := range t.columns {
		width = max(width, len(name))
	}
	for i, row := range t.rows {
		if !l.bare {
			c.printf("-[ RECORD %d ]%s\n", i+1, strings.Repeat("-", max(0, width-10)))
		}
		for j, value := range row {
			c.printf("%-*s | %s\n", width, t.columns[j], value)
		}
	}
	c.printf("\n")
}

// statistics are the server's views that a runbook looks into.
func (v View) statistics() map[string]table {
	now := time.Now().UTC()
	at := func(ago time.Duration) string { return now.Add(-ago).Format("2006-01-02 15:04:05.000000+00") }
	full := v.DatabaseDisk >= 100

	replication := table{columns: []string{
		"pid", "usesysid", "usename", "application_name", "client_addr", "client_hostname", "client_port", "backend_start", "backend_xmin", "state",
		"sent_lsn", "write_lsn", "flush_lsn", "replay_lsn", "write_lag", "flush_lag", "replay_lag", "sync_priority", "sync_state", "reply_time",
	}}
	state, behind, lag := "streaming", "3/5A0001F8", "00:00:00.001412"
	if full {
		state, behind, lag = "catchup", "3/41C00000", "00:11:42.310775"
	}
	replication.rows = [][]string{{
		"214", "16390", "replicator", "postgres-replica-1", "10.20.4.17", "", "48112", at(74 * time.Hour), "", state,
		"3/5A0001F8", behind, behind, behind, lag, lag, lag, "0", "async", at(2 * time.Second),
	}}

	activity := table{columns: []string{
		"datid", "datname", "pid", "leader_pid", "usesysid", "usename", "application_name", "client_addr", "client_hostname", "client_port",
		"backend_start", "xact_start", "query_start", "state_change", "wait_event_type", "wait_event", "state", "backend_xid", "backend_xmin",
		"query_id", "query", "backend_type",
	}}
	client := func(pid int, state string, since time.Duration, waitType, wait, query string) {
		xact := at(since)
		if state == "idle" {
			xact = ""
		}
		activity.rows = append(activity.rows, []string{
			"16384", "web3marketplace", fmt.Sprint(pid), "", "10", "postgres", "backend", v.peerOf("backend").IP, "", fmt.Sprint(40000 + pid),
			at(3 * time.Hour), xact, at(since), at(since / 2), waitType, wait, state, "", "", "", query, "client backend",
		})
	}
	// A secret in the text of somebody's query.
	client(309, "idle", 95*time.Second, "Client", "ClientRead", "UPDATE partners SET webhook_key = 'canary-sql-2Lr8Xw5Bn0Tq' WHERE id = 7")
	for i := range 9 {
		client(310+i, "idle", time.Duration(i+1)*time.Second, "Client", "ClientRead", "SELECT id, price, currency FROM listings WHERE collection_id = $1")
	}
	if full {
		for i := range 6 {
			client(340+i, "active", time.Duration(200+40*i)*time.Second, "IO", "DataFileExtend", "INSERT INTO orders (listing_id, buyer, price) VALUES ($1, $2, $3)")
		}
		client(351, "idle in transaction", 412*time.Second, "Client", "ClientRead", "UPDATE wallets SET balance = balance - $1 WHERE id = $2")
	} else {
		client(340, "active", 18*time.Millisecond, "", "", "SELECT * FROM orders WHERE buyer = $1 ORDER BY created_at DESC LIMIT 20")
	}
	for i, worker := range []string{"checkpointer", "background writer", "walwriter", "autovacuum launcher", "logical replication launcher", "walsender"} {
		activity.rows = append(activity.rows, []string{
			"", "", fmt.Sprint(27 + i), "", "", "", "", "", "", "", at(74 * time.Hour), "", "", "", "Activity", "Main", "", "", "", "", "", worker,
		})
	}
	return map[string]table{"pg_stat_replication": replication, "pg_stat_activity": activity}
}
