package catalog

import (
	"fmt"
	"sort"
	"strings"
)

// Problem is one thing that is wrong in the file.
type Problem struct {
	File string
	Line int // from 1
	// What says what is wrong, Fix what to write instead.
	What string
	Fix  string
}

// String is FILE:LINE: what is wrong; what to write instead.
func (p Problem) String() string {
	s := fmt.Sprintf("%s:%d: %s", p.File, p.Line, p.What)
	if p.Fix != "" {
		s += "; " + p.Fix
	}
	return s
}

// ConfigErrors is everything that is wrong in one file, in the order of its lines. [Parse] and [Load] return it as their error.
type ConfigErrors []Problem

// Error lists the problems, one on a line.
func (e ConfigErrors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

func (e ConfigErrors) sorted() ConfigErrors {
	sort.SliceStable(e, func(i, j int) bool { return e[i].Line < e[j].Line })
	return e
}
