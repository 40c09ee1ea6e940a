package steps

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/k8sops"
	"github.com/svcdown/svcdown/redact"
	"github.com/svcdown/svcdown/runbook"
)

// transferred is what curl reports of one transfer; times are from its start.
type transferred struct {
	code                           int
	dns, connect, tls, byte, total time.Duration
}

// transferOf takes the report off the end of curl's output; shown is what is left.
func transferOf(out string) (t transferred, shown string, ok bool) {
	at := strings.LastIndex(out, "\n"+transfer)
	if at < 0 {
		return t, out, false
	}
	var s [5]float64
	n, _ := fmt.Sscanf(out[at+1+len(transfer):], "%d %f %f %f %f %f", &t.code, &s[0], &s[1], &s[2], &s[3], &s[4])
	for i, d := range []*time.Duration{&t.dns, &t.connect, &t.tls, &t.byte, &t.total} {
		*d = time.Duration(s[i] * float64(time.Second))
	}
	return t, out[:at], n == 6
}

// curlRaw is what curl prints without the reports that we asked for besides.
func curlRaw(_ *runbook.Operation, r k8sops.ExecResult) redact.Text {
	_, shown, _ := transferOf(r.Stdout.String())
	var problems []string
	for line := range strings.SplitSeq(r.Stderr.String(), "\n") {
		if strings.HasPrefix(line, "curl:") {
			problems = append(problems, line)
		}
	}
	return redact.Clean(strings.Join(append([]string{strings.ReplaceAll(shown, "\r", "")}, problems...), "\n"))
}

// curlEnds are exit codes that say something of the other side. https://curl.se/libcurl/c/libcurl-errors.html
var curlEnds = map[int]struct{ means, fix redact.Text }{
	5:  {redact.Const("the proxy's name does not resolve"), redact.Const("Check the container's proxy settings.")},
	6:  {redact.Const("its name does not resolve"), redact.Const("Check the name, and cluster DNS.")},
	7:  {redact.Const("it refuses connections"), redact.Const("See whether its pod runs, and whether its Service has endpoints.")},
	22: {redact.Const("it answers with an error"), redact.Const("Read its log.")},
	28: {redact.Const("no answer within 8 s"), redact.Const("Look at its load, at network policies, and at what it waits for.")},
	35: {redact.Const("TLS could not be agreed on"), redact.Const("Check that TLS is spoken on that port, and which versions.")},
	51: {redact.Const("its certificate is for another name"), redact.Const("Renew the certificate with the right name.")},
	52: {redact.Const("it closes the connection without an answer"), redact.Const("Check that HTTP is spoken on that port; read its log.")},
	56: {redact.Const("the connection broke off"), redact.Const("Read its log; it may have restarted.")},
	60: {redact.Const("its certificate is not trusted, has expired or is for another name"), redact.Const("Renew the certificate.")},
}

var expireDate = regexp.MustCompile(`(?mi)^\*\s+expire date: (.+)$`)

func judgeCurl(op *runbook.Operation, answers []k8sops.ExecResult) finding.Finding {
	r, shown := answers[0], shownURL(op.Get("url"))
	t, _, reported := transferOf(r.Stdout.String())
	if end, known := curlEnds[r.ExitCode]; known && r.ExitCode != 0 {
		f := found(finding.Fail, redact.F("%s: %s", shown, end.means), finding.Evidence{Title: redact.Const("In curl's words"), Code: curlRaw(op, r).Short(1000)})
		if t.code > 0 {
			f.Line = redact.F("%s (%d)", f.Line, t.code)
		}
		f.Fix = end.fix
		return f
	}
	if oldProgram(r) || (r.ExitCode > 0 && !reported) {
		return tooOld("curl", r)
	}
	if r.ExitCode > 0 || !reported {
		return unknown(redact.F("%s: curl ended with code %d: %s", shown, r.ExitCode, curlRaw(op, r).Short(200)), redact.Const("Ask again, or run it by hand."))
	}
	f := answer(shown, t.code, t.total, op.Has("head") || op.Get("method") == "HEAD")
	if m := expireDate.FindStringSubmatch(r.Stderr.String()); m != nil {
		certificate(&f, strings.TrimSpace(m[1]))
	}
	if op.Has("format") {
		parts := []redact.Text{redact.F("DNS %s", short(t.dns)), redact.F("connect %s", short(t.connect))}
		if t.tls > 0 {
			parts = append(parts, redact.F("TLS %s", short(t.tls)))
		}
		f.Line = redact.F("%s: %s", f.Line, redact.Join(", ", append(parts, redact.F("first byte %s", short(t.byte)), redact.F("total %s", short(t.total)))...))
	}
	return f
}

func shownURL(raw string) redact.Text {
	u, err := url.Parse(raw)
	if err != nil {
		return redact.F("%s", raw)
	}
	return redact.F("%s", u.Host+u.EscapedPath())
}

// answer judges an HTTP status as a probe of ours does: what asks for a login or another method is there.
func answer(shown redact.Text, code int, took time.Duration, head bool) finding.Finding {
	line := redact.F("%s answers %d in %s", shown, code, short(took))
	switch {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return found(finding.Warn, redact.F("%s: it is there and asks who we are", line))
	case code == http.StatusMethodNotAllowed && head:
		return found(finding.Warn, redact.F("%s: it is there and takes no HEAD", line))
	case code >= 300 && code < 400:
		return found(finding.Warn, redact.F("%s: a redirect, which was not followed", line))
	case code < 200 || code > 299:
		f := found(finding.Fail, line)
		f.Fix = redact.Const("Read its log, and look at what it depends on.")
		return f
	case took > slowAnswer:
		return found(finding.Warn, redact.F("%s, which is slow", line))
	}
	return found(finding.OK, line)
}

const expiresSoon = 14 * 24 * time.Hour

// certificate adds until when a certificate is valid, in curl's words: "Nov 20 12:00:00 2026 GMT".
func certificate(f *finding.Finding, until string) {
	end, err := time.Parse("Jan _2 15:04:05 2006 MST", until)
	if err != nil {
		return
	}
	left := time.Until(end)
	f.Line = redact.F("%s, certificate until %s (%d days)", f.Line, end.UTC().Format("2006-01-02"), int(left.Hours()/24))
	if left < expiresSoon && f.Status == finding.OK {
		f.Status, f.Fix = finding.Warn, redact.Const("Renew the certificate.")
	}
}

var wgetStatus = regexp.MustCompile(`(?m)(?:^\s*HTTP/[0-9.]+ |awaiting response\.\.\. |server returned error: HTTP/[0-9.]+ )([0-9]{3})`)

func judgeWget(op *runbook.Operation, answers []k8sops.ExecResult) finding.Finding {
	r, shown := answers[0], shownURL(op.Get("url"))
	text := r.Stderr.String()
	code := 0
	for _, m := range wgetStatus.FindAllStringSubmatch(text, -1) {
		code, _ = strconv.Atoi(m[1])
	}
	switch {
	case oldProgram(r):
		return unknown(redact.F("%s was not asked: this wget cannot be kept from following redirects and reading a configuration", shown), redact.Const("Use curl, or an image with GNU wget."))
	case code > 0:
		return answer(shown, code, r.Took, op.Has("head"))
	case r.ExitCode == 0:
		return found(finding.OK, redact.F("%s answers in %s", shown, short(r.Took)))
	case r.ExitCode == 4 || r.ExitCode == 5 || r.ExitCode == 8: // network, TLS, an error answered: GNU wget's manual, "Exit Status"
		return found(finding.Fail, redact.F("%s: %s", shown, lastLine(r.Stderr)))
	}
	return unknown(redact.F("%s: wget ended with code %d: %s", shown, r.ExitCode, lastLine(r.Stderr)), redact.Const("Ask again, or run it by hand."))
}

func lastLine(t redact.Text) redact.Text {
	lines := strings.Split(strings.TrimSpace(t.String()), "\n")
	return redact.Clean(lines[len(lines)-1]).Short(200)
}
