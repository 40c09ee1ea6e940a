package runbook

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

var (
	shortCount = regexp.MustCompile(`^-[0-9]{1,6}$`)
	countText  = regexp.MustCompile(`^[+-]?[0-9]{1,6}$`)
)

// count reads -n N, -N and nothing (10).
func (r *reader) count(signs string) (sign string, n int, err error) {
	for i, w := range r.rest {
		if s, _ := w.Literal(); shortCount.MatchString(s) && (i == 0 || r.rest[i-1].lead() != "-n") {
			r.rest = append(append(append([]Word{}, r.rest[:i]...), literal("-n"), literal(s[1:])), r.rest[i+1:]...)
			break
		}
	}
	if err := r.parse(table("it would wait for more", "n,lines=n:fixed f,follow,F=! q,quiet="), 0); err != nil {
		return "", 0, err
	}
	s := "10"
	if r.has("n") {
		s = r.get("n").String()
	}
	if !countText.MatchString(s) {
		return "", 0, refuse("%s -n takes a number, not %q", r.program, clip(s))
	}
	if sign = strings.TrimRight(s, "0123456789"); sign != "" {
		s = s[1:]
		if sign != signs {
			sign = ""
		}
	}
	n, err = strconv.Atoi(s)
	return sign, n, err
}

func head(r *reader) (transform, error) {
	sign, n, err := r.count("-")
	if err != nil {
		return nil, err
	}
	return func(_ context.Context, in string) (string, error) {
		if sign == "-" {
			n := len(lines(in)) - n
			return firstLines(in, max(0, n)), nil
		}
		return firstLines(in, n), nil
	}, nil
}

func firstLines(in string, n int) string {
	at := 0
	for ; n > 0; n-- {
		i := strings.IndexByte(in[at:], '\n')
		if i < 0 {
			return in
		}
		at += i + 1
	}
	return in[:at]
}

func tail(r *reader) (transform, error) {
	sign, n, err := r.count("+")
	if err != nil {
		return nil, err
	}
	return func(_ context.Context, in string) (string, error) {
		skip := len(lines(in)) - n
		if sign == "+" {
			skip = n - 1
		}
		return in[len(firstLines(in, max(0, skip))):], nil
	}, nil
}

func wc(r *reader) (transform, error) {
	if err := r.parse(table("", "l,lines=l w,words=w c,bytes=c"), 0); err != nil {
		return nil, err
	}
	return func(_ context.Context, in string) (string, error) {
		all := len(r.args) == 0
		var figures []int
		for _, f := range []struct {
			name string
			n    int
		}{{"l", strings.Count(in, "\n")}, {"w", len(strings.FieldsFunc(in, blank))}, {"c", len(in)}} {
			if all || r.has(f.name) {
				figures = append(figures, f.n)
			}
		}
		if len(figures) == 1 {
			return fmt.Sprintln(figures[0]), nil
		}
		out := make([]string, len(figures))
		for i, n := range figures {
			out[i] = fmt.Sprintf("%7d", n) // GNU wc leaves this width when it reads a pipe
		}
		return strings.Join(out, " ") + "\n", nil
	}, nil
}

// blank is white space as the C locale has it.
func blank(r rune) bool { return r == ' ' || (r >= '\t' && r <= '\r') }

// span is from–to, both counted from 1; to 0 means the end.
type span struct{ from, to int }

func spans(list string) ([]span, error) {
	var out []span
	for part := range strings.SplitSeq(list, ",") {
		from, to, ranged := strings.Cut(part, "-")
		s := span{from: 1}
		var err error
		if from != "" {
			if s.from, err = strconv.Atoi(from); err != nil || s.from < 1 {
				return nil, refuse("cut: %q is no list of columns", clip(list))
			}
		}
		switch {
		case !ranged:
			s.to = s.from
		case to != "":
			if s.to, err = strconv.Atoi(to); err != nil || s.to < s.from {
				return nil, refuse("cut: %q is no list of columns", clip(list))
			}
		}
		if part == "" || part == "-" {
			return nil, refuse("cut: %q is no list of columns", clip(list))
		}
		out = append(out, s)
	}
	return out, nil
}

func within(all []span, n int) bool {
	for _, s := range all {
		if n >= s.from && (s.to == 0 || n <= s.to) {
			return true
		}
	}
	return false
}

func cut(r *reader) (transform, error) {
	if err := r.parse(table("", "d,delimiter=d:fixed f,fields=f:fixed c,characters=c:fixed s,only-delimited=s"), 0); err != nil {
		return nil, err
	}
	if r.has("f") == r.has("c") {
		return nil, refuse("cut takes either -f or -c")
	}
	by, list := "\t", r.get("c").String()
	if r.has("d") {
		by = r.get("d").String()
	}
	if r.has("f") {
		list = r.get("f").String()
	}
	if len(by) != 1 || by == "\n" || (r.has("c") && (r.has("d") || r.has("s"))) {
		return nil, refuse("cut -d takes one character, together with -f")
	}
	wanted, err := spans(list)
	if err != nil {
		return nil, err
	}
	return func(_ context.Context, in string) (string, error) {
		var out []string
		for _, line := range lines(in) {
			switch {
			case r.has("c"): // GNU cut counts bytes
				out = append(out, pick(strings.Split(line, ""), wanted, ""))
			case strings.Contains(line, by):
				out = append(out, pick(strings.Split(line, by), wanted, by))
			case !r.has("s"):
				out = append(out, line)
			}
		}
		return joined(out), nil
	}, nil
}

func pick(parts []string, wanted []span, by string) string {
	var kept []string
	for i, p := range parts {
		if within(wanted, i+1) {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, by)
}

// printFields is the one awk program that is supported.
var (
	printFields = regexp.MustCompile(`^\s*\{\s*print(?:\s+(\$(?:NF|[0-9]{1,3})(?:\s*,\s*\$(?:NF|[0-9]{1,3}))*))?\s*;?\s*\}\s*$`)
	fieldName   = regexp.MustCompile(`NF|[0-9]+`)
)

func awk(r *reader) (transform, error) {
	if err := r.parse(table("it would read a program or set variables", "F,field-separator=F:fixed f,v,i,e,E,file,assign=!"), 1); err != nil {
		return nil, err
	}
	if len(r.rest) != 1 {
		return nil, refuse("awk may only be awk '{print $N}'")
	}
	program, ok := r.rest[0].Literal()
	m := printFields.FindStringSubmatch(program)
	if !ok || m == nil {
		return nil, refuse("awk may only be awk '{print $N}', not %q", clip(r.rest[0].String()))
	}
	by := r.get("F").String()
	switch {
	case by == `\t`:
		by = "\t"
	case r.has("F") && (len(by) != 1 || strings.ContainsAny(by, "\\^$\n")):
		return nil, refuse("awk -F takes one character")
	}
	wanted := fieldName.FindAllString(m[1], -1)
	return func(_ context.Context, in string) (string, error) {
		var out []string
		size := 0
		for _, line := range lines(in) {
			made := printed(line, by, wanted)
			if size += len(made); size > mostMade { // one field can be printed a hundred times
				return "", errors.New("awk makes too much of the text")
			}
			out = append(out, made)
		}
		return joined(out), nil
	}, nil
}

func printed(line, by string, wanted []string) string {
	if len(wanted) == 0 {
		return line
	}
	var fields []string
	switch {
	case by == "" || by == " ":
		fields = strings.FieldsFunc(line, func(r rune) bool { return r == ' ' || r == '\t' })
	case line != "":
		fields = strings.Split(line, by)
	}
	out := make([]string, len(wanted))
	for i, name := range wanted {
		n, err := strconv.Atoi(name)
		if err != nil { // NF
			n = len(fields)
		}
		switch {
		case n == 0:
			out[i] = line
		case n <= len(fields):
			out[i] = fields[n-1]
		}
	}
	return strings.Join(out, " ")
}
