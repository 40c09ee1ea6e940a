package redact

import "strings"

// cleanURLs takes passwords out of scheme://user:password@host, also where the password was not encoded and holds @, / or ?, and lone
// tokens out of scheme://token@host.
func cleanURLs(s string) string {
	var out strings.Builder
	done, from := 0, 0
	for {
		i := strings.Index(s[from:], "://")
		if i < 0 {
			break
		}
		i += from
		from = i + 3
		if i == 0 || !(lower(s[i-1]) || upper(s[i-1]) || digit(s[i-1])) {
			continue
		}
		if a, b := urlSecret(s, from); b > a {
			out.WriteString(s[done:a])
			out.WriteString(Mark)
			done, from = b, b
		}
	}
	if done == 0 {
		return s
	}
	out.WriteString(s[done:])
	return out.String()
}

// maxURL bounds how far the end of one address is looked for.
const maxURL = 4096

// urlSecret finds the password of the URL whose authority begins at start.
func urlSecret(s string, start int) (a, b int) {
	rest := s[start:min(len(s), start+maxURL)]
	end := start + indexOr(rest, " \t\r\n\"'`<>\\", len(rest))
	if next := strings.Index(s[start:end], "://"); next >= 0 { // the next address of a list
		if cut := strings.LastIndexAny(s[start:start+next], ",;|&"); cut >= 0 {
			end = start + cut
		}
	}
	run := s[start:end]
	authority := run[:indexOr(run, "/?#", len(run))]
	at := strings.LastIndexByte(authority, '@')
	colon := strings.IndexByte(authority, ':')
	if at < 0 {
		// No @ before the path. Either this is an ordinary host, or the password itself holds a slash: then what stands behind the colon
		// is no port.
		at = strings.LastIndexByte(run, '@')
		if at < 0 || colon < 0 || strings.HasPrefix(authority, "[") || strings.Trim(authority[colon+1:], "0123456789") == "" {
			return 0, 0
		}
	}
	switch {
	case colon >= 0 && colon < at:
		a, b = start+colon+1, start+at
	case at >= 16 && looksRandom(authority[:at], 16):
		a, b = start, start+at
	}
	if b <= a || s[a:b] == Mark || strings.Trim(s[a:b], "*x") == "" || strings.HasPrefix(s[a:b], "$") || strings.HasPrefix(s[a:b], "<") {
		return 0, 0
	}
	return a, b
}
