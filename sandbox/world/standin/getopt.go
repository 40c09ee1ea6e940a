package standin

import (
	"fmt"
	"strings"
)

// options is what a command line said: values by long name, in the order given,
// and the operands.
type options struct {
	values   map[string][]string
	operands []string
}

func (o options) has(name string) bool { return len(o.values[name]) > 0 }

func (o options) last(name string) string {
	if v := o.values[name]; len(v) > 0 {
		return v[len(v)-1]
	}
	return ""
}

// option is one that a program knows. Short is 0 when it has none.
type option struct {
	short byte
	long  string
	value bool
}

// grammar is what getopt_long is told.
type grammar struct {
	options []option
	// stopAtOperand ends options at the first operand, as env and redis-cli do.
	stopAtOperand bool
}

// badOption is a command line the program does not take. Message is in the words
// of getopt_long(3), which most programs leave as they are.
type badOption struct {
	message string
	name    string // as typed
	missing bool   // known, and its value is missing
}

func (e *badOption) Error() string { return e.message }

func (g grammar) parse(args []string) (options, *badOption) {
	o := options{values: map[string][]string{}}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		switch {
		case arg == "--":
			o.operands = append(o.operands, args[i+1:]...)
			return o, nil
		case strings.HasPrefix(arg, "--"):
			name, value, inline := strings.Cut(arg[2:], "=")
			known, ok := g.long(name)
			if !ok {
				return o, &badOption{fmt.Sprintf("unrecognized option '--%s'", name), "--" + name, false}
			}
			if known.value && !inline {
				if i++; i == len(args) {
					return o, &badOption{fmt.Sprintf("option '--%s' requires an argument", name), "--" + name, true}
				}
				value = args[i]
			}
			if !known.value && inline {
				return o, &badOption{fmt.Sprintf("option '--%s' doesn't allow an argument", name), "--" + name, false}
			}
			o.values[known.long] = append(o.values[known.long], value)
		case len(arg) > 1 && arg[0] == '-':
			bad, used := g.cluster(arg[1:], args[i+1:], o)
			if bad != nil {
				return o, bad
			}
			i += used
		default:
			if g.stopAtOperand {
				o.operands = append(o.operands, args[i:]...)
				return o, nil
			}
			o.operands = append(o.operands, arg)
		}
	}
	return o, nil
}

// cluster reads short options written together, "-qXc SQL"; used says how many
// further arguments it took.
func (g grammar) cluster(letters string, rest []string, o options) (bad *badOption, used int) {
	for i := range len(letters) {
		known, ok := g.short(letters[i])
		if !ok {
			return &badOption{fmt.Sprintf("invalid option -- '%c'", letters[i]), "-" + letters[i:i+1], false}, 0
		}
		if !known.value {
			o.values[known.long] = append(o.values[known.long], "")
			continue
		}
		value := letters[i+1:]
		if value == "" {
			if len(rest) == 0 {
				return &badOption{fmt.Sprintf("option requires an argument -- '%c'", letters[i]), "-" + letters[i:i+1], true}, 0
			}
			value, used = rest[0], 1
		}
		o.values[known.long] = append(o.values[known.long], value)
		return nil, used
	}
	return nil, 0
}

func (g grammar) long(name string) (option, bool) {
	for _, o := range g.options {
		if o.long == name {
			return o, true
		}
	}
	return option{}, false
}

func (g grammar) short(letter byte) (option, bool) {
	for _, o := range g.options {
		if o.short == letter {
			return o, true
		}
	}
	return option{}, false
}
