package standin

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/sandbox/world/marketplace"
)

func curlGrammar() grammar {
	return grammar{options: []option{
		{'I', "head", false}, {'i', "include", false}, {'s', "silent", false}, {'S', "show-error", false}, {'f', "fail", false},
		{'L', "location", false}, {'k', "insecure", false}, {'v', "verbose", false}, {'g', "globoff", false}, {'4', "ipv4", false}, {'6', "ipv6", false},
		{'o', "output", true}, {'O', "remote-name", false}, {'w', "write-out", true}, {'m', "max-time", true}, {0, "connect-timeout", true},
		{'X', "request", true}, {'H', "header", true}, {'d', "data", true}, {'A', "user-agent", true}, {'u', "user", true},
		{0, "retry", true}, {0, "retry-delay", true}, {0, "max-redirs", true}, {0, "proto", true}, {0, "max-filesize", true}, {'q', "disable", false},
		{'N', "no-buffer", false}, {0, "http1.1", false}, {0, "compressed", false}, {0, "noproxy", true}, {0, "url", true}, {'V', "version", false},
	}}
}

func curl(c Call) int {
	o, bad := curlGrammar().parse(c.Args)
	const try = "curl: try 'curl --help' or 'curl --manual' for more information"
	switch {
	case bad != nil && bad.missing:
		return c.fail(2, "curl: option %s: requires parameter\n%s", bad.name, try)
	case bad != nil:
		return c.fail(2, "curl: option %s: is unknown\n%s", bad.name, try)
	case o.has("version"):
		c.printf("curl 8.14.1 (x86_64-pc-linux-gnu) libcurl/8.14.1 OpenSSL/3.5.1\n")
		return 0
	}
	limit, err := seconds(o, "max-time")
	if err != nil {
		return c.fail(2, "curl: option --max-time: expected a proper numerical parameter\n%s", try)
	}
	urls := append(o.operands, o.values["url"]...)
	if len(urls) == 0 {
		return c.fail(2, "curl: (2) no URL specified\n%s", try)
	}
	format := o.last("write-out")
	if name, ok := strings.CutPrefix(format, "@"); ok {
		return c.fail(26, "curl: Failed to open %s", name)
	}
	code := 0
	for _, raw := range urls {
		code = c.fetch(o, raw, limit, format)
	}
	return code
}

// fetch gets one URL and prints as curl does.
func (c Call) fetch(o options, raw string, limit time.Duration, format string) int {
	quiet := o.has("silent") && !o.has("show-error")
	started := time.Now()
	t := transfer{code: 0}
	exit := func(code int, message string, args ...any) int {
		if !quiet {
			c.fail(code, "curl: (%d) %s", code, fmt.Sprintf(message, args...))
		}
		t.total = time.Since(started)
		c.printf("%s", t.expand(format))
		return code
	}
	host, port, path, ok := address(raw)
	if !ok {
		return exit(3, "URL using bad/illegal format or missing URL")
	}
	r, resolved := c.View.dial(host, port, path)
	if !resolved {
		return exit(6, "Could not resolve host: %s", host)
	}
	t.ip, t.lookup = r.ip, 1200*time.Microsecond
	if !r.open {
		return exit(7, "Failed to connect to %s port %d after 2 ms: Could not connect to server", host, port)
	}
	t.connect = 1900 * time.Microsecond
	if strings.HasPrefix(raw, "https://") && r.http {
		t.secure = 11300 * time.Microsecond
		if o.has("verbose") {
			c.handshake(host)
		}
	}
	if !r.http {
		return exit(52, "Empty reply from server")
	}
	if limit > 0 && r.delay >= limit {
		time.Sleep(limit)
		return exit(28, "Operation timed out after %d milliseconds with 0 bytes received", limit.Milliseconds())
	}
	time.Sleep(r.delay)
	t.code, t.total, t.first = r.status, time.Since(started)+t.secure+6*time.Millisecond, time.Since(started)+t.secure+5*time.Millisecond
	if o.has("fail") && r.status >= 400 {
		return exit(22, "The requested URL returned error: %d", r.status)
	}
	t.size = len(r.body)
	text := r.body
	if o.has("head") || o.has("include") {
		text = r.headers()
		if o.has("include") && !o.has("head") {
			text += r.body
		}
	}
	switch output := o.last("output"); {
	case !o.has("output"):
		c.printf("%s", text)
	case output != "/dev/null":
		return exit(23, "Failure writing output to destination: %s: Read-only file system", output)
	}
	c.printf("%s", t.expand(format))
	return 0
}

// handshake is what curl -v tells of TLS; the certificate is one of those that are renewed every 90 days.
func (c Call) handshake(host string) {
	const form = "Jan _2 15:04:05 2006 GMT"
	start := time.Now().UTC().AddDate(0, 0, -20)
	c.fail(0, "* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384 / x25519 / RSASSA-PSS\n* Server certificate:\n*  subject: CN=%s\n*  start date: %s\n*  expire date: %s\n*  issuer: C=US; O=Let's Encrypt; CN=R11\n*  SSL certificate verify ok.",
		host, start.Format(form), start.AddDate(0, 0, 90).Format(form))
}

func (r reply) headers() string {
	reason := map[int]string{200: "OK", 404: "Not Found", 503: "Service Unavailable"}[r.status]
	text := fmt.Sprintf("HTTP/1.1 %d %s\r\n", r.status, reason)
	if r.server != "" {
		text += "Server: " + r.server + "\r\n"
	}
	if strings.HasPrefix(r.body, "<!DOCTYPE") { // a page opens a session, whose cookie is a secret
		text += "Set-Cookie: session=canary-cookie-7Hs2Kd9Wq4Lm; Path=/; HttpOnly; Secure\r\n"
	}
	return text + fmt.Sprintf("Date: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: keep-alive\r\n\r\n",
		time.Now().UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT"), len(r.body))
}

// address takes a URL apart as curl does: the scheme is optional.
func address(raw string) (host string, port int, path string, ok bool) {
	if !strings.Contains(raw, "://") {
		raw = "http://" + raw
	}
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" {
		return "", 0, "", false
	}
	port = map[string]int{"http": 80, "https": 443}[u.Scheme]
	if p := u.Port(); p != "" {
		port = number(p)
	}
	if path = u.Path; path == "" {
		path = "/"
	}
	return u.Hostname(), port, path, port > 0
}

func seconds(o options, name string) (time.Duration, error) {
	if !o.has(name) {
		return 0, nil
	}
	n, err := strconv.ParseFloat(o.last(name), 64)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("%s: %q is not a number of seconds", name, o.last(name))
	}
	return time.Duration(n * float64(time.Second)), nil
}

// transfer is what curl -w reports about.
type transfer struct {
	code, size                            int
	ip                                    string
	lookup, connect, secure, first, total time.Duration
}

func (t transfer) expand(format string) string {
	s := func(d time.Duration) string { return fmt.Sprintf("%.6f", d.Seconds()) }
	return strings.NewReplacer(
		"%{http_code}", fmt.Sprintf("%03d", t.code), "%{response_code}", fmt.Sprintf("%03d", t.code), "%{size_download}", strconv.Itoa(t.size),
		"%{remote_ip}", t.ip, "%{time_namelookup}", s(t.lookup), "%{time_connect}", s(t.connect), "%{time_appconnect}", s(t.secure),
		"%{time_pretransfer}", s(max(t.connect, t.secure)), "%{time_starttransfer}", s(t.first), "%{time_total}", s(t.total), "%{time_redirect}", s(0),
		"%{num_redirects}", "0", "%{content_type}", "application/json", "%%", "%", `\n`, "\n", `\t`, "\t", `\r`, "\r",
	).Replace(format)
}

func wget(c Call) int {
	options := []option{
		{'q', "quiet", false}, {'S', "server-response", false}, {'O', "output-document", true}, {'T', "timeout", true}, {'t', "tries", true}, {0, "spider", false},
		{'Y', "proxy", true}, {0, "no-check-certificate", false}, {0, "header", true}, {'U', "user-agent", true}, {0, "method", true}}
	if c.View.Kind != marketplace.Cache { // that image is Alpine's, whose wget is BusyBox'
		options = append(options, option{0, "no-config", false}, option{0, "max-redirect", true})
	}
	o, bad := grammar{options: options}.parse(c.Args)
	if bad != nil {
		return c.fail(2, "wget: %s\nUsage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.", bad.message)
	}
	if len(o.operands) == 0 {
		return c.fail(1, "wget: missing URL\nUsage: wget [OPTION]... [URL]...\n\nTry `wget --help' for more options.")
	}
	limit, err := seconds(o, "timeout")
	if err != nil {
		return c.fail(2, "wget: --timeout: Invalid time period '%s'", o.last("timeout"))
	}
	say := func(format string, args ...any) {
		if !o.has("quiet") {
			fmt.Fprintf(c.Stderr, format+"\n", args...)
		}
	}
	host, port, path, ok := address(o.operands[0])
	if !ok {
		return c.fail(1, "%s: Invalid host name.", o.operands[0])
	}
	r, resolved := c.View.dial(host, port, path)
	if !resolved {
		say("wget: unable to resolve host address '%s'", host)
		return 4
	}
	say("Connecting to %s (%s)|%s|:%d... ", host, host, r.ip, port)
	if !r.open || !r.http {
		say("failed: Connection refused.")
		return 4
	}
	if limit > 0 && r.delay >= limit {
		time.Sleep(limit)
		say("Read error (Connection timed out) in headers.")
		return 4
	}
	time.Sleep(r.delay)
	if r.status >= 400 {
		say("HTTP request sent, awaiting response... %d\nERROR %d: Service Unavailable.", r.status, r.status)
		return 8
	}
	if o.has("server-response") {
		fmt.Fprint(c.Stderr, strings.ReplaceAll(r.headers(), "\r\n", "\n"))
	}
	switch output := o.last("output-document"); {
	case o.has("spider") || output == "/dev/null":
	case output == "-":
		c.printf("%s", r.body)
	default:
		say("%s: Read-only file system", output)
		return 3
	}
	return 0
}
