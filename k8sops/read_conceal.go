package k8sops

import (
	"encoding/json"
	"strings"

	utiljson "k8s.io/apimachinery/pkg/util/json"

	"github.com/svcdown/svcdown/redact"
)

// deepest nesting of an object that is looked at; what lies deeper is left out.
const deepest = 64

// concealed is an object of the cluster without what must not leave this package, whatever output was asked for: no managedFields, no copy of
// the object as it was applied, no value of an environment variable, of an HTTP header, of a ConfigMap or of a foreign annotation, and no
// string that redact takes for a secret together with the key or flag in front of it. A field can then be picked out of it (jsonpath) without
// its key: the value is gone already. It returns nil when raw is no object.
func concealed(m mapping, raw json.RawMessage) map[string]any {
	var o map[string]any
	if utiljson.Unmarshal(raw, &o) != nil || o == nil {
		return nil
	}
	if _, ok := o["kind"].(string); !ok {
		o["kind"], o["apiVersion"] = m.kind, m.apiVersion()
	}
	if meta, ok := o["metadata"].(map[string]any); ok {
		delete(meta, "managedFields")
		hideAnnotations(meta)
	}
	if m.group == "" && (m.resource == "configmaps" || m.resource == "secrets") {
		hideValues(o["data"])
		hideValues(o["binaryData"])
		hideValues(o["stringData"])
	}
	out, _ := concealValue("", o, 0).(map[string]any)
	return out
}

// hideAnnotations keeps the values of Kubernetes' and our own annotations, and of others only the names.
func hideAnnotations(meta map[string]any) {
	all, ok := meta["annotations"].(map[string]any)
	if !ok {
		return
	}
	for k, v := range all {
		switch domain, _, slashed := strings.Cut(k, "/"); {
		case k == lastApplied || strings.HasSuffix(k, "last-applied-configuration"):
			delete(all, k)
		case slashed && (ends(domain, "kubernetes.io") || ends(domain, "k8s.io") || ends(domain, "svcdown.dev")):
		case v != "":
			all[k] = redact.Mark
		}
	}
	if len(all) == 0 {
		delete(meta, "annotations")
	}
}

func ends(domain, parent string) bool {
	return domain == parent || strings.HasSuffix(domain, "."+parent)
}

// hideValues keeps the keys; an empty value stays, for it is worth knowing and tells nothing.
func hideValues(v any) {
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	for k, value := range m {
		if value != "" && value != nil {
			m[k] = redact.Mark
		}
	}
}

func concealValue(key string, v any, depth int) any {
	if depth > deepest {
		return "…"
	}
	switch v := v.(type) {
	case map[string]any:
		if _, named := v["name"].(string); named {
			if s, ok := v["value"].(string); ok && s != "" { // an environment variable, an HTTP header, a parameter
				v["value"] = redact.Mark
			}
		}
		for k, each := range v {
			if strings.HasSuffix(k, "last-applied-configuration") {
				delete(v, k)
				continue
			}
			if meta, ok := each.(map[string]any); ok && k == "metadata" { // a pod template, a volume claim template
				delete(meta, "managedFields")
				hideAnnotations(meta)
			}
			v[k] = concealValue(k, each, depth+1)
		}
		return v
	case []any:
		for i, each := range v {
			v[i] = concealValue(key, each, depth+1)
			if i > 0 {
				v[i] = concealArgument(v[i-1], v[i])
			}
		}
		return v
	case string:
		return concealString(key, v)
	default:
		return v
	}
}

// concealArgument takes out the value behind a flag that stands in an entry of its own: [--requirepass, …].
func concealArgument(flag, value any) any {
	f, ok := flag.(string)
	s, isText := value.(string)
	if !ok || !isText || !strings.HasPrefix(f, "-") || strings.Contains(f, "=") {
		return value
	}
	if f == "-a" || f == "-p" && strings.Trim(s, "0123456789:") != "" {
		return redact.Mark // redis-cli -a, mysql -p: better one too many than a password
	}
	pair := strings.TrimLeft(f, "-") + "=" + s
	if redact.Clean(pair).String() != pair {
		return redact.Mark
	}
	return value
}

// plainKeys hold text that names things; most strings of an object stand under one of them, and cleaning costs more than all the rest.
var plainKeys = map[string]bool{
	"name": true, "namespace": true, "uid": true, "kind": true, "apiVersion": true, "type": true, "status": true, "reason": true, "phase": true,
	"creationTimestamp": true, "lastTransitionTime": true, "lastProbeTime": true, "startedAt": true, "finishedAt": true, "startTime": true,
	"resourceVersion": true, "image": true, "imageID": true, "containerID": true, "mountPath": true, "protocol": true, "operator": true, "effect": true,
	"hostIP": true, "podIP": true, "ip": true, "cpu": true, "memory": true, "nodeName": true,
}

func concealString(key, s string) string {
	if s == "" {
		return s
	}
	if len(s) < 24 && plainKeys[key] && !strings.Contains(s, "@") { // an image may have a login in front
		return s
	}
	clean := redact.Clean(s).String()
	if clean != s || plainKeys[key] {
		return clean
	}
	pair := key + ": " + s
	if key != "" && redact.Clean(pair).String() != pair {
		return redact.Mark
	}
	return s
}
