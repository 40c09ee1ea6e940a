package k8sops

import (
	"cmp"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// trouble is a kind of error line that people know.
type trouble struct {
	name    redact.Text
	pattern *regexp.Regexp
	grave   bool         // the process cannot go on with it
	kind    finding.Kind // what it is a sign of, "" for nothing more than an error
}

// troubles are looked for in this order; the first that fits names a line.
var troubles = []trouble{
	{redact.Const("disk full"), regexp.MustCompile(`(?i)no space left on device|\bENOSPC\b|disk( is)? full|quota exceeded.*disk`), true, finding.DiskFull},
	{redact.Const("out of memory"), regexp.MustCompile(`(?i)out of memory|OutOfMemory|OOMKilled|cannot allocate memory|\bOOM command not allowed`), true, ""},
	{redact.Const("too many connections"), regexp.MustCompile(`(?i)too many (clients|connections)|remaining connection slots|max_connections|timeout (exceeded )?when trying to connect|connection pool|pool (is )?exhausted`), false, finding.DBConnections},
	{redact.Const("panic"), regexp.MustCompile(`(?i)^panic:|\bpanic(ked)?[: ]|\bPANIC:|fatal error:|segmentation fault|SIGSEGV|UnhandledPromiseRejection|Traceback \(most recent`), true, ""},
	{redact.Const("connection refused"), regexp.MustCompile(`(?i)ECONNREFUSED|connection refused`), false, finding.Unreachable},
	{redact.Const("name not found"), regexp.MustCompile(`(?i)ENOTFOUND|EAI_AGAIN|no such host|getaddrinfo|name resolution`), false, finding.DNSFailing},
	{redact.Const("timed out"), regexp.MustCompile(`(?i)ETIMEDOUT|i/o timeout|deadline exceeded|timed? ?out\b`), false, ""},
	{redact.Const("connection lost"), regexp.MustCompile(`(?i)ECONNRESET|connection reset|broken pipe|server closed the connection`), false, ""},
	{redact.Const("login refused"), regexp.MustCompile(`(?i)authentication failed|NOAUTH|WRONGPASS|access denied|permission denied|\bEACCES\b`), false, ""},
	{redact.Const("certificate"), regexp.MustCompile(`(?i)x509:|certificate has expired|CERT_HAS_EXPIRED|SSL_ERROR`), false, ""},
	{redact.Const("starting up"), regexp.MustCompile(`(?i)system is (starting up|shutting down|in recovery)|\bLOADING\b|Loading RDB`), false, ""},
	{redact.Const("missing setting"), regexp.MustCompile(`(?i)(missing|required|undefined).{0,40}(env|environment|config|variable|setting)|cannot find module|no such file or directory`), true, ""},
}

// an error by the level that its writer gave it: words in front, key=value, PostgreSQL, klog, log4j.
var (
	errorLevel = regexp.MustCompile(`(?:^|[\s\[(|"])(?:ERROR|FATAL|CRITICAL|CRIT|EMERG|ALERT|PANIC|SEVERE|[A-Z][A-Za-z]*(?:Error|Exception))\b:?|\blevel=(?:error|fatal|panic|critical)|^[EF]\d{4} \d\d:|(?i)^\s*(?:npm )?(?:err(?:or)?!?|fatal|uncaught|unhandled)[: ]|⨯`)
	nothing    = regexp.MustCompile(`(?i)\b(?:0|no|without) errors?\b|errors?[=:]\s*0\b|error_count"?[=:]\s*0\b`)
)

// wrong tells whether a line reports an error, and which known one; message is the part of it that people read.
func wrong(line string) (t trouble, message string, bad bool) {
	message = strings.TrimSpace(line)
	level := ""
	if strings.HasPrefix(message, "{") {
		var fields struct {
			Level    any    `json:"level"`
			Severity string `json:"severity"`
			Msg      string `json:"msg"`
			Message  string `json:"message"`
			Err      any    `json:"err"`
			Error    any    `json:"error"`
		}
		if json.Unmarshal([]byte(message), &fields) == nil {
			level = strings.ToLower(cmp.Or(textOf(fields.Level), fields.Severity))
			parts := []string{cmp.Or(fields.Msg, fields.Message)}
			for _, e := range []any{fields.Err, fields.Error} {
				if s := textOf(e); s != "" {
					parts = append(parts, s)
				}
			}
			message = strings.TrimSpace(strings.Join(parts, ": "))
		}
	}
	switch level {
	case "error", "err", "fatal", "critical", "crit", "panic", "emergency", "alert", "50", "60": // pino and bunyan count
		bad = true
	case "info", "debug", "trace", "10", "20", "30", "notice":
		return trouble{}, message, false
	default:
		bad = errorLevel.MatchString(message) && !nothing.MatchString(message)
	}
	for _, t := range troubles {
		if t.pattern.MatchString(message) {
			return t, message, true
		}
	}
	return trouble{}, message, bad
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		b, err := json.Marshal(v)
		if err == nil {
			return string(b)
		}
	case map[string]any:
		for _, k := range []string{"message", "msg"} {
			if s, ok := v[k].(string); ok {
				return s
			}
		}
	}
	return ""
}

// tally counts the error lines of a log.
type tally struct {
	lines, errors, recent int
	last                  logLine // the last error
	lastMessage           string
	newest                time.Time
	by                    map[string]*heard
}

// heard is one known trouble with the lines that show it.
type heard struct {
	trouble
	times int
	last  string
	at    time.Time
}

func tallyOf(lines []logLine, now time.Time, all bool) tally {
	t := tally{lines: len(lines), by: map[string]*heard{}}
	for _, l := range lines {
		if l.at.After(t.newest) {
			t.newest = l.at
		}
		kind, message, bad := wrong(l.text)
		if !bad {
			continue
		}
		t.errors++
		t.last, t.lastMessage = l, message
		if !all && !l.at.IsZero() && now.Sub(l.at) > current {
			continue
		}
		t.recent++
		if h := t.by[kind.name.String()]; h == nil {
			t.by[kind.name.String()] = &heard{trouble: kind, times: 1, last: message, at: l.at}
		} else {
			h.times, h.last, h.at = h.times+1, message, l.at
		}
	}
	return t
}

// commonest orders what was heard: grave things first, then by how often; what has no name comes last.
func (t tally) commonest() []*heard {
	var out []*heard
	for _, k := range sortedKeys(t.by) {
		out = append(out, t.by[k])
	}
	slices.SortStableFunc(out, func(a, b *heard) int {
		if a.grave != b.grave {
			if a.grave {
				return -1
			}
			return 1
		}
		if a.name.Empty() != b.name.Empty() {
			if a.name.Empty() {
				return 1
			}
			return -1
		}
		return cmp.Compare(b.times, a.times)
	})
	return out
}

func (in inquiry) judgeLogs(subject redact.Text, previous bool, logs []theLog) finding.Finding {
	now := in.c.o.Now()
	f := finding.Finding{Check: "logs", Status: finding.OK}
	var all []logLine
	var refused []finding.Finding
	for _, l := range logs {
		all = append(all, l.lines...)
		if l.err != nil {
			refused = append(refused, unlogged(in.at.Service, l))
		}
	}
	if len(refused) == len(logs) && len(logs) > 0 {
		return together(refused...)
	}
	if len(logs) == 1 {
		subject = redact.F("pod/%s, container %s", logs[0].view.pod.Name, logs[0].container)
	}
	t := tallyOf(all, now, previous)
	heard := t.commonest()
	switch {
	case t.lines == 0:
		f.Line = redact.F("the log of %s is empty", subject)
	case t.recent == 0 && t.errors > 0:
		f.Line = redact.F("%s: no error in the last 15 minutes; %d before, the last at %s: %s", subject, t.errors, clock(t.last.at, now), redact.Clean(t.lastMessage).Short(140))
	case t.recent == 0:
		f.Line = redact.F("%s: no error among %d lines", subject, t.lines)
		if !t.newest.IsZero() {
			f.Line = redact.F("%s, the last at %s", f.Line, clock(t.newest, now))
		}
	default:
		f.Status = finding.Warn
		if heard[0].grave {
			f.Status = finding.Fail
		}
		what := redact.F("errors: %d of %d lines", t.recent, t.lines)
		if !heard[0].name.Empty() {
			what = redact.F("%s, %d× %s", what, heard[0].times, heard[0].name)
		}
		f.Line = redact.F("%s: %s; the last: %s", subject, what, redact.Clean(heard[0].last).Short(160))
	}
	if previous {
		f = endOf(f, logs, now)
	}
	if t.recent > 0 {
		f.Signals = in.logSignals(logs, t, heard)
		f.Evidence = []finding.Evidence{heardTable(heard, now)}
	}
	if len(refused) > 0 {
		f.Line = redact.Join("; ", f.Line, together(refused...).Line.Short(160))
	}
	return f
}

// endOf adds to the finding about a previous container how it ended.
func endOf(f finding.Finding, logs []theLog, now time.Time) finding.Finding {
	for _, l := range logs {
		for _, s := range statuses(l.view.pod) {
			last := s.LastTerminationState.Terminated
			if s.Name != l.container || last == nil {
				continue
			}
			f.Line = redact.F("%s ended at %s, %s, %d restarts; %s", l.container, clock(last.FinishedAt.Time, now), exit(last), s.RestartCount, f.Line)
			if last.ExitCode != 0 && finding.Warn.Worse(f.Status) {
				f.Status = finding.Warn
			}
			if l.view.kind != "" {
				f.Status = finding.Fail
			}
			if n := len(l.lines); n > 0 {
				// The whole is cleaned before it is cut: a secret may run over several lines.
				var whole []string
				for _, line := range l.lines {
					whole = append(whole, line.text)
				}
				words := redact.Clean(strings.Join(whole, "\n")).Lines()
				words = words[max(0, len(words)-5):]
				for i := range words {
					words[i] = words[i].Short(300)
				}
				f.Evidence = append(f.Evidence, finding.Evidence{Title: redact.F("Last words of %s", l.container), Code: redact.Join("\n", words...)})
			}
			return f
		}
	}
	return f
}

// unlogged words why a container has no log: mostly it has not started, which is the finding.
func unlogged(svc catalog.Service, l theLog) finding.Finding {
	f := unread(svc, l.err)
	if KindOf(l.err) != NotFound {
		return f
	}
	if l.view.kind != "" {
		return finding.Finding{Status: finding.Fail, Line: redact.Join(": ", redact.F("no log: container %s of pod %s does not run: %s", l.container, l.view.pod.Name, l.view.reason), l.view.detail.Short(160)),
			Fix: redact.Const("Describe the pod: it says what keeps the container from starting.")}
	}
	return f
}

// logSignals says what the lines are a sign of. A line that names a service of the catalogue is about that one.
func (in inquiry) logSignals(logs []theLog, t tally, heard []*heard) []finding.Signal {
	if !in.isOurs(logs) {
		return nil
	}
	object := "Pod/" + logs[0].view.pod.Name
	out := []finding.Signal{{Kind: finding.LogErrors, Object: object, Count: t.recent, Of: t.lines, Detail: redact.Clean(heard[0].last).Short(300), Since: heard[0].at}}
	for _, h := range heard {
		if h.kind == "" {
			continue
		}
		s := finding.Signal{Kind: h.kind, Object: object, Count: h.times, Detail: redact.Clean(h.last).Short(300), Since: h.at}
		for _, other := range in.services() {
			if other.Name != in.at.Service.Name && (other.KubernetesService != "" && strings.Contains(h.last, other.KubernetesService) || strings.Contains(h.last, other.Workload.Name)) {
				s.Object = "Service/" + other.Name
				if h.kind == finding.Unreachable {
					s.Kind = finding.DependencyDown
				}
			}
		}
		out = append(out, s)
	}
	return out
}

// isOurs reports whether the logs are those of the service's own pods, by the name of its workload.
func (in inquiry) isOurs(logs []theLog) bool {
	w := in.at.Service.Workload
	return slices.ContainsFunc(logs, func(l theLog) bool {
		return l.view.pod.Namespace == in.at.Service.Namespace && ownerOf(l.view.pod) == strings.ToLower(w.Kind)+"/"+w.Name
	})
}

func heardTable(all []*heard, now time.Time) finding.Evidence {
	t := &finding.Table{Columns: texts("What", "Times", "Last", "Line")}
	for _, h := range all[:min(len(all), 2*worst)] {
		name := h.name
		if name.Empty() {
			name = redact.Const("error")
		}
		at := redact.Text{}
		if !h.at.IsZero() {
			at = clock(h.at, now)
		}
		t.Rows = append(t.Rows, []redact.Text{name, redact.F("%d", h.times), at, redact.Clean(h.last).Short(160)})
	}
	return finding.Evidence{Title: redact.Const("Error lines"), Table: t}
}
