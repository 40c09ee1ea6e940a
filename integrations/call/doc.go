// Package call makes one bounded HTTP call of an outside system and says truly what became of it.
package call
