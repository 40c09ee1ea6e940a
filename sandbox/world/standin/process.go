package standin

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

// visible is the environment as the container knows it.
func (c Call) visible() []string {
	return slices.DeleteFunc(slices.Clone(c.Env), func(e string) bool { return strings.HasPrefix(e, ViewVariable+"=") })
}

func env(c Call) int {
	o, bad := grammar{stopAtOperand: true, options: []option{
		{'i', "ignore-environment", false}, {'0', "null", false}, {'u', "unset", true}}}.parse(c.Args)
	if bad != nil {
		return c.coreutils("env", 125, bad)
	}
	shown := c.visible()
	if o.has("ignore-environment") {
		shown = nil
	}
	for _, name := range o.values["unset"] {
		shown = slices.DeleteFunc(shown, func(e string) bool { return strings.HasPrefix(e, name+"=") })
	}
	rest := o.operands
	for len(rest) > 0 && strings.Contains(rest[0], "=") {
		shown, rest = append(shown, rest[0]), rest[1:]
	}
	if len(rest) > 0 {
		program, ok := Lookup(rest[0])
		if !ok {
			return c.fail(127, "env: '%s': No such file or directory", rest[0])
		}
		inner := c
		inner.Args, inner.Env = rest[1:], shown
		return program(inner)
	}
	end := "\n"
	if o.has("null") {
		end = "\x00"
	}
	for _, e := range shown {
		c.printf("%s%s", e, end)
	}
	return 0
}

func printenv(c Call) int {
	o, bad := grammar{options: []option{{'0', "null", false}}}.parse(c.Args)
	if bad != nil {
		return c.coreutils("printenv", 2, bad)
	}
	if len(o.operands) == 0 {
		for _, e := range c.visible() {
			c.printf("%s\n", e)
		}
		return 0
	}
	code := 0
	for _, name := range o.operands {
		value, ok := c.variable(name)
		if !ok {
			code = 1
			continue
		}
		c.printf("%s\n", value)
	}
	return code
}

// variable is an environment variable the container sees.
func (c Call) variable(name string) (string, bool) {
	for _, e := range slices.Backward(c.visible()) {
		if value, ok := strings.CutPrefix(e, name+"="); ok {
			return value, true
		}
	}
	return "", false
}

var consoleLog = regexp.MustCompile(`^console\.log\((.*)\)$`)
var processEnv = regexp.MustCompile(`^process\.env(?:\.([A-Za-z_][A-Za-z0-9_]*)|\[['"]([^'"]+)['"]\])$`)
var literal = regexp.MustCompile("^(?:'([^']*)'|\"([^\"]*)\"|(-?[0-9.]+))$")

func node(c Call) int {
	o, bad := grammar{stopAtOperand: true, options: []option{
		{'e', "eval", true}, {'p', "print", true}, {'v', "version", false}, {'r', "require", true}, {'i', "interactive", false}, {0, "no-warnings", false}}}.parse(c.Args)
	switch {
	case bad != nil && bad.missing:
		return c.fail(9, "node: %s requires an argument", bad.name)
	case bad != nil:
		return c.fail(9, "node: bad option: %s", bad.name)
	case o.has("version"):
		c.printf("v22.17.1\n")
		return 0
	case o.has("print"):
		value, ok := c.evaluate(o.last("print"))
		if !ok {
			return c.cannotEvaluate(o.last("print"))
		}
		c.printf("%s\n", value)
		return 0
	case o.has("eval"):
		return c.script(o.last("eval"))
	case len(o.operands) > 0:
		return c.fail(1, "node:internal/modules/cjs/loader:1228\n  throw err;\n  ^\n\nError: Cannot find module '/app/%s'", o.operands[0])
	}
	return 0 // reads a script from stdin, which is empty
}

// script runs statements, each of which prints.
func (c Call) script(source string) int {
	for _, statement := range strings.Split(source, ";") {
		statement = strings.TrimSpace(statement)
		if statement == "" {
			continue
		}
		call := consoleLog.FindStringSubmatch(statement)
		if call == nil {
			return c.cannotEvaluate(statement)
		}
		value, ok := c.evaluate(strings.TrimSpace(call[1]))
		if !ok {
			return c.cannotEvaluate(statement)
		}
		c.printf("%s\n", value)
	}
	return 0
}

// evaluate knows the expressions that a runbook has use for.
func (c Call) evaluate(expression string) (string, bool) {
	if m := processEnv.FindStringSubmatch(expression); m != nil {
		value, ok := c.variable(m[1] + m[2])
		if !ok {
			return "undefined", true
		}
		return value, true
	}
	if m := literal.FindStringSubmatch(expression); m != nil {
		return m[1] + m[2] + m[3], true
	}
	if expression == "process.version" {
		return "v22.17.1", true
	}
	return "", false
}

func (c Call) cannotEvaluate(source string) int {
	return c.fail(1, "[eval]:1\n%s\n^\n\nSyntaxError: the sandbox's node prints process.env.NAME, process.version and literals, nothing else", source)
}

// main is the container's own process.
func (v View) main() string {
	return map[marketplace.Kind]string{
		marketplace.Backend: "node dist/main.js", marketplace.Frontend: "node node_modules/.bin/next start",
		marketplace.Database: "postgres", marketplace.Cache: "redis-server *:6379",
	}[v.Kind]
}

func ps(c Call) int {
	for _, arg := range c.Args {
		if strings.Trim(arg, "-aAxuefwlj") != "" {
			return c.fail(1, "error: unsupported option (BSD syntax)\n\nUsage:\n ps [options]\n\n Try 'ps --help <simple|list|output|threads|misc|all>'\n  or 'ps --help <s|l|o|t|m|a>'\n for additional help text.\n\nFor more details see ps(1).")
		}
	}
	if strings.Join(c.Args, " ") == "aux" {
		c.printf("USER         PID %%CPU %%MEM    VSZ   RSS TTY      STAT START   TIME COMMAND\n")
		c.printf("root           1 14.0  0.7 1013232 241104 ?      Ssl  Nov12   2:11 %s\n", c.View.main())
		c.printf("root         412  0.0  0.0   8812  4708 ?        R    12:03   0:00 ps aux\n")
		return 0
	}
	c.printf("    PID TTY          TIME CMD\n")
	c.printf("%7d ?        00:02:11 %s\n", 1, c.View.main())
	c.printf("%7d ?        00:00:00 ps %s\n", 412, strings.Join(c.Args, " "))
	return 0
}

func top(c Call) int {
	o, bad := grammar{options: append(flags("bcHiS"), option{'n', "n", true}, option{'d', "d", true}, option{'p', "p", true}, option{'o', "o", true}, option{'w', "w", true})}.parse(c.Args)
	if bad != nil {
		return c.fail(1, "top: unknown option '%s'\nUsage:\n  top -hv | -bcEeHiOSs1 -d secs -n max -u|U user -p pid(s) -o field -w [cols]", strings.TrimLeft(bad.name, "-"))
	}
	if !o.has("b") {
		return c.fail(1, "top: failed tty get")
	}
	c.printf("top - %s up 12 days,  3:41,  0 user,  load average: 0.42, 0.38, 0.35\n", time.Now().Format("15:04:05"))
	c.printf("Tasks:   2 total,   1 running,   1 sleeping,   0 stopped,   0 zombie\n")
	c.printf("%%Cpu(s):  4.1 us,  1.2 sy,  0.0 ni, 94.3 id,  0.2 wa,  0.0 hi,  0.2 si,  0.0 st\n")
	c.printf("MiB Mem :  31744.0 total,  21310.4 free,   6120.8 used,   4312.8 buff/cache\n\n")
	c.printf("    PID USER      PR  NI    VIRT    RES    SHR S  %%CPU  %%MEM     TIME+ COMMAND\n")
	c.printf("      1 root      20   0 1013232 241104  48212 S  14.0   0.7   2:11.40 %s\n", c.View.main())
	c.printf("    412 root      20   0    8812   4708   2660 R   0.0   0.0   0:00.01 top\n")
	return 0
}
