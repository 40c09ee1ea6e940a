package catalog

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"reflect"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
)

// maxFile and maxNesting bound what is parsed. Files of a thousand services stay below 1 MiB, and the deepest field sits eight levels down;
// the parser recurses, so that bottomless nesting would end the process.
const (
	maxFile    = 1 << 20
	maxNesting = 64
)

// Load reads and checks the file at path. A file that cannot be read is an ordinary error, a file that is wrong is [ConfigErrors].
func Load(path string) (*Catalog, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read configuration: %w", err)
	}
	return Parse(path, data)
}

// Parse reads a whole configuration; file is the name that problems are reported under. It is strict (an unknown or repeated key, an
// unknown name, a missing field are refused) and reports all problems at once as [ConfigErrors]. It never panics, whatever data holds.
func Parse(file string, data []byte) (*Catalog, error) {
	doc := &document{file: file, lines: map[string]int{"": 1}, unread: map[string]bool{}}
	body := doc.read(data)
	if len(doc.problems) > 0 {
		return nil, doc.problems
	}
	c := &Catalog{}
	doc.decode("", body, reflect.ValueOf(c).Elem())
	doc.check(c)
	if len(doc.problems) > 0 {
		return nil, doc.problems.sorted()
	}
	c.fillDefaults()
	return c, nil
}

// read turns data into a tree. The YAML library is held to its word: should it panic on some input, the file is refused like any other
// unreadable one.
func (d *document) read(data []byte) (body ast.Node) {
	defer func() {
		if r := recover(); r != nil {
			d.refuse("", "this is not readable as YAML", "start from svcdown.example.yaml")
		}
	}()
	if len(data) > maxFile {
		d.refuse("", fmt.Sprintf("the file has %d bytes, more than %d", len(data), maxFile), "split the services over several installations")
		return nil
	}
	if line := tooDeep(data); line > 0 {
		d.problems = append(d.problems, Problem{d.file, line, fmt.Sprintf("brackets or list dashes are nested deeper than %d", maxNesting), "write plain indented YAML"})
		return nil
	}
	tree, err := parser.ParseBytes(data, 0, parser.AllowDuplicateMapKey()) // repeated keys are reported by decode, with all the rest
	if err != nil {
		line, what := 1, err.Error()
		var syntax *yaml.SyntaxError
		if errors.As(err, &syntax) {
			what = syntax.Message
			if syntax.Token != nil && syntax.Token.Position != nil {
				line = syntax.Token.Position.Line
			}
		}
		d.problems = append(d.problems, Problem{d.file, line, "this is not YAML: " + what, "check indentation, quotes and colons"})
		return nil
	}
	for _, doc := range tree.Docs {
		if doc == nil || doc.Body == nil || doc.Body.Type() == ast.NullType || doc.Body.Type() == ast.CommentType {
			continue
		}
		if body != nil {
			d.problems = append(d.problems, Problem{d.file, lineOf(doc.Body), "a second document begins here", "keep everything in one document, without ---"})
			return nil
		}
		body = doc.Body
	}
	if body == nil {
		d.refuse("", "the file is empty", "start from svcdown.example.yaml")
	}
	return body
}

// tooDeep returns the line where nesting passes maxNesting, 0 when it never does. It counts brackets that were opened and the indicators
// and spaces that begin a line, quoted ones too: no real configuration comes near.
func tooDeep(data []byte) int {
	line, open, lead, leading := 1, 0, 0, true
	for _, b := range data {
		switch b {
		case '\n':
			line, lead, leading = line+1, 0, true
			continue
		case '[', '{':
			open++
		case ']', '}':
			open = max(0, open-1)
		case '-', '?', ':', '!', '&':
			if leading {
				lead++
			}
		case ' ', '\t', '\r':
		default:
			leading = false
		}
		if open > maxNesting || lead > maxNesting {
			return line
		}
	}
	return 0
}

func (c *Catalog) fillDefaults() {
	for i := range c.Policies {
		p := &c.Policies[i]
		if p.Expires == 0 {
			p.Expires = DefaultExpires
		}
		if p.RemindAfter == 0 {
			p.RemindAfter = min(DefaultRemindAfter, p.Expires/2)
		}
		if p.MaxReplicas == 0 {
			p.MaxReplicas = DefaultMaxReplicas
		}
	}
	in := &c.Incidents
	in.Severity = cmp.Or(in.Severity, DefaultSeverity)
	in.ArchiveAfter = cmp.Or(in.ArchiveAfter, DefaultArchiveAfter)
	in.Flapping = cmp.Or(in.Flapping, DefaultFlapping)
	for i := range c.Ladders {
		c.Ladders[i].Quiet = cmp.Or(c.Ladders[i].Quiet, DefaultQuiet)
	}
	c.Probes.Watch.fillDefaults()
}
