package steps

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// executor runs a program of a closed list inside a container, and names the pods that a step may mean.
type executor interface {
	Exec(ctx context.Context, svc catalog.Service, r k8sops.ExecRequest) (k8sops.ExecResult, error)
	WorstPods(ctx context.Context, svc catalog.Service, n int) ([]string, error)
	// ExternalName is where a Kubernetes Service leads by DNS alone, "" for every other Service and for one that is not there.
	ExternalName(ctx context.Context, namespace, service string) (string, error)
	MainContainer(ctx context.Context, svc catalog.Service) (string, error)
}

// program is one of the programs that run inside a container: how a step becomes argument lists, and how their answers are read.
type program struct {
	argv  func(*runbook.Operation) [][]string
	judge func(*runbook.Operation, []k8sops.ExecResult) finding.Finding
	// raw is what the program would have printed, when that is not what it printed.
	raw func(*runbook.Operation, k8sops.ExecResult) redact.Text
}

// programs are the operations "exec …" by the program's name.
func programs() map[string]program {
	return map[string]program{
		"psql": {psqlArgv, judgePsql, psqlTable}, "pg_isready": {pgIsReadyArgv, judgePgIsReady, nil}, "redis-cli": {redisArgv, judgeRedis, nil},
		"curl": {curlArgv, judgeCurl, curlRaw}, "wget": {wgetArgv, judgeWget, nil},
		"df": {dfArgv, judgeDf, nil}, "ls": {lsArgv, judgeLs, nil}, "cat": {catArgv, judgeCat, nil},
		"env": {envArgv, judgeEnv, nil}, "printenv": {printenvArgv, judgeVariables, nil}, "node": {nodeArgv, judgeVariables, nil},
		"nslookup": {nslookupArgv, judgeResolved, nil}, "dig": {digArgv, judgeResolved, nil}, "nc": {ncArgv, judgeNc, nil},
		"ps": {psArgv, judgeProcesses, nil}, "top": {topArgv, judgeProcesses, nil},
	}
}

// exec runs a program inside a container and reads its answer.
func (r *Runner) exec(ctx context.Context, svc catalog.Service, step runbook.Step) finding.Report {
	op := step.Operation
	p, known := programs()[strings.TrimPrefix(op.Name, "exec ")]
	if !known {
		return refused(redact.F("svcdown does not know how to read %s; nothing was run.", op.Name))
	}
	if host, port := r.stranger(svc, op); host != "" {
		return named(op, report(unknown(redact.F("%s was not asked: it is no Service of the catalogue, and not in allowedHosts", hostPort(host, port)),
			redact.Const("Correct the host in the runbook, or add it to probes.allowedHosts in svcdown.yaml."))))
	}
	cluster, err := r.cluster(svc.Cluster)
	if err != nil {
		return named(op, report(unknown(redact.F("Nothing was run: %v", err), redact.Const("Correct the cluster in svcdown.yaml."))))
	}
	switch service, away, err := r.leadsAway(ctx, cluster, svc, op); {
	case err != nil:
		return named(op, report(unknown(redact.F("Nothing was run: where Service %s leads cannot be told: %v", service, err), redact.Const("Ask again; the bot's account must be allowed to read Services."))))
	case away != "":
		return named(op, report(unknown(redact.F("Service %s was not asked: it leads to %s, which is not in allowedHosts", service, away), redact.Const("See who made it an ExternalName; if that is right, add the name to probes.allowedHosts in svcdown.yaml."))))
	}
	start := time.Now()
	out := finding.Report{}
	var answers []k8sops.ExecResult
	for _, argv := range p.argv(op) {
		one, err := answered(ctx, cluster, svc, k8sops.ExecRequest{
			Namespace: op.Get("namespace"), Kind: op.Kind, Name: op.Get("name"), Container: op.Get("container"), Argv: argv, Timeout: step.Attributes.Timeout,
		})
		if err != nil {
			out.Finding = unanswered(op, step, err)
			break
		}
		answers = append(answers, one)
		text := redact.Join("\n", one.Stdout, one.Stderr)
		if p.raw != nil {
			text = p.raw(op, one)
		}
		out.Raw, out.Truncated = redact.Join("\n", out.Raw, text), out.Truncated || one.Truncated
	}
	if out.Finding.Line.Empty() {
		out.Finding = p.judge(op, answers)
		out.Finding.Signals = append(out.Finding.Signals, signals(op, answers, out.Finding)...)
	}
	if out.Truncated {
		out.Finding.Line = redact.F("%s (of the first 256 KiB of output)", out.Finding.Line)
	}
	out.Finding.Took = time.Since(start)
	return named(op, out)
}

// answered is Exec, once more without what an old program does not know.
func answered(ctx context.Context, cluster executor, svc catalog.Service, r k8sops.ExecRequest) (k8sops.ExecResult, error) {
	one, err := cluster.Exec(ctx, svc, r)
	if err == nil && one.ExitCode != 0 && r.Argv[0] == "redis-cli" && strings.Contains(one.Stderr.String()+one.Stdout.String(), "Unrecognized option or bad number of args for: '-t'") {
		r.Argv = append([]string{"redis-cli"}, r.Argv[3:]...) // -t came with Redis 7; k8sops bounds the time all the same
		return cluster.Exec(ctx, svc, r)
	}
	return one, err
}

// named puts the operation's name on a finding.
func named(op *runbook.Operation, out finding.Report) finding.Report {
	out.Finding.Check = op.Name
	return out
}

// unanswered words why there is no answer. It is never a failure of what was asked about.
func unanswered(op *runbook.Operation, step runbook.Step, err error) finding.Finding {
	program := strings.TrimPrefix(op.Name, "exec ")
	where := strings.TrimSuffix(op.Kind, "s") + "/" + op.Get("name")
	byHand := redact.F("Run it by hand: %s", step.Source)
	var e *k8sops.Error
	if !errors.As(err, &e) {
		return unknown(redact.F("%s could not be run in %s: %v", program, where, err), byHand)
	}
	switch e.Kind {
	case k8sops.NoProgram:
		return unknown(redact.F("Could not ask: the image of %s has no %s", where, program), redact.F("Add %s to the image, or write the step for a pod that has it.", program))
	case k8sops.Forbidden:
		return unknown(redact.F("Could not ask: the bot may not run %s in %s", program, where),
			redact.Const("Set exec.enabled in the Helm chart: it allows pods/exec in the namespaces of the services, for programs of a closed list."))
	case k8sops.NotRunning:
		return unknown(redact.F("Could not ask %s: %s", where, e.Message), redact.Const("See why it does not run: describe the pod, and read its previous log."))
	case k8sops.NotFound, k8sops.Unsupported:
		return unknown(redact.F("Could not ask %s: %s", where, e.Message), redact.Const("Correct the runbook."))
	case k8sops.Conflict, k8sops.Unreachable:
		return unknown(redact.F("Could not ask %s: %s", where, e.Message), redact.Const("Ask again."))
	case k8sops.Timeout:
		return unknown(redact.F("%s in %s gave no answer. %s", program, where, e.Message), redact.Const("Ask again; when it stays so, look at the pod's node and its load."))
	default:
		return unknown(redact.F("%s could not be run in %s: %s", program, where, e.Message), byHand)
	}
}

func unknown(line, fix redact.Text) finding.Finding { return finding.Finding{Line: line, Fix: fix} }

func found(status finding.Status, line redact.Text, evidence ...finding.Evidence) finding.Finding {
	return finding.Finding{Status: status, Line: line, Evidence: evidence}
}

// failure is what the program itself complained of, on one line.
func failure(r k8sops.ExecResult) redact.Text {
	for _, text := range []redact.Text{r.Stderr, r.Stdout} {
		for _, line := range text.Lines() {
			if strings.TrimSpace(line.String()) != "" {
				return redact.F("%s", strings.TrimSpace(line.String())).Short(300)
			}
		}
	}
	return redact.F("exit code %d without a word", r.ExitCode)
}

// oldProgram reports whether the program did not understand how it was run.
func oldProgram(r k8sops.ExecResult) bool {
	text := r.Stderr.String()
	for _, words := range []string{"unrecognized option", "invalid option", "unknown option", "Invalid option", "is unknown", "Unrecognized option", "illegal option"} {
		if strings.Contains(text, words) {
			return true
		}
	}
	return false
}

func tooOld(program string, r k8sops.ExecResult) finding.Finding {
	return unknown(redact.F("The container's %s does not know how it was asked: %s", program, failure(r)), redact.F("Use an image with a usual %s.", program))
}
