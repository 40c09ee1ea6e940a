package runbook

import (
	"regexp"
	"strings"
)

var psqlOptions = table("it would read or write a file, ask for a password or set variables that the SQL uses",
	"h,host=host:host p,port=port:integer U,username=user:word d,dbname=database:word c,command=sql:fixed l,list=list",
	"t,tuples-only= A,no-align= x,expanded= X,no-psqlrc= q,quiet= w,no-password= n,no-readline= E,echo-hidden= e,echo-queries= a,echo-all= H,html= csv= b,echo-errors= "+
		"F,field-separator=:fixed P,pset=:fixed:pager=off|format=unaligned|border=0|footer=off",
	"f,file,o,output,L,log-file,W,password,v,set,variable,s,single-step,S,single-line,1,single-transaction,R,record-separator=!")

// metaCommand are psql's own commands that list what is there. Their names take no backticks, colons or pipes, which psql would expand.
var metaCommand = regexp.MustCompile(`^\s*\\(l|dt|di|dv|dm|ds|dn|du|dx|d|conninfo)\+?(\s+[A-Za-z0-9_.]+)?\s*;?\s*$`)

// psql reads psql with exactly one -c, one reading question. It is run read-only all the same.
func psql(o *Operation, words []Word) error {
	r := reader{program: "psql", known: psqlOptions}
	if err := r.read(words); err != nil {
		return err
	}
	rest := append(r.rest, r.behind...)
	for i, name := range []string{"database", "user"} {
		if i < len(rest) {
			if r.has(name) {
				return refuse("the %s of psql is written twice", name)
			}
			if err := validate(Plain, "the "+name, rest[i]); err != nil {
				return err
			}
			r.args = append(r.args, Arg{Name: name, Type: Plain, Value: rest[i]})
		}
	}
	if len(rest) > 2 {
		return refuse("psql has more arguments than a database and a user")
	}
	o.Args = append(o.Args, r.args...)
	if r.has("list") && !r.has("sql") {
		return nil
	}
	if !r.has("sql") {
		return refuse("psql without -c waits for input")
	}
	sql := r.get("sql").String()
	if strings.Contains(sql, `\`) {
		if !metaCommand.MatchString(sql) {
			return refuse(`psql commands with a backslash may only list objects, such as \l or \dt`)
		}
		return nil
	}
	return readsOnly(sql)
}
