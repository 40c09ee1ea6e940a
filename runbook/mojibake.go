package runbook

import (
	"strings"
	"unicode/utf8"
)

// windows1252 maps the runes that differ from Latin-1 back to their byte (WHATWG Encoding Standard, index windows-1252). The five bytes that
// are unassigned there decode to the control character of the same number.
var windows1252 = map[rune]byte{
	'€': 0x80, '‚': 0x82, 'ƒ': 0x83, '„': 0x84, '…': 0x85, '†': 0x86, '‡': 0x87, 'ˆ': 0x88, '‰': 0x89, 'Š': 0x8A, '‹': 0x8B, 'Œ': 0x8C, 'Ž': 0x8E,
	'‘': 0x91, '’': 0x92, '“': 0x93, '”': 0x94, '•': 0x95, '–': 0x96, '—': 0x97, '˜': 0x98, '™': 0x99, 'š': 0x9A, '›': 0x9B, 'œ': 0x9C, 'ž': 0x9E, 'Ÿ': 0x9F,
}

func windowsByte(r rune) (byte, bool) {
	if b, ok := windows1252[r]; ok {
		return b, true
	}
	return byte(r), r >= 0x80 && r <= 0xFF
}

// repair undoes text that was UTF-8, was read as Windows-1252 and written as UTF-8 again ("ðŸš¨" for 🚨). Only runs that give valid UTF-8
// change, so that words such as "café" stay. It reports the lines, from 1, on which something changed.
func repair(s string) (repaired string, lines []int) {
	var b strings.Builder
	line := 1
	for i := 0; i < len(s); {
		if r, size, ok := doubleDecoded(s[i:]); ok {
			b.WriteRune(r)
			i += size
			if len(lines) == 0 || lines[len(lines)-1] != line {
				lines = append(lines, line)
			}
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == '\n' {
			line++
		}
		b.WriteString(s[i : i+size])
		i += size
	}
	return b.String(), lines
}

// doubleDecoded reads one character that was decoded twice from the start of s; size is what it takes there.
func doubleDecoded(s string) (r rune, size int, ok bool) {
	var raw [utf8.UTFMax]byte
	n := 0
	for n < utf8.UTFMax {
		next, width := utf8.DecodeRuneInString(s[size:])
		c, known := windowsByte(next)
		if !known || width == 1 {
			return 0, 0, false
		}
		raw[n] = c
		n++
		size += width
		if utf8.FullRune(raw[:n]) {
			break
		}
	}
	r, width := utf8.DecodeRune(raw[:n])
	// A repaired C1 control character would be a guess gone wrong: no text holds them.
	return r, size, r != utf8.RuneError && width == n && n > 1 && r > 0x9F
}
