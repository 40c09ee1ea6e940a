package redact

import (
	"strings"
)

// cleanPairs takes the values out of `key=value`, `key: value`, `"key":"value"`, `key => value` and the like, where the key says that
// the value is a secret, and out of `name: KEY, value: …` pairs as container environments are written.
func cleanPairs(s string) string {
	var out strings.Builder
	done, from := 0, 0
	for {
		i := strings.IndexAny(s[from:], "=:")
		if i < 0 {
			break
		}
		i += from
		from = i + 1
		key, _ := keyBefore(s, i)
		start := afterSeparator(s, i)
		if key == "" || start < 0 {
			continue
		}
		var a, b int // the value
		switch {
		case secretKey(key):
			a, b = valueAfter(s, i, start, key)
		case strings.EqualFold(key, "name"):
			a, b = environmentValue(s, start)
		}
		if b > a && a >= done {
			out.WriteString(s[done:a])
			out.WriteString(Mark)
			done, from = b, max(b, i+1)
		}
	}
	if done == 0 {
		return s
	}
	out.WriteString(s[done:])
	return out.String()
}

// maxKeyName bounds how far a key is followed back from its separator.
const maxKeyName = 80

func keyBefore(s string, sep int) (key string, at int) {
	i := sep
	for i > 0 && (s[i-1] == ' ' || s[i-1] == '\t') && sep-i < 16 {
		i--
	}
	if i > 0 && (s[i-1] == '"' || s[i-1] == '\'' || s[i-1] == ']') {
		i--
		for i > 0 && (s[i-1] == '\\' || s[i-1] == '"' || s[i-1] == '\'') && sep-i < 24 {
			i--
		}
	}
	end := i
	for i > 0 && keyByte(s[i-1]) && end-i < maxKeyName {
		i--
	}
	return s[i:end], i
}

func keyByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '.' || c == '/' || c >= 0x80
}

// afterSeparator returns where the value may begin, -1 when s[sep] does not separate a key from a value.
func afterSeparator(s string, sep int) int {
	next := byte(0)
	if sep+1 < len(s) {
		next = s[sep+1]
	}
	switch {
	case s[sep] == ':' && next == '/' && strings.HasPrefix(s[sep:], "://"):
		return -1
	case s[sep] == '=' && (next == '=' || next == '~'), s[sep] == '=' && sep > 0 && strings.IndexByte("!<>=~", s[sep-1]) >= 0:
		return -1 // a comparison
	case s[sep] == ':' && next == ':':
		return -1
	}
	i := sep + 1
	if (s[sep] == '=' && next == '>') || (s[sep] == ':' && next == '=') {
		i++
	}
	for i < len(s) && (s[i] == ' ' || s[i] == '\t') {
		i++
	}
	return i
}

// valueAfter finds the value s[a:b] of the secret key whose separator is at sep; a == b when there is nothing to take out.
func valueAfter(s string, sep, start int, key string) (a, b int) {
	if start >= len(s) {
		return 0, 0
	}
	if q := quoteAt(s, start); q != "" {
		a = start + len(q)
		if placeholder(s[a:], true) {
			return 0, 0
		}
		return unlessHarmless(s, a, closing(s, a, q), key, true)
	}
	lineStart := strings.LastIndexByte(s[max(0, sep-2*maxKeyName):sep], '\n') + 1 + max(0, sep-2*maxKeyName)
	_, keyAt := keyBefore(s, sep)
	atLineStart := strings.Trim(s[lineStart:keyAt], " \t-\"'") == ""
	switch c := s[start]; {
	case c == '\n' || c == '\r':
		return 0, 0
	case c == '|' || c == '>':
		if a, b, is := block(s, start, keyAt-lineStart); is {
			return a, b
		}
	case (c == '{' || c == '[') && s[sep] == ':' && !opaque(key) && !strings.HasPrefix(s[start:], Mark):
		return 0, 0 // a structure: its own keys are looked at
	}
	a = start
	if placeholder(s[a:], false) {
		return 0, 0
	}
	switch {
	case header(key):
		b = a + indexOr(s[a:], "\r\n\"'`", len(s)-a)
		if sp := strings.IndexByte(s[a:b], ' '); sp > 0 && scheme(s[a:a+sp]) {
			a += sp + 1
		}
	case s[sep] == ':' && atLineStart, opaque(key):
		b = a + indexOr(s[a:], "\r\n", len(s)-a)
		b = a + len(strings.TrimRight(s[a:b], " \t"))
	default:
		b = bareEnd(s, a)
	}
	return unlessHarmless(s, a, b, key, false)
}

// bareEnd ends an unquoted value at space, or at punctuation that another pair or nothing of this word follows: a password may hold any
// of these itself.
func bareEnd(s string, a int) int {
	for i := a; i < len(s); i++ {
		switch s[i] {
		case ' ', '\t', '\n', '\r', '"', '`':
			return i
		case ',', ';', ')', ']', '}', '\'', '|', '<', '>', '&':
			if strings.HasPrefix(s[a:], Mark) && i < a+len(Mark) {
				continue
			}
			k := i
			for k < len(s) && k-i < 8 && strings.IndexByte(closers, s[k]) >= 0 {
				k++
			}
			if k == len(s) || k-i == 8 || strings.IndexByte(" \t\r\n\"\\", s[k]) >= 0 || pairFollows(s[k:]) {
				return i
			}
		case '\\':
			if i+1 < len(s) && (s[i+1] == '"' || s[i+1] == 'n') {
				return i
			}
		}
	}
	return len(s)
}

const closers = ",;)]}'|<>&"

func pairFollows(s string) bool {
	i := 0
	for i < len(s) && i < 40 && keyByte(s[i]) {
		i++
	}
	return i > 0 && i < len(s) && (s[i] == '=' || s[i] == ':')
}

// quoteAt returns the opening quote at i with the backslashes before it, "" when there is none.
func quoteAt(s string, i int) string {
	j := i
	for j < len(s) && s[j] == '\\' && j-i < 8 {
		j++
	}
	if j < len(s) && (s[j] == '"' || s[j] == '\'' || s[j] == '`') {
		return s[i : j+1]
	}
	return ""
}

// closing finds the end of a quoted value: the same quote, not escaped more than the opening one, else the end of the line (text that
// was cut off).
func closing(s string, a int, quote string) int {
	q, slashes := quote[len(quote)-1], len(quote)-1
	run := 0
	for i := a; i < len(s); i++ {
		switch s[i] {
		case '\\':
			run++
			continue
		case q:
			if run == slashes {
				return i - run
			}
		case '\n':
			if slashes == 0 && run == 0 && q != '"' {
				return i
			}
		}
		run = 0
	}
	return len(s)
}

// block finds the lines of a YAML block scalar below a key that is indented by indent; is says whether one begins at start.
func block(s string, start, indent int) (a, b int, is bool) {
	eol := strings.IndexByte(s[start:], '\n')
	if eol < 0 || strings.Trim(s[start:start+eol], "|>+-0123456789 \t\r") != "" {
		return 0, 0, false
	}
	b = start + eol
	a = b + 1
	for i := a; i < len(s); {
		line := s[i:]
		if n := strings.IndexByte(line, '\n'); n >= 0 {
			line = line[:n]
		}
		bare := strings.TrimLeft(line, " \t")
		if strings.TrimSpace(bare) != "" && len(line)-len(bare) <= indent {
			break
		}
		if i == a {
			a += len(line) - len(bare)
		}
		b = i + len(line)
		i = b + 1
	}
	if a >= b || strings.TrimSpace(s[a:b]) == Mark {
		return 0, 0, true
	}
	return a, b, true
}

// environmentValue finds V in `name: KEY … value: V`, as containers' environments are written in YAML, JSON and Go.
func environmentValue(s string, start int) (a, b int) {
	q := quoteAt(s, start)
	i := start + len(q)
	end := i
	for end < len(s) && keyByte(s[end]) && end-i < maxKeyName {
		end++
	}
	if end == i || !secretKey(s[i:end]) {
		return 0, 0
	}
	rest := s[end:min(len(s), end+80)]
	v := strings.Index(strings.ToLower(rest), "value")
	if v < 0 || strings.Trim(rest[:v], " \t\r\n,;\"'\\") != "" {
		return 0, 0
	}
	j := end + v + len("value")
	for j < len(s) && (s[j] == '"' || s[j] == '\'' || s[j] == '\\' || s[j] == ' ') {
		j++
	}
	if j >= len(s) || (s[j] != ':' && s[j] != '=') {
		return 0, 0
	}
	at := afterSeparator(s, j)
	if at < 0 {
		return 0, 0
	}
	return valueAfter(s, j, at, s[i:end])
}

func indexOr(s, any string, otherwise int) int {
	if i := strings.IndexAny(s, any); i >= 0 {
		return i
	}
	return otherwise
}
