package standin

import (
	"net/netip"
	"strings"
	"time"

	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

// outside are the names that resolve beyond the cluster.
func outside() map[string]string {
	return map[string]string{
		"api.external-service.com": "203.0.113.24", "api.web3marketplace.com": "198.51.100.7", "web3marketplace.com": "198.51.100.7",
	}
}

// reply is what dialling somebody leads to.
type reply struct {
	host   string // as given
	ip     string
	open   bool // somebody accepts the connection
	http   bool // and speaks HTTP
	status int
	delay  time.Duration
	body   string
	server string
}

// dial finds out who answers at host:port and path. resolved is false for a name
// that DNS does not know.
func (v View) dial(host string, port int, path string) (r reply, resolved bool) {
	r = reply{host: host, status: 200, body: `{"status":"ok"}` + "\n", server: "nginx"}
	if ip, ok := v.Hosts[host]; ok {
		host = ip
	}
	if local(host) {
		r.ip = "127.0.0.1"
		own := v.peerOf(v.Kind)
		r.open = port == own.Port && v.Serving && !(v.Kind == marketplace.Database && v.Database == "refused") && !(v.Kind == marketplace.Cache && v.Cache == "refused")
		r.answerAs(v, v.Kind, path)
		return r, true
	}
	if p, ok := v.peer(host); ok {
		r.ip, r.open = p.IP, p.Up && port == p.Port
		r.answerAs(v, p.Kind, path)
		return r, true
	}
	if ip, ok := outside()[host]; ok {
		r.ip, r.open, r.http = ip, port == 443 || port == 80, true
		if strings.HasSuffix(host, "web3marketplace.com") {
			kind := marketplace.Frontend
			if host == "api.web3marketplace.com" {
				kind = marketplace.Backend
				r.delay = v.Delay
			}
			if !v.peerOf(kind).Up {
				r.status, r.body, r.delay = 503, "503 Service Temporarily Unavailable\n", 0
			}
		}
		return r, true
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		r.ip = ip.String()
		return r, true
	}
	return r, false
}

// answerAs fills in what a service of the world answers over HTTP.
func (r *reply) answerAs(v View, kind marketplace.Kind, path string) {
	switch kind {
	case marketplace.Backend:
		r.http, r.server = true, ""
		switch path {
		case "/health", "/ready":
			r.status = 200
			if v.Kind == marketplace.Backend {
				r.status = v.Health
			}
			if r.status != 200 {
				r.body = `{"status":"unavailable"}` + "\n"
			}
			if path == "/health" {
				r.delay = v.Delay
			}
		case "/live":
		default:
			r.status, r.body = 404, `{"error":"not found"}`+"\n"
		}
	case marketplace.Frontend:
		r.http, r.server, r.body = true, "", "<!DOCTYPE html><title>Web3 Marketplace</title>\n"
		if v.Kind == marketplace.Frontend {
			r.status = v.Health
		}
	}
}

func nslookup(c Call) int {
	var names []string
	for _, arg := range c.Args {
		switch known, _, _ := strings.Cut(arg, "="); {
		case !strings.HasPrefix(arg, "-"):
			names = append(names, arg)
		case known == "-type" || known == "-query" || known == "-timeout" || known == "-debug":
		default:
			return c.fail(1, "*** Invalid option: %s", strings.TrimPrefix(arg, "-"))
		}
	}
	if len(names) == 0 {
		return 0 // interactive, at the end of its input
	}
	c.printf("Server:\t\t10.96.0.10\nAddress:\t10.96.0.10#53\n\n")
	full, ip := names[0], ""
	if p, ok := c.View.peer(names[0]); ok {
		full, ip = p.Name+"."+c.View.Namespace+".svc.cluster.local", p.IP
	} else if out, ok := outside()[names[0]]; ok {
		ip = out
	}
	if ip == "" {
		c.printf("** server can't find %s: NXDOMAIN\n\n", names[0])
		return 1
	}
	c.printf("Name:\t%s\nAddress: %s\n\n", full, ip)
	return 0
}

func nc(c Call) int {
	o, bad := grammar{options: append(flags("46dklnrtuUvz"), option{'w', "w", true}, option{'p', "p", true}, option{'s', "s", true}, option{'q', "q", true}, option{'i', "i", true})}.parse(c.Args)
	usage := "usage: nc [-46CDdFhklNnrStUuvZz] [-I length] [-i interval] [-M ttl]\n\t  [-m minttl] [-O length] [-P proxy_username] [-p source_port]\n\t  [-q seconds] [-s sourceaddr] [-T keyword] [-V rtable] [-W recvlimit]\n\t  [-w timeout] [-X proxy_protocol] [-x proxy_address[:port]]\n\t  [destination] [port]"
	if bad != nil {
		return c.fail(1, "nc: %s\n%s", bad.message, usage)
	}
	if len(o.operands) != 2 {
		return c.fail(1, "%s", usage)
	}
	host, port := o.operands[0], number(o.operands[1])
	if port <= 0 || port > 65535 {
		return c.fail(1, "nc: port number invalid: %s", o.operands[1])
	}
	r, resolved := c.View.dial(host, port, "/")
	if !resolved {
		return c.fail(1, "nc: getaddrinfo for host \"%s\" port %d: Name or service not known", host, port)
	}
	if !r.open {
		if o.has("v") {
			c.fail(1, "nc: connect to %s (%s) port %d (tcp) failed: Connection refused", host, r.ip, port)
		}
		return 1
	}
	if o.has("v") {
		c.fail(0, "Connection to %s (%s) %d port [tcp/*] succeeded!", host, r.ip, port)
	}
	return 0
}

// number reads a whole number, or -1.
func number(s string) int {
	n := 0
	if s == "" || len(s) > 9 {
		return -1
	}
	for _, digit := range s {
		if digit < '0' || digit > '9' {
			return -1
		}
		n = n*10 + int(digit-'0')
	}
	return n
}
