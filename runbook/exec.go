package runbook

import "regexp"

// execOptions are those of kubectl exec and oc rsh; a terminal is never opened.
var execOptions = table("read what is in the cluster, not a file", "i,stdin= t,tty= T,no-tty= q,quiet= c,container=container:word pod-running-timeout=:duration timeout=:duration f,filename=!")

// containerPrograms are what may run inside a container. Every one of them only reads; whatever is not here is refused.
func containerPrograms() map[string]func(*Operation, []Word) error {
	return map[string]func(*Operation, []Word) error{
		"psql": psql, "pg_isready": pgIsReady, "redis-cli": redisCLI,
		"curl": containerCurl, "wget": wget,
		"df": df, "ls": ls, "cat": cat, "env": env, "printenv": printenv, "node": node, "nodejs": node,
		"nslookup": nslookup, "dig": dig, "nc": netcat, "ps": ps, "top": topBatch,
	}
}

func execVerb(_ string, r *reader) (verdict, error) {
	if !r.dashed {
		return verdict{}, refuse("exec needs -- in front of the program")
	}
	if len(r.rest) != 1 {
		return verdict{}, refuse("exec takes one pod or KIND/NAME in front of --")
	}
	return inContainer(r, r.rest[0], r.behind)
}

// remoteShell reads oc rsh POD PROGRAM …: what stands behind the pod is the program's.
func remoteShell(r *reader) (verdict, error) {
	words := r.behind
	if len(words) < 2 {
		return verdict{}, refuse("rsh without a program opens a shell")
	}
	return inContainer(r, words[0], words[1:])
}

func inContainer(r *reader, where Word, words []Word) (verdict, error) {
	if len(words) == 0 {
		return verdict{}, refuse("exec lacks a program")
	}
	name, ok := words[0].Literal()
	if !ok {
		return verdict{}, refuse("the program inside the container is a placeholder")
	}
	program, known := containerPrograms()[name]
	if !known {
		return verdict{}, whyNotInside(name)
	}
	op := r.operation("exec " + name)
	if name == "nodejs" {
		op.Name = "exec node"
	}
	op.Namespaced = true
	if err := op.pod(where); err != nil {
		return verdict{}, err
	}
	if err := program(&op, words[1:]); err != nil {
		return verdict{}, err
	}
	return check(op)
}

var shells = regexp.MustCompile(`^(/(usr/)?bin/)?(ba|da|a|z|k|c|tc|fi)?sh$`)

func whyNotInside(name string) error {
	switch {
	case shells.MatchString(name):
		return refuse("a shell inside the container could do anything; write the program itself behind --")
	case name == "find" || name == "xargs" || name == "tar" || name == "timeout" || name == "nohup" || name == "sudo" || name == "su":
		return refuse("%s can run other programs or write files", name)
	default:
		return refuse("program %q is not known to only read", clip(name))
	}
}

// plain reads a program's options and puts them, and at most most further words of type t, into the operation.
func (o *Operation) plain(program string, known options, words []Word, argument string, t Type, most int) error {
	r := reader{program: program, known: known}
	if err := r.read(words); err != nil {
		return err
	}
	rest := append(r.rest, r.behind...)
	if len(rest) > most {
		return refuse("%s has more arguments than are supported", program)
	}
	o.Args = append(o.Args, r.args...)
	for _, w := range rest {
		if err := validate(t, "the argument of "+program, w); err != nil {
			return err
		}
		o.add(argument, t, w)
	}
	return nil
}

func pgIsReady(o *Operation, words []Word) error {
	return o.plain("pg_isready", table("", "h,host=host:host p,port=port:integer U,username=user:word d,dbname=database:word t,timeout=:integer q,quiet="), words, "", Label, 0)
}

func df(o *Operation, words []Word) error {
	return o.plain("df", table("", "h,human-readable= H,si= k= m= T,print-type= i,inodes=inodes P,portability= a,all= l,local="), words, "path", Path, 8)
}

func ls(o *Operation, words []Word) error {
	return o.plain("ls", table("", "l=long a,all= A,almost-all= h,human-readable= t= r,reverse= S= d,directory= i,inode= n= 1= F= s,size="), words, "path", Path, 8)
}

// readable are the files that cat may show: they describe the container's machine and hold no secret of anybody's.
var readable = regexp.MustCompile(`^(/etc/(resolv\.conf|hosts|hostname|os-release|nsswitch\.conf|issue|debian_version|alpine-release)` +
	`|/proc/(meminfo|loadavg|uptime|cpuinfo|version|mounts|stat|vmstat|diskstats|net/(dev|tcp|tcp6|udp|sockstat|route)|pressure/(cpu|memory|io)|(1|self)/(limits|status))` +
	`|/proc/sys/(fs/file-nr|fs/file-max|kernel/pid_max|net/core/somaxconn)` +
	`|/sys/fs/cgroup/(memory\.(max|high|current|stat|events|peak|swap\.max|swap\.current)|cpu\.(max|stat|pressure)|io\.(stat|pressure)|pids\.(max|current)` +
	`|memory/memory\.(limit_in_bytes|usage_in_bytes|max_usage_in_bytes|stat|failcnt)|cpu/cpu\.(cfs_quota_us|cfs_period_us|stat)))$`)

func cat(o *Operation, words []Word) error {
	if len(words) == 0 {
		return refuse("cat without a file waits for input")
	}
	for _, w := range words {
		p, ok := w.Literal()
		if !ok || !readable.MatchString(p) {
			return refuse("cat may not show %s; only files that describe the machine, such as /etc/resolv.conf or /proc/meminfo", clip(w.String()))
		}
		o.add("path", Fixed, w)
	}
	return nil
}

// env lists the names of the environment, never a value; with words it would set variables or run a program.
func env(_ *Operation, words []Word) error {
	if len(words) > 0 {
		return refuse("env with arguments runs another program")
	}
	return nil
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func printenv(o *Operation, words []Word) error {
	for _, w := range words {
		s, ok := w.Literal()
		if !ok || !variableName.MatchString(s) {
			return refuse("printenv takes names of variables, not %q", clip(w.String()))
		}
		o.add("variable", Fixed, w)
	}
	return nil
}

// printsVariable is the one JavaScript that node may run.
var printsVariable = regexp.MustCompile(`^\s*(?:console\.log\(\s*process\.env(?:\.([A-Za-z_]\w*)|\[["']([A-Za-z_]\w*)["']\])\s*\)|process\.env\.([A-Za-z_]\w*))\s*;?\s*$`)

func node(o *Operation, words []Word) error {
	const only = `node may only run -e "console.log(process.env.NAME)"`
	if len(words) != 2 {
		return refuse(only)
	}
	how, _ := words[0].Literal()
	script, ok := words[1].Literal()
	m := printsVariable.FindStringSubmatch(script)
	if !ok || m == nil || (how != "-e" && how != "--eval" && how != "-p" && how != "--print" && how != "-pe") {
		return refuse(only)
	}
	o.add("variable", Fixed, literal(m[1]+m[2]+m[3]))
	return nil
}

var processLists = map[string]bool{"": true, "aux": true, "auxw": true, "auxww": true, "ax": true, "-ef": true, "-e": true, "-A": true, "-a": true, "-aux": true}

func ps(_ *Operation, words []Word) error {
	how := ""
	if len(words) > 0 {
		how, _ = words[0].Literal()
	}
	if len(words) > 1 || !processLists[how] {
		return refuse("ps may be ps, ps aux or ps -ef; other options can show the environment of processes")
	}
	return nil
}

func topBatch(o *Operation, words []Word) error {
	r := reader{program: "top", known: table("", "b=batch n=:integer d=:integer")}
	if err := r.read(words); err != nil {
		return err
	}
	if !r.has("batch") || len(r.rest) > 0 || r.dashed {
		return refuse("top inside a container must be top -b -n 1")
	}
	return nil
}
