package steps

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// What of Redis' memory is worth a warning.
const (
	memoryWarns   = 90   // percent of maxmemory, where keys are evicted beyond it
	memoryFails   = 98   // where writes are refused beyond it
	fragmentation = 1.5  // of memory held to memory used, once that is not small
	notSmall      = 64e6 // bytes
)

// redisReplies are the error replies that say why there is no answer. https://redis.io/docs/latest/develop/reference/protocol-spec/#simple-errors
var redisReplies = []struct {
	begins string
	status finding.Status
	means  redact.Text
	fix    redact.Text
}{
	{"NOAUTH", finding.Unknown, redact.Const("is there, but asks for a password that the container does not have"), redact.Const("Give the container REDISCLI_AUTH, or ask from the Redis pod.")},
	{"WRONGPASS", finding.Unknown, redact.Const("is there, but refuses the container's password"), redact.Const("Correct REDISCLI_AUTH of the container.")},
	{"NOPERM", finding.Unknown, redact.Const("is there, but this user may not ask that"), redact.Const("Allow the command in the user's ACL, or ask as another one.")},
	{"LOADING", finding.Fail, redact.Const("is loading its data and answers nothing yet"), redact.Const("Wait; a large dump takes minutes.")},
	{"MISCONF", finding.Fail, redact.Const("refuses writes: it cannot save to its disk"), redact.Const("Look at the disk of its volume.")},
	{"OOM", finding.Fail, redact.Const("refuses writes: its memory is full"), redact.Const("Raise maxmemory, or find what fills it.")},
	{"MASTERDOWN", finding.Fail, redact.Const("is a replica that has lost its master"), redact.Const("Look at the master.")},
	{"BUSY", finding.Fail, redact.Const("is busy with a script"), redact.Const("Find the script; SCRIPT KILL ends it.")},
	{"CLUSTERDOWN", finding.Fail, redact.Const("is a cluster that is down"), redact.Const("Look at its nodes: CLUSTER INFO.")},
	{"DENIED", finding.Unknown, redact.Const("is there, but in protected mode"), redact.Const("Ask from the Redis pod itself.")},
}

func judgeRedis(op *runbook.Operation, answers []k8sops.ExecResult) finding.Finding {
	r := answers[0]
	server := redact.F("Redis in %s", op.Get("name"))
	if host := op.Get("host"); host != "" {
		server = redact.F("Redis at %s", host)
	}
	said := strings.TrimSpace(first(r.Stdout.String(), r.Stderr.String()))
	complaint := strings.TrimPrefix(strings.TrimPrefix(said, "(error) "), "Error: ")
	for _, known := range redisReplies {
		if strings.HasPrefix(complaint, known.begins+" ") {
			f := found(known.status, redact.F("%s %s", server, known.means), finding.Evidence{Title: redact.Const("In its words"), Code: redact.Clean(said).Short(1000)})
			f.Fix = known.fix
			return f
		}
	}
	if all := r.Stderr.String() + said; strings.Contains(all, "Could not connect to Redis") {
		f := found(finding.Fail, redact.F("%s cannot be reached: %s", server, failure(r)))
		f.Fix = redact.Const("See whether its pod runs and whether its Service has endpoints.")
		return f
	}
	switch {
	case oldProgram(r):
		return tooOld("redis-cli", r)
	case r.ExitCode > 0 || strings.HasPrefix(complaint, "ERR "):
		return unknown(redact.F("%s answers with an error: %s", server, failure(r)), redact.Const("Correct the command in the runbook."))
	}
	switch op.Get("command") {
	case "PING":
		return pinged(server, said, r.Took)
	case "CONFIG GET":
		return judgeRedisConfig(server, said)
	case "INFO":
		if f, ok := judgeMemory(server, answers); ok {
			return f
		}
	}
	lines := strings.Split(said, "\n")
	if len(lines) == 1 {
		return found(finding.OK, redact.F("%s: %s is %s", server, op.Get("command"), lines[0]))
	}
	return found(finding.OK, redact.F("%s answers %s: %s", server, op.Get("command"), count(len(lines), "line", "lines")))
}

func pinged(server redact.Text, said string, took time.Duration) finding.Finding {
	f := found(finding.OK, redact.F("%s answers %s in %s", server, said, took.Round(time.Millisecond)))
	if said != "PONG" {
		f.Status = finding.Warn
	}
	if took > slowAnswer {
		f.Status = finding.Warn
		f.Line = redact.F("%s, which is slow", f.Line)
	}
	return f
}

// infoOf reads INFO: lines "name:value".
func infoOf(text string) map[string]string {
	out := map[string]string{}
	for line := range strings.SplitSeq(text, "\n") {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok {
			out[name] = value
		}
	}
	return out
}

// judgeMemory reads the sections memory and stats, whatever others there are; ok is false without the first.
func judgeMemory(server redact.Text, answers []k8sops.ExecResult) (f finding.Finding, ok bool) {
	info := map[string]string{}
	for _, a := range answers {
		for name, value := range infoOf(a.Stdout.String()) {
			info[name] = value
		}
	}
	used, err := strconv.ParseFloat(info["used_memory"], 64)
	if err != nil {
		return f, false
	}
	most, _ := strconv.ParseFloat(info["maxmemory"], 64)
	ratio, _ := strconv.ParseFloat(info["mem_fragmentation_ratio"], 64)
	policy, evicted := info["maxmemory_policy"], info["evicted_keys"]
	f = finding.Finding{Status: finding.OK}
	parts := []redact.Text{redact.F("%s uses %s and has no limit of its own (maxmemory)", server, size(int64(used)))}
	if most > 0 {
		percent := int(100 * used / most)
		parts[0] = redact.F("%s uses %s of %s (%d%%, %s)", server, size(int64(used)), size(int64(most)), percent, first(policy, "policy not known"))
		switch {
		case policy == "noeviction" && percent >= memoryFails:
			f.Status, f.Fix = finding.Fail, redact.Const("It refuses writes when it is full: raise maxmemory, or find what fills it.")
		case policy == "noeviction" && percent >= memoryWarns, percent >= memoryFails:
			f.Status, f.Fix = finding.Warn, redact.Const("Find what fills it, or raise maxmemory.")
		}
	}
	if ratio > 0 {
		parts = append(parts, redact.F("fragmentation %.2f", ratio))
		if ratio > fragmentation && used > notSmall && f.Status == finding.OK {
			f.Status, f.Fix = finding.Warn, redact.Const("Much memory is held and not used; activedefrag or a restart gives it back.")
		}
	}
	switch evicted {
	case "":
	case "0":
		parts = append(parts, redact.Const("nothing was evicted"))
	default:
		parts = append(parts, redact.F("%s keys evicted since its start", evicted))
	}
	f.Line = redact.Join(", ", parts...)
	return f, true
}

// notable are the settings that decide how Redis behaves in trouble. None of them is a secret.
var notable = strings.Fields("maxmemory maxmemory-policy maxclients timeout appendonly save dir stop-writes-on-bgsave-error protected-mode bind " +
	"replica-read-only min-replicas-to-write databases tcp-keepalive loglevel cluster-enabled")

func judgeRedisConfig(server redact.Text, said string) finding.Finding {
	lines := strings.Split(said, "\n")
	settings := map[string]string{}
	for i := 0; i+1 < len(lines); i += 2 {
		settings[strings.TrimSpace(lines[i])] = strings.TrimSpace(lines[i+1])
	}
	if len(settings) == 0 {
		return unknown(redact.F("%s knows no such setting", server), redact.Const("Correct its name in the runbook."))
	}
	t := &finding.Table{Columns: []redact.Text{redact.Const("setting"), redact.Const("value")}}
	var parts []redact.Text
	for _, name := range notable {
		value, ok := settings[name]
		if !ok {
			continue
		}
		if name == "maxmemory" {
			if n, err := strconv.ParseInt(value, 10, 64); err == nil && n > 0 {
				value = size(n)
			}
		}
		t.Rows = append(t.Rows, []redact.Text{redact.Clean(name), redact.Clean(value).Short(80)})
		if slices.Contains([]string{"maxmemory", "maxmemory-policy", "maxclients", "appendonly"}, name) {
			parts = append(parts, redact.F("%s %s", name, value))
		}
	}
	f := found(finding.OK, redact.F("%s has %s: %s", server, count(len(settings), "setting", "settings"), redact.Join(", ", parts...)))
	if len(parts) == 0 {
		f.Line = redact.F("%s has %s", server, count(len(settings), "such setting", "such settings"))
	}
	if len(t.Rows) > 0 {
		f.Evidence = []finding.Evidence{{Title: redact.Const("Notable settings"), Table: t}}
	}
	if settings["maxmemory"] == "0" {
		f.Status, f.Fix = finding.Warn, redact.Const("Without maxmemory it grows until the kernel ends it: set it below the container's limit.")
		f.Line = redact.F("%s; maxmemory is not set", f.Line)
	}
	return f
}
