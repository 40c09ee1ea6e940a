package steps

import (
	"net/url"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// signals are the facts behind a finding of a program inside a container, for diagnose. A check that could not answer gives none: what asked for a
// password says nothing of the database.
func signals(op *runbook.Operation, answers []k8sops.ExecResult, f finding.Finding) []finding.Signal {
	if f.Status == finding.Unknown || len(answers) == 0 {
		return nil
	}
	s := finding.Signal{Object: about(op), Detail: gist(failure(answers[0]))}
	switch op.Name {
	case "exec psql", "exec pg_isready":
		s.Kind = postgresKind(op, answers[0], f)
	case "exec redis-cli":
		s.Kind = redisKind(op, answers[0], f)
	case "exec df":
		return diskSignals(op, answers[0])
	case "exec curl", "exec wget":
		s.Kind = reachedKind(op, answers[0], f)
	case "exec nslookup", "exec dig":
		s.Kind = either(f, finding.DNSFailing, finding.HostReached)
	case "exec nc":
		s.Kind = either(f, finding.Unreachable, finding.HostReached)
	}
	if s.Kind == "" {
		return nil
	}
	if f.Status == finding.OK || slices.Contains([]finding.Kind{finding.ReplicationLag, finding.DBSlow, finding.RedisMemory}, s.Kind) {
		s.Detail = f.Line.Short(200)
	}
	return []finding.Signal{s}
}

// gist leaves out what libpq says before the reason: `psql: error: connection to server at "db" (10.0.0.1), port 5432 failed: FATAL: …`.
func gist(said redact.Text) redact.Text {
	if _, reason, ok := strings.Cut(said.String(), " failed: "); ok {
		return redact.Clean(reason)
	}
	return said
}

// about is what was asked: the host, where the program went elsewhere, else the workload that it ran in.
func about(op *runbook.Operation) string {
	if host := op.Get("host"); host != "" {
		return host
	}
	if u, err := url.Parse(op.Get("url")); err == nil && u.Host != "" {
		return u.Host
	}
	return strings.TrimSuffix(op.Kind, "s") + "/" + op.Get("name")
}

func either(f finding.Finding, bad, good finding.Kind) finding.Kind {
	if f.Status == finding.Fail {
		return bad
	}
	return good
}

func postgresKind(op *runbook.Operation, r k8sops.ExecResult, f finding.Finding) finding.Kind {
	if r.ExitCode == 0 {
		switch t := rowsOf(r); {
		case op.Name == "exec pg_isready" || !t.has("state"):
			return finding.DBAnswers
		case t.has("sent_lsn") && len(t.cells) == 0:
			return finding.DBAnswers // whether there should be a replica, nobody said
		case t.has("sent_lsn") && f.Status == finding.OK:
			return finding.ReplicasInSync
		case t.has("sent_lsn"):
			return finding.ReplicationLag
		case f.Status == finding.OK:
			return finding.DBAnswers
		default:
			return finding.DBSlow
		}
	}
	text := r.Stderr.String()
	says := func(words ...string) bool {
		return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(text, w) })
	}
	switch {
	case says("too many clients", "remaining connection slots", "too many connections"):
		return finding.DBConnections
	case says("No space left on device"):
		return finding.DiskFull
	case says("could not translate host name"):
		return finding.DNSFailing
	case says("does not exist"):
		return finding.DBAnswers // it said so itself
	case says("statement timeout"):
		return finding.DBSlow
	default:
		return finding.DBRefusing
	}
}

func redisKind(op *runbook.Operation, r k8sops.ExecResult, f finding.Finding) finding.Kind {
	said := strings.TrimPrefix(strings.TrimSpace(first(r.Stdout.String(), r.Stderr.String())), "(error) ")
	switch {
	case strings.HasPrefix(said, "MISCONF "):
		return finding.DiskFull
	case strings.HasPrefix(said, "OOM "):
		return finding.RedisMemory
	case strings.Contains(r.Stderr.String(), "Name or service not known"), strings.Contains(r.Stderr.String(), "Temporary failure in name resolution"):
		return finding.DNSFailing
	case op.Get("command") == "CONFIG GET":
		return "" // settings say nothing of its health
	case op.Get("command") == "INFO" && f.Status == finding.OK && strings.Contains(said, "used_memory:"):
		return finding.RedisRoom
	case op.Get("command") == "INFO" && strings.Contains(said, "used_memory:"):
		return finding.RedisMemory
	case f.Status == finding.Fail:
		return finding.RedisDown
	case op.Get("command") == "PING":
		return finding.RedisAnswers
	default:
		return ""
	}
}

// diskSignals tells of every volume that df shows.
func diskSignals(op *runbook.Operation, r k8sops.ExecResult) []finding.Signal {
	var out []finding.Signal
	for _, v := range volumesOf(r.Stdout.String()) {
		s := finding.Signal{Kind: finding.DiskRoom, Object: about(op), Count: v.percent, Of: 100, Detail: redact.F("%s is %d%% full", v.mount, v.percent)}
		if v.percent >= diskFails {
			s.Kind = finding.DiskFull
		}
		out = append(out, s)
	}
	if slices.ContainsFunc(out, func(s finding.Signal) bool { return s.Kind == finding.DiskFull }) {
		out = slices.DeleteFunc(out, func(s finding.Signal) bool { return s.Kind == finding.DiskRoom })
	}
	return out
}

// reachedKind is about the other side; of the container's own port the pod's status tells.
func reachedKind(op *runbook.Operation, r k8sops.ExecResult, f finding.Finding) finding.Kind {
	u, err := url.Parse(op.Get("url"))
	if err != nil || u.Hostname() == "localhost" || strings.HasPrefix(u.Hostname(), "127.") {
		return ""
	}
	switch {
	case f.Status != finding.Fail:
		return finding.HostReached
	case op.Name == "exec curl" && r.ExitCode == 6:
		return finding.DNSFailing
	case r.ExitCode != 0:
		return finding.Unreachable
	default:
		return finding.DependencyDown // it answers, with an error
	}
}
