package runbook

import (
	"regexp"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/wasilibs/go-pgquery/parser"
)

// The bounds of what the grammar is asked. Its WebAssembly module may grow to 4 GiB and, where SQL is nested deeper than its stack, never
// returns (measured: from some 700 operators on); below these bounds it stays within a few MiB and answers in milliseconds.
const (
	maxSQL    = 4 << 10
	maxTokens = 350
	maxParens = 50
	// maxParse is the last resort: loading takes a few seconds on a slow machine, parsing milliseconds.
	maxParse = 30 * time.Second
)

// postgres is PostgreSQL's own grammar, compiled to WebAssembly. It is loaded at the first question, asked by one caller at a time so that
// there is only one instance of it, and not asked again once it broke.
var postgres struct {
	sync.Mutex
	loaded, broken bool
}

// token is a word, a number or any other character: at least as many as the grammar sees, which bounds how deep it can nest.
var token = regexp.MustCompile(`[A-Za-z0-9_]+|[^\sA-Za-z0-9_]`)

// parseSQL returns the statements of sql as PostgreSQL's parse tree in JSON.
func parseSQL(sql string) (tree []byte, err error) {
	switch {
	case len(sql) > maxSQL || len(token.FindAllStringIndex(sql, maxTokens+1)) > maxTokens:
		return nil, refuse("the SQL is too long: at most %d bytes and %d words and signs are checked", maxSQL, maxTokens)
	case strings.Count(sql, "(")+strings.Count(sql, "[") > maxParens:
		return nil, refuse("the SQL is nested too deeply")
	case strings.IndexByte(sql, 0) >= 0:
		return nil, refuse("the SQL holds a zero byte")
	}
	postgres.Lock()
	defer postgres.Unlock()
	if postgres.broken {
		return nil, refuse("the SQL cannot be checked: the checker broke on earlier input; restart svcdown")
	}
	type answer struct {
		tree string
		err  error
		died bool
	}
	answers := make(chan answer, 1)
	go func() {
		a := answer{died: true}
		defer func() {
			_ = recover() // a trap of the module leaves died set
			answers <- a
		}()
		tree, err := parser.ParseToJSON(sql)
		a = answer{tree: tree, err: err}
	}()
	timer := time.NewTimer(maxParse)
	defer timer.Stop()
	var a answer
	select {
	case a = <-answers:
	case <-timer.C:
		a.died = true
	}
	if a.died {
		postgres.broken = true
		return nil, refuse("the SQL cannot be checked")
	}
	if !postgres.loaded {
		postgres.loaded = true
		debug.FreeOSMemory() // compiling the module takes 250 MiB for a moment; 25 MiB stay
	}
	if a.err != nil {
		return nil, refuse("the SQL is not PostgreSQL's: %s", clip(a.err.Error()))
	}
	return []byte(a.tree), nil
}
