package k8sops

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	quantity "k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/client-go/util/jsonpath"
	"sigs.k8s.io/yaml"

	"github.com/svcdown/svcdown/redact"
)

// output prints objects in the way that -o asks for; they are concealed already.
func (g Get) output(all []objects) (string, error) {
	format, spec, _ := strings.Cut(g.Output, "=")
	switch format {
	case "", "wide":
		return g.tables(all), nil
	case "name":
		var b strings.Builder
		for _, o := range all {
			for _, r := range o.rows {
				fmt.Fprintf(&b, "%s/%s\n", o.display(), r.name)
			}
		}
		return b.String(), nil
	case "yaml":
		out, err := yaml.Marshal(g.whole(all))
		return string(out), err
	case "json":
		out, err := json.MarshalIndent(g.whole(all), "", "    ")
		return string(out) + "\n", err
	case "jsonpath", "jsonpath-as-json":
		return pick(spec, format == "jsonpath-as-json", g.whole(all))
	case "custom-columns":
		return customColumns(spec, g.NoHeaders, all)
	}
	return "", &Error{Kind: Unsupported, Op: "get", Message: redact.F("Output %q is not supported.", g.Output)}
}

func (g Get) tables(all []objects) string {
	var blocks []string
	kinds := len(g.Kinds)
	if slices.Contains(g.Kinds, "all") {
		kinds = len(everything)
	}
	for _, o := range all {
		s := tableStyle{wide: g.Output == "wide", noHeaders: g.NoHeaders, labels: g.ShowLabels,
			withNamespace: g.AllNamespaces && o.namespaced, withKind: g.ShowKind || kinds > 1}
		if block := printTable(o, s); block != "" {
			blocks = append(blocks, block)
		}
	}
	if g.NoHeaders {
		return strings.Join(blocks, "")
	}
	return strings.Join(blocks, "\n")
}

// whole is what -o yaml and -o json print: the one object that was named, or a list of what was found.
func (g Get) whole(all []objects) map[string]any {
	items := []any{}
	for _, o := range all {
		for _, r := range o.rows {
			if r.object != nil {
				items = append(items, r.object)
			}
		}
	}
	if len(g.Names) == 1 && len(items) == 1 {
		one, _ := items[0].(map[string]any)
		return one
	}
	return map[string]any{"apiVersion": "v1", "kind": "List", "items": items, "metadata": map[string]any{"resourceVersion": ""}}
}

// pick prints what a JSONPath template of kubectl's dialect finds.
func pick(template string, asJSON bool, in any) (string, error) {
	p := jsonpath.New("out").AllowMissingKeys(true)
	p.EnableJSONOutput(asJSON)
	if err := p.Parse(template); err != nil {
		return "", badPath(template, err)
	}
	var b bytes.Buffer
	if err := p.Execute(&b, in); err != nil {
		return "", badPath(template, err)
	}
	return b.String(), nil
}

func badPath(template string, err error) error {
	return &Error{Kind: Invalid, Op: "get", Err: err, Message: redact.F("The JSONPath %s cannot be followed: %s.", template, err)}
}

var relaxed = regexp.MustCompile(`^\{\.?([^{}]+)\}$|^\.?([^{}]+)$`)

// fieldPath reads one JSONPath as kubectl's --sort-by and custom-columns write it: with or without braces and the leading dot.
func fieldPath(written string) (*jsonpath.JSONPath, error) {
	m := relaxed.FindStringSubmatch(written)
	if m == nil {
		return nil, badPath(written, fmt.Errorf("write it as {.metadata.name}"))
	}
	p := jsonpath.New("path").AllowMissingKeys(true)
	if err := p.Parse("{." + m[1] + m[2] + "}"); err != nil {
		return nil, badPath(written, err)
	}
	return p, nil
}

func customColumns(spec string, noHeaders bool, all []objects) (string, error) {
	var header []string
	var paths []*jsonpath.JSONPath
	for part := range strings.SplitSeq(spec, ",") {
		name, written, ok := strings.Cut(part, ":")
		if !ok {
			return "", badPath(part, fmt.Errorf("a column is written HEADER:.path"))
		}
		p, err := fieldPath(written)
		if err != nil {
			return "", err
		}
		header, paths = append(header, name), append(paths, p)
	}
	var lines [][]string
	if !noHeaders {
		lines = append(lines, header)
	}
	for _, o := range all {
		for _, r := range o.rows {
			line := make([]string, len(paths))
			for i, p := range paths {
				found, err := valuesAt(p, r.object)
				if err != nil {
					return "", err
				}
				var texts []string
				for _, v := range found {
					if v == nil {
						v = "<nil>"
					}
					texts = append(texts, cellText(v))
				}
				line[i] = strings.Join(texts, ",")
				if len(texts) == 0 {
					line[i] = "<none>"
				}
			}
			lines = append(lines, line)
		}
	}
	return aligned(lines), nil
}

// valuesAt are the values that a path finds in an object.
func valuesAt(p *jsonpath.JSONPath, object map[string]any) ([]any, error) {
	if object == nil {
		return nil, nil
	}
	found, err := p.FindResults(object)
	if err != nil {
		return nil, badPath("of the command", err)
	}
	var out []any
	for _, set := range found {
		for _, v := range set {
			if !v.IsValid() || !v.CanInterface() {
				out = append(out, nil)
				continue
			}
			out = append(out, v.Interface())
		}
	}
	return out, nil
}

// sortBy orders the rows by a field as kubectl's --sort-by does; rows without it come first, and rows that are equal keep their order.
func (o *objects) sortBy(written string) error {
	p, err := fieldPath(written)
	if err != nil {
		return err
	}
	keys := map[int]any{}
	order := make([]int, len(o.rows))
	for i, r := range o.rows {
		order[i] = i
		found, err := valuesAt(p, r.object)
		if err != nil {
			return err
		}
		if len(found) > 0 {
			keys[i] = found[0]
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return compareValues(keys[a], keys[b]) })
	sorted := make([]row, len(o.rows))
	for i, at := range order {
		sorted[i] = o.rows[at]
	}
	o.rows = sorted
	return nil
}

// compareValues orders numbers and quantities by size and everything else as text; nothing comes first.
func compareValues(a, b any) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return -1
	case b == nil:
		return 1
	}
	x, xIsNumber := number(a)
	y, yIsNumber := number(b)
	if xIsNumber && yIsNumber {
		return cmp.Compare(x, y)
	}
	s, t := fmt.Sprint(a), fmt.Sprint(b)
	p, errP := quantity.ParseQuantity(s)
	q, errQ := quantity.ParseQuantity(t)
	if errP == nil && errQ == nil {
		return p.Cmp(q)
	}
	return strings.Compare(s, t)
}

func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	}
	return 0, false
}
