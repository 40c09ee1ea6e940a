package handlers

import (
	"regexp"
	"slices"
	"strings"

	"github.com/svcdown/svcdown/catalog"
	"github.com/svcdown/svcdown/diagnose"
	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// of puts the name of another service before a finding's.
func of(svc catalog.Service, f finding.Finding) finding.Finding {
	if !f.Title.Empty() {
		f.Title = redact.F("%s: %s", svc.Name, f.Title)
	}
	f.Check = svc.Name + " " + f.Check
	return f
}

// stepsOf are the findings of the steps that were run for a service, one for each step and outcome: what several pods have in common is said once.
func (x examined) stepsOf(c diagnose.Case) []finding.Finding {
	var groups [][]ranStep
	ran := 0
	for _, r := range x.ran {
		if r.svc.Name != c.Service.Name {
			continue
		}
		ran++
		i := slices.IndexFunc(groups, func(g []ranStep) bool {
			return g[0].number == r.number && g[0].report.Finding.Status == r.report.Finding.Status
		})
		if i < 0 {
			groups = append(groups, []ranStep{r})
		} else {
			groups[i] = append(groups[i], r)
		}
	}
	var out []finding.Finding
	for _, g := range groups {
		out = append(out, together(g))
	}
	return append(out, c.Steps[min(ran, len(c.Steps)):]...) // what was read besides the runbook
}

// together makes one finding of those of several pods. Where they do not say the same, the first is the worst pod's and speaks for the rest.
func together(group []ranStep) finding.Finding {
	f := group[0].report.Finding
	if len(group) == 1 {
		return f
	}
	common := without(f.Line, group[0].object)
	same := true
	f.Signals, f.Evidence = nil, nil
	for _, r := range group {
		same = same && without(r.report.Finding.Line, r.object) == common
		f.Signals = append(f.Signals, r.report.Finding.Signals...)
		f.Evidence = append(f.Evidence, r.report.Finding.Evidence...)
	}
	switch {
	case same:
		f.Line = redact.F("%d pods: %s", len(group), common)
	case f.Status == finding.OK:
		f.Line = redact.F("%s (and %d more that are well)", f.Line, len(group)-1)
	default:
		f.Line = redact.F("%s (and %d more, not quite the same: see the file)", f.Line, len(group)-1)
	}
	return f
}

// without is what a line says of a pod, apart from its name.
func without(line redact.Text, pod string) string {
	s := line.String()
	for _, name := range []string{"pod/" + pod, "pod " + pod, pod} {
		s = strings.ReplaceAll(s, name, "")
	}
	return strings.TrimPrefix(strings.TrimLeft(s, " ,:"), "is ")
}

// besides leaves out the usage of pods where the status tells of it: measured a moment later, the same figure would stand there twice and differ.
func besides(status, steps []finding.Finding) []finding.Finding {
	known := slices.ContainsFunc(status, func(f finding.Finding) bool { return f.Check == "usage" && f.Status != finding.Unknown })
	return slices.DeleteFunc(slices.Clone(steps), func(f finding.Finding) bool { return known && f.Check == "top pods" && f.Status == finding.OK })
}

// rolloutNumber is what the status knows of pods and a step of the runbook does not.
var rolloutNumber = regexp.MustCompile(`, after rollout \d+`)

// repeats tells whether one of the list, all at least as grave, already says what f does.
func repeats(list []finding.Finding, f finding.Finding) bool {
	return slices.ContainsFunc(list, func(other finding.Finding) bool {
		a, b := rolloutNumber.ReplaceAllString(other.Line.String(), ""), rolloutNumber.ReplaceAllString(f.Line.String(), "")
		return a != "" && b != "" && (strings.Contains(a, b) || strings.HasSuffix(b, a))
	})
}

// toldBy reports whether all that a finding has to say stands in what was told: its line, or the details of all its facts.
func toldBy(told []redact.Text, f finding.Finding) bool {
	if saysAny(told, f.Line.String()) {
		return true
	}
	details := 0
	for _, s := range f.Signals {
		switch {
		case s.Detail.Empty():
		case !saysAny(told, s.Detail.String()):
			return false
		default:
			details++
		}
	}
	return details > 0
}

// saysAny reports whether one of the texts contains what.
func saysAny(texts []redact.Text, what string) bool {
	return what != "" && slices.ContainsFunc(texts, func(t redact.Text) bool { return strings.Contains(t.String(), what) })
}
