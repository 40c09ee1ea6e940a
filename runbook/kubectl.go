package runbook

import "strings"

const (
	foreign = "it would act as somebody else or on another cluster; the service's cluster and svcdown's own identity are used"
	spoken  = "its output may show tokens"
)

// everywhere are kubectl's options that every verb takes.
var everywhere = table(foreign, "n,namespace=namespace:namespace request-timeout=:duration",
	"kubeconfig,context,cluster,user,s,server,token,as,as-group,as-uid,as-user-extra,username,password,client-certificate,client-key,certificate-authority,insecure-skip-tls-verify,tls-server-name,cache-dir,disable-compression=!").
	with(table(spoken, "v,vmodule,profile,profile-output,log-dir,log-file,alsologtostderr,logtostderr,stderrthreshold=!"))

// verb is how one of kubectl's verbs is read.
type verb struct {
	known options
	judge func(name string, r *reader) (verdict, error)
}

func kubectl(words []Word) (verdict, error) { return kubectlVerb("kubectl", words, kubectlVerbs()) }

func kubectlVerbs() map[string]verb {
	all := map[string]verb{}
	readingVerbs(all)
	changingVerbs(all)
	all["exec"] = verb{execOptions, execVerb}
	return all
}

// groups are verbs that are followed by another one.
var groups = map[string]bool{"rollout": true, "set": true, "auth": true, "adm": true, "config": true, "certificate": true, "create": true}

// byHand are verbs that need a person's own terminal.
var byHand = map[string]string{
	"edit":         "it opens an editor; change it by hand, or write the change as kubectl set, scale or patch",
	"port-forward": "it needs a terminal of your own that stays open",
	"attach":       "it needs a terminal of your own that stays open",
}

// whyNot are verbs that are refused for more than being unknown.
var whyNot = map[string]string{
	"config":  "it shows or changes credentials and contexts; the service's cluster is always the one used",
	"proxy":   "it opens the API to anybody on the machine",
	"cp":      "it copies files out of or into a container",
	"run":     "it starts a pod of any image",
	"debug":   "it starts a container of any image",
	"create":  "it creates objects; write kubectl apply -f with a reviewed manifest",
	"replace": "it replaces whole objects; write kubectl apply -f with a reviewed manifest",
	"login":   "it handles credentials",
	"whoami":  "it can print a token",
}

func kubectlVerb(program string, words []Word, verbs map[string]verb) (verdict, error) {
	lead := reader{program: program, known: everywhere, equals: true, first: true}
	if err := lead.read(words); err != nil {
		return verdict{}, err
	}
	if len(lead.behind) == 0 || lead.dashed {
		return verdict{}, refuse("%s lacks a verb", program)
	}
	name, ok := lead.behind[0].Literal()
	if !ok {
		return verdict{}, refuse("the verb of %s is a placeholder", program)
	}
	left := lead.behind[1:]
	if groups[name] {
		second := reader{program: program + " " + name, known: everywhere, equals: true, first: true, args: lead.args}
		if err := second.read(left); err != nil {
			return verdict{}, err
		}
		if len(second.behind) > 0 && !second.dashed {
			sub, ok := second.behind[0].Literal()
			if !ok {
				return verdict{}, refuse("the verb of %s %s is a placeholder", program, name)
			}
			name, left, lead.args = name+" "+sub, second.behind[1:], second.args
		}
	}
	if why, ok := byHand[name]; ok {
		return verdict{class: Manual, byHand: why}, nil
	}
	v, known := verbs[name]
	if !known {
		first, _, _ := strings.Cut(name, " ")
		if why, ok := whyNot[first]; ok {
			return verdict{}, refuse("%s %s: %s", program, clip(name), why)
		}
		return verdict{}, refuse("%s %s is not supported", program, clip(name))
	}
	r := reader{program: program + " " + name, known: v.known.with(everywhere), equals: true, first: name == "rsh", args: lead.args}
	if err := r.read(left); err != nil {
		return verdict{}, err
	}
	if r.dashed && name != "exec" && name != "rsh" {
		return verdict{}, refuse("-- has no meaning in %s %s", program, name)
	}
	return v.judge(name, &r)
}

// operation starts an operation with the options that were read.
func (r *reader) operation(name string) Operation { return Operation{Name: name, Args: r.args} }

// openshift reads oc: kubectl's verbs, with a few names of its own.
func openshift(words []Word) (verdict, error) {
	all := kubectlVerbs()
	for _, name := range []string{"top", "cordon", "uncordon", "drain", "taint"} {
		v := all[name]
		all["adm "+name] = verb{v.known, func(_ string, r *reader) (verdict, error) { return v.judge(name, r) }}
	}
	all["rsh"] = verb{execOptions, func(_ string, r *reader) (verdict, error) { return remoteShell(r) }}
	return kubectlVerb("oc", words, all)
}
