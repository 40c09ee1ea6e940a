package harden

import (
	"strings"
	"unicode"

	"github.com/svcdown/svcdown/finding"
	"github.com/svcdown/svcdown/redact"
)

// File is YAML to apply.
type File struct {
	// Name ends in .yaml; it tells the files of one report apart.
	Name    string
	Title   redact.Text
	Content redact.Text
}

// Files are the report's remedies: the new objects for `kubectl create`, and one patch of the workload for `kubectl patch`. A patch has neither
// apiVersion nor kind: applied by mistake it is refused, where a part of a Deployment would take the rest of it away. kubectl is the command with
// its context and namespace, and prefix what the files' names begin with.
func (r Report) Files(prefix, kubectl string) []File {
	var objects []redact.Text
	var why, whole []redact.Text
	patch := fields{}
	for _, i := range r.Gaps() {
		for _, m := range i.Remedies {
			switch m.Target {
			case "":
				objects = append(objects, redact.Join("\n", comment(i.Finding), text(m.body)))
			case r.target:
				patch = merge(patch, m.body)
				whole = append(whole, comment(i.Finding))
			default:
				why = append(why, comment(i.Finding), redact.F("#   %s", m.Command(kubectl)))
			}
		}
	}
	var out []File
	if len(objects)+len(why) > 0 {
		name := prefix + "-objects.yaml"
		out = append(out, File{Name: name, Title: redact.Const("New objects to create"), Content: redact.Join("\n",
			redact.F("# Read it, then try it and create it; what has such a name already is refused and stays:\n#   %s create --dry-run=server -f %s\n#   %s create -f %s", kubectl, name, kubectl, name),
			owned, also(why), redact.Join("---\n", append([]redact.Text{redact.Const("")}, objects...)...))})
	}
	if len(patch) > 0 {
		name := prefix + "-patch.yaml"
		out = append(out, File{Name: name, Title: redact.F("Patch of %s", r.target), Content: redact.Join("\n",
			redact.F("# Read it, then try it and apply it; changes of the pod template replace the pods:\n#   %s patch %s --type strategic --dry-run=server --patch-file %s\n#   %s patch %s --type strategic --patch-file %s",
				kubectl, r.target, name, kubectl, r.target, name), owned, redact.Join("\n", whole...), text(patch))})
	}
	return out
}

var owned = redact.Const("# What is kept in Git or Helm is better changed there: the next deployment would take it back.")

func also(commands []redact.Text) redact.Text {
	if len(commands) == 0 {
		return redact.Text{}
	}
	return redact.Join("\n", append([]redact.Text{redact.Const("# By command, of objects that exist:")}, commands...)...)
}

// comment is a finding in one line. What comes from the cluster cannot begin another one, which would be YAML that somebody applies.
func comment(f finding.Finding) redact.Text {
	line := strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) { // also U+0085, U+2028 and U+2029, which end a line in YAML 1.1
			return ' '
		}
		return r
	}, f.Line.String())
	return redact.F("# %s, %s: %s", f.Check, f.Status, line)
}

// YAML is the remedy by itself: a whole object, or a patch of Target.
func (m Remedy) YAML() redact.Text { return text(m.body) }

// Command patches Target in one line.
func (m Remedy) Command(kubectl string) redact.Text {
	return redact.F("%s patch %s --type merge -p '%s'", kubectl, m.Target, compact(m.body))
}
