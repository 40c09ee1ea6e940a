package steps

import (
	"strings"

	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/runbook"
)

// Every argument list is made here, of the typed operation alone: no text of a document becomes an option. Programs bring a limit of their
// own where they have one, since a program goes on when its connection is cut.

func one(argv ...string) [][]string { return [][]string{argv} }

// with appends an option and the argument called name, when there is one.
func with(argv []string, op *runbook.Operation, option, name string) []string {
	if v := op.Get(name); v != "" {
		return append(argv, option, v)
	}
	return argv
}

func psqlArgv(op *runbook.Operation) [][]string {
	sql := op.Get("sql")
	if sql == "" { // psql -l
		sql = `\l`
	}
	return [][]string{k8sops.PsqlArgv(op.Get("host"), op.Get("port"), op.Get("user"), op.Get("database"), sql)}
}

func pgIsReadyArgv(op *runbook.Operation) [][]string {
	argv := []string{"pg_isready", "-t", "5"}
	for _, o := range [][2]string{{"-h", "host"}, {"-p", "port"}, {"-U", "user"}, {"-d", "database"}} {
		argv = with(argv, op, o[0], o[1])
	}
	return [][]string{argv}
}

func redisArgv(op *runbook.Operation) [][]string {
	argv := []string{"redis-cli", "-t", "5"}
	for _, o := range [][2]string{{"-h", "host"}, {"-p", "port"}, {"-n", "database"}} {
		argv = with(argv, op, o[0], o[1])
	}
	ask := func(words ...string) []string { return append(append([]string{}, argv...), words...) }
	all := [][]string{ask(append(strings.Fields(op.Get("command")), op.All("word")...)...)}
	if asksMemory(op) {
		all = append(all, ask("INFO", "stats")) // that is where evictions are counted
	}
	return all
}

func asksMemory(op *runbook.Operation) bool {
	return op.Get("command") == "INFO" && strings.EqualFold(strings.Join(op.All("word"), " "), "memory")
}

// transfer is what curl reports behind everything else, on a line of its own.
const transfer = "svcdown-transfer:"

func curlArgv(op *runbook.Operation) [][]string {
	// Less than any command gives its checks: that an address hangs is an answer, and must come before they are cut off.
	argv := []string{"curl", "-q", "-s", "-S", "-v", "--proto", "=http,https", "--max-time", "5"}
	switch {
	case op.Has("head"):
		argv = append(argv, "-I")
	case op.Get("method") != "":
		argv = append(argv, "-X", op.Get("method"))
	}
	if op.Has("insecure") {
		argv = append(argv, "-k")
	}
	if op.Has("format") && !op.Has("head") {
		argv = append(argv, "-o", "/dev/null") // who asks for timings does not ask for the body
	}
	return one(append(argv, "-w", op.Get("format")+`\n`+transfer+" %{http_code} %{time_namelookup} %{time_connect} %{time_appconnect} %{time_starttransfer} %{time_total}\\n", op.Get("url"))...)
}

func wgetArgv(op *runbook.Operation) [][]string {
	argv := []string{"wget", "--no-config", "--max-redirect=0", "-T", "5", "-t", "1"}
	if op.Has("insecure") {
		argv = append(argv, "--no-check-certificate")
	}
	if op.Has("head") {
		return one(append(argv, "-S", "--spider", op.Get("url"))...)
	}
	return one(append(argv, "-S", "-O", "-", op.Get("url"))...)
}

func dfArgv(op *runbook.Operation) [][]string {
	argv := []string{"df", "-P"}
	if op.Has("inodes") {
		argv = append(argv, "-i")
	} else {
		argv = append(argv, "-k")
	}
	return one(append(argv, op.All("path")...)...)
}

func lsArgv(op *runbook.Operation) [][]string {
	argv := []string{"ls", "-A"}
	if op.Has("long") {
		argv = append(argv, "-l")
	}
	return one(append(argv, op.All("path")...)...)
}

func catArgv(op *runbook.Operation) [][]string {
	return one(append([]string{"cat"}, op.All("path")...)...)
}

// envArgv separates entries by zero bytes: values have lines of their own.
func envArgv(*runbook.Operation) [][]string { return one("env", "-0") }

func printenvArgv(op *runbook.Operation) [][]string {
	names := op.All("variable")
	if len(names) == 0 {
		return envArgv(op)
	}
	var all [][]string
	for _, name := range names {
		all = append(all, []string{"printenv", name})
	}
	return all
}

func nodeArgv(op *runbook.Operation) [][]string {
	return one("node", "-e", "console.log(process.env."+op.Get("variable")+")")
}

func nslookupArgv(op *runbook.Operation) [][]string {
	argv := []string{"nslookup", op.Get("host")}
	if op.Has("server") {
		argv = append(argv, op.Get("server"))
	}
	return [][]string{argv}
}

func digArgv(op *runbook.Operation) [][]string {
	argv := []string{"dig", "+time=2", "+tries=1"}
	if op.Has("server") {
		argv = append(argv, "@"+op.Get("server"))
	}
	return one(append(argv, op.Get("host"))...)
}

func ncArgv(op *runbook.Operation) [][]string {
	return one("nc", "-z", "-v", "-w", "5", op.Get("host"), op.Get("port"))
}

func psArgv(*runbook.Operation) [][]string { return one("ps", "aux") }

func topArgv(*runbook.Operation) [][]string { return one("top", "-b", "-n", "1") }
