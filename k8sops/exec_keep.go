package k8sops

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/redact"
)

// names keeps of an environment, whose entries end with zero bytes, the names.
func names(_ []string, out string) string {
	var kept []string
	for entry := range strings.SplitSeq(out, "\x00") {
		if name, _, ok := strings.Cut(entry, "="); ok && variableName.MatchString(name) {
			kept = append(kept, name)
		}
	}
	slices.Sort(kept)
	return strings.Join(kept, "\n")
}

// variable keeps of one variable's value whether there is one, and of a connection string where it leads: scheme://user@host:port/database.
func variable(_ []string, out string) string {
	value := strings.TrimSuffix(out, "\n")
	switch {
	case out == "" || value == "undefined":
		return "not set"
	case strings.TrimSpace(value) == "":
		return "empty"
	}
	if to := connection(value); to != "" {
		return to
	}
	return "set"
}

var (
	// stores are the schemes whose path is the name of a database.
	stores    = regexp.MustCompile(`^(postgres|postgresql|mysql|mariadb|mongodb|mongodb\+srv|redis|rediss|amqp|amqps|sqlserver|cockroachdb|clickhouse)$`)
	wanted    = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,63}$`)
	hostPorts = regexp.MustCompile(`^[A-Za-z0-9_.:\[\],-]{1,300}$`)
	setting   = regexp.MustCompile(`(?:^|\s)(host|port|dbname|user)=([A-Za-z0-9_.:-]+)`)
)

// connection reads a URL, with jdbc: in front or not, or a libpq string; "" when it is neither. A user is told only where a password
// follows it or the scheme says that it is one: lone user parts of other URLs are tokens.
func connection(value string) string {
	value = strings.TrimPrefix(strings.TrimSpace(value), "jdbc:")
	if scheme, rest, ok := strings.Cut(value, "://"); ok && variableName.MatchString(strings.NewReplacer("+", "_", "-", "_").Replace(scheme)) {
		rest, _, _ = strings.Cut(rest, "?")
		at := strings.LastIndex(rest, "@") // passwords hold @ and / more often than they should
		userinfo, place := "", rest
		if at >= 0 {
			userinfo, place = rest[:at], rest[at+1:]
		}
		hosts, path, _ := strings.Cut(place, "/")
		if !hostPorts.MatchString(hosts) {
			return ""
		}
		if !stores.MatchString(scheme) {
			return scheme + "://" + hosts
		}
		user, _, _ := strings.Cut(userinfo, ":")
		return store(scheme, user, hosts, path)
	}
	parts := map[string]string{}
	for _, m := range setting.FindAllStringSubmatch(value, -1) {
		parts[m[1]] = m[2]
	}
	if parts["host"] == "" {
		return ""
	}
	host := parts["host"]
	if parts["port"] != "" {
		host += ":" + parts["port"]
	}
	return store("postgres", parts["user"], host, parts["dbname"])
}

func store(scheme, user, hosts, database string) string {
	to := scheme + "://"
	if name, err := url.PathUnescape(user); err == nil && wanted.MatchString(name) {
		to += name + "@"
	}
	to += hosts
	if wanted.MatchString(database) {
		to += "/" + database
	}
	return to
}

var (
	// queryText are columns that hold somebody's SQL, with the values in it.
	queryText = regexp.MustCompile(`(?i)^(.*_)?query$|^statement$|conninfo|^definition$`)
	// asksForQueries: then a column of any other name may be made of them.
	asksForQueries = regexp.MustCompile(`(?i)\bquery\b`)
	looksLikeSQL   = regexp.MustCompile(`(?is)^\s*(select|insert|update|delete|merge|with|copy|create|alter|drop|set|begin|execute|explain|prepare|declare|fetch|vacuum|call|do)\b`)
	plainCell      = regexp.MustCompile(`^[A-Za-z0-9_.:+/-]{0,40}$|^\d{4}-\d\d-\d\d [0-9:.+-]+$|^(idle in transaction( \(aborted\))?|client backend|background writer|autovacuum (launcher|worker)|logical replication (launcher|worker)|parallel worker)$`)
)

const notShown = "[not shown]"

// psqlCells turns records into lines of cells with tabs between them, without the text of queries.
func psqlCells(argv []string, out string) string {
	var lines []string
	var columns []string
	asked := argv[len(argv)-3]
	for i, record := range records(out) {
		if i == 0 {
			columns = record
		}
		cells := make([]string, len(record))
		for j, cell := range record {
			cells[j] = oneCell(cell)
			if i == 0 {
				continue
			}
			column := ""
			if j < len(columns) {
				column = columns[j]
			}
			if cell != "" && (queryText.MatchString(column) || looksLikeSQL.MatchString(cell) || asksForQueries.MatchString(asked) && !plainCell.MatchString(cell)) {
				cells[j] = notShown
			}
		}
		lines = append(lines, strings.Join(cells, "\t"))
	}
	return strings.Join(lines, "\n")
}

// records takes the output of psql apart. A title in front of the columns (of \l and its like) is dropped.
func records(out string) [][]string {
	out = strings.TrimSuffix(out, "\n")
	if out == "" {
		return nil
	}
	var all [][]string
	for record := range strings.SplitSeq(out, "\x1e") {
		all = append(all, strings.Split(strings.TrimPrefix(record, "\n"), "\x1f"))
	}
	if len(all) > 1 && len(all[0]) == 1 && len(all[1]) > 1 {
		all = all[1:]
	}
	return all
}

func oneCell(s string) string { return strings.NewReplacer("\t", " ", "\n", " ", "\r", " ").Replace(s) }

var secretSetting = regexp.MustCompile(`(?i)pass|auth|secret|user|acl|tls-.*key|token`)

// redisSettings takes the values of secret settings out of CONFIG GET, which prints names and values in turn.
func redisSettings(argv []string, out string) string {
	if !slices.ContainsFunc(argv, func(s string) bool { return strings.EqualFold(s, "config") }) {
		return out
	}
	lines := strings.Split(out, "\n")
	for i := 0; i+1 < len(lines); i += 2 {
		if secretSetting.MatchString(lines[i]) && lines[i+1] != "" {
			lines[i+1] = redact.Mark
		}
	}
	return strings.Join(lines, "\n")
}

// processes keeps of a list of processes the program's name: what is behind it on a command line may be a password.
func processes(_ []string, out string) string {
	lines := strings.Split(out, "\n")
	column := -1
	for i, line := range lines {
		if column < 0 {
			for _, title := range []string{"COMMAND", "CMD"} {
				if at := strings.Index(line, title); at >= 0 && strings.Contains(line[:at], "PID") {
					column = at
				}
			}
			continue
		}
		if len(line) <= column {
			continue
		}
		// The columns in front may be wider than their titles: the command begins behind the last blank before the title's place.
		at := column
		for at > 0 && line[at-1] != ' ' {
			at--
		}
		fields := strings.Fields(line[at:])
		if len(fields) > 1 {
			lines[i] = line[:at] + fields[0] + " …"
		}
	}
	return strings.Join(lines, "\n")
}
