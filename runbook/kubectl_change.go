package runbook

import (
	"encoding/json"
	"regexp"
	"strings"
)

const (
	forced  = "it would skip what protects the service"
	toomany = "it would take everything of its kind"
	unread  = "its content is not in the document"
)

// changingVerbs are the verbs whose steps are actions: each goes through plan, approval and verification.
func changingVerbs(all map[string]verb) {
	dry := table("", "dry-run=dry-run:fixed:none|client|server field-manager=:label o,output=:fixed:name|yaml|json|wide")
	several := table(toomany, "l,selector=selector:selector all,A,all-namespaces=!")
	files := table(unread, "f,filename,k,kustomize,R,recursive,patch-file=!")
	for _, name := range []string{"rollout restart", "rollout pause", "rollout resume", "rollout undo"} {
		known := table("", "to-revision=to-revision:integer").with(dry).with(several).with(files)
		all[name] = verb{known, workloadVerb(action)}
	}
	all["scale"] = verb{table("", "replicas=replicas:integer current-replicas=current-replicas:integer resource-version=:label timeout=timeout:duration").with(dry).with(several).with(files), scaleVerb}
	all["set env"] = verb{table("it would show values or copy them out of a Secret", "list,resolve,from,keys,prefix=! c,containers=container:word overwrite= e,env=pair:pair").with(dry).with(several).with(files), setVerb}
	all["set image"] = verb{table("", "").with(dry).with(several).with(files), setVerb}
	all["set resources"] = verb{table("", "limits=limits:selector requests=requests:selector c,containers=container:word").with(dry).with(several).with(files), setVerb}
	all["delete"] = verb{table(forced, "force,now,raw=! grace-period=grace-period:integer timeout=timeout:duration wait= ignore-not-found= cascade=cascade:fixed:background|foreground|orphan|true i,interactive=").
		with(table(toomany, "field-selector=!")).with(dry).with(several).with(files), deleteVerb}
	all["apply"] = verb{table(forced, "force,force-conflicts,prune,prune-whitelist,prune-allowlist,overwrite,applyset,validate=! server-side=server-side f,filename=file:path wait= timeout=timeout:duration").
		with(table(unread, "k,kustomize,R,recursive=!")).with(dry).with(several), applyVerb}
	all["patch"] = verb{table(unread, "patch-file,f,filename,k,kustomize,R,recursive=! p,patch=patch:fixed type=type:fixed:strategic|merge|json").with(table(forced, "subresource=!")).with(dry), patchVerb}
	for _, name := range []string{"annotate", "label"} {
		all[name] = verb{table("", "overwrite=overwrite resource-version=:label").with(dry).with(several).with(files), pairsVerb}
	}
	all["taint"] = verb{table("", "overwrite=overwrite").with(dry).with(several), pairsVerb}
	all["cordon"] = verb{dry.with(several), nodeVerb}
	all["uncordon"] = verb{dry.with(several), nodeVerb}
	all["drain"] = verb{table(forced, "force,disable-eviction=! ignore-daemonsets=ignore-daemonsets delete-emptydir-data,delete-local-data=delete-emptydir-data grace-period=grace-period:integer "+
		"timeout=timeout:duration skip-wait-for-delete-timeout=:integer pod-selector=pod-selector:selector chunk-size=:integer").with(dry).with(several), nodeVerb}
}

// changed reads the objects of a changing verb, which must be named or selected.
func (r *reader) changed(name string, words []Word) (Operation, []kind, error) {
	op := r.operation(name)
	all, names, err := objects(words, r.program)
	if err != nil {
		return op, nil, err
	}
	if len(all) != 1 || all[0].plural == "all" {
		return op, nil, refuse("it changes several kinds at once; write one command for each")
	}
	if len(names) == 0 && !r.has("selector") {
		return op, nil, refuse("%s lacks the name of the object", name)
	}
	op.about(all, names)
	return op, all, nil
}

func scaleVerb(name string, r *reader) (verdict, error) {
	if !r.has("replicas") {
		return verdict{}, refuse("scale lacks --replicas")
	}
	op, _, err := r.changed(name, r.rest)
	if err != nil {
		return verdict{}, err
	}
	return action(op)
}

// split separates objects from what is to be set on them: the first word with "=" or a trailing "-" begins the latter.
func split(words []Word) (objects, pairs []Word) {
	for i, w := range words {
		_, _, equals := w.cut("=")
		if equals || (i > 0 && strings.HasSuffix(w.String(), "-")) {
			return words[:i], words[i:]
		}
	}
	return words, nil
}

func setVerb(name string, r *reader) (verdict, error) {
	named, pairs := split(r.rest)
	op, all, err := r.changed(name, named)
	if err != nil {
		return verdict{}, err
	}
	if all[0].cluster || all[0].plural == "secrets" {
		return verdict{}, refuse("%s takes a workload, not %s", name, all[0].plural)
	}
	if err := op.pairs(pairs); err != nil {
		return verdict{}, err
	}
	if !op.Has("pair") && !op.Has("limits") && !op.Has("requests") {
		return verdict{}, refuse("%s does not say what to set", name)
	}
	return action(op)
}

func (o *Operation) pairs(words []Word) error {
	for _, w := range words {
		if err := validate(Pair, "what is set", w); err != nil {
			return err
		}
		o.add("pair", Pair, w)
	}
	return nil
}

func pairsVerb(name string, r *reader) (verdict, error) {
	named, pairs := split(r.rest)
	op, all, err := r.changed(name, named)
	if err != nil {
		return verdict{}, err
	}
	if name == "taint" && all[0].plural != "nodes" {
		return verdict{}, refuse("taint takes nodes")
	}
	if len(pairs) == 0 {
		return verdict{}, refuse("%s does not say what to set", name)
	}
	if err := op.pairs(pairs); err != nil {
		return verdict{}, err
	}
	return action(op)
}

func deleteVerb(name string, r *reader) (verdict, error) {
	if r.get("grace-period").String() == "0" {
		return verdict{}, refuse("--grace-period=0: %s", forced)
	}
	op, _, err := r.changed(name, r.rest)
	if err != nil {
		return verdict{}, err
	}
	return action(op)
}

// applyVerb takes manifests by a path below the directory of reviewed manifests, never by URL, standard input or a way out of it.
func applyVerb(name string, r *reader) (verdict, error) {
	files := 0
	for _, a := range r.args {
		if a.Name != "file" {
			continue
		}
		files++
		p, ok := a.Value.Literal()
		if !ok || strings.HasPrefix(p, "/") || strings.Contains(p, "..") || strings.Contains(p, ":") || p == "-" {
			return verdict{}, refuse("apply takes a manifest's path below the reviewed directory, not %q", clip(a.Value.String()))
		}
	}
	if files != 1 || len(r.rest) > 0 {
		return verdict{}, refuse("apply takes exactly one -f FILE")
	}
	return action(r.operation(name))
}

func patchVerb(name string, r *reader) (verdict, error) {
	if !r.has("patch") {
		return verdict{}, refuse("patch lacks -p")
	}
	if !json.Valid([]byte(r.get("patch").String())) {
		return verdict{}, refuse("the patch is not JSON")
	}
	op, _, err := r.changed(name, r.rest)
	if err != nil {
		return verdict{}, err
	}
	return action(op)
}

var nodePrefix = regexp.MustCompile(`^nodes?/`)

func nodeVerb(name string, r *reader) (verdict, error) {
	op := r.operation(name)
	op.Kind = "nodes"
	for _, w := range r.rest {
		w = w.from(len(nodePrefix.FindString(w.lead())))
		if err := validate(Node, "the node", w); err != nil {
			return verdict{}, err
		}
		op.add("name", Node, w)
	}
	if len(r.rest) == 0 && !r.has("selector") {
		return verdict{}, refuse("%s lacks a node", name)
	}
	return action(op)
}
