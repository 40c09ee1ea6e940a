// Package guard answers three small questions quickly, "seen before?", "how often?" and "what was that?", from Redis or from memory; its answers are hints, never the reason to drop or to do anything twice.
package guard
