package steps

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// slowAnswer is when an answer is worth a warning, connecting to the container included.
const slowAnswer = 3 * time.Second

// rows are the cells of a psql answer, as k8sops hands them out.
type rows struct {
	columns []string
	cells   [][]string
}

func rowsOf(r k8sops.ExecResult) rows {
	var out rows
	for i, line := range strings.Split(r.Stdout.String(), "\n") {
		cells := strings.Split(line, "\t")
		if i == 0 {
			out.columns = cells
		} else if len(cells) == len(out.columns) { // the last one may have been cut off
			out.cells = append(out.cells, cells)
		}
	}
	return out
}

// at returns the cell of a row under a column, "" when there is no such column.
func (r rows) at(row []string, column string) string {
	for i, c := range r.columns {
		if c == column && i < len(row) {
			return row[i]
		}
	}
	return ""
}

func (r rows) has(columns ...string) bool {
	for _, want := range columns {
		found := false
		for _, c := range r.columns {
			found = found || c == want
		}
		if !found {
			return false
		}
	}
	return true
}

func judgePsql(op *runbook.Operation, answers []k8sops.ExecResult) finding.Finding {
	r := answers[0]
	server := postgresAt(op)
	if r.ExitCode > 0 {
		return noPostgres(server, op, r)
	}
	t := rowsOf(r)
	switch {
	case t.has("state", "sent_lsn", "replay_lsn"):
		return judgeReplication(t)
	case t.has("state", "query_start"):
		return judgeActivity(t)
	}
	f := found(finding.OK, redact.F("%s answers: %s", server, count(len(t.cells), "row", "rows")))
	if len(t.cells) == 1 && len(t.columns) == 1 {
		f.Line = redact.F("%s answers: %s is %s", server, t.columns[0], t.cells[0][0])
		if t.columns[0] == "?column?" {
			f.Line = redact.F("%s answers %s", server, t.cells[0][0])
		}
	} else if len(t.cells) > 0 {
		f.Evidence = []finding.Evidence{t.evidence(redact.Const("Answer"), nil, 10)}
	}
	if r.Took > slowAnswer {
		f.Status = finding.Warn
	}
	f.Line = redact.F("%s, in %s", f.Line, r.Took.Round(time.Millisecond))
	return f
}

func postgresAt(op *runbook.Operation) redact.Text {
	if host := op.Get("host"); host != "" {
		return redact.F("Postgres at %s", host)
	}
	return redact.F("Postgres in %s", op.Get("name"))
}

// refusals of libpq and the server, with what they mean. https://www.postgresql.org/docs/current/errcodes-appendix.html
var refusals = []struct {
	text   *regexp.Regexp
	status finding.Status
	means  redact.Text
	fix    redact.Text
}{
	{regexp.MustCompile(`no password supplied|password authentication failed|SCRAM|Peer authentication failed|Ident authentication failed|no pg_hba\.conf entry|certificate authentication failed`), finding.Unknown,
		redact.Const("is there, but asks for a password that the container does not have"), redact.Const("Write the user of the container's own application into the runbook, or give the container PGPASSWORD or a PGPASSFILE.")},
	{regexp.MustCompile(`role ".*" does not exist`), finding.Unknown, redact.Const("is there, but does not know the user"), redact.Const("Correct the user (-U) in the runbook.")},
	{regexp.MustCompile(`permission denied`), finding.Unknown, redact.Const("is there, but the user may not see this"), redact.Const("Grant the user pg_monitor, or ask as another one.")},
	{regexp.MustCompile(`could not translate host name`), finding.Fail, redact.Const("cannot be found: its name does not resolve"), redact.Const("Check the name, the Service and cluster DNS.")},
	{regexp.MustCompile(`too many clients already|remaining connection slots are reserved|too many connections`), finding.Fail,
		redact.Const("takes no more connections: all are in use"), redact.Const("See who holds them (pg_stat_activity) and restart what leaks them, or raise max_connections.")},
	{regexp.MustCompile(`the database system is (starting up|in recovery mode|not yet accepting connections)`), finding.Fail, redact.Const("is starting up and takes no connections yet"), redact.Const("Wait, and read its log when it takes long.")},
	{regexp.MustCompile(`the database system is shutting down`), finding.Fail, redact.Const("is shutting down"), redact.Const("Read its log and see who stops it.")},
	{regexp.MustCompile(`No space left on device`), finding.Fail, redact.Const("has no space left on its disk"), redact.Const("Make the volume larger, or make space on it.")},
	{regexp.MustCompile(`Connection refused|No such file or directory\s*Is the server running`), finding.Fail, redact.Const("refuses connections: nothing listens there"), redact.Const("See whether its pod runs and whether its Service has endpoints.")},
	{regexp.MustCompile(`timeout expired|timed out|No route to host|Network is unreachable`), finding.Fail, redact.Const("cannot be reached"), redact.Const("Look at network policies and at its node.")},
	{regexp.MustCompile(`database ".*" does not exist`), finding.Fail, redact.Const("answers, but has no such database"), redact.Const("Check its name, and whether this is the right server.")},
	{regexp.MustCompile(`statement timeout`), finding.Fail, redact.Const("did not answer the question within 5 s"), redact.Const("See what it is busy with (pg_stat_activity).")},
}

func noPostgres(server redact.Text, op *runbook.Operation, r k8sops.ExecResult) finding.Finding {
	if oldProgram(r) {
		return tooOld("psql", r)
	}
	text := r.Stderr.String()
	for _, known := range refusals {
		if known.text.MatchString(text) {
			f := found(known.status, redact.F("%s %s", server, known.means), finding.Evidence{Title: redact.Const("In its words"), Code: r.Stderr.Short(1500)})
			f.Fix = known.fix
			return f
		}
	}
	if r.ExitCode == 2 { // https://www.postgresql.org/docs/current/app-psql.html: the connection went bad
		return found(finding.Fail, redact.F("%s: no connection: %s", server, failure(r)))
	}
	return unknown(redact.F("%s is there and does not answer this question: %s", server, failure(r)), redact.F("Correct the SQL in the runbook: %s", op.Get("sql")))
}

// lag is a Postgres interval, "00:11:42.31", with days in front when there are any; ok is false for none.
func lag(s string) (d time.Duration, ok bool) {
	if s == "" {
		return 0, false
	}
	var days, hours, minutes int
	var seconds float64
	if before, after, found := strings.Cut(s, " day"); found {
		if _, err := fmt.Sscanf(before, "%d", &days); err != nil {
			return 0, false
		}
		_, s, _ = strings.Cut(after, " ")
	}
	if s != "" {
		if _, err := fmt.Sscanf(strings.ReplaceAll(s, ":", " "), "%d %d %f", &hours, &minutes, &seconds); err != nil {
			return 0, false
		}
	}
	return time.Duration(days)*24*time.Hour + time.Duration(hours)*time.Hour + time.Duration(minutes)*time.Minute + time.Duration(seconds*float64(time.Second)), true
}

// behind is how many bytes of the log lie between two places of it.
func behind(sent, replayed string) (int64, bool) {
	place := func(s string) (int64, bool) {
		var high, low int64
		_, err := fmt.Sscanf(strings.Replace(s, "/", " ", 1), "%X %X", &high, &low)
		return high<<32 | low, err == nil
	}
	a, ok := place(sent)
	b, also := place(replayed)
	return a - b, ok && also && a >= b
}

// A replica this far behind is a warning, or of no use for a failover.
const (
	lagWarns = 30 * time.Second
	lagFails = 5 * time.Minute
)

func judgeReplication(t rows) finding.Finding {
	if len(t.cells) == 0 {
		f := found(finding.Warn, redact.Const("no replica is connected: there is nothing to fail over to"))
		f.Fix = redact.Const("When there should be one, read the replica's log.")
		return f
	}
	worst := finding.OK
	var told []redact.Text
	for _, row := range t.cells {
		status, state := finding.OK, t.at(row, "state")
		line := redact.F("%s %s", first(t.at(row, "application_name"), t.at(row, "client_addr"), "a replica"), state)
		late, timed := lag(t.at(row, "replay_lag"))
		switch {
		case timed && late > lagFails:
			status = finding.Fail
		case state != "streaming" || late > lagWarns:
			status = finding.Warn
		}
		if timed {
			line = redact.F("%s, %s behind", line, short(late))
		}
		if n, ok := behind(t.at(row, "sent_lsn"), t.at(row, "replay_lsn")); ok && n > 1<<20 {
			line = redact.F("%s (%s)", line, size(n))
		}
		if status.Worse(worst) {
			worst, told = status, append([]redact.Text{line}, told...)
		} else {
			told = append(told, line)
		}
	}
	f := found(worst, redact.F("%s: %s", count(len(t.cells), "replica", "replicas"), redact.Join("; ", told[:min(3, len(told))]...)),
		t.evidence(redact.Const("Replicas"), []string{"application_name", "client_addr", "state", "sent_lsn", "replay_lsn", "replay_lag", "sync_state"}, 10))
	if worst != finding.OK {
		f.Fix = redact.Const("Look at the replica's disk and log, and at what writes so much; do not fail over to it.")
	}
	return f
}

// psqlTable is the answer as psql prints it.
func psqlTable(_ *runbook.Operation, r k8sops.ExecResult) redact.Text {
	if r.ExitCode > 0 {
		return r.Stderr
	}
	t := rowsOf(r)
	widths := make([]int, len(t.columns))
	for _, row := range append([][]string{t.columns}, t.cells...) {
		for i, c := range row {
			widths[i] = max(widths[i], len([]rune(c)))
		}
	}
	line := func(row []string) string {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = " " + c + strings.Repeat(" ", widths[i]-len([]rune(c))) + " "
		}
		return strings.TrimRight(strings.Join(cells, "|"), " ")
	}
	rule := make([]string, len(widths))
	for i, w := range widths {
		rule[i] = strings.Repeat("-", w+2)
	}
	out := []string{line(t.columns), strings.Join(rule, "+")}
	for _, row := range t.cells {
		out = append(out, line(row))
	}
	return redact.F("%s\n(%s)\n", strings.Join(out, "\n"), count(len(t.cells), "row", "rows"))
}

// evidence is a table of some columns (all when nil) and at most n rows.
func (r rows) evidence(title redact.Text, columns []string, n int) finding.Evidence {
	if columns == nil {
		columns = r.columns
	}
	t := &finding.Table{}
	for _, c := range columns {
		t.Columns = append(t.Columns, redact.Clean(c))
	}
	for _, row := range r.cells[:min(n, len(r.cells))] {
		var cells []redact.Text
		for _, c := range columns {
			cells = append(cells, redact.Clean(r.at(row, c)).Short(80))
		}
		t.Rows = append(t.Rows, cells)
	}
	return finding.Evidence{Title: title, Table: t}
}

func judgePgIsReady(op *runbook.Operation, answers []k8sops.ExecResult) finding.Finding {
	r, server := answers[0], postgresAt(op)
	// https://www.postgresql.org/docs/current/app-pg-isready.html
	switch r.ExitCode {
	case 0:
		return found(finding.OK, redact.F("%s accepts connections", server))
	case 1:
		f := found(finding.Fail, redact.F("%s is starting up and takes no connections yet", server))
		f.Fix = redact.Const("Wait, and read its log when it takes long.")
		return f
	case 2:
		f := found(finding.Fail, redact.F("%s does not respond", server))
		f.Fix = redact.Const("See whether its pod runs, and read its log.")
		return f
	}
	if oldProgram(r) {
		return tooOld("pg_isready", r)
	}
	return unknown(redact.F("pg_isready did not try: %s", failure(r)), redact.Const("Correct its options in the runbook."))
}
