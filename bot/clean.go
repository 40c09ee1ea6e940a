package bot

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// terminalCodes are the colour and cursor sequences that programs write into their logs.
var terminalCodes = regexp.MustCompile(`\x1b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[@-_])`)

// clean makes s fit to be looked at: valid UTF-8, without terminal codes and without characters that cannot be seen but change how the
// rest reads (zero-width, direction overrides). It keeps line ends.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexByte(s, 0x1b) >= 0 {
		s = terminalCodes.ReplaceAllString(s, "")
	}
	s = strings.ReplaceAll(s, "\r\n", "\n")
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\u2028' || r == '\u2029' || r == '\r':
			return '\n'
		case r == '\t' || r == '\u00a0':
			return ' '
		case unicode.Is(unicode.Cf, r) || unicode.IsControl(r) || invisible(r):
			return -1
		}
		return r
	}, s)
}

// invisible are the blanks that Unicode counts as letters or marks.
func invisible(r rune) bool {
	switch r {
	case '\u115f', '\u1160', '\u3164', '\uffa0', '\u034f', '\u17b4', '\u17b5':
		return true
	}
	return false
}

// line is s cleaned and on one line.
func line(s string) string { return strings.Join(strings.Fields(clean(s)), " ") }

var entities = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// escape makes s literal in the text argument of a message, the one place where Slack still looks for mentions and links
// (https://docs.slack.dev/messaging/formatting-message-text, "Escaping text"). Blocks of ours are plain_text and rich_text, which
// Slack takes literally.
func escape(s string) string { return entities.Replace(s) }

var literals = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// unescape undoes what Slack does to what people type.
func unescape(s string) string { return literals.Replace(s) }

// cut returns at most n bytes of s, ending in an ellipsis where something is missing. It never splits a character.
func cut(s string, n int) string {
	const mark = "…"
	if len(s) <= n {
		return s
	}
	if n < len(mark) {
		return ""
	}
	return head(s, n-len(mark)) + mark
}

// head is the longest beginning of s within n bytes that does not split a character.
func head(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// tail is the longest end of s within n bytes that does not split a character.
func tail(s string, n int) string {
	if len(s) <= n {
		return s
	}
	i := len(s) - n
	for i < len(s) && !utf8.RuneStart(s[i]) {
		i++
	}
	return s[i:]
}

// short returns at most n characters of s.
func short(s string, n int) string {
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	r := []rune(s)
	return string(r[:n-1]) + "…"
}
