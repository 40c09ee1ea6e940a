package harden

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"

	"github.com/svcdown/svcdown/redact"
)

// fields is a YAML mapping in the order in which people read it. Values are fields, list, string, int and bool.
type fields []field

type field struct {
	key   string
	value any
}

type list []any

// write prints YAML that every parser reads alike, 1.1 (kubectl) as 1.2: strings stand in JSON's quotes unless they are plain words.
func write(b *strings.Builder, v any, indent string) {
	switch v := v.(type) {
	case fields:
		for i, f := range v {
			if i > 0 {
				b.WriteString(indent)
			}
			b.WriteString(scalar(f.key) + ":")
			nested(b, f.value, indent)
		}
	case list:
		for i, each := range v {
			if i > 0 {
				b.WriteString(indent)
			}
			b.WriteString("- ")
			if e, ok := each.(fields); ok && len(e) > 0 {
				write(b, e, indent+"  ")
			} else {
				b.WriteString(inline(each) + "\n")
			}
		}
	}
}

func nested(b *strings.Builder, v any, indent string) {
	deeper := ""
	switch v := v.(type) {
	case fields:
		if len(v) > 0 {
			deeper = indent + "  "
		}
	case list:
		if len(v) > 0 && !flat(v) {
			deeper = indent + "  "
		}
	}
	if deeper == "" {
		b.WriteString(" " + inline(v) + "\n")
		return
	}
	b.WriteString("\n" + deeper)
	write(b, v, deeper)
}

// flat lists hold no mappings and stand in one line.
func flat(l list) bool {
	for _, v := range l {
		if _, mapping := v.(fields); mapping {
			return false
		}
	}
	return true
}

func inline(v any) string {
	switch v := v.(type) {
	case string:
		return scalar(v)
	case int:
		return strconv.Itoa(v)
	case bool:
		return strconv.FormatBool(v)
	case list:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = inline(e)
		}
		return "[" + strings.Join(parts, ", ") + "]"
	default:
		return "{}"
	}
}

// plain are the words that no YAML parser takes for anything but text; 1.1 knows y, n, yes, no, on, off, true, false and null as more.
var (
	plain    = regexp.MustCompile(`^[A-Za-z/][A-Za-z0-9._/-]*$`)
	reserved = regexp.MustCompile(`^(?i:y|n|yes|no|on|off|true|false|null)$`)
)

func scalar(s string) string {
	if plain.MatchString(s) && !reserved.MatchString(s) {
		return s
	}
	q, err := json.Marshal(s)
	if err != nil { // a string always can be
		return `""`
	}
	return string(q)
}

// merge puts two patches of one object together. Lists whose items have a name are merged by it, others are joined.
func merge(a, b fields) fields {
	out := append(fields(nil), a...)
	for _, f := range b {
		at := -1
		for i := range out {
			if out[i].key == f.key {
				at = i
			}
		}
		if at < 0 {
			out = append(out, f)
			continue
		}
		switch now := out[at].value.(type) {
		case fields:
			if more, ok := f.value.(fields); ok {
				out[at].value = merge(now, more)
			}
		case list:
			if more, ok := f.value.(list); ok {
				out[at].value = mergeLists(now, more)
			}
		default:
			out[at].value = f.value
		}
	}
	return out
}

func mergeLists(a, b list) list {
	out := append(list(nil), a...)
next:
	for _, v := range b {
		if f, ok := v.(fields); ok {
			for i := range out {
				if o, ok := out[i].(fields); ok && nameOf(f) != "" && nameOf(o) == nameOf(f) {
					out[i] = merge(o, f)
					continue next
				}
			}
		}
		out = append(out, v)
	}
	return out
}

func nameOf(f fields) string {
	for _, each := range f {
		if each.key == "name" {
			s, _ := each.value.(string)
			return s
		}
	}
	return ""
}

// text is YAML as text that may leave. It holds names and numbers; what looks like a secret all the same is taken out, and the YAML is then
// refused by the API server rather than wrong.
func text(f fields) redact.Text {
	var b strings.Builder
	write(&b, f, "")
	return redact.Clean(b.String())
}

// compact is f as JSON in one line, for a command.
func compact(v any) string {
	switch v := v.(type) {
	case fields:
		parts := make([]string, len(v))
		for i, f := range v {
			k, _ := json.Marshal(f.key)
			parts[i] = string(k) + ":" + compact(f.value)
		}
		return "{" + strings.Join(parts, ",") + "}"
	case list:
		parts := make([]string, len(v))
		for i, e := range v {
			parts[i] = compact(e)
		}
		return "[" + strings.Join(parts, ",") + "]"
	default:
		b, _ := json.Marshal(v)
		return string(b)
	}
}
