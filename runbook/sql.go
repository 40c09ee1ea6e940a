package runbook

import (
	"encoding/json"
	"regexp"
	"strings"
)

// readsOnly reports why sql is more than one reading question about the server itself, nil when it is just that. It goes by lists of what
// is allowed: node types of the grammar, functions, types, operators, and the system's views. Tables of the application may only be counted.
func readsOnly(sql string) error {
	if knownSQL[sql] {
		return nil
	}
	return judgeSQL(sql)
}

// judgeSQL asks the grammar.
func judgeSQL(sql string) error {
	tree, err := parseSQL(sql)
	if err != nil {
		return err
	}
	var parsed struct {
		Stmts []struct {
			Stmt map[string]any `json:"stmt"`
		} `json:"stmts"`
	}
	if err := json.Unmarshal(tree, &parsed); err != nil {
		return refuse("the SQL cannot be checked")
	}
	if len(parsed.Stmts) != 1 {
		return refuse("the SQL holds %d statements; exactly one is possible", len(parsed.Stmts))
	}
	return statementReads(parsed.Stmts[0].Stmt)
}

func statementReads(stmt map[string]any) error {
	for kind, n := range stmt {
		body, _ := n.(map[string]any)
		switch kind {
		case "SelectStmt":
			return (&query{}).statement(body)
		case "VariableShowStmt":
			name, _ := body["name"].(string)
			if !settings[strings.ToLower(name)] {
				return refuse("SHOW %s is not among the settings that may be shown", clip(name))
			}
			return nil
		case "ExplainStmt":
			return explainReads(body)
		default:
			return refuse("the SQL is a %s, not a SELECT, SHOW or EXPLAIN", strings.TrimSuffix(kind, "Stmt"))
		}
	}
	return refuse("there is no SQL")
}

func explainReads(body map[string]any) error {
	list, _ := body["options"].([]any)
	for _, entry := range list {
		m, _ := entry.(map[string]any)
		elem, _ := m["DefElem"].(map[string]any)
		name, _ := elem["defname"].(string)
		switch name {
		case "verbose", "costs", "format", "summary":
		default:
			return refuse("EXPLAIN with %s runs the statement or shows more than its plan", clip(name))
		}
	}
	inner, _ := body["query"].(map[string]any)
	if _, ok := inner["SelectStmt"]; !ok {
		return refuse("EXPLAIN may only explain a SELECT")
	}
	return statementReads(inner)
}

// query walks a SELECT.
type query struct {
	with   map[string]bool // names of WITH queries that are in scope
	tables bool            // the SELECT being walked reads a table of the application
	inside bool            // of another SELECT
}

// statement reads one SelectStmt: WITH queries in order, each seeing only the earlier ones, then the rest.
func (q *query) statement(body map[string]any) error {
	inner := &query{with: map[string]bool{}, inside: true}
	for name := range q.with {
		inner.with[name] = true
	}
	if with, ok := body["withClause"].(map[string]any); ok {
		if q.inside || with["recursive"] == true {
			return refuse("WITH inside of another query, and WITH RECURSIVE, are not supported")
		}
		list, _ := with["ctes"].([]any)
		for _, entry := range list {
			m, _ := entry.(map[string]any)
			cte, _ := m["CommonTableExpr"].(map[string]any)
			name, _ := cte["ctename"].(string)
			sub, _ := cte["ctequery"].(map[string]any)
			if name == "" || len(sub) != 1 {
				return refuse("its WITH cannot be read")
			}
			if err := inner.node(sub); err != nil {
				return err
			}
			inner.with[name] = true
		}
	}
	for key, n := range body {
		if key == "withClause" {
			continue
		}
		if err := inner.field(key, n); err != nil {
			return err
		}
	}
	if inner.tables && !counts(body["targetList"]) {
		return refuse("it shows rows of a table that is not one of the server's own views; only count(*) of such a table is possible")
	}
	return nil
}

// counts reports whether a target list is nothing but count(…).
func counts(list any) bool {
	targets, _ := list.([]any)
	for _, entry := range targets {
		m, _ := entry.(map[string]any)
		target, _ := m["ResTarget"].(map[string]any)
		val, _ := target["val"].(map[string]any)
		call, _ := val["FuncCall"].(map[string]any)
		if names := nameParts(call["funcname"]); len(names) == 0 || names[len(names)-1] != "count" {
			return false
		}
	}
	return len(targets) > 0
}

func (q *query) field(key string, n any) error {
	switch key {
	case "intoClause":
		return refuse("SELECT … INTO creates a table")
	case "lockingClause":
		return refuse("FOR UPDATE and its like lock rows")
	case "larg", "rarg":
		body, _ := n.(map[string]any)
		return q.statement(body)
	case "typeName":
		body, _ := n.(map[string]any)
		return q.typeName(body)
	}
	return q.value(n)
}

func (q *query) value(n any) error {
	switch n := n.(type) {
	case map[string]any:
		return q.node(n)
	case []any:
		for _, entry := range n {
			if err := q.value(entry); err != nil {
				return err
			}
		}
	}
	return nil
}

// node reads a map: either {"Type": {…}} or the fields of a node.
func (q *query) node(m map[string]any) error {
	for key, n := range m {
		if key == "" || key[0] < 'A' || key[0] > 'Z' {
			if err := q.field(key, n); err != nil {
				return err
			}
			continue
		}
		if !sqlNodes[key] {
			return refuse("the SQL uses %s, which is not known to only read", key)
		}
		body, _ := n.(map[string]any)
		var err error
		switch key {
		case "SelectStmt":
			err = q.statement(body)
		case "FuncCall":
			err = q.call(body)
		case "RangeVar":
			err = q.table(body)
		case "TypeName":
			err = q.typeName(body)
		case "A_Expr":
			err = q.operator(body)
		default:
			err = q.value(n)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (q *query) call(body map[string]any) error {
	if name := unqualified(body["funcname"]); !sqlFunctions[name] {
		return refuse("function %s is not known to only read", clip(strings.Join(nameParts(body["funcname"]), ".")))
	}
	return q.fields(body, "funcname")
}

func (q *query) typeName(body map[string]any) error {
	if name := unqualified(body["names"]); !sqlTypes[name] {
		return refuse("type %s is not supported", clip(strings.Join(nameParts(body["names"]), ".")))
	}
	return q.fields(body, "names")
}

var operator = regexp.MustCompile(`^(=|<>|!=|<|>|<=|>=|\+|-|\*|/|%|\|\||!?~~?\*?|->>?|BETWEEN|BETWEEN SYMMETRIC|NOT BETWEEN)$`)

func (q *query) operator(body map[string]any) error {
	if names := nameParts(body["name"]); len(names) != 1 || !operator.MatchString(names[0]) {
		return refuse("operator %s is not supported", clip(strings.Join(names, ".")))
	}
	return q.fields(body, "name")
}

func (q *query) fields(body map[string]any, but string) error {
	for key, n := range body {
		if key == but {
			continue
		}
		if err := q.field(key, n); err != nil {
			return err
		}
	}
	return nil
}

func (q *query) table(body map[string]any) error {
	schema, _ := body["schemaname"].(string)
	name, _ := body["relname"].(string)
	if database, _ := body["catalogname"].(string); database != "" || name == "" {
		return refuse("it names a table of another database")
	}
	switch {
	case schema == "" && q.with[name]:
	case (schema == "" || schema == "pg_catalog") && serverViews[name]:
	case schema == "information_schema" && schemaViews[name]:
	case strings.HasPrefix(name, "pg_") || schema == "pg_catalog" || schema == "information_schema" || strings.HasPrefix(schema, "pg_"):
		return refuse("%s is not among the views that may be shown", clip(name))
	default:
		q.tables = true
	}
	return nil
}

func nameParts(n any) []string {
	list, _ := n.([]any)
	var out []string
	for _, entry := range list {
		m, _ := entry.(map[string]any)
		s, _ := m["String"].(map[string]any)
		v, _ := s["sval"].(string)
		out = append(out, v)
	}
	return out
}

// unqualified is the name of something of pg_catalog, "" for another schema's.
func unqualified(n any) string {
	names := nameParts(n)
	if len(names) == 1 || (len(names) == 2 && names[0] == "pg_catalog") {
		return names[len(names)-1]
	}
	return ""
}
