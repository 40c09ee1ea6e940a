package redact

import (
	"slices"
	"strings"
)

// stems are what a key must hold at all to be looked at further; they keep the common case cheap.
var stems = []string{"pass", "pwd", "secret", "token", "key", "cred", "authorization", "cookie", "mnemonic", "seed", "masterauth", "last-applied", "signature"}

// names are parts of a key, written together, that make its value a secret.
var names = []string{
	"password", "passwd", "passphrase", "requirepass", "masterauth", "pgpass", "apikey", "accesskey", "secretkey", "privatekey", "signingkey", "encryptionkey",
	"masterkey", "accountkey", "authkey", "servicekey", "keydata", "credential", "mnemonic", "seedphrase", "lastappliedconfiguration", "amzsignature", "amzsecuritytoken",
}

// words make the value a secret where they stand alone in a key (DB_PWD, clientSecret).
var words = []string{"pwd", "pass", "secret", "token", "creds", "authorization", "cookie"}

// neutral last words say that the value is about a secret, not the secret: secretName, tokenExpirationSeconds, password_policy.
var neutral = []string{
	"name", "names", "ref", "count", "file", "path", "dir", "type", "kind", "expiration", "expires", "expiry", "expired", "ttl", "seconds", "minutes", "length", "len", "policy", "id",
	"url", "uri", "version", "required", "enabled", "disabled", "mode", "method", "endpoint", "size", "limit", "used", "usage", "age", "rotation", "provider", "store", "class", "namespace",
	"status", "error", "errors", "valid", "invalid", "attempts", "tokens", "secrets", "keys", "source", "format", "issuer", "audience", "at", "reset", "failed", "failures", "length", "encoder",
	"encryption", "algorithm", "server", "client", "service", "controller", "manager", "request", "requests", "response", "timeout", "header", "go", "py", "js", "ts", "java", "rs", "yaml", "json",
}

// secretKey reports whether the value of key is a secret by its name.
func secretKey(key string) bool {
	lower := strings.ToLower(key)
	if !slices.ContainsFunc(stems, func(stem string) bool { return strings.Contains(lower, stem) }) {
		return false
	}
	parts := keyWords(key)
	if len(parts) == 0 {
		return false
	}
	joined := strings.Join(parts, "")
	last := parts[len(parts)-1]
	if slices.Contains(neutral, last) && !strings.HasSuffix(joined, "secretid") && len(parts) > 1 {
		return false
	}
	if slices.ContainsFunc(names, func(n string) bool { return strings.Contains(joined, n) }) {
		return true
	}
	return slices.ContainsFunc(words, func(w string) bool { return slices.Contains(parts, w) })
}

// keyWords splits db_password, dbPassword and DB-Password alike, in lower case.
func keyWords(key string) []string {
	var out []string
	begin := 0
	cut := func(end int) {
		if end > begin {
			out = append(out, strings.ToLower(key[begin:end]))
		}
	}
	for i := range len(key) {
		switch c := key[i]; {
		case c == '_' || c == '-' || c == '.' || c == '/':
			cut(i)
			begin = i + 1
		case i > begin && upper(c) && (lower(key[i-1]) || digit(key[i-1])), i > begin && upper(c) && i+1 < len(key) && lower(key[i+1]) && upper(key[i-1]):
			cut(i)
			begin = i
		}
	}
	cut(len(key))
	return out
}

func upper(c byte) bool { return c >= 'A' && c <= 'Z' }
func lower(c byte) bool { return c >= 'a' && c <= 'z' }
func digit(c byte) bool { return c >= '0' && c <= '9' }

// header reports whether key is an HTTP header whose value runs to the end of its line.
func header(key string) bool {
	k := strings.ToLower(key)
	return strings.HasSuffix(k, "authorization") || strings.HasSuffix(k, "cookie")
}

// opaque reports whether the whole value of key is taken out, also when it is a structure: a copy of an object that may hold anything.
func opaque(key string) bool { return strings.HasSuffix(key, "last-applied-configuration") }

func scheme(s string) bool {
	switch strings.ToLower(s) {
	case "bearer", "basic", "token", "digest", "negotiate", "apikey", "oauth":
		return true
	}
	return false
}

// harmless are values that stand for the absence of a secret or for one that is elsewhere.
var harmless = []string{"", "true", "false", "null", "nil", "none", "yes", "no", "undefined", "unset", "<nil>", "<none>", "<unset>", "<redacted>", "(nil)", "(none)", "(sensitive", "[redacted]", "redacted", "...", "…", "-"}

// prose are words that follow "token:" and "secret:" in messages about them. They say nothing after "password", which stays strict.
var prose = []string{
	"invalid", "expired", "missing", "not", "signature", "unexpected", "failed", "is", "was", "has", "unauthorized", "malformed", "revoked", "required", "unknown", "denied", "error", "the", "a",
	"could", "couldn't", "cannot", "can't", "unable", "found", "jwt", "crypto", "illegal", "eof", "must", "no", "bad", "empty", "rpc", "context", "secrets", "secret", "token", "failure", "refresh", "pod", "get", "post", "serviceaccount", "serviceaccounts", "401", "403", "404", "500", "x509", "oauth2", "square/go-jose", "request",
}

// placeholder reports whether a value begins as one that stands for another: a template, a variable in braces, or kubectl describe's
// <set to the key …>. It looks at the beginning only, so that the end of the value need not be found first.
func placeholder(value string, quoted bool) bool {
	return !quoted && (strings.HasPrefix(value, "<") || strings.HasPrefix(value, "(sensitive")) ||
		strings.HasPrefix(value, "$(") || strings.HasPrefix(value, "${") || strings.HasPrefix(value, "{{")
}

// unlessHarmless returns s[a:b] as it came, or nothing when that is no secret.
func unlessHarmless(s string, a, b int, key string, quoted bool) (int, int) {
	v := strings.ToLower(s[a:min(b, a+64)])
	lowerKey := strings.ToLower(key)
	if b-a < 64 && (slices.Contains(harmless, strings.Trim(v, ",;")) || strings.Trim(v, "*•x ") == "" || variable(s[a:b])) {
		return 0, 0
	}
	if !quoted && (strings.HasSuffix(lowerKey, "token") || strings.HasSuffix(lowerKey, "secret")) {
		first := strings.Trim(v[:indexOr(v, " \t\n", len(v))], ",;:.'\"")
		if slices.Contains(prose, first) || len(first) < 2 {
			return 0, 0
		}
	}
	if lowerKey == "pass" && b-a < 7 && strings.Trim(v, "0123456789,;%") == "" {
		return 0, 0 // "pass: 12, fail: 0"
	}
	return a, b
}

// variable reports whether v is $NAME, a reference that a shell or a kubelet fills in.
func variable(v string) bool {
	return len(v) > 1 && v[0] == '$' && strings.Trim(v[1:], "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == ""
}
