package steps

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

func judgeEnv(_ *runbook.Operation, answers []k8sops.ExecResult) finding.Finding {
	r := answers[0]
	if r.ExitCode > 0 {
		return tooOld("env", r)
	}
	names := strings.Fields(r.Stdout.String())
	return found(finding.OK, redact.F("%s set; values are not shown", count(len(names), "variable is", "variables are")),
		finding.Evidence{Title: redact.Const("Names"), Code: r.Stdout.Short(1500)})
}

// judgeVariables reads printenv and node: whether variables are set and, of connection strings, where they lead.
func judgeVariables(op *runbook.Operation, answers []k8sops.ExecResult) finding.Finding {
	names := op.All("variable")
	if len(names) == 0 {
		return judgeEnv(op, answers)
	}
	f := finding.Finding{Status: finding.OK}
	var told []redact.Text
	for i, r := range answers {
		said := strings.TrimSpace(r.Stdout.String())
		switch {
		case r.ExitCode > 0 && said == "not set" && r.Stderr.Empty(), r.ExitCode == 0 && (said == "not set" || said == "empty"):
			told = append(told, redact.F("%s is %s", names[i], said))
			f.Status, f.Fix = finding.Fail, redact.Const("Look at the workload's env and envFrom, and at the ConfigMap or Secret behind them.")
		case r.ExitCode > 0:
			return unknown(redact.F("%s cannot be read: %s", names[i], failure(r)), redact.Const("Run it by hand."))
		default:
			told = append(told, leads(names[i], said))
		}
	}
	f.Line = redact.Join("; ", told...)
	return f
}

// leads says where a connection string goes, in the form k8sops leaves of it.
func leads(name, said string) redact.Text {
	u, err := url.Parse(said)
	if err != nil || u.Host == "" {
		return redact.F("%s is set", name)
	}
	parts := []redact.Text{redact.F("%s leads to host %s", name, u.Hostname())}
	if u.Port() != "" {
		parts = append(parts, redact.F("port %s", u.Port()))
	}
	if database := strings.Trim(u.Path, "/"); database != "" {
		parts = append(parts, redact.F("database %s", database))
	}
	if u.User.Username() != "" {
		parts = append(parts, redact.F("user %s", u.User.Username()))
	}
	return redact.Join(", ", parts...)
}

var unresolved = regexp.MustCompile(`(?i)NXDOMAIN|can't (find|resolve)|no servers could be reached|connection timed out|SERVFAIL|server failure|Non-existent domain|bad address`)

// judgeResolved reads nslookup and dig: the addresses of a name.
func judgeResolved(op *runbook.Operation, answers []k8sops.ExecResult) finding.Finding {
	r, host := answers[0], op.Get("host")
	text := r.Stdout.String() + "\n" + r.Stderr.String()
	if oldProgram(r) {
		return tooOld(strings.TrimPrefix(op.Name, "exec "), r)
	}
	addresses := addressesOf(op.Name, r.Stdout.String())
	if len(addresses) > 0 {
		return found(finding.OK, redact.F("%s resolves to %s", host, strings.Join(addresses[:min(4, len(addresses))], ", ")))
	}
	if m := unresolved.FindString(text); m != "" || r.ExitCode > 0 {
		f := found(finding.Fail, redact.F("%s does not resolve: %s", host, first(m, failure(r).String())))
		f.Fix = redact.Const("Check the name and its namespace, the Service, and whether cluster DNS answers other names.")
		return f
	}
	return found(finding.Warn, redact.F("%s has no address", host))
}

// addressesOf leaves out the resolver's own address, which nslookup prints first, above the first empty line.
func addressesOf(operation, text string) []string {
	var out []string
	if operation == "exec nslookup" {
		_, text, _ = strings.Cut(text, "\n\n")
	}
	for line := range strings.SplitSeq(text, "\n") {
		if strings.HasPrefix(line, ";") {
			continue
		}
		for _, field := range strings.Fields(line) {
			if addr, err := netip.ParseAddr(field); err == nil && !slices.Contains(out, addr.String()) {
				out = append(out, addr.String())
			}
		}
	}
	return out
}

func judgeNc(op *runbook.Operation, answers []k8sops.ExecResult) finding.Finding {
	r := answers[0]
	to := hostPort(op.Get("host"), op.Get("port"))
	switch text := r.Stderr.String(); {
	case r.ExitCode == 0:
		return found(finding.OK, redact.F("%s accepts connections", to))
	case oldProgram(r) || strings.Contains(text, "usage:") || strings.Contains(text, "Usage:"):
		return tooOld("nc", r)
	case strings.Contains(text, "not known") || strings.Contains(text, "bad address") || strings.Contains(text, "getaddrinfo"):
		return found(finding.Fail, redact.F("%s: the name does not resolve", to))
	default:
		f := found(finding.Fail, redact.F("%s does not accept connections", to))
		if !r.Stderr.Empty() {
			f.Line = redact.F("%s: %s", f.Line, failure(r))
		}
		f.Fix = redact.Const("See whether its pod runs, whether its Service has endpoints, and what network policies let in.")
		return f
	}
}

var loadAverage = regexp.MustCompile(`(?i)load average: ?([0-9., ]+)`)

// judgeProcesses reads ps and top.
func judgeProcesses(op *runbook.Operation, answers []k8sops.ExecResult) finding.Finding {
	r := answers[0]
	if r.ExitCode > 0 {
		return tooOld(strings.TrimPrefix(op.Name, "exec "), r)
	}
	processes, listed := 0, false
	for line := range strings.SplitSeq(r.Stdout.String(), "\n") {
		switch {
		case strings.Contains(line, "PID"):
			listed = true
		case listed && strings.TrimSpace(line) != "":
			processes++
		}
	}
	line := redact.F("%s run in %s", count(processes, "process", "processes"), op.Get("name"))
	if m := loadAverage.FindStringSubmatch(r.Stdout.String()); m != nil {
		line = redact.F("%s, load of the node %s", line, strings.TrimSpace(m[1]))
	}
	return found(finding.OK, line)
}
