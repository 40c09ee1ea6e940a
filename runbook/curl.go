package runbook

import (
	"regexp"
	"strings"
)

// curlOptions are those of a GET or HEAD that writes no file, reads no file and goes where its URL says.
var curlOptions = table("", "I,head=head f,fail= s,silent= S,show-error= i,include= v,verbose= k,insecure=insecure fail-with-body= compressed= 4,ipv4= 6,ipv6= N,no-buffer= "+
	"http1.0,0= http1.1= http2= m,max-time=max-time:fixed connect-timeout=:fixed retry=:integer retry-delay=:integer retry-connrefused= "+
	"X,request=method:fixed:GET|HEAD o,output=:fixed:/dev/null|- w,write-out=format:fixed H,header=header:fixed A,user-agent=:fixed url=url:url")

// header are the request headers that change nothing about who asks or what is done.
var header = regexp.MustCompile(`(?i)^(accept|accept-language|accept-encoding|cache-control|pragma|user-agent|content-type|x-request-id|host)\s*:\s*[A-Za-z0-9 ./*;=,+_-]*$`)

// variables are the parts of a -w format that tell about the transfer; %output{} would write a file.
var variables = regexp.MustCompile(`%\{[a-z0-9_.]+\}|%header\{[A-Za-z0-9-]+\}|%%|\\[nrt]`)

func (o *Operation) curl(r *reader) error {
	for _, a := range r.args {
		s := a.Value.String()
		switch a.Name {
		case "header":
			if !header.MatchString(s) {
				return refuse("header %q is not supported for a read; tokens and overridden methods are never sent", clip(s))
			}
			continue
		case "format":
			// A format file of the well-known form is not read: the timings are always taken.
			if strings.ContainsAny(variables.ReplaceAllString(s, ""), "%\\") || (strings.HasPrefix(s, "@") && o.Name != "http probe") {
				return refuse("-w %q could read or write a file", clip(s))
			}
		case "max-time":
			if why := wrong(Quantity, s); why != "" {
				return refuse("--max-time %q is no number of seconds", clip(s))
			}
		case "url":
			r.rest = append(r.rest, a.Value)
			continue
		}
		o.Args = append(o.Args, a)
	}
	rest := append(r.rest, r.behind...)
	if len(rest) != 1 {
		return refuse("curl takes exactly one URL here")
	}
	return o.url(rest[0])
}

// url takes a URL; without a scheme it is http, as curl has it.
func (o *Operation) url(w Word) error {
	if !strings.Contains(w.String(), "://") {
		if len(w) == 1 && w[0].Hole != "" && strings.Contains(w[0].Hole, "url") {
			o.add("url", URL, w)
			return nil
		}
		w = append(literal("http://"), w...)
	}
	o.add("url", URL, w)
	return validate(URL, "the URL", w)
}

// containerCurl is curl inside a container, from where nobody looks at what a name resolves to: no redirects.
func containerCurl(o *Operation, words []Word) error {
	r := reader{program: "curl", known: curlOptions.with(table("inside a container a redirect could lead to a metadata address", "L,location,location-trusted=!"))}
	if err := r.read(words); err != nil {
		return err
	}
	return o.curl(&r)
}

// hostCurl is curl on its own: a probe from where the bot runs, or a message.
func hostCurl(words []Word) (verdict, error) {
	if v, ok, err := message(words); ok || err != nil {
		return v, err
	}
	r := reader{program: "curl", known: curlOptions.with(table("", "L,location=location"))}
	if err := r.read(words); err != nil {
		return verdict{}, err
	}
	op := Operation{Name: "http probe"}
	if err := op.curl(&r); err != nil {
		return verdict{}, err
	}
	v := verdict{class: Check, op: op}
	if strings.HasPrefix(op.Get("format"), "@") {
		v.warnings = append(v.warnings, "the file behind -w is not read: DNS, connect, TLS, first byte and total are always shown")
	}
	return v, nil
}

// wget reads the two ways of wget that write no file: --spider and -O -.
func wget(o *Operation, words []Word) error {
	known := table("", "q,quiet= S,server-response= spider=head no-check-certificate=insecure no-verbose= 4,inet4-only= 6,inet6-only= T,timeout=max-time:integer t,tries=:integer "+
		"O,output-document=output:fixed:-|/dev/null max-redirect=:integer header=header:fixed")
	if len(words) > 0 && words[0].lead() == "-nv" {
		words = words[1:]
	}
	r := reader{program: "wget", known: known}
	if err := r.read(words); err != nil {
		return err
	}
	if !r.has("head") && !r.has("output") {
		return refuse("wget would write a file; add -O - or --spider")
	}
	return o.curl(&r)
}
