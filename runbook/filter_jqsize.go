package runbook

import (
	"errors"
	"reflect"

	"github.com/itchyny/gojq"
)

const (
	// mostMade bounds all that one run of jq makes, in bytes: a program of a few words can double a text thirty times.
	mostMade = 64 << 20
	// longestMade bounds one string among it, which one more step can take apart into an array of 32 times its size.
	longestMade = 8 << 20
	// perValue is what a value costs beside its text.
	perValue = 32
)

var errTooMuch = errors.New("jq makes too much of the text")

// measured puts a look at the size behind everything of a parsed program that makes new values, and returns the function that this look is.
func measured(query *gojq.Query) gojq.CompilerOption {
	measure(reflect.ValueOf(query))
	left := mostMade
	return gojq.WithFunction("measured_", 0, 0, func(v any, _ []any) any {
		if !fits(v, &left) {
			return errTooMuch
		}
		return v
	})
}

// fits takes the size of v, with all that it shares with others, off left.
func fits(v any, left *int) bool {
	*left -= perValue
	switch v := v.(type) {
	case string:
		if *left -= len(v); len(v) > longestMade {
			return false
		}
	case []any:
		for _, each := range v {
			if *left < 0 || !fits(each, left) {
				return false
			}
		}
	case map[string]any:
		for k, each := range v {
			if *left -= len(k); *left < 0 || !fits(each, left) {
				return false
			}
		}
	}
	return *left >= 0
}

// harmlessJQ make nothing that is larger than what they are given.
var harmlessJQ = set(`select length not empty first last any all has contains inside test startswith endswith type values nulls strings numbers booleans
	arrays objects iterables scalars index rindex floor round ceil abs true false null error min max`)

// measure walks a program from the inside out.
func measure(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return
		}
		measure(v.Elem())
		switch node := v.Interface().(type) {
		case *gojq.Query:
			if makes(node) {
				behind(node)
			}
		case *gojq.Array:
			if node.Query != nil {
				behind(node.Query)
			}
		case *gojq.Func:
			for _, arg := range node.Args {
				if !harmlessJQ[node.Name] && arg.Term != nil && arg.Term.Str == nil || arg.Term == nil {
					behind(arg)
				}
			}
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				measure(v.Field(i))
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			measure(v.Index(i))
		}
	}
}

// makes reports whether a query gives a value that its input did not hold.
func makes(q *gojq.Query) bool {
	if q.Term == nil {
		return q.Op == gojq.OpAdd || q.Op == gojq.OpDiv
	}
	t := q.Term
	return t.Array != nil || t.Object != nil || t.Format != "" || t.Str != nil && len(t.Str.Queries) > 0 || t.Func != nil && !harmlessJQ[t.Func.Name] && t.Func.Name[0] != '$'
}

// behind makes q into "q | measured_".
func behind(q *gojq.Query) {
	inner := *q
	*q = gojq.Query{Left: &inner, Op: gojq.OpPipe, Right: &gojq.Query{Term: &gojq.Term{Type: gojq.TermTypeFunc, Func: &gojq.Func{Name: "measured_"}}}}
}
