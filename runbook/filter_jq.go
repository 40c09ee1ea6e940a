package runbook

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"strings"

	"github.com/itchyny/gojq"
)

// maxResults bounds what one jq program may put out.
const maxResults = 10_000

// jqFunctions are what a jq program may call: all of them look only at the text that they are given, and end.
var jqFunctions = set(`select map map_values keys keys_unsorted length not empty first last add any all min max min_by max_by sort sort_by group_by
	unique unique_by to_entries from_entries with_entries has contains inside test startswith endswith tostring tonumber join split type
	ascii_downcase ascii_upcase ltrimstr rtrimstr values nulls strings numbers booleans arrays objects iterables scalars flatten index rindex
	indices reverse floor round ceil abs fromjson tojson todate fromdate true false null error paths leaf_paths`)

func jq(r *reader) (transform, error) {
	known := table("it reads files or sets variables", "f,from-file,L,arg,args,argjson,jsonargs,slurpfile,rawfile,n,null-input,s,slurp,R,raw-input,stream,seq,i=! "+
		"r,raw-output=r c,compact-output=c M,monochrome-output= e,exit-status= S,sort-keys=")
	if err := r.parse(known, 1); err != nil {
		return nil, err
	}
	program := "."
	if len(r.rest) == 1 {
		p, ok := r.rest[0].Literal()
		if !ok {
			return nil, refuse("a placeholder is not possible in jq")
		}
		program = p
	}
	if len(program) > 2000 {
		return nil, refuse("jq: the program is too long")
	}
	query, err := gojq.Parse(program)
	if err != nil {
		return nil, refuse("jq: the program is not understood")
	}
	if why := jqRefuses(reflect.ValueOf(query)); why != "" {
		return nil, refuse("jq: %s is not supported", clip(why))
	}
	code, err := gojq.Compile(query, measured(query)) // without an environment or input loader there is nothing to read either
	if err != nil {
		return nil, refuse("jq: the program is not understood")
	}
	return func(ctx context.Context, in string) (string, error) {
		return runJQ(ctx, code, in, r.has("r"), r.has("c"))
	}, nil
}

// jqRefuses walks a parsed program and names what it must not hold: functions that are not listed, definitions, modules, assignments, and
// what can make a text of any size (* and reduce; of + and the like [measured] keeps the sum).
func jqRefuses(v reflect.Value) string {
	switch node := v.Interface().(type) {
	case *gojq.Func:
		if node != nil && (node.Name == "join" || node.Name == "split") && !plainArguments(node) {
			return node.Name + " with anything but a short text"
		}
		if node != nil && !jqFunctions[node.Name] && (!strings.HasPrefix(node.Name, "$") || node.Name == "$ENV" || strings.HasPrefix(node.Name, "$__")) {
			return node.Name
		}
	case *gojq.FuncDef, *gojq.Import:
		if !v.IsNil() {
			return "a definition or module"
		}
	case gojq.Operator:
		switch node {
		case 0, gojq.OpPipe, gojq.OpComma, gojq.OpAdd, gojq.OpSub, gojq.OpDiv, gojq.OpMod, gojq.OpEq, gojq.OpNe, gojq.OpGt, gojq.OpLt, gojq.OpGe, gojq.OpLe, gojq.OpAnd, gojq.OpOr, gojq.OpAlt:
		default:
			return node.String()
		}
	case *gojq.Reduce, *gojq.Foreach, *gojq.Label:
		if !v.IsNil() {
			return "reduce, foreach or label"
		}
	case *gojq.Term:
		if node != nil && node.Format != "" && node.Format != "@csv" && node.Format != "@tsv" && node.Format != "@text" && node.Format != "@json" {
			return node.Format
		}
	}
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			return jqRefuses(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				continue
			}
			if why := jqRefuses(v.Field(i)); why != "" {
				return why
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			if why := jqRefuses(v.Index(i)); why != "" {
				return why
			}
		}
	}
	return ""
}

// plainArguments reports whether every argument is a short text as it is written: what stands between the parts can then make no more of them.
func plainArguments(f *gojq.Func) bool {
	for _, a := range f.Args {
		if a.Term == nil || a.Term.Str == nil || len(a.Term.Str.Queries) > 0 || a.Term.Str.Str == "" && f.Name == "split" || len(a.Term.Str.Str) > 100 || len(a.Term.SuffixList) > 0 {
			return false
		}
	}
	return true
}

func runJQ(ctx context.Context, code *gojq.Code, in string, raw, compact bool) (string, error) {
	dec := json.NewDecoder(strings.NewReader(in))
	dec.UseNumber()
	var b strings.Builder
	for results := 0; ; {
		var v any
		if err := dec.Decode(&v); errors.Is(err, io.EOF) {
			return b.String(), nil
		} else if err != nil {
			return "", errors.New("the text is not JSON")
		}
		iter := code.RunWithContext(ctx, v)
		for {
			out, more := iter.Next()
			if !more {
				break
			}
			if results++; results > maxResults {
				return "", errors.New("jq gives too many results")
			}
			if err, failed := out.(error); failed {
				return "", err
			}
			if left := mostMade; !fits(out, &left) || b.Len() > mostMade {
				return "", errTooMuch
			}
			if err := printJQ(&b, out, raw, compact); err != nil {
				return "", err
			}
		}
	}
}

func printJQ(b *strings.Builder, v any, raw, compact bool) error {
	if s, ok := v.(string); ok && raw {
		b.WriteString(s + "\n")
		return nil
	}
	text, err := gojq.Marshal(v)
	if err != nil {
		return err
	}
	if !compact {
		var indented strings.Builder
		enc := json.NewEncoder(&indented)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		if err := enc.Encode(json.RawMessage(text)); err != nil {
			return err
		}
		b.WriteString(indented.String())
		return nil
	}
	b.Write(text)
	b.WriteByte('\n')
	return nil
}
