package runbook

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/catalog"
)

// Line is what lint says about one command.
type Line struct {
	File    string `json:"file"`
	Line    int    `json:"line"`
	Section string `json:"section"`
	Title   string `json:"title"`
	Source  string `json:"source"`
	Class   Class  `json:"class"`
	// Op is the operation ("get pods"), "" for manual and refused commands.
	Op     string `json:"op"`
	Reason string `json:"reason"`

	warnings []string
}

// Report is what lint says about files. It needs neither cluster nor configuration.
type Report struct {
	Lines []Line
	// Unreadable are files that are no runbook, with the reason.
	Unreadable []string
	// Remarks are warnings about the documents, as FILE:LINE: text.
	Remarks []string
}

// Failed reports whether a person has to do something: a refused command or a file that cannot be read.
func (r *Report) Failed() bool {
	return len(r.Unreadable) > 0 || slices.ContainsFunc(r.Lines, func(l Line) bool { return l.Class == Refused })
}

// LintPaths checks files, and the .md files in and below directories. known is the catalogue that names are held against, nil for none.
func LintPaths(paths []string, known *catalog.Catalog) *Report {
	r := &Report{}
	for _, p := range paths {
		info, err := os.Stat(p)
		switch {
		case err != nil:
			r.Unreadable = append(r.Unreadable, plainError(err))
		case info.IsDir():
			r.directory(p, known)
		default:
			r.file(p, known)
		}
	}
	return r
}

func (r *Report) directory(dir string, known *catalog.Catalog) {
	found := false
	err := filepath.WalkDir(dir, func(p string, entry fs.DirEntry, err error) error {
		if err != nil {
			r.Unreadable = append(r.Unreadable, plainError(err))
			return nil
		}
		if !entry.IsDir() && strings.EqualFold(filepath.Ext(p), ".md") {
			found = true
			r.file(p, known)
		}
		return nil
	})
	if err == nil && !found {
		r.Unreadable = append(r.Unreadable, dir+": there is no .md file in it")
	}
}

func plainError(err error) string {
	if at, ok := err.(*fs.PathError); ok {
		return fmt.Sprintf("%s: %v", at.Path, at.Err)
	}
	return err.Error()
}

func (r *Report) file(name string, known *catalog.Catalog) {
	info, err := os.Stat(name)
	if err == nil && info.Size() > maxDocument {
		r.Unreadable = append(r.Unreadable, fmt.Sprintf("%s: it has %d bytes, more than %d", name, info.Size(), maxDocument))
		return
	}
	data, err := os.ReadFile(name)
	if err != nil {
		r.Unreadable = append(r.Unreadable, plainError(err))
		return
	}
	book, err := Parse(name, data)
	if err != nil {
		r.Unreadable = append(r.Unreadable, err.Error())
		return
	}
	r.Add(book, known)
}

// Add puts one runbook's commands and warnings into the report.
func (r *Report) Add(book *Runbook, known *catalog.Catalog) {
	for _, w := range book.Warnings {
		r.Remarks = append(r.Remarks, fmt.Sprintf("%s:%d: %s", book.File, w.Line, w.Text))
	}
	for _, s := range book.Steps() {
		l := Line{File: s.File, Line: s.Line, Section: s.Section, Title: s.Title, Source: s.Source, Class: s.Class, Reason: s.Reason, warnings: slices.Clone(s.Warnings)}
		if s.Operation != nil {
			l.Op = s.Operation.String()
		}
		if list := unbound(s); list != "" {
			l.warnings = append(l.warnings, "asked for or filled in when it runs: "+list)
		}
		if f := s.Attributes.For; f != "" && known != nil && !names(known, f) {
			l.warnings = append(l.warnings, fmt.Sprintf("no service is called or of kind %q", f))
		}
		r.Lines = append(r.Lines, l)
	}
	if known == nil {
		return
	}
	for _, p := range book.Phases {
		for _, s := range p.Sections {
			if s.AppliesTo != "" && !names(known, s.AppliesTo) {
				r.Remarks = append(r.Remarks, fmt.Sprintf("%s:%d: no service is of kind %q, so that this section is never offered", book.File, s.Line, s.AppliesTo))
			}
		}
	}
}

func names(known *catalog.Catalog, name string) bool {
	if _, ok := known.Service(name); ok {
		return true
	}
	return slices.ContainsFunc(known.Services, func(s catalog.Service) bool { return strings.EqualFold(s.Kind, name) })
}

// unbound lists the placeholders that the catalogue does not know for every service.
func unbound(s Step) string {
	all := ServiceValues(catalog.Service{Name: "x", Namespace: "x", Cluster: "x", KubernetesService: "x", Workload: catalog.Workload{Kind: "Deployment", Name: "x"}})
	var out []string
	for _, h := range s.Holes() {
		if _, known := all[h.Name]; !known {
			out = append(out, fmt.Sprintf("%s (%s)", h.Written, h.Type))
		}
	}
	return strings.Join(out, ", ")
}

// WriteJSON writes an array with one object for each command; files that cannot be read are in [Report.Unreadable] alone.
func (r *Report) WriteJSON(w io.Writer) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(append([]Line{}, r.Lines...))
}

// WriteText writes the report for people: the commands with what they are, then what has to be done.
func (r *Report) WriteText(w io.Writer) error {
	var b strings.Builder
	count := map[Class]int{}
	for _, l := range r.Lines {
		count[l.Class]++
		fmt.Fprintf(&b, "%s:%d: %-7s  %-28s  %s\n", l.File, l.Line, l.Class, l.Op, clipLine(l.Source))
		if l.Reason != "" {
			fmt.Fprintf(&b, "    %s\n", l.Reason)
		}
		for _, warning := range l.warnings {
			fmt.Fprintf(&b, "    warning: %s\n", warning)
		}
	}
	for _, remark := range r.Remarks {
		fmt.Fprintf(&b, "%s\n", remark)
	}
	typed := count[Check] + count[Action] + count[Message]
	fmt.Fprintf(&b, "%d of %d commands typed: %d checks, %d actions, %d messages; %d manual, %d refused\n", typed, len(r.Lines), count[Check], count[Action], count[Message], count[Manual], count[Refused])
	_, err := io.WriteString(w, b.String())
	return err
}

func clipLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 160 {
		return string(r[:159]) + "…"
	}
	return s
}
