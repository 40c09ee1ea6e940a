package catalog

import (
	"fmt"
	"sort"
	"strings"
)

// maxSuggestions is how many near misses a person reads before they look at the list instead.
const maxSuggestions = 3

// Suggest returns the candidates that name was probably meant to be, nearest first and at most three: those within a third of its
// letters by Damerau–Levenshtein distance (optimal string alignment, ignoring case), and those that it abbreviates. An exact match is no
// near miss, but comes first should it be among the candidates.
func Suggest(name string, candidates []string) []string {
	type near struct {
		name     string
		distance int
	}
	want := strings.ToLower(clip(name))
	var found []near
	seen := map[string]bool{}
	for _, c := range candidates {
		have := strings.ToLower(c)
		if c == "" || seen[have] {
			continue
		}
		seen[have] = true
		limit := max(1, min(len(want), len(have))/3)
		if dist := distance(want, have); dist <= limit {
			found = append(found, near{c, dist})
		} else if len(want) >= 2 && strings.HasPrefix(have, want) {
			found = append(found, near{c, limit + 1})
		}
	}
	sort.SliceStable(found, func(i, j int) bool { return found[i].distance < found[j].distance })
	var out []string
	for _, f := range found[:min(len(found), maxSuggestions)] {
		out = append(out, f.name)
	}
	return out
}

// distance counts the insertions, deletions, replacements and swaps of neighbours that turn a into b.
func distance(a, b string) int {
	s, t := []rune(a), []rune(b)
	if len(t) > 2*len(s)+2 || len(s) > 2*len(t)+2 {
		return len(s) + len(t) // never near; spares the table
	}
	before, last, row := make([]int, len(t)+1), make([]int, len(t)+1), make([]int, len(t)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(s); i++ {
		row[0] = i
		for j := 1; j <= len(t); j++ {
			cost := 1
			if s[i-1] == t[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && s[i-1] == t[j-2] && s[i-2] == t[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last, row = last, row, before
	}
	return last[len(t)]
}

// oneOf words what to write instead of name.
func oneOf(name string, candidates []string) string {
	if near := Suggest(name, candidates); len(near) > 0 {
		return fmt.Sprintf("did you mean %s?", strings.Join(near, " or "))
	}
	if len(candidates) == 0 {
		return "there is none yet: add it first"
	}
	shown := candidates[:min(len(candidates), 12)]
	more := ""
	if len(shown) < len(candidates) {
		more = ", …"
	}
	return "write one of " + strings.Join(shown, ", ") + more
}
