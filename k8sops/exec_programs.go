package k8sops

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/redact"
)

// program says how one program may be run. This is the second wall: what a runbook's command means was decided before, and whatever got past
// that is held against this list once more, where the call is made.
type program struct {
	// switches are options without a value, valued those with one; anything else that begins with a dash is refused.
	switches, valued string
	// words are at most so many arguments that are no options.
	words int
	// must says what else has to hold, "" when it does.
	must func(a arguments) string
	// keep is what of the output may leave this package, before redaction.
	keep func(argv []string, out string) string
}

// arguments are an argument list taken apart.
type arguments struct {
	argv   []string
	values map[string][]string // by option, with its dashes
	words  []string
}

func (a arguments) has(option string) bool { return len(a.values[option]) > 0 }

func all(_ []string, out string) string { return out }

func holds(arguments) string { return "" }

// programs is the closed list. None of them is a shell or starts another program.
func programs() map[string]program {
	return map[string]program{
		"psql":       {switches: "-X -w -q -A", valued: "-v -F -R -P -h -p -U -d -c", must: psqlReads, keep: psqlCells},
		"pg_isready": {valued: "-h -p -U -d -t", must: plainNames, keep: all},
		"redis-cli":  {switches: "--tls -c --no-auth-warning", valued: "-h -p -n -t", words: 12, must: redisReads, keep: redisSettings},
		"curl": {switches: "-q -s -S -v -I -f -k -i -4 -6 --compressed --http1.1 --http2", valued: "--max-time --connect-timeout --proto --max-redirs -w -X -H -A -o",
			words: 1, must: curlReads, keep: all},
		"wget":     {switches: "-q -S --spider --no-config --no-check-certificate", valued: "-O -T -t --max-redirect --header", words: 1, must: wgetReads, keep: all},
		"df":       {switches: "-P -k -i", words: 8, must: holds, keep: all},
		"ls":       {switches: "-l -A -a", words: 8, must: holds, keep: all},
		"cat":      {words: 8, must: catReads, keep: all},
		"env":      {switches: "-0", must: func(a arguments) string { return only(a.has("-0"), "env must separate its values by zero bytes") }, keep: names},
		"printenv": {words: 1, must: oneVariable, keep: variable},
		"node":     {valued: "-e", must: printsOne, keep: variable},
		"nslookup": {words: 2, must: resolves, keep: all},
		"dig":      {switches: "+noall +answer +comments +time=2 +tries=1", words: 3, must: resolves, keep: all},
		"nc":       {switches: "-z -v -n -4 -6", valued: "-w", words: 2, must: func(a arguments) string { return only(a.has("-z"), "nc must only connect") }, keep: all},
		"ps":       {switches: "-ef", words: 1, must: func(a arguments) string { return only(len(a.words) == 0 || a.words[0] == "aux", "ps may only list") }, keep: processes},
		"top":      {switches: "-b", valued: "-n", must: func(a arguments) string { return only(a.has("-b"), "top must run in batch mode") }, keep: processes},
	}
}

func only(ok bool, otherwise string) string {
	if ok {
		return ""
	}
	return otherwise
}

// permitted finds the program of an argument list and checks every argument.
func permitted(argv []string) (program, error) {
	refuse := func(why redact.Text) error {
		return &Error{Kind: Invalid, Op: "run a program", Message: redact.F("%s; nothing was run.", why)}
	}
	if len(argv) == 0 {
		return program{}, refuse(redact.Const("There is no program"))
	}
	p, ok := programs()[argv[0]]
	if !ok {
		return program{}, refuse(redact.F("%q is not among the programs that may run inside a container", argv[0]))
	}
	a := arguments{argv: argv, values: map[string][]string{}}
	switches, valued := strings.Fields(p.switches), strings.Fields(p.valued)
	for i := 1; i < len(argv); i++ {
		arg := argv[i]
		name, joined, equals := strings.Cut(arg, "=")
		switch {
		case strings.ContainsRune(arg, 0):
			return p, refuse(redact.F("An argument of %s holds a zero byte", argv[0]))
		case slices.Contains(switches, arg):
			a.values[arg] = append(a.values[arg], "")
		case slices.Contains(valued, arg) && i+1 < len(argv):
			i++
			a.values[arg] = append(a.values[arg], argv[i])
		case equals && strings.HasPrefix(name, "--") && slices.Contains(valued, name):
			a.values[name] = append(a.values[name], joined)
		case strings.HasPrefix(arg, "-") || strings.HasPrefix(arg, "+") || arg == "":
			return p, refuse(redact.F("Option %q of %s may not be used", arg, argv[0]))
		default:
			a.words = append(a.words, arg)
		}
	}
	if len(a.words) > p.words {
		return p, refuse(redact.F("%s has more arguments than may be used", argv[0]))
	}
	if why := p.must(a); why != "" {
		return p, refuse(redact.F("%s", why))
	}
	return p, nil
}

// psqlPrefix is how every psql begins: no file of the user's, no password asked, stop at the first error, cells that can be told apart.
var psqlPrefix = []string{"psql", "-X", "-w", "-q", "-v", "ON_ERROR_STOP=1", "-A", "-F", "\x1f", "-R", "\x1e", "-P", "footer=off"}

// PsqlArgv is psql asking one question that only reads: in a read-only transaction that is rolled back, and ended by the server after 5 s.
func PsqlArgv(host, port, user, database, sql string) []string {
	argv := slices.Clone(psqlPrefix)
	for _, o := range [][2]string{{"-h", host}, {"-p", port}, {"-U", user}, {"-d", database}} {
		if o[1] != "" {
			argv = append(argv, o[0], o[1])
		}
	}
	return append(argv, "-c", psqlBegin, "-c", psqlLimit, "-c", sql, "-c", psqlEnd)
}

const psqlBegin, psqlLimit, psqlEnd = "BEGIN READ ONLY", "SET LOCAL statement_timeout='5s'", "ROLLBACK"

var listsObjects = regexp.MustCompile(`^\s*\\(l|dt|di|dv|dm|ds|dn|du|dx|d|conninfo)\+?(\s+[A-Za-z0-9_.]+)?\s*;?\s*$`)

func psqlReads(a arguments) string {
	c := a.values["-c"]
	switch {
	case len(a.argv) < len(psqlPrefix) || !slices.Equal(a.argv[:len(psqlPrefix)], psqlPrefix) || len(a.values["-v"]) != 1 || len(a.values["-P"]) != 1:
		return "psql must run as svcdown runs it"
	case len(c) != 4 || c[0] != psqlBegin || c[1] != psqlLimit || c[3] != psqlEnd:
		return "psql must ask one question inside a read-only transaction"
	case strings.Contains(c[2], `\`) && !listsObjects.MatchString(c[2]):
		return "psql commands with a backslash may only list"
	case !strings.Contains(c[2], `\`) && !oneQuestion.MatchString(c[2]):
		return "psql must ask one question, that reads"
	case notForReading.MatchString(c[2]):
		return "psql may call nothing that acts on the server or shows its files and passwords"
	}
	return plainNames(a)
}

// plainNames keeps psql and pg_isready to names: a connection string, which each of them takes for a database, could name other hosts, files and
// options.
func plainNames(a arguments) string {
	for _, o := range []string{"-h", "-p", "-U", "-d"} {
		for _, v := range a.values[o] {
			if strings.HasPrefix(v, "-") || strings.ContainsAny(v, "=/ '\\") {
				return a.argv[0] + " takes plain names to connect with"
			}
		}
	}
	return ""
}

// oneQuestion is SQL that begins as a question does, with every semicolon but the last one inside of quotes. Dollar quotes and comments are
// refused outside of quotes: in them a quote or a semicolon would mean something else. COPY … TO PROGRAM runs also where nothing may be written.
var oneQuestion = regexp.MustCompile(`^(?is)\s*\(*\s*(select|show|explain|with|values|table)\b(?:[^;'"$/-]|'[^']*'|"[^"]*"|-[^-;'"$/]|/[^*;'"$/-])*;*\s*$`)

// notForReading are the functions of Postgres that act though nothing may be written, and what shows files and passwords. What a runbook may
// call is a list of its own, in the runbook's grammar; this one is for what got past that.
var notForReading = regexp.MustCompile(`(?i)\b(pg_(terminate|cancel|read|ls|stat_file|stat_reset|reload|rotate|promote|switch|create|drop|advisory|try_advisory|sleep|notify|export|logical|replication_origin|replication_slot_advance|copy|backup|wal_replay|file|hba|authid|shadow|user_mapping|settings|db_role_setting|start|stop|log_backend|logdir|logfile|stat_statements_reset|subscription)\w*|_pg_user_mapping\w*|user_mapping_options|lo_\w+|dblink\w*|current_setting|set_config|setval|nextval|show\s+(all|\w*conninfo)|(query|table|cursor|schema|database)_to_xml\w*)\b`)

// redisQuestions are the commands of Redis that only read and show no stored value; the first word decides, or the first two.
var redisQuestions = strings.Fields("PING INFO DBSIZE LASTSAVE ROLE TIME CONFIG_GET SLOWLOG_LEN CLIENT_LIST CLIENT_INFO CLIENT_GETNAME CLIENT_ID " +
	"MEMORY_STATS MEMORY_DOCTOR LATENCY_LATEST LATENCY_DOCTOR CLUSTER_INFO CLUSTER_NODES CLUSTER_SLOTS CLUSTER_SHARDS ACL_WHOAMI MODULE_LIST " +
	"COMMAND_COUNT PUBSUB_NUMPAT SENTINEL_MASTERS SENTINEL_GET-MASTER-ADDR-BY-NAME SENTINEL_CKQUORUM")

func redisReads(a arguments) string {
	words := make([]string, 0, 2)
	for _, w := range a.words[:min(2, len(a.words))] {
		words = append(words, strings.ToUpper(w))
	}
	if len(words) > 0 && (slices.Contains(redisQuestions, words[0]) || slices.Contains(redisQuestions, strings.Join(words, "_"))) {
		return ""
	}
	return "this command of Redis may not be run"
}

func curlReads(a arguments) string {
	method := strings.Join(a.values["-X"], " ")
	touches := func(v string) bool { return strings.HasPrefix(v, "@") || strings.Contains(v, "%output") }
	switch {
	case len(a.argv) < 2 || a.argv[1] != "-q":
		return "curl must begin with -q, so that no file says what it does"
	case strings.Join(a.values["--proto"], "") != "=http,https":
		return "curl may only speak http and https"
	case len(a.words) != 1:
		return "curl needs one URL"
	case method != "" && method != "GET" && method != "HEAD":
		return "curl may only GET and HEAD"
	case slices.ContainsFunc(a.values["-w"], touches) || slices.ContainsFunc(a.values["-H"], touches):
		return "curl may touch no file"
	case strings.Trim(strings.Join(a.values["-o"], " "), " -") != "" && strings.Join(a.values["-o"], " ") != "/dev/null":
		return "curl may write no file"
	}
	return plainURL(a)
}

func wgetReads(a arguments) string {
	output := strings.Join(a.values["-O"], " ")
	switch {
	case !a.has("--no-config") || strings.Join(a.values["--max-redirect"], " ") != "0":
		return "wget must read no file and follow no redirect"
	case len(a.words) != 1:
		return "wget needs one URL"
	case output != "-" && output != "/dev/null" && (a.has("-O") || !a.has("--spider")):
		// -O opens its file even when nothing is fetched.
		return "wget may write no file"
	}
	return plainURL(a)
}

func plainURL(a arguments) string {
	u, err := url.Parse(a.words[0])
	switch {
	case err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.User != nil || strings.ContainsAny(a.words[0], "{} \n"):
		return "the URL is none that may be asked"
	case !strings.HasPrefix(u.Host, "[") && strings.ContainsAny(a.words[0], "[]"):
		return "the URL holds brackets, which curl would expand"
	}
	if addr, err := netip.ParseAddr(u.Hostname()); err == nil && (addr.Unmap().IsLinkLocalUnicast() || addr.IsUnspecified() || addr.IsMulticast()) {
		return "link-local and metadata addresses are never asked"
	}
	return ""
}

// machineFiles are the files that describe the machine and hold nobody's secret. Nothing of a process but its limits and its status: cwd, fd
// and root lead to every other file.
var machineFiles = regexp.MustCompile(`^/(etc/(resolv\.conf|hosts|hostname|os-release|nsswitch\.conf|issue|debian_version|alpine-release)` +
	`|proc/(meminfo|loadavg|uptime|cpuinfo|version|mounts|stat|vmstat|diskstats|net/[a-z0-9]+|pressure/[a-z]+|(1|self)/(limits|status)|sys/[a-z0-9/_-]+)` +
	`|sys/fs/cgroup/[a-z0-9/._-]+)$`)

func catReads(a arguments) string {
	for _, w := range a.words {
		if !machineFiles.MatchString(w) || strings.Contains(w, "..") {
			return "cat may only show files that describe the machine"
		}
	}
	return only(len(a.words) > 0, "cat needs a file")
}

var variableName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func oneVariable(a arguments) string {
	return only(len(a.words) == 1 && variableName.MatchString(a.words[0]), "printenv needs the name of one variable")
}

var printsVariable = regexp.MustCompile(`^console\.log\(process\.env\.[A-Za-z_][A-Za-z0-9_]*\)$`)

func printsOne(a arguments) string {
	return only(len(a.values["-e"]) == 1 && printsVariable.MatchString(a.values["-e"][0]), "node may only print one variable")
}

func resolves(a arguments) string { return only(len(a.words) > 0, a.argv[0]+" needs a name") }
