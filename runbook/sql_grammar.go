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
	// maxParse is the last resort: parsing takes milliseconds. Loading takes a few seconds, and more on a machine that is busy with an outage.
	maxParse, maxLoad = 30 * time.Second, 2 * time.Minute
)

// postgres is PostgreSQL's own grammar, compiled to WebAssembly. It is loaded at the first question, asked by one caller at a time so that
// there is only one instance of it, and not asked again once it broke: for good when it trapped, until it answers when it was only slow.
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
		return nil, refuse("the SQL cannot be checked: the checker is busy with, or broke on, earlier input; try again, and restart svcdown if it stays")
	}
	if !postgres.loaded {
		if a := ask("SELECT 1", maxLoad); a.died {
			return nil, refuse("the SQL cannot be checked: its grammar could not be loaded in %s; try again", maxLoad)
		}
		postgres.loaded = true
		debug.FreeOSMemory() // compiling the module takes 250 MiB for a moment; 25 MiB stay
	}
	a := ask(sql, maxParse)
	if a.died {
		return nil, refuse("the SQL cannot be checked")
	}
	if a.err != nil {
		return nil, refuse("the SQL is not PostgreSQL's: %s", clip(a.err.Error()))
	}
	return []byte(a.tree), nil
}

type parsed struct {
	tree string
	err  error
	died bool
}

// ask parses sql, for at most limit. The caller holds postgres. What comes later than that proves that the module only was slow.
func ask(sql string, limit time.Duration) parsed {
	answers := make(chan parsed, 1)
	go func() {
		a := parsed{died: true}
		defer func() {
			_ = recover() // a trap of the module leaves died set
			answers <- a
		}()
		tree, err := parser.ParseToJSON(sql)
		a = parsed{tree: tree, err: err}
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case a := <-answers:
		postgres.broken = a.died
		return a
	case <-timer.C:
		postgres.broken = true
		go func() {
			a := <-answers
			postgres.Lock()
			defer postgres.Unlock()
			postgres.broken = a.died
		}()
		return parsed{died: true}
	}
}
