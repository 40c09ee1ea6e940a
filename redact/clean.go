package redact

import "strings"

// Mark stands where a secret was.
const Mark = "[redacted]"

// maxPasses bounds how often what is left is looked at again; ordinary text needs one look, text with secrets two.
const maxPasses = 6

// Clean returns s without the secrets that the rules know, as valid UTF-8. Names of keys, schemes, hosts and users stay readable, and so do
// the identifiers that an engineer needs: UUIDs, digests, commit and trace IDs, names of pods. It is idempotent and never fails; its cost
// is linear in len(s).
func Clean(s string) Text {
	s = strings.ToValidUTF8(s, "\uFFFD")
	for range maxPasses {
		next := pass(s, 0)
		if next == s {
			break
		}
		s = next
	}
	return Text{s}
}

// maxDepth is how many layers of base64 or URL encoding are opened.
const maxDepth = 2

// pass takes out what one look finds. Keys come before shapes: what is named a password is one, whatever it looks like.
func pass(s string, depth int) string {
	s = cleanPEM(s)
	s = cleanPairs(s)
	s = cleanURLs(s)
	s = cleanRegistries(s)
	s = cleanShapes(s)
	return cleanRuns(s, depth)
}
