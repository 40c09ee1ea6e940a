package k8sops

import (
	"regexp"
	"strings"
)

// command writes a kubectl command that a person can paste, whole: context, namespace and object.
func (c *Cluster) command(namespace string, args ...string) string {
	words := append([]string{"kubectl", "--context", c.kubeContext, "-n", namespace}, args...)
	for i, w := range words {
		words[i] = Quoted(w)
	}
	return strings.Join(words, " ")
}

var plain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// Quoted protects a word from a POSIX shell.
func Quoted(w string) string {
	if plain.MatchString(w) {
		return w
	}
	return "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
}
