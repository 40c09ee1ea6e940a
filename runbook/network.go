package runbook

import (
	"regexp"
	"strconv"
	"strings"
)

var recordTypes = regexp.MustCompile(`^(?i)(a|aaaa|cname|srv|mx|ns|txt|ptr|soa)$`)

// nslookup reads nslookup [-type=T] HOST [SERVER].
func nslookup(o *Operation, words []Word) error {
	hosts := 0
	for _, w := range words {
		if strings.HasPrefix(w.lead(), "-") {
			s, ok := w.Literal()
			key, value, _ := strings.Cut(s, "=")
			_, err := strconv.ParseUint(value, 10, 16)
			if !ok || !((key == "-type" || key == "-query" || key == "-q") && recordTypes.MatchString(value) || (key == "-timeout" || key == "-retry") && err == nil) {
				return refuse("option %s of nslookup is not supported", clip(w.String()))
			}
			continue
		}
		name := [...]string{"host", "server"}[min(hosts, 1)]
		if hosts++; hosts > 2 {
			return refuse("nslookup takes a host and a server")
		}
		if err := o.host(name, w); err != nil {
			return err
		}
	}
	if hosts == 0 {
		return refuse("nslookup without a host waits for input")
	}
	return nil
}

func (o *Operation) host(name string, w Word) error {
	o.add(name, Host, w)
	return validate(Host, "the "+name, w)
}

var digSwitch = regexp.MustCompile(`^\+(no)?(short|all|answer|stats|comments|question|authority|additional|search|tcp|cmd|recurse)$|^\+(time|tries|timeout|retry)=[0-9]{1,2}$`)

// dig reads dig [@SERVER] HOST [TYPE] [+short…].
func dig(o *Operation, words []Word) error {
	for _, w := range words {
		s, whole := w.Literal()
		var err error
		switch {
		case strings.HasPrefix(w.lead(), "@"):
			err = o.host("server", w.from(1))
		case strings.HasPrefix(w.lead(), "+") && whole && digSwitch.MatchString(s):
		case strings.HasPrefix(w.lead(), "-") || strings.HasPrefix(w.lead(), "+"):
			err = refuse("option %s of dig is not supported", clip(w.String()))
		case whole && recordTypes.MatchString(s) && o.Has("host"):
		case o.Has("host"):
			err = refuse("dig takes one host")
		default:
			err = o.host("host", w)
		}
		if err != nil {
			return err
		}
	}
	if !o.Has("host") {
		return refuse("dig lacks a host")
	}
	return nil
}

// netcat reads nc -z HOST PORT: it connects and closes without sending anything.
func netcat(o *Operation, words []Word) error {
	r := reader{program: "nc", known: table("", "z=connect v= n= 4= 6= w=:integer")}
	if err := r.read(words); err != nil {
		return err
	}
	if !r.has("connect") || r.dashed {
		return refuse("nc without -z sends what it is given")
	}
	if len(r.rest) != 2 {
		return refuse("nc -z takes a host and a port")
	}
	if err := o.host("host", r.rest[0]); err != nil {
		return err
	}
	o.add("port", Integer, r.rest[1])
	return validate(Integer, "the port", r.rest[1])
}

// redisReads are the commands of Redis that only read and show no stored value. A "*" takes the further words as they are.
var redisReads = map[string]string{
	"PING": "", "INFO": "*", "DBSIZE": "", "LASTSAVE": "", "ROLE": "", "TIME": "", "CONFIG GET": "*",
	"SLOWLOG LEN": "", "CLIENT LIST": "", "CLIENT INFO": "", "CLIENT GETNAME": "", "CLIENT ID": "", "MEMORY STATS": "", "MEMORY DOCTOR": "",
	"LATENCY LATEST": "", "LATENCY DOCTOR": "", "CLUSTER INFO": "", "CLUSTER NODES": "", "CLUSTER SLOTS": "", "CLUSTER SHARDS": "",
	"ACL WHOAMI": "", "MODULE LIST": "", "COMMAND COUNT": "", "PUBSUB NUMPAT": "",
	"SENTINEL MASTERS": "", "SENTINEL GET-MASTER-ADDR-BY-NAME": "*", "SENTINEL CKQUORUM": "*",
}

var (
	redisWord   = regexp.MustCompile(`^[A-Za-z0-9_*?-]+$`)
	redisSecret = regexp.MustCompile(`(?i)pass|auth|secret|key|acl|user|tls`)
)

func redisCLI(o *Operation, words []Word) error {
	known := table("it hands a password to a command line; redis-cli reads it from REDISCLI_AUTH", "a,pass,u,askpass,user=!").
		with(table("", "h=host:host p=port:integer n=database:integer t=:integer raw= no-raw= no-auth-warning= tls= c= csv= json="))
	r := reader{program: "redis-cli", known: known, first: true}
	// redis-cli knows --word options only in full; none of them shares its spelling with a short one.
	if err := r.read(words); err != nil {
		return err
	}
	if r.dashed || len(r.behind) == 0 {
		return refuse("redis-cli without a command waits for input")
	}
	o.Args = append(o.Args, r.args...)
	name, rest, err := redisCommand(r.behind)
	if err != nil {
		return err
	}
	o.add("command", Fixed, literal(name))
	for _, w := range rest {
		s, ok := w.Literal()
		if !ok || !redisWord.MatchString(s) {
			return refuse("%s of redis takes plain words, not %q", name, clip(w.String()))
		}
		if name == "CONFIG GET" && redisSecret.MatchString(s) {
			return refuse("CONFIG GET %s asks for a secret", clip(s))
		}
		o.add("word", Fixed, w)
	}
	return nil
}

func redisCommand(words []Word) (name string, rest []Word, err error) {
	first, ok := words[0].Literal()
	if !ok {
		return "", nil, refuse("the command of redis-cli is a placeholder")
	}
	name, rest = strings.ToUpper(first), words[1:]
	more, known := redisReads[name]
	if !known && len(rest) > 0 {
		second, _ := rest[0].Literal()
		name, rest = name+" "+strings.ToUpper(second), rest[1:]
		more, known = redisReads[name]
	}
	if !known {
		return "", nil, refuse("redis command %q is not known to only read", clip(strings.TrimSpace(name)))
	}
	if more == "" && len(rest) > 0 {
		return "", nil, refuse("%s of redis takes no further words here", name)
	}
	if name == "CONFIG GET" && len(rest) == 0 {
		return "", nil, refuse("CONFIG GET lacks the name of a setting")
	}
	return name, rest, nil
}
