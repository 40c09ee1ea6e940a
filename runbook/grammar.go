package runbook

import (
	"strings"

	"mvdan.cc/sh/v3/syntax"
)

// statement is one command of a block, as words: the program with its arguments, then the filters that its output is piped into.
type statement struct {
	line    int // from 0, relative to the text that was parsed
	source  string
	comment string // behind the command on its line
	words   []Word
	pipes   [][]Word
	err     error // why its form is refused
}

// statements reads shell text. Commands separated by ";" or line ends are statements of their own. incomplete says that more lines
// are needed; err is a syntax error of the whole text.
func statements(src string) (found []statement, incomplete bool, err error) {
	h := &holes{}
	protected, err := h.protect(src)
	if err != nil {
		return nil, false, err
	}
	parser := syntax.NewParser(syntax.Variant(syntax.LangBash), syntax.KeepComments(true))
	file, err := parser.Parse(strings.NewReader(protected), "")
	if err != nil {
		return nil, syntax.IsIncomplete(err) || strings.Contains(err.Error(), "unclosed here-document"), syntaxError(err)
	}
	for _, stmt := range file.Stmts {
		found = append(found, h.statement(src, stmt))
	}
	return found, false, nil
}

func syntaxError(err error) error {
	if at, ok := err.(syntax.ParseError); ok {
		return refuse("it is not shell syntax: %s", at.Text)
	}
	if at, ok := err.(syntax.LangError); ok {
		return refuse("it is not shell syntax: %s", at.Feature)
	}
	return refuse("it is not shell syntax")
}

func (h *holes) statement(src string, stmt *syntax.Stmt) statement {
	s := statement{line: int(stmt.Pos().Line()) - 1, source: src}
	if from, to := int(stmt.Pos().Offset()), int(stmt.End().Offset()); from <= to && to <= len(src) {
		s.source = strings.TrimRight(src[from:to], "; \t\n")
	}
	s.source = oneLine(s.source)
	for _, c := range stmt.Comments {
		s.comment = strings.TrimSpace(c.Text)
	}
	s.words, s.pipes, s.err = h.pipeline(stmt)
	return s
}

// oneLine joins continued lines.
func oneLine(s string) string {
	lines := strings.Split(s, "\\\n")
	for i := 1; i < len(lines); i++ {
		lines[i-1] = strings.TrimRight(lines[i-1], " \t")
		lines[i] = strings.TrimLeft(lines[i], " \t")
	}
	return strings.TrimSpace(strings.Join(lines, " "))
}

func (h *holes) pipeline(stmt *syntax.Stmt) (words []Word, pipes [][]Word, err error) {
	switch {
	case stmt.Negated:
		return nil, nil, refuse("! turns the result around")
	case stmt.Background:
		return nil, nil, refuse("& leaves it running in the background")
	case stmt.Coprocess || stmt.Disown:
		return nil, nil, refuse("it starts a coprocess")
	case len(stmt.Redirs) > 0:
		return nil, nil, refuse("%s redirects input or output; if this is a placeholder, write it as <name>", stmt.Redirs[0].Op)
	}
	switch cmd := stmt.Cmd.(type) {
	case *syntax.CallExpr:
		words, err = h.call(cmd)
		return words, nil, err
	case *syntax.BinaryCmd:
		switch cmd.Op {
		case syntax.Pipe:
		case syntax.AndStmt, syntax.OrStmt:
			return nil, nil, refuse("%s makes one command depend on another; write them on two lines", cmd.Op)
		default:
			return nil, nil, refuse("%s is more than a pipe", cmd.Op)
		}
		words, pipes, err = h.pipeline(cmd.X)
		if err != nil {
			return nil, nil, err
		}
		right, more, err := h.pipeline(cmd.Y)
		if err != nil {
			return nil, nil, err
		}
		return words, append(append(pipes, right), more...), nil
	case nil:
		return nil, nil, refuse("there is no command")
	case *syntax.Subshell, *syntax.Block:
		return nil, nil, refuse("it groups commands; write each on its own line")
	default:
		return nil, nil, refuse("it is a shell program (loop, condition, function or declaration); write each command on its own line")
	}
}

func (h *holes) call(cmd *syntax.CallExpr) ([]Word, error) {
	if len(cmd.Assigns) > 0 {
		return nil, refuse("it sets a shell variable")
	}
	words := make([]Word, 0, len(cmd.Args))
	for _, arg := range cmd.Args {
		w, err := h.word(arg)
		if err != nil {
			return nil, err
		}
		words = append(words, w)
	}
	return words, nil
}

func (h *holes) word(arg *syntax.Word) (Word, error) {
	var w Word
	for i, part := range arg.Parts {
		next, err := h.part(part, i == 0)
		if err != nil {
			return nil, err
		}
		w = append(w, next...)
	}
	return w, nil
}

func (h *holes) part(part syntax.WordPart, first bool) (Word, error) {
	switch p := part.(type) {
	case *syntax.Lit:
		plain, err := unescape(p.Value, first)
		if err != nil {
			return nil, err
		}
		return h.restore(plain)
	case *syntax.SglQuoted:
		if p.Dollar {
			return nil, refuse("$'…' is not supported")
		}
		return h.restore(p.Value)
	case *syntax.DblQuoted:
		if p.Dollar {
			return nil, refuse(`$"…" is not supported`)
		}
		var w Word
		for _, inner := range p.Parts {
			if lit, ok := inner.(*syntax.Lit); ok {
				restored, err := h.restore(unescapeQuoted(lit.Value))
				if err != nil {
					return nil, err
				}
				w = append(w, restored...)
				continue
			}
			next, err := h.part(inner, false)
			if err != nil {
				return nil, err
			}
			w = append(w, next...)
		}
		return w, nil
	case *syntax.ParamExp:
		return variable(p)
	case *syntax.CmdSubst:
		return nil, refuse("$( ) or backticks run another command inside of it")
	case *syntax.ArithmExp:
		return nil, refuse("$(( )) computes a value")
	case *syntax.ProcSubst:
		return nil, refuse("<( ) runs another command inside of it")
	default:
		return nil, refuse("it holds a pattern that a shell would expand")
	}
}

// variable takes $NAME and ${NAME}, nothing that a shell would compute.
func variable(p *syntax.ParamExp) (Word, error) {
	name := ""
	if p.Param != nil {
		name = p.Param.Value
	}
	computed := p.Flags != nil || p.Excl || p.Length || p.Width || p.IsSet || p.Split != 0 || p.GlobSubst != 0 || p.RcExpand != 0 || p.NestedParam != nil ||
		p.Index != nil || len(p.Modifiers) > 0 || p.Slice != nil || p.Repl != nil || p.Names != 0 || p.Exp != nil
	if computed || !syntax.ValidName(name) || HoleName(name) == "" {
		return nil, refuse("only plain $NAME is supported, not a computed or special variable")
	}
	return Word{{Hole: HoleName(name), Written: "$" + name}}, nil
}

// unescape takes the backslashes out of unquoted text and refuses what a shell would expand there.
func unescape(s string, first bool) (string, error) {
	if first && strings.HasPrefix(s, "~") {
		return "", refuse("~ stands for a home directory")
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '\\':
			i++
			if i < len(s) && s[i] != '\n' {
				b.WriteByte(s[i])
			}
			continue
		case '*', '?':
			return "", refuse("%c is a file pattern; put it in quotes if it is meant as text", c)
		case '[':
			if strings.IndexByte(s[i:], ']') > 0 {
				return "", refuse("[ ] is a file pattern; put it in quotes if it is meant as text")
			}
		case '{':
			if end := strings.IndexByte(s[i:], '}'); end > 0 && (strings.Contains(s[i:i+end], ",") || strings.Contains(s[i:i+end], "..")) {
				return "", refuse("{ } would be expanded by a shell; put it in quotes if it is meant as text")
			}
		}
		b.WriteByte(s[i])
	}
	return b.String(), nil
}

// unescapeQuoted follows the rules between double quotes: a backslash only escapes $ ` " \ and the end of the line.
func unescapeQuoted(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+1 < len(s) && strings.IndexByte("$`\"\\\n", s[i+1]) >= 0 {
			i++
			if s[i] == '\n' {
				continue
			}
		}
		b.WriteByte(s[i])
	}
	return b.String()
}
