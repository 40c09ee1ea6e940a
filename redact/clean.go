package redact

import "regexp"

// Mark stands where a secret was.
const Mark = "[redacted]"

// Clean returns s without the secrets that the rules know. It is idempotent and never fails; its cost is linear in len(s).
func Clean(s string) Text {
	for _, r := range rules {
		s = r.pattern.ReplaceAllString(s, r.with)
	}
	return Text{s}
}

type rule struct {
	name    string
	pattern *regexp.Regexp
	with    string
}

var rules = []rule{
	{"private key", regexp.MustCompile(`(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)`), Mark},
	{"password in URL", regexp.MustCompile(`([a-zA-Z][a-zA-Z0-9+.-]*://[^\s:/@]*:)[^\s@/]+@`), "${1}" + Mark + "@"},
	{"authorization header", regexp.MustCompile(`(?i)\b(bearer|basic|token|oauth)(\s+)[a-z0-9._~+/=-]{8,}`), "${1}${2}" + Mark},
	{"JWT", regexp.MustCompile(`\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]*`), Mark},
}
