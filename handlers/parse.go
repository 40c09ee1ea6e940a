package handlers

import (
	"strconv"
	"strings"
	"unicode"

	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// Command is what was typed, taken apart: verb, arguments, flags. No shell is involved and nothing is expanded.
type Command struct {
	Verb  string
	Args  []string
	Flags map[string]string // a flag without a value has "true"
	// Set are the values of --set NAME=VALUE, which may be written several times, and of a form.
	Set map[string]string
}

// maxTyped bounds what is parsed, in bytes; Slack cuts at 40,000, and no command of ours needs a hundredth of it.
const maxTyped = 4000

// short are the one-letter flags that kubectl users type by habit.
var short = map[string]string{"p": "previous", "c": "container", "n": "tail"}

// valued are the flags that take the next word as their value.
var valued = map[string]bool{"set": true, "tail": true, "container": true, "pod": true, "revision": true, "count": true, "why": true, "for": true, "alert": true, "eta": true}

// Parse takes a typed line apart. Phones write — for -- and curly quotes for straight ones; both mean the same here. A quote that is
// not closed reaches to the end.
func Parse(text string) (Command, error) {
	if len(text) > maxTyped {
		return Command{}, &Problem{Code: "too-long", Text: redact.F("That is %d characters long; nothing was done.", len(text)), Next: redact.Const("Type `help` for what I understand.")}
	}
	words := split(straighten(text))
	cmd := Command{Flags: map[string]string{}}
	for i := 0; i < len(words); i++ {
		w := words[i]
		name, isFlag := flagName(w)
		if !isFlag {
			if cmd.Verb == "" {
				cmd.Verb = strings.ToLower(w)
				continue
			}
			cmd.Args = append(cmd.Args, w)
			continue
		}
		name, value, hasValue := strings.Cut(name, "=")
		if long, ok := short[name]; ok {
			name = long
		}
		switch {
		case hasValue:
		case valued[name]:
			if i+1 == len(words) {
				return Command{}, &Problem{Code: "usage", Text: redact.F("--%s needs a value; nothing was done.", name), Next: redact.F("For example: --%s %s", name, example(name))}
			}
			i++
			value = words[i]
		default:
			value = "true"
		}
		if name == "set" {
			if err := cmd.set(value); err != nil {
				return Command{}, err
			}
			continue
		}
		cmd.Flags[name] = value
	}
	return cmd, nil
}

// set takes NAME=VALUE; the name may be written as in the document: <desired-count>, DESIRED_COUNT.
func (c *Command) set(pair string) error {
	name, value, ok := strings.Cut(pair, "=")
	if name = runbook.HoleName(name); !ok || name == "" || value == "" {
		return &Problem{Code: "usage", Text: redact.Const("--set takes NAME=VALUE; nothing was done."), Next: redact.Const("For example: --set desired-count=5")}
	}
	if c.Set == nil {
		c.Set = map[string]string{}
	}
	c.Set[name] = value
	return nil
}

func example(flag string) string {
	switch flag {
	case "tail":
		return "100"
	case "set":
		return "NAME=VALUE"
	}
	return "NAME"
}

func flagName(w string) (string, bool) {
	if rest, ok := strings.CutPrefix(w, "--"); ok && rest != "" {
		return rest, true
	}
	if len(w) > 1 && w[0] == '-' && unicode.IsLetter(rune(w[1])) {
		return w[1:], true
	}
	return "", false
}

var straight = strings.NewReplacer("—", "--", "–", "--", "“", `"`, "”", `"`, "‘", "'", "’", "'", "\u00a0", " ")

func straighten(s string) string { return straight.Replace(s) }

func split(s string) []string {
	var words []string
	var b strings.Builder
	var quote rune
	started := false
	flush := func() {
		if started {
			words = append(words, b.String())
			b.Reset()
			started = false
		}
	}
	for _, r := range s {
		switch {
		case quote != 0:
			if r == quote {
				quote = 0
				continue
			}
			b.WriteRune(r)
		case r == '"' || (r == '\'' && !started): // an apostrophe inside a word is a letter: don't
			quote, started = r, true
		case unicode.IsSpace(r):
			flush()
		default:
			b.WriteRune(r)
			started = true
		}
	}
	flush()
	return words
}

// Int reads a flag as a number between lo and hi; absent gives def.
func (c Command) Int(flag string, def, lo, hi int) (int, error) {
	v, ok := c.Flags[flag]
	if !ok {
		return def, nil
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < lo || n > hi {
		return 0, &Problem{Code: "usage", Text: redact.F("--%s must be a number from %d to %d, not %q; nothing was done.", flag, lo, hi, v)}
	}
	return n, nil
}
