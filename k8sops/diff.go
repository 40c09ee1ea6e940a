package k8sops

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/redact"
)

// longestDiff is how many lines a diff has at most; what is beyond is said.
const longestDiff = 120

// diff shows the fields that differ between two states of an object, as lines with - and +. What every write moves and our own marks are
// left out. The values of environment variables and HTTP headers are never in it, only their names.
func diff(before, after []byte, now string) (redact.Text, error) {
	a, err := fieldsOf(before)
	if err != nil {
		return redact.Text{}, err
	}
	b, err := fieldsOf(after)
	if err != nil {
		return redact.Text{}, err
	}
	d := differ{now: now}
	d.compare("", a, b, false)
	lines := d.lines
	if len(lines) > longestDiff {
		more := len(lines) - longestDiff
		lines = append(lines[:longestDiff:longestDiff], redact.F("… %d more lines", more))
	}
	return redact.Join("\n", lines...), nil
}

func fieldsOf(raw []byte) (map[string]any, error) {
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	var o map[string]any
	if err := dec.Decode(&o); err != nil {
		return nil, err
	}
	delete(o, "status")
	if m, ok := o["metadata"].(map[string]any); ok {
		for _, k := range []string{"managedFields", "generation", "resourceVersion", "uid", "creationTimestamp", "selfLink"} {
			delete(m, k)
		}
		if notes, ok := m["annotations"].(map[string]any); ok {
			delete(notes, lastApplied)
			maps.DeleteFunc(notes, func(k string, _ any) bool { return strings.HasPrefix(k, "svcdown.dev/") })
		}
	}
	return o, nil
}

// differ collects the lines of a diff.
type differ struct {
	now   string
	lines []redact.Text
}

func (d *differ) compare(path string, a, b any, hidden bool) {
	if reflect.DeepEqual(a, b) {
		return
	}
	ma, mapA := a.(map[string]any)
	mb, mapB := b.(map[string]any)
	if (mapA || a == nil) && (mapB || b == nil) {
		for _, k := range union(ma, mb) {
			d.compare(join(path, k), ma[k], mb[k], hidden && k == "value")
		}
		return
	}
	la, listA := a.([]any)
	lb, listB := b.([]any)
	if (listA || a == nil) && (listB || b == nil) && !(scalars(la) && scalars(lb)) {
		key := path[strings.LastIndex(path, ".")+1:]
		secret := key == "env" || key == "httpHeaders"
		na, nb := named(la), named(lb)
		for _, k := range union(na, nb) {
			d.compare(path+"["+k+"]", na[k], nb[k], secret)
		}
		return
	}
	d.line("-", path, a, hidden)
	d.line("+", path, b, hidden)
}

func (d *differ) line(sign, path string, v any, hidden bool) {
	switch {
	case v == nil:
		return
	case hidden:
		d.lines = append(d.lines, redact.F("%s %s: (value not shown)", sign, path))
		return
	case v == d.now:
		d.lines = append(d.lines, redact.F("%s %s: (the time of execution)", sign, path))
		return
	}
	text, ok := v.(string)
	if !ok {
		raw, err := json.Marshal(v)
		if err != nil {
			raw = []byte(fmt.Sprintf("(a %T)", v))
		}
		text = string(raw)
	}
	d.lines = append(d.lines, redact.F("%s %s: %s", sign, path, oneLine(text)).Short(300))
}

// named gives list elements a key that survives reordering: their name, else their place.
func named(list []any) map[string]any {
	out := make(map[string]any, len(list))
	for i, e := range list {
		key := fmt.Sprint(i)
		if m, ok := e.(map[string]any); ok {
			if name, ok := m["name"].(string); ok && out[name] == nil {
				key = name
			}
		}
		out[key] = e
	}
	return out
}

func scalars(list []any) bool {
	for _, e := range list {
		switch e.(type) {
		case map[string]any, []any:
			return false
		}
	}
	return true
}

func union(a, b map[string]any) []string {
	all := maps.Clone(a)
	if all == nil {
		all = map[string]any{}
	}
	maps.Copy(all, b)
	return slices.Sorted(maps.Keys(all))
}

func join(path, key string) string {
	if strings.ContainsAny(key, "./") {
		key = "[" + key + "]"
		return path + key
	}
	if path == "" {
		return key
	}
	return path + "." + key
}
