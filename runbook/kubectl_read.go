package runbook

import (
	"regexp"
	"strings"
)

var (
	selecting = table("", "l,selector=selector:selector field-selector=field-selector:selector A,all-namespaces=all-namespaces")
	printing  = table("", "no-headers=no-headers show-labels=show-labels show-kind=show-kind ignore-not-found= show-managed-fields= server-print= chunk-size=:integer L,label-columns=:fixed")

	getOptions = table("read what is in the cluster, not a file", "f,filename,k,kustomize,R,recursive=! o,output=output:fixed sort-by=sort-by:fixed w,watch,watch-only=watch raw=raw:fixed").
			with(selecting).with(printing)
	logOptions = table("", "c,container=container:word f,follow=follow p,previous=previous tail=tail:integer since=since:duration since-time=since-time:fixed "+
		"timestamps=timestamps all-containers=all-containers all-pods=all-pods prefix=prefix ignore-errors= limit-bytes=limit-bytes:integer max-log-requests=:integer pod-running-timeout=:duration "+
		"insecure-skip-tls-verify-backend=").with(table("", "l,selector=selector:selector"))
)

func readingVerbs(all map[string]verb) {
	described := table("read what is in the cluster, not a file", "f,filename,k,kustomize,R,recursive=! show-events= chunk-size=:integer").with(selecting)
	all["get"] = verb{getOptions, getVerb}
	all["describe"] = verb{described, describeVerb}
	all["logs"] = verb{logOptions, logsVerb}
	all["top"] = verb{table("", "containers=containers sort-by=sort-by:fixed:cpu|memory no-headers=no-headers sum= use-protocol-buffers= show-capacity=").with(selecting), topVerb}
	all["events"] = verb{table("", "for=for:label types=types:fixed w,watch=watch no-headers=no-headers o,output=:fixed:wide|yaml|json A,all-namespaces=all-namespaces"), eventsVerb}
	all["wait"] = verb{table("", "for=for:fixed timeout=timeout:duration all=all").with(selecting), waitVerb}
	all["rollout status"] = verb{table("", "timeout=timeout:duration w,watch= revision=revision:integer l,selector=selector:selector"), workloadVerb(check)}
	all["rollout history"] = verb{table("", "revision=revision:integer l,selector=selector:selector o,output=:fixed:yaml|json"), workloadVerb(check)}
	all["auth can-i"] = verb{table("", "list=list A,all-namespaces=all-namespaces q,quiet= no-headers= subresource=subresource:label"), canVerb}
	for _, name := range []string{"auth whoami", "api-resources", "api-versions", "version", "cluster-info", "explain"} {
		all[name] = verb{table("", "o,output=:fixed:wide|yaml|json|name client= short= namespaced= verbs=:label api-group=:label cached= no-headers= sort-by=:fixed:name|kind recursive= api-version=:label"), aboutVerb}
	}
}

var (
	// columns are outputs that pick fields: printing them needs no template language.
	columns    = regexp.MustCompile(`^(jsonpath|jsonpath-as-json|custom-columns)=\S`)
	healthPath = regexp.MustCompile(`^/(healthz|livez|readyz|version)(/[a-z0-9/_-]*)?(\?verbose(=true)?)?$`)
)

func getVerb(_ string, r *reader) (verdict, error) {
	if r.has("raw") {
		return rawVerb(r)
	}
	if o := r.get("output").String(); r.has("output") {
		switch o {
		case "wide", "yaml", "json", "name":
		default:
			if !columns.MatchString(o) {
				return verdict{}, refuse("output %q is not supported; there are wide, yaml, json, name, jsonpath= and custom-columns=", clip(o))
			}
		}
	}
	all, names, err := objects(r.rest, r.program)
	if err != nil {
		return verdict{}, err
	}
	if every, some := secrets(all); every {
		return secretReferences(r, all, names)
	} else if some {
		return verdict{}, refuse("it reads Secrets together with other kinds; write one command for each")
	}
	op := r.operation("get")
	op.about(all, names)
	v := verdict{class: Check, op: op}
	if r.has("watch") {
		v.warnings = append(v.warnings, "it is read once instead of watched")
	}
	return v, nil
}

// secretReferences is what becomes of reading Secrets, whatever output was asked for: options that could pick a value are dropped.
func secretReferences(r *reader, all []kind, names []Word) (verdict, error) {
	op := Operation{Name: "secret references"}
	op.about(all, names)
	op.Kind = ""
	for _, a := range r.args {
		if a.Name == "namespace" || a.Name == "all-namespaces" || a.Name == "selector" {
			op.Args = append(op.Args, a)
		}
	}
	return verdict{class: Check, op: op, warnings: []string{"values are never shown: it says which keys the workload refers to and whether they are there"}}, nil
}

func rawVerb(r *reader) (verdict, error) {
	p := r.get("raw").String()
	if len(r.rest) > 0 || !healthPath.MatchString(p) {
		return verdict{}, refuse("get --raw may only ask /healthz, /livez, /readyz and /version")
	}
	return check(r.operation("health"))
}

func describeVerb(_ string, r *reader) (verdict, error) {
	all, names, err := objects(r.rest, r.program)
	if err != nil {
		return verdict{}, err
	}
	if every, some := secrets(all); every {
		return secretReferences(r, all, names)
	} else if some {
		return verdict{}, refuse("it reads Secrets together with other kinds; write one command for each")
	}
	op := r.operation("describe")
	op.about(all, names)
	return check(op)
}

func logsVerb(_ string, r *reader) (verdict, error) {
	op := r.operation("logs")
	op.Namespaced = true
	switch {
	case len(r.rest) == 0 && !r.has("selector"):
		return verdict{}, refuse("logs lacks a pod")
	case len(r.rest) > 2:
		return verdict{}, refuse("logs takes one pod and one container")
	}
	if len(r.rest) > 0 {
		if err := op.pod(r.rest[0]); err != nil {
			return verdict{}, err
		}
	}
	if len(r.rest) == 2 {
		if err := validate(Plain, "the container", r.rest[1]); err != nil {
			return verdict{}, err
		}
		op.add("container", Plain, r.rest[1])
	}
	v := verdict{class: Check, op: op}
	if r.has("follow") {
		v.warnings = append(v.warnings, "it is read once instead of followed")
	}
	return v, nil
}

// pod reads POD or KIND/NAME of something that has pods.
func (o *Operation) pod(w Word) error {
	if _, _, slashed := w.cut("/"); !slashed {
		o.Kind = "pods"
		o.add("name", Pod, w)
		return validate(Pod, "the pod", w)
	}
	k, name, err := slashedObject(w)
	if err != nil {
		return err
	}
	switch k.plural {
	case "pods", "deployments", "statefulsets", "daemonsets", "replicasets", "replicationcontrollers", "services", "jobs", "deploymentconfigs":
	default:
		return refuse("%s have no pods", k.plural)
	}
	o.Kind = k.plural
	o.add("name", k.name, name)
	return nil
}

func topVerb(_ string, r *reader) (verdict, error) {
	if len(r.rest) == 0 || len(r.rest) > 2 {
		return verdict{}, refuse("top takes pods or nodes, and at most one name")
	}
	all, names, err := objects(r.rest, r.program)
	if err != nil {
		return verdict{}, err
	}
	if len(all) != 1 || (all[0].plural != "pods" && all[0].plural != "nodes") {
		return verdict{}, refuse("top takes pods or nodes")
	}
	op := r.operation("top")
	op.about(all, names)
	return check(op)
}

func eventsVerb(_ string, r *reader) (verdict, error) {
	if len(r.rest) > 0 {
		return verdict{}, refuse("events takes no further words")
	}
	op := r.operation("events")
	op.Namespaced = true
	return check(op)
}

var waitFor = regexp.MustCompile(`^(condition=[A-Za-z]+(=[A-Za-z]+)?|delete|create|jsonpath=\S+)$`)

func waitVerb(_ string, r *reader) (verdict, error) {
	if !waitFor.MatchString(r.get("for").String()) {
		return verdict{}, refuse("wait needs --for=condition=NAME, --for=delete or --for=jsonpath=…")
	}
	all, names, err := objects(r.rest, r.program)
	if err != nil {
		return verdict{}, err
	}
	if _, some := secrets(all); some {
		return verdict{}, refuse("waiting on Secrets would tell about their values")
	}
	op := r.operation("wait")
	op.about(all, names)
	return check(op)
}

// workloadVerb reads verbs that take one workload, or several by label.
func workloadVerb(class func(Operation) (verdict, error)) func(string, *reader) (verdict, error) {
	return func(name string, r *reader) (verdict, error) {
		op := r.operation(name)
		all, names, err := objects(r.rest, r.program)
		if err != nil {
			return verdict{}, err
		}
		if len(all) != 1 || !rolledOut[all[0].plural] {
			return verdict{}, refuse("%s takes a deployment, statefulset or daemonset", name)
		}
		if len(names) == 0 && !r.has("selector") {
			return verdict{}, refuse("%s lacks a name", name)
		}
		op.about(all, names)
		return class(op)
	}
}

var rolledOut = map[string]bool{"deployments": true, "statefulsets": true, "daemonsets": true, "deploymentconfigs": true}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9*./_-]+$`)

func canVerb(name string, r *reader) (verdict, error) {
	op := r.operation(name)
	if r.has("list") == (len(r.rest) > 0) || len(r.rest) > 3 {
		return verdict{}, refuse("auth can-i takes VERB KIND [NAME], or --list")
	}
	for _, w := range r.rest {
		s, ok := w.Literal()
		if !ok || !plainWord.MatchString(s) {
			return verdict{}, refuse("auth can-i takes a verb and a kind as they are, not %q", clip(w.String()))
		}
		op.add("word", Fixed, w)
	}
	op.Namespaced = true
	return check(op)
}

func aboutVerb(name string, r *reader) (verdict, error) {
	op := r.operation(name)
	switch {
	case name == "explain" && len(r.rest) == 1:
		s, ok := r.rest[0].Literal()
		if !ok || !plainWord.MatchString(s) {
			return verdict{}, refuse("explain takes a kind or a field as it is")
		}
		op.add("word", Fixed, r.rest[0])
	case name == "explain":
		return verdict{}, refuse("explain takes one kind or field")
	case len(r.rest) > 0:
		return verdict{}, refuse("%s %s is not supported", r.program, clip(strings.TrimSpace(r.rest[0].String())))
	}
	return check(op)
}
