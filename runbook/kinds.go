package runbook

import (
	"regexp"
	"strings"
)

// kind is a resource as kubectl names it.
type kind struct {
	plural  string
	name    Type // of its objects' names
	cluster bool // it has no namespace
}

// kinds are the resources that we know by all their names. Custom resources are taken by their plural.
var kinds = func() map[string]kind {
	all := map[string]kind{}
	for _, row := range []struct {
		names   string // the plural first
		name    Type
		cluster bool
	}{
		{"pods pod po", Pod, false},
		{"deployments deployment deploy", Deployment, false},
		{"statefulsets statefulset sts", StatefulSet, false},
		{"daemonsets daemonset ds", DaemonSet, false},
		{"replicasets replicaset rs", Object, false},
		{"replicationcontrollers replicationcontroller rc", Object, false},
		{"services service svc", Service, false},
		{"endpoints endpoint ep", Service, false},
		{"endpointslices endpointslice", Object, false},
		{"events event ev", Object, false},
		{"configmaps configmap cm", Object, false},
		{"secrets secret", Object, false},
		{"serviceaccounts serviceaccount sa", Object, false},
		{"persistentvolumeclaims persistentvolumeclaim pvc", Object, false},
		{"persistentvolumes persistentvolume pv", Object, true},
		{"storageclasses storageclass sc", Object, true},
		{"nodes node no", Node, true},
		{"namespaces namespace ns", Namespace, true},
		{"networkpolicies networkpolicy netpol", Object, false},
		{"ingresses ingress ing", Object, false},
		{"ingressclasses ingressclass", Object, true},
		{"jobs job", Object, false},
		{"cronjobs cronjob cj", Object, false},
		{"horizontalpodautoscalers horizontalpodautoscaler hpa", Object, false},
		{"poddisruptionbudgets poddisruptionbudget pdb", Object, false},
		{"resourcequotas resourcequota quota", Object, false},
		{"limitranges limitrange limits", Object, false},
		{"leases lease", Object, false},
		{"roles role", Object, false},
		{"rolebindings rolebinding", Object, false},
		{"clusterroles clusterrole", Object, true},
		{"clusterrolebindings clusterrolebinding", Object, true},
		{"customresourcedefinitions customresourcedefinition crd crds", Object, true},
		{"priorityclasses priorityclass pc", Object, true},
		{"volumeattachments volumeattachment", Object, true},
		{"apiservices apiservice", Object, true},
		{"componentstatuses componentstatus cs", Object, true},
		{"certificatesigningrequests certificatesigningrequest csr", Object, true},
		{"validatingwebhookconfigurations validatingwebhookconfiguration", Object, true},
		{"mutatingwebhookconfigurations mutatingwebhookconfiguration", Object, true},
		{"deploymentconfigs deploymentconfig dc", Object, false},
		{"routes route", Object, false},
		{"clusteroperators clusteroperator co", Object, true},
		{"all", Object, false},
	} {
		names := strings.Fields(row.names)
		for _, n := range names {
			all[n] = kind{plural: names[0], name: row.name, cluster: row.cluster}
		}
	}
	return all
}()

var (
	customKind = regexp.MustCompile(`^[a-z][a-z0-9]*(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
	// secretKind are custom resources whose objects may be credentials themselves.
	secretKind = regexp.MustCompile(`secret|token|oauth|credential|password|vault`)
)

// oneKind resolves a kind as written; groups and versions behind a dot do not change what it is ("secrets.v1.").
func oneKind(s string) (kind, error) {
	low := strings.TrimRight(strings.ToLower(s), ".")
	first, _, _ := strings.Cut(low, ".")
	if k, ok := kinds[first]; ok {
		return k, nil
	}
	if !customKind.MatchString(low) {
		return kind{}, refuse("%q is not a kind of object", clip(s))
	}
	if secretKind.MatchString(low) {
		return kind{}, refuse("objects of kind %s may hold secrets", clip(s))
	}
	return kind{plural: low, name: Object}, nil
}

// objects reads KIND[,KIND] [NAME…], KIND/NAME… as kubectl does.
func objects(words []Word, program string) (all []kind, names []Word, err error) {
	if len(words) == 0 {
		return nil, nil, refuse("%s lacks the kind of object", program)
	}
	if _, _, slashed := words[0].cut("/"); slashed {
		for _, w := range words {
			k, name, err := slashedObject(w)
			if err != nil {
				return nil, nil, err
			}
			if len(all) > 0 && all[0] != k {
				return nil, nil, refuse("it names several kinds; write one command for each")
			}
			all, names = []kind{k}, append(names, name)
		}
		return all, names, nil
	}
	list, ok := words[0].Literal()
	if !ok {
		return nil, nil, refuse("the kind of object is a placeholder")
	}
	for s := range strings.SplitSeq(list, ",") {
		k, err := oneKind(s)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, k)
	}
	if len(all) > 1 && len(words) > 1 {
		return nil, nil, refuse("it names objects of several kinds; write one command for each")
	}
	for _, w := range words[1:] {
		if _, _, slashed := w.cut("/"); slashed {
			return nil, nil, refuse("it mixes KIND NAME and KIND/NAME")
		}
		if err := validate(all[0].name, "the name", w); err != nil {
			return nil, nil, err
		}
		names = append(names, w)
	}
	return all, names, nil
}

func slashedObject(w Word) (kind, Word, error) {
	left, name, slashed := w.cut("/")
	if !slashed {
		return kind{}, nil, refuse("it mixes KIND NAME and KIND/NAME")
	}
	written, ok := left.Literal()
	if !ok {
		return kind{}, nil, refuse("the kind of object is a placeholder")
	}
	k, err := oneKind(written)
	if err != nil {
		return kind{}, nil, err
	}
	if len(name) == 0 {
		return kind{}, nil, refuse("the name behind %s/ is missing", clip(written))
	}
	return k, name, validate(k.name, "the name", name)
}

// about fills kind, scope and names of an operation.
func (o *Operation) about(all []kind, names []Word) {
	var plurals []string
	for _, k := range all {
		plurals = append(plurals, k.plural)
		o.Namespaced = o.Namespaced || !k.cluster
	}
	o.Kind = strings.Join(plurals, ",")
	for _, n := range names {
		o.add("name", all[0].name, n)
	}
}

// secrets says whether all, or only some, of the kinds are Secrets.
func secrets(all []kind) (every, some bool) {
	every = true
	for _, k := range all {
		if k.plural == "secrets" {
			some = true
		} else {
			every = false
		}
	}
	return every && some, some
}
