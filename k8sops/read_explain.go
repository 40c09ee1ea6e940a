package k8sops

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// Explain is kubectl explain: what a kind or a field of it is, by the cluster's own description.
type Explain struct{ Path string } // pods.spec.containers

// openSchema is as much of an OpenAPI v3 schema as an explanation needs.
type openSchema struct {
	Description string                 `json:"description"`
	Type        string                 `json:"type"`
	Format      string                 `json:"format"`
	Ref         string                 `json:"$ref"`
	Properties  map[string]*openSchema `json:"properties"`
	Items       *openSchema            `json:"items"`
	Additional  json.RawMessage        `json:"additionalProperties"`
	AllOf       []*openSchema          `json:"allOf"`
	Required    []string               `json:"required"`
	Kinds       []struct {
		Group   string `json:"group"`
		Version string `json:"version"`
		Kind    string `json:"kind"`
	} `json:"x-kubernetes-group-version-kind"`
}

func (e Explain) read(ctx context.Context, in inquiry) (finding.Report, error) {
	first, rest, _ := strings.Cut(e.Path, ".")
	m, err := in.mapping(ctx, pluralOf(first))
	if err != nil {
		return finding.Report{}, err
	}
	root := "/openapi/v3/api/" + m.version
	if m.group != "" {
		root = "/openapi/v3/apis/" + m.group + "/" + m.version
	}
	body, err := in.c.fetch(ctx, "explain", e.Path, root, nil, "application/json")
	if err != nil {
		return finding.Report{}, err
	}
	var doc struct {
		Components struct {
			Schemas map[string]*openSchema `json:"schemas"`
		} `json:"components"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		return finding.Report{}, &Error{Kind: Internal, Op: "explain", Err: err, Message: redact.Const("The cluster's description of its kinds cannot be read.")}
	}
	d := dictionary(doc.Components.Schemas)
	s := d.kind(m)
	if s == nil {
		return finding.Report{}, &Error{Kind: NotFound, Op: "explain", Object: e.Path, Message: redact.F("The cluster does not describe %s.", m.kind)}
	}
	field := ""
	for rest != "" {
		field, rest, _ = strings.Cut(rest, ".")
		next := s.Properties[field]
		if next == nil {
			return finding.Report{}, &Error{Kind: NotFound, Op: "explain", Object: e.Path, Message: redact.F("There is no field %q.", field)}
		}
		described := next.Description
		s = d.resolve(next, 0)
		if described != "" {
			copied := *s
			copied.Description = described
			s = &copied
		}
	}
	out := finding.Report{Finding: finding.Finding{Check: "explain", Status: finding.OK, Line: redact.F("%s: %s", e.Path, firstSentence(s.Description))}}
	out.Raw, out.Truncated = printed(d.text(m, field, s), false)
	return out, nil
}

// dictionary holds the schemas of one group and version by their names.
type dictionary map[string]*openSchema

func (d dictionary) kind(m mapping) *openSchema {
	for _, name := range sortedKeys(d) {
		for _, k := range d[name].Kinds {
			if k.Kind == m.kind && k.Group == m.group && k.Version == m.version {
				return d[name]
			}
		}
	}
	return nil
}

// resolve follows references, list items and single allOf entries to the schema with the fields.
func (d dictionary) resolve(s *openSchema, depth int) *openSchema {
	if s == nil || depth > 16 {
		return &openSchema{}
	}
	var inner *openSchema
	switch {
	case s.Ref != "":
		inner = d[s.Ref[strings.LastIndexByte(s.Ref, '/')+1:]]
	case len(s.AllOf) == 1:
		inner = s.AllOf[0]
	case s.Items != nil:
		inner = s.Items
	default:
		return s
	}
	if inner == nil {
		return s
	}
	return d.resolve(inner, depth+1)
}

func (d dictionary) typeOf(s *openSchema) string {
	switch {
	case s == nil:
		return "Object"
	case s.Ref != "":
		return s.Ref[strings.LastIndexByte(s.Ref, '.')+1:]
	case len(s.AllOf) == 1:
		return d.typeOf(s.AllOf[0])
	case s.Items != nil:
		return "[]" + d.typeOf(s.Items)
	case len(s.Additional) > 0:
		return "map"
	case s.Type == "":
		return "Object"
	}
	return s.Type
}

func (d dictionary) text(m mapping, field string, s *openSchema) string {
	var b strings.Builder
	if m.group != "" {
		fmt.Fprintf(&b, "GROUP:      %s\n", m.group)
	}
	fmt.Fprintf(&b, "KIND:       %s\nVERSION:    %s\n\n", m.kind, m.version)
	if field != "" {
		fmt.Fprintf(&b, "FIELD: %s <%s>\n\n", field, d.typeOf(s))
	}
	fmt.Fprintf(&b, "DESCRIPTION:\n    %s\n", strings.ReplaceAll(s.Description, "\n", "\n    "))
	if len(s.Properties) > 0 {
		b.WriteString("\nFIELDS:\n")
	}
	for _, name := range sortedKeys(s.Properties) {
		required := ""
		if slices.Contains(s.Required, name) {
			required = " -required-"
		}
		fmt.Fprintf(&b, "  %s\t<%s>%s\n    %s\n\n", name, d.typeOf(s.Properties[name]), required, oneLine(s.Properties[name].Description))
	}
	return b.String()
}

func firstSentence(s string) string {
	s = oneLine(s)
	if i := strings.Index(s, ". "); i >= 0 {
		return s[:i+1]
	}
	return s
}
