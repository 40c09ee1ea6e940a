package runbook

import (
	"context"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

func grep(r *reader) (transform, error) {
	known := table("it reads files or uses Perl's patterns", "f,file,r,R,recursive,P,perl-regexp,include,exclude,exclude-dir,L,l,H,z,null-data=! "+
		"i,ignore-case,y=i v,invert-match=v E,extended-regexp=E F,fixed-strings=F G,basic-regexp= c,count=c n,line-number=n w,word-regexp=w x,line-regexp=x o,only-matching=o "+
		"m,max-count=m:integer A,after-context=A:integer B,before-context=B:integer C,context=C:integer e,regexp=e:fixed s,no-messages= h,no-filename= a,text= "+
		"color,colour=:fixed:never|auto line-buffered=")
	if err := r.parse(known, 1); err != nil {
		return nil, err
	}
	pattern := r.get("e")
	switch {
	case r.has("e") && len(r.rest) > 0:
		return nil, refuse("grep behind a pipe reads no file")
	case !r.has("e") && len(r.rest) == 0:
		return nil, refuse("grep lacks what to look for")
	case !r.has("e"):
		pattern = r.rest[0]
	}
	how := "basic"
	if r.has("E") || r.program == "egrep" {
		how = "extended"
	}
	if r.has("F") || r.program == "fgrep" {
		how = "fixed"
	}
	match, err := matcher(pattern.String(), how, r.has("i"), r.has("w"), r.has("x"))
	if err != nil {
		return nil, err
	}
	g := grepping{match: match, reader: r, most: -1}
	if r.has("m") {
		g.most, _ = strconv.Atoi(r.get("m").String())
	}
	for _, name := range []string{"C", "A", "B"} {
		if n, err := strconv.Atoi(r.get(name).String()); err == nil {
			if name != "B" {
				g.after = n
			}
			if name != "A" {
				g.before = n
			}
		}
	}
	return func(_ context.Context, in string) (string, error) { return g.run(lines(in)), nil }, nil
}

// grepping is one grep with its options read.
type grepping struct {
	*reader
	match         *regexp.Regexp
	most          int // of lines, -1 for all
	before, after int
}

func (g grepping) run(all []string) string {
	var selected []int
	for i, line := range all {
		if g.most >= 0 && len(selected) >= g.most {
			break
		}
		if g.match.MatchString(line) != g.has("v") {
			selected = append(selected, i)
		}
	}
	if g.has("c") {
		return fmt.Sprintln(len(selected))
	}
	if g.has("o") {
		return g.parts(all, selected)
	}
	var out []string
	shown := -1 // the last line that is out
	for n, i := range selected {
		from := max(shown+1, i-g.before)
		if shown >= 0 && from > shown+1 && (g.before > 0 || g.after > 0) {
			out = append(out, "--")
		}
		to := min(i+g.after, len(all)-1)
		if n+1 < len(selected) {
			to = min(to, selected[n+1]-1)
		}
		for j := from; j <= to; j++ {
			out = append(out, g.label(j, j == i)+all[j])
		}
		shown = max(shown, to)
	}
	return joined(out)
}

func (g grepping) label(i int, selected bool) string {
	switch {
	case !g.has("n"):
		return ""
	case selected:
		return strconv.Itoa(i+1) + ":"
	default:
		return strconv.Itoa(i+1) + "-"
	}
}

// parts is -o: the parts that match, each on its line; with -v there are none.
func (g grepping) parts(all []string, selected []int) string {
	var out []string
	for _, i := range selected {
		if g.has("v") {
			continue
		}
		for _, m := range g.match.FindAllString(all[i], -1) {
			if m != "" {
				out = append(out, g.label(i, true)+m)
			}
		}
	}
	return joined(out)
}

// matcher turns a pattern of grep into one of RE2, which takes linear time whatever the pattern. What the two read differently is refused.
func matcher(pattern, how string, fold, word, whole bool) (*regexp.Regexp, error) {
	if len(pattern) > 1000 || strings.ContainsAny(pattern, "\n") {
		return nil, refuse("grep: the pattern is too long or has several lines")
	}
	expr := regexp.QuoteMeta(pattern)
	if how != "fixed" {
		var err error
		if expr, err = translate(pattern, how == "extended"); err != nil {
			return nil, err
		}
	}
	if word {
		if !wordEdges.MatchString(pattern) {
			return nil, refuse("grep -w takes a pattern that begins and ends with a letter, digit or _")
		}
		expr = `\b(?:` + expr + `)\b`
	}
	if whole {
		expr = `^(?:` + expr + `)$`
	}
	if fold {
		expr = `(?i:` + expr + `)`
	}
	re, err := regexp.Compile(expr)
	if err != nil {
		return nil, refuse("grep: the pattern %q is not supported", clip(pattern))
	}
	re.Longest() // POSIX takes the longest of the leftmost matches
	return re, nil
}

var wordEdges = regexp.MustCompile(`^\w([^|]*\w)?$`)

// translate reads a POSIX pattern. In a basic one the operators ( ) { } | + ? stand behind a backslash, in an extended one without.
func translate(p string, extended bool) (string, error) {
	var b strings.Builder
	begin := true // of the pattern, a group or an alternative: "*" is a letter there, "^" an anchor
	repeated := false
	for i := 0; i < len(p); i++ {
		c := p[i]
		operator := extended
		switch {
		case c == '\\':
			i++
			if i == len(p) {
				return "", refuse("grep: the pattern ends in a backslash")
			}
			c = p[i]
			if !strings.ContainsRune("(){}|+?", rune(c)) {
				escaped, err := escape(c)
				if err != nil {
					return "", err
				}
				b.WriteString(escaped)
				begin, repeated = false, false
				continue
			}
			operator = !extended
		case c == '[':
			end, class := bracket(p[i:])
			if end < 0 {
				return "", refuse("grep: a [ is never closed")
			}
			b.WriteString(class)
			i += end
			begin, repeated = false, false
			continue
		case c == '*':
			if begin || repeated {
				if extended || repeated {
					return "", refuse("grep: * repeats nothing")
				}
				b.WriteString(`\*`)
				begin = false
				continue
			}
			b.WriteByte('*')
			repeated = true
			continue
		case c == '^' && !extended && !begin:
			b.WriteString(`\^`)
			continue
		case c == '$' && !extended && i+1 < len(p) && !strings.HasPrefix(p[i+1:], `\)`) && !strings.HasPrefix(p[i+1:], `\|`):
			b.WriteString(`\$`)
			begin = false
			continue
		}
		if !strings.ContainsRune("(){}|+?", rune(c)) {
			b.WriteByte(c) // ordinary, or . ^ $
			begin, repeated = c == '^', false
			continue
		}
		if !operator {
			b.WriteString(regexp.QuoteMeta(string(c)))
			begin, repeated = false, false
			continue
		}
		if strings.ContainsRune("+?{", rune(c)) && (begin || repeated) {
			return "", refuse("grep: %c repeats nothing", c)
		}
		if c == '{' {
			m := interval.FindString(strings.ReplaceAll(p[i:], `\}`, "}"))
			if m == "" {
				return "", refuse("grep: { } is no count")
			}
			b.WriteString(m)
			i += strings.IndexByte(p[i:], '}')
			repeated = true
			continue
		}
		b.WriteByte(c)
		begin, repeated = c == '(' || c == '|', c == '+' || c == '?'
	}
	return b.String(), nil
}

var interval = regexp.MustCompile(`^\{[0-9]{1,3}(,[0-9]{0,3})?\}`)

func escape(c byte) (string, error) {
	switch c {
	case 'w', 'W', 's', 'S', 'b', 'B':
		return `\` + string(c), nil
	case '<', '>':
		return `\b`, nil
	case '.', '*', '[', ']', '^', '$', '/', '\\', '-', '"', '\'', ':', '=', ',', '@', '%', '#', '&', '!', ' ':
		return regexp.QuoteMeta(string(c)), nil
	}
	return "", refuse("grep: \\%c is not supported", c)
}

// bracket reads [ … ] from the start of p: a backslash is a letter in it, as POSIX has it.
func bracket(p string) (end int, class string) {
	var b strings.Builder
	i := 1
	b.WriteByte('[')
	if i < len(p) && p[i] == '^' {
		b.WriteByte('^')
		i++
	}
	for first := true; i < len(p); first = false {
		switch {
		case p[i] == ']' && !first:
			b.WriteByte(']')
			return i, b.String()
		case strings.HasPrefix(p[i:], "[:") && strings.Contains(p[i:], ":]"):
			n := strings.Index(p[i:], ":]") + 2
			b.WriteString(p[i : i+n])
			i += n
			continue
		case p[i] == '\\' || p[i] == '[' || p[i] == ']' || p[i] == '&' || p[i] == '~':
			b.WriteByte('\\')
		}
		b.WriteByte(p[i])
		i++
	}
	return -1, ""
}
