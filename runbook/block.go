package runbook

import (
	"regexp"
	"slices"
	"strings"
)

// languages are the fences whose content is commands.
var languages = []string{"bash", "sh", "shell", "console", "zsh", "shell-session", "sh-session", "terminal"}

// maxStatementLines bounds one command; a quote that is never closed must not swallow a long block.
const maxStatementLines = 200

// prompt is what stands in front of a command in a copied terminal: "$ " or "user@host:~$ ".
var prompt = regexp.MustCompile(`^(?:[\w.-]+@[\w.-]+[:\s][^\s$#]*)?[$%]\s+`)

// blockLine is one line of a fenced block with its line in the file, from 1.
type blockLine struct {
	number int
	text   string
}

// entry is what a block holds, in order: a command, or a comment that belongs to none.
type entry struct {
	line    int
	title   string // the comment above
	command *statement
}

// entries takes a block apart.
func entries(lines []blockLine) []entry {
	lines = withoutOutput(lines)
	var (
		out     []entry
		title   []entry // comment lines above, not yet known whether a command follows
		inTitle bool
	)
	named := "" // the title holds for every command until the next comment
	for i := 0; i < len(lines); {
		line := strings.TrimSpace(lines[i].text)
		switch {
		case line == "":
			inTitle = false
			i++
			continue
		case strings.HasPrefix(line, "#"):
			if !inTitle { // comments that no command followed are reading matter
				out, title = append(out, title...), nil
			}
			inTitle = true
			title = append(title, entry{line: lines[i].number, title: strings.TrimSpace(strings.TrimLeft(line, "#"))})
			i++
			continue
		}
		inTitle = false
		if len(title) > 0 {
			named = ""
			for _, t := range title {
				named = strings.TrimSpace(named + " " + t.title)
			}
			title = nil
		}
		found, used := next(lines[i:])
		for _, s := range found {
			at := lines[min(i+s.line, len(lines)-1)].number
			heading := named
			if heading == "" {
				heading = s.comment
			}
			out = append(out, entry{line: at, title: heading, command: &s})
		}
		i += used
	}
	return append(out, title...)
}

// next reads the commands that begin on the first of lines and says how many lines they take. Nothing is lost: a line that cannot be read
// becomes a statement with its error.
func next(lines []blockLine) (found []statement, used int) {
	src := ""
	for n := 1; n <= min(len(lines), maxStatementLines); n++ {
		src += lines[n-1].text
		if n < len(lines) && strings.HasSuffix(src, `\`) {
			src += "\n"
			continue
		}
		got, incomplete, err := statements(src)
		if err == nil {
			return got, n
		}
		if !incomplete {
			return []statement{{source: oneLine(src), err: err}}, n
		}
		src += "\n"
	}
	return []statement{{source: strings.TrimSpace(lines[0].text), err: refuse("a quote or bracket in it is never closed")}}, 1
}

// withoutOutput keeps the commands of a copied terminal: where any line has a prompt, a line without one is output unless it continues.
func withoutOutput(lines []blockLine) []blockLine {
	if !slices.ContainsFunc(lines, func(l blockLine) bool { return prompt.MatchString(strings.TrimSpace(l.text)) }) {
		return lines
	}
	var out []blockLine
	open := false // the command above goes on
	src := ""
	for _, l := range lines {
		trimmed := strings.TrimSpace(l.text)
		switch at := prompt.FindString(trimmed); {
		case at != "":
			l.text = trimmed[len(at):]
			src = l.text
		case open:
			l.text = strings.TrimPrefix(strings.TrimPrefix(l.text, "> "), ">")
			src += "\n" + l.text
		case strings.HasPrefix(trimmed, "# ") || trimmed == "":
			out = append(out, l)
			continue
		default:
			continue
		}
		out = append(out, l)
		_, incomplete, _ := statements(src)
		open = strings.HasSuffix(src, `\`) || (incomplete && strings.Count(src, "\n") < maxStatementLines)
	}
	return out
}
