package runbook

import (
	"fmt"
)

// verdict is what a program's reader found out about one command.
type verdict struct {
	class    Class
	op       Operation
	warnings []string
	// byHand says why a person has to do it; only with class Manual.
	byHand string
}

func check(op Operation) (verdict, error)  { return verdict{class: Check, op: op}, nil }
func action(op Operation) (verdict, error) { return verdict{class: Action, op: op}, nil }

// Classify says what one command line means, as [Parse] does for the commands of a document. A line that holds several commands is refused
// unless each stands on its own.
func Classify(line string) Step {
	found, _, err := statements(line)
	step := Step{Line: 1, Source: oneLine(line)}
	switch {
	case err != nil:
		step.Reason = err.Error()
	case len(found) != 1:
		step.Reason = fmt.Sprintf("it holds %d commands; each is a step of its own", len(found))
	default:
		step.classify(found[0])
	}
	return step
}

func (s *Step) classify(cmd statement) {
	v, err := judge(cmd)
	if err != nil {
		s.Class, s.Reason = Refused, err.Error()
		return
	}
	s.Class, s.Warnings = v.class, v.warnings
	if v.class == Manual {
		s.Reason = v.byHand
		return
	}
	s.Operation = &v.op
	if v.op.Namespaced && !v.op.Has("namespace") && !v.op.Has("all-namespaces") {
		s.Warnings = append(s.Warnings, "no namespace is written; the service's is used")
	}
}

// judge is the one place where a command gets its class.
func judge(cmd statement) (verdict, error) {
	if cmd.err != nil {
		return verdict{}, cmd.err
	}
	if len(cmd.words) == 0 {
		return verdict{}, refuse("there is no command")
	}
	program, ok := cmd.words[0].Literal()
	if !ok {
		return verdict{}, refuse("its program is a placeholder")
	}
	read, known := programs()[program]
	if !known {
		return verdict{}, refuse("program %q is not known; there are kubectl, oc and curl", clip(program))
	}
	v, err := read(cmd.words[1:])
	if err != nil {
		return verdict{}, err
	}
	if len(cmd.pipes) == 0 {
		return v, nil
	}
	if v.class != Check {
		return verdict{}, refuse("its output is piped on, which only makes sense for a command that reads")
	}
	for _, words := range cmd.pipes {
		f, err := newFilter(words)
		if err != nil {
			return verdict{}, err
		}
		v.op.Filters = append(v.op.Filters, f)
	}
	return v, nil
}

func programs() map[string]func([]Word) (verdict, error) {
	return map[string]func([]Word) (verdict, error){"kubectl": kubectl, "oc": openshift, "curl": hostCurl}
}
