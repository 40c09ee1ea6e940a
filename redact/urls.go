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
		if at < 0 && colon >= 0 && end == len(s) && !strings.HasPrefix(authority, "[") {
			return cutPassword(s, start+colon+1)
		}
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

// cutPassword takes the rest of a text for a password when the text ends before any @: the API server cuts messages of events at 1,024 bytes, and
// others cut wherever they like. What begins as a port is one.
func cutPassword(s string, a int) (from, to int) {
	b := len(strings.TrimRight(s, ".…"))
	if a >= b || strings.IndexByte("$%<{[*", s[a]) >= 0 {
		return 0, 0
	}
	digits := 0
	for a+digits < b && digit(s[a+digits]) {
		digits++
	}
	if digits > 0 && (a+digits == b || !lower(s[a+digits]) && !upper(s[a+digits])) {
		return 0, 0
	}
	return a, b
}

// cleanRegistries takes passwords out of user:password@host/path, as people write them in front of an image: no scheme says that it is an address.
// The host must be one with a dot or a port, and a path behind it, so that times, digests and accounts stay.
func cleanRegistries(s string) string {
	var out strings.Builder
	done := 0
	for from := 0; ; {
		i := strings.IndexByte(s[from:], '@')
		if i < 0 {
			break
		}
		at := from + i
		from = at + 1
		if !hostAndPath(s[from:min(len(s), from+maxURL)]) {
			continue
		}
		start := max(done, at-maxURL)
		if b := strings.LastIndexAny(s[start:at], " \t\r\n\"'`<>(){}[],;|=/\\"); b >= 0 {
			start += b + 1
		}
		colon := strings.IndexByte(s[start:at], ':')
		if colon < 1 || start+colon+1 >= at || strings.Trim(s[start+colon+1:at], "0123456789.:") == "" {
			continue
		}
		out.WriteString(s[done : start+colon+1])
		out.WriteString(Mark)
		done = at
	}
	if done == 0 {
		return s
	}
	out.WriteString(s[done:])
	return out.String()
}

// hostAndPath reports whether s begins with HOST.TLD/ or HOST:PORT/.
func hostAndPath(s string) bool {
	end := strings.IndexByte(s, '/')
	if end < 1 {
		return false
	}
	host, port, numbered := strings.Cut(s[:end], ":")
	if numbered && (port == "" || strings.Trim(port, "0123456789") != "") || !numbered && !strings.Contains(host, ".") {
		return false
	}
	for i := range len(host) {
		if c := host[i]; !lower(c) && !upper(c) && !digit(c) && c != '.' && c != '-' {
			return false
		}
	}
	return host != "" && host[0] != '.' && host[0] != '-'
}
