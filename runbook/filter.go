package runbook

import (
	"context"
	"fmt"
	"strings"
)

// Filter is one program behind a pipe: tail, head, grep, wc, sort, cut, awk or jq with the options that are supported, done in this process.
// The output is the same as of GNU's tools in the C locale (of jq, its own). It is immutable and safe for concurrent use.
type Filter struct {
	Name string
	Args []Word
}

// transform is a filter that is ready to run.
type transform func(ctx context.Context, in string) (string, error)

// filters are the programs by name; each reads its arguments.
func filters() map[string]func(*reader) (transform, error) {
	return map[string]func(*reader) (transform, error){
		"head": head, "tail": tail, "wc": wc, "cut": cut, "sort": sortLines, "grep": grep, "egrep": grep, "fgrep": grep, "awk": awk, "jq": jq,
	}
}

// newFilter checks the words behind a pipe. Placeholders may only stand in what grep looks for.
func newFilter(words []Word) (Filter, error) {
	if len(words) == 0 {
		return Filter{}, refuse("there is no command behind a pipe")
	}
	name, ok := words[0].Literal()
	if _, known := filters()[name]; !ok || !known {
		return Filter{}, refuse("the output may only be piped into tail, head, grep, wc, sort, cut, awk '{print $N}' or jq, not into %q", clip(words[0].String()))
	}
	f := Filter{Name: name, Args: words[1:]}
	stand := f.standIn()
	if stand.hasHoles() && name != "grep" {
		return Filter{}, refuse("a placeholder is not possible in %s", name)
	}
	if _, err := stand.ready(); err != nil {
		return Filter{}, err
	}
	return f, nil
}

func (f Filter) hasHoles() bool {
	for _, w := range f.Args {
		if _, ok := w.Literal(); !ok {
			return true
		}
	}
	return false
}

// standIn is the filter with a harmless name in place of every hole of a whole-pattern grep; only its form is looked at.
func (f Filter) standIn() Filter {
	if f.Name != "grep" {
		return f
	}
	out := Filter{Name: f.Name}
	for _, w := range f.Args {
		var filled Word
		for _, p := range w {
			if p.Hole != "" {
				p = Part{Text: "x"}
			}
			filled = append(filled, p)
		}
		out.Args = append(out.Args, filled)
	}
	return out
}

// Run filters text. It errors when the filter still has placeholders, when jq meets text that is no JSON, or when ctx ends.
func (f Filter) Run(ctx context.Context, in string) (string, error) {
	if f.hasHoles() {
		return "", fmt.Errorf("run %s: it still has placeholders", f.Name)
	}
	run, err := f.ready()
	if err != nil {
		return "", fmt.Errorf("run %s: %w", f.Name, err)
	}
	out, err := run(ctx, in)
	if err != nil {
		return "", fmt.Errorf("run %s: %w", f.Name, err)
	}
	return out, nil
}

func (f Filter) ready() (transform, error) {
	read, known := filters()[f.Name]
	if !known {
		return nil, refuse("there is no filter %s", clip(f.Name))
	}
	return read(&reader{program: f.Name, rest: f.Args})
}

// String is the filter as written.
func (f Filter) String() string {
	parts := []string{f.Name}
	for _, w := range f.Args {
		parts = append(parts, w.String())
	}
	return strings.Join(parts, " ")
}

// parse reads the filter's arguments with its table; filters read no files, so that most names how many other words are possible.
func (r *reader) parse(known options, most int) error {
	words := r.rest
	r.known, r.rest = known, nil
	if err := r.read(words); err != nil {
		return err
	}
	r.rest = append(r.rest, r.behind...)
	if len(r.rest) > most {
		return refuse("%s behind a pipe reads no file (%q)", r.program, clip(r.rest[most].String()))
	}
	return nil
}

// lines splits text into lines without their ends; a last line without one counts.
func lines(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(s, "\n"), "\n")
}

// joined is the reverse of lines: every line gets its end.
func joined(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return strings.Join(all, "\n") + "\n"
}
