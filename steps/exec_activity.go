package steps

import (
	"cmp"
	"slices"
	"time"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// What in pg_stat_activity is worth a warning.
const (
	longQuery    = time.Minute
	longIdle     = 5 * time.Minute // a transaction that nobody works in holds locks and keeps vacuum from its work
	longLockWait = time.Minute
)

// session is one client's connection to Postgres.
type session struct {
	pid, user, application, state, waits string
	since                                time.Duration
}

// judgeActivity reads pg_stat_activity: how many connections in which state, the longest query, who waits for locks. The server's own moment is
// the newest one in the answer: the asking session itself is in there.
func judgeActivity(t rows) finding.Finding {
	var now time.Time
	for _, row := range t.cells {
		for _, column := range []string{"query_start", "state_change", "xact_start"} {
			if at, ok := moment(t.at(row, column)); ok && at.After(now) {
				now = at
			}
		}
	}
	var clients []session
	states := map[string]int{}
	for _, row := range t.cells {
		if kind := t.at(row, "backend_type"); kind != "" && kind != "client backend" {
			continue
		}
		s := session{
			pid: t.at(row, "pid"), user: t.at(row, "usename"), application: t.at(row, "application_name"), state: t.at(row, "state"),
			waits: t.at(row, "wait_event_type"),
		}
		if s.state == "" {
			continue // a worker of the server, or a session that this user may not see
		}
		start := t.at(row, "query_start")
		if s.state != "active" {
			start = cmp.Or(t.at(row, "xact_start"), t.at(row, "state_change"))
		}
		if at, ok := moment(start); ok {
			s.since = now.Sub(at)
		}
		states[s.state]++
		clients = append(clients, s)
	}
	return told(clients, states)
}

func told(clients []session, states map[string]int) finding.Finding {
	busy := slices.DeleteFunc(slices.Clone(clients), func(s session) bool { return s.state == "idle" })
	slices.SortFunc(busy, func(a, b session) int { return cmp.Compare(b.since, a.since) })
	var longest, idle, locked time.Duration
	waiting := map[string]int{}
	for _, s := range busy {
		switch s.state {
		case "active":
			longest = max(longest, s.since)
			waiting[s.waits]++
			if s.waits == "Lock" {
				locked = max(locked, s.since)
			}
		default:
			idle = max(idle, s.since)
		}
	}
	f := finding.Finding{Status: finding.OK}
	parts := []redact.Text{redact.F("%s: %s", count(len(clients), "connection", "connections"), byState(states))}
	if states["active"] > 0 {
		parts = append(parts, redact.F("longest query %s", short(longest)))
	}
	if idle > longIdle {
		parts, f.Status = append(parts, redact.F("a transaction is open and idle for %s", short(idle))), finding.Warn
		f.Fix = redact.Const("Find what leaves transactions open; they hold locks.")
	}
	if longest > longQuery {
		f.Status = finding.Warn
		f.Fix = redact.Const("See what the long queries wait for before restarting anything.")
	}
	switch n := waiting["Lock"]; {
	case n > 0:
		parts = append(parts, redact.F("%d wait for a lock, the longest %s", n, short(locked)))
		f.Status = finding.Warn
		if locked > longLockWait {
			f.Status = finding.Fail
		}
		f.Fix = redact.Const("pg_blocking_pids() says who holds it.")
	default:
		parts = append(parts, redact.Const("nobody waits for a lock"))
	}
	if n := waiting["IO"]; n > 0 && longest > longQuery {
		parts = append(parts, redact.F("%d wait for the disk", n))
		f.Fix = redact.Const("Look at the disk: is it full or slow?")
	}
	f.Line = redact.Join("; ", parts...)
	if len(busy) > 0 {
		f.Evidence = []finding.Evidence{sessions(busy[:min(10, len(busy))])}
	}
	return f
}

func byState(states map[string]int) redact.Text {
	var names []string
	for name := range states {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(states[b], states[a]), cmp.Compare(a, b)) })
	var parts []redact.Text
	for _, name := range names {
		parts = append(parts, redact.F("%d %s", states[name], name))
	}
	if len(parts) == 0 {
		return redact.Const("no client")
	}
	return redact.Join(", ", parts...)
}

func sessions(all []session) finding.Evidence {
	t := &finding.Table{Columns: []redact.Text{redact.Const("pid"), redact.Const("user"), redact.Const("application"), redact.Const("state"), redact.Const("for"), redact.Const("waits for")}}
	for _, s := range all {
		t.Rows = append(t.Rows, []redact.Text{
			redact.Clean(s.pid), redact.Clean(s.user), redact.Clean(s.application).Short(40), redact.Clean(s.state), redact.Clean(short(s.since)), redact.Clean(s.waits)})
	}
	return finding.Evidence{Title: redact.Const("Longest first"), Table: t}
}

// moment is a timestamptz as psql prints it in the ISO style.
func moment(s string) (time.Time, bool) {
	for _, layout := range []string{"2006-01-02 15:04:05.999999-07", "2006-01-02 15:04:05.999999-07:00"} {
		if at, err := time.Parse(layout, s); err == nil {
			return at, true
		}
	}
	return time.Time{}, false
}
