package runbook

import (
	"slices"
	"strings"
)

// option is one option that a program may be given. What is in no table is refused.
type option struct {
	name string // of the argument that it becomes; "" when it makes no difference to us
	typ  Type   // Flag for a switch
	// allowed are the only values it may have; nil for any of its type.
	allowed []string
	// why refuses the option with this reason.
	why string
}

// options is a program's table, by spelling without dashes: "n" and "namespace" are entries of their own.
type options map[string]option

// table reads "n,namespace=namespace:namespace A,all-namespaces=all" into options: spellings, then the argument's name (empty to ignore
// it), then its type; without a type it is a switch. A "!" in place of the name refuses it with reason.
func table(reason string, specs ...string) options {
	t := options{}
	for _, spec := range specs {
		for entry := range strings.FieldsSeq(spec) {
			spellings, rest, _ := strings.Cut(entry, "=")
			name, typ, valued := strings.Cut(rest, ":")
			o := option{name: name, typ: Flag}
			if valued {
				o.typ = Type(typ)
				if v, list, ok := strings.Cut(typ, ":"); ok {
					o.typ, o.allowed = Type(v), strings.Split(list, "|")
				}
			}
			if name == "!" {
				o.why = reason
			}
			for s := range strings.SplitSeq(spellings, ",") {
				t[s] = o
			}
		}
	}
	return t
}

// with returns both tables as one; t's own entries win.
func (t options) with(more options) options {
	out := options{}
	for k, v := range more {
		out[k] = v
	}
	for k, v := range t {
		out[k] = v
	}
	return out
}

// reader takes options out of a command's words.
type reader struct {
	program string
	known   options
	// equals: short options may be written -n=value, and switches --flag=true, as kubectl's are.
	equals bool
	// first stops at the first word that is no option.
	first bool

	args   []Arg
	rest   []Word // words that are no options
	behind []Word // what stands behind --, or from the first word on
	dashed bool   // there was a --
}

func (r *reader) read(words []Word) error {
	for i := 0; i < len(words); {
		lead := words[i].lead()
		switch {
		case lead == "--" && len(words[i]) == 1:
			r.behind, r.dashed = words[i+1:], true
			return nil
		case strings.HasPrefix(lead, "--"):
			used, err := r.long(words[i:])
			if err != nil {
				return err
			}
			i += used
		case strings.HasPrefix(lead, "-") && !(lead == "-" && len(words[i]) == 1):
			used, err := r.short(words[i:])
			if err != nil {
				return err
			}
			i += used
		case r.first:
			r.behind = words[i:]
			return nil
		default:
			r.rest = append(r.rest, words[i])
			i++
		}
	}
	return nil
}

func (r *reader) long(words []Word) (used int, err error) {
	name, value, joined := words[0].from(2).cut("=")
	spelled, ok := name.Literal()
	if !ok {
		return 0, refuse("a placeholder stands in the name of an option")
	}
	o, known := r.known[spelled]
	if !known || len(spelled) == 1 {
		return 0, refuse("option --%s of %s is not supported", spelled, r.program)
	}
	if o.why != "" {
		return 0, refuse("--%s: %s", spelled, o.why)
	}
	if o.typ == Flag {
		return 1, r.flag(o, "--"+spelled, value, joined)
	}
	if joined {
		return 1, r.take(o, "--"+spelled, value)
	}
	if len(words) < 2 {
		return 0, refuse("--%s lacks its value", spelled)
	}
	return 2, r.take(o, "--"+spelled, words[1])
}

func (r *reader) short(words []Word) (used int, err error) {
	cluster := words[0].from(1)
	for len(cluster) > 0 {
		letters := cluster.lead()
		if letters == "" {
			return 0, refuse("a placeholder stands in the name of an option")
		}
		letter := letters[:1]
		o, known := r.known[letter]
		if !known {
			return 0, refuse("option -%s of %s is not supported", letter, r.program)
		}
		if o.why != "" {
			return 0, refuse("-%s: %s", letter, o.why)
		}
		cluster = cluster.from(1)
		if o.typ != Flag {
			if len(cluster) == 0 {
				if len(words) < 2 {
					return 0, refuse("-%s lacks its value", letter)
				}
				return 2, r.take(o, "-"+letter, words[1])
			}
			if r.equals && strings.HasPrefix(cluster.lead(), "=") {
				cluster = cluster.from(1)
			}
			return 1, r.take(o, "-"+letter, cluster)
		}
		if strings.HasPrefix(cluster.lead(), "=") {
			return 1, r.flag(o, "-"+letter, cluster.from(1), true)
		}
		if err := r.flag(o, "-"+letter, nil, false); err != nil {
			return 0, err
		}
	}
	return 1, nil
}

func (r *reader) flag(o option, spelled string, value Word, joined bool) error {
	if !joined {
		r.keep(o, nil)
		return nil
	}
	said, ok := value.Literal()
	switch {
	case !ok || !r.equals:
		return refuse("%s takes no value", spelled)
	case said == "true":
		r.keep(o, nil)
	case said == "false":
		r.args = slices.DeleteFunc(r.args, func(a Arg) bool { return o.name != "" && a.Name == o.name })
	default:
		return refuse("%s=%s is neither true nor false", spelled, said)
	}
	return nil
}

func (r *reader) take(o option, spelled string, value Word) error {
	if o.allowed != nil {
		said, ok := value.Literal()
		if !ok || !slices.Contains(o.allowed, said) {
			return refuse("%s may only be %s here", spelled, strings.Join(o.allowed, ", "))
		}
	}
	if err := validate(o.typ, spelled, value); err != nil {
		return err
	}
	if o.name != "" && !repeatable[o.name] && r.has(o.name) {
		return refuse("%s is written twice", spelled) // programs take the last one, a reader of the document the first
	}
	r.keep(o, value)
	return nil
}

// repeatable are the arguments that add up.
var repeatable = map[string]bool{"pair": true, "header": true, "body": true, "file": true, "url": true}

func (r *reader) keep(o option, value Word) {
	if o.name != "" {
		r.args = append(r.args, Arg{Name: o.name, Type: o.typ, Value: value})
	}
}

func (r *reader) has(name string) bool {
	return slices.ContainsFunc(r.args, func(a Arg) bool { return a.Name == name })
}

func (r *reader) get(name string) Word {
	for _, a := range r.args {
		if a.Name == name {
			return a.Value
		}
	}
	return nil
}
