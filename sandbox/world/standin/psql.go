package standin

import (
	"fmt"
	"strings"

	"github.com/svcdown/svcdown/sandbox/world/condition"
	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

func psqlGrammar() grammar {
	return grammar{options: []option{
		{'c', "command", true}, {'d', "dbname", true}, {'h', "host", true}, {'p', "port", true}, {'U', "username", true},
		{'v', "set", true}, {'P', "pset", true}, {'f', "file", true}, {'o', "output", true}, {'F', "field-separator", true}, {'R', "record-separator", true},
		{'X', "no-psqlrc", false}, {'w', "no-password", false}, {'W', "password", false}, {'q', "quiet", false}, {'t', "tuples-only", false},
		{'A', "no-align", false}, {'x', "expanded", false}, {'l', "list", false}, {'1', "single-transaction", false}, {'a', "echo-all", false},
		{'b', "echo-errors", false}, {'e', "echo-queries", false}, {0, "csv", false}, {'V', "version", false},
	}}
}

func psql(c Call) int {
	const hint = `psql: hint: Try "psql --help" for more information.`
	o, bad := psqlGrammar().parse(c.Args)
	if bad != nil {
		return c.fail(1, "psql: %s\n%s", bad.message, hint)
	}
	if o.has("version") {
		c.printf("psql (PostgreSQL) 16.9 (Debian 16.9-1.pgdg120+1)\n")
		return 0
	}
	// The first operand is the database, the second the user, unless given.
	database, user := o.last("dbname"), o.last("username")
	for _, operand := range o.operands {
		switch {
		case database == "":
			database = operand
		case user == "":
			user = operand
		default:
			c.fail(0, `psql: warning: extra command-line argument "%s" ignored`, operand)
		}
	}
	if user == "" {
		user = "root"
	}
	if database == "" {
		database = user
	}
	if refusal := c.View.connect(o.last("host"), o.last("port"), user, database); refusal != "" {
		return c.fail(2, "psql: error: %s", refusal)
	}
	if o.has("file") {
		return c.fail(1, "psql: error: %s: No such file or directory", o.last("file"))
	}
	s := session{call: c, quiet: o.has("quiet"), layout: layoutOf(o), database: database, user: user}
	stop := strings.EqualFold(setting(o.values["set"], "ON_ERROR_STOP"), "1") || strings.EqualFold(setting(o.values["set"], "ON_ERROR_STOP"), "on")
	code := 0
	for _, command := range o.values["command"] {
		// Each -c ends with its own status, and psql with that of the last one.
		code = 0
		if !s.run(command) {
			code = 1
			if stop {
				break
			}
		}
	}
	return code
}

func setting(sets []string, name string) string {
	value := ""
	for _, set := range sets {
		if v, ok := strings.CutPrefix(set, name+"="); ok {
			value = v
		}
	}
	return value
}

// connect is libpq's complaint when a connection cannot be made, else empty.
func (v View) connect(host, port, user, database string) string {
	if port == "" {
		port = "5432"
	}
	if number(port) <= 0 || number(port) > 65535 {
		return fmt.Sprintf(`invalid port number: "%s"`, port)
	}
	inside := v.Kind == marketplace.Database && (host == "" || local(host))
	where, hint := "", ""
	switch {
	case host == "" || strings.HasPrefix(host, "/"):
		where = fmt.Sprintf(`connection to server on socket "/var/run/postgresql/.s.PGSQL.%s" failed: `, port)
		hint = "No such file or directory\n\tIs the server running locally and accepting connections on that socket?"
	case local(host):
		where = fmt.Sprintf(`connection to server at "%s" (127.0.0.1), port %s failed: `, host, port)
		hint = "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?"
	default:
		r, resolved := v.dial(host, number(port), "")
		if !resolved {
			return fmt.Sprintf(`could not translate host name "%s" to address: Name or service not known`, host)
		}
		where = fmt.Sprintf(`connection to server at "%s" (%s), port %s failed: `, host, r.ip, port)
		hint = "Connection refused\n\tIs the server running on that host and accepting TCP/IP connections?"
		peer, ok := v.peer(host)
		inside = ok && peer.Kind == marketplace.Database && r.open
	}
	switch {
	case !inside || port != "5432" || v.Database == condition.Refused:
		return where + hint
	case v.Database == condition.Starting:
		return where + "FATAL:  the database system is starting up"
	case v.Database == condition.Saturated:
		return where + "FATAL:  sorry, too many clients already"
	case user != "postgres" && user != "marketplace":
		return where + fmt.Sprintf(`FATAL:  role "%s" does not exist`, user)
	case database != "postgres" && database != "web3marketplace" && database != "template1":
		return where + fmt.Sprintf(`FATAL:  database "%s" does not exist`, database)
	}
	return ""
}

func pgIsReady(c Call) int {
	o, bad := grammar{options: []option{
		{'d', "dbname", true}, {'h', "host", true}, {'p', "port", true}, {'q', "quiet", false}, {'t', "timeout", true}, {'U', "username", true}, {'V', "version", false}}}.parse(c.Args)
	const hint = `pg_isready: hint: Try "pg_isready --help" for more information.`
	if bad != nil {
		return c.fail(3, "pg_isready: %s\n%s", bad.message, hint)
	}
	if o.has("version") {
		c.printf("pg_isready (PostgreSQL) 16.9 (Debian 16.9-1.pgdg120+1)\n")
		return 0
	}
	if len(o.operands) > 0 {
		return c.fail(3, "pg_isready: error: too many command-line arguments (first is \"%s\")\n%s", o.operands[0], hint)
	}
	host, port := o.last("host"), o.last("port")
	if port == "" {
		port = "5432"
	}
	where := host
	if host == "" {
		where = "/var/run/postgresql"
	}
	// A server that turns clients away for any reason but starting up counts as
	// accepting: https://www.postgresql.org/docs/16/app-pg-isready.html
	code, answer := 0, "accepting connections"
	switch refusal := c.View.connect(host, port, "postgres", "postgres"); {
	case strings.HasSuffix(refusal, "starting up"):
		code, answer = 1, "rejecting connections"
	case refusal != "" && !strings.Contains(refusal, "FATAL:"):
		code, answer = 2, "no response"
	}
	if !o.has("quiet") {
		c.printf("%s:%s - %s\n", where, port, answer)
	}
	return code
}
