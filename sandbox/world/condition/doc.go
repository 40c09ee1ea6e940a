// Package condition is a world's record of what is broken in it on purpose.
package condition
