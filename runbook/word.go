package runbook

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Word is one argument of a command: text with holes that are filled in when the step is bound.
type Word []Part

// Part is literal text, or a hole when Hole is set.
type Part struct {
	Text string
	// Hole is the placeholder's name in one spelling, whatever the document used: <pod-name>, [POD_NAME] and $POD_NAME are all "pod-name".
	Hole string
	// Written is the placeholder as it stands in the document.
	Written string
}

// String returns the word with its placeholders as written.
func (w Word) String() string {
	var b strings.Builder
	for _, p := range w {
		if p.Hole != "" {
			b.WriteString(p.Written)
		} else {
			b.WriteString(p.Text)
		}
	}
	return b.String()
}

// Literal returns the text of a word without holes; ok is false when there are any.
func (w Word) Literal() (text string, ok bool) {
	for _, p := range w {
		if p.Hole != "" {
			return "", false
		}
	}
	return w.String(), true
}

func literal(s string) Word { return Word{{Text: s}} }

// lead is the literal text in front of the first hole.
func (w Word) lead() string {
	var b strings.Builder
	for _, p := range w {
		if p.Hole != "" {
			break
		}
		b.WriteString(p.Text)
	}
	return b.String()
}

// from drops the first n bytes, which must be literal.
func (w Word) from(n int) Word {
	var out Word
	for _, p := range w {
		if n > 0 && p.Hole == "" {
			cut := min(n, len(p.Text))
			n -= cut
			p.Text = p.Text[cut:]
			if p.Text == "" {
				continue
			}
		}
		out = append(out, p)
	}
	return out
}

// cut splits the word at the first sep in its literal text.
func (w Word) cut(sep string) (before, after Word, found bool) {
	for i, p := range w {
		if p.Hole != "" {
			continue
		}
		if j := strings.Index(p.Text, sep); j >= 0 {
			before = append(append(Word{}, w[:i]...), trimEmpty(Part{Text: p.Text[:j]})...)
			after = append(trimEmpty(Part{Text: p.Text[j+len(sep):]}), w[i+1:]...)
			return before, after, true
		}
	}
	return w, nil, false
}

func trimEmpty(p Part) Word {
	if p.Text == "" {
		return nil
	}
	return Word{p}
}

// holes are the placeholders of one command while a shell grammar or a JSON parser looks at it.
type holes struct{ parts []Part }

// placeholder finds <pod-name>, <pod name> and [POD_NAME]. Lower-case brackets stay text: they are indices, JSON paths and form fields.
var placeholder = regexp.MustCompile(`<[A-Za-z][A-Za-z0-9 _-]*>|\[[A-Z][A-Z0-9 _-]+\]`)

// rangeLike is a bracket that a regular expression would use: [A-Z], [A-Z0-9].
var rangeLike = regexp.MustCompile(`^\[(?:[A-Z0-9]-[A-Z0-9])+_?\]$`)

// Reserved bytes stand for placeholders while the shell grammar looks on: the mark, then the index in base len(digits), as long as the
// placeholder was, so that positions stay true.
const (
	mark   = '\x01'
	digits = "\x02\x03\x04\x05\x06\x07\x08\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f"
)

var (
	errControl  = errors.New("it holds control characters")
	errTooMany  = errors.New("it holds too many placeholders")
	errBadHoles = errors.New("its placeholders cannot be read")
)

// protect replaces the placeholders of src by reserved bytes, length for length. A source that already holds control characters other than
// tab and line end is an error: it could forge a placeholder.
func (h *holes) protect(src string) (string, error) {
	if strings.ContainsFunc(src, func(r rune) bool { return (r < ' ' && r != '\t' && r != '\n') || r == 0x7f }) {
		return "", errControl
	}
	var failed error
	out := placeholder.ReplaceAllStringFunc(src, func(s string) string {
		inner := s[1 : len(s)-1]
		if rangeLike.MatchString(s) || strings.HasSuffix(inner, " ") {
			return s
		}
		code, err := h.code(Part{Hole: HoleName(inner), Written: s}, len(s)-1)
		if err != nil {
			failed = err
		}
		return string(mark) + code
	})
	return out, failed
}

func (h *holes) code(p Part, width int) (string, error) {
	n := -1
	for i, have := range h.parts {
		if have == p {
			n = i
		}
	}
	if n < 0 {
		n = len(h.parts)
		h.parts = append(h.parts, p)
	}
	code := make([]byte, width)
	for i := width - 1; i >= 0; i-- {
		code[i] = digits[n%len(digits)]
		n /= len(digits)
	}
	if n > 0 {
		return string(code), errTooMany
	}
	return string(code), nil
}

// restore turns text with reserved bytes into a word.
func (h *holes) restore(s string) (Word, error) {
	var w Word
	for s != "" {
		i := strings.IndexByte(s, mark)
		if i < 0 {
			return append(w, Part{Text: s}), nil
		}
		if i > 0 {
			w = append(w, Part{Text: s[:i]})
		}
		n, j := 0, i+1
		for j < len(s) && strings.IndexByte(digits, s[j]) >= 0 {
			n = n*len(digits) + strings.IndexByte(digits, s[j])
			if n >= len(h.parts) {
				return nil, errBadHoles
			}
			j++
		}
		if j == i+1 {
			return nil, errBadHoles
		}
		w = append(w, h.parts[n])
		s = s[j:]
	}
	return w, nil
}

var notName = regexp.MustCompile(`[^a-z0-9]+`)

// HoleName is the one spelling of a placeholder's name: "pod-name" for POD_NAME.
func HoleName(s string) string {
	return strings.Trim(notName.ReplaceAllString(strings.ToLower(s), "-"), "-")
}

// privateUse is the first rune that stands for a hole inside JSON, where control characters are not allowed.
const privateUse = '\uE000'

// opaque writes the word with one private-use rune for each hole, so that a parser of another language can look at it.
func (w Word) opaque() (string, error) {
	var b strings.Builder
	for i, p := range w {
		switch {
		case p.Hole != "":
			if i >= 0x1000 {
				return "", errTooMany
			}
			b.WriteRune(privateUse + rune(i))
		case strings.ContainsFunc(p.Text, func(r rune) bool { return r >= privateUse && r <= '\uF8FF' }):
			return "", errors.New("it holds private-use characters")
		default:
			b.WriteString(p.Text)
		}
	}
	return b.String(), nil
}

// clear reads a string that came out of the other parser back into a word.
func (w Word) clear(s string) Word {
	var out Word
	start := 0
	for i, r := range s {
		n := int(r - privateUse)
		if r < privateUse || n >= len(w) || w[n].Hole == "" {
			continue
		}
		if i > start {
			out = append(out, Part{Text: s[start:i]})
		}
		out = append(out, w[n])
		start = i + len(string(r))
	}
	if start < len(s) {
		out = append(out, Part{Text: s[start:]})
	}
	return out
}

// refusal is the reason why a command is not run.
type refusal string

func (r refusal) Error() string { return string(r) }

func refuse(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }
