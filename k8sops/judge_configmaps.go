package k8sops

import (
	"context"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// judgeConfigMaps says which keys there are and which that the workload refers to are not. No value is shown.
func (in inquiry) judgeConfigMaps(ctx context.Context, g Get, o objects) (finding.Finding, error) {
	keys := map[string]map[string]string{} // by name: key → set, empty
	for _, r := range o.rows {
		keys[r.name] = map[string]string{}
		for _, part := range []string{"data", "binaryData"} {
			values, _ := r.object[part].(map[string]any)
			for k, v := range values {
				keys[r.name][k] = "set"
				if v == "" {
					keys[r.name][k] = "empty"
				}
			}
		}
	}
	w, err := in.c.workload(ctx, in.at.Service)
	if err != nil {
		return finding.Finding{}, err
	}
	var refs []reference
	for _, r := range referencesOf(w.template.Spec) {
		_, there := keys[r.name]
		whole := len(g.Names) == 0 && g.Labels == "" && g.Fields == "" && !o.truncated
		if r.kind == "ConfigMap" && (there || slices.Contains(o.missing, r.name) || whole) {
			refs = append(refs, r)
		}
	}
	return judgeReferences(w, o, keys, refs), nil
}

func judgeReferences(w workload, o objects, keys map[string]map[string]string, refs []reference) finding.Finding {
	f := finding.Finding{Status: finding.OK}
	var missing []redact.Text
	for _, r := range refs {
		what := redact.F("configmap %s", r.name)
		if all, there := keys[r.name]; there {
			if r.key == "" || all[r.key] != "" {
				continue
			}
			what = redact.F("key %s of configmap %s", r.key, r.name)
		}
		if r.optional {
			continue
		}
		missing = append(missing, redact.F("%s (%s)", what, r.use))
		f.Signals = append(f.Signals, finding.Signal{Kind: finding.ConfigMissing, Object: "ConfigMap/" + r.name, Detail: redact.F("%s, %s", what, r.use)})
	}
	f.Evidence = keyTables(keys, refs)
	if len(missing) > 0 {
		f.Status = finding.Fail
		f.Line = redact.F("%s refers to what does not exist: %s", w.ref(), redact.Join(", ", missing[:min(len(missing), 5)]...))
		f.Fix = redact.Const("Put the key or the ConfigMap back, or roll back the change that refers to it; pods that start now fail.")
		return f
	}
	names := sortedKeys(keys)
	var parts []redact.Text
	for _, name := range names[:min(len(names), 4)] {
		empty := 0
		for _, state := range keys[name] {
			if state == "empty" {
				empty++
			}
		}
		part := redact.F("configmap %s has %d keys", name, len(keys[name]))
		if empty > 0 {
			part = redact.F("%s, %d empty", part, empty)
		}
		parts = append(parts, part)
	}
	if len(names) > 4 {
		parts = append(parts, redact.F("%d more", len(names)-4))
	}
	if len(names) == 0 {
		parts = []redact.Text{redact.Const("no ConfigMap")}
	}
	tail := redact.F("%s refers to none of them", w.ref())
	if len(refs) > 0 {
		tail = redact.F("everything that %s refers to is there", w.ref())
	}
	f.Line = redact.Join("; ", redact.Join(", ", parts...), tail)
	return f
}

// mostKeys is how many keys of one ConfigMap a table shows.
const mostKeys = 20

func keyTables(keys map[string]map[string]string, refs []reference) []finding.Evidence {
	var out []finding.Evidence
	for _, name := range sortedKeys(keys)[:min(len(keys), 3)] {
		used := map[string][]string{}
		for _, r := range refs {
			if r.name == name {
				used[r.key] = append(used[r.key], r.use)
				if _, there := keys[name][r.key]; r.key != "" && !there {
					keys[name][r.key] = "missing"
				}
			}
		}
		t := &finding.Table{Columns: texts("Key", "State", "Used as")}
		for _, k := range sortedKeys(keys[name])[:min(len(keys[name]), mostKeys)] {
			t.Rows = append(t.Rows, texts(k, keys[name][k], strings.Join(slices.Concat(used[k], used[""]), ", ")))
		}
		title := redact.F("Keys of configmap %s; values are never shown", name)
		if len(keys[name]) > mostKeys {
			title = redact.F("%s (the first %d of %d)", title, mostKeys, len(keys[name]))
		}
		if len(t.Rows) > 0 {
			out = append(out, finding.Evidence{Title: title, Table: t})
		}
	}
	return out
}
