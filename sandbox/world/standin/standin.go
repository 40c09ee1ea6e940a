package standin

import (
	"fmt"
	"io"
	"slices"
)

// Call is one run of a stand-in.
type Call struct {
	Args           []string // without the program's name
	View           View
	Env            []string // NAME=value
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Program runs a call and answers its exit code.
type Program func(Call) int

// Lookup finds the stand-in of that name.
func Lookup(name string) (Program, bool) {
	program, ok := all()[name]
	return program, ok
}

// Names are the programs there are stand-ins for, sorted.
func Names() []string {
	var names []string
	for name := range all() {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// fail prints to stderr and answers code.
func (c Call) fail(code int, format string, args ...any) int {
	fmt.Fprintf(c.Stderr, format+"\n", args...)
	return code
}

func (c Call) printf(format string, args ...any) { fmt.Fprintf(c.Stdout, format, args...) }
