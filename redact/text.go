package redact

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"
)

// Text is text that may leave the cluster's boundary: every value was either a constant of our own source or went through
// [Clean]. The zero value is the empty text. Text is immutable and safe for concurrent use.
type Text struct{ s string }

// constant is unexported so that only an untyped constant of the calling source can become one: a run-time string does not
// compile as an argument of [Const] or [F].
type constant string

// Const makes Text of a constant of our own source, which holds no secret by review.
func Const(s constant) Text { return Text{string(s)} }

// F formats as fmt.Sprintf does. Text arguments stand as they are; every other argument that can carry foreign text is cleaned, and
// the whole is cleaned once more, so that a secret whose name stands in the format ("password=%s") is found as well.
func F(format constant, args ...any) Text {
	out := make([]any, len(args))
	for i, a := range args {
		out[i] = cleanArg(a)
	}
	return Clean(fmt.Sprintf(string(format), out...))
}

func cleanArg(a any) any {
	switch v := a.(type) {
	case nil, bool, int, int8, int16, int32, int64, uint, uint8, uint16, uint32, uint64, float32, float64, time.Duration, time.Time:
		return v
	case Text:
		return v.s
	case string:
		return Clean(v).s
	case []byte:
		return Clean(string(v)).s
	case error:
		return Clean(v.Error()).s
	case fmt.Stringer:
		return Clean(v.String()).s
	default:
		return Clean(fmt.Sprint(v)).s
	}
}

// Join puts sep between the parts that are not empty.
func Join(sep constant, parts ...Text) Text {
	kept := make([]string, 0, len(parts))
	for _, p := range parts {
		if p.s != "" {
			kept = append(kept, p.s)
		}
	}
	return Text{strings.Join(kept, string(sep))}
}

// String returns the text.
func (t Text) String() string { return t.s }

// Empty reports whether there is no text.
func (t Text) Empty() bool { return t.s == "" }

// Short returns at most n runes; what is cut is shown by an ellipsis, which counts as one of them.
func (t Text) Short(n int) Text {
	if n <= 0 || utf8.RuneCountInString(t.s) <= n {
		return t
	}
	r := []rune(t.s)
	return Text{string(r[:n-1]) + "…"}
}

// Lines splits the text at its line ends.
func (t Text) Lines() []Text {
	parts := strings.Split(t.s, "\n")
	out := make([]Text, len(parts))
	for i, p := range parts {
		out[i] = Text{p}
	}
	return out
}

// Equal lets go-cmp and tests compare texts.
func (t Text) Equal(o Text) bool { return t.s == o.s }

// MarshalJSON writes the text as a JSON string.
func (t Text) MarshalJSON() ([]byte, error) { return json.Marshal(t.s) }

// UnmarshalJSON cleans what it reads: stored text is not trusted more than fresh text.
func (t *Text) UnmarshalJSON(b []byte) error {
	var s string
	if err := json.Unmarshal(b, &s); err != nil {
		return fmt.Errorf("read redacted text: %w", err)
	}
	*t = Clean(s)
	return nil
}
