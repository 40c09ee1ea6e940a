package incident

import (
	"strings"
	"unicode"

	"github.com/svcdown/svcdown/redact"
)

// quoted makes text of people, alerts and clusters a part of a line of Markdown that shows its letters and does nothing: no heading, cell, list,
// emphasis, code, HTML, link or image, which would load from elsewhere, and no mention of a canvas, ![](@U…)
// (https://docs.slack.dev/surfaces/canvases). It reads well as plain text too, where most of it will be read.
func quoted(t redact.Text) redact.Text {
	one := strings.Join(strings.Fields(strings.Map(seen, t.String())), " ")
	one = lookalike.Replace(one)
	one = wordEdges(one)
	if startsBlock(one) {
		one = `\` + one
	}
	return redact.F("%s", one)
}

// Quoted is text of others as a part of a line of Markdown, for documents beside the postmortem.
func Quoted(t redact.Text) redact.Text { return quoted(t) }

// seen drops what is not seen: control letters, and those that turn the direction of writing.
func seen(r rune) rune {
	switch {
	case unicode.IsSpace(r):
		return ' '
	case unicode.IsControl(r), unicode.Is(unicode.Cf, r):
		return -1
	}
	return r
}

// lookalike takes their meaning from letters that have one in Markdown wherever they stand.
var lookalike = strings.NewReplacer(`\`, `\\`, "`", "'", "<", "‹", ">", "›", "|", "¦", "*", "∗", "~", `\~`, "](", "] (", "][", "] [", "![", "! [", "$", `\$`)

// wordEdges keeps underscores inside of words as they are and takes the others their meaning.
func wordEdges(s string) string {
	if !strings.Contains(s, "_") {
		return s
	}
	in := []rune(s)
	var b strings.Builder
	letter := func(i int) bool { return i >= 0 && i < len(in) && (unicode.IsLetter(in[i]) || unicode.IsDigit(in[i])) }
	for i, r := range in {
		if r == '_' && !(letter(i-1) && letter(i+1)) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

// startsBlock reports whether a line would begin a heading, a list, a quotation, a rule or a definition.
func startsBlock(s string) bool {
	if s == "" {
		return false
	}
	if strings.ContainsRune("#-+=[", rune(s[0])) {
		return true
	}
	digits := strings.TrimLeft(s, "0123456789")
	return len(digits) < len(s) && digits != "" && (digits[0] == '.' || digits[0] == ')')
}
