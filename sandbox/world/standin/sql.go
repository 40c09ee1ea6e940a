package standin

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// session is one psql connection: what it was told and the transaction it is in.
type session struct {
	call           Call
	quiet          bool
	layout         layout
	database, user string

	inside, readOnly, aborted bool
}

// run does the statements of one -c and says whether all went well.
func (s *session) run(source string) bool {
	for _, statement := range strings.Split(source, ";") {
		if statement = strings.Join(strings.Fields(statement), " "); statement == "" {
			continue
		}
		if problem := s.statement(statement); problem != "" {
			s.aborted = s.inside
			s.call.fail(1, "%s", problem)
			return false
		}
	}
	return true
}

var (
	begins   = regexp.MustCompile(`(?i)^(begin|start transaction)( work| transaction)?( isolation level [a-z ]+?)?( read only| read write)?$`)
	ends     = regexp.MustCompile(`(?i)^(rollback|abort|commit|end)( work| transaction)?$`)
	sets     = regexp.MustCompile(`(?i)^(set|reset) .+$`)
	shows    = regexp.MustCompile(`(?i)^show ([a-z_.]+)$`)
	selects  = regexp.MustCompile(`(?i)^select (.+?)(?: from ([a-z_."]+))?$`)
	writes   = regexp.MustCompile(`(?i)^(insert|update|delete|create|drop|alter|truncate|vacuum|grant|revoke)\b`)
	constant = regexp.MustCompile(`(?i)^(?:(-?\d+)|'([^']*)'|([a-z_]+\(\)))(?: as ([a-z_]+))?$`)
)

// statement does one statement; problem is the server's error.
func (s *session) statement(sql string) (problem string) {
	tag := func(text string) {
		if !s.quiet {
			s.call.printf("%s\n", text)
		}
	}
	if m := ends.FindStringSubmatch(sql); m != nil {
		word := strings.ToUpper(m[1])
		if word == "ABORT" || s.aborted {
			word = "ROLLBACK"
		} else if word == "END" {
			word = "COMMIT"
		}
		if !s.inside {
			s.call.fail(0, "WARNING:  there is no transaction in progress")
		}
		s.inside, s.readOnly, s.aborted = false, false, false
		tag(word)
		return ""
	}
	if s.aborted {
		return "ERROR:  current transaction is aborted, commands ignored until end of transaction block"
	}
	if m := begins.FindStringSubmatch(sql); m != nil {
		s.inside, s.readOnly = true, strings.EqualFold(strings.TrimSpace(m[4]), "read only")
		tag("BEGIN")
		return ""
	}
	if m := sets.FindStringSubmatch(sql); m != nil {
		tag(strings.ToUpper(m[1]))
		return ""
	}
	if m := shows.FindStringSubmatch(sql); m != nil {
		value, ok := s.settings()[strings.ToLower(m[1])]
		if !ok {
			return fmt.Sprintf(`ERROR:  unrecognized configuration parameter "%s"`, m[1])
		}
		s.layout.print(s.call, table{columns: []string{strings.ToLower(m[1])}, rows: [][]string{{value}}})
		return ""
	}
	if m := writes.FindStringSubmatch(sql); m != nil {
		return s.write(strings.ToUpper(m[1]))
	}
	if answer, ok := s.report(sql); ok {
		s.layout.print(s.call, answer)
		return ""
	}
	if m := selects.FindStringSubmatch(sql); m != nil {
		result, problem := s.query(m[1], m[2])
		if problem == "" {
			s.layout.print(s.call, result)
		}
		return problem
	}
	word, _, _ := strings.Cut(sql, " ")
	return fmt.Sprintf("ERROR:  syntax error at or near \"%s\"\nLINE 1: %s;\n        ^", word, sql)
}

// write refuses every change: nothing that runs through exec may change the
// world, and a full disk has its own words for it.
func (s *session) write(word string) string {
	switch {
	case s.readOnly:
		return fmt.Sprintf("ERROR:  cannot execute %s in a read-only transaction", word)
	case s.call.View.DatabaseDisk >= 100:
		return "ERROR:  could not extend file \"base/16384/24601\": No space left on device\nHINT:  Check free disk space."
	}
	return "ERROR:  permission denied: the sandbox's database keeps nothing"
}

func (s *session) settings() map[string]string {
	return map[string]string{
		"max_connections": "100", "server_version": "16.9 (Debian 16.9-1.pgdg120+1)", "statement_timeout": "0",
		"shared_buffers": "512MB", "wal_level": "replica", "hot_standby": "on", "data_directory": "/var/lib/postgresql/data/pgdata",
		"superuser_reserved_connections": "3", "transaction_read_only": map[bool]string{true: "on", false: "off"}[s.readOnly],
	}
}

const beyond = "ERROR:  feature not supported: the sandbox's database answers SELECT columns FROM one of its views, without further clauses"

// query answers SELECT list [FROM view]. Other clauses are beyond this server
// and refused, for an answer that ignored them would be a lie.
func (s *session) query(list, from string) (table, string) {
	if from == "" && strings.Contains(strings.ToLower(list), " from ") {
		return table{}, beyond
	}
	if from == "" {
		return s.constants(list)
	}
	name := strings.ToLower(strings.Trim(strings.TrimPrefix(strings.ToLower(from), "pg_catalog."), `"`))
	view, ok := s.call.View.statistics()[name]
	if !ok {
		return table{}, fmt.Sprintf("ERROR:  relation \"%s\" does not exist\nLINE 1: SELECT %s FROM %s;", from, list, from)
	}
	if list == "*" {
		return view, ""
	}
	if strings.EqualFold(strings.ReplaceAll(list, " ", ""), "count(*)") {
		return table{columns: []string{"count"}, rows: [][]string{{fmt.Sprint(len(view.rows))}}}, ""
	}
	out := table{rows: make([][]string, len(view.rows))}
	for column := range strings.SplitSeq(list, ",") {
		column = strings.ToLower(strings.TrimSpace(column))
		at := slices.Index(view.columns, column)
		if at < 0 {
			return table{}, fmt.Sprintf("ERROR:  column \"%s\" does not exist\nLINE 1: SELECT %s FROM %s;", column, list, from)
		}
		out.columns = append(out.columns, column)
		for i, row := range view.rows {
			out.rows[i] = append(out.rows[i], row[at])
		}
	}
	return out, ""
}

func (s *session) constants(list string) (table, string) {
	var out table
	var row []string
	for item := range strings.SplitSeq(list, ",") {
		item = strings.TrimSpace(item)
		m := constant.FindStringSubmatch(item)
		if m == nil {
			return table{}, fmt.Sprintf("ERROR:  column \"%s\" does not exist\nLINE 1: SELECT %s;", item, list)
		}
		name, value := "?column?", m[1]+m[2]
		if m[3] != "" {
			function := strings.ToLower(strings.TrimSuffix(m[3], "()"))
			known, ok := map[string]string{
				"version":           "PostgreSQL 16.9 (Debian 16.9-1.pgdg120+1) on x86_64-pc-linux-gnu, compiled by gcc (Debian 12.2.0-14) 12.2.0, 64-bit",
				"pg_is_in_recovery": "f", "current_database": s.database, "current_user": s.user,
			}[function]
			if !ok {
				return table{}, fmt.Sprintf("ERROR:  function %s() does not exist\nLINE 1: SELECT %s;\nHINT:  No function matches the given name and argument types. You might need to add explicit type casts.", function, list)
			}
			name, value = function, known
		}
		if m[4] != "" {
			name = strings.ToLower(m[4])
		}
		out.columns, row = append(out.columns, name), append(row, value)
	}
	out.rows = [][]string{row}
	return out, ""
}
