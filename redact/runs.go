package redact

import (
	"encoding/base64"
	"math"
	"net/url"
	"strings"
	"unicode/utf8"
)

// The entropy rule: runs of at least minRandom characters that mix capitals, small letters and digits as only chance does. 28 leaves
// KSUIDs (27) and everything shorter readable; API keys and cloud secrets have 32 to 64.
const (
	minRandom  = 28
	minDecoded = 16 // shorter base64 holds no key=value worth opening
)

// cleanRuns looks at every unbroken run of base64 or URL-encoded characters: one that opens into text with secrets, or that looks
// random, is taken out.
func cleanRuns(s string, depth int) string {
	var out strings.Builder
	done := 0
	for i := 0; i < len(s); {
		if !runByte(s[i]) {
			i++
			continue
		}
		j, escaped := i, false
		for j < len(s) && (runByte(s[j]) || s[j] == '%' && encoded(s[j:])) {
			escaped = escaped || s[j] == '%' || s[j] == '-' && j > i && s[j-1] == '+' // +-: a flag after an encoded space
			j++
		}
		if end := secretRun(s, i, j, escaped, depth); end > 0 {
			out.WriteString(s[done:i])
			out.WriteString(Mark)
			done, j = end, end
		}
		i = j
	}
	if done == 0 {
		return s
	}
	out.WriteString(s[done:])
	return out.String()
}

func runByte(c byte) bool {
	return lower(c) || upper(c) || digit(c) || c == '+' || c == '/' || c == '_' || c == '-'
}

func encoded(s string) bool {
	return len(s) > 2 && strings.IndexByte("0123456789abcdefABCDEF", s[1]) >= 0 && strings.IndexByte("0123456789abcdefABCDEF", s[2]) >= 0
}

// secretRun returns where the run s[i:j] ends with its padding when it is to be taken out, 0 when it stays.
func secretRun(s string, i, j int, escaped bool, depth int) int {
	run := s[i:j]
	if escaped && depth < maxDepth {
		if plain, err := url.QueryUnescape(run); err == nil && holdsSecret(plain, depth) {
			return j
		}
	}
	if len(run) < minDecoded {
		return 0
	}
	end := j
	for end < len(s) && s[end] == '=' && end-j < 2 {
		end++
	}
	if depth < maxDepth && opensIntoSecret(run, depth) {
		return end
	}
	if anyRandom(run) && !digestBefore(s[:i]) && !ipfs(run) {
		return end
	}
	return 0
}

func opensIntoSecret(run string, depth int) bool {
	encoding := base64.RawStdEncoding
	if strings.ContainsAny(run, "-_") {
		encoding = base64.RawURLEncoding
	}
	plain, err := encoding.DecodeString(run[:len(run)-len(run)%4]) // text that was cut off opens as far as it goes
	if err != nil || !utf8.Valid(plain[:max(0, len(plain)-3)]) {
		return false
	}
	return holdsSecret(strings.ToValidUTF8(string(plain), ""), depth)
}

func holdsSecret(plain string, depth int) bool { return pass(plain, depth+1) != plain }

// anyRandom looks at a run as a whole, or at each part of it when one of them is a plain word, as in a path.
func anyRandom(run string) bool {
	if !strings.Contains(run, "/") {
		return looksRandom(run, minRandom)
	}
	parts, path := strings.Split(run, "/"), false
	for _, p := range parts {
		path = path || len(p) >= 3 && strings.Trim(p, "abcdefghijklmnopqrstuvwxyz") == ""
	}
	if !path {
		return looksRandom(run, minRandom)
	}
	for _, p := range parts {
		if looksRandom(p, minRandom) {
			return true
		}
	}
	return false
}

// looksRandom measures whether chance wrote s: all three classes in number, the class changing at almost every other character, letters
// beyond hexadecimal, and few repeats. Words, names of pods, UUIDs, digests and paths each fail one of these.
func looksRandom(s string, minimum int) bool {
	if len(s) < minimum {
		return false
	}
	var counts [256]int
	uppers, lowers, digits, beyondHex, changes := 0, 0, 0, 0, 0
	last := 0
	for i := range len(s) {
		c := s[i]
		counts[c]++
		class := 0
		switch {
		case upper(c):
			uppers++
			class = 1
		case lower(c):
			lowers++
			class = 2
		case digit(c):
			digits++
			class = 3
		}
		if c|0x20 > 'f' && c|0x20 <= 'z' {
			beyondHex++
		}
		if class != 0 && last != 0 && class != last {
			changes++
		}
		if class != 0 {
			last = class
		}
	}
	n := len(s)
	if uppers*12 < n || lowers*12 < n || digits*25 < n || beyondHex*5 < n || changes*100 < n*38 {
		return false
	}
	entropy := 0.0
	for _, k := range counts {
		if k > 0 {
			p := float64(k) / float64(n)
			entropy -= p * math.Log2(p)
		}
	}
	return entropy >= 3.5
}

// digestBefore reports whether what follows is announced as a digest, as in sha256-… (subresource integrity) and SHA256:… (ssh).
func digestBefore(before string) bool {
	before = strings.ToLower(before[max(0, len(before)-8):])
	for _, kind := range []string{"sha1", "sha256", "sha384", "sha512", "md5"} {
		if strings.HasSuffix(before, kind+":") || strings.HasSuffix(before, kind+"=") {
			return true
		}
	}
	return false
}

// ipfs reports whether run is a content address: https://docs.ipfs.tech/concepts/content-addressing/ (version 0: Qm and 44 of base58),
// or a digest of subresource integrity, whose name belongs to the run.
func ipfs(run string) bool {
	if len(run) == 46 && strings.HasPrefix(run, "Qm") {
		return true
	}
	return strings.HasPrefix(run, "sha256-") || strings.HasPrefix(run, "sha384-") || strings.HasPrefix(run, "sha512-")
}
