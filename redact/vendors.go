package redact

import (
	_ "embed"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:generate go run vendors_gen.go

// vendorRules are the formats of some two hundred makers' keys, as gitleaks keeps them (MIT, github.com/gitleaks/gitleaks): the second look,
// behind our own rules.
//
//go:embed vendors.tsv
var vendorRules string

// vendorRule finds one maker's keys. Its expression is compiled when its keyword is first seen: most never are, and each takes memory.
type vendorRule struct {
	id      string
	entropy float64
	group   int // of the expression; 0 means the first that matched anything, else all of it
	pattern func() *regexp.Regexp
}

// vendors are the rules by the first three bytes of their keywords.
type vendors struct {
	rules []vendorRule
	lists [][]keyword
	at    [1 << 15]uint16 // by trigram: which of the lists; 0 is the empty one
}

type keyword struct {
	word string // in lower case
	rule int
}

// trigram folds three bytes to 15 bits; letters of both cases become one.
func trigram(s string) int { return int(s[0]&31)<<10 | int(s[1]&31)<<5 | int(s[2]&31) }

var readVendors = sync.OnceValue(func() *vendors {
	v := &vendors{lists: [][]keyword{nil}}
	for line := range strings.Lines(vendorRules) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if strings.HasPrefix(line, "#") || len(f) != 5 {
			continue
		}
		entropy, _ := strconv.ParseFloat(f[1], 64) // a test reads all of them
		group, _ := strconv.Atoi(f[2])
		v.rules = append(v.rules, vendorRule{id: f[0], entropy: entropy, group: group,
			pattern: sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(f[4]) })})
		for word := range strings.SplitSeq(f[3], ",") {
			at := &v.at[trigram(word)]
			if *at == 0 {
				*at, v.lists = uint16(len(v.lists)), append(v.lists, nil)
			}
			v.lists[*at] = append(v.lists[*at], keyword{word, len(v.rules) - 1})
		}
	}
	return v
})

// cleanVendors takes makers' keys out of one line.
func cleanVendors(line string) string {
	v := readVendors()
	var looked []int
	for i := 0; i+3 <= len(line); i++ {
		for _, k := range v.lists[v.at[trigram(line[i:])]] {
			if len(line)-i >= len(k.word) && strings.EqualFold(line[i:i+len(k.word)], k.word) && !slices.Contains(looked, k.rule) {
				looked = append(looked, k.rule)
			}
		}
	}
	for _, i := range looked {
		line = v.rules[i].clean(line)
	}
	return line
}

func (r *vendorRule) clean(line string) string {
	var out strings.Builder
	done := 0
	for _, m := range r.pattern().FindAllStringSubmatchIndex(line, -1) {
		a, b := r.secret(m)
		if secret := line[a:b]; identifier(secret) || entropy(secret) < r.entropy {
			continue
		}
		out.WriteString(line[done:a])
		out.WriteString(Mark)
		done = b
	}
	if done == 0 {
		return line
	}
	return out.String() + line[done:]
}

// secret is where the secret stands in a match, by the rules of gitleaks.
func (r *vendorRule) secret(match []int) (a, b int) {
	if at := 2 * r.group; r.group > 0 && at+1 < len(match) && match[at] >= 0 {
		return match[at], match[at+1]
	}
	for i := 2; i+1 < len(match); i += 2 {
		if match[i] >= 0 && match[i] < match[i+1] {
			return match[i], match[i+1]
		}
	}
	return match[0], match[1]
}

// identifier reports whether s could as well be a UUID, a commit, a digest or a number: makers whose keys look like these cannot be told from
// what an engineer needs. Under the name of a key they are taken out all the same, by cleanPairs.
func identifier(s string) bool {
	for i := range len(s) {
		if c := s[i] | 0x20; !digit(s[i]) && s[i] != '-' && s[i] != '_' && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// entropy is Shannon's, in bits a byte.
func entropy(s string) float64 {
	var count [256]int
	for i := range len(s) {
		count[s[i]]++
	}
	bits := 0.0
	for _, n := range count {
		if n > 0 {
			p := float64(n) / float64(len(s))
			bits -= p * math.Log2(p)
		}
	}
	return bits
}
