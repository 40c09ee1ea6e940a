package runbook

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// lessonsTitle opens the section that lessons go to.
var lessonsTitle = regexp.MustCompile(`(?i)^(#{2,6})[ \t]+lessons(?:[ \t]+learned)?[ \t]*#*[ \t]*$`)

var (
	anyHeading = regexp.MustCompile(`^(#{1,6})[ \t]`)
	anyFence   = regexp.MustCompile("^ {0,3}(```+|~~~+)")
)

// WithLessons is a runbook's text with entries at the end of its section "Lessons", which is made at the end of the document where there is none.
// Each entry is one line without its list mark. It refuses where that would change what the document's commands mean.
func WithLessons(b *Runbook, entries []string) (string, error) {
	lines := strings.SplitAfter(b.Source, "\n")
	end := "\n"
	if strings.HasSuffix(lines[0], "\r\n") {
		end = "\r\n"
	}
	at, found := lessonsEnd(lines)
	var add []string
	if !found {
		add = append(add, end, "## Lessons"+end, end)
	}
	for _, e := range entries {
		add = append(add, "- "+strings.Join(strings.Fields(e), " ")+end)
	}
	kept := slices.Clone(lines[:at])
	if n := len(kept); n > 0 && !strings.HasSuffix(kept[n-1], "\n") {
		kept[n-1] += end
	}
	if n := len(kept); found && n > 0 && anyHeading.MatchString(kept[n-1]) {
		add = slices.Insert(add, 0, end)
	}
	text := strings.Join(append(append(kept, add...), lines[at:]...), "")
	if err := sameSteps(b, text); err != nil {
		return "", err
	}
	return text, nil
}

// lessonsEnd is the line behind the last one with words of the section of lessons, or of the document.
func lessonsEnd(lines []string) (at int, found bool) {
	fence, level := "", 0
	last := 0
	for i, l := range lines {
		bare := strings.TrimRight(l, "\r\n")
		if m := anyFence.FindStringSubmatch(bare); m != nil {
			switch {
			case fence == "":
				fence = m[1]
			case strings.HasPrefix(m[1], fence):
				fence = ""
			}
		}
		if h := anyHeading.FindStringSubmatch(bare + " "); h != nil && fence == "" {
			if found && len(h[1]) <= level {
				return last, true
			}
			if t := lessonsTitle.FindStringSubmatch(bare); t != nil && !found {
				found, level = true, len(t[1])
			}
		}
		if strings.TrimSpace(bare) != "" {
			last = i + 1
		}
	}
	return last, found
}

// sameSteps refuses a text whose commands are not those of b.
func sameSteps(b *Runbook, text string) error {
	changed, err := Parse(b.File, []byte(text))
	if err != nil {
		return fmt.Errorf("add a lesson to %s: %w", b.File, err)
	}
	was, is := b.Steps(), changed.Steps()
	if !slices.EqualFunc(was, is, func(a, b Step) bool { return a.Source == b.Source && a.Class == b.Class && a.Section == b.Section }) {
		return fmt.Errorf("add a lesson to %s: its commands would be others then", b.File)
	}
	return nil
}

// around is how many unchanged lines stand around a change.
const around = 3

// Patch is the change from one text of a file to another as a unified diff that `git apply` and `patch -p1` take, in one hunk; "" when there is
// none.
func Patch(file, was, is string) string {
	if was == is {
		return ""
	}
	from, to := splitLines(was), splitLines(is)
	head := 0
	for head < min(len(from), len(to)) && from[head] == to[head] {
		head++
	}
	tail := 0
	for tail < min(len(from), len(to))-head && from[len(from)-1-tail] == to[len(to)-1-tail] {
		tail++
	}
	begin, after := max(0, head-around), min(tail, around)
	var b strings.Builder
	fmt.Fprintf(&b, "--- %s\n+++ %s\n", patchName("a/"+file), patchName("b/"+file))
	fromCount, toCount := len(from)-tail+after-begin, len(to)-tail+after-begin
	fmt.Fprintf(&b, "@@ -%s +%s @@\n", extent(begin, fromCount), extent(begin, toCount))
	put := func(mark string, lines []string) {
		for _, l := range lines {
			b.WriteString(mark + l)
			if !strings.HasSuffix(l, "\n") {
				b.WriteString("\n\\ No newline at end of file\n")
			}
		}
	}
	put(" ", from[begin:head])
	put("-", from[head:len(from)-tail])
	put("+", to[head:len(to)-tail])
	put(" ", from[len(from)-tail:len(from)-tail+after])
	return b.String()
}

func splitLines(s string) []string {
	lines := strings.SplitAfter(s, "\n")
	if n := len(lines); lines[n-1] == "" {
		lines = lines[:n-1]
	}
	return lines
}

// extent is where a hunk begins, from 1, and how long it is; an empty one begins at 0.
func extent(begin, count int) string {
	if count > 0 {
		begin++
	}
	return fmt.Sprintf("%d,%d", begin, count)
}

// patchName writes a name as git does: in quotes when it has letters that could end it, with a tab behind it when it has blanks.
func patchName(name string) string {
	plain := func(r rune) bool { return r > ' ' && r < 0x7f && r != '"' && r != '\\' || r == ' ' }
	if strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }) {
		var b strings.Builder
		b.WriteByte('"')
		for _, c := range []byte(name) {
			if plain(rune(c)) && c < 0x80 {
				b.WriteByte(c)
			} else {
				fmt.Fprintf(&b, `\%03o`, c)
			}
		}
		return b.String() + `"`
	}
	if strings.Contains(name, " ") {
		return name + "\t"
	}
	return name
}
