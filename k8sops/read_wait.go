package k8sops

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// Wait is kubectl wait as one look: whether what would be waited for is so now.
type Wait struct {
	Kinds, Names  []string
	Namespace     string
	AllNamespaces bool
	Labels        string
	Fields        string
	// For is condition=NAME[=VALUE], delete, create or jsonpath={…}[=VALUE].
	For string
}

func (q Wait) read(ctx context.Context, in inquiry) (finding.Report, error) {
	kinds, err := in.mappings(ctx, q.Kinds)
	if err != nil {
		return finding.Report{}, err
	}
	var namespaces []string
	for _, m := range kinds {
		if m.namespaced && namespaces == nil {
			if namespaces, err = in.namespaces(q.Namespace, q.AllNamespaces); err != nil {
				return finding.Report{}, err
			}
		}
	}
	var met, open []string
	for _, m := range kinds {
		o, err := in.list(ctx, m, namespaces, q.Names, q.Labels, q.Fields)
		if err != nil {
			return finding.Report{}, err
		}
		for _, name := range o.missing {
			if q.For == "delete" {
				met = append(met, m.display()+"/"+name)
			} else {
				open = append(open, m.display()+"/"+name)
			}
		}
		for _, r := range o.rows {
			ok, err := q.holds(r)
			if err != nil {
				return finding.Report{}, err
			}
			if ok {
				met = append(met, m.display()+"/"+r.name)
			} else {
				open = append(open, m.display()+"/"+r.name)
			}
		}
	}
	f := finding.Finding{Check: "wait", Status: finding.OK, Line: redact.F("%s: met by all %d", q.For, len(met))}
	switch {
	case len(met)+len(open) == 0 && q.For == "delete":
		f.Line = redact.Const("nothing is left of what should be deleted")
	case len(met)+len(open) == 0:
		f.Status, f.Line = finding.Fail, redact.Const("there is nothing to wait for: no object matches")
	case len(open) > 0:
		f.Status = finding.Warn
		f.Line = redact.F("%s: not met by %d of %d: %s", q.For, len(open), len(met)+len(open), strings.Join(open[:min(len(open), 5)], ", "))
	}
	var b strings.Builder
	for _, name := range met {
		fmt.Fprintf(&b, "%s condition met\n", name)
	}
	for _, name := range open {
		fmt.Fprintf(&b, "%s not now (svcdown looks once and does not wait)\n", name)
	}
	out := finding.Report{Finding: f}
	out.Raw, out.Truncated = printed(b.String(), false)
	return out, nil
}

// holds says whether the object is as it is waited for.
func (q Wait) holds(r row) (bool, error) {
	what, rest, _ := strings.Cut(q.For, "=")
	switch what {
	case "delete":
		return false, nil
	case "create":
		return true, nil
	case "condition":
		name, value, given := strings.Cut(rest, "=")
		if !given {
			value = "true"
		}
		var o struct {
			Metadata struct {
				Generation int64 `json:"generation"`
			} `json:"metadata"`
			Status struct {
				ObservedGeneration *int64             `json:"observedGeneration"`
				Conditions         []metav1.Condition `json:"conditions"`
			} `json:"status"`
		}
		if json.Unmarshal(r.raw, &o) != nil || o.Status.ObservedGeneration != nil && *o.Status.ObservedGeneration < o.Metadata.Generation {
			return false, nil
		}
		for _, c := range o.Status.Conditions {
			if strings.EqualFold(c.Type, name) {
				return strings.EqualFold(string(c.Status), value), nil
			}
		}
		return false, nil
	case "jsonpath":
		path, value := rest, ""
		if i := strings.LastIndex(rest, "}="); i >= 0 {
			path, value = rest[:i+1], rest[i+2:]
		} else if !strings.HasPrefix(rest, "{") {
			path, value, _ = strings.Cut(rest, "=")
		}
		p, err := fieldPath(path)
		if err != nil {
			return false, err
		}
		found, err := valuesAt(p, r.object)
		if err != nil || len(found) == 0 {
			return false, err
		}
		return value == "" || len(found) == 1 && fmt.Sprint(found[0]) == value, nil
	}
	return false, &Error{Kind: Unsupported, Op: "wait", Message: redact.F("--for=%s is not supported.", q.For)}
}
