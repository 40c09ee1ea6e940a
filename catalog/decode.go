package catalog

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"time"
	"unicode"

	"github.com/goccy/go-yaml/ast"
)

// maxString bounds one value; the longest useful one is a URL.
const maxString = 2048

// document is a file on its way to a Catalog: where each value stands, and what is wrong so far.
type document struct {
	file     string
	lines    map[string]int // path ("services[0].workload.name") → line
	problems ConfigErrors
	// unread are the paths whose value is there but could not be taken: they are not called missing on top of that.
	unread map[string]bool
}

// refuse records a problem at path, or at the nearest thing above it that is in the file.
func (d *document) refuse(path, what, fix string) {
	d.problems = append(d.problems, Problem{File: d.file, Line: d.line(path), What: what, Fix: fix})
}

// misread refuses a value for its form alone.
func (d *document) misread(path, what, fix string) {
	d.unread[path] = true
	d.refuse(path, what, fix)
}

// reported tells whether the value at path, or what it stands in, was refused for its form.
func (d *document) reported(path string) bool {
	for ; path != ""; path = above(path) {
		if d.unread[path] {
			return true
		}
	}
	return d.unread[""]
}

func (d *document) line(path string) int {
	for ; path != ""; path = above(path) {
		if n, ok := d.lines[path]; ok {
			return n
		}
	}
	return d.lines[""]
}

func above(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

func lineOf(n ast.Node) int {
	if m, ok := n.(*ast.MappingNode); ok && len(m.Values) > 0 {
		return lineOf(m.Values[0].Key)
	}
	if m, ok := n.(*ast.MappingValueNode); ok {
		return lineOf(m.Key)
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return max(1, t.Position.Line)
	}
	return 1
}

var (
	durationType  = reflect.TypeFor[time.Duration]()
	approvalsType = reflect.TypeFor[Approvals]()
)

// decode writes the value of n to dst by the yaml tags of its type. What does not fit is reported and left zero.
func (d *document) decode(path string, n ast.Node, dst reflect.Value) {
	if n == nil || n.Type() == ast.NullType {
		return // as if it were not written; check asks for what is required
	}
	if _, known := d.lines[path]; !known {
		d.lines[path] = lineOf(n)
	}
	switch n.Type() {
	case ast.AnchorType, ast.AliasType, ast.TagType, ast.MergeKeyType:
		d.misread(path, describe(path)+" uses an anchor, an alias, a merge or a tag, which are not supported", "write the value out")
		return
	}
	switch {
	case dst.Type() == durationType:
		d.decodeDuration(path, n, dst)
	case dst.Type() == approvalsType:
		d.decodeApprovals(path, n, dst)
	case dst.Kind() == reflect.Pointer:
		dst.Set(reflect.New(dst.Type().Elem()))
		d.decode(path, n, dst.Elem())
	case dst.Kind() == reflect.Struct:
		d.decodeStruct(path, n, dst)
	case dst.Kind() == reflect.Slice:
		d.decodeList(path, n, dst)
	default:
		d.decodeScalar(path, n, dst)
	}
}

func (d *document) decodeStruct(path string, n ast.Node, dst reflect.Value) {
	var pairs []*ast.MappingValueNode
	switch m := n.(type) {
	case *ast.MappingNode:
		pairs = m.Values
	case *ast.MappingValueNode:
		pairs = []*ast.MappingValueNode{m}
	default:
		d.misread(path, describe(path)+" must be a set of keys, not "+kindOf(n), "write "+example(dst.Type()))
		return
	}
	fields := map[string]int{}
	var names []string
	for i := range dst.NumField() {
		name := dst.Type().Field(i).Tag.Get("yaml")
		fields[name] = i
		names = append(names, name)
	}
	seen := map[string]int{}
	for _, pair := range pairs {
		key, ok := pair.Key.(*ast.StringNode)
		at := lineOf(pair.Key)
		if !ok {
			d.problems = append(d.problems, Problem{d.file, at, "this key is not a plain word", "write one of " + strings.Join(names, ", ")})
			continue
		}
		field, known := fields[key.Value]
		if first, twice := seen[key.Value]; twice {
			d.problems = append(d.problems, Problem{d.file, at, fmt.Sprintf("key %q is written twice, first on line %d", clip(key.Value), first), "keep one of them"})
			continue
		}
		seen[key.Value] = at
		if !known {
			d.problems = append(d.problems, Problem{d.file, at, fmt.Sprintf("unknown key %q in %s", clip(key.Value), describe(path)), oneOf(key.Value, names)})
			for _, meant := range Suggest(key.Value, names) {
				d.unread[strings.TrimPrefix(path+"."+meant, ".")] = true
			}
			continue
		}
		below := strings.TrimPrefix(path+"."+key.Value, ".")
		d.lines[below] = at
		d.decode(below, pair.Value, dst.Field(field))
	}
}

func (d *document) decodeList(path string, n ast.Node, dst reflect.Value) {
	list, ok := n.(*ast.SequenceNode)
	if !ok {
		d.misread(path, describe(path)+" must be a list, not "+kindOf(n), "write each entry on its own line after \"- \"")
		return
	}
	dst.Set(reflect.MakeSlice(dst.Type(), len(list.Values), len(list.Values)))
	for i, v := range list.Values {
		below := fmt.Sprintf("%s[%d]", path, i)
		if v == nil || v.Type() == ast.NullType {
			d.misread(below, describe(path)+" has an empty entry", "fill it in or delete the line")
			continue
		}
		d.lines[below] = lineOf(v)
		d.decode(below, v, dst.Index(i))
	}
}

func (d *document) decodeScalar(path string, n ast.Node, dst reflect.Value) {
	switch dst.Kind() {
	case reflect.String:
		s, ok := text(n)
		switch {
		case !ok && isScalar(n):
			d.misread(path, describe(path)+" must be text, not "+kindOf(n), fmt.Sprintf("put it in quotes: %q", clip(n.GetToken().Value)))
		case !ok:
			d.misread(path, describe(path)+" must be text, not "+kindOf(n), "write one value")
		case len(s) > maxString:
			d.misread(path, fmt.Sprintf("%s has %d bytes, more than %d", describe(path), len(s), maxString), "shorten it")
		case strings.ContainsFunc(s, unicode.IsControl):
			d.misread(path, describe(path)+" holds line ends or control characters", "write it on one line")
		default:
			dst.SetString(s)
		}
	case reflect.Bool:
		b, ok := n.(*ast.BoolNode)
		if !ok {
			d.misread(path, describe(path)+" must be true or false, not "+kindOf(n), "write true or false without quotes")
			return
		}
		dst.SetBool(b.Value)
	case reflect.Int:
		i, ok := n.(*ast.IntegerNode)
		if !ok {
			d.misread(path, describe(path)+" must be a whole number, not "+kindOf(n), "write a number such as 2, without quotes")
			return
		}
		switch v := i.Value.(type) {
		case int64:
			dst.SetInt(v)
		case uint64:
			dst.SetInt(int64(min(v, math.MaxInt64)))
		}
	}
}

func (d *document) decodeDuration(path string, n ast.Node, dst reflect.Value) {
	s, ok := text(n)
	v, err := time.ParseDuration(s)
	if !ok || err != nil {
		d.misread(path, fmt.Sprintf("%s is not a duration: %q", describe(path), clip(n.GetToken().Value)), "write a number with its unit, such as 90s, 15m or 1h30m")
		return
	}
	if v <= 0 {
		d.misread(path, fmt.Sprintf("%s must be longer than nothing, not %s", describe(path), v), "write a duration such as 15m")
		return
	}
	dst.SetInt(int64(v))
}

func (d *document) decodeApprovals(path string, n ast.Node, dst reflect.Value) {
	if s, ok := text(n); ok && s == "none" {
		dst.Set(reflect.ValueOf(Approvals{None: true}))
		return
	}
	list, ok := n.(*ast.SequenceNode)
	if !ok || len(list.Values) == 0 {
		d.misread(path, describe(path)+" must be a list of who has to agree, or the word none", approvalsFix)
		return
	}
	var all []Requirement
	d.decode(path, n, reflect.ValueOf(&all).Elem())
	dst.Set(reflect.ValueOf(Approvals{All: all}))
}

const approvalsFix = `write "approvals: none", or a list such as "- {count: 1, roles: [senior]}"`

func text(n ast.Node) (string, bool) {
	switch v := n.(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		return v.Value.Value, true
	}
	return "", false
}

func isScalar(n ast.Node) bool {
	_, ok := n.(ast.ScalarNode)
	return ok && n.GetToken() != nil
}

func kindOf(n ast.Node) string {
	switch n.Type() {
	case ast.MappingType, ast.MappingValueType:
		return "a set of keys"
	case ast.SequenceType:
		return "a list"
	case ast.IntegerType, ast.FloatType, ast.InfinityType, ast.NanType:
		return "a number"
	case ast.BoolType:
		return "true/false"
	default:
		return "text"
	}
}

// describe names a path as a person would look for it.
func describe(path string) string {
	if path == "" {
		return "the file"
	}
	return path
}

func example(t reflect.Type) string {
	var keys []string
	for i := range min(3, t.NumField()) {
		keys = append(keys, t.Field(i).Tag.Get("yaml")+": …")
	}
	return strings.Join(keys, ", ")
}

// clip bounds foreign text in a message.
func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:59]) + "…"
	}
	return s
}
