// Package redact takes secrets out of text and is the only maker of Text, the only kind of text that a renderer accepts.
package redact
