// Package card holds the words that a handler answers with: what is said, never how a screen shows it.
package card
